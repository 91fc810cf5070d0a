"""Law 21: ways to spoil a batch, and that a check which lets one of them pass is found."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.contract.declaration import INVALID_KINDS
from xentcheck.properties.bad_input import spoil

SPARSE = Batch(np.array([[0.5, 0.5, 0.0], [0.25, 0.25, 0.5]]), np.array([1, 2]), "sparse")
ONE_HOT = SPARSE.replace(labels=np.eye(3)[[1, 2]], label_form="onehot")


def losses(z, y):
    d = z - z.max(axis=1, keepdims=True)
    return np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(z)), y]


@pytest.mark.parametrize("batch", [SPARSE, ONE_HOT], ids=["sparse", "onehot"])
def test_every_way_is_invalid_and_leaves_the_batch_alone(batch: Batch):
    """Each kind that a label form knows has at least one way, and the original stays as it was."""
    scores, labels = batch.scores.copy(), batch.labels.copy()
    spoiled = {kind: [spoil(batch, kind, way) for way in range(12)] for kind in INVALID_KINDS}
    ways = {kind for kind, found in spoiled.items() if found[0] is not None}
    common = {"length_mismatch", "probabilities_not_stochastic"}
    form = {"label_out_of_range", "label_negative", "label_fractional"}
    assert ways == common | (form if batch.label_form == "sparse" else {"shape_mismatch", "labels_not_binary"})
    for found in (one for several in spoiled.values() for one in several if one is not None):
        changed = found[0]
        assert changed.labels.tobytes() != labels.tobytes() or changed.scores.tobytes() != scores.tobytes()
    assert np.array_equal(batch.scores, scores)
    assert np.array_equal(batch.labels, labels)


def test_nothing_and_single_classes():
    """A batch of no rows cannot be spoiled; of one class no row sums to 1 by halves."""
    nothing = SPARSE.replace(scores=np.zeros((0, 3)), labels=np.zeros(0, np.int64))
    assert all(spoil(nothing, kind) is None for kind in INVALID_KINDS)
    one = ONE_HOT.replace(scores=np.ones((1, 1)), labels=np.ones((1, 1)))
    assert spoil(one, "labels_not_binary", 1)[1] == "one-hot labels with an entry of 0.5"
    assert spoil(one, "probabilities_not_stochastic", 1)[1] == "a row of probabilities that sums to 1.5"


def out_of_range_by_a_byte(z, y):
    y = np.asarray(y)
    if (y.astype(np.uint8) >= z.shape[1]).any():
        raise IndexError("no such class")
    return losses(z, y % 256 % z.shape[1]).sum()


def the_sum_alone(p, y):
    if p.size and abs(p.astype(np.float64).sum(axis=1) - 1).max() > 0.01:
        raise ValueError("rows must sum to 1")
    with np.errstate(all="ignore"):
        return -np.log(p[np.arange(len(p)), y]).sum()


def nan_for_the_sentinel(z, y):
    if np.asarray(y).size and (np.min(y) < 0 or np.max(y) >= z.shape[1]):
        return np.nan
    return losses(z, np.asarray(y)).sum()


@pytest.mark.parametrize(
    ("loss", "contract", "said"),
    [
        (out_of_range_by_a_byte, {"invalid": ["label_out_of_range"]}, "a label of "),
        (
            the_sum_alone,
            {"input": "probabilities", "invalid": ["probabilities_not_stochastic"]},
            "a row of probabilities 1.5 and -0.5, which sums to 1, is not refused",
        ),
        (nan_for_the_sentinel, {"invalid": {"returns": -1.0}}, "a number other than -1.0"),
    ],
)
def test_a_careless_check_is_found(loss, contract, said):
    """It refuses the plain case and lets another pass."""
    contract = {"reduction": "sum", "dtypes": ["float64"], **contract}
    report = xentcheck.check(loss, contract=contract, properties=["bad-input"])
    assert said in report.findings[0].title
