"""From a batch that breaks a law to a minimal one, and to the finding that a report shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.reduce import reduce
from xentcheck.batches.storage import digest, same_content
from xentcheck.contract import Contract
from xentcheck.diagnosis import Cause
from xentcheck.engine.cell_result import Fall
from xentcheck.engine.plan import Cell
from xentcheck.engine.violation_kind import Kind, kind_of
from xentcheck.properties.case import Case
from xentcheck.properties.law import Law, Violation
from xentcheck.report import returned
from xentcheck.report.finding import Finding
from xentcheck.targets.outcome import hung
from xentcheck.truth.formats import FORMATS

DEADLY_BUDGET, HANGING_BUDGET = 8, 3
"""How many deaths of the process, and how many that cost the whole time limit, a reduction may cause."""
LARGE = 64
"""How many scores a batch has beyond which nobody reads it: it is reduced with what its law draws at random kept."""
Asked = dict[tuple[Kind, object], Violation | None]
"""How batches break a law, by the kind of violation that was sought and by `same_content`."""
_SIGN = "the likely cause is said of the loss, which is minus the log-probability"


def minimise(
    fall: Fall,
    case_of: Callable[[Batch], Case],
    budget: int,
    known: list[Batch],
    contract: Contract,
    excused: Callable[[Violation], bool] = lambda violation: False,
    asked: Asked | None = None,
    admits: Callable[[Batch], bool] | None = None,
) -> tuple[Fall, bool]:
    """Return how the smallest batch found breaks the law, by a violation of the same kind, and whether it was reduced.

    A smaller batch on which the law is broken in another way may show another mistake.

    Parameters
    ----------
    fall : Fall
        The law, how it was broken, and on which batch.
    case_of : callable
        From a batch to its case.
    budget : int
        How often the law may be asked.
    known : list of Batch
        Minimal batches of the same law in another cell, tried first.
    contract : Contract
        What every batch tried has to obey.
    excused : callable
        Whether a violation comes of a mistake that another finding shows: then it is not the one sought.
    asked : dict, optional
        What is known of batches from other reductions of the same law, which excuse the same; added to.
    admits : callable, optional
        Whether the target may be asked about a smaller batch at all; by default about any.
    """
    kind = kind_of(fall.violation)
    deadly = fall.violation.got is not None and "ended" in fall.violation.title
    most = HANGING_BUDGET if hung(fall.violation.got) else DEADLY_BUDGET
    last: dict[object, Violation] = {}
    deaths, drawn = 0, False

    def fails(batch: Batch) -> bool:
        nonlocal deaths, drawn
        mark = same_content(batch)
        if asked is not None and (kind, mark) in asked:
            violation = asked[kind, mark]
            if violation is not None:
                last[mark] = violation
            return violation is not None
        case = case_of(batch)
        if deaths >= most or not case.allows(batch):
            return False
        violation = next((one for one in fall.law.judge(case) if kind_of(one) == kind and not excused(one)), None)
        deaths += case.deaths
        drawn |= case.drawn
        if asked is not None and not case.deaths:
            asked[kind, mark] = violation
        if violation is not None:
            last[mark] = violation
        return violation is not None

    for batch in [translated(other, fall.batch) for other in known]:
        if batch is not None and fails(batch):
            return Fall(fall.law, last[same_content(batch)], batch), True
    if not fails(fall.batch):
        # It happened, but not again on the same batch: the state of the target matters.
        return fall, False
    row = next(iter(returned.index(last[same_content(fall.batch)].part)), None)
    allowed = DEADLY_BUDGET if deadly else budget
    smallest = reduce(fall.batch, fails, allowed, contract=contract, admits=admits, row=row)
    if drawn and smallest.scores.size > LARGE and not deadly and not smallest.origin:
        # What the law draws besides breaks it on few batches: all smaller ones have what this one had.
        kept = smallest.replace(origin=digest(smallest))
        smallest = reduce(kept, fails, budget, contract=contract, admits=admits) if fails(kept) else smallest
    return Fall(fall.law, last.get(same_content(smallest), fall.violation), smallest), True


def translated(batch: Batch, like: Batch) -> Batch | None:
    """Return a minimal batch of another cell in the dtype and label form of this one, or None."""
    if batch.label_form != like.label_form or set(batch.options) != set(like.options):
        return None
    with np.errstate(over="ignore"):
        scores = batch.scores.astype(FORMATS[like.dtype].dtype)
    if not np.array_equal(np.isfinite(scores), np.isfinite(batch.scores)):
        return None
    own = batch.label_form != "sparse" and batch.labels.dtype == batch.scores.dtype
    labels = batch.labels.astype(scores.dtype) if own else batch.labels
    return batch.replace(scores=scores, labels=labels)


def finding(
    law: Law,
    cell: Cell,
    violation: Violation,
    contract: Contract,
    minimal: bool = False,
    cause: Cause | None = None,
    asked: Batch | None = None,
) -> Finding:
    """Return what the report says of a violation; the reproducer is added where the target is known.

    A cause that is not shown is not told: what is known instead is a line of the detail. `asked` is the batch on which
    the law was judged, if that is known.
    """
    derived = asked is not None and same_content(asked) != same_content(violation.batch)
    shown = cause if cause is not None and cause.shown else None
    return Finding(
        property=law.name,
        number=law.number,
        law=law.sentence,
        dtype=cell.dtype,
        labels=cell.labels,
        title=violation.title,
        batch=returned.given(contract, violation.batch),
        part=returned.element(contract, violation.part),
        got=returned.number(contract, violation.got),
        certified=returned.interval(contract, violation.certified),
        allowance=violation.allowance,
        times=violation.times,
        mechanism="" if shown is None else shown.mechanism,
        cause="" if shown is None else shown.sentence,
        upstream=violation.upstream,
        vector=violation.vector,
        tangent=violation.tangent,
        detail=(
            *_detail(violation),
            *((cause.known,) if cause is not None and cause.known else ()),
            *((_SIGN,) if shown is not None and shown.sentence and contract.sign < 0 else ()),
        ),
        digest=digest(violation.batch),
        event=kind_of(violation).what,
        minimal=minimal,
        derived_from=returned.given(contract, asked) if asked is not None and derived else None,
    )


def _detail(violation: Violation) -> tuple[str, ...]:
    """Return what else the target was given, in words."""
    given = (
        ("upstream gradient", violation.upstream),
        ("the Hessian times", violation.vector),
        ("along the tangent", violation.tangent),
    )
    return tuple(f"{name} {value}" for name, value in given if value is not None)
