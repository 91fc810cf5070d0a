"""A frozen table of allowances, to 0.1 %: a row for each key of the contract, dtype and row of scores.

The table says that nothing has changed, not that it is right: the formulas are derived in docs/bounds.md, transcribed
in test_allowance_formulas.py and held against algorithms in adversarial/. A change of a formula changes docs/bounds.md
first; then `python tests/truth/test_frozen_allowances.py` writes the table anew, and the difference is read.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.grades import tight
from xentcheck.truth.problem import pose

TABLE = Path(__file__).with_name("frozen_allowances.json")
# Ordinary, confident and right, confident and wrong, large, out of the exponential's range, tied, opposite, all else 0.
SCORES = [
    [0.3, -1.2, 2.0, 0.1],
    [30.0, 0.0, -3.0, 1.0],
    [0.0, -12.0, 4.0, 1.0],
    [1000.0, 996.0, 1002.0, 990.0],
    [0.0, -85.0, -700.0, 3.0],
    [0.5, 0.5, 0.5, 0.5],
    [-7.0, 7.0, 6.5, -6.5],
    [0.0, -800.0, -900.0, -850.0],
]
# Beside the limits 0.001 and 0.9 of a clip, on them (0.25 of another), at 0 and at 1.
PROBABILITIES = [
    [0.5, 0.25, 0.1875, 0.0625],
    [1.0, 0.0, 0.0, 0.0],
    [0.0009, 0.95, 0.0471, 0.002],
    [0.001, 0.9, 0.09, 0.009],
    [1e-5, 0.99999, 0.0, 0.0],
    [0.25, 0.25, 0.25, 0.25],
    [0.0004, 0.0996, 0.8, 0.1],
    [1.0, 0.0, 0.0, 0.0],
]
LABELS = [2, 0, 1, 3, 0, 3, 2, 0]
SOFT = [
    [0.5, 0.0, 0.25, 0.25],
    [1.0, 0.0, 0.0, 0.0],
    [0.125, 0.625, 0.125, 0.125],
    [0.0, 0.75, 0.0, 0.75],
    [2.0, 0.0, 0.5, 0.0],
    [0.25, 0.0, 0.0, 0.0],
    [0.0, 0.5, 0.0, 0.5],
    [1.0, 0.0, 0.0, 0.0],
]
WEIGHTS = (0.5, 3.0, 1.25, 2.0)
BY_ROW = {"row_weights": {"argument": "v"}}
TANGENT = np.array([1.0, -3.0, 0.5, 2.0]) * np.ones((len(SCORES), 1))
ROW_WEIGHTS = np.array([0.5, 3.0, 0.0, 1.0, 0.001, 2.0, 1.0, 100.0])
CLIP, ADD = {"clip": [0.001, 0.9]}, {"add": 0.001}
NARROW = {"labels": ["soft"], "dense_label_dtypes": ["float16"], "soft_rows": "any"}
UNSUMMED = {"labels": ["soft"], "soft_rows": "any", "gradient_of": "p - t"}
SIGNED = {"class_weights": [-2.0, 0.5, -0.25, 3.0], "class_weights_as": "signed"}
PROBABLE = {"input": "probabilities", "gradient_wrt": "probabilities"}
CONTRACTS = {
    "plain": {},
    "reduction=mean": {"reduction": "mean"},
    "reduction=sum": {"reduction": "sum"},
    "gradient_reduction=mean": {"gradient_reduction": "mean"},
    "output_dtype=float64": {"output_dtype": "float64"},
    "output_dtype=float16": {"output_dtype": "float16"},
    "compute=float32": {"compute": "float32"},
    "compute=float64": {"compute": "float64"},
    "class_weights": {"class_weights": WEIGHTS},
    "class_weights, mean_over=weights": {"class_weights": WEIGHTS, "reduction": "mean", "mean_over": "weights"},
    "ignore_index, mean_over=kept": {"ignore_index": 3, "reduction": "mean", "mean_over": "kept"},
    "ignore_index, reduction=sum": {"ignore_index": 3, "reduction": "sum"},
    "label_smoothing": {"label_smoothing": 0.25},
    "label_smoothing, smoothing_over=others": {"label_smoothing": 0.25, "smoothing_over": "others"},
    "label_smoothing, class_weights": {"label_smoothing": 0.25, "class_weights": WEIGHTS},
    "label_smoothing, smoothing_weights=class": {
        "label_smoothing": 0.25,
        "class_weights": WEIGHTS,
        "smoothing_weights": "class",
    },
    "label_smoothing, smoothing_weights=mean": {
        "label_smoothing": 0.25,
        "class_weights": WEIGHTS,
        "smoothing_weights": "mean",
        "mean_over": "weights",
        "reduction": "mean",
    },
    "label_smoothing, smoothing_weights=mean, smoothing_over=others": {
        "label_smoothing": 0.25,
        "class_weights": WEIGHTS,
        "smoothing_weights": "mean",
        "smoothing_over": "others",
    },
    "label_smoothing=1, smoothing_over=others": {"label_smoothing": 1.0, "smoothing_over": "others"},
    "label_smoothing=1, smoothing_over=others, class_weights": {
        "label_smoothing": 1.0,
        "smoothing_over": "others",
        "class_weights": WEIGHTS,
    },
    "divisor": {"reduction": "sum", "divisor": 3.0},
    "row_weights": BY_ROW,
    "row_weights, mean_over=weights": {**BY_ROW, "reduction": "mean", "mean_over": "weights"},
    "row_weights, mean_over=weights, class_weights, label_smoothing": {
        **BY_ROW,
        "reduction": "mean",
        "mean_over": "weights",
        "class_weights": WEIGHTS,
        "label_smoothing": 0.25,
    },
    "row_weights, z_loss": {**BY_ROW, "z_loss": 0.125},
    "z_loss": {"z_loss": 0.125},
    "z_loss, ignore_index": {"z_loss": 2.0, "ignore_index": 3, "reduction": "sum"},
    "z_loss, class_weights": {"z_loss": 0.125, "class_weights": WEIGHTS},
    "soft_cap": {"soft_cap": 5.0},
    "soft_cap, z_loss": {"soft_cap": 5.0, "z_loss": 0.125},
    "temperature": {"temperature": 0.7},
    "temperature=2": {"temperature": 2.0},
    "temperature, soft_cap, z_loss": {"temperature": 0.7, "soft_cap": 5.0, "z_loss": 0.125},
    "soft_rows=any": {"labels": ["soft"], "soft_rows": "any"},
    "soft_rows=any, soft_cap": {"labels": ["soft"], "soft_rows": "any", "soft_cap": 5.0},
    "soft_rows=any, z_loss": {"labels": ["soft"], "soft_rows": "any", "z_loss": 0.125},
    "soft_rows=any, label_smoothing": {"labels": ["soft"], "soft_rows": "any", "label_smoothing": 0.25},
    "soft_rows=any, class_weights": {"labels": ["soft"], "soft_rows": "any", "class_weights": WEIGHTS},
    "output=entropy": {"output": "entropy"},
    "output=entropy, reduction=mean": {"output": "entropy", "reduction": "mean"},
    "output=entropy, output_dtype=float16": {"output": "entropy", "output_dtype": "float16"},
    "output=entropy, input=probabilities": {"output": "entropy", "input": "probabilities"},
    "output=entropy, gradient_wrt=probabilities": {"output": "entropy", **PROBABLE},
    "output=entropy, gradient_wrt=probabilities, boundary=normalise": {
        "output": "entropy",
        **PROBABLE,
        "boundary": {"normalise": True},
    },
    "gradient_of=p - t": UNSUMMED,
    "gradient_of=p - t, row_weights, z_loss": {**UNSUMMED, **BY_ROW, "z_loss": 0.125},
    "gradient_of=p - t, label_smoothing, reduction=sum": {**UNSUMMED, "label_smoothing": 0.25, "reduction": "sum"},
    "gradient_of=p - t, soft_cap": {**UNSUMMED, "soft_cap": 5.0},
    "gradient_of=p - t, dense_label_dtypes": {**UNSUMMED, **NARROW, "label_smoothing": 0.25},
    "gradient_of=p - t, input=probabilities, boundary=add": {**UNSUMMED, "input": "probabilities", "boundary": ADD},
    "soft_rows=renormalised": {"labels": ["soft"], "soft_rows": "renormalised"},
    "dense_label_dtypes": NARROW,
    "dense_label_dtypes, class_weights": {**NARROW, "class_weights": WEIGHTS},
    "dense_label_dtypes, label_smoothing, class_weights": {**NARROW, "class_weights": WEIGHTS, "label_smoothing": 0.25},
    "dense_label_dtypes, smoothing_weights=class": {
        **NARROW,
        "class_weights": WEIGHTS,
        "label_smoothing": 0.25,
        "smoothing_weights": "class",
    },
    "dense_label_dtypes, smoothing_weights=mean": {
        **NARROW,
        "class_weights": WEIGHTS,
        "label_smoothing": 0.25,
        "smoothing_weights": "mean",
    },
    "dense_label_dtypes, soft_rows=renormalised": {**NARROW, "soft_rows": "renormalised"},
    "boundary=add": {"boundary": ADD},
    "boundary=clip": {"boundary": CLIP},
    "boundary=add, gradient_of=loss": {"boundary": ADD, "gradient_of": "loss"},
    "boundary=clip, gradient_of=loss": {"boundary": CLIP, "gradient_of": "loss"},
    "boundary=clip at eps": {"boundary": {"clip": "eps"}},
    "gradient_wrt=probabilities, boundary=clip at eps": {
        **PROBABLE,
        "boundary": {"clip": "eps"},
        "gradient_of": "loss",
    },
    "boundary=add, soft_cap": {"boundary": ADD, "soft_cap": 5.0, "gradient_of": "loss"},
    "boundary=add, soft_rows=any": {
        "boundary": ADD,
        "gradient_of": "loss",
        "labels": ["soft"],
        "soft_rows": "any",
        "class_weights": WEIGHTS,
    },
    "input=probabilities": {"input": "probabilities"},
    "input=probabilities, soft_rows=any": {"input": "probabilities", "labels": ["soft"], "soft_rows": "any"},
    "gradient_wrt=probabilities": PROBABLE,
    "gradient_wrt=probabilities, soft_rows=any": {**PROBABLE, "labels": ["soft"], "soft_rows": "any"},
    "gradient_wrt=probabilities, class_weights": {**PROBABLE, "class_weights": WEIGHTS},
    "gradient_wrt=probabilities, boundary=add": {**PROBABLE, "boundary": ADD, "gradient_of": "loss"},
    "gradient_wrt=probabilities, boundary=clip": {**PROBABLE, "boundary": CLIP, "gradient_of": "loss"},
    "gradient_wrt=probabilities, boundary=normalise": {**PROBABLE, "boundary": {"normalise": True}},
    "gradient_wrt=probabilities, boundary=clip, normalise": {
        **PROBABLE,
        "boundary": {**CLIP, "normalise": True},
        "gradient_of": "loss",
    },
    "class_weights_as=signed": SIGNED,
    "class_weights_as=signed, smoothing, soft rows": {
        **SIGNED,
        "labels": ["soft"],
        "soft_rows": "any",
        "label_smoothing": 0.25,
        "smoothing_weights": "class",
    },
    "class_weights_as=signed, gradient_wrt=probabilities": {**SIGNED, **PROBABLE},
    "boundary=clip, normalise after": {"input": "probabilities", "boundary": {**CLIP, "normalise": "after"}},
    "gradient_wrt=probabilities, boundary=clip, normalise after": {
        **PROBABLE,
        "boundary": {**CLIP, "normalise": "after"},
        "gradient_of": "loss",
    },
    "input=probabilities, boundary=clip, normalise after, gradient_of=loss, soft_rows=any": {
        "input": "probabilities",
        "labels": ["soft"],
        "soft_rows": "any",
        "boundary": {**CLIP, "normalise": "after"},
        "gradient_of": "loss",
    },
    "input=probabilities, boundary=clip, gradient_of=loss": {
        "input": "probabilities",
        "boundary": CLIP,
        "gradient_of": "loss",
    },
    "input=probabilities, row_weights": {"input": "probabilities", **BY_ROW},
    "input=log_probabilities, row_weights": {
        "input": "log_probabilities",
        "gradient_wrt": "log_probabilities",
        **BY_ROW,
    },
    "input=log_probabilities": {"input": "log_probabilities", "gradient_wrt": "log_probabilities"},
    "input=log_probabilities, soft_rows=any": {
        "input": "log_probabilities",
        "gradient_wrt": "log_probabilities",
        "labels": ["soft"],
        "soft_rows": "any",
        "class_weights": WEIGHTS,
    },
}
ACCURACIES = ("B", "B+", "C", "A", "tight B", "tight C", "tight R")
EVERY_ACCURACY = (
    "plain",
    "output=entropy",
    "ignore_index, reduction=sum",
    "soft_cap",
    "z_loss",
    "label_smoothing",
    "soft_rows=any",
    "gradient_of=p - t",
    "boundary=add, gradient_of=loss",
)
CASES = [
    (name, accuracy)
    for name in CONTRACTS
    for accuracy in ACCURACIES
    if accuracy == "B" or name in EVERY_ACCURACY or (accuracy == "C" and "input" not in name and "wrt" not in name)
]


@cache
def table():
    """Return what is frozen."""
    return json.loads(TABLE.read_text())


def batch(contract, dtype):
    """Return scores and labels of the contract's kind."""
    scores = np.array(SCORES)
    if contract.input == "probabilities":
        scores = np.array(PROBABILITIES)
    if contract.input == "log_probabilities":
        scores = (
            scores
            - np.log(np.exp(scores - scores.max(1, keepdims=True)).sum(1, keepdims=True))
            - scores.max(1, keepdims=True)
        )
    labels = np.array(SOFT if contract.labels == ("soft",) else LABELS)
    if contract.dense_label_dtypes == ("float16",):
        labels = (labels / 3.0).astype(np.float16)
    return scores.astype(FORMATS[dtype].dtype), labels


