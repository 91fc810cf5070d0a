"""The right product of a Hessian and a vector: w (diag p - p p^T) v for each row."""

from __future__ import annotations

from functools import cached_property

from xentcheck.diagnosis.loss_model import Floats, Model, dot
from xentcheck.truth.problem import Problem

PART = "hessian_vector"


class HessianModel(Model):
    """The right product of a problem's Hessian and vector, and what it is made of."""

    derived = PART

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem, "gradient")
        assert problem.vector is not None
        self.v: Floats = problem.vector / self.temperature
        self.weight = self.factor_of_p(self.t)
        if problem.z_loss:
            self.weight = self.weight + 2 * problem.z_loss * (problem.kept * self.lse)[:, None]

    @cached_property
    def right(self) -> Floats:
        """The right product."""
        return self.along(self.v)

    def along(self, v: Floats) -> Floats:
        """Return the product with a vector, shape (n, m), over the temperature."""
        p = self.softmax[1]
        mean = dot(p, v)[:, None]
        rows = self.weight * p * (v - mean)
        if self.problem.z_loss:
            rows = rows + 2 * self.problem.z_loss * self.problem.kept[:, None] * p * mean
        return self.finish(rows)
