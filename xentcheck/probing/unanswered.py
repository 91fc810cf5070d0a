"""What is said of a target none of whose calls returns numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xentcheck.batches.batch import Batch
from xentcheck.probing.show import said, shown
from xentcheck.targets import Outcome, TargetError

_ENTROPY = "; what returns the entropy of the scores alone is declared by output=entropy"
_OF_ONE_ROW = (
    "out of bounds for axis 0",
    "truth value of an array",
    "must be real number",
    "converted to Python scalar",
)
_ROWS = "; if it takes one row, write a function of all: [loss(z, y) for z, y in zip(scores, labels)]"


_NOTHING = "; if it keeps its result in its object, write a function of scores and labels that returns it from there"
_DICT = "; write a function of scores and labels that returns the loss from it"
_NO_ARRAYS = re.compile(r"numpy\.ndarray|returned an? [A-Z]\w*, but a number|string index|only integers, slices")
_OTHERS = (
    "; if it takes no arrays but tensors of its own, a dict of them or one a row, write a function of arrays that "
    "calls it, or say by xentcheck.Adapter how they are made, read and differentiated"
)


class UnansweredError(TargetError):
    """No call returned numbers.

    Parameters
    ----------
    message : str
    came : str
        What came of the most telling call.
    """

    def __init__(self, message: str, came: str) -> None:
        super().__init__(message)
        self.came = came


def unanswered(name: str, refusals: Sequence[tuple[Batch, Outcome]]) -> UnansweredError:
    """Return the error that says what came of the most telling call, and what may be done."""
    # What came back and cannot be read says more than a call that was perhaps not meant.
    came_back = (one for one in refusals if one[1].raised is not None and one[1].raised.call == "convert")
    batch, outcome = next(came_back, refusals[0])
    came = said(outcome).rstrip(". ")
    where = f" ({outcome.raised.where})" if outcome.raised is not None and outcome.raised.where else ""
    told = f"for {shown(batch)} came {came}{where}"
    if all(other.raised is not None and other.raised.call == "convert" for _, other in refusals):
        return UnansweredError(f"{name} cannot be probed: {said(outcome)}.", told)
    tried = " or ".join(map(str, dict.fromkeys(one.m for one, _ in refusals)))
    advice = _ENTROPY if "positional argument" in came and "missing" not in came else ""
    advice = _OTHERS if _NO_ARRAYS.search(came) else advice
    advice = _NOTHING if "returned None" in came else advice
    advice = _DICT if "returned a dict" in came else advice
    advice = _ROWS if any(mark in came for mark in _OF_ONE_ROW) else advice
    return UnansweredError(
        f"{name} cannot be probed, since none of {len(refusals)} calls with labels and scores of {tried} classes "
        f"returned numbers; {told}{advice}.",
        told,
    )
