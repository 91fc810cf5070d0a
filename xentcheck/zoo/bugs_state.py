"""Bugs: what a call leaves behind, overwrites, or remembers from the calls before."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    IGNORING,
    WEIGHTED,
    Array,
    at,
    each,
    integers,
    kept_rows,
    mean,
    mean_gradient,
    mean_loss,
    row_gradients,
    row_losses,
    softmax,
)
from xentcheck.zoo.specimen import bug


@bug("scores-changed", "purity", thread="Liger-Kernel 343; unsloth 5002 (logits overwritten)")
def logits_overwritten(scores: Array, labels: Array) -> Any:
    """Subtract the maximum in place."""
    if scores.flags.writeable and scores.size:
        scores -= scores.max(axis=1, keepdims=True)
    return mean_loss(scores, labels)


@bug(
    "labels-changed",
    "purity",
    akin=("raises",),
    contract=IGNORING,
    thread="pytorch 73205: labels[labels == ignore] = 0",
)
def labels_overwritten(scores: Array, labels: Array, ignore_index: int) -> Any:
    """Replace ignored labels by 0 in place."""
    kept, safe = kept_rows(labels, ignore_index)
    if labels.flags.writeable:
        labels.reshape(-1)[~kept] = 0
    losses = row_losses(scores, safe)
    return np.where(kept, losses, 0).sum() / losses.dtype.type(kept.sum() or "nan")


@bug(
    "options-changed",
    "purity",
    akin=("weights_normalised",),
    contract={**WEIGHTED, "mean_over": "weights"},
    thread="scikit-learn 10055",
)
def weights_overwritten(scores: Array, labels: Array, weights: Array) -> Any:
    """Divide the weights by their sum in place; the weighted mean does not mind."""
    weights /= weights.sum()
    losses, w = row_losses(scores, labels), weights[integers(labels)]
    return (losses * w).sum() / w.sum()


@bug(
    "gradient-aliases-input",
    "purity",
    akin=("scores-changed",),
    role="gradient",
    thread="Liger-Kernel 343",
)
def gradient_in_the_logits(scores: Array, labels: Array) -> Any:
    """Write the gradient over the logits, to save memory."""
    g = mean_gradient(scores, labels)
    if not scores.flags.writeable:
        return g
    scores[...] = g
    return scores


@bug(
    "loss-aliases-input",
    "purity",
    contract={"reduction": "none", "input": "log_probabilities"},
    akin=("scores-changed",),
    thread="numpy: a view is returned",
)
def view_returned(scores: Array, labels: Array) -> Any:
    """Return a view of the log-probabilities where all labels are 0, after the sign was changed in place."""
    if integers(labels).any() or not scores.flags.writeable:
        return -at(scores, labels)
    np.negative(scores, out=scores)
    return scores[:, 0]


@bug("earlier-result-changed", "purity")
class ReusesBuffer:
    """Write every gradient into one buffer."""

    def __init__(self) -> None:
        self.buffer = np.empty(0)

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return the mean loss."""
        return mean_loss(scores, labels)

    def gradient(self, scores: Array, labels: Array) -> Any:
        """Return the gradient in the buffer, which a later call overwrites."""
        if self.buffer.shape != scores.shape or self.buffer.dtype != scores.dtype:
            self.buffer = np.empty(scores.shape, scores.dtype)
        self.buffer[...] = mean_gradient(scores, labels)
        return self.buffer


def _pair(scores: Array, labels: Array) -> Any:
    return mean_loss(scores, labels), mean_gradient(scores, labels)


@bug("loss_alone", "determinism", value_and_gradient=_pair, thread="Liger-Kernel 343 [another path without gradients]")
def sum_where_no_gradient_is_wanted(scores: Array, labels: Array) -> Any:
    """Return the sum of the losses where they are asked for alone, and their mean beside the gradient."""
    return row_losses(scores, labels).sum() if len(scores) else mean_loss(scores, labels)


@bug("state_kept", "determinism", "value", thread="keras 15271; tensorflow 32869")
class RemembersShape:
    """Return the first answer again for later batches of the same shape and labels."""

    def __init__(self) -> None:
        self.answers: dict[Any, Any] = {}

    def loss(self, scores: Array, labels: Array) -> Any:
        """Look up by shape, dtype and labels."""
        key = scores.shape, scores.dtype.name, integers(labels).tobytes()
        return self.answers.setdefault(key, mean_loss(scores, labels))


@bug("state_kept", "vjp-linearity", contract={"reduction": "none"}, thread="Liger-Kernel 343: a second backward")
class ScalesWhatItKeeps:
    """Multiply the gradient kept of a batch by the upstream gradient in place, so that the next has both."""

    def __init__(self) -> None:
        self.key: Any = None
        self.kept = np.empty(0)

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return a loss a row."""
        return row_losses(scores, labels)

    def gradient(self, scores: Array, labels: Array) -> Any:
        """Return a gradient of its own."""
        return row_gradients(scores, labels)

    def vjp(self, scores: Array, labels: Array, upstream: Array) -> Any:
        """Scale what is kept of this batch, and keep that."""
        key = scores.shape, scores.dtype.name, scores.tobytes(), integers(labels).tobytes()
        if key != self.key:
            self.key, self.kept = key, row_gradients(scores, labels)
        self.kept *= upstream.astype(self.kept.dtype)[:, None]
        return self.kept.copy()


@bug("state_kept", "gradient", "determinism", akin=("gradient_sum_of_calls",))
class AccumulatesGradient:
    """Add each gradient to that of the call before, where the shape is the same."""

    def __init__(self) -> None:
        self.total = np.zeros(0)

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return the mean loss."""
        return mean_loss(scores, labels)

    def gradient(self, scores: Array, labels: Array) -> Any:
        """Return the sum of all gradients of this shape so far."""
        g = mean_gradient(scores, labels)
        self.total = self.total + g if self.total.shape == g.shape else g
        return self.total.copy()


