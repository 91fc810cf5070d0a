"""Truths of batches that laws derive are calculated together; what is decided is what each would decide by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties import batch_truth
from xentcheck.properties.batch_truth import Truth
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.targets.outcome import Outcome

CONTRACT = Contract(reduction="mean", empty_mean="zero")
BATCH = Batch(np.array([[0.5, 3.0, -2.0], [20.0, 1.0, 0.0]]), np.array([1, 2]))


class Off:
    """A host whose loss and gradient are off by some part of their allowance on all batches but the first."""

    def __init__(self, part: float) -> None:
        self.part, self.calls = part, 0

    def evaluate(self, batch: Batch, want: tuple[str, ...], *given: Any, **further: Any) -> Outcome:
        self.calls += 1
        part = self.part if self.calls > 1 else 0.0
        truth = Truth(CONTRACT, batch, None, True)
        assert truth.enclosed.gradient is not None
        with np.errstate(all="ignore"):
            loss = truth.enclosed.loss.hi + (part * truth.allowances.loss if part else 0.0)
            gradient = truth.enclosed.gradient.hi + (part * truth.allowances.gradient if part else 0.0)
        return Outcome(loss=loss.astype(batch.scores.dtype), gradient=gradient.astype(batch.scores.dtype))


def derived(dtype: str) -> list[Batch]:
    """Return other batches of as many classes: rows in another order, alone, none, moved."""
    batch = BATCH.replace(scores=BATCH.scores.astype(dtype))
    moved = batch.replace(scores=batch.scores + np.asarray(8.0, dtype))
    return [batch.rows([1, 0]), batch.rows([0]), batch.rows(slice(0, 0)), moved]


def judged(dtype: str, part: float, together: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], int]:
    """Return what is said of the derived batches, with all its numbers, and how often something was looked at."""
    with monkeypatch.context() as patched, np.errstate(all="ignore"):
        if not together:
            patched.setattr(batch_truth, "stacks", lambda problems: iter(()))
        case = Case(CONTRACT, Capabilities(gradient=True), Off(part), BATCH.replace(scores=BATCH.scores.astype(dtype)))
        assert case.answer.violation("loss") is None
        answers = [case.ask(batch) for batch in derived(dtype)]
        found = [violation for answer in answers for violation in case.judge(answer, "derived")]
    assert [one.truth.quick is not None for one in answers] == [together and dtype == "float64"] * 4
    said = [(one.batch.n, one.part, str(one.got), one.certified, one.allowance, one.times) for one in found]
    return said, case.looks


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("part", "broken"), [(0.0, 0), (0.8, 0), (2.0, 6), (np.nan, 6), (np.inf, 6)])
def test_all_is_as_without_company(dtype: str, part: float, broken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is outside is found, loss and gradient of the three batches that have rows, and nothing else."""
    said, looks = judged(dtype, part, True, monkeypatch)
    assert len([one for one in said if one[0]]) == broken
    assert (said, looks) == judged(dtype, part, False, monkeypatch)


def test_what_has_no_bound_is_not_looked_at_for_being_enclosed() -> None:
    """A gradient that nothing is promised of is no example of a law."""
    far = np.array([[1.7e308, -1.7e308], [0.0, 1.0]])
    batch = Batch(far, np.array([0, 1]))
    case = Case(CONTRACT, Capabilities(gradient=True), Off(0.0), batch)
    assert case.answer.outcome.gradient is not None
    answer = case.ask(batch.rows([1, 0]))
    other = case.ask(batch.rows([0, 1, 1]))
    case._prepare()
    for one in (answer, other):
        assert one.truth.quick is not None
        assert (one.allowances.gradient == np.inf).any()
        assert not one._is_quickly_right("gradient")


@pytest.mark.parametrize(("part", "shown"), [(0.0, True), (0.5, True), (2.0, False)])
def test_what_is_well_inside_is_shown_to_be_by_the_enclosures_made_together(part: float, shown: bool) -> None:
    """What is outside is left to the enclosures of the batch itself."""
    case = Case(CONTRACT, Capabilities(gradient=True), Off(part), BATCH)
    assert case.answer.outcome.loss is not None
    answers = [case.ask(batch) for batch in derived("float64")[:2]]
    case._prepare()
    assert [one._is_quickly_right(name) for one in answers for name in ("loss", "gradient")] == [shown] * 4
