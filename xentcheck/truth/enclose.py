"""Certified enclosures of a problem's loss and gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth import definition, directional, hessian, reductions
from xentcheck.truth.arb_arrays import ArbArray, precision
from xentcheck.truth.ball import Ball
from xentcheck.truth.enclosure import Enclosure
from xentcheck.truth.exact_coefficients import present
from xentcheck.truth.problem import Problem
from xentcheck.truth.real import Floats, Real
from xentcheck.truth.row_kinds import Kind, Kinds, kinds

Rows = NDArray[np.int64]
Triple = tuple[Floats, Floats, Floats]
Slopes = list[tuple[Callable[..., Real], Triple]]
Totals = list[tuple[Callable[..., Real], Triple, NDArray[np.int8]]]

BLOCK = 8192
_VALUES = {Kind.ZERO: (0.0, 0.0), Kind.NAN: (np.nan, 0.0), Kind.INFINITE: (np.inf, 0.0), Kind.OPEN: (0.0, np.inf)}


@dataclass(frozen=True, eq=False)
class Enclosed:
    """The enclosures of one problem.

    Parameters
    ----------
    rows : Enclosure, shape (n,)
        The loss of each row, weighted and before the reduction; 0 for rows not kept.
    loss : Enclosure, shape () or (n,)
        By the contract's reduction.
    gradient : Enclosure, shape (n, m), or None
        By the contract's gradient_wrt, gradient_of and gradient_reduction, times the problem's upstream.
    unspecified : bool
        Whether the loss (or, with weights of zero only, the gradient) is a mean of nothing about which the contract
        says nothing; it is then enclosed as nan. `unspecified` tells without the enclosures.
    hessian_vector : Enclosure, shape (n, m), or None
        The Hessian times the problem's vector, reduced and scaled as the gradient is; see `hessian`.
    jvp : Enclosure, shape () or (n,), or None
        The derivative along the problem's tangent, reduced as the loss is; see `directional`.
    """

    rows: Enclosure
    loss: Enclosure
    gradient: Enclosure | None
    unspecified: bool = False
    hessian_vector: Enclosure | None = None
    jvp: Enclosure | None = None


def enclose(problem: Problem, gradient: bool = True) -> Enclosed:
    """Return enclosures of the exact values, much narrower than a rounding error of float64.

    Rows are evaluated with `Ball`; those that overflow there are evaluated again with python-flint at 128 bits.
    """
    with np.errstate(all="ignore"):
        slopes = gradient or problem.vector is not None
        found = evaluated(problem, reductions.factor(problem, Ball) if slopes else None, gradient)
        return finished(problem, kinds(problem), found)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What the formulas give in the rows that are finite; each field is a triple, of rows or of their derivatives."""

    rows: Triple
    along: Triple | None
    gradients: Triple | None
    products: Triple | None


def evaluated(problem: Problem, factor: Ball | None, gradient: bool, slowly: bool = True) -> Evaluated:
    """Evaluate the formulas in the finite rows; `factor` is what each row's derivatives are multiplied by.

    Unless `slowly`, rows that overflow are left with a radius of inf.
    """
    found = kinds(problem)
    n, m = problem.scores.shape
    row_values = _blank((n,))
    along = _blank((n,)) if problem.tangent is not None else None
    gradients = _blank((n, m)) if gradient else None
    products = _blank((n, m)) if problem.vector is not None else None
    totals: Totals = [(definition.loss, row_values, found.loss)]
    if along is not None:
        totals.append((directional.derivative, along, found.along))
    slopes: Slopes = []
    if gradients is not None:
        slopes.append((definition.gradient, gradients))
    if products is not None:
        slopes.append((hessian.product, products))
    for rows, label in _blocks(problem, found):
        unknown = _evaluate(problem, found, rows, label, factor, totals, slopes)
        for i in np.flatnonzero(unknown) if slowly else ():
            _evaluate_slowly(problem, rows[i : i + 1], None if label is None else label[i : i + 1], totals, slopes)
    return Evaluated(row_values, along, gradients, products)


def finished(problem: Problem, found: Kinds, values: Evaluated) -> Enclosed:
    """Return the enclosures: with the rows that have no finite formula, and reduced."""
    nothing = reductions.empty(problem)
    _fill(values.rows, found.loss)
    if values.along is not None:
        _fill(values.along, found.along)
    if values.gradients is not None and found.poles is not None:
        poles = found.poles & (found.gradient == Kind.FINITE)[:, None]
        values.gradients[0][poles] = -np.inf
        values.gradients[1][poles] = values.gradients[2][poles] = 0.0
    for places in (values.gradients, values.products):
        if places is None:
            continue
        _fill(places, found.gradient)
        if nothing and problem.contract.effective_gradient_reduction == "mean":
            places[0][problem.kept] = reductions.policy(problem)
            places[1][problem.kept] = places[2][problem.kept] = 0.0
    loss = _reduce(problem, found.loss, values.rows, nothing, reductions.policy(problem))
    along = values.along and _reduce(problem, found.along, values.along, nothing, None)
    gradient, product = (
        values.gradients and Enclosure(*values.gradients),
        values.products and Enclosure(*values.products),
    )
    slopes = values.gradients is not None or values.products is not None
    return Enclosed(Enclosure(*values.rows), loss, gradient, unspecified(problem, slopes), product, along)


