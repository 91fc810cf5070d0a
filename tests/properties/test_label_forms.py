"""Law 6 by itself: in which forms it passes the same labels."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.invariances import _other_forms, _other_integers, _other_numbers, label_forms
from xentcheck.properties.law import Capabilities
from xentcheck.targets import Outcome

SCORES = np.array([[0.5, 0.25, 0.0], [1.0, -1.0, 0.0]])
EVERY = ("sparse", "onehot", "soft")


def forms(labels, form, promised=EVERY, **keys):
    """Return the forms and labels that the law may pass in place of those of a batch."""
    batch = Batch(SCORES, np.array(labels), form)
    case = Case(Contract(labels=promised, **keys), Capabilities(), None, batch)
    return [(changed.label_form, changed.labels.tolist()) for changed, _ in _other_forms(case)]


ROWS = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_class_numbers_become_rows():
    """In each promised form, unless a row is ignored or a label is none."""
    assert forms([1, 0], "sparse") == [("onehot", ROWS), ("soft", ROWS)]
    assert forms([1, 0], "sparse", ("sparse", "soft")) == [("soft", ROWS)]
    assert forms([1, 0], "sparse", ignore_index=0) == []
    assert forms([1, 3], "sparse") == []


def test_one_hot_rows_become_class_numbers_and_soft_ones():
    """The rows themselves are what soft labels are of; an ignored class has no number to pass."""
    assert forms(ROWS, "onehot") == [("sparse", [1, 0]), ("soft", ROWS)]
    assert forms(ROWS, "onehot", ignore_index=0) == [("soft", ROWS)]
    assert forms([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]], "onehot") == []


@pytest.mark.parametrize(
    ("promised", "names"),
    [("integers", ["int64"]), (["uint8"], ["uint8"]), (["same"], ["float64"]), (["int8", "same"], ["int8"])],
)
def test_class_numbers_of_rows_have_a_promised_dtype(promised, names):
    """That of the scores where `same` alone is; none where none holds the highest."""
    case = Case(
        Contract(labels=EVERY, label_dtypes=promised), Capabilities(), None, Batch(SCORES, np.array(ROWS), "onehot")
    )
    found = [one.labels.dtype.name for one, _ in _other_forms(case) if one.label_form == "sparse"]
    assert found == names


def test_no_class_numbers_where_no_promised_dtype_holds_them():
    """A class beyond those of int8."""
    labels = np.zeros((1, 200))
    labels[0, 150] = 1
    case = Case(Contract(labels=EVERY, label_dtypes=["int8"]), Capabilities(), None, Batch(labels, labels, "onehot"))
    assert [one.label_form for one, _ in _other_forms(case)] == ["soft"]


@pytest.mark.parametrize("promised", [EVERY, ("soft",)])
def test_soft_rows_stay_soft(promised):
    """All weight goes to the largest label of each row."""
    assert forms([[0.25, 0.75, 0.0], [0.5, 0.25, 0.25]], "soft", promised) == [("soft", ROWS)]


@pytest.mark.parametrize(
    ("keys", "applies"),
    [
        ({"label_dtypes": ["int64"]}, False),
        ({"label_dtypes": ["int64", "int32"]}, True),
        ({"label_dtypes": ["int64"], "label_shapes": ["(n,)", "(n,1)"]}, True),
        ({"labels": ["soft"], "dense_label_dtypes": ["same"]}, False),
        ({"labels": ["soft"], "dense_label_dtypes": ["same", "float64"]}, True),
        ({"labels": ["sparse", "soft"], "label_dtypes": ["int64"], "dense_label_dtypes": ["same"]}, True),
        ({"labels": ["soft"], "dense_label_dtypes": ["same"], "label_shapes": ["(n,)", "(n,1)"]}, False),
    ],
)
def test_the_law_applies_where_labels_may_be_given_in_two_ways(keys, applies):
    """Another form, dtype or shape, of a kind of labels that is promised."""
    assert bool(label_forms.applies(Contract.from_mapping(keys), Capabilities())) != applies


@pytest.mark.parametrize("own", ["float64", "float32", "uint8"])
def test_rows_are_passed_in_every_other_dtype_that_holds_them(own):
    """Not in their own, and fractions in no integers."""
    contract = Contract(labels=["onehot", "soft"])
    ways = {}
    for form, rows in (("onehot", ROWS), ("soft", [[0.25, 0.75, 0.0], [1.0, 0.0, 0.0]])):
        if form == "soft" and own == "uint8":
            continue
        case = Case(contract, Capabilities(), None, Batch(SCORES, np.array(rows, own), form))
        ways[form] = [changed.labels.dtype.name for changed, _ in _other_numbers(case)]
    every = ["float64", "bool", "uint8", "int64", "float32", "float64"]
    assert ways["onehot"] == [name for name in every if name != own]
    if own != "uint8":
        assert set(ways["soft"]) == {"float32", "float64"} - {own}


@pytest.mark.parametrize(
    ("classes", "tried"), [(256, {"int8"}), (257, {"int8", "uint8"}), (40_000, {"int8", "uint8", "int16"})]
)
def test_dtypes_come_first_that_have_no_number_for_some_class(classes, tried):
    """Such as uint8 beside 257 classes, of which 256 is 0 in it; whichever batch it is."""
    asked = set()

    class Host:
        def evaluate(self, batch, *given, **others):
            asked.add(batch.labels.dtype.name)
            return Outcome(loss=np.zeros(()))

    for place in range(40):
        scores = np.zeros((1, classes), np.float32)
        scores[0, 1] = place
        list(label_forms.judge(Case(Contract(), Capabilities(loss=True), Host(), Batch(scores, np.array([0])))))
    assert asked - {"int64"} == tried


@pytest.mark.parametrize(
    ("labels", "held"),
    [
        ([0, 2], {"int8", "uint8", "int16", "uint16", "int32", "uint32", "uint64"}),
        ([0, 200], {"uint8", "int16", "uint16", "int32", "uint32", "uint64"}),
        ([-100, 2], {"int8", "int16", "int32"}),
        ([40000, -1], {"int32"}),
        ([], {"int8", "uint8", "int16", "uint16", "int32", "uint32", "uint64"}),
    ],
)
def test_class_numbers_are_passed_in_every_other_dtype_that_holds_all_of_them(labels, held):
    """A number that is narrowed would be another class."""
    promised = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
    batch = Batch(np.zeros((len(labels), 2)), np.array(labels, np.int64))
    found = list(_other_integers(Case(Contract(label_dtypes=promised), Capabilities(), None, batch)))
    assert {changed.labels.dtype.name for changed, _ in found} == held
    assert all(changed.labels.tolist() == labels for changed, _ in found)
