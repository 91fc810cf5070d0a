"""The register of hypotheses: order, completeness, and what becomes of a hypothesis that fails itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.diagnosis.posing import given
from xentcheck.diagnosis import STRICT, Observation
from xentcheck.diagnosis.hypotheses import register
from xentcheck.diagnosis.hypotheses.register import fits, hypotheses
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction

FOLDER = Path(register.__file__).parent


def _seen() -> Observation:
    problem = given(np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([0, 1]))
    return Observation(problem, "loss", 1.0)


def test_every_function_that_takes_a_model_and_predicts_is_entered_once() -> None:
    entered = [one.predictions.__name__ for one in hypotheses()]
    written = [
        node.name
        for path in FOLDER.glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and ast.unparse(node.args) == "model: Model"
        and node.returns is not None
        and ast.unparse(node.returns) == "Iterator[Prediction]"
    ]
    assert sorted(entered) == sorted(written)
    assert len(set(entered)) == len(entered) > 40
    assert [one.__name__ for one in fits()] == ["affine", "constants_of_the_softmax", "scaled", "offset"]


def test_simpler_mistakes_come_first() -> None:
    ranks = [one.rank for one in hypotheses()]
    assert ranks == sorted(ranks)
    assert hypotheses()[0].predictions.__module__.endswith("reductions")


def test_what_may_be_asked_of_large_batches_is_about_rows_labels_and_options() -> None:
    quick = [one for one in hypotheses() if one.quick]
    other = [one.predictions.__name__ for one in quick if one.rank.name in ("BLOCKS", "RARE")]
    assert {one.rank.name for one in quick} == {"REDUCTION", "LABELS", "OPTIONS", "BLOCKS", "RARE"}
    assert other == ["rows_of_padding", "one_row_alone"]


@pytest.mark.parametrize("error", [TypeError, IndexError, AssertionError, KeyError])
def test_a_mistake_in_a_hypothesis_fails_tests_and_no_run(error: type[Exception]) -> None:
    def wrong(model: Model) -> Iterator[Prediction]:
        yield Prediction("first", "", model.right)
        raise error

    def fine(model: Model) -> Iterator[Prediction]:
        yield Prediction("second", "", model.right)

    groups = {3: wrong, 7: fine}
    with pytest.raises(error):
        list(_seen().guesses(groups))
    token = STRICT.set(False)
    try:
        found = [(place, one.mechanism) for place, one in _seen().guesses(groups)]
    finally:
        STRICT.reset(token)
    assert found == [((3, 0), "first"), ((7, 0), "second")]


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, OverflowError])
def test_what_cannot_be_computed_is_no_mistake_in_a_hypothesis(error: type[Exception]) -> None:
    def impossible(model: Model) -> Iterator[Prediction]:
        yield Prediction("first", "", model.right)
        raise error

    assert len(list(_seen().guesses({0: impossible}))) == 1
