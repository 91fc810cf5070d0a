"""A masked array says of some entries that they are no numbers, whatever lies beneath the mask."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.targets.call.convert import NotAnArrayError, host_array


@pytest.mark.parametrize(
    "value",
    [
        np.ma.masked,
        np.ma.masked_array([0.25, 0.5], mask=[False, True]),
        np.ma.log(np.array([0.0, 1.0])),
        np.ma.masked_array([0.25], mask=True).mean(),
    ],
)
def test_masked_entries_are_refused(value: object) -> None:
    """`numpy.asarray` would take what lies beneath: 0.0 for `numpy.ma.masked`."""
    with pytest.raises(NotAnArrayError, match="masked"):
        host_array(value)


def test_without_masked_entries_it_is_an_array_like_any() -> None:
    """Whether it has a mask of False or none."""
    for mask in (np.ma.nomask, [False, False]):
        assert host_array(np.ma.masked_array([0.25, 0.5], mask=mask)).tolist() == [0.25, 0.5]
