"""Several small problems that differ in their rows alone, worked on as one: what is done row by row is done once.

Batches that laws derive have a few numbers each, so that their truths cost as many calls of numpy as large ones, and
nothing else. What is of a whole batch, its reduction and its divisor, is calculated for each.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from xentcheck.truth import reductions
from xentcheck.truth.allowance import Allowances, conformance
from xentcheck.truth.ball import Ball
from xentcheck.truth.conditions import Conditions, conditions
from xentcheck.truth.enclose import Enclosed, Evaluated, Triple, evaluated, finished
from xentcheck.truth.problem import Problem
from xentcheck.truth.row_kinds import Kinds, kinds

T = TypeVar("T")

LARGEST = 2**12
"""Numbers up to which a problem is stacked: the arithmetic of larger ones costs more than the calls."""
_HEIGHT = 2**14
"""Numbers of a stack, so that it stays in the cache."""
_BY_ROW = ("scores", "labels", "targets", "kept", "row_weights")


def stacks(problems: Sequence[Problem]) -> Iterator[tuple[list[int], Problem]]:
    """Yield problems that can be worked on together: their places, two or more, and all their rows as one problem.

    The problems are of one contract. Left out is what has no company.
    """
    alike: dict[tuple[object, ...], list[int]] = {}
    for place, problem in enumerate(problems):
        if problem.scores.size <= LARGEST and (key := _key(problem)) is not None:
            alike.setdefault(key, []).append(place)
    for places in alike.values():
        for together in _heaps(problems, places):
            if len(together) > 1:
                yield together, _stack([problems[place] for place in together])


def _heaps(problems: Sequence[Problem], places: list[int]) -> Iterator[list[int]]:
    """Yield the places in groups of at most so many numbers."""
    heap: list[int] = []
    size = 0
    for place in places:
        if heap and size + problems[place].scores.size > _HEIGHT:
            yield heap
            heap, size = [], 0
        heap.append(place)
        size += problems[place].scores.size
    yield heap


def _key(problem: Problem) -> tuple[object, ...] | None:
    """Return all that is not of single rows; None where that takes part in what is calculated row by row."""
    weighted, dense = problem.class_weights is not None, problem.labels is None or problem.smoothing != 0.0
    if problem.vector is not None or problem.tangent is not None or (weighted and dense):
        return None
    if problem.upstream is not None and problem.soft_cap is not None:
        return None
    beyond = [
        given is not None and bool((np.abs(given) > 1.0).any()) for given in (problem.targets, problem.row_weights)
    ]
    return (
        problem.format.name,
        problem.m,
        problem.labels is None,
        problem.row_weights is None,
        None if problem.class_weights is None else problem.class_weights.tobytes(),
        problem.smoothing,
        problem.z_loss,
        problem.soft_cap,
        problem.temperature,
        problem.label_roundoff,
        problem.as_written,
        problem.gradient_as_scores,
        *beyond,
    )


def _stack(problems: Sequence[Problem]) -> Problem:
    """Return all rows of alike problems as one."""
    first = problems[0]
    by_row: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in problems])
        for name in _BY_ROW
        if getattr(first, name) is not None
    }
    return replace(first, upstream=None, starts=tuple(rows.start for rows in _parts(problems)), **by_row)


def _parts(problems: Sequence[Problem]) -> list[slice]:
    """Return where the rows of each problem are in their stack."""
    ends = np.cumsum([problem.n for problem in problems]).tolist()
    return [slice(end - problem.n, end) for problem, end in zip(problems, ends, strict=True)]


def allowances_of(stack: Problem, problems: Sequence[Problem], gradient: bool) -> list[tuple[Conditions, Allowances]]:
    """Return conditions and allowances of stacked problems, the very numbers that each has by itself."""
    on = conditions(stack)
    of_all = conformance(stack, on)
    losses, gradients = of_all.row_losses, of_all.least_row_gradients if gradient else None
    found = []
    for problem, rows in zip(problems, _parts(problems), strict=True):
        own = _some_rows(on, rows, stack.n, problem=problem, coefficients=_some_rows(on.coefficients, rows, stack.n))
        allowances = conformance(problem, own)
        allowances.row_losses = losses[0][rows], losses[1][rows]
        if gradients is not None:
            allowances.least_row_gradients = _some_rows(gradients, rows, stack.n)
        found.append((own, allowances))
    return found


def _some_rows(record: T, rows: slice, n: int, **given: Any) -> T:
    """Return a record with some of the n rows of its arrays, those included that it has calculated by now."""
    found = copy.copy(record)
    for name, value in vars(record).items():
        if isinstance(value, np.ndarray) and value.shape[:1] == (n,):
            vars(found)[name] = value[rows]
    vars(found).update(given)
    return found


def enclosed_of(stack: Problem, problems: Sequence[Problem], gradient: bool) -> list[Enclosed]:
    """Return enclosures of stacked problems: as good as each has by itself, or with a radius of inf."""
    with np.errstate(all="ignore"):
        factor = None
        if gradient:
            each = [reductions.factor(problem, Ball).enclosure() for problem in problems]
            factor = Ball(*(np.concatenate(parts) for parts in zip(*each, strict=True)))
        values = evaluated(stack, factor, gradient, slowly=False)
        of_all = kinds(stack)
        found = []
        for problem, rows in zip(problems, _parts(problems), strict=True):
            poles = None if of_all.poles is None else of_all.poles[rows]
            part = Evaluated(_of(values.rows, rows), None, values.gradients and _of(values.gradients, rows), None)
            found.append(finished(problem, Kinds(of_all.loss[rows], of_all.gradient[rows], poles), part))
    return found


def _of(values: Triple, rows: slice) -> Triple:
    high, low, radius = values
    return high[rows], low[rows], radius[rows]
