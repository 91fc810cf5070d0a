"""What decides how hard a batch is: the float64 quantities that every allowance is a formula of.

They are plain float64, good to about 1e-9 relative (below 2.2e-308, to a few subnormal steps). Nothing here is
certified: an allowance may be off in its ninth digit, a verdict may not, and verdicts compare certified enclosures
with the allowance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from xentcheck.contract import Boundary
from xentcheck.truth.condition_coefficients import Coefficients, coefficients, of_entropy
from xentcheck.truth.exact_coefficients import present, targets
from xentcheck.truth.problem import Problem

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_FAR = -1e300
"""Stands for -inf where it is multiplied by a probability that is zero."""


@dataclass(frozen=True, eq=False)
class Conditions:
    """Condition quantities of a problem, row by row; the symbols are those of docs/bounds.md.

    Parameters
    ----------
    problem : Problem
    coefficients : Coefficients
    z : ndarray, shape (n, m)
        The scores, or c tanh(z / c) where there is a soft cap, divided by the temperature: "logits" below are these.
    d : ndarray, shape (n, m)
        Logits: z - M, M the row's maximum. Probabilities: the logarithm after the boundary. Log-probabilities: the
        scores themselves. A -inf stays -inf.
    p : ndarray, shape (n, m)
        The probabilities: softmax(z), the scores (divided by their sum if the contract normalises), exp(scores).
    s, S, l, D, q, lse : ndarray, shape (n,)
        For logits: S = 1 + s = sum exp(d), l = log1p(s), D = sum p |d|, q = s/S, lse = M + l. Otherwise s = l = D =
        q = lse = 0 and S = 1.
    gap : ndarray, shape (n,)
        Sum of |c d|, and `surprisal` that of |c log p|, over the classes with c != 0.
    cross_entropy, L : ndarray, shape (n,)
        The row losses, weighted, without and with the z-loss. nan, inf where the exact value is; 0 in ignored rows.
    magnitude : ndarray, shape (n,)
        The largest finite |z|.
    unjudged : ndarray of bool, shape (n,)
        Rows with scores of a non-finite kind that the contract does not declare, or whose loss is undefined.
    """

    problem: Problem
    coefficients: Coefficients
    z: Floats
    d: Floats
    p: Floats
    s: Floats
    S: Floats
    l: Floats  # noqa: E741  (the symbol of the formulas)
    D: Floats
    q: Floats
    lse: Floats
    gap: Floats
    surprisal: Floats
    cross_entropy: Floats
    L: Floats
    magnitude: Floats
    unjudged: Flags

    @property
    def T(self) -> Floats:  # noqa: N802  (the symbol of the formulas)
        """Sum of the sizes of the coefficients, shape (n,): allowances are made of sizes."""
        return self.coefficients.size

    @cached_property
    def factor(self) -> Floats:
        """The factor R of p in the ideal gradient R p - c, shape (n,): sum c, and for p - t the weight of the row."""
        if not self.problem.contract.p_minus_t:
            return self.coefficients.T
        v, kept = self.problem.row_weights, self.problem.kept.astype(np.float64)
        return kept if v is None else kept * v

    @property
    def factor_size(self) -> Floats:
        """The size of that factor, shape (n,): of sum c that of the sizes of the coefficients, T."""
        return self.factor if self.problem.contract.p_minus_t else self.T

    @cached_property
    def single(self) -> Flags:
        """Rows of one coefficient that is the factor of p, too: their gradient at the label is -R (1 - p_y)."""
        alone = ~self.coefficients.several
        return alone & (self.factor == self.coefficients.T) if self.problem.contract.p_minus_t else alone

    @property
    def softmax(self) -> bool:
        """Whether probabilities are a softmax of the scores: logits, or log-probabilities to be normalised."""
        return _is_softmax(self.problem)

    @property
    def z_loss(self) -> float:
        """The strength of the z-loss, which only logits have, without the weights of the rows."""
        return self.problem.z_loss if self.problem.contract.input == "logits" else 0.0

    @cached_property
    def penalty(self) -> Floats:
        """The factor of lse^2, the z-loss times the weight of each row, shape (n,) or ()."""
        v = self.problem.row_weights
        return np.asarray(self.z_loss if v is None else self.z_loss * v)

    @cached_property
    def enlarged(self) -> Floats:
        """What may multiply a product that has underflowed: the weight of a row above 1, else 1; shape (n,) or ()."""
        v = self.problem.row_weights
        return np.asarray(1.0 if v is None else np.maximum(v, 1.0))

    @cached_property
    def c(self) -> Floats:
        """The coefficients, shape (n, m); materialised only when asked for."""
        if self.coefficients.c is not None:
            return self.coefficients.c
        c = np.zeros(self.p.shape)
        c[np.arange(self.problem.n), self.coefficients.label] = self.coefficients.T
        return c

    @cached_property
    def sizes(self) -> Floats:
        """The sizes of the coefficients, shape (n, m)."""
        return np.abs(self.c)

    @cached_property
    def near(self) -> Floats:
        """|d| limited to 1000, beyond which every probability is 0 even in float64, shape (n, m)."""
        return np.minimum(np.abs(self.d), 1000.0)

    @cached_property
    def p_label(self) -> Floats:
        """The probability of the label, shape (n,)."""
        return self.p[np.arange(self.problem.n), self.coefficients.label]

    @cached_property
    def rest(self) -> Floats:
        """1 - p_label without its cancellation, shape (n,): s/S where the label is the maximum."""
        if not self.softmax:
            return 1.0 - self.p_label
        top = np.argmax(self.p, axis=1) == self.coefficients.label
        return np.where(top, self.q, 1.0 - self.p_label)

    @cached_property
    def weighted_scores(self) -> Floats:
        """Sum of |c z| over the classes with c != 0, shape (n,)."""
        return _weighted(self.coefficients, _finite(np.abs(self.z)), sizes=True)

    @cached_property
    def slope(self) -> Floats:
        """The derivative of c tanh(score / c), 1 - tanh(score / c)^2 = 1 / cosh(score / c)^2, shape (n, m)."""
        assert self.problem.soft_cap is not None
        return np.cosh(np.minimum(np.abs(self.problem.scores) / self.problem.soft_cap, 350.0)) ** -2.0

    @cached_property
    def log_boundary(self) -> Floats:
        """The logarithm of the probability after the boundary: log p, log(p + eps), log(clip(p)); shape (n, m)."""
        boundary = self.problem.contract.boundary
        if self.problem.contract.input == "probabilities":
            return self.d
        with np.errstate(divide="ignore"):
            return _bounded_log(self.p, boundary)


def conditions(problem: Problem) -> Conditions:
    """Return the condition quantities of a problem.

    No warning is raised whatever the scores hold: rows without an exact value (nan, +inf, only -inf) get neutral
    quantities, a loss of nan, and `unjudged` says whether the contract leaves them open.
    """
    with np.errstate(all="ignore"):
        if _is_softmax(problem):
            return _of_logits(problem)
        return _of_probabilities(problem)


def _is_softmax(problem: Problem) -> bool:
    contract = problem.contract
    return contract.input == "logits" or (contract.input == "log_probabilities" and contract.boundary.normalise)


def _of_logits(problem: Problem) -> Conditions:
    given, T = soft_capped(problem), problem.temperature or 1.0
    z = given
    rows = np.arange(problem.n)
    M = z.max(axis=1, initial=-np.inf)
    undefined = ~np.isfinite(M)
    if undefined.any():
        z, M = np.where(undefined[:, None], 0.0, z), np.where(undefined, 0.0, M)
    top = z.argmax(axis=1)
    d = (z - M[:, None]) / T
    z, M, given = z / T, M / T, given / T
    e = np.exp(d)
    # The maximal term is exactly 1: left out of s, so that a small s keeps its relative accuracy.
    e[rows, top] = 0.0
    s = e.sum(axis=1)
    S = 1.0 + s
    D = -np.einsum("ij,ij->i", e, np.maximum(d, _FAR)) / S
    e[rows, top] = 1.0
    p = e / S[:, None]
    chosen = of_entropy(p) if problem.contract.is_entropy else coefficients(problem)
    l = np.log1p(s)  # noqa: E741
    lse = M + l
    gap = _weighted(chosen, -d, sizes=True)
    boundary = problem.contract.boundary
    ce = chosen.T * l + _weighted(chosen, -d) if boundary.exact else _weighted(chosen, -_bounded_log(p, boundary))
    return _finish(problem, chosen, given, (d, p, s, S, l, D, s / S, lse, gap), ce, _magnitude(z), undefined)


def _of_probabilities(problem: Problem) -> Conditions:
    scores, boundary = problem.scores, problem.contract.boundary
    undefined = np.asarray((np.isnan(scores) | np.isposinf(scores)).any(axis=1))
    if problem.contract.input == "log_probabilities":
        d = np.where(undefined[:, None], 0.0, scores)
        p = np.exp(d)
        logs = d if boundary.exact else _bounded_log(p, boundary)
    else:
        undefined |= (scores < 0.0).any(axis=1)
        p = np.where(undefined[:, None], 1.0, scores)
        if boundary.normalise:
            total = p.sum(axis=1)
            undefined |= total == 0.0
            p = p / np.where(total == 0.0, 1.0, total)[:, None]
        d = logs = _bounded_log(p, boundary)
    chosen = of_entropy(p) if problem.contract.is_entropy else coefficients(problem)
    nothing, one = np.zeros(problem.n), np.ones(problem.n)
    gap = _weighted(chosen, np.abs(logs), sizes=True)
    ce = _weighted(chosen, -logs)
    rowwise = (d, p, nothing, one, nothing, nothing, nothing, nothing, gap)
    return _finish(problem, chosen, scores, rowwise, ce, _magnitude(scores), undefined)


def soft_capped(problem: Problem) -> Floats:
    """Return the scores, or c tanh(score / c) where there is a soft cap c."""
    cap = problem.soft_cap
    return problem.scores if cap is None else cap * np.tanh(problem.scores / cap)


def _enlarged(problem: Problem) -> bool:
    """Return whether a row's loss is multiplied by more than 1."""
    factors = [given for given in (problem.class_weights, problem.row_weights, problem.targets) if given is not None]
    return any(bool((np.abs(given) > 1.0).any()) for given in factors)


