"""Single exact values by ball arithmetic of rising precision."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from flint import arb
from numpy.typing import NDArray

from xentcheck.truth import definition, directional, hessian, reductions
from xentcheck.truth.arb_arrays import ArbArray, precision, upward
from xentcheck.truth.enclose import labelled
from xentcheck.truth.problem import Problem
from xentcheck.truth.row_kinds import Kind, kinds

PRECISIONS = (128, 192, 320, 640, 1280)
Index = tuple[int, ...]
Rows = NDArray[np.int64]
SLOPES = {"gradient": definition.gradient, "hessian_vector": hessian.product}
"""The parts of shape (n, m), and their formulas."""
BY_ROW = {"rows": definition.loss, "loss": definition.loss, "jvp": directional.derivative}
"""The parts that are one number for each row, or reduced to one in all."""

_SPECIAL = {
    Kind.ZERO: (0.0, 0.0),
    Kind.NAN: (math.nan, math.nan),
    Kind.INFINITE: (math.inf, math.inf),
    Kind.OPEN: (-math.inf, math.inf),
}


def certify(problem: Problem, part: str, index: Index) -> tuple[float, float]:
    """Return certified float64 bounds of one element.

    Parameters
    ----------
    part : {"rows", "loss", "gradient", "hessian_vector", "jvp"}
        As in `Enclosed`.
    index : tuple of int
        () for a reduced loss or derivative along a tangent, (i,) for a row, (i, j) for the gradient and the
        Hessian-vector product.

    Returns
    -------
    low, high : float
        Neighbours or the same number, unless several readings of a boundary's constants are legitimate: then what they
        span. (nan, nan) and (inf, inf) where the exact value is that; (-inf, inf) where the contract leaves it open.
    """
    fixed = special(problem, part, index)
    if fixed is not None:
        return fixed
    found: list[tuple[float, float]] = []
    for bits in PRECISIONS:
        value = balls(problem, part, index[:1], np.array([index[1:]]), bits)[0]
        with precision(bits):
            found.append((-upward(-value), upward(value)))
        low, high = found[-1]
        if high <= math.nextafter(math.nextafter(low, math.inf), math.inf) or found[-1] in found[:-1]:
            break
    return found[-1]


def special(problem: Problem, part: str, index: Index) -> tuple[float, float] | None:
    """Return the bounds of an element that needs no arithmetic, or None."""
    found = kinds(problem)
    nothing = reductions.empty(problem)
    if part in SLOPES:
        pole = part == "gradient" and found.poles is not None and bool(found.poles[index])
        if pole and found.gradient[index[0]] == Kind.FINITE:
            return -math.inf, -math.inf
        averaged = problem.contract.effective_gradient_reduction == "mean"
        if averaged and nothing and problem.kept[index[0]]:
            return (reductions.policy(problem),) * 2
        return _SPECIAL.get(Kind(found.gradient[index[0]]))
    along = part == "jvp"
    by_row = found.along if along else found.loss
    if index:
        return _SPECIAL.get(Kind(by_row[index[0]]))
    if problem.contract.reduction == "mean" and nothing:
        return _SPECIAL[Kind.OPEN] if along else (reductions.policy(problem),) * 2
    present = set(by_row.tolist())
    return next((_SPECIAL[kind] for kind in (Kind.NAN, Kind.OPEN, Kind.INFINITE) if kind in present), None)


def balls(problem: Problem, part: str, row: Index, columns: Rows, bits: int) -> list[arb]:
    """Return enclosures of elements that are not special.

    Parameters
    ----------
    row : tuple of int
        (i,), or () for what is reduced.
    columns : ndarray of int, shape (1, k)
        The columns wanted; not looked at for what is one number a row.
    """
    if part not in SLOPES:
        return [_of_rows(problem, part, row, bits)]
    with precision(bits), np.errstate(all="ignore"):
        rows = np.array(row)
        label = next(labelled(problem, rows))[0]
        given = definition.block(problem, rows, label, ArbArray)
        factor = reductions.factor(problem, ArbArray, rows)
        items: list[arb] = SLOPES[part](given, factor, np.asarray(columns, np.int64)).values.ravel().tolist()
    return items


@lru_cache(maxsize=1)
def _of_rows(problem: Problem, part: str, row: Index, bits: int) -> arb:
    """Return one number of a part that is by row, or reduced; the last is kept: what is proved wrong is then shown."""
    with precision(bits), np.errstate(all="ignore"):
        if row:
            values = _by_row(problem, part, np.array(row))
        else:
            every = ArbArray.exact(np.zeros(problem.n))
            kept = np.flatnonzero(problem.kept)
            every.values[kept] = _by_row(problem, part, kept).values
            values = reductions.reduced(problem, every, problem.contract.reduction)
        (item,) = values.values.ravel().tolist()
    return item


def _by_row(problem: Problem, part: str, rows: Rows) -> ArbArray:
    """Return a part that is one number a row for some rows, shape (n,)."""
    found = ArbArray.exact(np.zeros(problem.n))
    for label, group in labelled(problem, rows):
        found.values[group] = BY_ROW[part](definition.block(problem, group, label, ArbArray)).values[:, 0]
    return found.rows(rows)
