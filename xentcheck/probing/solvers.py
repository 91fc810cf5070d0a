"""What constants a loss may have inside: solved for from few answers, each with what may stand beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from xentcheck.contract import ContractError
from xentcheck.probing.answers import Answer, hypotheses
from xentcheck.probing.compare import Floats
from xentcheck.probing.constant_weights import solve_weights
from xentcheck.probing.digits import DIGITS, nice
from xentcheck.probing.questions import Questions

_IN_WHICH_IT_IS_LINEAR: tuple[tuple[str, dict[str, Any]], ...] = (
    ("label_smoothing", {"smoothing_over": "all"}),
    ("label_smoothing", {"smoothing_over": "others"}),
    ("z_loss", {}),
)
_LARGEST_Z_LOSS = 10.0


def _linear(key: str, highest: float, **beside: Any) -> Callable[[Questions], Iterator[dict[str, Any]]]:
    """Return a solver for a constant below a number, in which the loss is linear."""

    def solve(questions: Questions) -> Iterator[dict[str, Any]]:
        batch = questions.plain(2)
        got = questions.numbers(batch)
        if got is None:
            return
        none, whole = (questions.predict(batch, None, **{key: amount, **beside}) for amount in (0.0, 1.0))
        place = np.unravel_index(np.argmax(np.abs(whole - none)), none.shape)
        if got.shape == none.shape and whole[place] != none[place]:
            value = float((got[place] - none[place]) / (whole[place] - none[place]))
            for known in dict.fromkeys((nice(value, "float32"), nice(value, questions.dtype))):  # the plainer one first
                if 0 < known < highest:  # with a smoothing of 1 no label counts
                    yield {key: known, **beside}

    return solve


def shows_constant(questions: Questions, one: Answer) -> bool:
    """Return whether an answer alone gives a constant of few digits, for which it is worth asking more."""
    if not np.all(np.isfinite(one.got)):
        return False
    for change in hypotheses(questions.part, one):
        for key, beside in _IN_WHICH_IT_IS_LINEAR:
            with suppress(ContractError):
                none, whole = (
                    questions.predict(one.batch, **{**one.how, **change, **beside, key: amount})
                    for amount in (0.0, 1.0)
                )
                if none.shape == one.got.shape and np.all(whole != none):
                    values = ((one.got - none) / (whole - none)).reshape(-1)
                    written = float(f"{values[0]:.{DIGITS}g}")
                    if 0 < written < 1 and np.all(np.abs(values - written) < 1e-7 * written):
                        return True
    return False


def _scale(questions: Questions) -> Iterator[dict[str, Any]]:
    """Solve for temperature and soft cap: log(e^L - (m - 1)) is what becomes of the logit a of [a, 0, ...]."""
    if questions.contract.input != "logits" or questions.part != "loss":
        return
    small, large = (_logit(questions, size) for size in (1e-3, 1e4))
    ordinary = _logit(questions, 1.0)
    if ordinary and ordinary > 0:
        yield {"temperature": nice(1.0 / ordinary, questions.dtype)}
    if large and large > 0:
        yield {"soft_cap": nice(large, questions.dtype)}
        if small and small > 0:
            temperature = nice(1e-3 / small, "float32")
            yield {"soft_cap": nice(large * temperature, questions.dtype), "temperature": temperature}


def _logit(questions: Questions, size: float) -> float | None:
    """Return what the first logit of [size, 0, ...] becomes before the softmax, read off the loss of another class."""
    row = np.zeros((1, questions.m))
    row[0, 0] = size
    loss = questions.of_a_row(questions.batch(row, [1]))
    if loss is None:
        return None
    with np.errstate(all="ignore"):
        value = loss + np.log(-np.expm1(np.log(questions.m - 1.0) - loss))
    return float(value) if np.isfinite(value) else None


def _smoothing_beside_z_loss(questions: Questions) -> Iterator[dict[str, Any]]:
    """Solve for both a smoothing and a z-loss, in which together the loss is linear."""
    if questions.contract.input != "logits":
        return
    numbers_of_rows = (2,) if questions.contract.reduction == "none" else (1, 2)  # two losses tell two constants
    batches = [questions.plain(n) for n in numbers_of_rows]
    for over in ("all", "others"):

        def of(smoothing: float, z_loss: float, over: str = over) -> Floats:
            changes = {"label_smoothing": smoothing, "smoothing_over": over, "z_loss": z_loss}
            return np.hstack([questions.predict(batch, None, **changes).reshape(-1) for batch in batches])

        answers = [questions.numbers(batch) for batch in batches]
        none = of(0.0, 0.0)
        got = np.hstack([np.zeros(0) if one is None else one.reshape(-1) for one in answers])
        if got.shape != none.shape or not np.all(np.isfinite(got)):
            return
        columns = np.stack([of(1.0, 0.0) - none, of(0.0, 1.0) - none], axis=1)
        smoothing, z_loss = (nice(float(one), "float32") for one in np.linalg.lstsq(columns, got - none, rcond=None)[0])
        if 0 < smoothing < 1 and 0 < z_loss < _LARGEST_Z_LOSS:
            yield {"label_smoothing": smoothing, "smoothing_over": over, "z_loss": z_loss}


SOLVERS = (
    _linear("label_smoothing", 1.0, smoothing_over="all"),
    _linear("label_smoothing", 1.0, smoothing_over="others"),
    _linear("z_loss", _LARGEST_Z_LOSS),
    _scale,
    solve_weights,
    _smoothing_beside_z_loss,
)
