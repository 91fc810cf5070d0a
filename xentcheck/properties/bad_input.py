"""Law 21: what a contract promises to refuse is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.contract.declaration import INVALID_KINDS
from xentcheck.properties.case import Case
from xentcheck.properties.law import Violation, law

Spoiled = tuple[Batch, str]


def promises_refusal(contract: Contract, kind: str) -> bool:
    """Return whether the contract says what bad input of a kind gives: an exception or a sentinel."""
    declared = contract.invalid
    return declared == "raise" or isinstance(declared, float) or (isinstance(declared, tuple) and kind in declared)


def spoil(batch: Batch, kind: str, way: int = 0) -> Spoiled | None:
    """Return the batch made invalid in the way named and what was done, or None where that cannot be done to it.

    Parameters
    ----------
    kind : str
        One of `INVALID_KINDS`.
    way : int
        0 for the plainest; others for what a careless check lets pass: a label that wraps round to a valid one, a row
        that sums to 1 all the same.
    """
    if batch.n == 0:
        return None
    if kind == "length_mismatch":
        return (batch.replace(labels=batch.labels[:-1]), "one label fewer than rows") if batch.n > 1 else None
    if kind == "probabilities_not_stochastic":
        return _not_stochastic(batch, way)
    if batch.label_form == "sparse":
        return _wrong_label(batch, kind, way)
    if kind == "shape_mismatch" and way % 2 and batch.n > 1:
        return batch.replace(labels=batch.labels[:1]), "one row of labels for several of scores"
    if kind == "shape_mismatch" and batch.m > 1:
        return batch.replace(labels=batch.labels[:, :-1]), "labels of another shape than the scores"
    return _not_binary(batch, way) if kind == "labels_not_binary" and batch.label_form == "onehot" else None


def _wrong_label(batch: Batch, kind: str, way: int) -> Spoiled | None:
    """Spoil the last label."""
    labels, m = batch.labels, batch.m
    integers = labels.dtype.kind in "iu"
    if kind == "label_fractional":
        # One-dimensional: a column of fractions would be a legitimate soft label of one class.
        fractional = labels.reshape(-1).astype(np.float64)
        fractional[-1] = (0.5, 0.25, np.nan)[way % 3]
        return batch.replace(labels=fractional), f"a label of {fractional[-1]:g}"
    wrong = {"label_out_of_range": (m, m + 1, m + 256, 2**32), "label_negative": (-1, -2, -m, -100)}.get(kind)
    if wrong is None:
        return None
    # In the labels' own dtype if that is a float one; integers may be too narrow for a label of m.
    value = wrong[way % len(wrong)] if integers else wrong[0]
    changed = labels.astype(np.int64 if integers else labels.dtype)
    changed.reshape(-1)[-1] = value
    what = "a label equal to the number of classes" if value == m else f"a label of {value}"
    return batch.replace(labels=changed), f"{what}, of {m} classes" if value > m else what


def _not_binary(batch: Batch, way: int) -> Spoiled:
    """Spoil the first one-hot row."""
    changed = batch.labels.copy()
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


@law(
    21,
    "bad-input",
    "Bad input raises, or gives the declared sentinel, and never a plausible number.",
    sources="tensorflow 8484, 126005; pytorch 39769, 108148; keras 23664; optax 1185; scikit-learn 24515",
    needs="any",
)
def bad_input(case: Case) -> Iterator[Violation]:
    """One kind of bad input a batch, of those that the contract declares; of the others the answer is observed."""
    declared = case.contract.invalid
    kinds = [kind for kind in INVALID_KINDS if _meaningful(case, kind)]
    if not kinds:
        return
    random = case.random("invalid")
    kind = kinds[int(random.integers(len(kinds)))]
    promised = promises_refusal(case.contract, kind)
    spoiled = spoil(case.batch, kind, int(random.integers(12)) if promised else 0)
    if spoiled is None or not case.allows(case.batch):
        return
    batch, what = spoiled
    outcome = case.ask(batch).outcome
    returned = next((part for part in (outcome.loss, outcome.gradient) if part is not None), None)
    said = f"returns {_shown(returned)}" if outcome.raised is None else f"raises {outcome.raised.kind}"
    if outcome.died:
        yield Violation(f"{what} ends the process: {outcome.died}", batch, got=outcome.died)
    elif not promised:
        case.observe(f"{what}: not declared; the target {said}")
    elif isinstance(declared, float) and returned is not None:
        if not np.array_equal(np.asarray(returned, np.float64), np.full(returned.shape, declared), equal_nan=True):
            yield Violation(f"{what} is answered with a number other than {declared}", batch, got=said)
    elif outcome.raised is None:
        yield Violation(f"{what} is not refused: the target {said}", batch, got=said)


def _meaningful(case: Case, kind: str) -> bool:
    """Return whether a kind of bad input exists for the batch's label form and the contract's input."""
    if kind == "probabilities_not_stochastic":
        return case.contract.input == "probabilities" and not case.contract.boundary.normalise
    if kind in ("label_out_of_range", "label_negative", "label_fractional"):
        # A label that is the ignored one is valid.
        return case.batch.label_form == "sparse" and case.contract.ignore_index is None
    if kind == "labels_not_binary":
        return case.batch.label_form == "onehot" and "soft" not in case.contract.labels
    return kind == "length_mismatch" or case.batch.label_form != "sparse"


def _shown(returned: NDArray[Any] | None) -> str:
    if returned is None:
        return "nothing"
    with np.errstate(over="ignore"):
        numbers = np.asarray(returned).astype(np.float64)
    kind = "nan" if np.isnan(numbers).any() else "an infinite number" if np.isinf(numbers).any() else "a finite number"
    return kind if returned.ndim == 0 else f"an array with {kind}"
