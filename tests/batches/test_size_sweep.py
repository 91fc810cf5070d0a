"""Sizes: every one of the profile is judged, with data that shows what is lost at the end of a block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.shapes import Shape
from xentcheck.batches.size_sweep import class_counts, class_items, label_items, row_counts, row_items, telling
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract

TWO_FORMS = Contract(labels=("sparse", "onehot"), dtypes=("float32", "float64"), reduction="sum")
NEIGHBOURS = {2**k + step for k in range(2, 17) for step in (-1, 0, 1)} - {65_538}


def swept(profile: str, form: str) -> list[Batch]:
    """Return what the sweep judges in all cells of a label form."""
    return [batch for dtype in TWO_FORMS.dtypes for batch in sweep(TWO_FORMS, dtype, form, sizes=profile)]


def losses(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the losses of the rows, the exponentials beyond the range included as inf."""
    top = scores.max(axis=1)
    with np.errstate(over="ignore"):
        return top + np.log(np.exp(scores - top[:, None]).sum(axis=1)) - scores[np.arange(labels.size), labels]


def test_standard_has_every_neighbour_of_a_power_of_two_in_classes_and_rows() -> None:
    """Class counts to 65,537 with few rows in each label form, row counts to 4,097 with few classes in one of them."""
    rows: set[int] = set()
    for form in TWO_FORMS.labels:
        batches = swept("standard", form)
        assert {batch.m for batch in batches if batch.n <= 3} >= NEIGHBOURS
        rows |= {batch.n for batch in batches if batch.m <= 5}
    assert {n for n in NEIGHBOURS if n <= 4097} | {0, 1, 2, 99, 101, 499, 501} <= rows


def test_quick_has_each_power_of_two_once_in_classes_and_rows() -> None:
    """One more than each power of two up to 4,097, of classes and of rows, and 8,194 classes, in some cell."""
    batches = [batch for form in TWO_FORMS.labels for batch in swept("quick", form)]
    beyond = {2**k + 1 for k in range(2, 13)}
    assert beyond | {8_194} <= {batch.m for batch in batches}
    assert beyond | {256} <= {batch.n for batch in batches}
    sizes = sorted(batch.n * batch.m for batch in batches)
    assert sizes[-1] == 260 * 257  # one in the run, of which each class is a label
    assert sizes[-2] <= 4097 * 5


def test_the_widest_batch_of_quick_shows_a_class_left_out() -> None:
    """Without its last class the row of 8,194 classes has another loss by far more than any sum may be off."""
    space = InputSpace(TWO_FORMS, "float32", "sparse")
    (item,) = [item for item in class_items(space, "quick") if item.scores.shape[1] > 2**13]
    assert losses(item.scores[:, :8192], item.labels) < losses(item.scores, item.labels) - 50


def test_thorough_goes_beyond() -> None:
    """More than 65,537 classes and more than 4,097 rows."""
    assert max(class_counts("thorough")) > 2**17
    assert max(row_counts("thorough")) == 2**16 + 1
    assert set(class_counts("standard")) < set(class_counts("thorough"))
    assert set(row_counts("standard")) < set(row_counts("thorough"))


def test_label_dtypes_at_their_limits() -> None:
    """The last class of 128, 256, 32,768 and 65,536 in the dtype that just holds it; all integer dtypes with more."""
    batches = swept("standard", "sparse")
    found = {(batch.labels.dtype.name, batch.m) for batch in batches if (batch.labels == batch.m - 1).any()}
    assert {("int8", 128), ("uint8", 256), ("int16", 32_768), ("uint16", 65_536)} <= found
    assert {("int64", 257), ("int64", 32_769), ("int64", 65_535)} <= found


@pytest.mark.parametrize("m", [9, 33, 129, 517, 1025, 4097, 65_537])
def test_a_lost_class_shows(m: int) -> None:
    """Without the last class, the first or that at a power of two some loss is off by more than sums of float32 are."""
    space = InputSpace(Contract(), "float32")
    scores, labels = telling(space, 3, m)
    exact = losses(scores, labels)
    for lost in (m - 1, 0, 2 ** int(np.log2(m - 1))):
        without = scores.copy()
        without[:, lost] = -np.inf
        keep = labels != lost
        with np.errstate(invalid="ignore"):
            wrong = losses(without, labels)
        assert (np.abs(wrong - exact)[keep] > 0.008).any(), lost


@pytest.mark.parametrize("n", [5, 9, 33, 129, 257, 1025, 4097])
def test_a_lost_row_shows(n: int) -> None:
    """Without the last row, or the one at the last power of two, the mean is off by more than 1/500 of itself."""
    space = InputSpace(Contract(), "float32")
    row_losses = losses(*telling(space, n, 3))
    for lost in (n - 1, 2 ** int(np.log2(n - 1))):
        assert row_losses[lost] / n > row_losses.mean() / 500


