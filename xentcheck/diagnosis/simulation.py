"""Log-softmaxes calculated in a given dtype, as targets calculate them, to be compared digit by digit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from xentcheck.diagnosis.loss_model import Logs, Model, dot, log_softmax
from xentcheck.diagnosis.prediction import Prediction

Array = NDArray[Any]
Recipe = Callable[[Array], tuple[Array, Array]]
NARROWER = {
    "float64": (np.float32, np.float16, ml_dtypes.bfloat16),
    "float32": (np.float16, ml_dtypes.bfloat16),
    "float16": (ml_dtypes.bfloat16,),
    "bfloat16": (),
}


def working_dtypes(model: Model) -> tuple[Any, ...]:
    """Return the dtypes in which a target may calculate without being narrow: that of the input and wider ones."""
    own = model.problem.format.dtype.type
    return {"float64": (own,), "float32": (own, np.float64)}.get(
        model.problem.format.name, (np.float32, own, np.float64)
    )


def softmax_shifted_by(shift: Callable[[Array], Array]) -> Recipe:
    """Return a softmax whose exponents are z minus something, and its logarithm."""

    def recipe(z: Array) -> tuple[Array, Array]:
        e = np.exp(z - shift(z))
        s = e.sum(axis=-1, keepdims=True)
        p = e / s
        return np.log(p), p

    return recipe


def log_softmax_shifted_by(shift: Callable[[Array], Array]) -> Recipe:
    """Return z - c - log(sum exp(z - c)), and its exponential."""

    def recipe(z: Array) -> tuple[Array, Array]:
        d = z - shift(z)
        log_p = d - np.log(np.exp(d).sum(axis=-1, keepdims=True))
        return log_p, np.exp(log_p)

    return recipe


def logsumexp_minus_scores(z: Array) -> tuple[Array, Array]:
    """Return z - logsumexp(z), a difference of two large numbers under an offset, and its exponential."""
    top = z.max(axis=-1, keepdims=True)
    log_p = z - (top + np.log(np.exp(z - top).sum(axis=-1, keepdims=True)))
    return log_p, np.exp(log_p)


def logaddexp_minus_scores(z: Array) -> tuple[Array, Array]:
    """Return z - logaddexp.reduce(z), term by term, and its exponential."""
    log_p = z - np.logaddexp.reduce(z, axis=-1, keepdims=True)
    return log_p, np.exp(log_p)


def row_maximum(z: Array) -> Array:
    """Return the maximum of each row, shape (n, 1)."""
    return np.asarray(z.max(axis=-1, keepdims=True))


def log_softmax_and_exp(z: Array) -> tuple[Array, Array]:
    """Return log_softmax(z) in log1p form and its exponential, in the dtype of z."""
    log_p = log_softmax(z)
    return log_p, np.exp(log_p)


def simulate(model: Model, work: Any, recipe: Recipe) -> Logs:
    """Return log p and p of a recipe calculated in a dtype, as float64."""
    log_p, p = recipe(model.z.astype(work))
    return log_p.astype(np.float64), p.astype(np.float64)


def from_logs(
    model: Model, mechanism: str, sentence: str, logs: Logs, exact: bool = True, final: Any = None, bits: float = 0.0
) -> Iterator[Prediction]:
    """Yield the part of a simulated log p and p, guarded as declared, reduced in float64 and rounded to `final`."""
    log_p, p = logs
    t, boundary = model.t, model.contract.boundary
    if model.contract.is_entropy:
        rows = model.entropies(log_p, p)
    elif model.part == "loss":
        rows = -dot(t, model.guard(boundary, logs))
    elif model.contract.gradient_of == "loss" and not boundary.exact:
        rows = model.slope(t, p, boundary)
    elif model.contract.gradient_wrt == "logits":
        rows = model.factor_of_p(t) * model.seen(p) - t
    else:
        rows = model.slope(t, model.seen(p))
    if model.problem.z_loss:
        rows = rows + model.penalty()
    if final is not None:
        rows = rows.astype(final).astype(np.float64)
    value = model.finish(rows)
    if final is not None:
        value = value.astype(final).astype(np.float64)
    yield Prediction(mechanism, sentence, value, bits, exact)


def running_sum(terms: Array, work: Any) -> Array:
    """Return the row sums, one term after the other, each rounded to the dtype."""
    total = np.zeros(terms.shape[0], work)
    for column in terms.T:
        total = (total + column).astype(work)
    return total
