"""SARIF 2.1.0, the format of OASIS for the results of static analysis, which code scanning reads.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from xentcheck.report import encoding
from xentcheck.report.finding import Finding
from xentcheck.report.findings import telling
from xentcheck.report.headline import headline
from xentcheck.report.results import CONFORMS, VIOLATES, ReportData
from xentcheck.report.source import Place, place_of
from xentcheck.report.terminal import verdict_line
from xentcheck.version import __version__

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def text(reports: Sequence[ReportData], errors: Mapping[str, str]) -> str:
    """Return the findings of a run as SARIF: a rule a law, a result a root cause.

    All targets are in one run, since code scanning takes one of each tool.
    """
    laws = {law.name: (law.number, law.law) for report in reports for law in report.properties}
    found = [one for report in reports for one in (*report.findings, *report.waived)]
    laws |= {one.property: (one.number, one.law) for one in found}
    ordered = sorted(laws.items(), key=lambda item: (item[1][0], item[0]))
    position = {name: index for index, (name, _) in enumerate(ordered)}
    driver = {
        "name": "xentcheck",
        "version": __version__,
        "rules": [_rule(name, number, law) for name, (number, law) in ordered],
    }
    results = [
        _result(report, finding, position[finding.property])
        for report in reports
        for finding in (*telling(report.findings), *report.waived)
    ]
    run = {
        "tool": {"driver": driver},
        "invocations": [_invocation(reports, errors)],
        "results": results,
        "columnKind": "unicodeCodePoints",
    }
    return encoding.text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(name: str, number: int, law: str) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": law},
        "fullDescription": {"text": f"Law {number}, {name}: {law}"},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["correctness", "cross-entropy"]},
    }


def _result(report: ReportData, finding: Finding, rule: int) -> dict[str, Any]:
    words = [f"{report.target.name}, {finding.dtype}, {finding.labels} labels: {headline(finding)}.", finding.cause]
    evidence = {
        "target": report.target.name,
        "dtype": finding.dtype,
        "labels": finding.labels,
        "title": finding.title,
        "part": finding.part,
        "got": finding.got,
        "certified": finding.certified,
        "allowance": finding.allowance,
        "times": finding.times,
        "mechanism": finding.mechanism,
        "batch": finding.batch,
        "digest": finding.digest,
        "seed": report.seed,
        "also": [f"law {one.number}, {one.property} ({one.dtype}, {one.labels})" for one in finding.also],
        "reproducer": finding.reproducer,
    }
    accepted = {"kind": "external", "status": "accepted", "justification": finding.waived}
    return {
        "ruleId": finding.property,
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": _literal(" ".join(filter(None, words)))},
        "locations": [_location(report, place_of(report.target.location))],
        "partialFingerprints": {"xentcheck/v1": _fingerprint(report, finding)},
        **({"suppressions": [accepted]} if finding.waived else {}),
        "properties": encoding.plain(evidence),
    }


def _literal(message: str) -> str:
    """Return a text in which no brace makes a placeholder, {0}, and nothing a link, [text](target): 3.11.5, 3.11.6."""
    return message.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _location(report: ReportData, place: Place | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "logicalLocations": [{"fullyQualifiedName": report.target.location or report.target.name, "kind": "function"}]
    }
    if place is not None:
        path = Path(place.file)
        artifact = (
            {"uri": path.as_uri()} if path.is_absolute() else {"uri": quote(place.file), "uriBaseId": "%SRCROOT%"}
        )
        found["physicalLocation"] = {"artifactLocation": artifact, "region": {"startLine": place.line}}
    return found


def _fingerprint(report: ReportData, finding: Finding) -> str:
    """Return what stays the same from run to run, whatever batch shows the finding."""
    words = (report.target.name, finding.property, finding.dtype, finding.labels, str(finding.place))
    return hashlib.sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()


def _invocation(reports: Iterable[ReportData], errors: Mapping[str, str]) -> dict[str, Any]:
    """Return how the run ended: it was successful if every target was judged."""
    told = [f"{name}: {why}" for name, why in errors.items()]
    told += [verdict_line(one) for one in reports if one.interrupted or one.verdict not in (CONFORMS, VIOLATES)]
    return {
        "executionSuccessful": not told,
        "toolExecutionNotifications": [{"level": "error", "message": {"text": _literal(text)}} for text in told],
    }
