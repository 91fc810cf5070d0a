"""A constant added to what a sum is divided by, so that nothing is divided by 0: no key of a contract, but a habit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from xentcheck.batches.batch import Batch
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import shown
from xentcheck.probing.solved import constant

_MOST = 1e-2
_BLUR = 1e-14
"""How far off, relative to a divisor, a constant may be that is read off two numbers in float64."""


def find_guard(
    questions: Questions, inference: Inference, batches: Sequence[Batch], changes: Sequence[Mapping[str, Any]]
) -> bool:
    """Return whether an addition to the divisor explains some batches, of different divisors; it is noted then.

    Parameters
    ----------
    questions : Questions
        From then on what is said of a batch has the addition.
    inference : Inference
    batches : sequence of Batch
    changes : sequence of dict
        Keys of the contract under which it may explain them, the plainest first.
    """
    if questions.guard or questions.part != "loss":
        return False
    for change in changes:
        found = _addition(questions, batches, change)
        if found is None:
            continue
        without, got = float(questions.predict(batches[0], **change)), questions.numbers(batches[0])
        questions.guard = found
        inference.notes.append(
            f"To what the sum is divided by {found:g} is added, which no contract says, so that `check` finds the "
            f"difference in float64: {shown(batches[0])} gives {got:.12g} in place of {without:.12g}."
        )
        return True
    return False


def _addition(questions: Questions, batches: Sequence[Batch], change: Mapping[str, Any]) -> float | None:
    """Return what has to be added to the divisor of each batch, the same in all; None where there is no such number."""
    found: list[tuple[float, float]] = []
    for batch in batches:
        got, by = questions.numbers(batch), questions.divided_by(batch, **change)
        wanted = questions.predict(batch, **change)
        if got is None or got.shape != () or by is None or by <= 0.0 or not float(got):
            return None
        found.append((by, by * float(wanted / got - 1.0)))
    first = found[0][1]
    if len({by for by, _ in found}) == 1 or not 0.0 < first <= _MOST:
        return None
    if any(abs(each - first) > 2.0 * _BLUR * by + 1e-6 * first for by, each in found):
        return None
    return constant(first, 0.0, near=2.0 * _BLUR * found[0][0] / first)
