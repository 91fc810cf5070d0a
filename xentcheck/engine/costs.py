"""What a target's calls cost, measured: of shapes that are compiled few are tried, and where calls are slow fewer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.shapes import Shape, few_shapes, nearest_of
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.engine.plan import Cell
from xentcheck.processes.waiting import kept_away, waits
from xentcheck.properties.case import Evaluator

DEAR = 0.1
"""Seconds more than a repeated call, from which the first one of a shape counts as compiling: far beyond what a busy
machine or a page fault adds to three first calls out of three, and 100 shapes of it are 10 s."""
FELT = 0.05
"""From which compiling is worth a second process, which takes some 3 s itself and spares half of it."""
DEAREST = 0.5
"""From which layouts in memory are few, too: torch.compile makes a graph of each, of 1 s or more, and what compiles in
less copies what it is given mostly."""
SLOW = 0.001
"""Seconds from which a call counts as slow: quick would have some 4,000 to 10,000 of them. Those of
numpy and torch take a tenth to half of it."""
_SHAPES = 3
_REPEATED = 5
_LARGER: Shape = (33, 10)


@dataclass(frozen=True)
class Costs:
    """The seconds that calls of a target have been measured to take; 0.0 where that is little, or known or declared.

    Parameters
    ----------
    new_shape : float
        How much longer the first call of a shape takes than the second, the least of three.
    call : float
        A call that is repeated.
    compiling : float
        As `new_shape`, the mean of three: kernels of a shape may be those of another.
    """

    new_shape: float = 0.0
    call: float = 0.0
    compiling: float = 0.0


NO_COSTS = Costs()


def seconds_of_new_shapes(contract: Contract, host: Evaluator, cell: Cell, begun: bool = True) -> list[float]:
    """Return how much longer the first call of each of three shapes takes than the second.

    Another comes before them, which takes on whatever a first call of all does once. Where the first of them is cheap
    the others are not asked, nor where it is as dear as can be and few shapes are declared.

    Parameters
    ----------
    contract : Contract
    host : Evaluator
    cell : Cell
        In whose dtype and label form the target is asked.
    begun : bool
        Whether the first batch of the cell has been asked already; else it is the first of the three.

    Returns
    -------
    list of float
        Nothing where one did not return: what it raises or dies of is for the search to find.
    """
    found = list[float]()
    for batch in _of_new_shapes(contract, cell)[int(begun) : _SHAPES + int(begun)]:
        first = _timed(host, batch)
        second = None if first is None else _timed(host, batch)
        if first is None or second is None:
            return []
        found.append(first - second)
        if found[0] < FELT or (found[0] >= DEAREST and contract.shapes == "few"):
            return found
    return found


def costs(new_shapes: list[float], call: float) -> Costs:
    """Return what is made of seconds that were measured; see `seconds_of_new_shapes` and `seconds_of_a_call`."""
    least = min(new_shapes, default=0.0)
    mean = sum(new_shapes) / len(new_shapes) if new_shapes else 0.0
    return Costs(least if least >= DEAR else 0.0, call, mean if mean >= FELT else 0.0)


def seconds_of_a_call(contract: Contract, host: Evaluator, cell: Cell, compiles: bool = False) -> float:
    """Return how long a call takes; 0.0 where that is less than `SLOW`, or one does not return.

    It is the mean of the least of five of one batch, and of two of more rows and classes, on which an interpreter, or a
    loop over the rows, is slower; of a target that `compiles` for each shape the other one alone if that is not slow.
    Other parameters are those of `seconds_of_new_shapes`.
    """
    larger = nearest_of(few_shapes(InputSpace(contract, cell.dtype, cell.labels)), _LARGER)
    first, *others = sweep(contract, cell.dtype, cell.labels, expensive_shapes=True)
    least = _least(host, first, _REPEATED)
    if least is None or (compiles and least < SLOW):
        return 0.0
    batch = next((one for one in others if one.scores.shape == larger), None)
    of_more = least if batch is None else _least(host, batch, 2)
    if of_more is None:
        return 0.0
    mean = (least + max(of_more, least)) / 2
    return mean if mean >= SLOW else 0.0


def _least(host: Evaluator, batch: Batch, times: int) -> float | None:
    """Return the least time of so many calls, of no more than one that takes less than `SLOW`; None if one fails."""
    least = float("inf")
    for _ in range(times):
        seconds = _timed(host, batch)
        if seconds is None:
            return None
        least = min(least, seconds)
        if least < SLOW:
            break
    return least


def _of_new_shapes(contract: Contract, cell: Cell) -> list[Batch]:
    """Return batches of different shapes, from the first batch of all on."""
    found: dict[tuple[int, ...], Batch] = {}
    for batch in sweep(contract, cell.dtype, cell.labels, expensive_shapes=True):
        found.setdefault(batch.scores.shape, batch)
        if len(found) > _SHAPES:
            break
    return list(found.values())


def _timed(host: Evaluator, batch: Batch) -> float | None:
    """Return how long a call took, None where it did not return.

    The time does not count in which other processes had the processors: on a busy machine it is most of it. Ours and
    the target's may have waited at the same time, so that too much is left out: what it has worked counts in any case.
    """
    theirs: Callable[[], dict[str, float]] = getattr(host, "waits", dict)
    works: Callable[[], dict[str, float]] = getattr(host, "works", dict)
    ours, its, worked, begun = waits("self"), theirs(), works(), perf_counter()
    outcome = host.evaluate(batch, ("loss", "gradient"))
    seconds = perf_counter() - begun - kept_away(ours, waits("self")) - kept_away(its, theirs())
    return None if outcome.died or outcome.raised is not None else max(kept_away(worked, works()), seconds)
