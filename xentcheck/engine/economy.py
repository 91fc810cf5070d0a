"""What quick affords of a target whose calls cost much: how many batches, of how many graphs, and how many questions.

How one thinks here. What is tried is decided before the first batch, from coarse classes of what was measured, and
never while the clock runs: on a busy machine a run takes longer, and tries the same. The seconds below are a sum over
all processes, without the import of the target's framework.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.engine.costs import FELT, SLOW, Costs
from xentcheck.engine.plan import Cell
from xentcheck.engine.purse import LEAST

AFFORDED = 6.0
"""Seconds that quick affords in all for calls and for compiling; where both are dear, each has half."""
_STEP = 4.0
"""A class of costs ends at so many times its least; the middle, the root of that above the least, stands for it."""
_LEAST = 4
"""Batches of a cell that are tried whatever they cost."""
_LEAST_GRAPHS = 5
"""And graphs of a cell, on the average: with fewer, shapes of many rows were left out."""
_FURTHER = 10
"""Graphs that the reductions of a cell may ask for besides."""
_SLOWEST_TURNS = {"quick": 16, "standard": 4, "thorough": 1}
"""By profile: of how many batches a law that asks questions of its own about them has one, where calls are slow."""
SLOWER = 2 * SLOW
"""From which a law has a turn so seldom, and not four times as often."""

Graph = tuple[object, ...]
"""What a target compiles for anew, if it compiles for each shape."""


@dataclass(frozen=True)
class Economy:
    """What is afforded; None where nothing is saved.

    Parameters
    ----------
    batches : int or None
        In each cell.
    drawn : int or None
        Of these, those that are drawn after the sweep.
    graphs : int or None
        In all cells together.
    concluding : int or None
        Questions that reducing and explaining the findings of a cell may take.
    """

    batches: int | None = None
    drawn: int | None = None
    graphs: int | None = None
    concluding: int | None = None


ALL = Economy()


def economy(profile: str, costs: Costs, few_shapes: bool, cells: int) -> Economy:
    """Return what a profile affords.

    Parameters
    ----------
    profile : str
    costs : Costs
        As measured; what is declared to cost little or much is not limited.
    few_shapes : bool
        Whether batches are of few shapes.
    cells : int
        How many there are.
    """
    compiles = few_shapes and costs.compiling > 0.0
    if profile != "quick" or not (compiles or costs.call > 0.0):
        return ALL
    share = AFFORDED / (1 + (compiles and costs.call > 0.0))
    # A batch has as many calls again on the average, of laws that have their turn; and so has a graph.
    afforded = None if not compiles else round(share / (2 * _middle(costs.compiling, FELT)))
    graphs = None if afforded is None else max(afforded, _LEAST_GRAPHS * cells)
    if costs.call == 0.0:
        return Economy(graphs=graphs)
    call = _middle(costs.call, SLOW)
    batches = max(round(share / (2 * call)) // cells, _LEAST)
    drawn = max(batches // 8, 2)
    return Economy(batches, drawn, graphs, max(round(AFFORDED / (1.5 * call)), LEAST))


def turns(profile: str, call: float) -> int:
    """Return of how many batches a law that asks has one, where calls are slow; `call` is 0.0 if that is declared."""
    most = _SLOWEST_TURNS[profile]
    return max(most // 4, 1) if 0.0 < call < SLOWER else most


def _middle(seconds: float, least: float) -> float:
    """Return what stands for the class of a cost, of which the first begins at `least`."""
    return float(least * _STEP ** (math.floor(math.log(max(seconds / least, 1.0), _STEP)) + 0.5))


def graph_of(batch: Batch) -> Graph:
    """Return what is compiled for a batch: its shape, its dtypes, and each number among the options."""
    numbers = sorted((key, float(value)) for key, value in batch.options.items() if np.ndim(value) == 0)
    return batch.dtype, batch.label_form, batch.scores.shape, batch.labels.dtype.name, batch.labels.ndim, *numbers


class Compiled:
    """The graphs that a target has been asked for, and a few more.

    Parameters
    ----------
    batches : iterable of Batch
        Of which it has been asked.
    """

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._known = set(map(graph_of, batches))
        self._left = _FURTHER

    def admits(self, batch: Batch) -> bool:
        """Return whether a batch may be asked about, and take it that it is."""
        graph = graph_of(batch)
        if graph not in self._known:
            if not self._left:
                return False
            self._left -= 1
            self._known.add(graph)
        return True


def chosen(sweeps: Mapping[Cell, Sequence[Batch]], afforded: Economy) -> dict[Cell, tuple[Batch, ...]]:
    """Return what is tried of the sweeps of a run: batches of as many graphs as are afforded, in the sweep's order."""
    kept = {cell: tuple(found) for cell, found in sweeps.items()}
    if afforded.graphs is not None:
        graphs = _telling(sweeps, afforded.graphs)
        kept = {cell: tuple(one for one in found if graph_of(one) in graphs) for cell, found in kept.items()}
    if afforded.batches is None:
        return kept
    return {cell: _varied(found, afforded.batches - (afforded.drawn or 0)) for cell, found in kept.items()}


def _telling(sweeps: Mapping[Cell, Sequence[Batch]], count: int) -> set[Graph]:
    """Return so many graphs: the first of each cell, then, one by one, the one with most that none has yet.

    What counts are the families of its batches, in each cell and shape, and pairs of two of its parts, such as a dtype
    of labels and a number of an option. Of those that are alike in that the one is taken that has most batches, then
    the one that comes first.
    """
    shown: dict[Graph, set[object]] = {}
    batches = Counter[Graph]()
    for cell, found in sweeps.items():
        for batch in found:
            graph = graph_of(batch)
            batches[graph] += 1
            shown.setdefault(graph, set(combinations(enumerate(graph), 2))).add(
                (cell, batch.family, batch.scores.shape)
            )
    taken = dict.fromkeys(graph_of(found[0]) for found in sweeps.values() if found)
    known = {one for graph in taken for one in shown[graph]}
    left = [graph for graph in batches if graph not in taken]
    while left and len(taken) < count:
        best = max(left, key=lambda graph: (len(shown[graph] - known), batches[graph]))
        left.remove(best)
        taken[best] = None
        known.update(shown[best])
    return set(taken)


def _varied(found: Sequence[Batch], most: int) -> tuple[Batch, ...]:
    """Return so many batches, those before others that are the first of their family, or of their graph."""
    known: set[object] = set()
    first, others = list[int](), list[int]()
    for place, batch in enumerate(found):
        own = {batch.family, graph_of(batch)}
        (others if own <= known else first).append(place)
        known |= own
    return tuple(found[place] for place in sorted([*first, *others][:most]))
