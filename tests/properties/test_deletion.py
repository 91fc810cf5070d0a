"""Law 9 of given probabilities: what is put into an ignored row are some, and a loss may refuse what is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xentcheck

CONTRACT = {
    "input": "probabilities",
    "ignore_index": -100,
    "mean_over": "kept",
    "label_dtypes": ["int64"],
    "domain": {"rows": [1, 40], "classes": [2, 9]},
}


def picked(p: Any, labels: Any) -> tuple[Any, Any]:
    """Return the probability of each label, that of class 0 in an ignored row, and which rows are kept."""
    assert np.all((p >= 0) & (p <= 1)), "no probabilities"
    kept = labels != -100
    return p[np.arange(len(p)), np.where(kept, labels, 0)], kept


def validating(p: Any, labels: Any) -> Any:
    """A loss that refuses what is no probability, wherever it stands."""
    of_label, kept = picked(p, labels)
    return -np.log(of_label[kept]).mean() if kept.any() else np.float64("nan")


def multiplied(p: Any, labels: Any) -> Any:
    """One that multiplies the ignored rows by 0, which is nan where their class 0 has the probability 0."""
    of_label, kept = picked(p, labels)
    with np.errstate(all="ignore"):
        return -(np.log(of_label) * kept).sum() / kept.sum()


@pytest.mark.parametrize(("loss", "verdict"), [(validating, "conforms"), (multiplied, "violates")])
def test_what_is_put_in_are_probabilities(loss: Any, verdict: str) -> None:
    """Which a right loss takes, and by which a mask that only multiplies is found."""
    report = xentcheck.check(loss, contract=CONTRACT, properties=["deletion"], dtypes=["float64"])
    assert report.verdict == verdict
