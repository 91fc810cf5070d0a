"""Which other promise a target keeps where it breaks its own: told beside a finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.case import Case
from xentcheck.properties.law import Violation
from xentcheck.truth.formats import FORMATS

_COMPUTE = {
    "same": "results to be rounded to {dtype} on the way, and sums to be taken in float32",
    "{dtype}": "sums, too, to be taken in {dtype}",
}


def narrower_compute(
    violation: Violation, contract: Contract, case_of: Callable[[Batch, Contract], Case]
) -> tuple[str, ...]:
    """Return a line that says so if only `compute` stands between a wrong number and a right one.

    The target is asked again for what it was given, and the whole answer is held against the wider allowances: first
    those of `compute=same`, then those of the 16-bit dtype itself.

    Parameters
    ----------
    violation : Violation
        Judged where a 16-bit dtype is worked on in float32, since the contract leaves `compute` open.
    case_of : callable
        From a batch and a contract to its case.
    """
    batch = violation.batch
    if contract.compute is not None or not FORMATS[batch.dtype].is_half or violation.certified is None:
        return ()
    upstream, vector = (None if x is None else np.asarray(x) for x in (violation.upstream, violation.vector))
    for form, allows in _COMPUTE.items():
        compute = form.format(dtype=batch.dtype)
        case = case_of(batch, replace(contract, compute=compute))
        answer = case.ask(batch, upstream=upstream, vector=vector)
        parts = ("hessian_vector",) if vector is not None else case.want
        given = [part for part in parts if answer.numbers(part) is not None]
        if given and all(answer.violation(part) is None for part in given):
            promised = allows.format(dtype=batch.dtype)
            return (f"would conform here with compute={compute}, which allows {promised}",)
    return ()
