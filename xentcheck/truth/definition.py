"""The exact loss and gradient of rows, written once for every arithmetic.

    L = sum_j c_j (-log f(q_j)) + v lambda lse^2

with the coefficients c of `coefficients`, the probabilities q of `scores`, the boundary f of `boundaries`, lambda the
z_loss, v the weight of the row (1 without any; c has it as a factor) and lse the log of the sum of exp(z) (logits
only); z are the logits, or what a soft cap C makes of them,
C tanh(z / C), and a temperature Theta after it, z / Theta. With phi_j = q_j f'(q_j) / f(q_j) (1 where the boundary is
exact, and for the ideal gradient), r = c phi and R = sum_j r_j, its derivatives are

    by the logits            R q_j - r_j + 2 v lambda lse q_j
    by the log-probabilities -r_j, with + R q_j where rows are normalised first
    by the probabilities     -c_j f'(q_j) / f(q_j), where rows are normalised first (R - c_j f'(q_j) / f(q_j)) / S

Where the clipped probabilities b_j are divided by their sum B, f(q_j) = b_j / B and r_j = 1_j (c_j - T q_j / B) with
T = sum_j c_j, 1_j where q_j lies within the clip: the same formulas, and -r_j / b_j by the probabilities;

The ideal gradient at the clipped probabilities b_j is T b_j - c_j by the logits, and -c_j / b_j by the probabilities;

by the chain rule from d q_i / d z_j = q_i (delta_ij - q_j); the one by the logits times 1 - tanh(z_j / C)^2 where there
is a soft cap, and times 1 / Theta where there is a temperature. Where one coefficient alone differs from zero, the
label's R q_y - r_y is written -r_y (1 - q_y), with 1 - q_y the sum of the other probabilities. Where the contract says
that the gradient is p - t, R is v whatever the coefficients are: the label's is -r_y (1 - q_y) + (v - r_y) q_y.

The entropy of a row is its L with c = q, which are not held fast where it is differentiated: see
`entropy_gradient`.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth.boundaries import Reading, over_readings
from xentcheck.truth.exact_coefficients import coefficients, present
from xentcheck.truth.problem import Problem
from xentcheck.truth.real import Floats, Real
from xentcheck.truth.scores import Logits, Scores, read_scores

R = TypeVar("R", bound=Real)
Columns = NDArray[np.int64]


class Block(NamedTuple, Generic[R]):
    """Some rows of a problem, in one arithmetic.

    Parameters
    ----------
    label : ndarray of int64, shape (n, 1), or None
        The one column whose coefficient differs from zero, in rows that have just one (or none: then any).
    c : Real, shape (n, 1) or (n, m)
        The coefficient of the label, or all of them.
    q : Scores
    present : ndarray of bool or None
        Where c differs from zero, in the shape of c; None stands for everywhere.
    v : ndarray of float64, shape (n, m), or None
        These rows of the problem's vector.
    tangent : ndarray of float64, shape (n, m), or None
        These rows of the problem's tangent.
    weight : ndarray of float64, shape (n, 1), or None
        The weights of the rows; None where there are none.
    """

    problem: Problem
    real: type[R]
    label: Columns | None
    c: R
    q: Scores[R]
    present: NDArray[np.bool_] | None
    v: Floats | None = None
    tangent: Floats | None = None
    weight: Floats | None = None

    @property
    def penalty(self) -> R | float:
        """The factor of lse^2: lambda times the weight of the row, shape (n, 1), or lambda itself."""
        strength = self.problem.z_loss
        return strength if self.weight is None else self.real.exact(self.weight) * strength


def block(problem: Problem, rows: NDArray[np.int64], label: Columns | None, real: type[R]) -> Block[R]:
    """Return the rows chosen, all of which have finite formulas (see `kinds`)."""
    normalise = problem.contract.boundary.normalise
    if (
        problem.contract.boundary.after and not problem.contract.gradient_without_boundary
    ) or problem.contract.at_clipped:
        label = None  # through their sum every probability has its share in the loss; or 1 - b is no other's sum
    cap, temperature = problem.soft_cap, problem.temperature
    q = read_scores(problem.contract.input, problem.scores[rows], normalise, real, cap, temperature)
    mask = None if problem.plain and label is not None else present(problem, rows)
    if mask is not None and label is not None:
        mask = np.take_along_axis(mask, label, -1)
    v = None if problem.vector is None else problem.vector[rows]
    tangent = None if problem.tangent is None else problem.tangent[rows]
    c = q.probability() if problem.contract.is_entropy else coefficients(problem, rows, real, label)
    weight = None if problem.row_weights is None else problem.row_weights[rows, None]
    return Block(problem, real, label, c, q, mask, v, tangent, weight)


def loss(given: Block[R]) -> R:
    """Return L of each row, shape (n, 1)."""
    problem, label = given.problem, given.label
    if problem.contract.boundary.exact:
        cost = given.q.surprisal(label)
    else:
        q = given.q.probability(label)
        cost = over_readings(problem, lambda reading: -_bounded(given, reading, q).log())
    weighted = _or_zero(cost * given.c, given.present)
    if label is None:
        weighted = weighted.sum()
    if has_z_loss(problem):
        lse = log_sum(given)
        weighted = weighted + lse * lse * given.penalty
    return weighted


def gradient(given: Block[R], factor: R, columns: Columns | None = None) -> R:
    """Return the derivatives of factor * L at chosen columns (n, k) or at all; factor has the shape (n, 1)."""
    wrt, normalise = given.problem.contract.gradient_wrt, given.problem.contract.boundary.normalise
    if given.problem.contract.at_clipped:
        clipped: R = _at_clipped(given, factor, columns)
        return clipped
    if given.problem.contract.is_entropy:
        entropy: R = entropy_gradient(given, factor, columns)
        return entropy
    if wrt == "probabilities":
        return _by_probabilities(given, factor, columns)
    found: R = _by_logits(given, factor, columns, through_sum=wrt == "logits" or normalise)
    return given.q.by_scores(found, columns) if wrt == "logits" and isinstance(given.q, Logits) else found


def _at_clipped(given: Block[R], factor: R, columns: Columns | None) -> R:
    """Return factor (T b_j - c_j) at the clipped probabilities b, by the probabilities -factor c_j / b_j."""
    q, by_probabilities = given.q.probability(), given.problem.contract.gradient_wrt == "probabilities"
    T = given.c.sum()

    def slope(reading: Reading) -> R:
        b = reading.apply(q)
        return -_or_zero(given.c / b, given.present) if by_probabilities else b * T - given.c

    found = over_readings(given.problem, slope) * factor
    return found if columns is None else found.at(columns)


def entropy_gradient(given: Block[R], factor: R, columns: Columns | None = None) -> R:
    """Return the derivatives of factor * H at chosen columns (n, k) or at all, with H = -sum q log q.

    By the logits q_j (-log q_j - H), which is q_j (|d_j| - sum q |d|) with d_j = z_j - max z, since -log q_j = |d_j| +
    log S: what all have in common cancels before anything is rounded. By the probabilities -log q_j - 1, and where rows
    are normalised first (-log q_j - H) / S; where what is given sums to another number than 1, by the logits behind
    it, in the chain rule's terms, q_j (-log q_j - 1 - sum q (-log q - 1)).
    """
    q, contract = given.q, given.problem.contract
    if isinstance(q, Logits):
        distance = -q.d
        mean = (given.c * distance).sum()
        slope = (distance if columns is None else distance.at(columns)) - mean
        by_logits: R = q.probability(columns, factor) * slope
        return by_logits
    own = q.surprisal() - 1.0
    own = own if given.present is None else own.where(given.present, 0.0)
    by_sum = contract.gradient_wrt == "logits" or contract.boundary.normalise
    slope = own - (given.c * own).sum() if by_sum else own
    if contract.gradient_wrt == "logits":
        slope = slope * given.c
    elif q.S is not None:
        slope = slope / q.S
    return (slope if columns is None else slope.at(columns)) * factor


def _by_logits(given: Block[R], factor: R, columns: Columns | None, through_sum: bool) -> R:
    """Return factor (R q_j - r_j), with the term of z_loss; without R q_j unless `through_sum`."""
    r = _shares(given)
    penalty = None
    if has_z_loss(given.problem) and given.problem.contract.gradient_wrt == "logits":
        penalty = log_sum(given) * (given.penalty * 2.0)
    total = factor_of_p(given) if given.problem.contract.p_minus_t else r if given.label is not None else r.sum()
    if given.label is None:
        own = (r if columns is None else r.at(columns)) * factor
        if not through_sum:
            return -own
        return given.q.probability(columns, (total if penalty is None else total + penalty) * factor) - own
    if not through_sum:
        return _at_label(given, -(r * factor), None, columns)
    others = given.q.probability(columns, (total if penalty is None else total + penalty) * factor)
    own = -(r * given.q.complement(given.label))
    if given.problem.contract.p_minus_t:
        own = own + given.q.probability(given.label, total - r)
    if penalty is not None:
        own = own + given.q.probability(given.label, penalty)
    return _at_label(given, own * factor, others, columns)


def factor_of_p(given: Block[R]) -> R:
    """Return R of a gradient that takes the boundary as exact, shape (n, 1): sum c, and for p - t the row's weight."""
    if given.problem.contract.p_minus_t:
        return given.real.exact(np.ones((given.c.shape[0], 1)) if given.weight is None else given.weight)
    return given.c if given.label is not None else given.c.sum()


