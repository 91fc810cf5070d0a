"""Whether a target is made for one number of classes: as with a list of theirs, or the size of a vocabulary."""

from __future__ import annotations

from xentcheck.batches.batch import Batch
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said
from xentcheck.targets import Outcome

_LEAST = 3


def find_classes(questions: Questions, inference: Inference) -> None:
    """Tell that a target takes no other number of classes than the one it answered, where it refuses one more and less.

    With two classes, a target that refuses three is made for two.
    """
    m = questions.m
    others: list[tuple[Batch, Outcome]] = []
    for other in (m + 1, m - 1) if m >= _LEAST else (m + 1,):
        batch = _with(questions, other)
        outcome = questions.ask(batch)
        if outcome.raised is None and not outcome.died:
            return  # most are answered, and nothing more is asked
        others.append((batch, outcome))
    came = "; ".join(f"{batch.m}: {said(outcome)}" for batch, outcome in others)
    inference.tell("domain", {"classes": [m, m]}, f"{m} classes are answered, and others refused: {came}")
    inference.classes = m


def _with(questions: Questions, m: int) -> Batch:
    """Return two ordinary rows with another number of classes."""
    before, questions.m = questions.m, m
    try:
        return questions.plain(2)
    finally:
        questions.m = before
