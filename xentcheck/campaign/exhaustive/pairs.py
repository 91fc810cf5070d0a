"""The numbers of a 16-bit format in order, and the numbering of all pairs of them.

Position k of a format is the k-th of its 65,536 bit patterns in the order of the totalOrder predicate of IEEE 754
(section 5.10): nan of negative sign, -inf, the finite numbers with -0 before +0, +inf, nan of positive sign. A pair
(z0, z1) at the positions (i, j) has the number 65,536 i + j, so that each of the 2**32 pairs has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.contract import Contract
from xentcheck.truth.formats import FORMATS, Format

PATTERNS = 2**16
PAIRS = PATTERNS**2
HALVES = tuple(name for name, format_ in FORMATS.items() if format_.is_half)


@dataclass(frozen=True, eq=False)
class Numbers:
    """The numbers of a format by position.

    Parameters
    ----------
    format : Format
    patterns : ndarray of uint16, shape (65536,)
    values : ndarray of float64, shape (65536,)
    finite : slice
        The positions of finite numbers, which are in ascending order.
    """

    format: Format
    patterns: NDArray[np.uint16]
    values: NDArray[np.float64]
    finite: slice

    def rows(self, first: NDArray[Any] | int, second: NDArray[Any]) -> NDArray[Any]:
        """Return the logits of the pairs at these positions, shape (n, 2), in the format."""
        bits = np.empty((len(second), 2), np.uint16)
        bits[:, 0] = self.patterns[first]
        bits[:, 1] = self.patterns[second]
        return bits.view(self.format.dtype)

    def declared(self, contract: Contract) -> NDArray[np.bool_]:
        """Return the positions about which a contract promises something, shape (65536,)."""
        promised = np.isfinite(self.values)
        for kind, test in (("-inf", np.isneginf), ("+inf", np.isposinf), ("nan", np.isnan)):
            if kind in contract.nonfinite:
                promised |= test(self.values)
        return promised


@lru_cache(maxsize=2)
def numbers(name: str) -> Numbers:
    """Return the numbers of "float16" or "bfloat16"."""
    position = np.arange(PATTERNS)
    patterns = np.where(position < PATTERNS // 2, PATTERNS - 1 - position, position - PATTERNS // 2).astype(np.uint16)
    with np.errstate(invalid="ignore"):  # of a signalling nan
        values = patterns.view(FORMATS[name].dtype).astype(np.float64)
    finite = np.flatnonzero(np.isfinite(values))
    return Numbers(FORMATS[name], patterns, values, slice(int(finite[0]), int(finite[-1]) + 1))


def position_of(pattern: int) -> int:
    """Return the position of a bit pattern."""
    half = PATTERNS // 2
    return PATTERNS - 1 - pattern if pattern >= half else pattern + half
