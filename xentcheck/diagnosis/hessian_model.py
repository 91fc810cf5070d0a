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
    def mean_of_vector(self) -> Floats:
        """The mean of the vector's row under p, shape (n, 1)."""
        return dot(self.softmax[1], self.v)[:, None]

    @cached_property
    def right(self) -> Floats:
        """The right product."""
        p = self.softmax[1]
        rows = self.weight * p * (self.v - self.mean_of_vector)
        if self.problem.z_loss:
            rows = rows + 2 * self.problem.z_loss * self.problem.kept[:, None] * p * self.mean_of_vector
        return self.finish(rows)
