"""Law 15: the derivative of the loss by forward mode, along a tangent."""

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
from xentcheck.truth.allowance_reduction import divisor

PART = "jvp"
NAME = "derivative along the tangent"
LARGEST = 2**16


def _bounded(contract: Contract, capabilities: Capabilities) -> str:
    return "no bound is derived for an entropy's derivative along a tangent" if contract.is_entropy else ""


@law(
    15,
    "forward-mode",
    "By forward mode the loss has the derivative along a tangent that its gradient gives. An error is acceptable.",
    formula="jvp(v) = Σ g_ij v_ij",
    sources="pytorch 73741, 79609, 196705; t5x 351",
    needs=PART,
    applies=_bounded,
)
def forward_mode(case: Case) -> Iterator[Found]:
    """Ask for the derivative along one tangent.

    Along one number for all classes of a row the loss of logits does not change, but by a z-loss, and a sum over the
    classes has to cancel.
    """
    batch = case.batch
    if batch.scores.size > LARGEST or not (case.may_compile and case.capabilities.jvp):
        return
    tangent = direction(case.random("forward mode"), batch.scores.shape, batch.scores.dtype)
    yield _held(case, case.ask(batch, tangent=tangent.astype(batch.scores.dtype)), tangent)


def _held(case: Case, answer: Answer, tangent: NDArray[np.float64]) -> Iterator[Violation]:
    """Hold the derivative against the certified one.

    A target that raises because it has no forward mode is observed only: nothing wrong comes of it. Where the loss of
    the batch is wrong already, that is what laws 1 and 12 report.
    """
    raised = answer.outcome.raised
    if raised is not None and raised.call != "convert":
        case.observe(f"the derivative along a tangent is refused ({raised.kind})")
        case.on_refusal(PART)
        return
    failure, malformed = failed_call(answer), answer.malformed(PART)
    if failure is not None:
        yield replace(failure, tangent=tangent.tolist())
    elif malformed:
        yield Violation(malformed.replace(PART, NAME), answer.batch, PART, tangent=tangent.tolist())
    else:
        broken = answer.violation(PART)
        if broken is not None and not ("loss" in case.want and case.answer.violation("loss")):
            yield replace(broken, title=_title(answer, tangent))


def _title(answer: Answer, tangent: NDArray[np.float64]) -> str:
    """Return what is wrong with a derivative along a tangent, as far as a common mistake explains it."""
    got, exact, allowed = answer.numbers(PART), answer.allowances.jvp_estimate, answer.allowances.jvp
    assert got is not None
    assert exact is not None
    assert allowed is not None
    if not np.isfinite(got).all():
        return f"the {NAME} is not finite"
    if not got.any():
        return f"the {NAME} is silently zero"
    n, m = answer.batch.n, answer.batch.m
    factors = ((-1.0, "the negative of"), (n, "n times"), (1.0 / n, "an n-th of"), (1.0 / m, "an m-th of"))
    for factor, said in (*factors, (2.0, "twice"), (0.5, "half")):
        if factor != 1.0 and bool(np.all(np.abs(got - factor * exact) <= 4.0 * allowed)):
            return f"the {NAME} is {said} the exact one"
    if answer.contract.input == "logits" and answer.contract.boundary.exact and answer.problem.soft_cap is None:
        label = _reduced(answer, (answer.truth.conditions.c * tangent).sum(axis=1))
        for guess, said in (
            (exact + label, "lacks the label's entry of the tangent"),
            (-label, "is minus the label's entry of the tangent alone"),
        ):
            if np.any(label) and bool(np.all(np.abs(got - guess) <= 4.0 * allowed)):
                return f"the {NAME} {said}"
    logits = answer.contract.input == "logits" and answer.problem.z_loss == 0.0
    if logits and n and np.all(tangent == tangent[:, :1]):
        return f"the {NAME} is not 0 for one number along each row, by which the loss does not change"
    return f"the {NAME} is outside its allowance"


def _reduced(answer: Answer, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers a row, by the logits over a temperature, as the loss is reduced."""
    rows, reduction = rows / (answer.problem.temperature or 1.0), answer.contract.reduction
    if reduction == "none":
        return rows
    by = divisor(answer.truth.conditions) if reduction == "mean" else answer.problem.divisor
    return np.asarray(rows.sum() / (by or 1.0))
