"""Right: probabilities and log-probabilities, guarded as declared, with the gradients that may be promised of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from xentcheck.zoo.parts import Array, at, each, integers, mean, one_hot, softmax, widened
from xentcheck.zoo.specimen import right

P = {"input": "probabilities"}
LOW, HIGH = 1e-7, 1 - 1e-7
CLIP = {**P, "boundary": {"clip": [LOW, HIGH]}}
ADD = {**P, "boundary": {"add": 1e-7}}
BY_P = {"gradient_wrt": "probabilities", "gradient_of": "loss"}


def at_label(values: Array, labels: Array, like: Array) -> Any:
    """Return rows of 0 with values at the labels, divided by n."""
    g = np.zeros_like(like)
    g[each(g), integers(labels)] = values
    return g / max(len(g), 1)


def _ideal(p: Array, labels: Array) -> Any:
    return (p - one_hot(labels, p)) / max(len(p), 1)


@right(contract=P, gradient=_ideal)
def logarithm(p: Array, labels: Array) -> Any:
    """-log p, with the gradient p - t by the logits behind p."""
    return mean(-np.log(at(p, labels)))


@right(contract=P)
def logarithm_near_one(p: Array, labels: Array) -> Any:
    """-log1p(p - 1) for p above 1/2: the same number, since p - 1 is exact."""
    chosen = at(p, labels)
    return mean(-np.where(chosen > 0.5, np.log1p(np.maximum(chosen, 0.5) - 1), np.log(np.minimum(chosen, 0.5))))


@right(contract=P, thread="XLA on a CPU, CUDA with fast math: -inf for the logarithm of 1e-310")
def subnormal_probabilities_flushed(p: Array, labels: Array) -> Any:
    """-log p where subnormal numbers count as 0, as an arithmetic unit that flushes them has it."""
    return mean(-np.log(np.where(p < np.finfo(p.dtype).tiny, 0, p)[each(p), integers(labels)]))


@right(contract={**P, "labels": ["onehot", "soft"]})
def xlogy(p: Array, targets: Array) -> Any:
    """Scipy's xlogy, in which 0 log 0 is 0."""
    return mean(-special.xlogy(targets, p).sum(axis=1))


@right(contract=P)
def base_two_of_probabilities(p: Array, labels: Array) -> Any:
    """Ln 2 times the logarithm to base 2."""
    return mean(p.dtype.type(np.log(2)) * -np.log2(at(p, labels)))


@right(contract=CLIP, gradient=_ideal)
def clip_and_ideal_gradient(p: Array, labels: Array) -> Any:
    """A clip in the loss, and p - t for its gradient, as declared by gradient_of "ideal"."""
    return mean(-np.log(np.clip(at(p, labels), LOW, HIGH)))


def _clip_gradient(p: Array, labels: Array) -> Any:
    chosen = at(p, labels)
    inside = (chosen >= p.dtype.type(LOW)) & (chosen <= p.dtype.type(HIGH))
    return at_label(np.where(inside, -1 / np.where(inside, chosen, 1), 0), labels, p)


@right(contract={**CLIP, **BY_P}, gradient=_clip_gradient)
def clip_and_own_gradient(p: Array, labels: Array) -> Any:
    """A clip, and its own derivative by the probabilities: 0 outside."""
    return mean(-np.log(np.clip(at(p, labels), p.dtype.type(LOW), p.dtype.type(HIGH))))


@right(contract={**P, "boundary": {"clip": [1e-15, 1.0]}})
def clip_in_float64(p: Array, labels: Array) -> Any:
    """Widen to float64 and clip at 1e-15 from below only."""
    return mean(-np.log(np.clip(at(p, labels).astype(np.float64), 1e-15, 1.0))).astype(p.dtype)


def _clip_at_eps_gradient(p: Array, labels: Array) -> Any:
    chosen, eps = at(p, labels), np.finfo(p.dtype).eps
    inside = (chosen >= eps) & (chosen <= 1 - eps)
    return at_label(np.where(inside, -1 / np.where(inside, chosen, 1), 0), labels, p)


@right(contract={**P, "boundary": {"clip": "eps"}, **BY_P}, gradient=_clip_at_eps_gradient)
def clip_at_the_eps_of_the_dtype(p: Array, labels: Array) -> Any:
    """Clip at np.finfo(p.dtype).eps, as sklearn.metrics.log_loss does."""
    eps = np.finfo(p.dtype).eps
    return mean(-np.log(np.clip(at(p, labels), eps, 1 - eps)))


@right(contract={**P, "boundary": {"clip": [LOW, HIGH], "normalise": True}})
def keras_style(p: Array, labels: Array) -> Any:
    """Divide the rows by their sum, then clip."""
    q = p / p.sum(axis=1, keepdims=True)
    return mean(-np.log(np.clip(at(q, labels), p.dtype.type(LOW), p.dtype.type(HIGH))))


AFTER = {**P, "boundary": {"clip": [LOW, HIGH], "normalise": "after"}}


