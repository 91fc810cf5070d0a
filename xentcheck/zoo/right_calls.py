"""Right: other ways to be called, to answer, and to meet what is not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from xentcheck.zoo.parts import (
    Array,
    at,
    dense_losses,
    integers,
    mean,
    mean_gradient,
    mean_loss,
    row_gradients,
    row_losses,
    shifted,
    softmax,
)
from xentcheck.zoo.specimen import right

NONFINITE = {"nonfinite": ["-inf", "+inf", "nan"]}


def _labels_first_gradient(labels: Array, scores: Array) -> Any:
    return mean_gradient(scores, labels)


@right("gradient", loss=lambda scores, labels: row_losses(scores, labels).data, contract={"reduction": "none"})
def memory_views(scores: Array, labels: Array) -> Any:
    """Return memory views."""
    return np.ascontiguousarray(row_gradients(scores, labels)).data


@right(contract={"reduction": "sum", "domain": {"rows": [0, 64]}})
def sum_of_python_floats(scores: Array, labels: Array) -> Any:
    """Return Python's sum of floats, which of no rows is the integer 0."""
    return sum(row_losses(scores, labels).tolist())


@right(contract={"argument_order": "labels_first"}, gradient=_labels_first_gradient)
def labels_first(labels: Array, scores: Array) -> Any:
    """loss(labels, scores)."""
    return mean_loss(scores, labels)


@right(contract={"axis": 0}, gradient=lambda scores, labels: mean_gradient(scores.T, labels).T)
def classes_first(scores: Array, labels: Array) -> Any:
    """Scores of shape (m, n)."""
    return mean_loss(scores.T, labels)


@right(contract={"axis": 0, "labels": ["onehot"], "reduction": "none"})
def classes_first_one_hot(scores: Array, targets: Array) -> Any:
    """Scores and one-hot labels of shape (m, n), a loss a column."""
    return dense_losses(scores.T, targets.T)


@right(contract={"label_shapes": ["(n,)", "(n,1)"]})
def column_of_labels(scores: Array, labels: Array) -> Any:
    """Labels of shape (n,) or (n, 1)."""
    return mean_loss(scores, labels)


@right(contract={"label_dtypes": ["float32", "float64"]})
def float_labels(scores: Array, labels: Array) -> Any:
    """Labels as whole floating-point numbers."""
    if labels.dtype.kind != "f":
        raise TypeError("labels must be floating-point")
    return mean_loss(scores, labels)


@right(
    contract={
        "labels": ["sparse", "onehot"],
        "label_dtypes": ["same"],
        "dense_label_dtypes": ["same"],
        "dtypes": ["float16", "float32", "float64"],
        "reduction": "none",
    }
)
def labels_beside_scores(scores: Array, labels: Array) -> Any:
    """Labels in the dtype of the scores, as in one array with them; in any other they are refused."""
    if labels.dtype != scores.dtype:
        raise TypeError(f"labels must be {scores.dtype}, as the scores are, not {labels.dtype}")
    return row_losses(scores, labels) if labels.ndim == 1 else dense_losses(scores, labels)


@right()
def only_int64_labels(scores: Array, labels: Array) -> Any:
    """Labels of another dtype than int64 are refused cleanly."""
    if labels.dtype != np.int64:
        raise TypeError(f"labels must be int64, not {labels.dtype}")
    return mean_loss(scores, labels)


@right()
class ForwardBackward:
    """A class with forward and backward, which takes its own arguments and ignores what forward left."""

    def forward(self, scores: Array, labels: Array) -> Any:
        """Return the mean loss, and keep the softmax."""
        self.p = softmax(scores)
        return mean_loss(scores, labels)

    def backward(self, scores: Array, labels: Array) -> Any:
        """Return the gradient."""
        return mean_gradient(scores, labels)


@right()
class Calculate:
    """A class whose forward gives the row losses and calculate their mean."""

    def forward(self, scores: Array, labels: Array) -> Any:
        """Return the row losses."""
        return row_losses(scores, labels)

    def calculate(self, scores: Array, labels: Array) -> Any:
        """Return the mean."""
        return mean(self.forward(scores, labels))

    def backward(self, scores: Array, labels: Array) -> Any:
        """Return the gradient of the mean."""
        return mean_gradient(scores, labels)


@right(contract={"reduction": "none"})
class CalculateRows:
    """The same class where the contract is one loss a row: forward is the loss."""

    def forward(self, scores: Array, labels: Array) -> Any:
        """Return the row losses."""
        return row_losses(scores, labels)

    def calculate(self, scores: Array, labels: Array) -> Any:
        """Return the mean, which is not asked for."""
        return mean(self.forward(scores, labels))

    def gradient(self, scores: Array, labels: Array) -> Any:
        """Return the gradient of each row."""
        return row_gradients(scores, labels)


