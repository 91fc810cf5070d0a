"""The inputs of all benchmarks, made once in a process and never inside what is timed."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

CLASSES = (10, 100, 1000, 10_000, 50_257, 262_144)
ROWS = {classes: round(2**20 / classes) for classes in CLASSES}
"""Rows by classes: a million logits each, so that times over classes can be compared."""

DTYPES = ("float32", "float64")

SMOKE = bool(os.environ.get("XENTCHECK_BENCH_SMOKE"))
"""Whether it only matters that every benchmark gives a number: no statistics then."""


class Inputs(NamedTuple):
    """Logits (n, m), sparse labels (n,), the same one-hot (n, m), and soft labels (n, m)."""

    logits: NDArray[np.floating]
    labels: NDArray[np.int64]
    onehot: NDArray[np.floating]
    soft: NDArray[np.floating]


@lru_cache(maxsize=4)
def inputs(classes: int, dtype: str, rows: int | None = None) -> Inputs:
    """Return the inputs for a number of classes; the same at every call and on every commit."""
    rows = ROWS[classes] if rows is None else rows
    random = np.random.default_rng(20_240_417)
    logits = (3.0 * random.standard_normal((rows, classes), np.float32)).astype(format_of(dtype))
    labels = random.integers(0, classes, rows)
    soft = random.random((rows, classes), np.float32).astype(format_of(dtype))
    soft /= soft.sum(axis=1, keepdims=True)
    return Inputs(logits, labels, encode(labels, classes, logits.dtype), soft)


def format_of(name: str) -> np.dtype:
    """Return the dtype of a name; numpy does not know "bfloat16" by itself."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def encode(labels: NDArray[np.int64], classes: int, dtype: DTypeLike) -> NDArray[np.floating]:
    """Return sparse labels as one-hot rows."""
    rows = np.zeros((len(labels), classes), dtype)
    rows[np.arange(len(labels)), labels] = 1
    return rows


@lru_cache(maxsize=2)
def buffer(classes: int, dtype: str) -> NDArray[np.floating]:
    """Return an array for a gradient, the same at every call."""
    return np.empty((ROWS[classes], classes), dtype)