def _clipped_and_divided(p: Array) -> tuple[Array, Array]:
    """Return the clipped probabilities, and their sum over each row, shape (n, 1)."""
    b = np.clip(p, p.dtype.type(LOW), p.dtype.type(HIGH))
    return b, b.sum(axis=1, keepdims=True)


def _clip_then_divide_gradient(p: Array, labels: Array) -> Any:
    """Return 1/B - t/b within the clip, of the mean; 0 outside."""
    b, total = _clipped_and_divided(p)
    within = (p >= p.dtype.type(LOW)) & (p <= p.dtype.type(HIGH))
    rows = np.where(within, 1 / total - one_hot(labels, p) / b, 0)
    return (rows / max(len(p), 1)).astype(p.dtype)


@right(
    contract={**AFTER, **BY_P}, gradient=_clip_then_divide_gradient, thread="scikit-learn 24515 [as it was before 1.5]"
)
def clip_then_divide(p: Array, labels: Array) -> Any:
    """Clip, divide rows by their sum, take the logarithm: what sklearn.metrics.log_loss once did."""
    b, total = _clipped_and_divided(p)
    return mean(-np.log(at(b / total, labels)))


def _softmax_of_logarithms(p: Array) -> tuple[Array, Array]:
    """Return the clipped probabilities, and a softmax of their logarithms."""
    b, _ = _clipped_and_divided(p)
    logs = np.log(b)
    e = np.exp(logs - logs.max(axis=1, keepdims=True))
    return b, e / e.sum(axis=1, keepdims=True)


def _softmax_of_logarithms_gradient(p: Array, labels: Array) -> Any:
    """Return (softmax(log b) - t)/b within the clip, of the mean; 0 outside."""
    b, q = _softmax_of_logarithms(p)
    within = (p >= p.dtype.type(LOW)) & (p <= p.dtype.type(HIGH))
    return (np.where(within, (q - one_hot(labels, p)) / b, 0) / max(len(p), 1)).astype(p.dtype)


@right(contract={**AFTER, **BY_P}, gradient=_softmax_of_logarithms_gradient)
def clipped_logarithms_as_logits(p: Array, labels: Array) -> Any:
    """Clip, and take the logarithms for the logits of a loss of logits, as Keras does on tensorflow."""
    b, _ = _clipped_and_divided(p)
    logs = np.log(b)
    d = logs - logs.max(axis=1, keepdims=True)
    return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))


@right(contract={**P, "boundary": {"clip": "eps", "normalise": "after"}})
def clip_then_subtract_logarithms(p: Array, labels: Array) -> Any:
    """Clip at the eps of the dtype, and take log of the row's sum less the logarithm of the label's share."""
    eps = np.finfo(p.dtype).eps
    b = np.clip(p, eps, 1 - eps)
    return mean(np.log(b.sum(axis=1)) - np.log(at(b, labels)))


@right(contract=ADD, gradient=_ideal)
def eps_and_ideal_gradient(p: Array, labels: Array) -> Any:
    """log(p + eps), and p - t for its gradient, as declared; a perfect prediction costs -1e-7."""
    return mean(-np.log(at(p, labels) + p.dtype.type(1e-7)))


def _eps_gradient(p: Array, labels: Array) -> Any:
    return at_label(-1 / (at(p, labels) + p.dtype.type(1e-7)), labels, p)


@right(contract={**ADD, **BY_P}, gradient=_eps_gradient)
def eps_and_own_gradient(p: Array, labels: Array) -> Any:
    """log(p + eps), and its own derivative."""
    return mean(-np.log(at(p, labels) + p.dtype.type(1e-7)))


@right(contract={**P, "labels": ["onehot"], "boundary": {"add": 1e-9}, "reduction": "sum"})
def numpy_ml_style(p: Array, targets: Array) -> Any:
    """-sum t log(p + eps) over all entries at once."""
    return -(targets * np.log(p + p.dtype.type(1e-9))).sum()


@right(
    contract={**P, "gradient_wrt": "probabilities", "domain": {"label_probability": "positive"}},
    gradient=lambda p, labels: at_label(-1 / at(p, labels), labels, p),
)
def positive_probabilities_only(p: Array, labels: Array) -> Any:
    """-log p, for labels whose probability is promised to be positive."""
    return mean(-np.log(at(p, labels)))


@right(
    contract={"input": "log_probabilities", "gradient_wrt": "log_probabilities"},
    gradient=lambda logs, labels: -one_hot(labels, logs) / max(len(logs), 1),
)
def negative_log_likelihood(logs: Array, labels: Array) -> Any:
    """Log-probabilities in, as torch's nll_loss."""
    return mean(-at(logs, labels))


TENTHS = {"class_weights": [0.3, 2.0, 0.7]}


@right(contract={"input": "log_probabilities", "reduction": "none", **TENTHS})
def constant_weights_of_log_probabilities(logs: Array, labels: Array) -> Any:
    """Constant class weights that the dtype does not hold, which are rounded when they are read."""
    w = np.asarray(TENTHS["class_weights"], logs.dtype)
    return -at(logs, labels) * w[integers(labels)]


