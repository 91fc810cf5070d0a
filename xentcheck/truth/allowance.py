"""The allowances: how far a value may be from the exact one before that is evidence of a mistake."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from xentcheck.truth.allowance_directional import directional
from xentcheck.truth.allowance_gradient import differentiates_running_maxima, row_gradients
from xentcheck.truth.allowance_hessian import hessian_vector
from xentcheck.truth.allowance_loss import row_losses
from xentcheck.truth.allowance_model import Arithmetic, Flags, Floats, conforming, output_format
from xentcheck.truth.allowance_reduction import reduce_loss, scale_gradient
from xentcheck.truth.allowance_two_classes import mirrored
from xentcheck.truth.allowance_unscaled import Unscaled
from xentcheck.truth.conditions import Conditions
from xentcheck.truth.formats import Format
from xentcheck.truth.problem import Problem

ULPS = {"A*": 0.5 + 2.0**-10, "A": 1.0}
"""Grades that are promised in ulp of the output, whatever the condition of the input."""


class Allowances:
    """Largest absolute errors of the parts of a result, calculated when asked for; inf where no finite bound exists.

    Parameters
    ----------
    on : Conditions
    by, derivatives : Arithmetic
        The models of arithmetic for the loss and for its derivatives.
    ulps : float or None
        Allow so many ulp of the output instead, where there is a bound at all.
    """

    def __init__(self, on: Conditions, by: Arithmetic, derivatives: Arithmetic, ulps: float | None = None) -> None:
        self._on, self._by, self._derivatives, self._ulps = on, by, derivatives, ulps

    @property
    def rows(self) -> Floats:
        """Of the row losses before the reduction, shape (n,)."""
        return self._of_loss[0]

    @property
    def loss(self) -> Floats:
        """Of the loss, shape () or (n,)."""
        return self._of_loss[1]

    @property
    def loss_estimate(self) -> Floats:
        """The exact loss in plain float64, uncertified; 0 where it is no finite number."""
        return self._of_loss[2]

    @property
    def gradient(self) -> Floats:
        """Of the gradient, shape (n, m)."""
        return self._of_gradient[0]

    @property
    def least_gradient(self) -> Floats:
        """Of the gradient, without what running maxima add: never more than `gradient`, and soon known.

        What it admits is right; of what it does not, `gradient` decides.
        """
        return self._of_least_gradient[0]

    @property
    def gradient_estimate(self) -> Floats:
        """The exact gradient in plain float64, uncertified; 0 where it is no finite number."""
        return self._of_least_gradient[1]

    @property
    def hessian_vector(self) -> Floats | None:
        """Of the Hessian-vector product, shape (n, m), where the problem has a vector.

        It has no grades: what grades of ulp promise of the gradient is not promised of its derivative.
        """
        return self._of_product[0]

    @property
    def hessian_vector_estimate(self) -> Floats | None:
        """The exact product in plain float64, uncertified, where the problem has a vector."""
        return self._of_product[1]

    @property
    def jvp(self) -> Floats | None:
        """Of the derivative along the tangent, shape () or (n,), where the problem has one; it has no grades either."""
        return self._along[0]

    @property
    def jvp_estimate(self) -> Floats | None:
        """The exact derivative in plain float64, uncertified, where the problem has a tangent."""
        return self._along[1]

    @cached_property
    def row_losses(self) -> tuple[Floats, Flags]:
        """Of the row losses, and where there is no bound, before grades of ulp; see `allowance_loss.row_losses`."""
        with np.errstate(all="ignore"):
            return row_losses(self._on, self._by)

    @cached_property
    def least_row_gradients(self) -> Unscaled:
        """Of the gradients of the rows, before they are scaled, without what running maxima add."""
        return self._row_gradients(running=False)

    def _row_gradients(self, running: bool) -> Unscaled:
        with np.errstate(all="ignore"):
            return mirrored(self._on, self._derivatives, row_gradients(self._on, self._derivatives, running=running))

    @cached_property
    def _of_loss(self) -> tuple[Floats, Floats, Floats]:
        on, by = self._on, self._by
        row_error, row_unbounded = self.row_losses
        # Whatever is not a number in the end counts as having no bound.
        with np.errstate(all="ignore"):
            loss, error, unbounded = reduce_loss(on, by, row_error, row_unbounded)
        if self._ulps is not None:
            format_ = output_format(on.problem)
            defined = np.isfinite(on.L)
            row_error = np.where(defined, _in_ulp(np.where(defined, on.L, 0.0), self._ulps, format_), 0.0)
            error = np.where(defined.all(), _in_ulp(loss, self._ulps, format_), 0.0)
        return _unless(row_unbounded, row_error), _unless(unbounded, error), np.asarray(loss, np.float64)

    @cached_property
    def _of_gradient(self) -> tuple[Floats, Floats]:
        if not differentiates_running_maxima(self._on, self._derivatives):
            return self._of_least_gradient
        return self._scaled(self._row_gradients(running=True))

    @cached_property
    def _of_least_gradient(self) -> tuple[Floats, Floats]:
        return self._scaled(self.least_row_gradients)

    def _scaled(self, rows: Unscaled) -> tuple[Floats, Floats]:
        on, by = self._on, self._derivatives
        with np.errstate(all="ignore"):
            gradient, error, unbounded = scale_gradient(on, by, rows)
        if self._ulps is not None:
            error = _in_ulp(gradient, self._ulps, output_format(on.problem, "gradient"))
        return _unless(unbounded, error), gradient

    @cached_property
    def _of_product(self) -> tuple[Floats | None, Floats | None]:
        if self._on.problem.vector is None:
            return None, None
        with np.errstate(all="ignore"):
            product, error, unbounded = hessian_vector(self._on, self._derivatives)
        return _unless(unbounded, error), product

    @cached_property
    def _along(self) -> tuple[Floats | None, Floats | None]:
        if self._on.problem.tangent is None:
            return None, None
        with np.errstate(all="ignore"):  # a forward mode returns what has the dtype of the loss
            along, error, unbounded = directional(self._on, self._by)
        return _unless(unbounded, error), along


def conformance(problem: Problem, conditions: Conditions) -> Allowances:
    """Return the most that a legitimate algorithm of the accuracy that the contract promises may be off.

    Accuracy "B" (shifted), "C" (also logsumexp - z_y) and "B+" (relative accuracy of the loss and the label's
    gradient) have the conformance constants of docs/bounds.md; "A" and "A*" are 1 and 0.5 + 2**-10 ulp of the output.
    An exact value that is infinite or undefined has the allowance 0 where the contract declares such input.
    """
    accuracy = problem.contract.accuracy
    by, derivatives = conforming(problem, accuracy), conforming(problem, accuracy, "gradient")
    return Allowances(conditions, by, derivatives, ULPS.get(accuracy))


def _in_ulp(values: Floats, ulps: float, format_: Format) -> Floats:
    """So many ulp at the values, which are known to 2**-30, and half a subnormal step."""
    return ulps * format_.ulp(values * (1.0 + 2.0**-30)) + format_.smallest_subnormal / 2.0


def _unless(unbounded: Flags, error: Floats) -> Floats:
    return np.where(unbounded, np.inf, error)
