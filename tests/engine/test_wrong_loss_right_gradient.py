"""A wrong loss beside the certified gradient is one finding, and not a second one about the pair of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xentcheck
from xentcheck.zoo.parts import row_losses, softmax

CONTRACT = {"reduction": "sum", "domain": {"rows": [1, 3], "classes": [2, 4]}}


def bent(z: Any, y: Any) -> Any:
    """A loss that nothing names."""
    return np.sin(row_losses(z, y)).sum()


def gradient(z: Any, y: Any) -> Any:
    p = softmax(z)
    p[np.arange(len(y)), y] -= 1
    return p


def doubled(z: Any, y: Any) -> Any:
    return np.tanh(gradient(z, y))


def laws_of(derivative: Any, *properties: str) -> list[list[str]]:
    report = xentcheck.check(
        bent, derivative, contract=CONTRACT, properties=list(properties), dtypes=["float64"], profile="quick"
    )
    return [[one.property for one in (found, *found.also)] for found in report.findings]


@pytest.mark.slow
def test_the_pair_is_told_beneath_the_loss_where_the_gradient_is_right() -> None:
    """Without the law of values it stands alone, and where the gradient is wrong, too, it is not the loss's."""
    assert laws_of(gradient, "value", "own-gradient") == [["value", "own-gradient"]]
    assert laws_of(gradient, "own-gradient") == [["own-gradient"]]
    assert ["value", "own-gradient"] not in laws_of(doubled, "value", "own-gradient")
