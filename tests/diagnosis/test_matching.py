"""How far predictions are from answers."""

from __future__ import annotations

import numpy as np

from xentcheck.diagnosis.matching import distance


def test_numbers_that_are_not_finite_are_at_no_distance_or_at_an_infinite_one() -> None:
    """Without a warning, which a user would see beside the report, and which a strict run takes for an error."""
    one = np.array([1.0, np.inf, np.inf, np.nan, np.nan, -np.inf])
    other = np.array([1.5, np.inf, -np.inf, np.nan, 0.0, 2.0])
    assert distance(one, other).tolist() == [0.5, 0.0, np.inf, 0.0, np.inf, np.inf]
