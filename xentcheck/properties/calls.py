"""Laws on the call itself: 23 purity, 24 determinism."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.properties.case import Case
from xentcheck.properties.law import Violation, law
from xentcheck.targets.outcome import OBSERVATIONS


@law(
    23,
    "purity",
    "A call leaves its inputs, earlier results, the floating-point environment and global seeds alone.",
    sources="Liger-Kernel 343; unsloth 5002; keras 15271; pytorch 17350",
    needs="any",
)
def purity(case: Case) -> Iterator[Violation]:
    """What the process beside the target saw before, during and after the call."""
    for seen in case.answer.outcome.observations:
        yield Violation(OBSERVATIONS[seen], case.batch, got=seen)


@law(
    24,
    "determinism",
    "The same batch gives the same answer again, whatever was asked in between.",
    sources="pytorch 17350; keras 15271; pytorch 111484",
    needs="any",
)
def determinism(case: Case) -> Iterator[Violation]:
    """The batch with its rows reversed and negated in between, then the batch itself again.

    Answers that differ within the allowance are no violation: a legitimate sum may depend on alignment and
    threads. They are observed.
    """
    batch = case.batch
    first = case.answer
    if case.contract.input == "logits" and np.all(np.isfinite(batch.scores.astype(np.float64))):
        case.ask(batch.replace(scores=-batch.scores[::-1], labels=batch.labels[::-1]))
    again = case.ask(batch)
    yield from case.judge(again, "asked a second time")
    for part in case.want:
        one, other = first.numbers(part), again.numbers(part)
        if one is not None and other is not None and one.tobytes() != other.tobytes():
            case.observe(f"the {part} of one and the same batch differs in its last bits from call to call")
