"""The right derivative of the loss along a tangent: each row's gradient times the tangent, reduced as the loss is."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from xentcheck.diagnosis.loss_model import Floats, Model
from xentcheck.truth.problem import Problem

PART = "jvp"


class TangentModel(Model):
    """The right derivative along a problem's tangent, and the gradient that it is made of."""

    derived = PART

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem, "gradient")
        assert problem.tangent is not None
        self.v: Floats = problem.tangent
        self.reduction = self.contract.reduction

    def finish(
        self,
        rows: Floats,
        divisor: float | None = None,
        upstream: Floats | float | None = None,
        slope: Floats | float | None = None,
    ) -> Floats:
        """Return what rows of a gradient come to along the tangent, reduced as the loss is."""
        gradient = super().finish(rows, divisor, 1.0, slope)
        return self.reduced(gradient * self.v)

    def reduced(self, terms: Floats) -> Floats:
        """Return the sum of terms (n, m), which have their divisor, over the classes and, where it is reduced, rows."""
        return np.asarray(terms.sum(axis=-1) if self.reduction == "none" else terms.sum())

    @cached_property
    def gradient(self) -> Floats:
        """The right gradient of the reduced loss, shape (n, m)."""
        return super().finish(self.rows())
