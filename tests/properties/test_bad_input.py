"""Law 21: ways to spoil a batch, and that a check which lets one of them pass is found."""

from __future__ import annotations

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.contract.declaration import INVALID_KINDS
from xentcheck.properties.bad_input import _spoiled, bad_input
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities
from xentcheck.properties.left_open import LeftOpen, seen
from xentcheck.properties.spoiling import meaningful_kind, not_finite, spoil
from xentcheck.targets import TargetSpecification, open_host

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
    form = (
        {"label_out_of_range", "label_negative", "label_fractional"}
        if batch.label_form == "sparse"
        else {"labels_not_binary"}
    )
    assert ways == common | form | {"shape_mismatch"}
    for found in (one for several in spoiled.values() for one in several if one is not None):
        changed = found[0]
        assert changed.labels.tobytes() != labels.tobytes() or changed.scores.tobytes() != scores.tobytes()
    assert np.array_equal(batch.scores, scores)
    assert np.array_equal(batch.labels, labels)


def test_nothing_and_single_classes():
    """A batch of no rows cannot be spoiled, nor one row lose a label; of one class no row sums to 1 by halves."""
    nothing = SPARSE.replace(scores=np.zeros((0, 3)), labels=np.zeros(0, np.int64))
    assert all(spoil(nothing, kind) is None for kind in INVALID_KINDS)
    one = ONE_HOT.replace(scores=np.ones((1, 1)), labels=np.ones((1, 1)))
    assert spoil(one, "labels_not_binary", 1)[1] == "one-hot labels with an entry of 0.5"
    two = ONE_HOT.replace(scores=np.ones((1, 2)), labels=np.eye(2)[:1])
    assert spoil(two, "labels_not_binary", 1)[0].labels.tolist() == [[0.5, 0.5]]
    assert spoil(one, "length_mismatch") is None
    halves, half = "a one-hot row of two halves", "one-hot labels with an entry of 0.5"
    assert [spoil(ONE_HOT, "labels_not_binary", way)[1] for way in range(4)] == [half, halves, half, halves]
    assert spoil(ONE_HOT, "labels_not_binary")[0].labels.tolist() == [[0.5, 1.0, 0.0], [0.0, 0.0, 1.0]]
    zeros = SPARSE.replace(scores=SPARSE.scores * [[0.0], [1.0]])
    assert spoil(zeros, "probabilities_not_stochastic", 0) is None  # as many as they were
    assert spoil(one, "probabilities_not_stochastic", 1)[1] == "a row of probabilities that sums to 1.5"
    assert spoil(SPARSE, "probabilities_not_stochastic", 1)[0].scores[0].tolist() == [1.5, -0.5, 0.0]
    assert not_finite(one, "nan", at_label=False) is None
    assert np.isnan(not_finite(one, "nan", at_label=True)[0].scores).all()


@pytest.mark.parametrize(
    ("labels", "form", "kinds"),
    [
        (["sparse"], "sparse", "length_mismatch shape_mismatch label_out_of_range label_negative label_fractional"),
        (["sparse", "onehot"], "sparse", "length_mismatch label_out_of_range label_negative label_fractional"),
        (["sparse", "onehot"], "onehot", "length_mismatch shape_mismatch labels_not_binary"),
        (["onehot", "soft"], "onehot", "length_mismatch shape_mismatch"),
        (["soft"], "soft", "length_mismatch shape_mismatch"),
    ],
)
def test_what_is_bad_input_to_a_form_of_labels(labels, form, kinds):
    """One-hot rows are no bad input where dense labels are promised too, nor fractions where soft ones are."""
    contract = Contract(labels=labels)
    of_labels = set(INVALID_KINDS) - {"probabilities_not_stochastic"}
    assert {kind for kind in of_labels if meaningful_kind(contract, form, kind)} == set(kinds.split())


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


def test_labels_wrap_round_and_the_ignored_one_is_not_bad():
    """Among the ways are labels that 8, 16 and 32 bits take for the right one; the ignored label is in none."""
    batch = SPARSE.replace(labels=np.array([1, 2], np.uint8))
    spoiled = [spoil(batch, "label_out_of_range", way)[0].labels for way in range(12)]
    values = {int(labels[-1]) for labels in spoiled}
    assert {3, 258, 2**16 + 2, 2**32 + 2, 2**31 + 1, 2**63 - 1, 2**64 - 1} <= values
    assert {labels.dtype.name for labels in spoiled} == {"uint8", "int64", "uint64"}
    negative = {int(spoil(SPARSE, "label_negative", way)[0].labels[-1]) for way in range(12)}
    assert negative == {-1, -2, -3, -100, 2 - 2**8, 2 - 2**16, 2 - 2**32}
    assert [spoil(SPARSE, "label_fractional", way)[0].labels.tolist() for way in (0, 1)] == [[1, 0.5], [1, 0.25]]
    for kind, ignored in (("label_out_of_range", 3), ("label_negative", -1)):
        found = {int(spoil(batch, kind, way, ignored)[0].labels[-1]) for way in range(24)}
        assert ignored not in found
        assert found


