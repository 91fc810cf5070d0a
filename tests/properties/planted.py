"""A right loss, and for every law an implementation that breaks it in a way that was reported of a real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


def rows(labels):
    """Return integer labels as a flat int64 array."""
    return np.asarray(labels).reshape(-1).astype(np.int64)


def row_losses(logits, labels):
    """Return the loss of each row, shifted by the maximum."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(logits)), rows(labels)]


def loss(logits, labels):
    """The mean of the row losses."""
    return row_losses(logits, labels).mean() if len(logits) else np.float64("nan")


def row_gradients(logits, labels):
    """Return p - t."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    p[np.arange(len(p)), rows(labels)] -= 1
    return p


def gradient(logits, labels):
    """The gradient of the mean."""
    return row_gradients(logits, labels) / max(len(logits), 1)


def row_vjp(logits, labels, upstream):
    """The gradients of the rows times the upstream ones."""
    return row_gradients(logits, labels) * upstream[:, None]


def hessian_vector(logits, labels, v):
    """The second derivative of the mean times v: p (v - p.v) / n."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return p * (v - (p * v).sum(axis=1, keepdims=True)) / max(len(logits), 1)


def jvp(logits, labels, tangent):
    """The derivative of the mean along a tangent: the mean of p.v - v_y."""
    return (row_gradients(logits, labels) * tangent).sum(axis=1).mean() if len(logits) else np.float64("nan")


RIGHT = (loss, gradient, row_losses, row_gradients, row_vjp, hessian_vector, jvp)


@dataclass(frozen=True)
class Planted:
    """A wrong implementation and the law that it breaks."""

    law: str
    loss: Callable[..., Any] = loss
    gradient: Callable[..., Any] | None = gradient
    vjp: Callable[..., Any] | None = None
    hessian_vector: Callable[..., Any] | None = None
    jvp: Callable[..., Any] | None = None
    contract: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How a test calls it: by the function that is wrong."""
        parts = (self.jvp, self.hessian_vector, self.vjp, self.gradient, self.loss)
        return next(part for part in parts if part not in (None, *RIGHT)).__name__


def raises_for_one_class(logits, labels):
    """Refuses a valid batch."""
    if logits.shape[1] == 1:
        raise RuntimeError("no classes left")
    return loss(logits, labels)


def no_maximum(logits, labels):
    """Overflows: the maximum is not subtracted."""
    chosen = logits[np.arange(len(logits)), rows(labels)]
    return (np.log(np.exp(logits).sum(axis=1)) - chosen).mean()


def gradient_of_sum(logits, labels):
    """Lacks 1/n."""
    return row_gradients(logits, labels)


def gradient_too_large(logits, labels):
    """Is not the derivative of the loss: scaled by 1.5, as a default gradient checker let pass."""
    return gradient(logits, labels) * 1.5


def maximum_added_back(logits, labels):
    """Loses the small difference of two large numbers under an offset."""
    top = logits.max(axis=1)
    total = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return (total - logits[np.arange(len(logits)), rows(labels)]).mean()


def first_logit_subtracted(logits, labels):
    """Shifts by the first logit instead of the largest, so that it matters which class comes first."""
    shifted = logits - logits[:, :1]
    with np.errstate(over="ignore"):
        return (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(logits)), rows(labels)]).mean()


def last_odd_row_dropped(logits, labels):
    """Works on pairs of rows and forgets the last of an odd number."""
    even = len(logits) - len(logits) % 2
    if even == 0:
        return loss(logits, labels)
    return row_losses(logits[:even], labels[:even]).sum() / len(logits)


def labels_in_eight_bits(logits, labels):
    """Calculates flat positions in the labels' own dtype."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    flat = np.asarray(labels).reshape(-1)
    with np.errstate(over="ignore"):
        position = flat + (np.arange(len(flat)) * logits.shape[1]).astype(flat.dtype)
    chosen = shifted.reshape(-1)[position.astype(np.int64) % max(shifted.size, 1)]
    return (np.log(np.exp(shifted).sum(axis=1)) - chosen).mean()


def reads_memory_in_order(logits, labels):
    """Takes the elements in the order in which they lie in memory."""
    return loss(logits.ravel(order="K").reshape(logits.shape), labels)


def vector_for_scalar(logits, labels):
    """Returns shape (1,) where the contract says a scalar."""
    return np.asarray(loss(logits, labels)).reshape(1)


def guesses_probabilities(logits, labels):
    """Takes what looks like rows of probabilities for probabilities."""
    looks = logits.size and np.all(logits > 0) and np.allclose(logits.sum(axis=1), 1)
    return -np.log(logits[np.arange(len(logits)), rows(labels)]).mean() if looks else loss(logits, labels)


