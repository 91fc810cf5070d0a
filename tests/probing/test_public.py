"""Losses of public style, each with the contract that was expected of it before it was probed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xentcheck.probing import infer
from xentcheck.targets import TargetSpecification

WIDER = ("labels", "extra_axes")
"""Keys that may be told to be wider: what is answered rightly is understood, whether or not it was meant."""
HERE = Path(__file__).parent
SCORES_FIRST = {"argument_order": "scores_first"}
LABELS_FIRST = {"argument_order": "labels_first"}
EXPECTED: dict[str, dict[str, Any]] = {
    "public_numpy.py:old_log_loss": {
        **LABELS_FIRST,
        "input": "probabilities",
        "labels": ["sparse"],
        "reduction": "mean",
        "mean_over": "weights",
        "row_weights": {"argument": "sample_weight"},
        "row_weights_as": "numbers",
        "boundary": {"clip": [1e-15, 0.999999999999999], "normalise": "after"},
    },
    "public_numpy.py:smoothed_in_float32": {
        **SCORES_FIRST,
        "input": "logits",
        "labels": ["sparse"],
        "reduction": "mean",
        "label_smoothing": 0.1,
        "smoothing_over": "all",
        "boundary": "exact",
        "dtypes": ["float16", "bfloat16", "float32"],
    },
    "public_numpy.py:smoothed_of_four": {
        **SCORES_FIRST,
        "input": "logits",
        "labels": ["sparse"],
        "reduction": "mean",
        "label_smoothing": 0.1,
        "smoothing_over": "all",
        "boundary": "exact",
        "domain": {"classes": [4, 4]},
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
    },
    "public_jax.py:ten_digits": {
        **SCORES_FIRST,
        "input": "log_probabilities",
        "labels": ["sparse"],
        "reduction": "mean",
        "gradient_wrt": "log_probabilities",
        "ignore_index": None,  # no label that is no class costs anything
        "domain": {"classes": [10, 10]},
        "dtypes": ["float16", "bfloat16", "float32", "float64"],
    },
    "public_numpy.py:z_loss_in_float32": {
        **SCORES_FIRST,
        "input": "logits",
        "labels": ["sparse"],
        "reduction": "mean",
        "z_loss": 0.001,
        "boundary": "exact",
    },
    "public_numpy.py:text_book": {
        **SCORES_FIRST,
        "input": "probabilities",
        "labels": ["onehot", "soft"],
        "reduction": "mean",
        "boundary": "exact",
        "soft_rows": "any",
    },
    "public_numpy.py:rows_or_classes": {
        **SCORES_FIRST,
        "input": "logits",
        "labels": ["sparse", "onehot"],
        "invalid": ["label_fractional"],
    },
    "public_numpy.py:dot_with_labels": {
        **SCORES_FIRST,
        "input": "logits",
        "labels": ["onehot", "soft"],
        "reduction": "none",
        "output_dtype": "any",
    },
    "public_numpy.py:course_softmax_loss": {
        **SCORES_FIRST,
        "input": "logits",
        "labels": ["sparse"],
        "reduction": "mean",
        "gradient_wrt": "logits",
    },
    "public_numpy.py:temporal_softmax_loss": {
        **SCORES_FIRST,
        "input": "logits",
        "labels": ["sparse"],
        "reduction": "sum",
        "axis": -1,
        "extra_axes": [1],
        "row_weights": {"argument": "mask"},
    },
    "public_numpy.py:sequence_cross_entropy": {
        "input": "logits",
        "labels": ["sparse"],
        "reduction": "mean",
        "axis": -1,
        "extra_axes": [1],
        "row_weights": {"argument": "weights"},
        "mean_over": "weights",
    },
    "public_numpy.py:keras_one_hot": {
        **LABELS_FIRST,
        "input": "probabilities",
        "labels": ["onehot", "soft"],
        "reduction": "mean",
        "mean_over": "rows",
        "row_weights": {"argument": "sample_weight"},
        "boundary": {"clip": [1e-7, 1 - 1e-7], "normalise": True},
    },
    "public_numpy.py:masked_mean": {
        "input": "logits",
        "labels": ["sparse"],
        "reduction": "mean",
        "mean_over": "kept",
        "row_weights": {"argument": "valid"},
        "row_weights_as": "bool",
        "empty_mean": "zero",
    },
    "public_numpy.py:boolean_index": {
        "input": "logits",
        "reduction": "mean",
        "mean_over": "kept",
        "row_weights": {"argument": "keep"},
        "row_weights_as": "bool",
        "empty_mean": "nan",
    },
    "public_numpy.py:weighted_by_class": {
        "input": "logits",
        "reduction": "mean",
        "mean_over": "weights",
        "class_weights": {"argument": "weights"},
        "row_weights": None,
    },
    "public_numpy.py:weighted_by_row": {
        "input": "logits",
        "reduction": "sum",
        "row_weights": {"argument": "weights"},
        "row_weights_as": "numbers",
        "class_weights": None,
    },
    "public_numpy.py:counted": {
        "input": "logits",
        "reduction": "sum",
        "divisor": {"argument": "n_tokens"},
    },
    "public_numpy.py:pixels": {
        "input": "logits",
        "labels": ["sparse"],
        "axis": 1,
        "extra_axes": [2],
        "reduction": "mean",
    },
    "public_numpy.py:only_float32": {
        "input": "logits",
        "reduction": "mean",
        "dtypes": ["float32"],
        "output_dtype": "same",
    },
    "public_numpy.py:int32_labels": {
        "input": "logits",
        "reduction": "mean",
        "label_dtypes": ["int32"],
    },
    "public_torch.py:causal_lm_loss": {
        "input": "logits",
        "labels": ["sparse"],
        "reduction": "sum",
        "divisor": {"argument": "num_items_in_batch"},
        "ignore_index": {"argument": "ignore_index"},
        "gradient_wrt": "logits",
        "nonfinite": [],  # the gradient of an ignored row of nothing but -inf is nan
    },
    "public_torch.py:label_smoothed_nll_loss": {
        "input": "log_probabilities",
        "labels": ["sparse"],
        "label_smoothing": {"argument": "epsilon"},
        "smoothing_over": "others",
        "ignore_index": {"argument": "ignore_index"},
        "reduction": "sum",
        "gradient_wrt": "log_probabilities",
    },
    "public_torch.py:weighted_loss": {
        "input": "logits",
        "labels": ["sparse"],
        "reduction": "sum",
        "row_weights": {"argument": "weight"},
        "divisor": {"argument": "avg_factor"},
    },
    "public_torch.py:label_smoothing_timm": {
        "input": "logits",
        "labels": ["sparse"],
        "label_smoothing": {"argument": "smoothing"},
        "smoothing_over": "all",
        "reduction": "mean",
    },
    "public_torch.py:soft_target_timm": {
        "input": "logits",
        "labels": ["onehot", "soft"],
        "soft_rows": "any",
        "reduction": "mean",
    },
    "public_torch.py:one_hot_pixels": {
        **SCORES_FIRST,
        "input": "probabilities",
        "labels": ["onehot", "soft"],
        "axis": 1,
        "extra_axes": [0, 1, 2, 3],
        "boundary": {"add": 1e-6},
        "reduction": "mean",
        "soft_rows": "any",
        "gradient_wrt": "probabilities",
        "gradient_of": "loss",
    },
    "public_torch.py:cross_entropy2d": {
        "input": "logits",
        "labels": ["sparse"],
        "axis": 1,
        "extra_axes": [2],
        "ignore_index": 250,
        "mean_over": "kept",
        "reduction": "mean",
    },
    "public_jax.py:cross_entropy_with_logits": {
        "input": "logits",
        "labels": ["onehot", "soft"],
        "z_loss": {"argument": "z_loss"},
        "reduction": "none",
        "soft_rows": "any",
        "gradient_wrt": "logits",
    },
    "public_jax.py:one_hot_labels": {
        **LABELS_FIRST,
        "input": "log_probabilities",
        "labels": ["onehot", "soft"],
        "reduction": "sum",
        "soft_rows": "any",
        "gradient_wrt": "log_probabilities",
    },
    "public_jax.py:compute_weighted_cross_entropy": {
        "input": "logits",
        "labels": ["sparse"],
        "row_weights": {"argument": "weights"},
        "mean_over": "weights",
        "label_smoothing": {"argument": "label_smoothing"},
        "smoothing_over": "others",
        "reduction": "mean",
    },
    "public_jax.py:where_argument": {
        "input": "logits",
        "labels": ["sparse"],
        "row_weights": {"argument": "where"},
        "row_weights_as": "bool",
        "mean_over": "kept",
        "reduction": "mean",
    },
}


def wrong(name: str) -> list[str]:
    """Return what is told otherwise than expected."""
    given: dict[str, Any] = {"loss": f"{HERE / name}"}
    if name.endswith(":course_softmax_loss"):
        given["gradient"] = f"{HERE / 'public_numpy.py'}:course_softmax_gradient"
    inference = infer(TargetSpecification(**given))
    found = [f"{one.key}: {one.evidence}" for one in inference.contradictions]
    for key, value in EXPECTED[name].items():
        one = inference.findings.get(key)
        told = one.value if one is not None and one.status == "told" else None
        wider = key in WIDER and told is not None and set(value) <= set(told)
        if told != value and not wider:
            found.append(f"{key}: {value!r} is expected, and told is {one}")
    return found


@pytest.mark.parametrize("name", [name for name in EXPECTED if "numpy" in name])
def test_of_numpy(name: str) -> None:
    """Every key."""
    assert wrong(name) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.needs(framework))
        for framework in ("torch", "jax")
        for name in EXPECTED
        if framework in name
    ],
)
def test_of_frameworks(name: str) -> None:
    """Every key, the gradient by the framework."""
    assert wrong(name) == []
