"""What logits that are calculated first add to the allowances: c tanh(z / c) and z / T (docs/bounds.md, 14 and 15)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xentcheck.truth.allowance_model import Arithmetic, Floats
from xentcheck.truth.conditions import Conditions


@dataclass(frozen=True, eq=False)
class Moved:
    """How far logits, capped or over a temperature, may be from the exact ones, and what follows for the softmax.

    Parameters
    ----------
    logits : ndarray, shape (n, m)
        delta, the absolute error of each s.
    lse : ndarray, shape (n,)
        log of the sum of p exp(delta): what that changes logsumexp by, at most.
    p : ndarray, shape (n, m)
        What that changes p by, at most, relative to p.
    further : ndarray, shape (n,)
        What that changes the row's rounding errors by, in units of u.
    """

    logits: Floats
    lse: Floats
    p: Floats
    further: Floats


def moved(on: Conditions, by: Arithmetic) -> Moved:
    """Return the errors of capped logits and of their softmax."""
    delta = logit_error(on, by)
    gone = on.p == 0.0
    lse = np.log1p(np.einsum("ij,ij->i", on.p, np.where(gone, 0.0, np.expm1(delta))))
    reach = delta + lse[:, None]
    # No bound where what has underflowed here may be a number there.
    grown = np.where(gone, np.where(on.d + reach > -700.0, np.inf, 0.0), np.expm1(reach))
    each, label, top = np.arange(on.problem.n), on.coefficients.label, on.d.argmax(axis=1)
    # The label's probability changes by what all the others' change by.
    others = on.p * grown
    others[each, label] = 0.0
    relative = grown.copy()
    relative[each, label] = np.fmin(grown[each, label], others.sum(axis=1) / on.p_label)
    from_top = delta + delta[each, top][:, None]
    from_top[each, top] = 0.0
    unit = by.shift * (1.0 + on.near) + 2.0 * (by.k_log + by.k_exp)
    further = np.einsum("ij,ij->i", on.p * (1.0 + grown), unit * from_top)
    return Moved(delta, lse, relative, further)


def logit_error(on: Conditions, by: Arithmetic) -> Floats:
    """Return delta: (2 k_tanh + 5) u |s|, what underflows in z / c, and (2 k_exp + 4) u c more in class C.

    With a temperature T: 3 u |s| more unless T is a power of two, the errors of the cap over T, and eta / T.
    """
    cap, T = on.problem.soft_cap, on.problem.temperature or 1.0
    relative = 0.0 if cap is None else by.u * (2.0 * by.k_tanh + 5.0)
    relative += 0.0 if np.frexp(T)[0] == 0.5 else 3.0 * by.u
    size = np.where(np.isfinite(on.z), np.abs(on.z), 0.0)
    delta = (relative + relative * relative) * size + by.eta
    if on.problem.temperature is not None:
        delta += by.eta / T
    if cap is None:
        return delta
    delta += np.where(size * T < 2.0 * cap * by.eta, size, 0.0)
    return delta + by.u * (2.0 * by.k_exp + 4.0) * (cap / T) if by.lse else delta


def row_error(on: Conditions, by: Arithmetic) -> Floats:
    """Return what errors of the capped logits add to the row losses, shape (n,).

    sum (|T p - c| + T p x) delta with x the relative change of p; and for rounding errors at the moved place, in
    units of u, T times `further`, and (gap) times the change of each d that counts.
    """
    found, T = moved(on, by), on.T[:, None]
    each, chosen = np.arange(on.problem.n), on.coefficients
    slope = np.abs(on.coefficients.T[:, None] * on.p - on.c)
    single = ~chosen.several
    slope[each[single], chosen.label[single]] = (on.T * on.rest)[single]
    error = np.einsum("ij,ij->i", slope + T * (on.p * found.p), found.logits)
    at_top = np.take_along_axis(found.logits, on.d.argmax(axis=1)[:, None], 1)
    apart = np.where(on.d == 0.0, 0.0, found.logits + at_top)
    error = error + by.u * (on.T * found.further + (by.gap + 1.0) * np.einsum("ij,ij->i", on.sizes, apart))
    if by.lse:
        # T lse - sum c s: each of its terms has moved too.
        sizes = by.lse * by.u + 2.0 * by.row_sum(on) + 6.0 * by.u
        error += on.T * sizes * (found.lse + found.logits.max(axis=1, initial=0.0))
    return np.asarray(error)


def logsumexp_move(on: Conditions, by: Arithmetic) -> Floats:
    """Return what errors of the capped logits add to that of logsumexp, shape (n,)."""
    found = moved(on, by)
    return found.lse * (1.0 + by.u * (2.0 + by.lse) + by.row_sum(on)) + by.u * found.further


def probability_move(on: Conditions, by: Arithmetic, error: Floats) -> Floats:
    """Return the relative error of p, given that without the errors of the capped logits, shapes (n, m)."""
    found = moved(on, by)
    top = found.logits.max(axis=1, initial=0.0)
    rounded = by.u * ((by.branch + 2.0 * by.k_log + 1.0) * (found.logits + top[:, None]) + found.further[:, None])
    return np.asarray(error + found.p * (1.0 + error) + rounded)


def complement_move(on: Conditions, by: Arithmetic) -> Floats:
    """Return what errors of the capped logits add to 1 - p of the label, shape (n,)."""
    found = moved(on, by)
    change = on.p_label * found.p[np.arange(on.problem.n), on.coefficients.label]
    return change * (1.0 + 2.0 * by.first_order(on)) + on.rest * (by.u * found.further)


def slope_error(on: Conditions, by: Arithmetic) -> float:
    """Return the absolute error of 1 - tanh(z / c)^2, by 1 - t t or 1 / cosh^2: (4 k_tanh + 9) u, class C more."""
    error = by.u * (4.0 * by.k_tanh + 9.0) + by.u_input
    return error + by.u * 2.0 * (2.0 * by.k_exp + 4.0) if by.lse else error
