"""What constants a loss may have inside: solved for from few answers, each with what may stand beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from xentcheck.contract import ContractError
from xentcheck.probing.added import solve_added, solve_added_beside_smoothing
from xentcheck.probing.answers import Answer, hypotheses
from xentcheck.probing.compare import Floats
from xentcheck.probing.constant_weights import solve_weights
from xentcheck.probing.digits import DIGITS, is_written, nice
from xentcheck.probing.linear import HIGHEST, IN_WHICH_IT_IS_LINEAR, solve_linear
from xentcheck.probing.questions import Questions
from xentcheck.probing.scales import scales

_BLURS = ((DIGITS, 1e-7), (DIGITS - 1, 1e-5))
"""Digits of a constant, and how far off, relatively, one answer may be: fewer of one that is a float32 within."""


def _smoothing(questions: Questions) -> Iterator[dict[str, Any]]:
    """Solve for a smoothing over all classes or the others, the plainer number first.

    For one number of classes alone each is one of the other kind, too.
    """
    found = [
        one
        for over in ("all", "others")
        for one in solve_linear(questions, "label_smoothing", {"smoothing_over": over})
    ]
    yield from sorted(found, key=lambda one: len(repr(one["label_smoothing"])))


def _z_loss(questions: Questions) -> Iterator[dict[str, Any]]:
    return solve_linear(questions, "z_loss", {})


def _scale_beside_another(questions: Questions) -> Iterator[dict[str, Any]]:
    """Solve for temperature and soft cap, and for a smoothing or a z-loss beside them, in which the loss is linear."""
    for scale in scales(questions):
        yield scale
        if not all(map(is_written, scale.values())):
            continue
        for key, beside in IN_WHICH_IT_IS_LINEAR:
            yield from solve_linear(questions, key, {**beside, **scale})


def shows_constant(questions: Questions, one: Answer) -> bool:
    """Return whether an answer alone gives a constant of few digits, for which it is worth asking more."""
    if not np.all(np.isfinite(one.got)):
        return False
    for change in hypotheses(questions.part, one):
        for key, beside in IN_WHICH_IT_IS_LINEAR:
            with suppress(ContractError):
                none, whole = (
                    questions.predict(one.batch, **{**one.how, **change, **beside, key: amount})
                    for amount in (0.0, 1.0)
                )
                if none.shape == one.got.shape and np.all(whole != none):
                    values = ((one.got - none) / (whole - none)).reshape(-1)
                    for digits, limit in _BLURS:
                        written = float(f"{values[0]:.{digits}g}")
                        if 0 < written < 1 and np.all(np.abs(values - written) < limit * written):
                            return True
    return False


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
        if 0 < smoothing < 1 and 0 < z_loss < HIGHEST["z_loss"]:
            yield {"label_smoothing": smoothing, "smoothing_over": over, "z_loss": z_loss}


SOLVERS = (
    solve_added,
    _smoothing,
    _z_loss,
    _scale_beside_another,
    solve_weights,
    _smoothing_beside_z_loss,
    solve_added_beside_smoothing,
)
