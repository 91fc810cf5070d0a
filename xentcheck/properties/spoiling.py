"""Batches made invalid: each kind of bad input in its plain way, and in those that a careless check lets pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.batches.drawn_options import as_row_weights
from xentcheck.batches.input_space import InputSpace, holds
from xentcheck.contract import Contract
from xentcheck.contract.keys_inputs import LABEL_FORMS
from xentcheck.contract.keys_promises import EXCLUSIVE_OPTIONS

Spoiled = tuple[Batch, str]
_AT_WORK = {
    "label_smoothing": 0.1,
    "z_loss": 0.5,
    "ignore_index": 0,
    "soft_cap": 5.0,
    "temperature": 2.0,
    "divisor": 3.0,
}
"""Values of options that change the loss."""


def spoil(batch: Batch, kind: str, way: int = 0, ignored: int | None = None) -> Spoiled | None:
    """Return the batch made invalid in the way named and what was done, or None where that cannot be done to it.

    Parameters
    ----------
    kind : str
        One of `INVALID_KINDS`.
    way : int
        0 for the plainest; others for what a careless check lets pass: a label that wraps round to a valid one, a row
        that sums to 1 all the same.
    ignored : int, optional
        The label of ignored rows, which is no bad one wherever it lies.
    """
    if batch.n == 0:
        return None
    if kind == "length_mismatch":
        return (batch.replace(labels=batch.labels[:-1]), "one label fewer than rows") if batch.n > 1 else None
    if kind == "probabilities_not_stochastic":
        return _not_stochastic(batch, way)
    if batch.label_form == "sparse":
        return _rows_for_labels(batch) if kind == "shape_mismatch" else _wrong_label(batch, kind, way, ignored)
    if kind == "shape_mismatch" and way % 2 and batch.n > 1:
        return batch.replace(labels=batch.labels[:1]), "one row of labels for several of scores"
    if kind == "shape_mismatch" and batch.m > 1:
        # Not in integers: a single column of them would be class numbers.
        fewer = batch.labels[:, :-1].astype(batch.labels.dtype if batch.m > 2 else batch.scores.dtype)
        return batch.replace(labels=fewer), "labels of another shape than the scores"
    return _not_binary(batch, way) if kind == "labels_not_binary" and batch.label_form == "onehot" else None


def meaningful_kind(contract: Contract, label_form: str, kind: str) -> bool:
    """Return whether a kind of bad input exists for a label form and the contract's input."""
    if kind == EXCLUSIVE_OPTIONS:
        return bool(_groups(contract, label_form))
    if kind == "probabilities_not_stochastic":
        return contract.input == "probabilities" and not contract.boundary.divides
    if contract.is_entropy:
        return False  # the other kinds are of labels
    if kind in ("label_out_of_range", "label_negative", "label_fractional"):
        return label_form == "sparse"
    if kind == "labels_not_binary":
        return label_form == "onehot" and "soft" not in contract.labels
    # Where dense labels are promised too, one-hot rows are no bad input.
    return kind == "length_mismatch" or label_form != "sparse" or contract.labels == ("sparse",)


def together(contract: Contract, batch: Batch, way: int = 0) -> Spoiled | None:
    """Return the batch with options at work that the contract says exclude each other, and what they are.

    Parameters
    ----------
    way : int
        Which of the combinations that exist for the form of labels.
    """
    groups = _groups(contract, batch.label_form)
    if not groups or batch.n == 0:
        return None
    group = groups[way % len(groups)]
    space = InputSpace(contract, batch.dtype, batch.label_form)
    given: dict[str, Any] = {
        **_AT_WORK,
        "class_weights": (1 + np.arange(batch.m) % 3).astype(batch.scores.dtype),
        "row_weights": as_row_weights(space, np.asarray(1.0 + np.arange(batch.n) % 3)),
    }
    names = [name for name in group if name != batch.label_form]
    options = {name: given[name] for name in names}
    for name, limits in contract.drawn.items():
        if limits.range is not None and name in options:
            options[name] = limits.inside(options[name])
    said = " and ".join(f"{name} labels" if name == batch.label_form else name for name in group)
    return batch.replace(options={**batch.options, **options}), f"a call with both {said}"


def _groups(contract: Contract, label_form: str) -> list[tuple[str, ...]]:
    """Return what excludes each other in calls with labels of a form."""
    others = {*LABEL_FORMS} - {label_form}
    return [group for group in contract.exclusive if not others.intersection(group)]


