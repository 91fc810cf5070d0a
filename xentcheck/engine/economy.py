"""What quick affords of a target whose calls cost much: how many batches, of how many graphs, and how many questions.

How one thinks here. What is tried is decided before the first batch, from coarse classes of what was measured, and
never while the clock runs: on a busy machine a run takes longer, and tries the same. The seconds below are a sum over
all processes, without the import of the target's framework. They are for all that the target is asked, search and
conclusions: near the end of a class it may be one and a half of them, and next to it in the next class half of that.
First laws take turns, no more seldom than is needed; batches are left out where that is not enough.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.layout import few_layouts
from xentcheck.engine.costs import DEAREST, FELT, SLOW, Costs
from xentcheck.engine.plan import Cell
from xentcheck.engine.purse import LEAST

SEARCHED = 5.0
"""Seconds that quick affords in all for the calls of searching, and as many for compiling: two processes share them."""
JUDGED = 0.0005
"""Seconds that a question costs beside the call: for judging the answer, most of which is done during the next call."""
CONCLUDED = 2.0
"""And for the calls of reducing and explaining what is found in a cell; half of it for that in all others."""
FEW_ENOUGH = 2 * SLOW
"""Seconds of a call below which nothing is saved of a search, of 4,000 to 6,000 calls mostly: turns had lost a finding
of a loss that took 8 s in all."""
_STEP = 2.0
"""A class of costs ends at so many times its least; the middle, the root of that above the least, stands for it."""
_LEAST = 4
"""Batches of a cell that are tried whatever they cost."""
_LEAST_GRAPHS = 4
"""And graphs of a cell, on the average, and one more for each of three cells: with fewer in all three of a
target, shapes of many rows were left out."""
_FURTHER = 10
"""Graphs that the reductions of a cell may ask for besides."""
_ASKED = 20
"""Calls that the laws together make of a batch besides the batch's own, on the average, where each has its turn."""
_SELDOM = 16
"""Of how many batches a law that asks questions of its own about them has one at least."""
_TURNS = {"standard": 4, "thorough": 1}
"""The same by profile, where it is the same for all that are slow."""
SLOWER = 5 * SLOW
"""From which it is so, and a second process saves time."""

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
    concluding, again : int or None
        Questions that reducing and explaining the findings of a cell may take, the first that has any, and each of the
        others: where a law falls in them, too, the first one's minimal batches are tried.
    turns : float
        Of how many batches a law that asks questions of its own about them has one, on the average.
    few_layouts : bool
        Whether the batches of a cell have but one layout in memory beside those in one piece.
    """

    batches: int | None = None
    drawn: int | None = None
    graphs: int | None = None
    concluding: int | None = None
    again: int | None = None
    turns: float = 1.0
    few_layouts: bool = False

    @property
    def saves(self) -> bool:
        """Whether anything is left out but turns of laws."""
        return replace(self, turns=1.0) != ALL


ALL = Economy()


def economy(
    profile: str,
    costs: Costs,
    few_shapes: bool,
    sweeps: Mapping[Cell, Sequence[Batch]],
    drawn: int = 0,
    slow: bool = False,
) -> Economy:
    """Return what a profile affords.

    Parameters
    ----------
    profile : str
    costs : Costs
        As measured; what is declared to cost little or much is not limited.
    few_shapes : bool
        Whether batches are of few shapes.
    sweeps : mapping
        That of each cell.
    drawn : int
        How many batches of a cell are drawn besides.
    slow : bool
        Whether calls are declared to cost much.
    """
    calls, compiles = costs.call > 0.0, few_shapes and costs.compiling > 0.0
    if profile != "quick":
        return Economy(turns=_TURNS[profile] if slow or costs.call >= SLOWER else 1)
    # A graph of a batch has as many again on the average, of laws that have their turn.
    afforded = round(SEARCHED / (2 * _middle(costs.compiling, FELT))) if compiles else None
    graphs = None if afforded is None else max(afforded, _LEAST_GRAPHS * len(sweeps) + min(len(sweeps), 3))
    dearest = compiles and costs.compiling >= DEAREST
    if not calls:
        return Economy(graphs=graphs, turns=_SELDOM if slow else 1, few_layouts=dearest)
    call = _middle(costs.call, SLOW) + JUDGED
    counts = [len(found) + drawn for found in chosen(sweeps, Economy(graphs=graphs)).values()]
    most, turns = _within(counts, SEARCHED / call) if costs.call >= FEW_ENOUGH else (None, 1.0)
    questions, others = CONCLUDED / call, len(sweeps) - 1
    first, again = (max(round(count), LEAST) for count in (questions, questions / 2 / max(others, 1)))
    few_drawn = None if most is None else min(max(most // 8, 2), drawn)
    return Economy(most, few_drawn, graphs, first, again, turns, dearest)


def _within(counts: Sequence[int], calls: float) -> tuple[int | None, float]:
    """Return how many batches of a cell there is room for, None for all, and of how many a law has one."""
    of_laws = calls / sum(counts) - 1
    if of_laws >= _ASKED / _SELDOM:
        return None, max(math.ceil(10 * _ASKED / of_laws) / 10, 1.0)
    return max(round(calls / (1 + _ASKED / _SELDOM)) // len(counts), _LEAST), _SELDOM


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
    if afforded.few_layouts:
        kept = {cell: tuple(map(in_few_layouts, found)) for cell, found in kept.items()}
    if afforded.batches is None:
        return kept
    return {cell: _varied(found, afforded.batches - (afforded.drawn or 0)) for cell, found in kept.items()}


def in_few_layouts(batch: Batch) -> Batch:
    """Return a batch in a layout of `few_layouts`: that of its own, or the one with strides; none of 0."""
    layouts = few_layouts(batch.dtype)
    if batch.layout in layouts:
        return batch
    return batch.replace(layout="C" if batch.layout == "broadcast" else layouts[-1])


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
