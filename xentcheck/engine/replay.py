"""The batches of waivers, put to the target again before anything else: is what was accepted still there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.storage import from_mapping
from xentcheck.batches.validity import objection
from xentcheck.contract.harmless import harmless
from xentcheck.engine.order import capabilities_of
from xentcheck.engine.violation_kind import kind_of
from xentcheck.properties.bad_input import bad_input
from xentcheck.properties.case import Case
from xentcheck.properties.failed_call import failed_call
from xentcheck.properties.law import Violation
from xentcheck.properties.left_open import said
from xentcheck.properties.registry import LAWS
from xentcheck.report.returned import role
from xentcheck.report.waivers import AS_BEFORE, NOT_TRIED, OTHERWISE, PASSES, Waiver, element, placeless
from xentcheck.targets import Host


def replayed(waivers: Iterable[Waiver], host: Host) -> dict[Waiver, tuple[str, str]]:
    """Return what the batch of each waiver shows, and what else has to be said of that."""
    shown = {}
    for waiver in waivers:
        try:
            shown[waiver] = _replay(waiver, host)
        except Exception as error:  # it must not cost what the run finds
            shown[waiver] = NOT_TRIED, f"a fault of xentcheck in trying its batch: {harmless(repr(error), 300)}"
    return shown


def _replay(waiver: Waiver, host: Host) -> tuple[str, str]:
    contract, capabilities = host.description.contract, capabilities_of(host)
    law = next((law for law in LAWS if law.name == waiver.law), None)
    if law is None:
        return NOT_TRIED, f"there is no law {waiver.law!r}"
    if waiver.dtype not in contract.dtypes or waiver.labels not in contract.labels:
        return NOT_TRIED, f"{waiver.dtype} with {waiver.labels} labels is not promised any more"
    if why := law.silent(contract, capabilities, waiver.dtype, waiver.labels):
        return NOT_TRIED, why
    batch = from_mapping(waiver.batch)
    case = Case(contract, capabilities, host, batch)
    if law is bad_input:
        return _refusal(waiver, case), ""
    if why := objection(InputSpace(contract, batch.dtype, batch.label_form), batch):
        return NOT_TRIED, why
    seen = False
    for violation in (*_of_answer(waiver, case), *law.judge(case)):
        seen = True
        kind = kind_of(violation)
        if (element(kind.part), placeless(kind.what)) == (role(waiver.part), placeless(waiver.event)):
            return AS_BEFORE, ""
    return (OTHERWISE if seen else PASSES), ""


def _of_answer(waiver: Waiver, case: Case) -> Iterator[Violation]:
    """Yield what is wrong with the answer to the very batch, of whichever law it was derived from another."""
    dtype = case.batch.scores.dtype
    vector = None if waiver.vector is None else np.asarray(waiver.vector, dtype)
    tangent = None if waiver.tangent is None else np.asarray(waiver.tangent, dtype)
    upstream = None if waiver.upstream is None else np.asarray(waiver.upstream, dtype)
    answer = case.ask(case.batch, upstream, vector=vector, tangent=tangent)
    failure = failed_call(answer)
    if failure is not None:
        yield failure
    for part in answer.parts:
        if malformed := answer.malformed(part):
            yield Violation(malformed, case.batch, part)
        elif (wrong := answer.violation(part)) is not None:
            yield wrong


def _refusal(waiver: Waiver, case: Case) -> str:
    """Return what bad input shows that was not refused as promised."""
    want = (role(waiver.part),) if waiver.part else case.want
    outcome = case.ask(case.batch, want=want, judged=False).outcome
    if outcome.died or said(outcome) == waiver.got:
        return AS_BEFORE
    return PASSES if outcome.raised is not None and outcome.raised.call != "convert" else OTHERWISE
