"""Answers of a slow target that one reduction has got already, for the next one: laws fall on the same batches."""

from __future__ import annotations

from collections.abc import Callable

from xentcheck.batches.batch import Batch
from xentcheck.batches.storage import same_content
from xentcheck.properties.case import Case

LARGEST = 2**12  # entries of a batch whose answer is kept


class Recalled:
    """From a batch to its case, which has the answer of an earlier case of the same batch where there is one.

    For laws that ask about nothing but the batch: one that asks twice, or after something else, needs answers of its
    own. What the target's process died of is asked again.

    Parameters
    ----------
    case_of : callable
        From a batch to a case that has asked nothing.
    """

    def __init__(self, case_of: Callable[[Batch], Case]) -> None:
        self._case_of = case_of
        self._earlier: dict[object, Case] = {}

    def __call__(self, batch: Batch) -> Case:
        """Return the case of a batch."""
        case = self._case_of(batch)
        if batch.scores.size <= LARGEST:
            earlier = self._earlier.setdefault(same_content(batch), case)
            if earlier is not case and "answer" in vars(earlier) and not earlier.deaths:
                case.answer = earlier.answer
        return case
