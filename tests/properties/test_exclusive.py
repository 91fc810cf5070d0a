"""Options that exclude each other: law 21 asks that they are refused together, the other laws do not pass both."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.spoiling import meaningful_kind, together
from xentcheck.zoo.parts import dense_losses, one_hot, row_losses, smoothed

APART: dict[str, Any] = {
    "class_weights": {"argument": "weights"},
    "label_smoothing": {"argument": "smoothing", "range": [0, 0.05]},
    "row_weights": {"argument": "v"},
    "temperature": {"argument": "tau"},
    "ignore_index": {"argument": "ignored"},
    "reduction": "sum",
    "dtypes": ["float64"],
    "labels": ["sparse", "soft"],
    "exclusive": [["class_weights", "label_smoothing"], ["row_weights", "temperature"], ["soft", "ignore_index"]],
}
CALLS: list[frozenset[str]] = []


def loss(scores: Any, labels: Any, **options: Any) -> Any:
    """Return the sum with the options that are passed, and keep their names."""
    CALLS.append(frozenset(options) | ({"soft"} if labels.ndim == 2 else set()))
    scores = scores / options.get("tau", 1.0)
    kept = np.ones(len(scores), bool)
    if labels.ndim == 1:
        kept = labels != options.get("ignored", -1)
        labels = one_hot(np.where(kept, labels, 0), scores)
    weight = labels @ options["weights"] if "weights" in options else 1.0
    t = smoothed(labels.astype(np.float64), options.get("smoothing", 0.0))
    losses = dense_losses(scores, t) * weight * options.get("v", 1.0)
    return losses[kept & (np.asarray(options.get("v", np.ones(len(kept)))) != 0)].sum()


@pytest.mark.slow
def test_no_law_passes_what_excludes_each_other() -> None:
    """Derived batches keep to it, too, and each law finds examples; bad input left open is tried in the end."""
    CALLS.clear()
    report = xentcheck.check(loss, contract={**APART, "invalid": []})
    assert report.verdict == "conforms"
    refused = [set(group) for group in ({"weights", "smoothing"}, {"v", "tau"}, {"soft", "ignored"})]
    wrong = [place for place, call in enumerate(CALLS) if any(group <= call for group in refused)]
    assert wrong
    assert min(wrong) > 0.9 * len(CALLS)
    said = json.loads(report.to_json())
    held = {one["name"] for one in said["properties"] if one["examples"]}
    assert held >= {"weights", "smoothing", "row-weights", "temperature", "deletion", "label-forms"}
    seen = "\n".join(said["observations"])
    assert "a call with both class_weights and label_smoothing: not declared; the target returns a finite" in seen
    assert "a call with both soft labels and ignore_index: not declared" in seen


@pytest.mark.parametrize("promise", ["raise", ["exclusive_options"], {"returns": -1.0}])
def test_a_promised_refusal_is_asked_for(promise: Any) -> None:
    """By "raise" and by its kind; a sentinel says nothing of it."""

    def summed(scores: Any, labels: Any, weights: Any = None, smoothing: float = 0.0) -> Any:
        if labels.ndim != 1 or labels.shape != scores.shape[:1] or labels.dtype.kind not in "iu":
            return -1.0
        if np.any((labels < 0) | (labels >= scores.shape[1])):
            return -1.0
        if weights is not None:
            return (row_losses(scores, labels) * weights[labels.astype(int)]).sum()
        return dense_losses(scores, smoothed(one_hot(labels, scores), smoothing)).sum()

    keys = {key: APART[key] for key in ("class_weights", "label_smoothing", "reduction", "dtypes")}
    contract = {**keys, "exclusive": [["class_weights", "label_smoothing"]], "invalid": promise}
    report = xentcheck.check(summed, contract=contract, properties=["bad-input"])
    titles = [finding.title for finding in report.findings]
    said = "a call with both class_weights and label_smoothing is not refused: the target returns a finite number"
    assert (said in titles) == (promise == ["exclusive_options"]) or promise == "raise"
    assert bool(titles) == (not isinstance(promise, dict))


def test_what_is_passed_together() -> None:
    """Each combination of the form of labels in turn, every option of it at work and within its range."""
    contract = Contract.from_mapping(APART)
    batch = Batch(np.zeros((2, 3)), np.array([0, 2]), "sparse", {"class_weights": np.ones(3), "ignore_index": -100})
    first, said = together(contract, batch)
    assert said == "a call with both class_weights and label_smoothing"
    assert first.options["label_smoothing"] == 0.05
    assert first.options["class_weights"].tolist() == [1, 2, 3]
    second, said = together(contract, batch, 1)
    assert said == "a call with both row_weights and temperature"
    assert second.options["row_weights"].tolist() == [1, 2]
    assert together(contract, batch, 2)[1] == together(contract, batch, 0)[1]
    soft = Batch(np.zeros((2, 3)), np.eye(3)[:2], "soft")
    assert together(contract, soft, 2)[0].options == {"ignore_index": 0}
    assert together(contract, soft.rows(slice(0)), 2) is None
    assert not meaningful_kind(Contract(), "sparse", "exclusive_options")
    assert meaningful_kind(contract, "sparse", "exclusive_options")


def ignores_by_default(scores: Any, labels: Any, ignore_index: int = -100) -> Any:
    """Ignore -100 where nothing is said, and refuse every other number that is no class."""
    if labels.ndim == 2:
        return dense_losses(scores, labels).sum()
    kept = labels != ignore_index
    if np.any((labels[kept] < 0) | (labels[kept] >= scores.shape[1])):
        raise ValueError("no class has this number")
    return row_losses(scores, np.where(kept, labels, 0))[kept].sum()


def ignores_negative(scores: Any, labels: Any, ignore_index: int = -100) -> Any:
    """Ignore every number below 0, whatever is said."""
    taken = np.where(labels < 0, ignore_index, labels) if labels.ndim < 2 else labels
    return ignores_by_default(scores, taken, ignore_index)


def test_what_a_target_ignores_by_default_is_no_bad_label() -> None:
    """In calls from which `ignore_index` is left out nobody has said what is ignored."""
    contract = {
        "labels": ["sparse", "soft"],
        "ignore_index": {"argument": "ignore_index"},
        "exclusive": [["soft", "ignore_index"]],
        "reduction": "sum",
        "soft_rows": "any",
        "dtypes": ["float64"],
        "invalid": ["label_negative", "label_out_of_range"],
    }
    report = xentcheck.check(ignores_by_default, contract=contract, properties=["bad-input"])
    assert report.findings == ()
    wrong = xentcheck.check(ignores_negative, contract=contract, properties=["bad-input"])
    assert [one.property for one in wrong.findings] == ["bad-input"]
