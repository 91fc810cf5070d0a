"""Losses with an axis of 1 too many, as `gather` leaves one: told beside the contract, which the numbers still show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from xentcheck.probing.answers import Answer
from xentcheck.probing.compare import without_axis

_AXES = ("last", "first", "each")


def without_axes(one: Answer) -> Iterator[tuple[str, Answer]]:
    """Yield an answer without each axis of 1 that it has."""
    for axis in _AXES:
        numbers = without_axis(one.got, axis)
        if numbers.shape != one.got.shape:
            yield axis, replace(one, got=numbers)


def told_beside(one: Answer, plain: Answer) -> str:
    """Return what a reader is told of the shape of an answer, and of what it is without the axis."""
    return (
        f"{one.batch.n} rows give {_losses(one)} of shape {one.got.shape}, of which no contract speaks, so that "
        f"`check` finds it; the rest is told of the same numbers in shape {plain.got.shape}. Return them without the "
        "axis of 1."
    )


def _losses(one: Answer) -> str:
    return "a loss" if one.got.size == 1 else "losses"