def mean_over_chunks(logits, labels):
    """The mean of the means of chunks of four rows, which are not equally long."""
    if not len(logits):
        return np.float64("nan")
    losses = row_losses(logits, labels)
    return np.mean([losses[start : start + 4].mean() for start in range(0, len(losses), 4)])


def probabilities_alone(logits, labels):
    """Forgets to subtract the label."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True) / max(len(logits), 1)


def dead_zone(logits, labels):
    """Is zero where the probability of the label was clipped."""
    result = gradient(logits, labels)
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = (e / e.sum(axis=1, keepdims=True))[np.arange(len(logits)), rows(labels)]
    result[p < 1e-7] = 0
    return result


def one_hot_times(logits, labels):
    """Multiplies -inf by zero."""
    one_hot = np.zeros(logits.shape, logits.dtype)
    one_hot[np.arange(len(logits)), rows(labels)] = 1
    top = logits.max(axis=1, keepdims=True)
    log_p = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return -(one_hot * log_p).sum(axis=1).mean()


def eps_added(logits, labels):
    """A perfect prediction costs -1e-7."""
    return -np.log(np.exp(-row_losses(logits, labels)) + logits.dtype.type(1e-6)).mean()


def first_upstream(logits, labels, upstream):
    """Uses the first row's upstream gradient for all rows."""
    return row_gradients(logits, labels) * (upstream.reshape(-1)[0] if upstream.size else 1)


def block_of_sixteen(logits, labels):
    """Sums whole blocks of sixteen classes only, once there are more than sixteen."""
    m = logits.shape[1]
    if m <= 16:
        return loss(logits, labels)
    top = logits.max(axis=1, keepdims=True)
    shifted = logits - top
    total = np.log(np.exp(shifted[:, : m - m % 16]).sum(axis=1))
    return (total - shifted[np.arange(len(logits)), rows(labels)]).mean()


def negative_label_wraps(logits, labels):
    """Indexes with a negative label."""
    return loss(logits, labels)


def in_place(logits, labels):
    """Overwrites the logits that were passed in."""
    if logits.flags.writeable:
        logits -= logits.max(axis=1, keepdims=True)
    return loss(logits, labels)


class RemembersShape:
    """Returns the first answer for every later batch of the same shape."""

    def __init__(self):
        self.answers = {}

    def __call__(self, logits, labels):
        """Look up by shape alone, once a negated batch has been seen."""
        key = (logits.shape, str(logits.dtype))
        result = loss(logits, labels)
        before = self.answers.get(key)
        self.answers[key] = result
        return before if before is not None and len(logits) == 2 else result


def in_float32(logits, labels):
    """Narrows without a word."""
    return np.float32(loss(logits, labels))


def ignored_rows_in_the_maximum(logits, labels):
    """Lets an ignored row into the maximum of the batch."""
    shifted = logits - logits.max() if len(logits) else logits
    kept = rows(labels) != -100
    chosen = shifted[np.arange(len(logits)), np.where(kept, rows(labels), 0)]
    losses = np.where(kept, np.log(np.exp(shifted).sum(axis=1)) - chosen, 0)
    return losses.sum() / max(kept.sum(), 1)


def smoothing_ignored(logits, labels, label_smoothing):
    """Takes the argument and drops it."""
    return loss(logits, labels)


class RemembersWeights:
    """Keeps the class weights of the first call for that number of classes."""

    def __init__(self):
        self.weights = {}

    def __call__(self, logits, labels, weight):
        """Weighted mean by weights that may be those of an earlier call."""
        weight = self.weights.setdefault((logits.shape[1], str(weight.dtype)), weight.copy())
        with np.errstate(invalid="ignore"):
            return (row_losses(logits, labels) * weight[rows(labels)]).sum() / weight[rows(labels)].sum()


def masked_rows_in_the_maximum(logits, labels, mask):
    """Lets a row of weight 0 into the maximum of the batch."""
    shifted = logits - logits.max() if len(logits) else logits
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(logits)), rows(labels)]
    return losses[mask].sum()


def items_counted_in_thirteen_bits(logits, labels, items):
    """Is right for the counts that are usual."""
    return row_losses(logits, labels).sum() / min(items, 8191.0)


def z_loss_of_the_mean(logits, labels, z):
    """Squares the mean log-sum-exp instead of taking the mean of the squares."""
    if not len(logits):
        return np.float64("nan")
    top = logits.max(axis=1)
    lse = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return loss(logits, labels) + z * lse.mean() ** 2


def cap_below_one_forgotten(logits, labels, cap):
    """Is right under the caps that are usual."""
    return loss(cap * np.tanh(logits / cap) if cap >= 1 else logits, labels)


def temperature_below_a_tenth_forgotten(logits, labels, temperature):
    """Is right at the temperatures that are usual."""
    return loss(logits / temperature if temperature >= 0.05 else logits, labels)


