"""A batch asked again and again: by chance, or by the rule of a value that runs on from call to call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.diagnosis.cause import Cause
from xentcheck.diagnosis.nearby_batches import LARGEST
from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case
from xentcheck.properties.twins import moved

Floats = NDArray[np.float64]
NONDETERMINISTIC = Cause(
    "nondeterministic",
    "The target answers the same batch with other numbers each time: it draws random numbers, threads race, or the "
    "calls before matter.",
)
NEARBY = (1 - 2.0**-6, 1 + 2.0**-7, 1 + 2.0**-6)
OFTEN = 8
"""How often a batch is asked, to see whether the answer is another each time."""
SELDOM = 3
"""How often where calls are slow, if the answers are the same to the bit."""
TELLING = 2.0**12
"""How many times its allowance the right answer to another batch has to be off, to tell one rule from another."""
Rule = tuple[Cause, Floats | float, Floats | float]
"""The next answer as a sum: of the last one times a number, and of the batch's own value times another."""
LEAST = 5
"""The fewest answers that tell a rule, which has two constants."""
AVERAGE = Cause(
    "state_kept",
    "A running average over the calls is returned: asked again and again, the answer comes nearer to the right one by "
    "the same share each time; return the batch's own.",
)
AVERAGE_OF_ALL = Cause(
    "state_kept",
    "The average over all calls is returned: asked again and again, the answer comes nearer to the right one as the "
    "count of the calls grows; return the batch's own.",
)
ADDED_UP = Cause(
    "state_kept",
    "What the calls return is added up: each time the right answer is added to the one before; begin at 0 each time.",
)


def rule_of(answers: Floats, right: Floats, allowed: Floats) -> Rule | None:
    """Return the rule that all answers to one batch follow within their rounding, or None.

    Parameters
    ----------
    answers : ndarray, shape (k, ...)
        In the order in which they were given.
    right, allowed : ndarray
        The exact values, and how far a right answer may be from them.

    Notes
    -----
    With e = answer - right an exponential average has e' = r e, and one over all calls, of which each has as many rows,
    e' = e c / (c + 1) and c' = c + 1, so that 1 / e grows by a constant; a sum has e' = e + right. A value that wears
    off from call to call follows the first rule, too, on one batch; on the next one it does not.
    """
    if len(answers) < LEAST:
        return None
    off = 4 * np.broadcast_to(allowed, right.shape)
    with np.errstate(all="ignore"):
        e, steps = answers - right, np.diff(answers, axis=0)
        if not np.isfinite(e).all() or not (np.abs(steps) > 16 * off).all():
            return None
        if (np.abs(steps - right) <= off).all():
            return ADDED_UP, 1.0, 1.0
        ratio = (e[-1] / e[0]) ** (1 / (len(e) - 1))
        if (np.abs(e[1:] - ratio * e[:-1]) <= off).all():
            return AVERAGE, ratio, 1 - ratio
        slope = (1 / e[-1] - 1 / e[0]) / (len(e) - 1)
        line = 1 / e[0] + slope * np.arange(len(e) + 1).reshape(-1, *(1,) * right.ndim)
        if (slope * e[0] > 0).all() and (np.abs(e - 1 / line[:-1]) <= off).all():
            kept = line[-2] / line[-1]
            return AVERAGE_OF_ALL, kept, 1 - kept
    return None


def follows(rule: Rule, last: Floats, answer: Floats, right: Floats, allowed: Floats) -> bool:
    """Return whether the answer to another batch, after the last one, is the one that the rule has."""
    _, kept, own = rule
    with np.errstate(all="ignore"):
        return bool((np.abs(kept * last + own * right - answer) <= 4 * allowed).all())


def when_repeated(case_of: Callable[[Batch], Case], batch: Batch, part: str) -> Cause | None:
    """Return what shows if a target is asked about a batch again and again, or None where it answers alike.

    Threads may come into each other's way now and then only.
    """
    often = OFTEN if batch.scores.size <= LARGEST else 2
    case = case_of(batch)
    answers = [case.answer]
    while len(answers) < often:
        if case.capabilities.expensive_calls and len(answers) == SELDOM and _alike(answers, part):
            return None
        answers.append(case_of(batch).answer)
    numbers = [answer.numbers(part) for answer in answers]
    if answers[0].truth.unspecified or any(one is None for one in numbers):
        return None
    allowed = np.asarray(getattr(answers[0].allowances, part))
    found = np.stack([one for one in numbers if one is not None])
    with np.errstate(invalid="ignore"):
        if not (np.isfinite(allowed) & (np.abs(found - found[0]) > allowed)).any():
            return None
    right = np.asarray(getattr(answers[0].enclosed, part).hi)
    rule = rule_of(found, right, allowed)
    kept = rule is not None and _goes_on(rule, case_of, batch, part, found[-1], right)
    return rule[0] if rule is not None and kept else NONDETERMINISTIC


def _alike(answers: list[Answer], part: str) -> bool:
    """Return whether answers are the same to the bit."""
    found = [answer.numbers(part) for answer in answers]
    return all(
        one is not None and found[0] is not None and np.array_equal(one, found[0], equal_nan=True) for one in found
    )


def _goes_on(
    rule: Rule, case_of: Callable[[Batch], Case], batch: Batch, part: str, last: Floats, right: Floats
) -> bool:
    """Return whether the answer to a batch of another right one follows a rule, after the last answer to this."""
    case = case_of(batch)
    for other in (*nearby(case.contract, batch)[:1], moved(case, batch)):
        answer = case_of(other).answer
        got, truth = answer.numbers(part), getattr(answer.enclosed, part)
        if got is None or truth is None or got.shape != last.shape:
            return False
        allowed = np.asarray(getattr(answer.allowances, part))
        if np.any(np.abs(truth.hi - right) > TELLING * allowed):
            return follows(rule, last, got, truth.hi, allowed)
        last = got
    return False


def nearby(contract: Contract, batch: Batch) -> list[Batch]:
    """Return batches of logits that are a little larger or smaller; none of other scores."""
    if contract.input != "logits":
        return []
    near = []
    for factor in NEARBY:
        scores = (batch.scores * factor).astype(batch.scores.dtype)
        scores[:, ::2] += scores.dtype.type(factor - 1)  # zeros, too, are to be others
        near.append(batch.replace(scores=scores))
    return [one for one in near if one.scores.tobytes() != batch.scores.tobytes()]
