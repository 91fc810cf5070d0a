"""Stored batches as text: exact, and short enough to be read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xentcheck.report import arrays
from xentcheck.truth.formats import FORMATS

SETTINGS = settings(derandomize=True, database=None, deadline=None, max_examples=150)


def stored(array: np.ndarray[Any, Any], layout: str = "C") -> dict[str, Any]:
    """Return an array as batches.storage stores it."""
    from xentcheck.batches.batch import Batch
    from xentcheck.batches.storage import to_mapping

    rows = array.reshape(1, -1)
    return {**to_mapping(Batch(rows, np.zeros(1, np.int64)))["scores"], "shape": list(array.shape), "layout": layout}


def sparse(scores: Any, labels: list[int], **changes: Any) -> dict[str, Any]:
    """Return a stored batch with sparse labels."""
    kept = {"dtype": "int32", "shape": [len(labels)], "layout": "C", "values": labels}
    return {"scores": stored(scores), "labels": kept, "label_form": "sparse", "options": {}, "layout": "C", **changes}


@pytest.mark.parametrize("name", FORMATS)
def test_a_decimal_gives_its_number_back(name: str) -> None:
    """The decimal of any bit pattern is rounded to the same number again, and no shorter one is at hand."""
    kind = FORMATS[name].dtype
    bits = 8 * kind.itemsize

    @SETTINGS
    @given(st.integers(0, 2**bits - 1))
    def holds(pattern: int) -> None:
        number = np.array([pattern], f"u{kind.itemsize}").view(kind)[0]
        if np.isfinite(float(number)):
            assert kind.type(float(arrays.decimal(float(number), name))) == number

    holds()


@pytest.mark.parametrize(
    ("number", "dtype", "text"),
    [
        (float(np.float32(0.1)), "float32", "0.1"),
        (0.1, "float64", "0.1"),
        (100.0, "float32", "100.0"),
        (float(np.float16(65504)), "float16", "65500.0"),
        (-0.0, "float32", "-0.0"),
        (2.0**-149, "float32", "1e-45"),
        (float("nan"), "float32", "nan"),
        (float("-inf"), "bfloat16", "-inf"),
        (FORMATS["float64"].largest, "float64", "1.7976931348623157e+308"),
        (3.0, "int64", "3.0"),
    ],
)
def test_decimals_are_short(number: float, dtype: str, text: str) -> None:
    """The shortest decimal of the format is shown, not that of float64."""
    assert arrays.decimal(number, dtype) == text


def test_a_small_batch_is_a_table() -> None:
    """Rows stand in columns, each with its label."""
    lines = arrays.batch_lines(sparse(np.array([[1.5, -2.0], [0.1, 100.0]], np.float32), [1, 0]))
    assert lines == [
        "logits 2 x 2, float32; sparse labels, int32",
        "  row 0     1.5   -2.0   label 1",
        "  row 1     0.1  100.0   label 0",
    ]


def test_dense_labels_stand_under_their_scores() -> None:
    """Soft labels are shown column by column."""
    batch = sparse(np.array([[0.25, 0.75]], np.float64), [0])
    batch |= {"labels": stored(np.array([[1.0, 0.0]])), "label_form": "soft"}
    assert arrays.batch_lines(batch, "probabilities") == [
        "probabilities 1 x 2, float64; soft labels, float64",
        "  row 0   0.25  0.75",
        "  labels   1.0   0.0",
    ]


def test_many_rows_are_left_out_with_their_number() -> None:
    """The first rows and the last one are shown."""
    lines = arrays.batch_lines(sparse(np.zeros((9, 2), np.float32), [0] * 9))
    assert lines[6] == "  ... 3 rows more, in the JSON report ..."
    assert lines[-1].startswith("  row 8")


def test_a_long_row_is_shown_by_its_runs() -> None:
    """Runs of equal values are counted; what stands at the label is said."""
    row = np.concatenate([[7.0], np.zeros(2998), [3.0]]).astype(np.float32).reshape(1, -1)
    assert arrays.batch_lines(sparse(row, [2999]))[1] == (
        "  row 0   7.0, 0.0 (2998 times), 3.0   label 2999, where 3.0 stands"
    )


def test_a_long_row_without_runs_is_cut_in_the_middle() -> None:
    """A row of distinct numbers shows its ends."""
    line = arrays.batch_lines(sparse(np.arange(40, dtype=np.float64).reshape(1, -1), [0]))[1]
    assert "0.0, 1.0, 2.0, 3.0, ... 34 more ..., 38.0, 39.0" in line


def test_layout_and_options_are_told() -> None:
    """What else the target was given is shown: memory layout, arrays and numbers."""
    options = {"class_weights": stored(np.array([1.0, 2.5], np.float32)), "label_smoothing": (0.1).hex()}
    batch = sparse(np.zeros((1, 2), np.float32), [-100], options=options | {"ignore_index": -100})
    batch["scores"]["layout"] = "strided"
    lines = arrays.batch_lines(batch)
    assert lines[0] == "logits 1 x 2, float32, strided in memory; sparse labels, int32"
    assert lines[2:] == ["  class_weights = [1.0, 2.5] float32", "  label_smoothing = 0.1", "  ignore_index = -100"]


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (2, 0)])
def test_batches_at_the_rim_are_shown(shape: tuple[int, int]) -> None:
    """No rows, one class, no classes."""
    lines = arrays.batch_lines(sparse(np.zeros(shape, np.float32), [0] * shape[0]))
    assert len(lines) == 1 + shape[0]


def test_a_nan_with_a_payload_is_nan() -> None:
    """The bits of a nan are not shown."""
    batch = sparse(np.array([[np.nan, 1.0]], np.float32), [0])
    batch["scores"]["values"][0] = "nan:0x7fc00001"
    assert "nan" in arrays.batch_lines(batch)[1]


def test_one_line_is_short_or_says_the_shape() -> None:
    """A batch that does not fit is named by its shape and family."""
    assert arrays.one_line(sparse(np.array([[1.0, 2.0]], np.float32), [1])) == "[1.0, 2.0], label 1"
    large = sparse(np.zeros((64, 1000), np.float32), [0] * 64, family="ties")
    assert arrays.one_line(large) == "a 64 x 1000 batch, family ties"


def test_the_numbers_of_a_large_batch_are_not_put_into_words() -> None:
    """Whatever they are, the line has no room for them; for as many as it has characters they are looked at."""
    large = {**sparse(np.zeros((64, 1000), np.float32), [0] * 64, family="ties")}
    large["scores"] = {**large["scores"], "values": None}
    assert arrays.one_line(large) == "a 64 x 1000 batch, family ties"
    assert arrays.one_line(sparse(np.zeros((1, 3), np.float32), [0]), 24) == "[0.0, 0.0, 0.0], label 0"


def test_weights_of_many_classes_are_told_as_runs() -> None:
    """As a row of as many logits is; a few are listed."""
    weights = {"dtype": "float32", "shape": [499], "values": ["0x1.0p+0"] * 498 + ["0x1.0p+1"]}
    assert arrays.option(weights) == "[1.0 (498 times), 2.0] float32"
    few = {"dtype": "float32", "shape": [2], "values": ["0x1.0p+0", "0x1.0p+0"]}
    assert arrays.option(few) == "[1.0, 1.0] float32"