def not_finite(batch: Batch, kind: str, at_label: bool) -> Spoiled | None:
    """Return the batch with a score of the last row that is not finite, at its label or beside it.

    Parameters
    ----------
    kind : {"-inf", "+inf", "nan"}
    """
    if batch.n == 0 or (batch.m < 2 and not at_label):
        return None
    label = _class_of_last_row(batch)
    scores = batch.scores.copy()
    scores[-1, label if at_label else (label + 1) % batch.m] = float(kind)
    return batch.replace(scores=scores), f"a score of {kind} {'at' if at_label else 'beside'} the label"


def _class_of_last_row(batch: Batch) -> int:
    """Return the class of the last row's label, 0 where that is none."""
    if batch.label_form != "sparse":
        return int(np.argmax(batch.labels[-1].astype(np.float64)))
    label = int(batch.labels.reshape(-1)[-1])
    return label if 0 <= label < batch.m else 0


def _rows_for_labels(batch: Batch) -> Spoiled | None:
    """Return the batch with one-hot rows of integers where a class number a row is wanted."""
    flat = batch.labels.reshape(-1).astype(np.int64)
    if batch.m < 2 or not np.all((flat >= 0) & (flat < batch.m)):
        return None
    return batch.replace(labels=one_hot(flat, batch.m, np.int64)), "an integer one-hot row for each label"


def _wrong_label(batch: Batch, kind: str, way: int, ignored: int | None) -> Spoiled | None:
    """Spoil the last label."""
    labels, m = batch.labels, batch.m
    if kind == "label_fractional":
        # One-dimensional: a column of fractions would be a legitimate soft label of one class.
        fractional = labels.reshape(-1).astype(np.float64)
        fractional[-1] = (0.5, 0.25, np.nan)[way % 3]
        return batch.replace(labels=fractional), f"a label of {fractional[-1]:g}"
    if kind not in ("label_out_of_range", "label_negative"):
        return None
    wrong = _wrong_values(kind, m, _class_of_last_row(batch))
    if labels.dtype.kind not in "iu":
        wrong = [value for value in wrong[:2] if holds(labels.dtype.name, value)]
    wrong = [value for value in wrong if value != ignored]
    if not wrong:
        return None
    value = wrong[way % len(wrong)]
    own = labels.dtype.name
    name = own if holds(own, value) else "int64" if holds("int64", value) else "uint64"
    changed = labels.astype(name)
    changed.reshape(-1)[-1] = value
    what = "a label equal to the number of classes" if value == m else f"a label of {value}"
    return batch.replace(labels=changed), f"{what}, of {m} classes" if value > m else what


def _wrong_values(kind: str, m: int, label: int) -> list[int]:
    """Return labels that are none of m classes, the plainest first.

    A label y + 2**b is y again where labels are narrowed to b bits, unsigned or not; 2**31 + 1 is negative as int32,
    2**63 - 1 is -1 there, and 2**64 - m + y is y - m as int64, which counts from the end.
    """
    if kind == "label_negative":
        return [value for value in (-1, -2, -m, -100, label - 2**32, label - 2**16, label - 2**8) if value < 0]
    wrapping = [label + 2**bits for bits in (8, 16, 32)]
    far = [2**31 + 1, 2**32, 2**63 - 1, 2**64 - m + label]
    return [value for value in (m, m + 1, *wrapping, m + 256, *far) if value >= m]


def _not_binary(batch: Batch, way: int) -> Spoiled:
    """Spoil the first one-hot row; fractions need a dtype of floats."""
    changed: NDArray[Any] = batch.labels.copy() if batch.labels.dtype.kind not in "iub" else batch.labels.astype(float)
    if way % 2 and batch.m > 1:
        changed[0] = 0
        changed[0, :2] = 0.5
        return batch.replace(labels=changed), "a one-hot row of two halves"
    changed[0, 0] = 0.5
    return batch.replace(labels=changed), "one-hot labels with an entry of 0.5"


def _not_stochastic(batch: Batch, way: int) -> Spoiled | None:
    """Spoil the first row of probabilities."""
    rows = batch.scores.copy()
    if way % 2 and batch.m > 1:
        rows[0] = 0
        rows[0, :2] = np.array([1.5, -0.5]).astype(rows.dtype)
        return batch.replace(scores=rows), "a row of probabilities 1.5 and -0.5, which sums to 1,"
    rows[0] = rows[0] * np.asarray(1.5).astype(rows.dtype)
    said = "a row of probabilities that sums to 1.5"
    return (batch.replace(scores=rows), said) if np.any(rows[0].astype(np.float64) > 0) else None
