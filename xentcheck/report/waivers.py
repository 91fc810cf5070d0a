"""Waivers: findings that are known and accepted, and which findings of a run they are.

How one thinks here. A waiver must hide nothing but the mistake that it was written for, and where it is not known
whether two wrong answers come of one mistake, they are taken for two. Of a finding with a mechanism that is shown, the
mechanism is that mistake, with the constants that its sentence names; what it does not explain is a finding of its own
(`engine/further.py`). Of any other finding nothing but the batch tells what it is: it has to be the same batch, on
which the same happens and which gives the same number but for rounding (`engine/overlooked.py` looks at the others).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from xentcheck.report.finding import Finding, each_alone
from xentcheck.report.findings import telling
from xentcheck.report.report import Report
from xentcheck.report.results import (
    CONFORMS,
    EXPIRED,
    OTHER_VERSION,
    STALE,
    UNMET,
    UNTRIED,
    VIOLATES,
    WAIVES,
    PropertyResult,
    WaiverResult,
)

AS_BEFORE, OTHERWISE, PASSES, NOT_TRIED = "as before", "otherwise", "passes", "not tried"
"""What replaying the batch of a waiver may show."""
_CONSTANT = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]*\w)", re.IGNORECASE)
_ALIKE = 0.01  # relative: constants of a sentence have 4 digits, and are fitted to answers that are rounded
_NEAR = 0.8  # of difflib: `mine.py:los` to `mine.py:loss`, but not another file's `loss`
_NAMED = 3


@dataclass(frozen=True, eq=False)
class Waiver:
    """A finding that is known and accepted. The keys of its table in a file are the fields, but for the digest.

    Parameters
    ----------
    target, law, dtype, labels : str
        Where it was found.
    reason : str
        Why it is accepted.
    event : str
        What happened, see `Finding.event`.
    batch : mapping
        The batch, as `Finding.batch`.
    digest : str
        That of the batch.
    part, got, mechanism, cause, upstream, vector, tangent
        As those of the finding.
    versions : str
        The versions of the target's package that it holds for, such as ">=1.2,<2"; "" for all.
    expires : date or None
        The last day on which it holds.
    """

    target: str
    law: str
    dtype: str
    labels: str
    reason: str
    event: str
    batch: Mapping[str, Any]
    digest: str
    part: str = ""
    got: float | str | None = None
    mechanism: str = ""
    cause: str = ""
    upstream: Any = None
    vector: Any = None
    tangent: Any = None
    versions: str = ""
    expires: date | None = None

    def lapsed(self, version: str, today: date) -> tuple[str, str]:
        """Return the status and the reason why it does not hold today for a version of the target, or two ""."""
        if self.expires is not None and today > self.expires:
            return EXPIRED, f"it held until {self.expires}"
        if self.versions:
            try:
                inside = SpecifierSet(self.versions).contains(Version(version), prereleases=True)
            except InvalidVersion:
                known = f"is {version!r}, which is no version" if version else "is not known"
                return OTHER_VERSION, f"it is for {self.versions}, and the version of the target {known}"
            if not inside:
                return OTHER_VERSION, f"it is for {self.versions}, and the target is {version}"
        return "", ""

    def is_of(self, finding: Finding) -> bool:
        """Return whether a finding on its target shows the mistake that it was written for."""
        here = (self.law, self.dtype, self.labels, self.mechanism, element(self.part), placeless(self.event))
        there = (finding.property, finding.dtype, finding.labels, finding.mechanism)
        if here != (*there, element(finding.part), placeless(finding.event)):
            return False
        if self.mechanism and isinstance(self.got, float):
            return _alike(_constants(self.cause), _constants(finding.cause))
        return self.digest == finding.digest and same_number(self.got, finding.got, finding.allowance)


def same_target(one: str, other: str) -> bool:
    """Return whether two names are of one target: `mine.py:loss` is what `mine:loss` and the function itself are."""
    return _module(one) == _module(other)


def not_heeded(waivers: Sequence[Waiver], judged: Sequence[str]) -> str:
    """Return a sentence on waivers of targets that a run has not judged, where their names look like a mistake.

    A file may serve several runs, each on some of its targets: so they are named only where their target's name is near
    to one that was judged, or where the file has nothing on any that was.

    Parameters
    ----------
    waivers : sequence of Waiver
    judged : sequence of str
        The names of the targets that were judged.
    """
    own = [waiver for waiver in waivers if any(same_target(waiver.target, name) for name in judged)]
    others = list(dict.fromkeys(waiver.target for waiver in waivers if waiver not in own))
    named = [name for name in others if get_close_matches(name, judged, n=1, cutoff=_NEAR)] if own else others
    if not (judged and named):
        return ""
    more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
    return f"the waivers of {', '.join(named[:_NAMED])}{more} waive nothing here: judged was {', '.join(judged)}."


def _module(name: str) -> str:
    file, colon, attribute = name.rpartition(":")
    if not colon:
        return name
    return f"{file.removeprefix('./').removesuffix('.py').replace('/', '.')}:{attribute}"


def element(part: str) -> str:
    """Return the part of an answer that an element of it is in: "gradient" of "gradient[0, 1]"."""
    return part.partition("[")[0]


def placeless(event: str) -> str:
    """Return what happened without the line of the source where it did, which moves with every change above it."""
    return re.sub(r"(?<=\S):\d+\)$", ")", event)


def same_number(one: float | str | None, other: float | str | None, allowance: float | None) -> bool:
    """Return whether two answers to one batch are the same but for rounding; of words the event is what counts."""
    if not (isinstance(one, float) and isinstance(other, float)) or not (math.isfinite(one) and math.isfinite(other)):
        return isinstance(one, float) == isinstance(other, float) and (isinstance(one, str) or repr(one) == repr(other))
    return abs(one - other) <= (allowance or 0.0)


def _constants(cause: str) -> list[float]:
    return [float(number) for number in _CONSTANT.findall(cause)]


def _alike(one: Sequence[float], other: Sequence[float]) -> bool:
    return len(one) == len(other) and all(map(lambda a, b: math.isclose(a, b, rel_tol=_ALIKE), one, other))


def holding(waivers: Sequence[Waiver], version: str, today: date) -> list[Waiver]:
    """Return the waivers that hold today for a version of the target."""
    return [waiver for waiver in waivers if not waiver.lapsed(version, today)[0]]


def applied(
    report: Report, waivers: Sequence[Waiver], replays: Mapping[Waiver, tuple[str, str]], today: date
) -> Report:
    """Return a report in which the findings that waivers are about are known, and have no part in the verdict.

    Parameters
    ----------
    report : Report
    waivers : sequence of Waiver
        Those that are about its target.
    replays : mapping
        What their batches show, and what else has to be said of that.
    today : date
    """
    valid = holding(waivers, report.target.version, today)
    met: set[Waiver] = set()
    left, waived = [], []
    for finding in report.findings:
        groups: tuple[list[Finding], list[Finding]] = [], []
        for one in each_alone([finding]):
            by = [waiver for waiver in valid if waiver.is_of(one)]
            met.update(by)
            groups[bool(by)].append(replace(one, waived=by[0].reason) if by else one)
        left.append(groups[False])
        waived.append(groups[True])
    findings, accepted = (
        tuple(replace(first, also=tuple(others)) for first, *others in map(telling, filter(None, groups)))
        for groups in (left, waived)
    )
    told = []
    for waiver in waivers:
        status, why = waiver.lapsed(report.target.version, today)
        if not status:
            status, why = _status(waiver in met, *replays.get(waiver, (NOT_TRIED, "")))
        told.append(WaiverResult(waiver.law, waiver.dtype, waiver.labels, waiver.mechanism, waiver.reason, status, why))
    verdict = report.verdict
    if verdict == VIOLATES and not findings:
        verdict = "interrupted" if report.interrupted else CONFORMS
    return replace(
        report,
        findings=findings,
        waived=accepted,
        waivers=tuple(told),
        verdict=verdict,
        counts=replace(report.counts, findings=len(findings), waived=len(accepted)),
        properties=tuple(_restated(law, findings, accepted) for law in report.properties),
    )


def _status(met: bool, shown: str, why: str) -> tuple[str, str]:
    if met:
        return WAIVES, ""
    if shown == PASSES:
        return STALE, "its batch passes"
    if shown == NOT_TRIED:
        return UNTRIED, why
    return UNMET, "its batch is wrong in another way" if shown == OTHERWISE else "its batch is still wrong"


def _restated(law: PropertyResult, left: Sequence[Finding], waived: Sequence[Finding]) -> PropertyResult:
    """Return the result of a law, which is waived where it is broken and all that was found of it is waived."""
    cell = (law.name, law.dtype, law.labels)
    if law.status != "failed" or any((one.property, one.dtype, one.labels) == cell for one in each_alone(left)):
        return law
    known = [one for one in each_alone(waived) if (one.property, one.dtype, one.labels) == cell]
    return replace(law, status="waived", why=known[0].waived) if known else law
