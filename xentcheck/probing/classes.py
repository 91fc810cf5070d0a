"""Whether a target is made for one number of classes: as with a list of theirs, or the size of a vocabulary."""

from __future__ import annotations

from xentcheck.batches.batch import Batch
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said

REFUSED = "and others refused"
"""What the evidence says of it."""
_LEAST = 3


def find_classes(questions: Questions, inference: Inference) -> None:
    """Tell that a target takes no other number of classes than the one it answered, where it refuses one more and less.

    With two classes, a target that refuses three is made for two.
    """
    m = questions.m
    others = [_with(questions, other) for other in ((m - 1, m + 1) if m >= _LEAST else (m + 1,))]
    outcomes = [questions.ask(batch) for batch in others]
    if any(outcome.raised is None and not outcome.died for outcome in outcomes):
        return
    came = "; ".join(f"{batch.m}: {said(outcome)}" for batch, outcome in zip(others, outcomes, strict=True))
    inference.tell("domain", {"classes": [m, m]}, f"{m} classes are answered, {REFUSED}: {came}")


def _with(questions: Questions, m: int) -> Batch:
    """Return two ordinary rows with another number of classes."""
    before, questions.m = questions.m, m
    try:
        return questions.plain(2)
    finally:
        questions.m = before