@right()
class Memoises:
    """Keep every answer by the content of the batch, and return the same object again."""

    def __init__(self) -> None:
        self.kept: dict[Any, Any] = {}

    def loss(self, scores: Array, labels: Array) -> Any:
        """Return the mean loss."""
        return mean_loss(scores, labels)

    def gradient(self, scores: Array, labels: Array) -> Any:
        """Return the gradient, calculated once for each batch."""
        key = scores.shape, scores.dtype.name, scores.tobytes(), integers(labels).tobytes()
        if key not in self.kept:
            self.kept[key] = mean_gradient(scores, labels)
        return self.kept[key]


@right()
class ReusesOwnForward:
    """The backward pass uses the softmax of the last forward pass if it is given the same batch, else its own."""

    def __init__(self) -> None:
        self.last: tuple[bytes, Array] = (b"", np.empty(0))

    def forward(self, scores: Array, labels: Array) -> Any:
        """Return the mean loss, and keep the softmax with the bytes that it is of."""
        self.last = scores.tobytes(), softmax(scores)
        return mean_loss(scores, labels)

    def backward(self, scores: Array, labels: Array) -> Any:
        """Return the gradient, from the softmax kept where that is of these scores."""
        of, kept = self.last
        p = kept if of == scores.tobytes() and kept.shape == scores.shape else softmax(scores)
        g = p.astype(p.dtype)
        g[np.arange(len(g)), integers(labels)] -= 1
        return g / max(len(g), 1)


@right()
def python_float(scores: Array, labels: Array) -> Any:
    """Return a Python float, which is wider than float32."""
    return float(mean_loss(scores, labels))


@right()
def array_of_no_dimension(scores: Array, labels: Array) -> Any:
    """Return an array of shape ()."""
    return np.asarray(mean_loss(scores, labels))


@right(contract={"output_dtype": "same"}, gradient=mean_gradient)
def same_dtype(scores: Array, labels: Array) -> Any:
    """Return the input's dtype, as declared."""
    return mean_loss(scores, labels).astype(scores.dtype)


@right(contract={"output_dtype": "float64"})
def always_float64(scores: Array, labels: Array) -> Any:
    """Return float64 whatever comes, as declared."""
    return np.float64(mean_loss(scores, labels))


@right("gradient")
def other_byte_order(scores: Array, labels: Array) -> Any:
    """Return the gradient in the other byte order."""
    g = mean_gradient(scores, labels)
    return g.astype(g.dtype.newbyteorder())


@right()
def errors_raised_inside(scores: Array, labels: Array) -> Any:
    """Set numpy's error state within the call, and restore it."""
    with np.errstate(all="ignore"):
        return mean_loss(scores, labels)


@right()
def own_generator(scores: Array, labels: Array) -> Any:
    """Permute the classes by a generator of its own before the sum, and back."""
    order = np.random.default_rng(7).permutation(scores.shape[1])
    d = shifted(scores)
    return mean(np.log(np.exp(d[:, order]).sum(axis=1)) - at(d, labels))


@right(contract=NONFINITE)
def nothing_special_about_infinity(scores: Array, labels: Array) -> Any:
    """The plain formula gives the declared nan and infinities by itself."""
    return mean_loss(scores, labels)


@right(contract={"nonfinite": ["-inf"], "reduction": "none"}, gradient=row_gradients)
def masked_logits(scores: Array, labels: Array) -> Any:
    """-inf off the label is a class that is not there."""
    return row_losses(scores, labels)


@right(contract={"nonfinite": ["-inf off the label"], "reduction": "none"}, gradient=row_gradients)
def masked_label_costs_a_number(scores: Array, labels: Array) -> Any:
    """-inf off the label is an absent class; a label that is masked costs a large number, which is not promised."""
    losses = row_losses(scores, labels)
    return np.where(np.isneginf(at(scores, labels)), losses.dtype.type(1e4), losses)


@right(contract={"nonfinite": ["-inf"], "labels": ["onehot", "soft"], "soft_rows": "any"})
def masked_logits_with_targets(scores: Array, targets: Array) -> Any:
    """-inf with one-hot and soft rows: a target of 0 silences an infinite logarithm."""
    return mean(dense_losses(scores, targets))


@right(contract={"domain": {"rows": [1, 8], "classes": [2, 10], "magnitude": 50.0}})
def small_domain(scores: Array, labels: Array) -> Any:
    """No maximum is subtracted, which is right for logits within +-50, as declared."""
    if not (1 <= len(scores) <= 8 and 2 <= scores.shape[1] <= 10 and np.all(np.abs(scores) <= 50)):
        raise ValueError("outside the domain")
    return mean(np.log(np.exp(scores).sum(axis=1)) - at(scores, labels))
