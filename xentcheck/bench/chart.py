"""A chart of plain characters: nanoseconds per score, over the number of classes or rows, both on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from xentcheck.bench.figures import Result

_MARKS = "abcdefghijklmnopqrstuvwxyz"
_HEIGHT, _WIDTH = 12, 60

Series = dict[str, list[tuple[float, float]]]


def series(results: Sequence[Result]) -> Series:
    """Return the points of each path: classes or rows, and nanoseconds per score."""
    found: Series = {}
    for result in results:
        case = result.case
        place = case.classes if case.sweep == "classes" else case.rows
        for figure in result.figures:
            label = f"{figure.target}, {'one-hot' if figure.labels == 'onehot' else 'sparse'}"
            nanoseconds = 1e9 * figure.seconds.median / max(case.rows * case.classes, 1)
            found.setdefault(label, []).append((float(place), nanoseconds))
    return found


def chart(results: Sequence[Result]) -> str:
    """Return the chart of one series of cases; "" for fewer than two cases."""
    points = series(results)
    flat = [point for line in points.values() for point in line]
    if len({x for x, _ in flat}) < 2:
        return ""
    left, right = math.log(min(x for x, _ in flat)), math.log(max(x for x, _ in flat))
    low, high = math.log(min(y for _, y in flat)), math.log(max(y for _, y in flat))
    high = max(high, low + 0.1)
    grid = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    # Drawn backwards, so that where marks meet the first one is seen.
    for mark, line in reversed(list(zip(_MARKS, points.values(), strict=False))):
        for x, y in line:
            column = round((math.log(x) - left) / (right - left) * (_WIDTH - 1))
            row = round((high - math.log(y)) / (high - low) * (_HEIGHT - 1))
            grid[row][column] = mark
    return "\n".join(_framed(grid, low, high, sorted({x for x, _ in flat}), results[0].case.sweep, list(points)))


def _framed(
    grid: list[list[str]], low: float, high: float, places: list[float], sweep: str, names: list[str]
) -> Iterator[str]:
    """Yield the lines of the chart with its axes and its legend."""
    yield "ns per score"
    for row, cells in enumerate(grid):
        value = math.exp(high - (high - low) * row / (_HEIGHT - 1))
        tick = f"{value:8.3g}" if row % 4 == 0 or row == _HEIGHT - 1 else " " * 8
        yield f"{tick} |{''.join(cells)}".rstrip()
    yield " " * 9 + "+" + "-" * _WIDTH
    yield f"{_axis(places)}  {sweep}"
    for mark, name in zip(_MARKS, names, strict=False):
        yield f"{'':10}{mark}  {name}"


def _axis(places: list[float]) -> str:
    """Return the places below their columns, those that have room."""
    left, right = math.log(places[0]), math.log(places[-1])
    line = ""
    for place in places:
        column = 10 + round((math.log(place) - left) / (right - left) * (_WIDTH - 1))
        if not line or column > len(line):
            line = line.ljust(column) + f"{place:g}"
    return line
