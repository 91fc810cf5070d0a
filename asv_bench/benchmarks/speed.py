"""How long the reference takes, in seconds a call. Trends: they vary with the machine's other work.

All inputs have about as many logits, so that a graph over classes shows what the classes cost. The kind of labels is a
parameter, so that one graph shows all of them.

No class has a `setup`: asv would call it before every single call, and time one call at a time.
"""

from __future__ import annotations

from . import subject
from .data import CLASSES, DTYPES, buffer, encode, inputs

LABELS = ("sparse", "onehot", "onehot_with_encode", "soft")


def _call(part, given, labels, **options):
    """Call a part of the reference: "loss", "gradient" or "loss_and_gradient"."""
    function = getattr(subject, part)("sparse" if labels == "sparse" else "onehot")
    if labels == "onehot_with_encode":
        target = encode(given.labels, given.logits.shape[1], given.logits.dtype)
    else:
        target = {"sparse": given.labels, "onehot": given.onehot, "soft": given.soft}[labels]
    function(given.logits, target, **options)


class _Timed:
    """Two rounds some minutes apart, each of a third of a second where calls are not longer than that."""

    params = (CLASSES, DTYPES, LABELS)
    param_names = ("classes", "dtype", "labels")
    rounds = 2
    repeat = (2, 7, 0.2)
    warmup_time = 0.05


class Loss(_Timed):
    """The loss alone."""

    def time_loss(self, classes, dtype, labels):
        _call("loss", inputs(classes, dtype), labels)


class Gradient(_Timed):
    """The gradient alone."""

    def time_gradient(self, classes, dtype, labels):
        _call("gradient", inputs(classes, dtype), labels)


class LossAndGradient(_Timed):
    """Both, as training wants them: in one call where the commit has one."""

    def time_both(self, classes, dtype, labels):
        _call("loss_and_gradient", inputs(classes, dtype), labels)


class SmallBatch(_Timed):
    """Loss and gradient of few classes, where the reduction and each single call of numpy matter."""

    params = ((64, 4096), ("none", "sum", "mean"), ("sparse", "onehot"))
    param_names = ("rows", "reduction", "labels")

    def time_both(self, rows, reduction, labels):
        _call("loss_and_gradient", inputs(10, "float32", rows), labels, reduction=reduction)


class Narrow(_Timed):
    """Loss and gradient in the formats of 16 bits, most of whose gradients are subnormal in float16."""

    params = ((1000,), ("float16", "bfloat16"), ("sparse", "onehot"))

    def time_both(self, classes, dtype, labels):
        _call("loss_and_gradient", inputs(classes, dtype), labels)


class Production(_Timed):
    """Loss and gradient as a training loop would have them: a buffer that is used again, a number of threads."""

    params = (CLASSES, ("sparse", "onehot"), ("as it comes", "out", "threads=1", "threads=2"))
    param_names = ("classes", "labels", "how")
    _options = (("as it comes", {}), ("threads=1", {"threads": 1}), ("threads=2", {"threads": 2}))

    def time_both(self, classes, labels, how):
        given = inputs(classes, "float32")
        options = {"out": buffer(classes, "float32")} if how == "out" else dict(self._options)[how]
        _call("loss_and_gradient", given, labels, **options)
