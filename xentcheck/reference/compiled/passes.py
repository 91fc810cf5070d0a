"""What is done to a stretch of numbers, each pass so that a compiler makes vector instructions of it.

A stretch is `count` numbers of an array from `start` on. Slices would be counted references, which cost more than a
short row does; and an index that could be negative, as one of `intp` can, keeps a loop from being vectorised.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from xentcheck.reference.compiled.exponential import Format, exponential

U = np.uintp


@numba.njit
def subtract(z: Any, start: int, count: int, M: Any, d: Any, to: int) -> None:
    """Write z - M to `d`, from `to` on."""
    for j in range(count):
        d[U(to + j)] = z[U(start + j)] - M


@numba.njit
def multiply(e: Any, start: int, count: int, factor: Any) -> None:
    """Multiply in place."""
    for j in range(count):
        e[U(start + j)] *= factor


def exponentials(form: Format) -> tuple[Any, Any]:
    """Return what writes exp(z - M) elsewhere, with the parameters of `subtract`, and what exponentiates in place."""
    exp = exponential(form)

    @numba.njit(fastmath={"contract"}, error_model="numpy")
    def elsewhere(z: Any, start: int, count: int, M: Any, e: Any, to: int) -> None:
        for j in range(count):
            e[U(to + j)] = exp(z[U(start + j)] - M)

    @numba.njit(fastmath={"contract"}, error_model="numpy")
    def in_place(d: Any, start: int, count: int) -> None:
        for j in range(count):
            d[U(start + j)] = exp(d[U(start + j)])

    return elsewhere, in_place


def maximum(form: Format) -> Any:
    """Return what tells the largest number, from the bits of all as signed integers; if one is nan, it may be that.

    The order of floats is that of such integers, once the bits of the negative ones but the sign are turned over. The
    rules for nan keep a compiler from comparing whole vectors of floats.
    """
    F, Int = form.real, form.signed
    sign, least, others = Int(np.iinfo(Int).bits - 1), Int(np.iinfo(Int).min), Int(np.iinfo(Int).max)

    @numba.njit
    def function(bits: Any, start: int, count: int) -> Any:
        largest = least
        for j in range(count):
            b = bits[U(start + j)]
            largest = max(largest, Int(b ^ Int(Int(b >> sign) & others)))
        return Int(largest ^ Int(Int(largest >> sign) & others)).view(F)

    return function


def total(form: Format) -> Any:
    """Return what sums the exponentials below 1, in any order, and counts the ones: classes at the maximum or by it."""
    F = form.real
    zero, one = F(0.0), F(1.0)

    @numba.njit(fastmath={"reassoc", "nsz"})
    def function(e: Any, start: int, count: int) -> Any:
        s, ones = zero, 0
        for j in range(count):
            is_one = e[U(start + j)] == one
            ones += is_one
            s += zero if is_one else e[U(start + j)]
        return s, ones

    return function
