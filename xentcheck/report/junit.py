"""JUnit XML, which servers of continuous integration read: a suite a target, a case a law, dtype and label form."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from xentcheck.report.finding import each_alone
from xentcheck.report.headline import headline
from xentcheck.report.results import CONFORMS, VIOLATES, PropertyResult, ReportData
from xentcheck.report.terminal import finding_text, verdict_line

# What XML 1.0 has no way to write, https://www.w3.org/TR/xml/#charsets
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(reports: Sequence[ReportData], errors: Mapping[str, str]) -> str:
    """Return the reports of a run as JUnit XML.

    A law that says nothing about a target is left out; one without an example, or of which all findings are waived, is
    skipped, with the reason. What kept a target from being judged, to the end or at all, is an error.
    """
    root = ElementTree.Element("testsuites", name="xentcheck")
    for report in reports:
        root.append(_suite(report, errors.get(report.target.name, "")))
    judged = {report.target.name for report in reports}
    for name, why in errors.items():
        if name not in judged:
            suite = ElementTree.SubElement(root, "testsuite", name=_fit(name))
            _case(suite, name, "judged", 0.0, "error", why, why)
            _count(suite, 0.0)
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, "unicode", xml_declaration=True) + "\n"


def _suite(report: ReportData, fault: str) -> ElementTree.Element:
    name = report.target.name
    suite = ElementTree.Element("testsuite", name=_fit(name))
    stated = ElementTree.SubElement(suite, "properties")
    facts = {
        "xentcheck": report.xentcheck,
        "verdict": report.verdict,
        "profile": report.profile,
        "seed": str(report.seed),
        "command": report.command,
    }
    for key, value in facts.items():
        ElementTree.SubElement(stated, "property", name=key, value=_fit(value))
    for law in report.properties:
        if law.status == "failed":
            _failed(suite, report, law)
        elif law.status == "waived":
            _case(suite, name, _title(law), law.seconds, "skipped", f"waived: {law.why}")
        elif law.status == "skipped":
            _case(suite, name, _title(law), law.seconds, "skipped", law.why)
        elif law.status == "passed":
            _case(suite, name, _title(law), law.seconds)
    if fault or report.verdict not in (CONFORMS, VIOLATES) or report.interrupted:
        why = fault or verdict_line(report)
        _case(suite, name, "judged", 0.0, "error", why, why)
    _count(suite, report.seconds)
    return suite


def _failed(suite: ElementTree.Element, report: ReportData, law: PropertyResult) -> None:
    place = (law.name, law.dtype, law.labels)
    found = [one for one in each_alone(report.findings) if (one.property, one.dtype, one.labels) == place]
    message = headline(found[0]) if found else law.law
    evidence = "\n".join(finding_text(report, one) for one in found) or law.law
    _case(suite, report.target.name, _title(law), law.seconds, "failure", message, evidence)


def _title(law: PropertyResult) -> str:
    return f"law {law.number}, {law.name} ({law.dtype}, {law.labels})"


def _case(
    suite: ElementTree.Element,
    target: str,
    name: str,
    seconds: float,
    outcome: str = "",
    message: str = "",
    evidence: str = "",
) -> None:
    stated = {"classname": _fit(target), "name": _fit(name), "time": f"{seconds:.3f}"}
    case = ElementTree.SubElement(suite, "testcase", stated)
    if outcome:
        child = ElementTree.SubElement(case, outcome, message=_fit(message))
        child.text = _fit(evidence) or None


def _count(suite: ElementTree.Element, seconds: float) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("time", f"{seconds:.3f}")


def _fit(value: str) -> str:
    """Return a text with what XML cannot hold escaped as in a Python literal."""
    return _UNFIT.sub(lambda found: repr(found[0])[1:-1], value)
