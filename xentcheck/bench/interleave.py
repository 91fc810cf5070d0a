"""Timing calls in turn, so that whatever disturbs the machine disturbs all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Call = Callable[[], object]
_SAMPLE = 0.002
LEAST_ROUNDS = 7


@dataclass(frozen=True)
class Samples:
    """The samples of one call, in seconds a call; the i-th ones of several calls are neighbours.

    Parameters
    ----------
    wall, processor : list of float
        Processor time is that of all threads of the process.
    """

    wall: list[float]
    processor: list[float]


def interleaved(calls: Sequence[Call], seconds: float) -> list[Samples]:
    """Return samples of each call, taken in turn and each round in another order.

    Parameters
    ----------
    calls : sequence of callable
        Called twice beforehand, since the first call may compile, and touch memory for the first time; and once,
        untimed, before each sample.
    seconds : float
        Time for all of it; there are seven rounds at least, however slow.
    """
    numbers = [_number(call) for call in calls]
    taken = [Samples([], []) for _ in calls]
    enabled = gc.isenabled()
    gc.disable()
    try:
        start = time.perf_counter()
        rounds = 0
        while rounds < LEAST_ROUNDS or time.perf_counter() - start < seconds:
            for step in range(len(calls)):
                place = (step + rounds) % len(calls) if rounds % 2 else (rounds - step) % len(calls)
                _sample(calls[place], numbers[place], taken[place])
            rounds += 1
    finally:
        if enabled:
            gc.enable()
    return taken


def _number(call: Call) -> int:
    """Return how many calls make one sample."""
    call()
    start = time.perf_counter()
    call()
    return max(1, round(_SAMPLE / max(time.perf_counter() - start, 1e-7)))


def _sample(call: Call, number: int, taken: Samples) -> None:
    call()  # meanwhile the threads of another target go to sleep: those of OpenMP spin for a while
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(number):
        call()
    taken.processor.append((time.process_time() - processor) / number)
    taken.wall.append((time.perf_counter() - wall) / number)
