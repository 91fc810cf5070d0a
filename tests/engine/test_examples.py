"""A batch on which a law held nothing against an answer is no example of it, and a law without examples is not held."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck

ARGUMENTS = ("label_smoothing", "class_weights", "ignore_index")


def _rows(logits, labels, label_smoothing, class_weights, ignore_index):
    """Return log p, the targets with their weights, and what a mean divides by."""
    m = logits.shape[1]
    kept = labels != ignore_index
    y = np.where(kept, labels, 0)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    targets = ((1 - label_smoothing) * np.eye(m)[y] + label_smoothing / m) * np.where(kept, class_weights[y], 0)[
        :, None
    ]
    return log_p, targets, np.where(kept, class_weights[y], 0).sum()


def loss(logits, labels, **options):
    """A right weighted mean with every option."""
    log_p, targets, total = _rows(logits, labels, **options)
    with np.errstate(invalid="ignore"):
        return -(targets * log_p).sum() / total


def gradient(logits, labels, **options):
    """Its gradient."""
    log_p, targets, total = _rows(logits, labels, **options)
    with np.errstate(invalid="ignore"):
        return (targets.sum(axis=1, keepdims=True) * np.exp(log_p) - targets) / total


def statuses(contract, names, **found):
    """Return the status of each law, and why it is that."""
    report = xentcheck.check(loss, gradient=gradient, contract=contract, properties=names, **found)
    assert report.findings == ()
    return {result.name: (result.status, result.why) for result in report.properties}


@pytest.mark.slow
def test_laws_about_plain_losses_are_judged_under_options():
    """Class weights, a smoothing and an ignored label in every batch leave no law without examples that has any."""
    found = statuses(
        {
            **{name: {"argument": name} for name in ARGUMENTS},
            "mean_over": "weights",
            "smoothing_weights": "label",
            "label_dtypes": ["int64"],
            "domain": {"rows": [1, 16], "classes": [1, 64]},
            "dtypes": ["float64"],
        },
        ["own-gradient", "uniform", "bad-input", "label-forms", "deletion"],
    )
    assert {name for name, (status, _) in found.items() if status == "passed"} == {
        "own-gradient",
        "uniform",
        "deletion",
    }
    assert found["bad-input"] == ("skipped", "the contract promises nothing about bad input")
    assert found["label-forms"] == ("not-applicable", "one label form, in one dtype and shape, is promised")


def onehot(logits, labels):
    """The mean over the rows, of one-hot labels."""
    return loss(
        logits, labels.argmax(axis=1), label_smoothing=0, class_weights=np.ones(logits.shape[1]), ignore_index=-1
    )


def test_a_law_says_nothing_outside_its_dtypes_and_label_forms():
    """The differences of law 2 need float64, and law 20 takes class numbers."""
    contract = {"labels": ["onehot"], "dtypes": ["float32"], "domain": {"rows": [1, 1]}}
    report = xentcheck.check(onehot, gradient=gradient, contract=contract, properties=["own-gradient", "uniform"])
    assert {result.name: (result.status, result.why) for result in report.properties} == {
        "own-gradient": ("not-applicable", "elsewhere than in float64"),
        "uniform": ("not-applicable", "elsewhere than with sparse labels"),
    }
    assert report.verdict == "nothing-judged"


def test_a_law_without_an_example_is_not_held():
    """Classes cannot be renamed where there is one."""
    contract = {"labels": ["onehot"], "dtypes": ["float64"], "domain": {"rows": [1, 4], "classes": [1, 1]}}
    report = xentcheck.check(onehot, contract=contract, properties=["class-permutation", "value"])
    assert {result.name: (result.status, result.why) for result in report.properties} == {
        "class-permutation": ("skipped", "none of its batches was an example"),
        "value": ("passed", ""),
    }