def unspecified(problem: Problem, slopes: bool = True) -> bool:
    """Return whether the loss, or one of the derivatives if these are asked for, is a mean that is left open."""
    means = problem.contract.reduction == "mean" or (
        slopes and problem.contract.effective_gradient_reduction == "mean" and bool(problem.kept.any())
    )
    return means and reductions.empty(problem) and reductions.undeclared(problem)


def _blank(shape: tuple[int, ...]) -> Triple:
    return np.zeros(shape), np.zeros(shape), np.zeros(shape)


def _blocks(problem: Problem, found: Kinds) -> Iterator[tuple[Rows, Rows | None]]:
    """Yield rows to evaluate, few enough to stay in the cache, with their labels if they have one coefficient each."""
    needed = (found.loss == Kind.FINITE) | (found.gradient == Kind.FINITE)
    rows = np.flatnonzero(needed)
    step = max(1, BLOCK // problem.m)
    for label, group in labelled(problem, rows):
        for start in range(0, len(group), step):
            part = slice(start, start + step)
            yield group[part], None if label is None else label[part]


def labelled(problem: Problem, rows: Rows) -> Iterator[tuple[Rows | None, Rows]]:
    """Yield groups of rows: with their labels (n, 1) those with one coefficient, with None the others."""
    if problem.contract.is_entropy:
        yield None, rows
        return
    if problem.labels is not None and problem.smoothing == 0:
        yield problem.labels[rows, None], rows
        return
    single, column = reductions.single_labels(present(problem, rows), problem.scores[rows])
    if single.any():
        yield column[single, None], rows[single]
    if not single.all():
        yield None, rows[~single]


def _evaluate(
    problem: Problem,
    found: Kinds,
    rows: Rows,
    label: Rows | None,
    factor: Ball | None,
    totals: Totals,
    slopes: Slopes,
) -> NDArray[np.bool_]:
    """Write the loss of some rows, and what else is wanted, to their places; return of which too little is known."""
    given = definition.block(problem, rows, label, Ball)
    unknown = np.zeros(len(rows), bool)
    for formula, places, kind in totals:
        sums = formula(given).enclosure()
        for place, values in zip(places, sums, strict=True):
            place[rows] = values[:, 0]
        unknown |= np.isinf(sums[2][:, 0]) & (kind[rows] == Kind.FINITE)
    where: slice | Rows = slice(rows[0], rows[-1] + 1) if rows[-1] - rows[0] == len(rows) - 1 else rows
    for formula, places in slopes:
        assert factor is not None
        found_here = formula(given, factor.rows(rows)).enclosure()
        for place, values in zip(places, found_here, strict=True):
            place[where] = values
        lost = np.isinf(found_here[2])
        if found.poles is not None:
            lost &= ~found.poles[rows]
        unknown |= lost.any(-1) & (found.gradient[rows] == Kind.FINITE)
    return unknown


def _evaluate_slowly(problem: Problem, row: Rows, label: Rows | None, totals: Totals, slopes: Slopes) -> None:
    """Write the loss of one row, and what else is wanted, to their places, by python-flint."""
    with precision(128):
        given = definition.block(problem, row, label, ArbArray)
        for formula, places, _ in totals:
            for place, values in zip(places, formula(given).enclosure(), strict=True):
                place[row] = values[:, 0]
        for formula, places in slopes:
            found = formula(given, reductions.factor(problem, ArbArray, row)).enclosure()
            for place, values in zip(places, found, strict=True):
                place[row] = values


def _fill(values: Triple, kind: NDArray[np.int8]) -> None:
    """Overwrite the rows that are not finite, or zero."""
    if not kind.any():  # all are FINITE
        return
    for code, (value, radius) in _VALUES.items():
        where = kind == code
        if where.any():
            values[0][where], values[1][where], values[2][where] = value, 0.0, radius


def _reduce(
    problem: Problem, kind: NDArray[np.int8], rows: Triple, nothing: bool, of_nothing: float | None
) -> Enclosure:
    """Return the enclosure of rows reduced as the loss is; `of_nothing` is the mean of nothing, None an open one."""
    reduction = problem.contract.reduction
    if reduction == "none":
        return Enclosure(*rows)
    if reduction == "mean" and nothing:
        return _constant(0.0, np.inf) if of_nothing is None else _constant(of_nothing, 0.0)
    for code in (Kind.NAN, Kind.OPEN, Kind.INFINITE):
        if (kind == code).any():
            return _constant(*_VALUES[code])
    high, low, radius = reductions.reduced(problem, Ball(*rows), reduction).enclosure()
    return Enclosure(high.reshape(()), low.reshape(()), radius.reshape(()))


def _constant(value: float, radius: float) -> Enclosure:
    return Enclosure(np.array(value), np.array(0.0), np.array(radius))
