"""Peak memory: of the process, and of what one call allocates beside its inputs."""

from __future__ import annotations

import tracemalloc

from . import subject
from .data import DTYPES, inputs

_PATHS = ("sparse", "onehot")
_MANY = {1000: 16_384, 50_257: 256}


class PeakRSS:
    """Peak resident memory of a process that holds 50 MiB or more of logits; compare with `peakmem_inputs`."""

    params = (tuple(_MANY), _PATHS)
    param_names = ("classes", "labels")

    def _given(self, classes, labels):
        given = inputs(classes, "float32", _MANY[classes])
        return given.logits, given.labels if labels == "sparse" else given.onehot

    def peakmem_inputs(self, classes, labels):
        self._given(classes, labels)

    def peakmem_loss(self, classes, labels):
        subject.loss(labels)(*self._given(classes, labels))

    def peakmem_gradient(self, classes, labels):
        subject.gradient(labels)(*self._given(classes, labels))


class PeakAlloc:
    """Peak of what a call allocates, results included, over the size of the logits: the gate for memory.

    tracemalloc counts exactly. With few classes it matters a little when one thread has its most beside the other: the
    largest of five calls hardly varies.
    """

    params = ((10, 100, 1000, 10_000, 262_144), DTYPES, _PATHS)
    param_names = ("classes", "dtype", "labels")
    unit = "bytes per byte of logits"

    def track_loss(self, classes, dtype, labels):
        return self._peak(subject.loss(labels), classes, dtype, labels)

    def track_gradient(self, classes, dtype, labels):
        return self._peak(subject.gradient(labels), classes, dtype, labels)

    def track_loss_and_gradient(self, classes, dtype, labels):
        return self._peak(subject.loss_and_gradient(labels), classes, dtype, labels)

    def _peak(self, function, classes, dtype, labels):
        given = inputs(classes, dtype)
        target = given.labels if labels == "sparse" else given.onehot
        function(given.logits, target)  # what is kept from the first call on is not counted
        return max(self._once(function, given.logits, target) for _ in range(5)) / given.logits.nbytes

    def _once(self, function, logits, target):
        tracemalloc.start()
        try:
            result = function(logits, target)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        del result
        return peak
