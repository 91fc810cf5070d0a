"""Laws of one key of the contract beside another key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xentcheck
from xentcheck.zoo.parts import row_losses


def weighted(scores: Any, labels: Any, v: Any) -> Any:
    """Return the sum of the losses of the rows that count."""
    counts = v != 0
    return (row_losses(scores[counts], labels[counts]) * v[counts]).sum(dtype=scores.dtype)


@pytest.mark.parametrize("nonfinite", [["-inf off the label"], ["-inf", "+inf", "nan"]])
def test_rows_of_weight_0_beside_masks(nonfinite: list[str]) -> None:
    """A row without weight holds whatever infinities are declared, by whichever word."""
    contract = {"row_weights": {"argument": "v"}, "reduction": "sum", "nonfinite": nonfinite, "dtypes": ["float64"]}
    report = xentcheck.check(weighted, contract=contract, properties=["row-weights"])
    assert report.verdict == "conforms"


def test_the_law_of_divisors_keeps_to_a_range() -> None:
    """It asks for no count that the target is not promised."""
    seen: set[float] = set()

    def divided(scores: Any, labels: Any, count: float) -> Any:
        seen.add(float(count))
        return row_losses(scores, labels).sum(dtype=scores.dtype) / scores.dtype.type(count)

    contract = {"divisor": {"argument": "count", "range": [2, 10]}, "reduction": "sum", "dtypes": ["float64"]}
    assert xentcheck.check(divided, contract=contract, properties=["divisor"]).verdict == "conforms"
    assert min(seen) == 2
    assert max(seen) == 10
    assert all(np.isfinite(count) for count in seen)
