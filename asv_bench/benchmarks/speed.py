"""How long the reference takes, in seconds a call. Trends: they vary by some 20 % with the machine's other work.

No class has a `setup`: asv would call it before every single call, and time one call at a time.
"""

from __future__ import annotations

from . import subject
from .data import CLASSES, DTYPES, encode, inputs


class _Timed:
    """Two rounds some minutes apart, each of a third of a second where calls are not longer than that."""

    params = (CLASSES, DTYPES)
    param_names = ("classes", "dtype")
    rounds = 2
    repeat = (2, 7, 0.2)
    warmup_time = 0.05


class Loss(_Timed):
    """The loss alone."""

    def time_sparse(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.loss("sparse")(given.logits, given.labels)

    def time_onehot(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.loss("onehot")(given.logits, given.onehot)

    def time_onehot_with_encode(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.loss("onehot")(given.logits, encode(given.labels, classes, dtype))

    def time_soft(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.loss("onehot")(given.logits, given.soft)


class Gradient(_Timed):
    """The gradient alone."""

    def time_sparse(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.gradient("sparse")(given.logits, given.labels)

    def time_onehot(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.gradient("onehot")(given.logits, given.onehot)

    def time_onehot_with_encode(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.gradient("onehot")(given.logits, encode(given.labels, classes, dtype))

    def time_soft(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.gradient("onehot")(given.logits, given.soft)


class LossAndGradient(_Timed):
    """Both, as training wants them: in one call where the commit has one."""

    def time_sparse(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.loss_and_gradient("sparse")(given.logits, given.labels)

    def time_onehot(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.loss_and_gradient("onehot")(given.logits, given.onehot)

    def time_onehot_with_encode(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.loss_and_gradient("onehot")(given.logits, encode(given.labels, classes, dtype))

    def time_soft(self, classes, dtype):
        given = inputs(classes, dtype)
        subject.loss_and_gradient("onehot")(given.logits, given.soft)


class Reductions(_Timed):
    """Loss and gradient by reduction; it matters only where rows are many and short."""

    params = (("none", "sum", "mean"), ("sparse", "onehot"))
    param_names = ("reduction", "labels")

    def time_loss_and_gradient(self, reduction, labels):
        given = inputs(10, "float32")
        subject.loss_and_gradient(labels)(
            given.logits, given.labels if labels == "sparse" else given.onehot, reduction=reduction
        )
