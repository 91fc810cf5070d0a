"""The constant of a boundary, solved for from the loss of one row, as it was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.probing.questions import Questions

_KNOWN = tuple(float(np.finfo(name).eps) for name in ("float64", "float32", "float16"))
_KNOWN += tuple(float(np.finfo(name).tiny) for name in ("float64", "float32", "float16"))
_FEW_DIGITS = 6
_BESIDE = ("z_loss", "label_smoothing", "class_weights")
"""Constants that change the loss of a row whose label has the probability 0."""
_STEPS = 4
LARGEST_LOSS = -float(np.log(np.finfo(np.float64).tiny))
"""-log of the smallest normal number."""


def solved(
    questions: Questions, batch: Batch, loss: float, boundary: Callable[[float], dict[str, Any]]
) -> tuple[float, float]:
    """Return -log of the constant of a boundary that gives the loss of a row, and how blurred, relatively, it is.

    It is the loss itself, unless a z-loss is added to it, or a constant smoothing and weights multiply it; all but
    linear in it the loss is then, too.

    Parameters
    ----------
    questions : Questions
    batch : Batch
        One row.
    loss : float
        What was returned for it.
    boundary : callable
        The boundary of a constant.
    """
    contract = questions.contract
    if all(key in contract.arguments or not getattr(contract, key) for key in _BESIDE):
        return loss, 0.0

    def predicted(logarithm: float) -> float:
        found = questions.predict(batch, boundary=boundary(float(np.exp(-logarithm))))
        return questions.once(float(found.reshape(-1)[0]))

    value, before, slope = 2.0, 1.0, 1.0
    at, at_before = predicted(value), predicted(before)
    for _ in range(_STEPS):
        if at in (at_before, loss) or not 0.0 < value < LARGEST_LOSS:
            break
        slope = (at - at_before) / (value - before)
        before, at_before = value, at
        value += (loss - at) / slope
        at = predicted(value) if 0.0 < value < LARGEST_LOSS else at
    return value, abs(loss / slope) * (2.0**-22 if loss == float(np.float32(loss)) else 2.0**-50)


def constant(value: float, loss: float, near: float = 0.0) -> float:
    """Return the number that a constant was written as, from a value that rounding has blurred.

    A decimal of a few digits, else an eps or a smallest number of a format, else the shortest decimal.

    Parameters
    ----------
    value : float
    loss : float
        -log of the constant, as returned; the rounding of it is the blur.
    near : float
        How far off, relatively, the value may be beside that.

    Examples
    --------
    >>> constant(np.exp(-16.11809565095832), 16.11809565095832)
    1e-07
    """
    blur = max(abs(loss) * 2.0**-51, 2.0**-51, near)
    if abs(loss - float(np.float32(loss))) == 0.0 and near == 0.0 and loss:  # calculated in 32 bits
        blur = max(blur, abs(loss) * 2.0**-22)
    for digits in range(_FEW_DIGITS):
        short = float(f"{value:.{digits}e}")
        if abs(short - value) <= blur * value:
            return short
    for known in _KNOWN:
        if abs(known - value) <= max(blur, 1e-12) * value:
            return known
    for digits in range(_FEW_DIGITS, 17):
        short = float(f"{value:.{digits}e}")
        if abs(short - value) <= blur * value:
            return short
    return value
