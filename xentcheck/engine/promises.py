"""Which other promise a target keeps where it breaks its own: told beside a finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.diagnosis import variations
from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case
from xentcheck.properties.law import Violation
from xentcheck.truth.formats import FORMATS

_COMPUTE = {
    "same": "results to be rounded to {dtype} on the way, and sums to be taken in float32",
    "{dtype}": "sums, too, to be taken in {dtype}",
}
# The strictest first.
_ACCURACY = {
    "A": "an error of a unit in the last place",
    "B+": "what is rounded on the way to count, relative to the loss and to the label's gradient",
    "B": "a confident row's loss and gradient to be right to the unit roundoff alone, and no closer",
    "C": "a common offset of all logits, or their size, to cost accuracy (as logsumexp(z) - z_y does)",
}
_OF_SOFT_LABELS = {"C": ", and soft labels to be read back from their logarithms (as a distribution keeps them)"}


def weaker_promise(
    violation: Violation, contract: Contract, case_of: Callable[[Batch, Contract], Case]
) -> tuple[str, str] | None:
    """Return the promise that alone stands between a wrong number and a right one, and a line that says so; or None.

    The target is asked again for what it was given, and for batches with other numbers in it, and the whole answers are
    held against the wider allowances: of a weaker `accuracy`, then, in 16 bits, of `compute=same` and of the dtype
    itself. One that is infinite promises nothing.

    Parameters
    ----------
    violation : Violation
    case_of : callable
        From a batch and a contract to its case.
    """
    if violation.bounds is None:
        return None
    batch = violation.batch
    grades = list(_ACCURACY) if contract.input == "logits" else []
    kept_already = grades.index(contract.accuracy) + 1 if contract.accuracy in grades else 0
    of_soft = _OF_SOFT_LABELS if batch.label_form == "soft" else {}
    promises = [("accuracy", grade, _ACCURACY[grade] + of_soft.get(grade, "")) for grade in grades[kept_already:]]
    # A 16-bit dtype is worked on in float32 where the contract leaves `compute` open.
    if contract.compute is None and FORMATS[batch.dtype].is_half:
        promises += [("compute", form.format(dtype=batch.dtype), allows) for form, allows in _COMPUTE.items()]
    further = {"upstream": violation.upstream, "vector": violation.vector, "tangent": violation.tangent}
    beside: dict[str, Any] = {name: None if value is None else np.asarray(value) for name, value in further.items()}
    for key, value, allows in promises:
        other = contract.replace(**{key: value})

        def kept(each: Batch, other: Contract = other) -> bool:
            case = case_of(each, other)
            answer = case.ask(each, **beside)
            given = [part for part in answer.parts if answer.numbers(part) is not None]
            return bool(given) and all(_promises(answer, part) and answer.violation(part) is None for part in given)

        if kept(batch) and all(map(kept, variations(contract, batch, new_shapes=False))):
            promise = f"{key}={value}"
            return promise, f"would conform here with {promise}, which allows {allows.format(dtype=batch.dtype)}"
    return None


def _promises(answer: Answer, part: str) -> bool:
    return bool(np.isfinite(getattr(answer.allowances, part)).all())