@pytest.mark.parametrize(("kind", "place"), [("nan", 2), ("-inf", 0), ("+inf", 2)])
def test_one_score_that_is_not_finite(kind, place):
    """It stands in the last row, at the label or beside it, and the batch itself stays as it was."""
    changed, what = not_finite(SPARSE, kind, at_label=place == 2)
    assert what == f"a score of {kind} {'at' if place == 2 else 'beside'} the label"
    assert np.flatnonzero(~np.isfinite(changed.scores)).tolist() == [3 + place]
    assert np.isfinite(SPARSE.scores).all()
    assert not_finite(SPARSE.replace(scores=np.zeros((0, 3)), labels=np.zeros(0, int)), kind, True) is None


def test_what_is_not_declared_is_seen():
    """Scores that are not finite, and a gradient that takes what its loss refuses, are observed and not judged."""

    def strict(z, y):
        if (y < 0).any():
            raise ValueError("negative")
        return losses(z, y).sum()

    def gradient(z, y):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        return p

    contract = {"reduction": "sum", "dtypes": ["float64"], "label_dtypes": ["int64"]}
    with np.errstate(all="ignore"):
        report = xentcheck.check(strict, gradient=gradient, contract=contract, properties=["bad-input"])
    seen = " | ".join(report.observations)
    assert report.findings == ()
    assert "a score of nan at the label: not declared; the target returns nan" in seen
    assert "a score of -inf at the label: not declared; the target returns an infinite number" in seen
    assert "a score of +inf beside the label: not declared; the target returns nan" in seen
    assert "raises ValueError, but its gradient, called alone, returns an array with a finite number" in seen


def test_one_hot_rows_that_are_understood_are_not_bad():
    """A target that promises sparse labels alone may know one-hot rows, too: its answer is right."""

    def either(z, y):
        y = np.asarray(y)
        if y.ndim == 2 and y.shape == z.shape:
            y = y.argmax(axis=1)
        if y.shape != (len(z),) or y.dtype.kind not in "iu" or ((y < 0) | (y >= z.shape[1])).any():
            raise ValueError("bad labels")
        return losses(z, y.astype(np.int64)).sum()

    def gradient(z, y):
        if np.ndim(y) != 1 or len(y) != len(z) or y.dtype.kind not in "iu" or ((y < 0) | (y >= z.shape[1])).any():
            raise ValueError("bad labels")
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True) - np.eye(z.shape[1])[y.astype(np.int64)]

    contract = {"reduction": "sum", "dtypes": ["float64"], "invalid": "raise"}
    assert xentcheck.check(either, contract=contract, properties=["bad-input"]).verdict == "conforms"
    assert told_of(either, gradient, invalid=["shape_mismatch"]) == []
    assert told_of(lambda z, y: 0.5, gradient, invalid=["shape_mismatch"]) == [
        "an integer one-hot row for each label is not refused by the loss, called alone: the target "
        "returns a finite number"
    ]


class Unreadable:
    def __array__(self, *args, **kwargs):
        raise SystemExit(3)


ODD = {
    "returned None": None,
    "returned the text 'bad labels'": "bad labels",
    "returns a complex number": 1 + 2j,
    "returns an array with a complex number": np.array([1j]),
    "returns an empty array": np.empty(0),
    "returned a dict": {},
    "returned what is no number (SystemExit)": Unreadable(),
}


def answering(odd):
    """Return a loss that is right, and answers negative labels as told."""

    def loss(z, y):
        y = np.asarray(y)
        if y.size and y.ndim == 1 and np.min(y) < 0:
            return odd
        if y.ndim != 1 or len(y) != len(z) or y.dtype.kind not in "iu" or (y >= z.shape[1]).any():
            raise ValueError("bad labels")
        return losses(z, y).sum()

    return loss


def told_of(loss, gradient=None, **contract):
    """Return what law 21 says of a target on one batch."""
    contract = Contract.from_mapping({"reduction": "sum", **contract})
    with open_host(TargetSpecification(loss=loss, gradient=gradient, contract=contract)) as host:
        case = Case(contract, Capabilities(gradient=gradient is not None), host, SPARSE)
        return [violation.title for violation in bad_input.judge(case)]


def seen_of(loss):
    """Return what is observed of a target given a label of -1 where nothing is declared."""
    contract = Contract(reduction="sum")
    with open_host(TargetSpecification(loss=loss, contract=contract)) as host:
        return list(seen([LeftOpen("label_negative", *spoil(SPARSE, "label_negative"))], host))


