"""Small batches, right values of them, and the name that is given to what a target returned."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.contract import Contract
from xentcheck.diagnosis import Cause, Observation
from xentcheck.diagnosis.mechanism import common_cause
from xentcheck.truth.problem import Problem, pose

Array = NDArray[Any]

Z34 = np.array([[1.21, -0.53, 0.74, 2.07], [-1.52, 0.28, 3.01, 0.55], [0.13, 1.71, -2.23, -0.64]])
Y34 = np.array([2, 0, 1])
Z23 = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
Y23 = np.array([0, 2])
Z66 = np.array([[np.sin(3.0 * i + 5 * j) * 3 for j in range(6)] for i in range(6)])
Y66 = np.array([5, 1, 1, 4, 0, 2])
P34 = np.array([[0.1, 0.2, 0.65, 0.05], [1e-9, 0.3, 0.2, 0.5 - 1e-9], [0.25, 0.5, 0.125, 0.125]])
W4 = np.array([0.5, 2.0, 1.25, 3.0])
SOFT = np.array([[0.5, 0.25, 0.25, 0.0], [0.0, 0.125, 0.125, 0.75], [0.1, 0.2, 0.3, 0.4]])

Loss = Callable[[Array, Array], Any]
SHAPES = [(1, 2), (2, 3), (1, 4), (3, 3), (4, 5), (2, 17), (3, 33), (5, 9)]
RNG = np.random.default_rng(5)
BATCHES = [(3 * RNG.normal(size=(n, m)), RNG.integers(0, m, n)) for n, m in SHAPES]


def softmax(z: Array, axis: int | None = -1) -> Array:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def hot(y: Array, m: int) -> Array:
    return np.eye(m)[y]


def losses(z: Array, t: Array) -> Array:
    return -(t * np.log(softmax(z))).sum(axis=-1)


def given(
    z: Array, labels: Array, *, dtype: Any = "float64", form: str = "sparse", upstream: Array | None = None, **keys: Any
) -> Problem:
    keys.setdefault("labels", (form,))
    return pose(Contract(**keys), np.asarray(z, dtype), labels, form, upstream=upstream)


def likely_cause(problem: Problem, part: str, got: Any, held: Any = None) -> Cause | None:
    """Return the cause of the values on one batch; None where they cannot be compared, too."""
    try:
        seen = Observation(problem, part, got, held)
    except ValueError:
        return None
    return common_cause([seen])


def name(problem: Problem, part: str, got: Any, **more: Any) -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cause = likely_cause(problem, part, got, **more)
    return None if cause is None else cause.mechanism


def seen(loss: Loss, part: str = "loss", **keys: Any) -> list[Observation]:
    """Return what a wrong function returns on all batches."""
    return [Observation(given(z, y, **keys), part, loss(z, hot(y, z.shape[1]))) for z, y in BATCHES]
