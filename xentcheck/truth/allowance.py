"""The allowances: how far a value may be from the exact one before that is evidence of a mistake."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xentcheck.truth.allowance_gradient import row_gradients
from xentcheck.truth.allowance_hessian import hessian_vector
from xentcheck.truth.allowance_loss import row_losses
from xentcheck.truth.allowance_model import Arithmetic, Flags, Floats, conforming, output_format
from xentcheck.truth.allowance_reduction import reduce_loss, scale_gradient
from xentcheck.truth.conditions import Conditions
from xentcheck.truth.formats import Format
from xentcheck.truth.problem import Problem

ULPS = {"A*": 0.5 + 2.0**-10, "A": 1.0}
"""Grades that are promised in ulp of the output, whatever the condition of the input."""


@dataclass(frozen=True, eq=False)
class Allowances:
    """Largest absolute errors of the parts of a result; inf where no finite bound exists.

    Parameters
    ----------
    rows : ndarray of float64, shape (n,)
        Of the row losses before the reduction.
    loss : ndarray of float64, shape () or (n,)
    gradient : ndarray of float64, shape (n, m)
    loss_estimate, gradient_estimate : ndarray of float64
        The exact values in plain float64, uncertified; 0 where they are not finite numbers.
    hessian_vector, hessian_vector_estimate : ndarray of float64, shape (n, m), or None
        The same of the Hessian-vector product, where the problem has a vector. It has no grades: what grades of ulp
        promise of the gradient is not promised of its derivative.
    """

    rows: Floats
    loss: Floats
    gradient: Floats
    loss_estimate: Floats
    gradient_estimate: Floats
    hessian_vector: Floats | None = None
    hessian_vector_estimate: Floats | None = None


def conformance(problem: Problem, conditions: Conditions) -> Allowances:
    """Return the most that a legitimate algorithm of the accuracy that the contract promises may be off.

    Accuracy "B" (shifted), "C" (also logsumexp - z_y) and "B+" (relative accuracy of the loss and the label's
    gradient) have the conformance constants of docs/bounds.md; "A" and "A*" are 1 and 0.5 + 2**-10 ulp of the output.
    An exact value that is infinite or undefined has the allowance 0 where the contract declares such input.
    """
    accuracy = problem.contract.accuracy
    by, derivatives = conforming(problem, accuracy), conforming(problem, accuracy, "gradient")
    return allowances_of(conditions, by, derivatives, ULPS.get(accuracy))


def allowances_of(on: Conditions, by: Arithmetic, derivatives: Arithmetic, ulps: float | None = None) -> Allowances:
    """Return the allowances under models of arithmetic for the loss and for its derivatives.

    Or in ulp of the output, where there is a bound at all.
    """
    # Whatever is not a number in the end counts as having no bound.
    with np.errstate(all="ignore"):
        row_error, row_unbounded = row_losses(on, by)
        loss, loss_error, loss_unbounded = reduce_loss(on, by, row_error, row_unbounded)
        gradient, gradient_error, gradient_unbounded = scale_gradient(on, derivatives, row_gradients(on, derivatives))
        product = product_error = None
        if on.problem.vector is not None:
            product, product_error, product_unbounded = hessian_vector(on, derivatives)
            product_error = _unless(product_unbounded, product_error)
    if ulps is not None:
        format_ = output_format(on.problem)
        defined = np.isfinite(on.L)
        row_error = np.where(defined, _in_ulp(np.where(defined, on.L, 0.0), ulps, format_), 0.0)
        loss_error = np.where(defined.all(), _in_ulp(loss, ulps, format_), 0.0)
        gradient_error = _in_ulp(gradient, ulps, output_format(on.problem, "gradient"))
    return Allowances(
        _unless(row_unbounded, row_error),
        _unless(loss_unbounded, loss_error),
        _unless(gradient_unbounded, gradient_error),
        np.asarray(loss, np.float64),
        gradient,
        product_error,
        product,
    )


def _in_ulp(values: Floats, ulps: float, format_: Format) -> Floats:
    """So many ulp at the values, which are known to 2**-30, and half a subnormal step."""
    return ulps * format_.ulp(values * (1.0 + 2.0**-30)) + format_.smallest_subnormal / 2.0


def _unless(unbounded: Flags, error: Floats) -> Floats:
    return np.where(unbounded, np.inf, error)
