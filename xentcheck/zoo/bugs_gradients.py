"""Bugs: gradients, and upstream gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    Array,
    at,
    each,
    integers,
    mean_gradient,
    mean_loss,
    one_hot,
    row_gradients,
    row_losses,
    row_vjp,
    softmax,
    sum_loss,
)
from xentcheck.zoo.specimen import bug

NONE = {"reduction": "none"}
SUM = {"reduction": "sum"}


def half_loss(scores: Array, labels: Array) -> Any:
    """Return half the mean loss."""
    return mean_loss(scores, labels) / 2


@bug(
    "gradient_p_only",
    "gradient",
    "own-gradient",
    "gradient-row-sum",
    role="gradient",
    thread="from-scratch networks",
)
def label_not_subtracted(scores: Array, labels: Array) -> Any:
    """Return p."""
    return softmax(scores) / max(len(scores), 1)


@bug(
    "wrong_sign",
    "gradient",
    "own-gradient",
    "gradient-sign",
    role="gradient",
    thread="from-scratch networks",
)
def target_minus_probability(scores: Array, labels: Array) -> Any:
    """Return t - p."""
    return -mean_gradient(scores, labels)


@bug(
    "gradient_p_plus_t",
    "gradient",
    "own-gradient",
    "gradient-row-sum",
    role="gradient",
    thread="ml-cross-entropy 52",
)
def label_added(scores: Array, labels: Array) -> Any:
    """Return p + t."""
    return (softmax(scores) + one_hot(labels, scores)) / max(len(scores), 1)


@bug(
    "gradient_wrt_probabilities",
    "gradient",
    "finite",
    "own-gradient",
    role="gradient",
    thread="numpy-ml; neograd",
)
def gradient_by_probabilities(scores: Array, labels: Array) -> Any:
    """Return -t / p, the gradient by the probabilities."""
    p = softmax(scores)
    return -one_hot(labels, p) / p / max(len(p), 1)


@bug(
    "jacobian_twice",
    "gradient",
    "own-gradient",
    role="gradient",
    thread="neuralnetlib; from-scratch networks",
)
def softmax_backward_twice(scores: Array, labels: Array) -> Any:
    """Send p - t through the softmax's backward pass once more."""
    p, g = softmax(scores), mean_gradient(scores, labels)
    return p * (g - (g * p).sum(axis=1, keepdims=True))


@bug(
    "jacobian_diagonal",
    "gradient",
    "own-gradient",
    "gradient-row-sum",
    akin=("gradient_label_only",),
    role="gradient",
    thread="from-scratch networks: p (1 - p)",
)
def diagonal_of_jacobian(scores: Array, labels: Array) -> Any:
    """Use only the diagonal of the softmax's Jacobian."""
    p = softmax(scores)
    return -one_hot(labels, p) * (1 - p) / max(len(p), 1)


@bug(
    "gradient_zero",
    "gradient",
    "own-gradient",
    "gradient-sign",
    role="gradient",
    thread="tensorflow 7403: a constant cut from the graph",
)
def no_gradient(scores: Array, labels: Array) -> Any:
    """Return zeros."""
    return np.zeros_like(scores)


@bug(
    "gradient_times_loss",
    "gradient",
    "own-gradient",
    role="gradient",
    loss=sum_loss,
    contract=SUM,
    thread="TransformerEngine 2139",
)
def multiplied_by_the_loss(scores: Array, labels: Array) -> Any:
    """Multiply the gradient by the loss, taken for the upstream gradient."""
    return row_gradients(scores, labels) * sum_loss(scores, labels)


@bug("scaled", "gradient", "own-gradient", role="gradient", thread="chex passes a gradient scaled by 1.5")
def scaled_by_one_and_a_half(scores: Array, labels: Array) -> Any:
    """Multiply the gradient by 1.5."""
    return mean_gradient(scores, labels) * scores.dtype.type(1.5)


@bug(
    "divisor_guarded",
    "gradient",
    role="gradient",
    akin=("scaled",),
    contract={"dtypes": ["float64"]},
    thread="numerics: only at 1e-9 relative",
)
def scaled_by_a_billionth(scores: Array, labels: Array) -> Any:
    """Divide the gradient by n + 1e-9."""
    return row_gradients(scores, labels) / (len(scores) + 1e-9)


@bug(
    "gradient_clipped",
    "gradient",
    "own-gradient",
    role="gradient",
    thread="gradient clipping left in the loss",
)
def gradient_clipped(scores: Array, labels: Array) -> Any:
    """Clip each entry of the gradient to +-0.1."""
    return np.clip(mean_gradient(scores, labels), -0.1, 0.1)


@bug(
    "gradient_label_only",
    "gradient",
    "own-gradient",
    "gradient-row-sum",
    akin=("jacobian_diagonal",),
    role="gradient",
    thread="mlx 2213",
)
def other_classes_missing(scores: Array, labels: Array) -> Any:
    """Return the gradient of the label's class alone."""
    g = mean_gradient(scores, labels)
    return g * one_hot(labels, g)


