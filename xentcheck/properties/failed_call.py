"""What a call that gave no answer is: a violation, a clean refusal, or as good an answer as infinity."""

from __future__ import annotations

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.contract.harmless import BRIEF, first_line, harmless
from xentcheck.properties.answer import Answer
from xentcheck.properties.law import Violation
from xentcheck.targets.outcome import Outcome


def refuses_label_dtype(contract: Contract, batch: Batch, outcome: Outcome) -> bool:
    """Return whether an exception is the clean refusal of a label dtype that is not the plain one: no finding.

    The plain one is int64 for class numbers and that of the scores for one-hot and soft labels.
    """
    declared = contract.label_dtypes if batch.label_form == "sparse" else contract.dense_label_dtypes
    return (
        outcome.raised is not None
        and declared in ("integers", "numbers")
        and batch.labels.dtype != batch.plain_label_dtype
    )


def sum_overflows(answer: Answer) -> bool:
    """Return whether the exact losses of a finite batch, or their sum before any division, leave its format.

    An exception of arithmetic is then as good an answer as inf: `math.fsum` raises OverflowError where its exact
    result exceeds the largest number, and numpy raises FloatingPointError under ``errstate(over="raise")``.
    """
    batch = answer.batch
    if not batch.n or not np.all(np.isfinite(batch.scores.astype(np.float64))):
        return False
    low, high = answer.enclosed.rows.bounds()
    with np.errstate(all="ignore"):
        sizes = np.maximum(np.abs(low), np.abs(high))
        total = sizes.max() if answer.contract.reduction == "none" else sizes.sum()
        # Allowed for is what the sum's own roundings may add: n units of the last place.
        reach = total * (1.0 + batch.n * 2.0**-answer.problem.format.precision)
    return bool(reach > answer.problem.format.largest)


def failed_call(answer: Answer, title: str = "") -> Violation | None:
    """Return the violation that an exception, a crash or a hang on a valid batch is, or None."""
    outcome = answer.outcome
    lead = f"{title}, " if title else ""
    if outcome.died:
        title = f"{lead}the process running the target ended: {outcome.died}"
        how = outcome.died.partition(" within ")[0]  # a hang is a hang, however long it was waited for
        return Violation(title, answer.batch, got=outcome.died, event=f"ended: {how}")
    if outcome.raised is None or refuses_label_dtype(answer.contract, answer.batch, outcome):
        return None
    if answer.truth.unspecified:
        return None  # a mean of nothing, about which the contract says nothing: an exception will do
    raised = outcome.raised
    if raised.kind in ("OverflowError", "FloatingPointError") and sum_overflows(answer):
        return None
    said = f"{raised.kind}: {raised.message}".strip().rstrip(":")
    verb = "could not be read as numbers" if raised.call == "convert" else f"raised from its {raised.call}"
    place = f" ({raised.where})" if raised.where else ""
    # Under an error state of "raise" any line may raise a FloatingPointError: the place is then no mark.
    mark = raised.kind if raised.kind == "FloatingPointError" else f"{raised.kind}{place}"
    brief = harmless(first_line(said), BRIEF)
    return Violation(f"{lead}the target {verb}: {brief}{place}", answer.batch, got=said, event=f"raised {mark}")
