"""Law 16: the second derivative of the loss, by its product with a vector or by differencing the gradient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xentcheck.contract import Contract
from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case
from xentcheck.properties.directions import direction
from xentcheck.properties.failed_call import failed_call
from xentcheck.properties.law import Capabilities, Found, Violation, law
from xentcheck.truth import hessian
from xentcheck.truth.allowance_reduction import divisor

PART = "hessian_vector"
LARGEST = 2**16
DIFFERENCED = 2**9
_STEPS = np.array([1.0, -1.0, 2.0, 0.0, -0.5, 3.0, 0.5, -2.0])


def _certified(contract: Contract, capabilities: Capabilities) -> str:
    offered = capabilities.hessian_vector or capabilities.gradient
    return hessian.unsupported(contract) if offered else "the target offers neither Hessian-vector product nor gradient"


@law(
    16,
    "second-order",
    "The Hessian is w (diag p - p p^T), positive semidefinite, 0 along ones. An error is acceptable, zeros are not.",
    formula="H = w (diag(p) − p p^T), H ⪰ 0, H·1 = 0",
    sources="tensorflow 7403, 5876; scikit-learn 14608",
    needs="any",
    applies=_certified,
)
def second_order(case: Case) -> Iterator[Found]:
    """Its product with a vector where the target offers one, and otherwise its gradient, differenced."""
    yield from _product(case) if case.capabilities.hessian_vector else _differenced(case)


def _differenced(case: Case) -> Iterator[Found]:
    """Hold the two gradients of a central difference against theirs, on every fourth small batch.

    The error of (g(z + h v) - g(z - h v)) / 2h is that of the two gradients over 2h, beside what truncation adds. So
    the difference is right where both are, and the one that is not is shown: a gradient that stands still between
    neighbours, because it is remembered or looked up, is right on every batch but not on both sides of it.
    """
    batch, random = case.batch, case.random("difference")
    if not 0 < batch.scores.size <= DIFFERENCED or random.random() >= 0.25:
        return
    step = 2.0 ** -round(case.answer.problem.format.precision / 3)  # where rounding and truncation are alike
    move = step * random.choice(_STEPS, size=batch.scores.shape)
    for sign, said in ((1, "forward"), (-1, "back")):
        moved = (batch.scores.astype(np.float64) + sign * move).astype(batch.scores.dtype)
        scores = np.where(np.isfinite(moved), moved, batch.scores)
        yield case.check(batch.replace(scores=scores), f"a step of {step:g} {said} along a direction")


def _product(case: Case) -> Iterator[Found]:
    """Ask for the product with one vector; that with one number for all classes of a row is 0, but for a z-loss."""
    batch = case.batch
    if batch.scores.size > LARGEST or not case.may_compile:
        return
    vector = direction(case.random("second order"), batch.scores.shape, batch.scores.dtype)
    yield _held(case, case.ask(batch, vector=vector.astype(batch.scores.dtype)), vector)


def _held(case: Case, answer: Answer, vector: NDArray[np.float64]) -> Iterator[Violation]:
    """Hold the product against the certified one, element by element.

    A target that raises because it cannot be differentiated twice is observed only: nothing wrong comes of it.
    """
    raised = answer.outcome.raised
    if raised is not None and raised.call != "convert":
        case.observe(f"the Hessian-vector product is refused ({raised.kind})")
        case.on_refusal(PART)
        return
    failure = failed_call(answer)
    malformed = answer.malformed(PART)
    if failure is not None:
        yield replace(failure, vector=vector.tolist())
    elif malformed:
        yield Violation(malformed.replace(PART, "Hessian-vector product"), answer.batch, PART, vector=vector.tolist())
    else:
        broken = answer.violation(PART)
        if broken is not None:
            yield replace(broken, title=_title(answer, vector))


def _title(answer: Answer, vector: NDArray[np.float64]) -> str:
    """Return what is wrong with a Hessian-vector product, as far as a common mistake explains it."""
    got, exact = answer.numbers(PART), answer.allowances.hessian_vector_estimate
    allowed = answer.allowances.hessian_vector
    assert got is not None
    assert exact is not None
    assert allowed is not None
    on, contract = answer.truth.conditions, answer.contract
    p = on.p
    weight = (on.factor + 2.0 * on.penalty * on.lse)[:, None]
    if contract.effective_gradient_reduction == "mean":
        weight = weight / (divisor(on) or 1.0)
    elif contract.effective_gradient_reduction == "sum":
        weight = weight / (answer.problem.divisor or 1.0)
    weight = weight / (answer.problem.temperature or 1.0) ** 2

    def explains(guess: NDArray[np.float64]) -> bool:
        return bool(np.all(np.abs(got - guess) <= 4.0 * allowed))

    if not np.isfinite(got).all():
        return "the Hessian-vector product is not finite"
    if not got.any():
        return "the Hessian-vector product is silently zero"
    for factor, said in ((2.0, "twice"), (0.5, "half"), (-1.0, "the negative of"), (answer.batch.n, "n times")):
        if factor != 1.0 and exact.any() and explains(factor * exact):
            return f"the Hessian-vector product is {said} the exact one"
    if explains(weight * p * (1.0 - p) * vector):
        return "the Hessian-vector product is that of the diagonal alone"
    if explains(weight * p * vector):
        return "the Hessian lacks the outer product p p^T: times a vector of ones it is not 0"
    if np.all(vector == vector[:, :1]) and answer.problem.z_loss == 0.0:
        return "the Hessian times the same number for every class is not 0"
    curvature, slack = float((got * vector).sum()), float((allowed * np.abs(vector)).sum())
    if curvature < -slack and answer.problem.z_loss == 0.0:
        kind, along = "positive" if contract.sign > 0 else "negative", contract.sign * curvature
        return f"the Hessian is not {kind} semidefinite: along a direction the curvature is {along:.3g}"
    return "the Hessian-vector product is outside its allowance"
