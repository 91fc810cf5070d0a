"""Bad input that a contract leaves open: what a target makes of it is seen and not judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.targets.outcome import Outcome

if TYPE_CHECKING:
    from xentcheck.properties.case import Evaluator

OFTEN, SELDOM = 8, 2
"""How many batches with bad input of one kind are kept in a cell; the fewer where each new shape is compiled."""
_FATAL = 3


@dataclass(frozen=True, eq=False)
class LeftOpen:
    """Bad input about which a contract says nothing.

    Parameters
    ----------
    kind : str
        What is alike in all that are tried instead of one another.
    batch : Batch
    what : str
        What is bad about it, in words.
    """

    kind: str
    batch: Batch
    what: str


def seen(left_open: Iterable[LeftOpen], host: Evaluator) -> Counter[str]:
    """Return in sentences what a target makes of bad input, and how often.

    A kind that has ended the process is not tried again; after three such kinds nothing is.

    Parameters
    ----------
    left_open : iterable of LeftOpen
    host : Evaluator
        One of which no valid batch is asked any more, since bad input may have spoiled the target's memory.
    """
    found: Counter[str] = Counter()
    fatal: set[str] = set()
    for one in left_open:
        if one.kind in fatal:
            continue
        outcome = host.evaluate(one.batch, ("loss", "gradient"))
        told = f"the target {said(outcome)}"
        if outcome.died:
            fatal.add(one.kind)
            again = host.evaluate(one.batch, ("loss", "gradient"))  # in a new process, which nothing has spoiled
            told = f"ends the target's process: {again.died or outcome.died}{'' if again.died else ', after others'}"
        elif outcome.raised is not None:
            alone = host.evaluate(one.batch, ("gradient",))
            if alone.gradient is not None and alone.raised is None:
                told = f"{told}, but its gradient, called alone, {said(alone)}"
        found[f"{one.what}: not declared; {told}"] += 1
        if len(fatal) == _FATAL:
            found[f"no more bad input was tried: {_FATAL} kinds that are not declared ended the process"] += 1
            break
    return found


def returned(outcome: Outcome) -> NDArray[Any] | None:
    """Return the loss, or the gradient where there is none, or None."""
    return next((part for part in (outcome.loss, outcome.gradient) if part is not None), None)


def said(outcome: Outcome) -> str:
    """Return "returns a finite number", "returned None" (or else what is no number), or "raises ValueError"."""
    raised = outcome.raised
    if raised is None:
        return f"returns {_shown(returned(outcome))}"
    if raised.call == "convert":
        message = raised.message.partition(", but")[0].removeprefix("the loss ").removeprefix("the gradient ")
        return message if message.startswith("returned") else f"returned what is no number ({raised.kind})"
    return f"raises {raised.kind}"


def _shown(result: NDArray[Any] | None) -> str:
    if result is None:
        return "nothing"
    if not result.size:
        return "an empty array"
    if result.dtype.kind == "c":
        kind = "a complex number"
    else:
        with np.errstate(over="ignore"):
            numbers = np.asarray(result).astype(np.float64)
        some = "an infinite number" if np.isinf(numbers).any() else "a finite number"
        kind = "nan" if np.isnan(numbers).any() else some
    return kind if result.ndim == 0 else f"an array with {kind}"
