"""What a dtype or a form of labels alone can show is in each of its cells, whatever else the run has."""

from __future__ import annotations

from itertools import islice, permutations

import numpy as np
import pytest

import xentcheck
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract

DTYPES = ("float16", "bfloat16", "float32", "float64")
FORMS = ("sparse", "onehot", "soft")
POINTS = {
    "float16": {("loss_sum_overflow", (4, 2)), ("ties", (1, 4097)), ("ties", (1, 65_537)), ("equal_rows", (1025, 3))},
    "bfloat16": {("ties", (1, 513)), ("ties", (1, 65_537)), ("equal_rows", (1025, 3))},
}
LABELS = {"float16": {2049, 2050}, "bfloat16": {257, 258}}


def found(contract, dtype, form, dtypes, sizes="quick"):
    """Return the first batches of one cell, among which these are."""
    return list(islice(sweep(contract, dtype, form, dtypes=dtypes, sizes=sizes), 40))


@pytest.mark.parametrize("forms", [*permutations(FORMS, 1), *permutations(FORMS, 2), FORMS], ids="+".join)
def test_each_cell_of_sixteen_bits_has_its_points(forms):
    """With every choice of dtypes beside it."""
    contract = Contract(labels=list(forms), dtypes=list(DTYPES))
    for dtypes in (("float16",), ("bfloat16",), ("bfloat16", "float16"), ("float32", "float16"), DTYPES, DTYPES[::-1]):
        for dtype in set(dtypes) & set(POINTS):
            batches = found(contract, dtype, forms[-1], dtypes)
            assert {(batch.family, batch.scores.shape) for batch in batches} >= POINTS[dtype], dtypes
            [labelled] = [batch.labels for batch in batches if batch.family == "label_beyond_its_dtype"]
            given = labelled if labelled.ndim == 1 or labelled.shape[1] == 1 else labelled.argmax(axis=1)
            assert set(given.ravel().tolist()) == LABELS[dtype]


@pytest.mark.parametrize("dtype", DTYPES)
def test_each_cell_of_class_numbers_has_labels_at_their_limits(dtype):
    """In every dtype, with all label forms and dtypes in the run."""
    batches = found(Contract(labels=list(FORMS), dtypes=list(DTYPES)), dtype, "sparse", DTYPES)
    limits = [batch.labels.dtype.name for batch in batches if batch.family == "label_dtype_at_its_limit"]
    assert sorted(limits) == ["int64", "int8", "uint8", "uint8", "uint8"]


@pytest.mark.parametrize("kind", ["logits", "log_probabilities"])
def test_where_each_shape_is_compiled_a_sum_overflows_all_the_same(kind):
    """The shape that stands for the one wanted has no fewer rows; tinygrad's nll_loss adds up in float16."""
    contract = Contract(input=kind, dtypes=["float16"])
    swept = list(sweep(contract, "float16", "sparse", expensive_shapes=True))
    rows = {batch.scores.shape[0] for batch in swept if batch.family == "loss_sum_overflow"}
    assert rows >= {4}
    assert min(rows) >= 4


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_each_cell_has_ignored_rows(dtype):
    """Where the contract ignores a label: some rows, and all."""
    contract = Contract(labels=["onehot", "sparse"], dtypes=list(DTYPES), ignore_index=-100, empty_mean="nan")
    names = {batch.family for batch in found(contract, dtype, "sparse", DTYPES)}
    assert {"some_ignored", "all_ignored"} <= names


def adds_in_float16(logits, labels):
    """Add the losses of the rows up in float16, which ends at 65,504, before the division."""
    z = logits.astype(np.float32)
    d = z - z.max(axis=1, keepdims=True)
    losses = np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(d)), labels]
    kind = np.float16 if logits.dtype == np.float16 else np.float32
    with np.errstate(over="ignore"):
        return (losses.sum(dtype=kind) / kind(max(len(losses), 1))).astype(logits.dtype)


@pytest.mark.parametrize("dtypes", [["float16", "bfloat16"], ["float32", "float16"]])
def test_another_dtype_hides_no_defect(dtypes):
    """torch's sum of row losses in float16, re-created, is found with every choice of dtypes."""
    contract = {"dtypes": dtypes, "domain": {"rows": [1, 8], "classes": [1, 4]}}
    report = xentcheck.check(adds_in_float16, contract=contract, properties=["finite"])
    assert {(one.property, one.dtype) for one in report.findings} == {("finite", "float16")}