def _finish(
    problem: Problem,
    chosen: Coefficients,
    z: Floats,
    quantities: tuple[Floats, ...],
    ce: Floats,
    magnitude: Floats,
    undefined: Flags,
) -> Conditions:
    d, p, s, S, l, D, q, lse, gap = quantities  # noqa: E741
    if chosen.undefined is not None:
        undefined = undefined | chosen.undefined
    # Infinite terms of both signs, as weights of both signs make them: no loss, and a gradient still.
    ce = np.where(undefined & problem.kept, np.nan, np.where(np.isnan(ce), np.inf, ce))
    penalised = problem.z_loss and problem.contract.input == "logits"
    by_row = problem.kept if problem.row_weights is None else problem.kept * problem.row_weights
    L = ce + problem.z_loss * lse * lse * by_row if penalised else ce
    unjudged = _undeclared(problem)
    if chosen.undefined is not None:
        unjudged |= chosen.undefined
    if problem.temperature is not None:  # a quotient that is beyond float64 here
        unjudged |= (np.isfinite(problem.scores) & ~(np.isfinite(z) & np.isfinite(d))).any(axis=1)
    if problem.contract.input == "probabilities":
        # Negative probabilities, and rows whose sum is 0: bad input, about which other laws have their say.
        unjudged |= undefined & np.isfinite(problem.scores).all(axis=1)
        if problem.row_weights is not None:  # 0 times infinity
            unjudged |= (problem.row_weights == 0.0) & np.isneginf(d).any(axis=1)
    elif np.isinf(L).any() and (penalised or _enlarged(problem)):
        # It is this float64 arithmetic that overflowed, in a weight or a square; the reduced loss need not.
        unjudged |= np.isinf(L) & ~((chosen.c != 0.0) & ~np.isfinite(z)).any(axis=1)
    surprisal = chosen.size * l + gap
    return Conditions(problem, chosen, z, d, p, s, S, l, D, q, lse, gap, surprisal, ce, L, magnitude, unjudged)