def _by_probabilities(given: Block[R], factor: R, columns: Columns | None) -> R:
    """Return -factor a_j with a = c f'(q) / f(q); factor (R - a_j) / S where rows are normalised first."""
    q = given.q.probability(given.label)
    if given.problem.contract.gradient_without_boundary:
        a = given.c / q
    elif given.problem.contract.boundary.after:
        return -_after(given, q, columns) * factor
    else:
        a = given.c * over_readings(given.problem, lambda reading: _slope(reading, q))
    a = _or_zero(a, given.present)
    shared = None
    if given.problem.contract.boundary.normalise:
        r = _shares(given)
        shared = r if given.label is not None else r.sum()
        if given.q.S is not None and given.problem.contract.input != "logits":
            factor = factor / given.q.S
    if given.label is None:
        own = a if columns is None else a.at(columns)
        return (-own if shared is None else shared - own) * factor
    if shared is None:
        return _at_label(given, -(a * factor), None, columns)
    width = given.problem.m if columns is None else columns.shape[1]
    everywhere = (shared * factor).spread((q.shape[0], width))
    return _at_label(given, (shared - a) * factor, everywhere, columns)


def _at_label(given: Block[R], own: R, others: R | None, columns: Columns | None) -> R:
    """Return `own` at the label's column and the others elsewhere: zeros if None."""
    assert given.label is not None
    if columns is not None:
        return own.where(columns == given.label, 0.0 if others is None else others)
    if others is None:
        others = given.real.exact(np.zeros((given.label.shape[0], given.problem.m)))
    others.put(given.label, own)
    return others