@bug(
    "finite_differences",
    "gradient",
    "own-gradient",
    role="gradient",
    contract={"dtypes": ["float64"], "domain": {"rows": [1, 8], "classes": [1, 16], "magnitude": 100.0}},
    thread="from-scratch gradient checks used as the gradient",
)
def finite_differences(scores: Array, labels: Array) -> Any:
    """Return central differences with a step of 1e-5."""
    g = np.zeros_like(scores)
    for index in np.ndindex(scores.shape):
        step = np.zeros_like(scores)
        step[index] = 1e-5
        g[index] = (mean_loss(scores + step, labels) - mean_loss(scores - step, labels)) / 2e-5
    return g


@bug(
    "gradient_rows_misplaced",
    "gradient",
    "own-gradient",
    "row-independence",
    role="gradient",
    thread="ml-cross-entropy 59",
)
def gradient_rows_reversed(scores: Array, labels: Array) -> Any:
    """Return the rows of the gradient in reverse order."""
    return mean_gradient(scores, labels)[::-1].copy()


@bug(
    "gradient_transposed",
    "gradient",
    "own-gradient",
    akin=("gradient_rows_misplaced",),
    role="gradient",
    thread="Fortran and C order mixed",
)
def gradient_transposed_if_square(scores: Array, labels: Array) -> Any:
    """Return the transposed gradient where there are as many rows as classes."""
    g = mean_gradient(scores, labels)
    return g.T.copy() if g.shape[0] == g.shape[1] else g


@bug("halved", "value", "own-gradient", gradient=mean_gradient, thread="half a loss beside a whole gradient")
def loss_halved_gradient_not(scores: Array, labels: Array) -> Any:
    """Halve the loss and not the gradient."""
    return half_loss(scores, labels)


@bug("gradient_missing_1_over_n", "gradient", "own-gradient", role="value_and_gradient", thread="Liger-Kernel 1298")
def pair_with_gradient_of_sum(scores: Array, labels: Array) -> Any:
    """Return the mean loss and the gradient of the sum."""
    return mean_loss(scores, labels), row_gradients(scores, labels)


@bug(
    "upstream_first_row",
    "vjp-linearity",
    role="vjp",
    loss=row_losses,
    gradient=row_gradients,
    contract=NONE,
    thread="Liger-Kernel 1298; TransformerEngine 2139 (upstream[0] for all rows)",
)
def first_upstream_for_all(scores: Array, labels: Array, upstream: Array) -> Any:
    """Multiply all rows by the first row's upstream gradient."""
    return row_vjp(scores, labels, np.full(len(scores), upstream.reshape(-1)[0] if upstream.size else 1))


@bug(
    "upstream_ignored",
    "vjp-linearity",
    role="vjp",
    loss=row_losses,
    gradient=row_gradients,
    contract=NONE,
    thread="TransformerEngine 2139",
)
def upstream_ignored(scores: Array, labels: Array, upstream: Array) -> Any:
    """Ignore the upstream gradient."""
    return row_gradients(scores, labels)


@bug(
    "upstream_ignored",
    "vjp-linearity",
    role="vjp",
    gradient=mean_gradient,
    thread="Liger-Kernel 1298: if grad_output != 1.0",
)
def upstream_of_a_mean_ignored(scores: Array, labels: Array, upstream: Array) -> Any:
    """Ignore the upstream gradient of a mean."""
    return mean_gradient(scores, labels)


@bug(
    "upstream_zero_as_one",
    "vjp-linearity",
    akin=("upstream_ignored",),
    role="vjp",
    gradient=mean_gradient,
    thread="Python's falsy 0: `upstream or 1`",
)
def zero_upstream_taken_for_none(scores: Array, labels: Array, upstream: Array) -> Any:
    """Take an upstream gradient of 0 for a missing one, and use 1."""
    return mean_gradient(scores, labels) * scores.dtype.type(float(upstream) or 1.0)


@bug(
    "upstream_mean",
    "vjp-linearity",
    role="vjp",
    loss=row_losses,
    gradient=row_gradients,
    contract=NONE,
    thread="TransformerEngine 2139",
)
def upstream_averaged(scores: Array, labels: Array, upstream: Array) -> Any:
    """Multiply all rows by the mean of the upstream gradients."""
    return row_vjp(scores, labels, np.full(len(scores), upstream.mean() if upstream.size else 1))


@bug(
    "upstream_misplaced",
    "vjp-linearity",
    akin=("gradient_rows_misplaced",),
    role="vjp",
    loss=row_losses,
    gradient=row_gradients,
    contract=NONE,
    thread="ml-cross-entropy 59",
)
def upstream_reversed(scores: Array, labels: Array, upstream: Array) -> Any:
    """Apply the upstream gradients in reverse order."""
    return row_vjp(scores, labels, upstream[::-1])


