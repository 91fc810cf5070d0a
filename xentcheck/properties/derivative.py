"""The second half of law 2: the gradient is the derivative of the target's own loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case
from xentcheck.properties.law import Capabilities, Found, Violation, law
from xentcheck.truth.allowance import Allowances
from xentcheck.truth.allowance_model import conforming
from xentcheck.witnesses.differences import directional, dyadic_direction, dyadic_scores, inner

LARGEST = 64


def _differentiable(contract: Contract, capabilities: Capabilities) -> str:
    if not capabilities.loss:
        return "the target offers no loss"
    if contract.input != "logits" or contract.gradient_wrt != "logits":
        return "the bound of the differences is one for logits"
    if contract.is_entropy:
        return "the bound of the differences is one for losses"
    transformed = contract.soft_cap is not None or contract.temperature is not None
    if contract.z_loss != 0.0 or transformed or not contract.boundary.exact:
        return "the bound of the differences is one for plain losses"
    if contract.effective_gradient_reduction != contract.reduction:
        return "the gradient is declared to be that of another reduction"
    return ""


@law(
    2,
    "own-gradient",
    "The gradient is the derivative of the target's own loss.",
    formula="⟨g(z), v⟩ = lim (loss(z + hv) − loss(z − hv)) / 2h",
    sources="tensorflow 7403, 5876; scikit-learn 14608; jax check_grads and chex pass or fail it wrongly",
    needs="gradient",
    dtypes=("float64",),
    labels=("sparse", "onehot"),
    applies=_differentiable,
)
def own_gradient(case: Case) -> Iterator[Found]:
    """Richardson's difference of the loss along a random direction, in float64, with its bound.

    Needs no certified truth: it finds a pair of loss and gradient that do not belong together.
    p - t as a policy is no exception: the labels looked at have one class a row, and it is the derivative there.
    """
    batch = _plain(case)
    if not 0 < batch.scores.size <= LARGEST:
        return
    scores = batch.scores.astype(np.float64)
    if not np.all(np.isfinite(scores)) or np.abs(scores).max() > 2.0**20:
        return
    direction = dyadic_direction(case.random("direction"), scores.shape)
    moved = batch.replace(scores=dyadic_scores(scores))
    base = case.ask(moved, judged=False)
    weights, smoothing = base.problem.class_weights, base.problem.smoothing
    if smoothing != 0.0 or (weights is not None and not np.all(weights == 1.0)) or not base.problem.kept.all():
        return  # constants of the contract, or a row that is ignored
    noise = _noise(base)
    if not np.isfinite(noise):
        return
    scale = np.full(
        moved.n, 1.0 / moved.n if case.contract.reduction == "mean" else 1.0 / (base.problem.divisor or 1.0)
    )
    asked: list[Answer] = []
    # With its gradient, too, where the loss alone would have to be compiled.
    parts = case.want if case.capabilities.expensive_shapes else ("loss",)

    def ask(z: NDArray[np.float64]) -> NDArray[np.float64]:
        asked.append(case.ask(moved.replace(scores=z), want=parts, judged=False))
        return np.zeros(())

    # At its points; these do not depend on the losses.
    directional(ask, moved.scores, direction, noise, weights=scale)
    yield _along(case, base, direction, asked, noise, scale)


def _noise(base: Answer) -> float:
    """Return by how much the loss may be off, and be one of the pair: as `accuracy=C` allows, whatever is promised.

    That digits are lost to a common offset of all logits breaks the law of values, and makes no other gradient right.
    """
    by = conforming(base.problem, "C")
    return float(np.sum(Allowances(base.truth.conditions, by, by).loss))


def _along(
    case: Case,
    base: Answer,
    direction: NDArray[np.float64],
    asked: list[Answer],
    noise: float,
    scale: NDArray[np.float64],
) -> Iterator[Violation]:
    """Hold the gradient along a direction against the difference of the losses at some points of it."""
    moved, allowed = base.batch, base.allowances
    gradient, loss = base.numbers("gradient"), base.numbers("loss")
    if gradient is None or loss is None or not np.all(np.isfinite(gradient)):
        return
    losses = [answer.numbers("loss") for answer in asked]
    told = iter([np.full(loss.shape, np.nan) if one is None else one for one in losses])
    estimate, bound = directional(lambda z: next(told), moved.scores, direction, noise, weights=scale)
    slope, rounding = inner(gradient, direction)
    tolerance = float((np.abs(direction) * np.where(np.isfinite(allowed.gradient), allowed.gradient, np.inf)).sum())
    limit = bound + rounding + tolerance
    if np.isfinite(limit) and np.isfinite(estimate):
        case.looked()
    if np.isfinite(limit) and abs(slope - estimate) > limit:
        limit *= max(_times(base, "gradient"), *(_times(answer, "loss") for answer in (base, *asked)))
    if np.isfinite(limit) and abs(slope - estimate) > limit and not _wrong_alone(case, base):
        sign, name = case.contract.sign, case.contract.spoken("loss")
        said = f"the gradient says {sign * slope:.9g}, but the {name} {sign * estimate:.9g} +- {bound:.2g}"
        yield Violation(
            f"along a direction {said}",
            moved,
            "gradient",
            got=slope,
            allowance=rounding + tolerance,
            times=abs(slope - estimate) / limit,
            returned=gradient,
        )


def _wrong_alone(case: Case, base: Answer) -> bool:
    """Return whether the loss is wrong where it is asked alone, and right beside its gradient: `determinism` tells."""
    if len(case.want) == 1 or base.violation("loss") is not None:
        return False
    return case.ask(base.batch, want=("loss",)).violation("loss") is not None


def _times(answer: Answer, part: str) -> float:
    """Return by how much what is wrong is larger than what is right: its rounding errors and derivatives are, too."""
    got = answer.numbers(part)
    measured = None if answer.failed(part) is None else answer.measured(part)
    if measured is None or got is None:
        return 1.0
    right = float(np.abs(measured[1]).max(initial=0.0))
    return max(1.0, float(np.abs(got).max(initial=0.0)) / right) if right else np.inf


def _plain(case: Case) -> Batch:
    """Return the batch with the least smoothing and with weights of 1, where these are arguments."""
    batch = case.batch
    options = dict(batch.options)
    for key in ("class_weights", "row_weights"):
        if options.get(key) is not None:
            options[key] = np.ones_like(np.asarray(options[key]))
    if options.get("label_smoothing") is not None:
        options["label_smoothing"] = case.contract.drawn["label_smoothing"].inside(0.0)
    return batch.replace(options=options)
