"""What is sent to a worker: calls, and messages with several of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.targets.question import Question

Call = tuple[dict[str, Any], list[NDArray[Any]]]
SMALL = 2**16
"""Bytes of the arrays of a call up to which it travels with others: the answers to these go through the stream."""


def call_of(question: Question) -> Call:
    """Return header and arrays of a call."""
    batch = question.batch
    option_arrays = {key: np.asarray(value) for key, value in batch.options.items() if np.ndim(value) > 0}
    further = (question.upstream, question.vector, question.tangent)
    given = [np.asarray(array) for array in further if array is not None]
    arrays = [np.asarray(batch.scores), np.asarray(batch.labels), *given, *option_arrays.values()]
    header = {
        "want": list(question.want),
        "label_form": batch.label_form,
        "layout": batch.layout,
        "has_upstream": question.upstream is not None,
        "has_vector": question.vector is not None,
        "has_tangent": question.tangent is not None,
        "option_arrays": list(option_arrays),
        "options": {
            key: value.item() if isinstance(value, (np.generic, np.ndarray)) else value
            for key, value in batch.options.items()
            if key not in option_arrays
        },
        "given": len(arrays),
    }
    return header, arrays


def message_of(calls: Sequence[Call]) -> Call:
    """Return header and arrays of a message with several calls."""
    return {"calls": [header for header, _ in calls]}, [array for _, arrays in calls for array in arrays]


def together(calls: Sequence[Call]) -> Sequence[Call]:
    """Return the first of some calls, as many as travel together: small ones, or else one."""
    small = next((place for place, (_, arrays) in enumerate(calls) if _bytes(arrays) > SMALL), len(calls))
    return calls[: max(small, 1)]


def _bytes(arrays: Sequence[NDArray[Any]]) -> int:
    return sum(array.nbytes for array in arrays)
