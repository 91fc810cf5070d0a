"""What a contract does not admit is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract

LOGITS = np.array([[0.5, -1, 2], [1, 0, -0.5]])
SOFT = np.array([[0.5, 0.25, 0.25], [0, 0, 1.0]])
LABELS = np.array([0, 2])


def _said(batch: Batch, **keys: Any) -> str:
    contract = Contract.from_mapping({"labels": ["sparse", "onehot", "soft"], **keys})
    return objection(InputSpace(contract, batch.dtype, batch.label_form), batch)


def test_good_batches_meet_no_objection() -> None:
    """Logits, probabilities, log-probabilities and labels of all forms pass as they should."""
    assert _said(Batch(LOGITS, LABELS)) == ""
    assert _said(Batch(SOFT, LABELS), input="probabilities") == ""
    assert _said(Batch(np.log(SOFT[:1]), LABELS[:1]), input="log_probabilities") == ""
    assert _said(Batch(LOGITS, SOFT, "soft")) == ""
    assert _said(Batch(LOGITS, np.eye(3)[:2], "onehot")) == ""
    assert _said(Batch(LOGITS, np.array([-100, 2])), ignore_index=-100) == ""
    third = np.full((1, 3), 1 / 3, np.float16)
    assert _said(Batch(third, LABELS[:1]), input="probabilities", dtypes=["float16"]) == ""


@pytest.mark.parametrize(
    ("batch", "keys", "said"),
    [
        (Batch(LOGITS, LABELS), {"domain": {"rows": [3, 9]}}, "shape"),
        (Batch(LOGITS, LABELS), {"domain": {"classes": [1, 2]}}, "shape"),
        (Batch(LOGITS, LABELS), {"domain": {"magnitude": 1.5}}, "too large"),
        (Batch(LOGITS[:0], LABELS[:0]), {}, "shape"),
        (Batch(LOGITS * np.nan, LABELS), {"nonfinite": ["-inf"]}, "nan"),
        (Batch(LOGITS + np.inf, LABELS), {"nonfinite": ["-inf"]}, "inf"),
        (Batch(LOGITS - np.inf, LABELS), {"nonfinite": ["+inf"]}, "-inf"),
        (Batch(LOGITS, LABELS), {"input": "probabilities"}, "negative"),
        (Batch(SOFT * 0.9, LABELS), {"input": "probabilities"}, "does not sum to 1"),
        (Batch(LOGITS, LABELS), {"input": "log_probabilities"}, "out of range"),
        (Batch(LOGITS - 9, LABELS), {"input": "log_probabilities"}, "does not sum to 1"),
        (Batch(LOGITS, LABELS + 1), {}, "out of range"),
        (Batch(LOGITS, LABELS - 1), {}, "out of range"),
        (Batch(LOGITS, SOFT, "onehot"), {}, "one-hot"),
        (Batch(LOGITS, np.ones((2, 3)), "onehot"), {}, "one-hot"),
        (Batch(LOGITS, 2 * SOFT, "soft"), {}, "does not sum to 1"),
        (Batch(LOGITS, 5 * SOFT, "soft"), {"soft_rows": "any"}, "more than 4"),
        (Batch(LOGITS, 0 * SOFT, "soft"), {"soft_rows": "renormalised"}, "sums to 0"),
        (Batch(LOGITS, -SOFT, "soft"), {"soft_rows": "any"}, "negative"),
        (Batch(LOGITS, LABELS, options={"z_loss": 0.5}), {}, "options"),
        (Batch(LOGITS - [np.inf, 0, 0], LABELS), {"nonfinite": ["-inf off the label"]}, "probability 0"),
        (Batch(LOGITS, LABELS), {"z_loss": {"argument": "z"}}, "options"),
        (
            Batch(LOGITS, LABELS, options={"label_smoothing": 1.0}),
            {"label_smoothing": {"argument": "s", "range": "[0, 1)"}},
            "outside its range",
        ),
        (Batch(LOGITS, LABELS, options={"class_weights": np.ones(2)}), {"class_weights": {"argument": "w"}}, "classes"),
        (Batch(LOGITS, LABELS, options={"class_weights": np.zeros(3)}), {"class_weights": {"argument": "w"}}, "are 0"),
        (Batch(SOFT, LABELS * 0), {"input": "probabilities", "domain": {"label_probability": "positive"}}, "ability 0"),
        (
            Batch(LOGITS[:, :1], LABELS * 0, options={"label_smoothing": 0.1}),
            {"label_smoothing": {"argument": "s"}, "smoothing_over": "others"},
            "no other class",
        ),
        (Batch(LOGITS, LABELS), {"class_weights": [0, 1, 0], "mean_over": "weights"}, "divisor 0"),
        (Batch(LOGITS, LABELS * 0), {"ignore_index": 0, "mean_over": "kept"}, "divisor 0"),
    ],
)
def test_each_breach_is_named(batch: Batch, keys: dict[str, Any], said: str) -> None:
    """The words returned name what the contract does not admit."""
    assert said in _said(batch, **keys)


def test_a_declared_empty_mean_may_have_the_divisor_zero() -> None:
    """Where the contract says what it is, a mean over no row is a good question; so is any sum."""
    batch = Batch(LOGITS, LABELS * 0)
    assert _said(batch, ignore_index=0, mean_over="kept", empty_mean="nan") == ""
    assert _said(batch, ignore_index=0, mean_over="kept", reduction="sum") == ""


@pytest.mark.parametrize(
    ("shapes", "dtype", "said"),
    [
        (["(n,)", "(n,1)"], np.int64, "the label rows look like classes"),
        (["(n,)", "(n,1)"], np.float64, ""),
        (["(n,)"], np.int64, ""),
    ],
)
def test_integers_of_one_class_are_sparse_where_they_may_be(shapes: list[str], dtype: Any, said: str) -> None:
    """A column of ones is a column of classes, of which 1 is none, to a target that takes labels of shape (n, 1)."""
    contract = Contract.from_mapping({"labels": ["sparse", "onehot"], "label_shapes": shapes})
    batch = Batch(np.zeros((2, 1)), np.ones((2, 1), dtype), "onehot")
    assert objection(InputSpace(contract, "float64", "onehot"), batch) == said
