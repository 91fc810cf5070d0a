"""From returned values to the mechanism: every hypothesis predicts them, and the one that hits is named."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from xentcheck.engine.causes.cancellation import accumulated, cancelled, narrowed, precision
from xentcheck.engine.causes.formulas import GROUPS as FORMULAS
from xentcheck.engine.causes.gradients import GROUPS as GRADIENTS
from xentcheck.engine.causes.gradients import vanished
from xentcheck.engine.causes.guards import FIRST
from xentcheck.engine.causes.guards import GROUPS as GUARDS
from xentcheck.engine.causes.guess import Guess
from xentcheck.engine.causes.labels import GROUPS as LABELS
from xentcheck.engine.causes.model import Floats, Model
from xentcheck.engine.causes.options import GROUPS as OPTIONS
from xentcheck.engine.causes.overflow import infinite_logs, range_lost, underflowed_logs
from xentcheck.engine.causes.reductions import GROUPS as REDUCTIONS
from xentcheck.engine.causes.reductions import LATE, constant_factor
from xentcheck.engine.causes.scores import GROUPS as SCORES
from xentcheck.engine.causes.scores import RARE
from xentcheck.engine.causes.tolerance import Returned, allowance, distance
from xentcheck.truth.allowance import conformance
from xentcheck.truth.conditions import conditions
from xentcheck.truth.problem import Problem


@dataclass(frozen=True)
class Cause:
    """A mistake that explains what was returned.

    Parameters
    ----------
    mechanism : str
        A short key, such as "mean_for_sum".
    sentence : str
        What is wrong and what to change, for someone who has not seen the code of xentcheck.
    """

    mechanism: str
    sentence: str


Group = Callable[[Model], Iterator[Guess]]

# Simpler and commoner mechanisms first: the order decides between those that predict the same values.
GROUPS: tuple[Group, ...] = (
    *REDUCTIONS,
    *FIRST,
    *LABELS,
    *OPTIONS,
    *GRADIENTS,
    *GUARDS,
    infinite_logs,
    cancelled,
    accumulated,
    range_lost,
    underflowed_logs,
    narrowed,
    vanished,
    *SCORES,
    *FORMULAS,
    *RARE,
    *LATE,
)
# What is cheap enough for batches of any size.
LABELLING: tuple[Group, ...] = (*REDUCTIONS, *LABELS, *OPTIONS)
LARGEST = 2**20  # entries; all groups take some two seconds for as many

FALLBACKS = (constant_factor, precision)  # asked in this order where no hypothesis predicts the values


def likely_cause(problem: Problem, part: str, got: ArrayLike, held_scale: ArrayLike | None = None) -> Cause | None:
    """Return the mechanism that explains the values returned, or None where none is known or none is wrong.

    Parameters
    ----------
    problem : Problem
        The batch in full.
    part : {"loss", "gradient"}
    got : array of float64, shape () or (n,) for the loss, (n, m) for the gradient
        The whole part, as the target returned it.
    held_scale : float or array of the shape of `got`, optional
        The allowance to which the part was held; elements within it of the right value count as right.
        By default that of the verdict; see xentcheck.truth.allowance.

    Notes
    -----
    It never raises and never warns: a diagnosis is an extra, and must not spoil a finding.
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _diagnose(Model(problem, part), np.asarray(got, np.float64), held_scale)
    except Exception:
        return None


def _diagnose(model: Model, got: Floats, held_scale: ArrayLike | None) -> Cause | None:
    if model.part not in ("loss", "gradient") or not got.size or got.shape != model.right.shape:
        return None
    held = _promised(model) if held_scale is None else np.asarray(held_scale, np.float64)
    allowed = np.broadcast_to(held, got.shape)
    if not np.any(distance(got, model.right) > allowed):
        return None
    groups = GROUPS if got.size <= LARGEST and model.z.size <= LARGEST else LABELLING
    hits = []
    returned = Returned(model, got, allowed)
    for group in groups:
        for guess in _guesses(group, model):
            bits = returned.evidence(guess)
            if bits is not None:
                hits.append((bits, guess))
    for fallback in FALLBACKS:
        if hits:
            break
        hits = [(math.inf, guess) for guess in fallback(model, got, allowed)]
    if not hits:
        return None
    best = max(bits for bits, _ in hits)
    chosen = next(guess for bits, guess in hits if bits >= min(0.95 * best, best - 2) or bits == best)
    return Cause(chosen.mechanism, chosen.sentence)


def _promised(model: Model) -> Floats:
    """Return the allowance of the verdict; where it is infinite, one that a right value will hardly exceed."""
    plain = allowance(model)
    allowances = conformance(model.problem, conditions(model.problem))
    strict = allowances.loss if model.part == "loss" else allowances.gradient
    return plain if strict is None else np.where(np.isfinite(strict), strict, plain)


def _guesses(group: Group, model: Model) -> Iterator[Guess]:
    """Yield the guesses of a group; one that cannot be computed for this problem ends its group, no more."""
    try:
        yield from group(model)
    except (ArithmeticError, ValueError, IndexError, TypeError, AssertionError):
        return
