"""Rows along several axes: (n, m) scores as (N, d1, ..., m), with the classes last or elsewhere, and results back.

Batches, truths and laws know rows alone. A target that promises more axes is called with the same rows spread over
them, in C order, and what it returns is read in that order again. How n is split depends on n and m and nothing else,
so that a target that compiles for each shape compiles no more than for rows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def number_of(levels: Sequence[int], n: int, m: int) -> int:
    """Return how many axes a batch has beside rows and classes: one of those promised, by n + m in turn."""
    return levels[-1 - (n + m) % len(levels)]


@lru_cache(maxsize=4096)
def split(n: int, m: int, extra: int) -> tuple[int, ...]:
    """Return sizes N, d1, ... with the product n.

    The prime factors of n, the largest first, are dealt to the axes in turn, beginning with axis m modulo their number:
    n = 12 is 3 x 4 or 4 x 3, a prime n is n x 1 or 1 x n. No rows are 0 along that axis and 2 along the others.

    Parameters
    ----------
    n, m : int
        Rows and classes.
    extra : int
        How many sizes there are beside the first.
    """
    if extra == 0:
        return (n,)
    first = m % (extra + 1)
    if n == 0:
        return tuple(0 if place == first else 2 for place in range(extra + 1))
    sizes = [1] * (extra + 1)
    for place, factor in enumerate(reversed(_prime_factors(n))):
        sizes[(first + place) % len(sizes)] *= factor
    return tuple(sizes)


def row_sizes(levels: Sequence[int], n: int, m: int) -> tuple[int, ...]:
    """Return the sizes over which the rows of a batch are spread: the shape of one loss a row."""
    return split(n, m, number_of(levels, n, m))


def spread(rows: NDArray[Any], sizes: tuple[int, ...], axis: int) -> NDArray[Any]:
    """Return rows of shape (n, k) with n split into sizes and k at an axis of the result; a view."""
    given = rows.reshape((*sizes, rows.shape[1])) if len(sizes) > 1 else rows
    return given if axis == -1 else np.moveaxis(given, -1, axis)


def _prime_factors(n: int) -> list[int]:
    """Return the prime factors of n in ascending order."""
    found, factor = [], 2
    while factor * factor <= n:
        while n % factor == 0:
            found.append(factor)
            n //= factor
        factor += 1
    return [*found, n] if n > 1 else found