@pytest.mark.parametrize("told", ODD)
def test_what_is_no_number_is_no_refusal(told):
    """Something came back, where an exception or nan is promised; one sentence says what."""
    (title,) = told_of(answering(ODD[told]), invalid=["label_negative"])
    assert title.endswith(f" is not refused: the target {told}")
    (title,) = told_of(answering(ODD[told]), invalid={"returns": float("nan")})
    assert title.endswith(f" is answered with a number other than nan: the target {told}")


@pytest.mark.parametrize("told", ODD)
def test_what_is_no_number_is_seen(told):
    """Where nothing is promised the same sentence tells what came back."""
    assert seen_of(answering(ODD[told])) == [f"a label of -1: not declared; the target {told}"]


@pytest.mark.parametrize("exception", [SystemExit, GeneratorExit])
def test_exceptions_that_end_programs_are_seen(exception):
    """They are noted like others, and the run goes on."""

    def loss(z, y):
        if np.size(y) and np.min(y) < 0:
            raise exception
        return losses(z, np.asarray(y)).sum()

    assert seen_of(loss) == [f"a label of -1: not declared; the target raises {exception.__name__}"]


@pytest.mark.parametrize(("rows", "right"), [("bad", True), ("good", False), ("all", True)])
def test_a_sentinel_row_by_row_stands_in_the_bad_rows(rows, right):
    """Losses of the other rows may be what they are; a number in the bad row is a finding."""

    def loss(z, y):
        y = np.asarray(y)
        if y.ndim != 1 or len(y) != len(z):
            return np.nan
        bad = (y != np.floor(y)) | (y < 0) | (y >= z.shape[1])
        found = losses(z, np.where(bad, 0, y).astype(np.int64))
        return np.where({"bad": bad, "good": ~bad & bad.any(), "all": bad | bad.any()}[rows], np.nan, found)

    titles = told_of(loss, reduction="none", invalid={"returns": float("nan")})
    assert (titles == []) == right


@pytest.mark.parametrize(("label", "place"), [(2, 2), (0, 0), (-100, 0), (3, 0)])
def test_the_last_label_tells_which_score_is_spoiled(label, place):
    """Where the last row is ignored, its label names no class, and the first score counts as its own."""
    batch = SPARSE.replace(labels=np.array([1, label]))
    at, beside = (not_finite(batch, "nan", at_label)[0].scores for at_label in (True, False))
    assert np.argwhere(np.isnan(at)).tolist() == [[1, place]]
    assert np.argwhere(np.isnan(beside)).tolist() == [[1, (place + 1) % 3]]


def test_rows_where_labels_are_wanted():
    """Every class, the first too, has its one-hot row; where a label is no class, there is none."""
    for labels in ([0, 2], [1, 0]):
        spoiled, _ = spoil(SPARSE.replace(labels=np.array(labels)), "shape_mismatch")
        assert np.array_equal(spoiled.labels, np.eye(3, dtype=np.int64)[labels])
    for bad in (-1, 3):
        assert spoil(SPARSE.replace(labels=np.array([bad, 0])), "shape_mismatch") is None


@pytest.mark.parametrize("form", ["onehot", "soft"])
def test_the_last_row_of_dense_labels_tells_which_score_is_spoiled(form):
    """The largest label of the last row, not of the first."""
    batch = SPARSE.replace(labels=np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), label_form=form)
    assert np.argwhere(np.isnan(not_finite(batch, "nan", True)[0].scores)).tolist() == [[1, 2]]


@pytest.mark.parametrize("label", [0, 200, 256, 65_536])
def test_a_label_that_wraps_round_is_still_a_bad_one(label):
    """y - 2**b is no bad label where y has more than b bits, nor is y + 2**b where there are as many classes."""
    batch = Batch(np.zeros((1, 65_537), np.float32), np.array([label]), "sparse")
    for kind, bad in (("label_negative", lambda y: y < 0), ("label_out_of_range", lambda y: y >= 65_537)):
        for way in range(24):
            spoiled, _ = spoil(batch, kind, way)
            assert bad(int(spoiled.labels[-1])), (kind, way)


@pytest.mark.parametrize("given", [True, False])
def test_a_number_that_is_ignored_by_a_default_of_the_targets_own_is_no_bad_label(given):
    """Where `ignore_index` is left out of a call the target may have one; other kinds of bad input stay bad."""
    keys = {"ignore_index": {"argument": "index"}, "label_smoothing": {"argument": "smoothing"}, "invalid": "raise"}
    contract = Contract.from_mapping({**keys, "exclusive": [["ignore_index", "label_smoothing"]]})
    batch = SPARSE.replace(options={"ignore_index": -7} if given else {"label_smoothing": 0.1})
    case = Case(contract, Capabilities(), None, batch)
    made = {kind for kind in INVALID_KINDS if any(_spoiled(case, kind, way) is not None for way in range(4))}
    numbers = {"label_out_of_range", "label_negative"}
    assert made & numbers == (numbers if given else set())
    assert {"label_fractional", "length_mismatch"} <= made
