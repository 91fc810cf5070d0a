"""Laws on the call itself: 23 purity, 24 determinism."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case
from xentcheck.properties.law import Found, Violation, law
from xentcheck.properties.twins import AFTER, twins, unlike
from xentcheck.targets.outcome import OBSERVATIONS

ALONE = "asked for its loss alone"


@law(
    23,
    "purity",
    "A call leaves its inputs, earlier results, numpy, the floating-point environment and global seeds alone.",
    sources="Liger-Kernel 343; unsloth 5002; keras 15271; pytorch 17350",
    needs="any",
    asks=False,
)
def purity(case: Case) -> Iterator[Violation]:
    """What the process beside the target saw before, during and after the call."""
    if case.usable:
        case.looked()
    for seen in case.answer.outcome.observations:
        yield Violation(OBSERVATIONS[seen], case.batch, got=seen)


@law(
    24,
    "determinism",
    "The same batch gives the same answer again, whatever was asked in between.",
    sources="pytorch 17350; keras 15271; pytorch 111484",
    needs="any",
)
def determinism(case: Case) -> Iterator[Found]:
    """Another batch in between, then the batch again; its loss alone; its gradient alone, after the other's loss.

    A loss that is asked alone may take another path than beside its gradient: that of a function of its own, or where
    nothing is to be differentiated.

    At last a batch near it, after one that has so much in common with that that a memory of answers may take the one
    for the other.

    A gradient takes scores and labels itself, so what the last loss left behind must not matter to it. Answers that
    differ within the allowance are no violation: a legitimate sum may depend on alignment and threads. They are
    observed.
    """
    batch, other = case.batch, _other(case)
    answered = case.answer.outcome.raised is None  # of a batch that is being reduced this is the first question
    if other is not None:
        case.ask(other, judged=False)
    again = case.ask(batch)
    yield case.judge(again, "asked a second time")
    # Of one that raised a gradient that is wrong alone, too, would be blamed on the order.
    if answered and len(case.want) > 1 and case.may_compile:
        yield case.judge(case.ask(batch, want=("loss",)), ALONE)
        if other is not None:
            case.ask(other, want=("loss",), judged=False)
            late = case.ask(batch, want=("gradient",))
            yield case.judge(late, "asked for its gradient after the loss of another batch")
    yield _noted(case, again)
    found = twins(case)
    if found is not None:
        near, (alike, said) = found
        case.ask(alike, judged=False)
        yield _of_twins(case, near, case.ask(near), f"{AFTER}{said}")


_LITTLE = 4.0
"""Allowances up to which rounding explains what is wrong."""


def _of_twins(case: Case, near: Batch, answer: Answer, title: str) -> Iterator[Violation]:
    """Yield what is wrong with a batch after its twin, unless it is so with batches hardly different, of no twin.

    Nor where it is little: an inaccurate target may be so on this batch alone, and a memory gives another's answer.
    """
    for broken in case.judge(answer, title):
        if broken.times is not None and broken.times < _LITTLE:
            continue
        others = [case.ask(other) for other in unlike(case, near)]
        if not any(broken_too for other in others for broken_too in case.judge(other, title)):
            yield broken


def _noted(case: Case, again: Answer) -> Iterator[Violation]:
    """Observe where the second answer differs from the first; that violates nothing."""
    for part in case.want:
        one, two = case.answer.numbers(part), again.numbers(part)
        if one is not None and two is not None and one.tobytes() != two.tobytes():
            spoken = case.contract.spoken(part)
            case.observe(f"the {spoken} of one and the same batch differs in its last bits from call to call")
    yield from ()


def _other(case: Case) -> Batch | None:
    """Return a valid batch of the same shape with other numbers, or None where that is not easily had.

    Logits are negated, their rows reversed, and the labels are others, whose weights have another sum; of probabilities
    the classes are reversed, so that rows keep their sum.
    """
    batch = case.batch
    if not np.all(np.isfinite(batch.scores.astype(np.float64))):
        return None
    if case.contract.input == "logits":
        return batch.replace(scores=-batch.scores[::-1], labels=_all_but_first(batch))
    if "label_probability" in (case.contract.domain or {}):
        return None
    return batch.replace(scores=batch.scores[:, ::-1])


def _all_but_first(batch: Batch) -> NDArray[Any]:
    """Return the labels of all rows but the first, and the second's once more, in reverse order."""
    return np.concatenate([batch.labels[1:], batch.labels[1:2]])[::-1] if batch.n > 1 else batch.labels