def _weighted(chosen: Coefficients, terms: Floats, *, sizes: bool = False) -> Floats:
    """Sum of c, or |c|, times the terms over the classes with c != 0: there, 0 times infinity is 0."""
    if chosen.c is None:
        at_label = terms[np.arange(len(chosen.T)), chosen.label]
        return np.where(chosen.T != 0.0, (chosen.size if sizes else chosen.T) * at_label, 0.0)
    c = np.abs(chosen.c) if sizes else chosen.c
    total: Floats = np.einsum("ij,ij->i", c, np.where(c != 0.0, terms, 0.0))
    return total


def _bounded_log(p: Floats, boundary: Boundary) -> Floats:
    bounded = p
    if boundary.add is not None:
        bounded = p + boundary.add
    elif boundary.clip is not None:
        bounded = np.clip(p, *boundary.clip)
        if boundary.after:
            bounded = bounded / bounded.sum(axis=1, keepdims=True)
    logs: Floats = np.log(bounded)
    return logs


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)


def _magnitude(scores: Floats) -> Floats:
    largest: Floats = np.maximum(scores.max(axis=1, initial=-np.inf), -scores.min(axis=1, initial=np.inf))
    if np.isfinite(largest).all():
        return largest
    finite: Floats = _finite(np.abs(scores)).max(axis=1, initial=0.0)
    return finite


def _undeclared(problem: Problem) -> Flags:
    """Rows that hold a kind of non-finite score that the contract does not declare, or not where it stands."""
    scores, declared = problem.scores, problem.contract.nonfinite
    found = np.zeros(problem.n, bool)
    if np.isfinite(scores).all():
        return found
    for kind, test in (("-inf", np.isneginf), ("+inf", np.isposinf), ("nan", np.isnan)):
        if kind not in declared:
            beside = kind == "-inf" and problem.contract.masks_off_label
            where = test(scores) & _counted(problem) if beside else test(scores)
            found |= where.any(axis=1)
    return found


def _counted(problem: Problem) -> Flags:
    """Where a label counts a class, by itself or by a share of smoothing, whatever the weights; shape (n, m)."""
    rows = np.arange(problem.n)
    counted: Flags = (targets(problem, rows) != 0) | present(problem, rows)
    return np.asarray(counted & problem.kept[:, None])
