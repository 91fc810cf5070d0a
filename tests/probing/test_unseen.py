"""Conventions of libraries are told, key by key; what is no cross-entropy is said to be none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import xentcheck
from tests.probing import unseen
from xentcheck.probing import infer
from xentcheck.targets import TargetError, TargetSpecification

EPS = 2.0**-52
EXPECTED: dict[str, dict[str, Any]] = {
    "torch_like": {
        "argument_order": "scores_first",
        "input": "logits",
        "labels": ["sparse"],
        "reduction": "mean",
        "mean_over": "weights",
        "class_weights": {"argument": "weight"},
        "ignore_index": {"argument": "ignore_index"},
        "label_smoothing": {"argument": "label_smoothing"},
        "smoothing_over": "all",
        "smoothing_weights": "class",
        "boundary": "exact",
        "empty_mean": "nan",
    },
    "keras_like": {
        "argument_order": "labels_first",
        "input": "probabilities",
        "labels": ["onehot", "soft"],
        "reduction": "none",
        "boundary": {"clip": [1e-7, 1 - 1e-7], "normalise": True},
    },
    "sklearn_like": {
        "argument_order": "labels_first",
        "input": "probabilities",
        "labels": ["sparse"],
        "reduction": "mean",
        "boundary": {"clip": [EPS, 1 - EPS]},
    },
    "xgboost_like": {"input": "probabilities", "labels": ["sparse"], "boundary": {"clip": [1e-16, 1.0]}},
    "columns": {
        "axis": 0,
        "input": "probabilities",
        "labels": ["onehot", "soft"],
        "reduction": "mean",
        "boundary": {"add": 1e-8},
        "soft_rows": "any",
    },
    "with_z_loss": {"input": "logits", "z_loss": 1e-4, "reduction": "mean"},
    "tempered": {"input": "logits", "temperature": 0.7, "reduction": "sum", "boundary": "exact"},
    "smoothed": {"label_smoothing": 0.1, "smoothing_over": "others", "reduction": "none"},
    "criterion": {
        "input": "log_probabilities",
        "label_smoothing": 0.1,
        "smoothing_over": "all",
        "reduction": "sum",
    },
    "per_token": {
        "output": "log_probability",
        "reduction": "none",
        "boundary": "exact",
        "nonfinite": ["-inf", "+inf", "nan"],
    },
    "masked": {"ignore_index": -100, "mean_over": "kept", "empty_mean": "zero", "nonfinite": []},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_conventions_are_told(name: str) -> None:
    """Every key that the convention is about, to the last digit of its constants."""
    inference = infer(TargetSpecification(loss=getattr(unseen, name)))
    assert inference.contradictions == []
    assert {key: inference.told.get(key) for key in EXPECTED[name]} == EXPECTED[name]


def test_each_key_has_evidence_that_can_be_repeated() -> None:
    """It holds the scores, the labels and the answer."""
    found = xentcheck.probe(unseen.tempered).findings
    assert "labels [1, 2]" in found["input"].evidence
    assert all(one.evidence for one in found.values())
    assert "without" in found["temperature"].evidence


@pytest.mark.parametrize("name", ["focal", "constant"])
def test_what_is_no_cross_entropy_contradicts(name: str) -> None:
    """Nothing is made up to explain it."""
    inference = infer(TargetSpecification(loss=getattr(unseen, name)))
    assert [one.key for one in inference.contradictions] == ["input"]


def test_an_option_that_does_something_else_contradicts() -> None:
    """The other keys are told all the same."""
    inference = infer(TargetSpecification(loss=unseen.wrong_smoothing))
    assert [one.key for one in inference.contradictions] == ["label_smoothing"]
    assert inference.told["reduction"] == "mean"


def test_further_labels_that_do_not_count_are_noted() -> None:
    """A contract names one."""
    inference = infer(TargetSpecification(loss=unseen.masked))
    assert any("-1" in note and "do not count either" in note for note in inference.notes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("refuses", r"none of \d+ calls with labels and scores of 3 or 2 classes returned numbers"),
        ("text", "returned the text 'hello'"),
        ("three", "needs an argument 'lengths'"),
        ("chance", "answers the same call differently each time"),
    ],
)
def test_bad_targets_are_one_sentence(name: str, words: str) -> None:
    """Each says what is wrong."""
    with pytest.raises(TargetError, match=words) as caught:
        infer(TargetSpecification(loss=getattr(unseen, name)))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_bad_input_without_an_answer_is_an_answer() -> None:
    """What hangs on a label of a half is a target that can be probed."""
    location = f"{Path(unseen.__file__)}:waits_for_whole_labels"
    inference = infer(TargetSpecification(loss=location), time_limit=10.0, first_time_limit=10.0)
    found = inference.findings["invalid"]
    assert "label_fractional" not in found.value
    assert "label_fractional: " in found.evidence
    assert "no answer within 10 s for" in found.evidence
    assert "shape_mismatch: " in found.evidence


@pytest.mark.slow
def test_a_target_that_hangs_is_left() -> None:
    """After its limit, and after one call; the import keeps the same limit."""
    location = f"{Path(unseen.__file__)}:hangs"
    with pytest.raises(TargetError, match=r"no answer within 10 s.*cannot be probed"):
        infer(TargetSpecification(loss=location), time_limit=10.0, first_time_limit=10.0)