@bug(
    "upstream_distorted",
    "vjp-linearity",
    role="vjp",
    loss=row_losses,
    gradient=row_gradients,
    contract=NONE,
    thread="pytorch 113708: scale by |upstream|",
)
def upstream_without_sign(scores: Array, labels: Array, upstream: Array) -> Any:
    """Lose the sign of the upstream gradient."""
    return row_vjp(scores, labels, np.abs(upstream))


@bug(
    "upstream_first_row",
    "vjp-linearity",
    akin=("upstream_mean",),
    role="vjp",
    loss=row_losses,
    gradient=row_gradients,
    contract=NONE,
    thread="from-scratch backward passes: a short cut for one number, by allclose",
)
def nearly_uniform_upstream(scores: Array, labels: Array, upstream: Array) -> Any:
    """Take upstream gradients for one number where numpy's allclose does."""
    alike = upstream.size and np.allclose(upstream, upstream[0])
    return row_vjp(scores, labels, np.full_like(upstream, upstream[0]) if alike else upstream)


@bug(
    "upstream_distorted",
    "vjp-linearity",
    role="vjp",
    loss=row_losses,
    gradient=row_gradients,
    contract=NONE,
    thread="gradients below a loss scaler's least step are dropped",
)
def small_upstream_dropped(scores: Array, labels: Array, upstream: Array) -> Any:
    """Take upstream gradients below 1e-4 for 0, though a mean over 16384 rows has no other."""
    return row_vjp(scores, labels, np.where(np.abs(upstream) < 1e-4, 0, upstream))


@bug("upstream_mean", "vjp-linearity", role="vjp", loss=row_losses, contract=NONE, thread="TransformerEngine 2139")
def upstream_averaged_in_the_only_gradient(scores: Array, labels: Array, upstream: Array) -> Any:
    """Multiply all rows by the mean of the upstream gradients, where there is no gradient beside the vjp."""
    return row_vjp(scores, labels, np.full(len(scores), upstream.mean() if upstream.size else 1))


@bug("gradient_missing_1_over_n", "gradient", role="vjp", loss=mean_loss, thread="Liger-Kernel 1298")
def vjp_of_the_sum(scores: Array, labels: Array, upstream: Array) -> Any:
    """Multiply the gradient of the sum by the upstream gradient of the mean; there is no other gradient."""
    return row_gradients(scores, labels) * upstream


@bug(
    "small_entries_dropped",
    "gradient",
    "gradient-row-sum",
    akin=("gradient_label_missing", "clip"),
    role="gradient",
    thread="ml-cross-entropy 52 (small gradients are filtered)",
)
def small_entries_filtered(scores: Array, labels: Array) -> Any:
    """Set entries of p below 2**-12 to 0."""
    p = softmax(scores)
    p = np.where(p < 2.0**-12, 0, p).astype(p.dtype)
    p[each(p), integers(labels)] -= 1
    return p / max(len(p), 1)


@bug(
    "gradient_of_other_loss",
    "gradient",
    "own-gradient",
    akin=("squared_error",),
    role="gradient",
    thread="from-scratch networks",
)
def gradient_of_squared_error(scores: Array, labels: Array) -> Any:
    """Return the gradient of the squared error of the softmax."""
    p = softmax(scores)
    g = 2 * (p - one_hot(labels, p)) / max(len(p), 1)
    return p * (g - (g * p).sum(axis=1, keepdims=True))


@bug(
    "wrong_sign",
    "gradient",
    "own-gradient",
    akin=("off_by_one_label",),
    role="gradient",
    thread="statsmodels: the score of two classes",
)
def wrong_sign_for_two_classes(scores: Array, labels: Array) -> Any:
    """Return the negative gradient where there are two classes and the label is the second."""
    g = mean_gradient(scores, labels)
    flip = (integers(labels) == 1) & (g.shape[1] == 2)
    return np.where(flip[:, None], -g, g)


@bug(
    "label_gradient_shifted",
    "gradient",
    akin=("p_minus_1_cancels",),
    role="gradient",
    loss=None,
    contract={"accuracy": "B+"},
    thread="pytorch 85791",
)
def relative_promise_lost_at_many_classes(scores: Array, labels: Array) -> Any:
    """Keep the promised relative accuracy at the label by the complement's sum only up to 16 classes."""
    g, p = row_gradients(scores, labels), softmax(scores)
    if p.shape[1] <= 16:
        others = p.copy()
        others[each(p), integers(labels)] = 0
        g[each(g), integers(labels)] = -others.sum(axis=1)
    return g / max(len(g), 1)


@bug(
    "log_of_softmax",
    "gradient",
    "finite",
    akin=("gradient_zero", "zero_times_inf"),
    role="gradient",
    thread="keras 17634: backward through log(softmax)",
)
def backward_through_log_of_softmax(scores: Array, labels: Array) -> Any:
    """Multiply 1 / p_y by the Jacobian's row: nan where p_y underflows."""
    p = softmax(scores)
    py = at(p, labels)[:, None]
    return -(py * (one_hot(labels, p) - p)) / py / max(len(p), 1)