def allowances(name, accuracy, dtype):
    """Return those of loss, rows, gradient (of the label, the least and the largest other) and other products."""
    promised = accuracy if accuracy in ("B+", "C", "A") else "B"
    contract = Contract(**{"reduction": "none", **CONTRACTS[name]}, dtypes=[dtype], accuracy=promised)
    scores, labels = batch(contract, dtype)
    upstream = None if contract.reduction != "none" else np.array([1.0, -2.0, 0.5, 1.0, 3.0, 1.0, 0.25, 1.0])
    smooth = (
        not contract.is_entropy and contract.input == "logits" and contract.boundary.exact and contract.soft_cap is None
    )
    vector = np.array([1.0, -3.0, 0.5, 2.0]) * np.ones((len(SCORES), 1)) if smooth else None
    options = {"row_weights": ROW_WEIGHTS} if "row_weights" in contract.arguments else {}
    further = {"upstream": upstream, "vector": vector, "tangent": None if contract.is_entropy else TANGENT}
    problem = pose(contract, scores, labels, contract.labels[0], options, **further)
    on = conditions(problem)
    found = tight(problem, on)[accuracy[-1]] if accuracy.startswith("tight") else conformance(problem, on)
    rows = [found.rows] if found.loss.ndim == 0 else []
    products = _columns(found.hessian_vector) if found.hessian_vector is not None else ()
    along = [] if found.jvp is None else [np.atleast_1d(found.jvp)]
    return [np.atleast_1d(found.loss), *rows, *_columns(found.gradient), *products, *along]


def _columns(gradient):
    label = np.arange(4) == np.array(LABELS)[:, None]
    others = gradient[~label].reshape(-1, 3)
    return gradient[label], others.min(axis=1), others.max(axis=1)


def stated(table):
    """Return a table of numbers as text: four digits of each, a line a column."""
    return [" ".join(f"{value:.4g}" for value in column) for column in table]


@pytest.mark.parametrize(("name", "accuracy"), CASES, ids=lambda value: value)
def test_allowances_are_those_of_the_table(name, accuracy):
    """Every allowance is within 0.1 % of the frozen one; what had none (inf) has none, what was 0 is 0."""
    frozen = table()[f"{name}; {accuracy}"]
    for dtype in FORMATS:
        found = allowances(name, accuracy, dtype)
        assert len(found) == len(frozen[dtype])
        for column, text in zip(found, frozen[dtype], strict=True):
            np.testing.assert_allclose(column, np.array(text.split(), float), rtol=0.001, err_msg=dtype)


if __name__ == "__main__":
    written = {
        f"{name}; {accuracy}": {dtype: stated(allowances(name, accuracy, dtype)) for dtype in FORMATS}
        for name, accuracy in CASES
    }
    TABLE.write_text(json.dumps(written, indent=0) + "\n")
