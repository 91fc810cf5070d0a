"""Bounds on exact values and on allowances of all pairs, from certified values at 65,537 nodes.

Loss and gradient of two logits depend on their difference d = |z0 - z1| and on whether the label has the larger one.
With e = exp(-d), l = log1p(e) and q = e/(1 + e) they are

    loss       l, or d + l where the label has the smaller logit
    gradient   q and -q, or 1 - q and q - 1

docs/bounds.md, section 16, proves what is used here. **Values**: below d = 128 by Taylor's formula of second order from
the node below, 1/512 apart, to a relative error of 2^-29, of which `VALUE_ERROR` is twice; from 128 on l and q are 0.
**Allowances**: those of `truth` at the nodes; between two nodes not less than the smaller of them times e^(-7/2048),
not more than the larger times e^(7/2048), for which `CELL` stands. The scores at a node are -d/2 and d/2: no pair of
this difference has a smaller largest one, so that of what the size of scores adds (accuracy C, a `compute` narrower
than the scores) the lower bound has not too much; there is then no upper one. Scores so large that nothing is allowed
for are found one by one.

A bound that decides nothing does no harm: what is neither clearly right nor clearly wrong is judged by `truth`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import one_hot
from xentcheck.contract import Contract
from xentcheck.truth.allowance import conformance
from xentcheck.truth.allowance_model import output_format, working_format
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.formats import Format
from xentcheck.truth.problem import Problem

Floats = NDArray[np.float64]

STEP = 2.0**-9
FAR = 128.0
VALUE_ERROR = 2.0**-28
CELL = 2.0**-8
_SETTLED = 2.0**-150
_BINADE = 10  # bits of the mantissa that number the nodes from FAR on
_FIRST = int(np.float64(FAR).view(np.int64)) >> (52 - _BINADE)
NEVER = -1.0
"""A lower bound of an allowance below which nothing is."""


@dataclass(frozen=True, eq=False)
class Bounds:
    """Exact values of some differences, and what is allowed there, for a label at the larger and at the smaller logit.

    Parameters
    ----------
    sizes : tuple of ndarray, shape (n,)
        The exact value, or the size of both elements of the gradient: label at the larger, at the smaller logit.
    low : tuple of ndarray, shape (elements, n)
        An error up to this is within the allowance, whatever was neglected in `sizes`. Elements of the gradient: the
        label's, the other one's.
    """

    sizes: tuple[Floats, Floats]
    low: tuple[Floats, Floats]


class Curve:
    """The bounds of one part of the answer under one contract.

    Parameters
    ----------
    contract : Contract
        One loss a row, of logits as they are.
    format : Format
    part : {"loss", "gradient"}
    label_form : {"sparse", "onehot"}
    """

    def __init__(self, contract: Contract, format_: Format, part: str, label_form: str) -> None:
        self.contract, self.format, self.part, self.label_form = contract, format_, part, label_form
        # Class C allows all that B allows, and more; so does a conversion of the scores.
        asked = self.problem(np.zeros((1, 2)), 0)
        self.output = output_format(asked)
        narrows = working_format(asked).precision < format_.precision
        self.one_sided = contract.accuracy == "C" or narrows
        self._below = contract.replace(accuracy="B") if contract.accuracy == "C" else contract
        near = np.arange(int(FAR / STEP) + 1, dtype=np.float64) * STEP
        self._coefficients = self._taylor(near)
        self._near = self._cells(near, near_end=True)
        exponents = range(int(np.log2(FAR)), min(int(np.frexp(format_.largest)[1]) + 1, 128))
        steps = 1.0 + np.arange(2**_BINADE) / 2**_BINADE
        far: Floats = np.concatenate([np.ldexp(steps, e) for e in exponents])
        beyond = np.ldexp(1.0, exponents[-1] + 1)
        self._far = self._cells(np.append(far, (beyond, 2.0 * beyond)), near_end=False)

    def problem(self, scores: Floats, label: int, contract: Contract | None = None) -> Problem:
        """Return the question of rows of two scores with one label."""
        labels = np.full(len(scores), label, np.int64)
        sparse = self.label_form == "sparse"
        return Problem(
            contract=contract or self.contract,
            format=self.format,
            scores=scores,
            labels=labels if sparse else None,
            targets=None if sparse else one_hot(labels, 2, np.float64),
            kept=np.ones(len(scores), bool),
        )

    def unbounded(self, values: Floats) -> NDArray[np.bool_]:
        """Return which scores are so large that nothing is allowed for: all pairs with one of them, but for class C."""
        scores = np.repeat(values[:, None], 2, axis=1)
        with np.errstate(all="ignore"):
            found = np.isinf(self._allowances(scores, 0, self.contract))
        return np.asarray(found.any(axis=0))

    def near(self, d: Floats) -> Bounds:
        """Return the bounds of differences below FAR."""
        cell = (d * (1.0 / STEP)).astype(np.int64)
        t = d - cell * STEP
        c0, c1, c2 = self._coefficients
        base = np.take(c2, cell)
        base *= t
        base += np.take(c1, cell)
        base *= t
        base += np.take(c0, cell)
        sizes = (base, d + base) if self.part == "loss" else (base, 1.0 - base)
        low = tuple(np.take(self._near[0][side], cell, axis=1) for side in (0, 1))
        return Bounds(sizes, (low[0], low[1]))

    def far(self, d: Floats) -> Bounds:
        """Return the bounds of differences from FAR on."""
        cell = self._far_cell(d)
        nothing = np.zeros(d.shape)
        sizes = (nothing, d if self.part == "loss" else np.ones(d.shape))
        low = tuple(np.take(self._far[0][side], cell, axis=1) for side in (0, 1))
        return Bounds(sizes, (low[0], low[1]))

    def high(self, d: Floats, side: int) -> Floats:
        """Return the errors above which a number is wrong, shape (elements, n); inf where that is not known."""
        with np.errstate(over="ignore"):
            cell = np.minimum(d * (1.0 / STEP), FAR / STEP - 1).astype(np.int64)
        near = self._near[1][side][:, cell]
        far = self._far[1][side][:, self._far_cell(np.maximum(d, FAR))]
        found: Floats = np.where(d < FAR, near, far)
        return found

    def _far_cell(self, d: Floats) -> NDArray[np.int64]:
        cell = (d.view(np.int64) >> (52 - _BINADE)) - _FIRST
        return np.asarray(np.minimum(cell, self._far[0][0].shape[1] - 1))

    def _taylor(self, nodes: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the coefficients of 1, t and t^2, from certified values at the nodes."""
        scores = np.stack((-nodes / 2.0, nodes / 2.0), axis=1)
        plain = Contract(reduction="none")
        problem = replace(self.problem(scores, 1, plain), labels=np.ones(len(nodes), np.int64), targets=None)
        found = enclose(problem)
        assert found.gradient is not None
        l, q = found.loss, found.gradient[:, 0]  # noqa: E741  (the symbol of the formulas)
        if not ((l.radius <= l.hi * 2.0**-52).all() and (q.radius <= q.hi * 2.0**-52).all()):
            raise ArithmeticError("an enclosure at a node is wider than a rounding error of float64")
        slope = q.hi * (1.0 - q.hi)
        if self.part == "loss":
            return l.hi, -q.hi, slope / 2.0
        return q.hi, -slope, slope * (1.0 - 2.0 * q.hi) / 2.0

    def _allowances(self, scores: Floats, label: int, contract: Contract) -> Floats:
        """Return the allowances of rows, shape (elements, n): of the loss, or of the label's element and the other."""
        problem = self.problem(scores, label, contract)
        found = conformance(problem, conditions(problem))
        return found.loss[None] if self.part == "loss" else found.gradient[:, [label, 1 - label]].T

    def _cells(self, nodes: Floats, near_end: bool) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
        """Return lower and upper bounds between neighbouring nodes, for both sides: each of shape (elements, cells)."""
        scores = np.stack((-nodes / 2.0, nodes / 2.0), axis=1)
        lows, highs = [], []
        for side, label in enumerate((1, 0)):
            with np.errstate(all="ignore"):
                at = self._allowances(scores, label, self._below)
                size = self._largest_size(nodes, side)
                neglected = VALUE_ERROR * size + (0.0 if near_end else 2.0**-170)
                least = np.minimum(at[:, :-1], at[:, 1:])
                most = np.maximum(at[:, :-1], at[:, 1:])
                low = least * (1.0 - CELL) - neglected
                high = most * (1.0 + CELL) + neglected
            doubtful = (np.isinf(most) & ~np.isinf(least)) | ~(low > 0.0)
            if not near_end:
                doubtful |= least < _SETTLED
                high = np.where(most < _SETTLED, np.inf, high)
            lows.append(np.where(doubtful, NEVER, low))
            highs.append(np.full(high.shape, np.inf) if self.one_sided else high)
        return (lows[0], lows[1]), (highs[0], highs[1])

    def _largest_size(self, nodes: Floats, side: int) -> Floats:
        """Return an upper bound of the exact sizes in each cell."""
        if side == 1:
            return nodes[1:] + 1.0 if self.part == "loss" else np.ones(len(nodes) - 1)
        return np.exp(-nodes[:-1]) * 1.0001  # l <= e and q <= e
