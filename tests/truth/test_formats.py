"""The formats are those that numpy and ml_dtypes calculate in."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from xentcheck.truth.formats import FORMATS


@pytest.mark.parametrize("name", FORMATS)
def test_limits_are_those_of_the_dtype(name: str) -> None:
    """Largest, smallest normal and subnormal number, unit roundoff."""
    format_ = FORMATS[name]
    limits = ml_dtypes.finfo(format_.dtype)
    assert format_.largest == float(limits.max)
    assert format_.smallest_normal == float(limits.smallest_normal)
    assert format_.smallest_subnormal == float(limits.smallest_subnormal)
    assert format_.unit_roundoff == float(limits.eps) / 2.0
    small = format_.smallest_normal
    assert format_.ulp(np.array([1.0, small, small / 2.0, 0.0])).tolist() == [
        float(limits.eps),
        format_.smallest_subnormal,
        format_.smallest_subnormal,
        format_.smallest_subnormal,
    ]
