"""The certified truth of one batch under a contract, each part of it calculated when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.truth.allowance import Allowances, conformance
from xentcheck.truth.allowance_model import output_format
from xentcheck.truth.boundaries import as_read
from xentcheck.truth.conditions import Conditions, conditions
from xentcheck.truth.enclose import Enclosed, enclose, unspecified
from xentcheck.truth.grades import Bounds, tight
from xentcheck.truth.problem import Problem, pose
from xentcheck.truth.stacked import allowances_of, enclosed_of, stacks

CLEAR = 24
"""The precision up to which float64 arithmetic can show a result to be right."""


class Truth:
    """The certified truth of one batch under a contract; calculated when it is asked for."""

    def __init__(
        self,
        contract: Contract,
        batch: Batch,
        upstream: NDArray[Any] | None,
        gradient: bool,
        vector: NDArray[Any] | None = None,
        tangent: NDArray[Any] | None = None,
    ):
        self._given = (contract, batch, upstream, vector, tangent)
        self._gradient = gradient
        self._quick: Enclosed | None = None

    @cached_property
    def problem(self) -> Problem:
        """The exact question."""
        contract, batch, upstream, vector, tangent = self._given
        further = {"upstream": upstream, "vector": vector, "tangent": tangent}
        return pose(contract, batch.scores, batch.labels, batch.label_form, dict(batch.options), **further)

    @cached_property
    def readings(self) -> tuple[Truth, ...]:
        """The truth under each legitimate reading of the boundary's constants; this alone where there is but one."""
        problems = as_read(self.problem)
        if len(problems) == 1:
            return (self,)
        found = tuple(Truth(*self._given[:3], self._gradient, *self._given[3:]) for _ in problems)
        for truth, problem in zip(found, problems, strict=True):
            truth.problem = problem
        return found

    @cached_property
    def as_scores(self) -> Truth:
        """The same with derivatives that came in the dtype of the scores, where the contract names a wider one."""
        problem = self.problem
        if output_format(problem).precision <= problem.format.precision:
            return self
        found = Truth(*self._given[:3], self._gradient, *self._given[3:])
        found.problem = replace(problem, gradient_as_scores=True)
        return found

    @cached_property
    def conditions(self) -> Conditions:
        """The quantities that the allowances are made of."""
        return conditions(self.problem)

    @cached_property
    def enclosed(self) -> Enclosed:
        """The enclosures of loss and gradient."""
        return enclose(self.problem, gradient=self._gradient)

    @cached_property
    def tights(self) -> Bounds:
        """The bounds by which the batch is graded."""
        return tight(self.problem, self.conditions)

    @cached_property
    def allowances(self) -> Allowances:
        """The conformance allowances."""
        return conformance(self.problem, self.conditions)

    @cached_property
    def unspecified(self) -> bool:
        """Whether loss or gradient are a mean of nothing, about which the contract says nothing."""
        return unspecified(self.problem, self._gradient or self.problem.vector is not None)

    @property
    def quick(self) -> Enclosed | None:
        """Enclosures made for several batches at once, if there are any: to see that an answer is right, not more."""
        return self._quick

    def prepare(self) -> None:
        """Calculate now what deciding on an answer takes; enclosures where float64 arithmetic shows nothing."""
        _ = self.allowances.loss, self.allowances.least_gradient if self._gradient else None
        if self.problem.format.precision > CLEAR and self._quick is None:
            _ = self.enclosed


def prepare_all(truths: Sequence[Truth]) -> None:
    """Calculate what deciding on answers takes, of several batches under one contract at once where they are alike.

    Enclosures of all at once only show that answers are right. What they do not show is decided by the batch's own.
    """
    new = [truth for truth in dict.fromkeys(truths) if "allowances" not in vars(truth)]
    for gradient in {truth._gradient for truth in new}:
        chosen = [truth for truth in new if truth._gradient is gradient]
        for places, stack in stacks([truth.problem for truth in chosen]):
            members = [chosen[place] for place in places]
            problems = [truth.problem for truth in members]
            for truth, (on, allowances) in zip(members, allowances_of(stack, problems, gradient), strict=True):
                truth.conditions, truth.allowances = on, allowances
            if stack.format.precision > CLEAR:
                for truth, enclosed in zip(members, enclosed_of(stack, problems, gradient), strict=True):
                    truth._quick = enclosed
    for truth in truths:
        truth.prepare()