def has_z_loss(problem: Problem) -> bool:
    """Whether the loss has the term lambda lse^2."""
    return problem.z_loss != 0 and problem.contract.input == "logits"


def log_sum(given: Block[R]) -> R:
    """Return lse, the log of the sum of exp(z)."""
    assert isinstance(given.q, Logits)
    lse: R = given.q.log_sum()
    return lse


def _slope(reading: Reading, q: R) -> R:
    """Return f'(q) / f(q)."""
    derivative, value = reading.derivative(q), reading.apply(q).reciprocal()
    return value if derivative is None else derivative * value


def _bounded(given: Block[R], reading: Reading, q: R) -> R:
    """Return f(q) of some columns."""
    value = reading.apply(q)
    return value / reading.apply(given.q.probability()).sum() if given.problem.contract.boundary.after else value


def _shares(given: Block[R]) -> R:
    """Return r, what the logarithm of each probability has for a derivative in minus the loss."""
    if given.problem.contract.gradient_without_boundary:
        return given.c
    if given.problem.contract.boundary.after:
        q = given.q.probability()
        return _after(given, q, None) * q
    return _or_zero(given.c * _elasticity(given), given.present)


def _after(given: Block[R], q: R, columns: Columns | None) -> R:
    """Return (c_j / b_j - T / B) within the clip and 0 outside, at chosen columns or at all."""
    T = given.c.sum()

    def slope(reading: Reading) -> R:
        b, inside = reading.apply(q), q.inside(*reading.clip or (0.0, 1.0))
        found = (given.c / b - T / b.sum()) * inside
        return found if columns is None else found.at(columns)

    return over_readings(given.problem, slope)


def _elasticity(given: Block[R]) -> R:
    """Return phi = q f'(q) / f(q), which is 1 inside a clip and 0 outside."""
    q = given.q.probability(given.label)
    return over_readings(
        given.problem,
        lambda reading: q * _slope(reading, q) if reading.clip is None else q.inside(*reading.clip),
    )


def _or_zero(values: R, mask: NDArray[np.bool_] | None) -> R:
    """Return zero where no coefficient is: 0 log 0 = 0."""
    return values if mask is None or mask.all() else values.where(mask, 0.0)