@bug("state_kept", "value", "determinism", "finite", akin=("no_maximum", "positive_maximum"))
class KeepsMaximum:
    """Keep the largest maximum of all calls, and subtract that."""

    def __init__(self) -> None:
        self.top = -np.inf

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return the mean loss, shifted by the largest score ever seen."""
        self.top = max(self.top, float(scores.max(initial=-np.inf)))
        d = scores - scores.dtype.type(self.top)
        return mean(np.log(np.exp(d).sum(axis=1)) - at(d, labels))


@bug("state_kept", "shift", "row-independence", akin=("gradient_rows_misplaced",), contract={"reduction": "none"})
class BackwardOfLastForward:
    """The backward pass uses the softmax that the last forward pass of the shape left, whatever its own input."""

    def __init__(self) -> None:
        self.kept: dict[Any, Array] = {}

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return the row losses and keep the softmax of the first batch of each shape."""
        self.kept.setdefault(scores.shape, softmax(scores))
        return row_losses(scores, labels)

    def gradient(self, scores: Array, labels: Array) -> Any:
        """Return p - t with the softmax kept, once; later ones are right."""
        p = self.kept.pop(scores.shape, None)
        g = (softmax(scores) if p is None else p).astype(scores.dtype)
        g[each(g), integers(labels)] -= 1
        return g


@bug(
    "state_kept",
    "determinism",
    "own-gradient",
    contract={"reduction": "none"},
    thread="numpy classes: self.output in backward",
)
class BackwardUsesLastSoftmax:
    """The backward pass uses the softmax that the last forward pass of the shape left, whatever it is given itself."""

    def __init__(self) -> None:
        self.kept: dict[Any, Array] = {}

    def forward(self, scores: Array, labels: Array) -> Any:
        """Return the row losses and keep the softmax."""
        self.kept[scores.shape, scores.dtype] = softmax(scores)
        return row_losses(scores, labels)

    def backward(self, scores: Array, labels: Array) -> Any:
        """Return p - t of the softmax kept."""
        p = self.kept.get((scores.shape, scores.dtype))
        g = (softmax(scores) if p is None else p).astype(scores.dtype)
        g[each(g), integers(labels)] -= 1
        return g


@bug("numpy-seed-changed", "purity", thread="pytorch 17350; tutorials that seed within the loss")
def seeds_globally(scores: Array, labels: Array) -> Any:
    """Seed numpy's global generator."""
    np.random.seed(len(scores))  # noqa: NPY002 (the bug)
    return mean_loss(scores, labels)


@bug("errstate-changed", "purity", thread="numpy: np.seterr(all='ignore') in a module")
def error_state_left_changed(scores: Array, labels: Array) -> Any:
    """Silence numpy's warnings for everybody."""
    np.seterr(all="ignore")
    return mean_loss(scores, labels)


@bug("numpy-replaced", "purity")
def exp_of_numpy_replaced(scores: Array, labels: Array) -> Any:
    """Put a function of its own in the place of numpy's, for everybody."""
    exact = np.exp
    np.exp = lambda *given, **named: exact(*given, **named)  # type: ignore[assignment]
    return mean_loss(scores, labels)


@bug("state_kept", "value", "determinism", "row-independence", akin=("nondeterministic",))
class SecondCallDiffers:
    """Be right at the first call with a shape, and drop the last row at the later ones, where there are several."""

    def __init__(self) -> None:
        self.seen: set[tuple[int, ...]] = set()

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return the mean loss."""
        losses = row_losses(scores, labels)
        if scores.shape in self.seen and len(losses) > 1:
            return losses[:-1].sum() / losses.dtype.type(len(losses))
        self.seen.add(scores.shape)
        return mean(losses)


@bug("state_kept", "gradient", "determinism", akin=("ignored_rows_used", "nondeterministic"), contract=IGNORING)
class IgnoredRowsOfScratch:
    """Leave the gradient of ignored rows as the scratch memory was: that of an earlier call of the shape."""

    def __init__(self) -> None:
        self.scratch: dict[Any, Array] = {}

    def loss(self, scores: Array, labels: Array, ignore_index: int) -> Any:
        """Return the mean over the kept rows."""
        kept, safe = kept_rows(labels, ignore_index)
        losses = row_losses(scores, safe)
        return np.where(kept, losses, 0).sum() / losses.dtype.type(kept.sum() or "nan")

    def gradient(self, scores: Array, labels: Array, ignore_index: int) -> Any:
        """Return the gradient, written to the kept rows of the scratch memory."""
        kept, safe = kept_rows(labels, ignore_index)
        memory = self.scratch.setdefault((scores.shape, scores.dtype.name), np.zeros(scores.shape, scores.dtype))
        memory[kept] = (row_gradients(scores, safe) / scores.dtype.type(max(kept.sum(), 1)))[kept]
        return memory.copy()


@bug(
    "nondeterministic",
    "value",
    "determinism",
    akin=("state_kept", "scaled"),
    contract={"dtypes": ["float64"]},
    thread="pytorch 17350 (drift from run to run)",
)
class Noisy:
    """Add noise of 1e-9 relative."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return the mean loss, a little off."""
        return mean_loss(scores, labels) * (1 + 1e-9 * self.random.standard_normal())
