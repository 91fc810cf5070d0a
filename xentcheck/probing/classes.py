"""Whether a target is made for one number of classes: as with a list of theirs, or the size of a vocabulary."""

from __future__ import annotations

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.probing.compare import answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.names import stated_classes
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said, shown
from xentcheck.targets import Outcome

_LEAST = 3


def find_classes(questions: Questions, inference: Inference) -> None:
    """Tell that a target takes no other number of classes than the one it answered, where it refuses one more and less.

    With two classes, a target that refuses three is made for two.
    """
    if came := _refused_others(questions):
        m = questions.m
        inference.tell("domain", {"classes": [m, m]}, f"{m} classes are answered, and others refused: {came}")
        inference.classes = m


def suppose_classes(questions: Questions, inference: Inference) -> None:
    """Tell the same of a target whose answers no convention explains."""
    if came := _refused_others(questions):
        m = questions.m
        inference.suppose("domain", {"classes": [m, m]}, f"{m} classes are answered, and others refused: {came}")
        inference.classes = m


def _refused_others(questions: Questions) -> str:
    """Return what came of one class more and one less, where both are refused; "" where one is answered."""
    m = questions.m
    others: list[tuple[Batch, Outcome]] = []
    for other in (m + 1, m - 1) if m >= _LEAST else (m + 1,):
        batch = _with(questions, other)
        outcome = questions.ask(batch)
        if outcome.raised is None and not outcome.died:
            return ""  # most are answered, and nothing more is asked
        others.append((batch, outcome))
    return "; ".join(f"{batch.m}: {said(outcome)}" for batch, outcome in others)


def find_odd_classes(questions: Questions, inference: Inference) -> None:
    """Tell that a target is explained with one number of classes, where it answers others by no convention.

    As one that was told how many there are, or that is a cross-entropy of two classes alone. What its object says that
    it was made for is a fact.
    """
    m = questions.m
    if questions.part != "loss" or "domain" in inference.findings or not (questions.narrow or m < _LEAST):
        return
    batch = _with(questions, m + 1)
    if questions.ask(batch).raised is not None or questions.agrees(batch):
        return
    expected = answered(questions.predict(batch))
    stated = m in stated_classes(questions.host.settings())
    why = f"; {m} is what its object says that it was made for" if stated else ""
    inference.tell(
        "domain",
        {"classes": [m, m]},
        f"{m} classes are explained, and no others: {shown(batch)}: {questions.came(batch)}, where {expected} is "
        f"expected{why}",
    )
    inference.classes = m if stated else 0


def note_refused_classes(questions: Questions, inference: Inference) -> None:
    """Say that one class or two are refused, where three are not; a new shape that is compiled is not worth asking."""
    if "domain" in inference.findings or questions.m < _LEAST or questions.description.expensive_shapes:
        return
    one = {"logits": 0.5, "probabilities": 1.0}.get(questions.contract.input, 0.0)
    batches = [questions.batch(np.full((2, 1), one), (0, 0)), _with(questions, 2)]
    questions.ask_all(batches)
    refused = {batch.m: questions.ask(batch) for batch in batches}
    words = [f"{m} ({said(outcome)})" for m, outcome in refused.items() if outcome.raised is not None]
    if words:
        inference.notes.append(
            f"Where three classes are answered, fewer are refused: {' and '.join(words)}. `check` tries one and two; a "
            "target that states that it takes no fewer declares it by `domain`."
        )


def _with(questions: Questions, m: int) -> Batch:
    """Return two ordinary rows with another number of classes."""
    before, questions.m = questions.m, m
    try:
        return questions.plain(2)
    finally:
        questions.m = before
