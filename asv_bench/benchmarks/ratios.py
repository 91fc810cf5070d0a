"""Times held against one another in the same process, which hardly depend on the machine's other work."""

from __future__ import annotations

import time

from . import subject
from .data import CLASSES, DTYPES, inputs
from .floor import softmax_floor
from .interleaved import median_ratio
from .peers import PEERS, prepared

_PARTS = ("loss", "loss_and_gradient")


class SparseOverOneHot:
    """Sparse over one-hot labels, in processor time: the gate for speed. Repeated runs agree within some 10 %."""

    params = (CLASSES, DTYPES, _PARTS)
    param_names = ("classes", "dtype", "part")
    unit = "ratio"
    timeout = 120

    def track_ratio(self, classes, dtype, part):
        given = inputs(classes, dtype)
        sparse, onehot = getattr(subject, part)("sparse"), getattr(subject, part)("onehot")
        return median_ratio(lambda: sparse(given.logits, given.labels), lambda: onehot(given.logits, given.onehot))


class VsSoftmaxFloor:
    """Each path over a frozen softmax kernel: a trend, and what shows both paths getting slower together."""

    params = (CLASSES, DTYPES, _PARTS, ("sparse", "onehot"))
    param_names = ("classes", "dtype", "part", "labels")
    unit = "ratio"
    timeout = 120

    def track_ratio(self, classes, dtype, part, labels):
        given = inputs(classes, dtype)
        function = getattr(subject, part)(labels)
        target = given.labels if labels == "sparse" else given.onehot
        buffer = given.logits.copy()
        return median_ratio(lambda: function(given.logits, target), lambda: softmax_floor(given.logits, buffer))


class VsPlain:
    """A single call on few numbers over the plain form, the formulas in numpy line by line: what each call costs."""

    params = (("1x1000", "64x10"), DTYPES, ("loss", "gradient"), ("sparse", "onehot"))
    param_names = ("size", "dtype", "part", "labels")
    unit = "ratio"
    timeout = 120

    def track_ratio(self, size, dtype, part, labels):
        rows, classes = map(int, size.split("x"))
        given = inputs(classes, dtype, rows)
        arguments = (given.logits, given.labels if labels == "sparse" else given.onehot)
        function, plain = getattr(subject, part)(labels), subject.named("xentcheck.reference.plain", f"{labels}_{part}")
        return median_ratio(lambda: function(*arguments), lambda: plain(*arguments))


class VsPeers:
    """Loss and gradient by the sparse path over the same of other libraries, in wall time with their own threads.

    Trends. Only libraries that are installed have a curve.
    """

    params = (PEERS, (10, 1000, 50_257), DTYPES)
    param_names = ("peer", "classes", "dtype")
    unit = "ratio"
    timeout = 180

    def track_ratio(self, peer, classes, dtype):
        given = inputs(classes, dtype)
        ours = subject.loss_and_gradient("sparse")
        theirs = prepared(peer, given)
        return median_ratio(lambda: ours(given.logits, given.labels), theirs, time.perf_counter)


if subject.COMPILED:

    class CompiledOverNumpy:
        """Loss and gradient compiled by numba over the same by numpy, in wall time with their own threads: a trend."""

        params = ((10, 1000, 262_144), DTYPES, ("sparse", "onehot"))
        param_names = ("classes", "dtype", "labels")
        unit = "ratio"
        timeout = 120

        def track_ratio(self, classes, dtype, labels):
            given = inputs(classes, dtype)
            function = subject.loss_and_gradient(labels)
            arguments = (given.logits, given.labels if labels == "sparse" else given.onehot)
            return median_ratio(
                lambda: function(*arguments, compiled=True), lambda: function(*arguments), time.perf_counter
            )

    class CompiledVsPeers:
        """As VsPeers, compiled; torch where it is installed. Each process compiles anew: so there is one peer."""

        params = (PEERS[-1:], (10, 1000, 50_257), DTYPES)
        param_names = VsPeers.param_names
        unit = "ratio"
        timeout = 180

        def track_ratio(self, peer, classes, dtype):
            given = inputs(classes, dtype)
            ours = subject.loss_and_gradient("sparse")
            theirs = prepared(peer, given)
            return median_ratio(lambda: ours(given.logits, given.labels, compiled=True), theirs, time.perf_counter)
