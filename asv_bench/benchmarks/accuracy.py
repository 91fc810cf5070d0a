"""How accurate the reference is, held against certified values: accuracy gets worse across commits like speed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from . import subject
from .data import encode, format_of

_DTYPES = ("float16", "bfloat16", "float32", "float64")
_ROWS = 32


def _normal(random):
    return 3.0 * random.standard_normal((_ROWS, 100)), random.integers(0, 100, _ROWS)


def _confident(random):
    """Return rows whose label leads by 5 to 40: the loss is tiny, and its relative accuracy is the question."""
    logits, labels = random.standard_normal((_ROWS, 10)), random.integers(0, 10, _ROWS)
    logits[np.arange(_ROWS), labels] += np.linspace(8.0, 43.0, _ROWS)
    return logits, labels


def _offset(random):
    """Return rows with an offset that all logits share."""
    return random.standard_normal((_ROWS, 100)) + np.linspace(-1000.0, 1000.0, _ROWS)[:, None], np.zeros(_ROWS, int)


def _many_classes(random):
    return random.standard_normal((2, 20_000)), random.integers(0, 20_000, 2)


def _tails(random):
    """Return rows from which most classes have vanished: probabilities down to the subnormal numbers."""
    return -np.abs(30.0 * random.standard_normal((_ROWS, 100))), random.integers(0, 100, _ROWS)


_FAMILIES = {
    "normal": _normal,
    "confident": _confident,
    "offset": _offset,
    "many_classes": _many_classes,
    "tails": _tails,
}


@lru_cache(maxsize=2)
def _batch(family, dtype):
    """Return logits in a dtype, and labels."""
    logits, labels = _FAMILIES[family](np.random.default_rng(7))
    return logits.astype(format_of(dtype)), labels


class Accuracy:
    """log2 of 1 + the largest error in ulp: 0.58 is half an ulp, each 1 more is a bit lost. The gate for accuracy."""

    params = (tuple(_FAMILIES), _DTYPES, ("sparse", "onehot"))
    param_names = ("family", "dtype", "labels")
    unit = "log2(ulp + 1)"
    timeout = 120

    def track_loss(self, family, dtype, labels):
        return self._bits("rows", subject.loss(labels), family, dtype, labels)

    def track_gradient(self, family, dtype, labels):
        return self._bits("gradient", subject.gradient(labels), family, dtype, labels)

    def _bits(self, part, function, family, dtype, labels):
        logits, sparse = _batch(family, dtype)
        contract = subject.named("xentcheck.contract", "Contract")(reduction="none")
        problem = subject.named("xentcheck.truth.problem", "pose")(contract, logits, sparse, "sparse")
        exact = getattr(subject.named("xentcheck.truth.enclose", "enclose")(problem), part)
        given = sparse if labels == "sparse" else encode(sparse, logits.shape[1], logits.dtype)
        got = np.asarray(function(logits, given, reduction="none")).astype(np.float64)
        error = np.abs((got - exact.hi) - exact.lo) + exact.radius
        in_ulp = error / subject.named("xentcheck.truth.formats", "FORMATS")[dtype].ulp(exact.hi)
        return float(np.log2(1.0 + in_ulp.max()))
