"""Whether a target compiles anew for each shape, measured: then few shapes are tried, with many batches of each."""

from __future__ import annotations

from time import perf_counter

from xentcheck.batches.batch import Batch
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.engine.plan import Cell
from xentcheck.properties.case import Evaluator

DEAR = 0.1
"""Seconds more than a repeated call, from which the first one of a shape counts as compiling: far beyond what a busy
machine or a page fault adds to three first calls out of three, and 100 shapes of it are 10 s."""
_SHAPES = 3


def seconds_of_a_new_shape(contract: Contract, host: Evaluator, cell: Cell) -> float:
    """Return how much longer the first call of a shape takes than the second; 0.0 where that is less than `DEAR`.

    The least of three shapes counts, after one that takes on whatever a first call of all does once. Where the first of
    them is cheap the others are not asked.

    Parameters
    ----------
    contract : Contract
    host : Evaluator
    cell : Cell
        In whose dtype and label form the target is asked.
    """
    least = float("inf")
    for batch in _of_new_shapes(contract, cell):
        first, second = _timed(host, batch), _timed(host, batch)
        if first is None or second is None:
            return 0.0  # what it raises or dies of is for the search to find
        least = min(least, first - second)
        if least < DEAR:
            return 0.0
    return least if least < float("inf") else 0.0


def _of_new_shapes(contract: Contract, cell: Cell) -> list[Batch]:
    """Return batches of different shapes, without that of the first batch of all, which has been asked already."""
    found: dict[tuple[int, ...], Batch] = {}
    for batch in sweep(contract, cell.dtype, cell.labels, expensive_shapes=True):
        found.setdefault(batch.scores.shape, batch)
        if len(found) > _SHAPES:
            break
    return list(found.values())[1:]


def _timed(host: Evaluator, batch: Batch) -> float | None:
    """Return how long a call took, None where it did not return."""
    begun = perf_counter()
    outcome = host.evaluate(batch, ("loss", "gradient"))
    seconds = perf_counter() - begun
    return None if outcome.died or outcome.raised is not None else seconds
