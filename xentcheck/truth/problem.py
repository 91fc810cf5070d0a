"""The exact question that a batch poses under a contract.

Everything in a problem is a real number that is held exactly: scores and dense targets are float64
copies of what the target is given (each of the formats under test is a subset of float64).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.contract import Contract
from xentcheck.contract.declaration import OPTIONS
from xentcheck.truth.formats import FORMATS, Format

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Problem:
    """Scores, labels and options, all exact.

    Parameters
    ----------
    contract : Contract
        The conventions; its option keys are superseded by the fields below.
    format : Format
        The dtype in which the target is given the scores.
    scores : ndarray of float64, shape (n, m)
        Logits, probabilities or log-probabilities, classes along the last axis.
    labels : ndarray of int64, shape (n,), or None
        Sparse labels in [0, m); rows with the ignored label hold 0.
    targets : ndarray of float64, shape (n, m), or None
        One-hot or soft labels, as given (before any renormalising). Exactly one of labels and targets is set.
    kept : ndarray of bool, shape (n,)
        False where the label is the ignored one, or the row's weight 0.
    class_weights : ndarray of float64, shape (m,), or None
    row_weights : ndarray of float64, shape (n,), or None
        v >= 0, by which the row's loss is multiplied, z-loss included.
    smoothing, z_loss : float
    soft_cap : float or None
        c, where each logit z stands for c tanh(z / c).
    temperature : float or None
        T, by which each logit, capped or not, is divided.
    divisor : float or None
        By which a sum over the rows is divided.
    upstream : ndarray of float64, shape (n,) or (), or None
        The cotangent by which the gradient is multiplied: one number a row where nothing is reduced, one
        number in all where the loss is a scalar. None stands for ones.
    vector : ndarray of float64, shape (n, m), or None
        The direction that the Hessian is multiplied by; finite. None where no second derivative is asked for.
    tangent : ndarray of float64, shape (n, m), or None
        The direction along which the loss is differentiated; finite. None where that is not asked for.
    label_roundoff : float
        The unit roundoff of the targets' dtype where that is one of narrower floats than the scores', else 0.
    as_written : bool
        Whether the constants of the boundary have one reading, that in float64; see `boundaries`.
    gradient_as_scores : bool
        Whether derivatives came back in the format of the scores although the contract names a wider one.
    starts : tuple of int
        The rows at which batches begin that are worked on together; empty for one batch. See `stacked`.
    """

    contract: Contract
    format: Format
    scores: Floats
    labels: NDArray[np.int64] | None
    targets: Floats | None
    kept: NDArray[np.bool_]
    class_weights: Floats | None = None
    row_weights: Floats | None = None
    smoothing: float = 0.0
    z_loss: float = 0.0
    soft_cap: float | None = None
    temperature: float | None = None
    divisor: float | None = None
    upstream: Floats | None = None
    vector: Floats | None = None
    tangent: Floats | None = None
    label_roundoff: float = 0.0
    as_written: bool = False
    gradient_as_scores: bool = False
    starts: tuple[int, ...] = ()

    @property
    def n(self) -> int:
        """The number of rows."""
        return int(self.scores.shape[0])

    @property
    def m(self) -> int:
        """The number of classes."""
        return int(self.scores.shape[1])

    def batch_sum(self, values: Floats) -> Floats:
        """Return the sum of one number a row, or of those of each batch for all of its rows."""
        if not self.starts:
            return np.asarray(values.sum())
        each = np.split(values, self.starts[1:])
        return np.concatenate([np.full(len(part), part.sum()) for part in each])

    @property
    def as_given(self) -> bool:
        """Whether the loss is of the scores themselves: no soft cap, no temperature."""
        return self.soft_cap is None and self.temperature is None

    @cached_property
    def plain(self) -> bool:
        """Whether every row has one label of coefficient 1: sparse labels, no weights, no smoothing."""
        weighted = self.class_weights is not None or self.row_weights is not None
        return self.labels is not None and not weighted and self.smoothing == 0.0 and not self.contract.is_entropy

    @property
    def mean_of_weights(self) -> bool:
        """Whether a mean divides by a sum of weights, of the labels or of the rows."""
        weighted = self.class_weights is not None or self.row_weights is not None
        return weighted and self.contract.mean_over == "weights"


def label_roundoff(scores: np.dtype[Any], labels: np.dtype[Any]) -> float:
    """Return the unit roundoff of the dtype of dense labels if that is of narrower floats than the scores', else 0."""
    if labels.kind in "biu" or labels == scores:
        return 0.0
    own, given = FORMATS[scores.name], FORMATS.get(labels.name)
    return given.unit_roundoff if given is not None and given.precision < own.precision else 0.0


def pose(
    contract: Contract,
    scores: NDArray[Any],
    labels: NDArray[Any],
    label_form: str,
    options: dict[str, Any] | None = None,
    upstream: NDArray[Any] | None = None,
    vector: NDArray[Any] | None = None,
    tangent: NDArray[Any] | None = None,
) -> Problem:
    """Return the problem of one batch.

    Parameters
    ----------
    scores : ndarray, shape (n, m)
        In one of the formats under test.
    labels : ndarray, shape (n,), (n, 1) or (n, m)
        Integers for the label form "sparse", else numbers of any dtype that float64 holds exactly.
    label_form : {"sparse", "onehot", "soft"}
    options : dict, optional
        Values of the options that the contract declares as arguments, by contract key.
    upstream, vector, tangent : ndarray, optional
        See Problem.
    """
    format_ = FORMATS[np.asarray(scores).dtype.name]
    contract = contract.read_in(format_.eps)
    given = dict(options or {})
    chosen = {key: contract.value_in(key, given) for key in OPTIONS}
    exact = np.ascontiguousarray(np.asarray(scores).astype(np.float64))
    kept = np.ones(exact.shape[0], bool)
    sparse = dense = None
    if label_form == "sparse":
        sparse = np.asarray(labels).reshape(-1).astype(np.int64)
        if chosen["ignore_index"] is not None:
            kept = sparse != chosen["ignore_index"]
        sparse = np.where(kept, sparse, 0)
    else:
        dense = np.ascontiguousarray(np.asarray(labels).astype(np.float64))
    weights, by_row = chosen["class_weights"], chosen["row_weights"]
    if by_row is not None:
        by_row = np.asarray(by_row).astype(np.float64)
        kept = kept & (by_row != 0.0)
    return Problem(
        contract=contract,
        format=format_,
        scores=exact,
        labels=sparse,
        targets=dense,
        kept=kept,
        class_weights=None if weights is None else np.asarray(weights).astype(np.float64),
        row_weights=by_row,
        smoothing=float(chosen["label_smoothing"]),
        z_loss=float(chosen["z_loss"]),
        soft_cap=None if chosen["soft_cap"] is None else float(chosen["soft_cap"]),
        temperature=None if chosen["temperature"] is None else float(chosen["temperature"]),
        divisor=None if chosen["divisor"] is None else float(chosen["divisor"]),
        upstream=None if upstream is None else np.asarray(upstream).astype(np.float64),
        label_roundoff=0.0 if dense is None else label_roundoff(np.asarray(scores).dtype, np.asarray(labels).dtype),
        vector=None if vector is None else np.ascontiguousarray(np.asarray(vector).astype(np.float64)),
        tangent=None if tangent is None else np.ascontiguousarray(np.asarray(tangent).astype(np.float64)),
    )
