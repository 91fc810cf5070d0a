"""A nan that comes of what counts for nothing: told by an answer that is right without the zeros, or the infinities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.api import check
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.diagnosis.zeros import without_silenced, without_zeros

SMALL = {"rows": [1, 4], "classes": [2, 5]}


def test_zeros_that_no_label_counts_become_small() -> None:
    """The label's own 0, whose loss is infinite, stays; where there is no other, there is nothing to try."""
    contract = Contract(input="probabilities", labels=("onehot",))
    batch = Batch(np.array([[0.0, 1.0, 0.0]]), np.array([[1.0, 0.0, 0.0]]), "onehot")
    changed = without_zeros(contract, batch)
    assert changed is not None
    assert changed.scores[0, 0] == 0.0
    assert 0.0 < changed.scores[0, 2] < 1e-300
    assert without_zeros(contract, batch.replace(scores=np.array([[0.0, 0.5, 0.5]]))) is None


def test_absent_classes_and_vanishing_ones_become_improbable() -> None:
    """Logits of -inf, and those whose exponential vanishes."""
    contract = Contract(nonfinite=("-inf",))
    changed = without_zeros(contract, Batch(np.array([[1.0, -np.inf, -2000.0]]), np.array([0])))
    assert changed is not None
    assert np.all((changed.scores[0, 1:] < -300.0) & (changed.scores[0, 1:] > -400.0))


def test_rows_that_do_not_count_become_zeros() -> None:
    """Ignored ones and those of weight 0, if they hold what is not finite."""
    contract = Contract(ignore_index=-100, nonfinite=("nan",))
    scores = np.array([[np.nan, 0.0], [1.0, 2.0]])
    changed = without_silenced(contract, Batch(scores, np.array([-100, 1])))
    assert changed is not None
    assert changed.scores.tolist() == [[0.0, 0.0], [1.0, 2.0]]
    assert without_silenced(contract, Batch(scores[1:], np.array([-100]))) is None
    weighted = Contract(row_weights={"argument": "w"}, nonfinite=("nan",))
    batch = Batch(scores, np.array([0, 1]), options={"row_weights": np.array([0.0, 1.0])})
    assert without_silenced(weighted, batch) is not None


def _zero_log_zero(p: Any, t: Any) -> Any:
    with np.errstate(all="ignore"):
        return -(t * np.log(p)).sum(axis=1)


def _masked_entropy(z: Any) -> Any:
    with np.errstate(all="ignore"):
        log_p = z - z.max(axis=1, keepdims=True)
        log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        return -(np.exp(log_p) * log_p).sum(axis=1)


def _masked_rows(z: Any, y: Any, mask: Any) -> Any:
    d = z - z.max(axis=1, keepdims=True)
    return ((np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(y)), y]) * mask).sum()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("loss", "contract", "law", "mechanism"),
    [
        (_zero_log_zero, {"input": "probabilities", "labels": ["onehot"]}, "value", "zero_times_inf"),
        (_masked_entropy, {"output": "entropy", "nonfinite": ["-inf"]}, "minus-infinity", "zero_times_inf"),
        (
            _masked_rows,
            {"row_weights": {"argument": "mask"}, "row_weights_as": "mask", "nonfinite": ["nan"], "reduction": "sum"},
            "row-weights",
            "zero_times_inf",
        ),
    ],
)
def test_the_cause_of_such_a_nan(loss: Any, contract: dict[str, Any], law: str, mechanism: str) -> None:
    """0 * log 0 of a class, and 0 * nan of a row."""
    report = check(
        loss, contract={"reduction": "none", "domain": SMALL, **contract}, properties=[law], dtypes=["float64"]
    )
    assert {found.mechanism for found in report.findings} == {mechanism}