def upstream_in_single(logits, labels, upstream):
    """Rounds the upstream gradients to float32."""
    return row_vjp(logits, labels, upstream.astype(np.float32))


def silent_zeros(logits, labels, v):
    """Is zero: what was kept for the gradient was cut off from the logits."""
    return np.zeros_like(logits)


def tangent_of_the_log_sum_exp(logits, labels, tangent):
    """Leaves the label out of the derivative along a tangent."""
    return jvp(logits, labels, tangent) + tangent[np.arange(len(logits)), rows(labels)].mean()


def doubled_hessian(logits, labels, v):
    """Counts every second derivative twice."""
    return 2 * hessian_vector(logits, labels, v)


def diagonal_alone(logits, labels, v):
    """Forgets that a logit moves the probabilities of the other classes too."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return p * (1 - p) * v / max(len(logits), 1)


_seen: dict[tuple[object, ...], np.ndarray] = {}


def looked_up_gradient(logits, labels):
    """Is remembered under the logits rounded to two decimals."""
    key = (logits.shape, logits.dtype, np.round(logits, 2).tobytes(), np.asarray(labels).tobytes())
    return _seen.setdefault(key, gradient(logits, labels)).copy()


PLANTED = [
    Planted("answers", loss=raises_for_one_class, gradient=None),
    Planted("value", loss=no_maximum, gradient=None),
    Planted("gradient", gradient=gradient_of_sum),
    Planted("own-gradient", gradient=gradient_too_large),
    Planted("shift", loss=maximum_added_back, gradient=None),
    Planted("class-permutation", loss=first_logit_subtracted, gradient=None),
    Planted("row-independence", loss=last_odd_row_dropped, gradient=None),
    Planted("label-forms", loss=labels_in_eight_bits, gradient=None),
    Planted(
        "deletion",
        loss=ignored_rows_in_the_maximum,
        gradient=None,
        contract={"ignore_index": -100, "mean_over": "kept", "empty_mean": "zero"},
    ),
    Planted(
        "smoothing",
        loss=smoothing_ignored,
        gradient=None,
        contract={"label_smoothing": {"argument": "label_smoothing"}},
    ),
    Planted(
        "weights",
        loss=RemembersWeights,
        gradient=None,
        contract={"class_weights": {"argument": "weight"}, "mean_over": "weights"},
    ),
    Planted(
        "divisor",
        loss=items_counted_in_thirteen_bits,
        gradient=None,
        contract={"divisor": {"argument": "items"}, "reduction": "sum"},
    ),
    Planted(
        "row-weights",
        loss=masked_rows_in_the_maximum,
        gradient=None,
        contract={"row_weights": {"argument": "mask"}, "row_weights_as": "bool", "reduction": "sum"},
    ),
    Planted("z-loss", loss=z_loss_of_the_mean, gradient=None, contract={"z_loss": {"argument": "z"}}),
    Planted("soft-cap", loss=cap_below_one_forgotten, gradient=None, contract={"soft_cap": {"argument": "cap"}}),
    Planted(
        "temperature",
        loss=temperature_below_a_tenth_forgotten,
        gradient=None,
        contract={"temperature": {"argument": "temperature"}},
    ),
    Planted("softmax-consistency", loss=guesses_probabilities, gradient=None),
    Planted("reductions", loss=mean_over_chunks, gradient=None),
    Planted("gradient-row-sum", gradient=probabilities_alone),
    Planted("gradient-sign", gradient=dead_zone),
    Planted("finite", loss=no_maximum, gradient=None),
    Planted("minus-infinity", loss=one_hot_times, gradient=None, contract={"nonfinite": ["-inf"]}),
    Planted("gibbs", loss=eps_added, gradient=None),
    Planted(
        "vjp-linearity",
        loss=row_losses,
        gradient=row_gradients,
        vjp=first_upstream,
        contract={"reduction": "none"},
    ),
    Planted(
        "vjp-linearity",
        loss=row_losses,
        gradient=row_gradients,
        vjp=upstream_in_single,
        contract={"reduction": "none"},
    ),
    Planted("forward-mode", jvp=tangent_of_the_log_sum_exp),
    Planted("second-order", hessian_vector=silent_zeros),
    Planted("second-order", hessian_vector=doubled_hessian),
    Planted("second-order", hessian_vector=diagonal_alone),
    Planted("second-order", gradient=looked_up_gradient),
    Planted("uniform", loss=block_of_sixteen, gradient=None),
    Planted("bad-input", loss=negative_label_wraps, gradient=None, contract={"invalid": ["label_negative"]}),
    Planted("layout", loss=reads_memory_in_order, gradient=None),
    Planted("layout", loss=vector_for_scalar, gradient=None),
    Planted("purity", loss=in_place, gradient=None),
    Planted("determinism", loss=RemembersShape, gradient=None),
    Planted("precision", loss=in_float32, gradient=None),
]
