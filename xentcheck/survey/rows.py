"""The table as data: a row a target, a line a finding, each number verified by a second method."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import mpmath

from xentcheck.contract import Contract
from xentcheck.report.finding import Finding
from xentcheck.report.report import Report
from xentcheck.report.results import Grade
from xentcheck.survey.judging import Judged
from xentcheck.survey.second_method import BITS, NotVerifiableError, expected
from xentcheck.survey.showing import shown
from xentcheck.targets.find.registered import by_name

SCHEMA = "xentcheck-survey/1"
VERIFIED, DISAGREES = "verified", "disagrees"
_DIGITS = 17
_SOURCES = {
    "declared": "declared with the target",
    "inferred": "nobody declares it: inferred by probe",
    "default": "nobody declares it, and nothing could be inferred: the defaults",
}


@dataclass(frozen=True)
class Line:
    """A finding of the table.

    Parameters
    ----------
    law, number, dtype, labels : str, int, str, str
    title, cause : str
        What is wrong, in words, and the mechanism where it was shown.
    part : str
        The element that is wrong.
    got : float, str or None
        A number, or words where there was none.
    expected : str
        What it should be to 17 digits, by the second method, 0.0 where it is below any number of float64; "" where that
        says nothing.
    verification : str
        "verified" where the second method finds the exact value in the certified interval, and what was returned
        further off than the allowance; "disagrees" where it does not; else why it says nothing.
    times : float or None
        The error over the allowance.
    script : str
        What shows it on its own, and says how far off it is; ENV as in `Row.command`.
    thread : str
        Where the library's developers speak of it, if that is known.
    short : str
        What a user of the library would write to see it, if there is that; it has been run, and printed the number.
    certified : (float, float) or None
        The interval in which the exact value lies.
    """

    law: str
    number: int
    dtype: str
    labels: str
    title: str
    cause: str
    part: str
    got: float | str | None
    expected: str
    verification: str
    times: float | None
    script: str = ""
    thread: str = ""
    short: str = ""
    certified: tuple[float, float] | None = None


@dataclass(frozen=True)
class Row:
    """A target of the table.

    Parameters
    ----------
    name, version : str
    verdict : str
        That of the report; "not judged" where there is none.
    why : str
        Then why.
    tried : str
        The versions that its contract was written for.
    documentation : str
        Where that was read.
    seen : mapping
        Contract keys that come from elsewhere, and from where.
    contract : mapping
        What it was held to.
    laws_held, laws_broken : tuple of str
    dtypes : tuple of str
    grades : mapping
        dtype to {"loss": grade, "gradient": grade}.
    worst : mapping
        dtype to the largest error known of the loss, as a share of the allowance.
    findings : tuple of Line
    command : str
        What judges it alone; ENV stands for the virtual environment of a target that ran in one of its own.
    seconds : float or None
        Of the judging.
    seconds_a_call, to_reference : float or None
        See `judging.Judged`.
    environment : mapping
        Python and packages, of the interpreter that ran the target.
    """

    name: str
    version: str = ""
    verdict: str = "not judged"
    why: str = ""
    tried: str = ""
    documentation: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)
    contract: Mapping[str, Any] = field(default_factory=dict)
    laws_held: tuple[str, ...] = ()
    laws_broken: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    grades: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    worst: Mapping[str, float | None] = field(default_factory=dict)
    findings: tuple[Line, ...] = ()
    command: str = ""
    seconds: float | None = None
    seconds_a_call: float | None = None
    to_reference: float | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)


def row(judged: Judged) -> Row:
    """Return the row of a target."""
    known = by_name(judged.name)
    stated: dict[str, Any] = {}
    if known is not None:
        seen = {key: source for key, source in known.seen.items() if key in known.contract}
        stated = {"tried": known.tried, "documentation": known.documentation, "seen": seen}
    report = judged.report
    if report is not None and known is None:
        stated = {"documentation": _SOURCES[_source(report)]}
    if report is None:
        return Row(judged.name, why=judged.why, **stated)
    broken = {one.name for one in report.properties if one.status == "failed"}
    held = {one.name for one in report.properties if one.status == "passed"} - broken
    given = dict(Contract().as_mapping())
    place = report.environment.target or report.environment
    where = " --venv ENV" if report.environment.target else ""
    return Row(
        name=judged.name,
        version=report.target.version,
        verdict=report.verdict,
        contract={key: value for key, value in report.target.contract.items() if value != given.get(key)},
        laws_held=tuple(sorted(held)),
        laws_broken=tuple(sorted(broken)),
        dtypes=tuple(report.grades),
        grades={dtype: {part: one.grade for part, one in parts.items()} for dtype, parts in report.grades.items()},
        worst={dtype: _share(parts["loss"]) for dtype, parts in report.grades.items() if "loss" in parts},
        findings=once(_lines(report, dict(known.threads) if known else {})),
        command=f"xentcheck check {judged.name}{where} --profile {report.profile} --seed {report.seed}",
        seconds=report.seconds,
        seconds_a_call=judged.seconds_a_call,
        to_reference=judged.to_reference,
        environment={"python": place.python, **place.packages},
        **stated,
    )


def _source(report: Report) -> str:
    return "default" if report.target.not_inferred else report.target.contract_source


def _share(grade: Grade) -> float | None:
    return grade.max_share.value if grade.max_share else None


def once(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines without those that the same few lines of code show of the same law, as in another form of labels.

    A cause that one of them has is that of the first.
    """
    kept = dict[tuple[str, str, str], Line]()
    for place, line in enumerate(lines):
        key = (line.law, line.dtype, line.short or str(place))
        first = kept.setdefault(key, line)
        kept[key] = replace(first, cause=first.cause or line.cause)
    return tuple(kept.values())


def _lines(report: Report, threads: Mapping[str, str]) -> Iterator[Line]:
    contract = Contract.from_mapping(report.target.contract)
    elsewhere = report.environment.target
    for finding in report.findings:
        verification, value = verified(finding, contract)
        thread = threads.get(finding.mechanism) or threads.get(finding.property, "")
        yield Line(
            finding.property,
            finding.number,
            finding.dtype,
            finding.labels,
            finding.title,
            finding.cause,
            finding.part,
            finding.got,
            value,
            verification,
            finding.times,
            finding.reproducer.replace(elsewhere.path, "ENV/bin/python") if elsewhere else finding.reproducer,
            thread,
            shown(report, finding, contract, value),
            finding.certified,
        )


def verified(finding: Finding, contract: Contract) -> tuple[str, str]:
    """Return what the second method says of a finding, and its exact value to 17 digits; see `Line.verification`."""
    try:
        exact = expected(finding, contract)
    except NotVerifiableError as silent:
        return str(silent), ""
    tiny = mpmath.isinf(exact) or float(exact) == 0.0  # as text mpmath before 1.4 has +inf; exponents of 300 digits
    text = str(float(exact) + 0.0) if tiny else mpmath.nstr(exact, _DIGITS)
    assert finding.certified is not None
    with mpmath.workprec(BITS):
        low, high = (mpmath.mpf(one) for one in finding.certified)
        slack = abs(exact) * mpmath.mpf(2) ** (-BITS // 8)  # more than rounding may leave
        agrees = low == exact == high if mpmath.isinf(exact) else low - slack <= exact <= high + slack
        if isinstance(finding.got, float) and math.isfinite(finding.got):
            agrees &= abs(mpmath.mpf(finding.got) - exact) > mpmath.mpf(finding.allowance or 0.0)
    return VERIFIED if agrees else DISAGREES, text