@right(contract={"boundary": {"add": 1e-7}})
def logits_with_declared_eps(scores: Array, labels: Array) -> Any:
    """Logits in, a softmax, and log(p + eps) as declared."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return mean(-np.log(at(e / e.sum(axis=1, keepdims=True), labels) + scores.dtype.type(1e-7)))


@right(contract={"boundary": {"clip": [LOW, 1.0]}})
def logits_with_declared_clip(scores: Array, labels: Array) -> Any:
    """Logits in, a softmax, and a clip as declared."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return mean(-np.log(np.clip(at(e / e.sum(axis=1, keepdims=True), labels), scores.dtype.type(LOW), 1)))


@right(contract={"input": "log_probabilities"})
def refuses_positive_logs(logs: Array, labels: Array) -> Any:
    """Log-probabilities in; a number above 0 is none and raises."""
    if logs.size and widened(logs).max() > 1e-3:
        raise ValueError("log-probabilities must not be positive")
    return mean(-at(logs, labels))


SIGNED = {"class_weights": {"argument": "weight"}, "class_weights_as": "signed", "smoothing_weights": "class"}


def _signed_coefficients(p: Array, targets: Array, weight: Array) -> Any:
    t = targets.astype(p.dtype)
    return (t * p.dtype.type(0.7) + p.dtype.type(0.3) / p.dtype.type(p.shape[1])) * weight.astype(p.dtype)


def _signed_gradient(p: Array, targets: Array, weight: Array) -> Any:
    c = _signed_coefficients(p, targets, weight)
    return c.sum(axis=1, keepdims=True) * p - c


@right(
    contract={**P, **SIGNED, "labels": ["onehot"], "label_smoothing": 0.3, "reduction": "none"},
    gradient=_signed_gradient,
)
def signs_at_probabilities_of_zero(p: Array, targets: Array, weight: Array) -> Any:
    """Smoothed labels with weights of both signs: at probabilities of 0 no loss is left, and a gradient."""
    with np.errstate(divide="ignore", invalid="ignore"):
        c = _signed_coefficients(p, targets, weight)
        return -np.where(c == 0, 0, c * np.log(p)).sum(axis=1)


SHARP = {"boundary": {"add": 1e-20}, "gradient_of": "loss", "z_loss": 1e-4, "accuracy": "C", "reduction": "sum"}


def _by_lse(scores: Array) -> tuple[Array, Array]:
    top = scores.max(axis=1, keepdims=True)
    lse = top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    return np.exp(scores - lse), lse


def _sharp_gradient(scores: Array, labels: Array) -> Any:
    p, lse = _by_lse(scores)
    kind = scores.dtype.type
    c = one_hot(labels, p) * (p / (p + kind(1e-20)))
    return c.sum(axis=1, keepdims=True) * p - c + kind(2e-4) * lse * p


@right(contract=SHARP, gradient=_sharp_gradient)
def probabilities_by_logsumexp(scores: Array, labels: Array) -> Any:
    """Declared eps and z-loss, of probabilities exp(z - logsumexp(z)) that have no digit left at large logits."""
    p, lse = _by_lse(scores)
    kind = scores.dtype.type
    return (kind(1e-4) * lse[:, 0] ** 2 - np.log(at(p, labels) + kind(1e-20))).sum()


CLIPPED: dict[str, Any] = {"boundary": {"clip": [LOW, 1 - LOW]}, "gradient_of": "ideal at clip(p)"}


def _clipped(p: Array) -> Array:
    return np.clip(p, p.dtype.type(LOW), p.dtype.type(1 - LOW))


@right(
    contract={**P, **CLIPPED, "labels": ["onehot"], "gradient_wrt": "probabilities"},
    gradient=lambda p, t: -t.astype(p.dtype) / _clipped(p) / p.dtype.type(max(len(p), 1)),
)
def gradient_at_clipped_probabilities(p: Array, targets: Array) -> Any:
    """Clip in the loss and once more in the backward pass, whose -t/clip(p) passes through the clip."""
    return mean(-(targets.astype(p.dtype) * np.log(_clipped(p))).sum(axis=1))


@right(
    contract={**P, **CLIPPED, "labels": ["onehot", "soft"], "reduction": "sum"},
    gradient=lambda p, t: _clipped(p) - t.astype(p.dtype),
)
def clipped_probabilities_minus_targets(p: Array, targets: Array) -> Any:
    """Keep what the loss has clipped, and return it minus the labels."""
    return -(targets.astype(p.dtype) * np.log(_clipped(p))).sum()


@right(
    contract={**CLIPPED, "dtypes": ["float32", "float64"]},
    gradient=lambda z, y: (_clipped(softmax(z)) - one_hot(y, z)) / z.dtype.type(max(len(z), 1)),
)
def clipped_softmax_minus_targets(scores: Array, labels: Array) -> Any:
    """A softmax that is clipped, of which loss and gradient are made."""
    return mean(-np.log(at(_clipped(softmax(scores)), labels)))