def test_labels_vary_in_the_last_block_and_repeat() -> None:
    """Many rows have several labels, repeated; few rows have the last class, the first and that at a power of two."""
    space = InputSpace(Contract(), "float32")
    assert set(telling(space, 3, 517)[1]) == {0, 512, 516}
    assert set(telling(space, 3, 257)[1]) == {0, 255, 256}
    labels = telling(space, 257, 5)[1]
    assert set(labels) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(("profile", "shape"), [("quick", (260, 257)), ("standard", (520, 517))])
@pytest.mark.parametrize("nonfinite", [(), ("-inf",)])
def test_each_class_is_a_label_where_there_are_as_many_rows(profile: str, shape: Shape, nonfinite: tuple) -> None:
    """One class that is taken for its neighbour changes the mean by more than float32 may."""
    space = InputSpace(Contract(nonfinite=nonfinite), "float32")
    found = next(item for item in row_items(space, profile) if item.scores.shape == shape)
    assert set(found.labels) == set(range(shape[1]))
    right = losses(found.scores, found.labels).mean()
    for lost in range(shape[1] - 1):
        wrong = losses(found.scores, np.where(found.labels == lost, lost + 1, found.labels)).mean()
        assert abs(wrong - right) > 1e-4 * right


def test_the_maximum_stands_in_the_last_class_beyond_the_range_of_exp() -> None:
    """Some row of each three has its maximum at the end, so high that exp overflows unless it is subtracted."""
    for dtype in ("float16", "float32", "float64"):
        space = InputSpace(Contract(), dtype)
        scores, _ = telling(space, 3, 129)
        assert (scores[:, -1] > space.exponential_limit).any()


def test_a_first_block_is_masked_only_where_the_loss_stays_finite() -> None:
    """With -inf promised some row begins with a masked block; with smoothing, or without the promise, none does."""
    for keys, masked in (
        ({}, False),
        ({"nonfinite": ("-inf",)}, True),
        ({"nonfinite": ("-inf off the label",)}, True),
        ({"nonfinite": ("-inf",), "label_smoothing": 0.1}, False),
    ):
        space = InputSpace(Contract(**keys), "float32")
        for n in (3, 33):
            scores, labels = telling(space, n, 257)
            assert bool(np.isneginf(scores).any()) == masked
            assert np.isfinite(scores[np.arange(n), labels]).all()


@pytest.mark.parametrize("ignored", [-100, -1, {"argument": "ignore_index"}])
def test_the_class_that_the_ignored_label_wraps_round_to_is_tried_in_uint8(ignored: Any) -> None:
    """torch makes -100 a 156 where it is compared with labels of uint8: class 156 would be ignored."""
    space = InputSpace(Contract(ignore_index=ignored), "float32")
    found = {(item.fixed["label dtype"], item.scores.shape[1], item.labels[-1]) for item in label_items(space, "quick")}
    label = 255 if ignored == -1 else 156
    of_bytes = ("int16", 8194, 8193)
    assert found == {("int64", 257, label), ("uint8", 256, label), of_bytes}


def test_a_class_of_int16_lies_beyond_as_many_bytes() -> None:
    """Its number fits, and four times that does not; where class numbers are never int16 there is no such batch."""
    (item,) = label_items(InputSpace(Contract(), "float32"), "quick")
    assert item.fixed["label dtype"] == "int16"
    assert item.labels[-1] < 2**15 <= 4 * item.labels[-1]
    assert label_items(InputSpace(Contract(label_dtypes=("int64",)), "float32"), "quick") == []
    assert label_items(InputSpace(Contract(domain={"classes": [2, 300]}), "float32"), "quick") == []


def test_a_class_that_sixteen_bits_do_not_number_is_a_label() -> None:
    """Class 65,536 is 0 in uint16; the class counts alone had it in a row of another label."""
    items = label_items(InputSpace(Contract(), "float32"), "standard")
    assert [(item.scores.shape, list(item.labels)) for item in items if item.scores.shape[1] > 65_536] == [
        ((1, 65_537), [65_536])
    ]
    few = InputSpace(Contract(label_dtypes=("uint16",)), "float32")
    assert all(item.scores.shape[1] <= 65_536 for item in label_items(few, "standard"))


def test_sizes_outside_the_domain_are_left_out() -> None:
    """No more classes than labels hold, no more rows than are promised; nothing is cut to fit."""
    narrow = InputSpace(Contract(label_dtypes=("int8",), domain={"rows": [1, 40]}), "float32")
    assert {item.scores.shape[1] for item in class_items(narrow, "standard")} <= set(range(129))
    assert {item.scores.shape[0] for item in row_items(narrow, "standard")} <= set(range(1, 41))
