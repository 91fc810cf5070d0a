"""What a derivative is asked along: tangents, vectors that a Hessian is multiplied by, and upstream gradients.

Each is drawn so that mistakes which hang on its numbers show, too: on their size, on digits that a narrower dtype does
not hold, on signs, and on which of them are 0 or alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_COMPONENTS = (1.0, -1.0, 2.0, 0.5, -0.5, 3.0, 1.5, -2.0)
_COTANGENTS = (0.0, 1.0, -1.0, 2.0, -0.5, 3.0)
_LOSS_SCALE = 2.0**14
"""Drawn more often in 16 bits, for which losses are scaled, and in which it may overflow on the way."""


def _small(dtype: np.dtype[Any]) -> float:
    """Return a size that may be taken for 0, and is far from underflow."""
    return 2.0**-30 if dtype.itemsize > 2 else 2.0**-12


def direction(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Floats:
    """Return a tangent or vector of the scores' shape (n, m), whose numbers their dtype holds.

    One number for all classes of each row, along which the loss of logits does not change; the unit vector of one
    class in each row, which gives a column of the Hessian; or drawn components, zeros and thirds among them, which are
    scaled by a power of two.
    """
    third = float(dtype.type(1.0 / 3.0))
    kind, components = random.random(), np.array([*_COMPONENTS, 0.0, third])
    drawn = random.choice(components, size=shape)
    if kind < 0.2:
        return np.broadcast_to(drawn[:, :1], shape).copy()
    if kind < 0.3:
        return np.asarray(np.arange(shape[1]) == random.integers(shape[1], size=(shape[0], 1)), np.float64)
    return np.asarray(drawn * random.choice([1.0, 1.0, 1.0, 16.0, 2.0**10, _small(dtype)]))


def cotangent(random: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Floats:
    """Return an upstream gradient of the loss's shape, () or (n,), whose numbers the dtype holds.

    Drawn numbers: zeros, negative ones, thirds, which no narrower dtype holds, the size of a loss scale and of what a
    mean leaves; or, of several, one that is not 0, numbers that are nearly but not quite alike, or that sum to 0.
    """
    third = float(dtype.type(1.0 / 3.0))
    scale = [_LOSS_SCALE] * (3 if dtype.itemsize == 2 else 1)
    kind, drawn = random.random(), random.choice([*_COTANGENTS, *scale, _small(dtype), third, -third], size=shape)
    if shape and shape[0] > 1 and kind < 0.3:
        places = np.arange(shape[0])
        if kind < 0.1:
            return np.asarray(3.0 * (places == random.integers(shape[0])))
        if kind < 0.2:
            step = max(2.0**-20, float(np.finfo(dtype).eps)) if dtype.itemsize > 2 else 2.0**-7
            return np.asarray(1.0 + step * (places % 2))
        return np.asarray(np.where(places == shape[0] - 1, float(shape[0] % 2 - 1), (-1.0) ** places))
    return np.asarray(drawn)
