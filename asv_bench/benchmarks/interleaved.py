"""Ratios that survive a noisy machine: both sides in turn, and the median of the ratios of neighbours."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable

from .data import SMOKE

Call = Callable[[], object]
_SAMPLE = 0.004


def median_ratio(first: Call, second: Call, clock: Callable[[], float] = time.process_time, pairs: int = 25) -> float:
    """Return the median of time(first) / time(second) over interleaved pairs of samples.

    Parameters
    ----------
    first, second : callable
    clock : callable
        By default the processor time of all threads: what other processes do does not count in it, and work that is
        handed to threads does.
    pairs : int
        The least number; short calls get more, up to half a second's worth.
    """
    calls = (first, second)
    for call in calls:
        call()
    if SMOKE:
        return _ratio(calls, (1, 1), clock)
    numbers = tuple(_number(call) for call in calls)
    ratios = []
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        while len(ratios) < pairs or (time.perf_counter() - start < 0.5 and len(ratios) < 8 * pairs):
            ratios.append(_ratio(calls, numbers, clock, backwards=len(ratios) % 2 == 1))
            if time.perf_counter() - start > 10.0 and len(ratios) >= 5:
                break
    finally:
        if enabled:
            gc.enable()
    return statistics.median(ratios)


def _number(call: Call) -> int:
    """Return how many calls make a sample long enough for the clock."""
    start = time.perf_counter()
    call()
    return max(1, round(_SAMPLE / max(time.perf_counter() - start, 1e-7)))


def _ratio(
    calls: tuple[Call, Call], numbers: tuple[int, int], clock: Callable[[], float], backwards: bool = False
) -> float:
    """Return the ratio of one pair of samples, whose order alternates."""
    spent = [0.0, 0.0]
    for side in (1, 0) if backwards else (0, 1):
        call, number = calls[side], numbers[side]
        call()  # meanwhile the threads of the other side go to sleep: those of OpenMP spin for a while
        start = clock()
        for _ in range(number):
            call()
        spent[side] = (clock() - start) / number
    return spent[0] / max(spent[1], 1e-9)
