"""Truths of batches derived from one are kept while they are small; of a large one, its own and the last."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties import case as cases
from xentcheck.properties.batch_truth import Truth
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.targets.outcome import Outcome
from xentcheck.truth.stacked import LARGEST


class Mute:
    """A host that answers nothing."""

    def evaluate(self, *given: Any, **further: Any) -> Outcome:
        return Outcome()


@pytest.mark.parametrize(("largest", "kept"), [(6, 4), (5, 2)])
def test_how_many_are_kept(monkeypatch: pytest.MonkeyPatch, largest: int, kept: int) -> None:
    monkeypatch.setattr(cases, "LARGEST_SHARED", largest)
    batch = Batch(np.zeros((2, 3)), np.array([0, 1]))
    case = Case(Contract(), Capabilities(True, True, False, False, False), Mute(), batch)
    own = case.answer.truth
    for number in (1.0, 2.0, 3.0):
        last = case.ask(batch.replace(scores=batch.scores + number)).truth
    assert len(case._truths) == kept
    assert case.ask(batch.replace(scores=batch.scores + 3.0)).truth is last
    assert case.ask(batch).truth is own


class Postponing(Mute):
    """A host that keeps what may be done meanwhile."""

    def __init__(self) -> None:
        self.meanwhile: list[Any] = []

    def evaluate(self, *given: Any, **further: Any) -> Outcome:
        self.meanwhile.append(further["meanwhile"])
        return Outcome()


def test_large_truths_are_calculated_one_by_one() -> None:
    """All small ones at once; a large one in its turn, or all of them would be in memory."""
    small = Batch(np.zeros((2, 3)), np.array([0, 1]))
    host = Postponing()
    case = Case(Contract(), Capabilities(), host, small)
    asked = [case.ask(small.rows(np.arange(n) % 2)) for n in (1, 4, LARGEST, 3, LARGEST + 1)]
    made = []
    for meanwhile in host.meanwhile:
        meanwhile()
        made.append(["allowances" in vars(one.truth) for one in asked])
    before, after = [True, True, False, True, False], [True, True, True, True, False]
    expected = [before, before, after, after, [True] * 5]
    assert made == expected


@pytest.mark.parametrize(("form", "same"), [("sparse", np.uint8), ("onehot", np.int8)])
def test_one_truth_for_all_dtypes_of_the_same_labels(form: str, same: Any) -> None:
    """One and zero are the same in every dtype; a narrower one of floats has allowances of its own."""
    labels = np.array([0, 1]) if form == "sparse" else np.eye(2, dtype=np.float32)
    batch = Batch(np.zeros((2, 2), np.float32), labels, form)
    case = Case(Contract(labels=[form]), Capabilities(), Mute(), batch)
    own = case.ask(batch).truth
    assert case.ask(batch.replace(labels=labels.astype(same))).truth is own
    if form == "onehot":
        assert case.ask(batch.replace(labels=labels.astype(np.float16))).truth is not own


def test_derivatives_that_came_in_the_dtype_of_the_scores_have_a_truth_of_their_own() -> None:
    """Where the contract names a wider one; where it does not, there is but one truth."""
    batch = Batch(np.zeros((2, 2), np.float32), np.array([0, 1]))
    for output, wider in (("float64", True), ("float32", False), ("float16", False)):
        truth = Truth(Contract(output_dtype=output), batch, None, True)
        assert (truth.as_scores is not truth) is wider
        assert truth.as_scores.problem.gradient_as_scores is wider
