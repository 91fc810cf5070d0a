"""What becomes of a logit before the softmax, by a temperature or a soft cap, whatever is added to the loss beside.

Of a row [s, 0, ..., 0] let s become a. By the label of s and by another the loss is

    smoothed:  L0 = l - c0 a,  L1 = l - c1 a   with  l = log(e^a + m - 1),  c0 + (m - 1) c1 = 1,
    z-loss:    L0 = l - a + lambda l^2,  L1 = l + lambda l^2,

whichever classes the smoothing goes over. So d = L1 - L0 is a beside a z-loss, and beside a smoothing a solves
l - (a - d)/m = L1, whose left side grows with a where a > 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from xentcheck.probing.digits import nice
from xentcheck.probing.questions import Questions

_SMALL, _ORDINARY, _LARGE = 1e-3, 1.0, 1e4
_STEPS = 200


def scales(questions: Questions) -> Iterator[dict[str, float]]:
    """Yield what temperature and soft cap may be: alone, beside a z-loss, and beside a smoothing."""
    if questions.contract.input != "logits" or questions.part != "loss":
        return
    seen = set()
    for read in (_alone, _beside_z_loss, _beside_smoothing):
        for scale in _read(questions, read):
            if (key := tuple(scale.items())) not in seen and all(0 < one < np.inf for one in scale.values()):
                seen.add(key)
                yield scale


def _read(questions: Questions, read: Callable[[Questions, float], float | None]) -> Iterator[dict[str, float]]:
    small, large, ordinary = (read(questions, size) for size in (_SMALL, _LARGE, _ORDINARY))
    if ordinary and ordinary > 0:
        yield {"temperature": nice(_ORDINARY / ordinary, questions.dtype)}
    if large and large > 0:
        yield {"soft_cap": nice(large, questions.dtype)}
        if small and small > 0:
            temperature = nice(_SMALL / small, "float32")
            yield {"soft_cap": nice(large * temperature, questions.dtype), "temperature": temperature}


def _alone(questions: Questions, size: float) -> float | None:
    """Return what the first logit becomes where nothing is added: log(e^L - (m - 1)) of the loss of another class."""
    loss = _loss(questions, size, 1)
    if loss is None:
        return None
    with np.errstate(all="ignore"):
        value = loss + np.log(-np.expm1(np.log(questions.m - 1.0) - loss))
    return float(value) if np.isfinite(value) else None


def _beside_z_loss(questions: Questions, size: float) -> float | None:
    of_another = _loss(questions, size, 1)
    if of_another is None or not 0 < of_another < np.inf:  # as of log-probabilities, of which no more is asked
        return None
    if (of_its_own := _loss(questions, size, 0)) is None:
        return None
    value = of_another - of_its_own
    return value if np.isfinite(value) else None


def _beside_smoothing(questions: Questions, size: float) -> float | None:
    apart, of_another = _beside_z_loss(questions, size), _loss(questions, size, 1)
    if apart is None or of_another is None or apart <= 0:
        return None
    m = questions.m

    def off(value: float) -> float:
        return float(np.logaddexp(value, np.log(m - 1.0))) - (value - apart) / m - of_another

    low, high = apart, 2.0 * apart
    while off(high) < 0 and high < 1e9 * apart:
        high *= 2.0
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if off(middle) < 0 else (low, middle)
    return 0.5 * (low + high)


def _loss(questions: Questions, size: float, label: int) -> float | None:
    """Return the loss of [size, 0, ...] for a label."""
    row = np.zeros((1, questions.m))
    row[0, 0] = size
    return questions.of_a_row(questions.batch(row, [label]))
