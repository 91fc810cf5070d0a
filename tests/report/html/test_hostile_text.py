"""Whatever text is in a report is shown, and neither is markup nor steers anything."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from xentcheck.report.report import Report
from xentcheck.report.results import PropertyResult, TargetSummary, WitnessResult

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre></details><h1>CONFORMS</h1>",
    "{{ 7 * 7 }}{% raw %}",
    "</style><script>x</script>",
    "&lt;b&gt;",
    "'\" onmouseover='x",
    "]]><!-- -->",
)
CONTROLS = "a\x1b[31mred\x00\u202egnp\u200b\ud800\r\nCONFORMS: all good."
SHOWN = r"a\x1b[31mred\x00\u202egnp\u200b\ud800\r\nCONFORMS: all good."


def poisoned(report: Report, text: str) -> Report:
    """Return a report with a text in every place that a target, a machine or a file may fill."""
    finding = dataclasses.replace(
        report.findings[-1],
        title=text,
        law=text,
        cause=text,
        detail=(text,),
        got=text,
        part=text,
        property=text,
        dtype=text,
        labels=text,
        reproducer=f"# {text}\nprint()\n",
        also=(dataclasses.replace(report.findings[-1], property=text, dtype=text),),
    )
    batch = {**finding.batch, "label_form": "sparse", "family": text, "options": {"class_weights": text}}
    finding = dataclasses.replace(finding, batch=batch)
    law = PropertyResult(text, 1, text, text, text, "failed", why=text)
    return dataclasses.replace(
        report,
        target=TargetSummary(text, text, text, {"reduction": text, text: text}, text),
        xentcheck=text,
        environment=dataclasses.replace(report.environment, python=text, cpu=text, packages={text: text}),
        profile=text,
        properties=(law, dataclasses.replace(law, number=2, name=text + "2", status="skipped")),
        grades={text: {text: dataclasses.replace(report.grades["float32"]["loss"], note=text, part=text)}},
        witnesses=(WitnessResult(text, note=text),),
        findings=(finding, *report.findings),
        observations=(text,),
        command=text,
    )


def elements(taken_apart: Callable[[str], Any], source: str) -> list[Any]:
    """Return the names of the elements of a page, and those of their attributes."""
    return [(name, sorted(attributes)) for name, attributes in taken_apart(source).elements]


@pytest.mark.parametrize("text", NASTY)
def test_no_text_becomes_markup(violating: Report, text: str, taken_apart: Callable[[str], Any]) -> None:
    """The elements are those of a page with plain words in the same places, and the text is there as it is."""
    plain, nasty = poisoned(violating, "words"), poisoned(violating, text)
    for form in (Report.to_html, Report._repr_html_):
        assert elements(taken_apart, form(nasty)) == elements(taken_apart, form(plain))
        assert text in taken_apart(form(nasty)).text


def test_control_characters_are_shown(violating: Report, taken_apart: Callable[[str], Any]) -> None:
    """None of them is in the page, and no line of ours is feigned."""
    report = poisoned(violating, CONTROLS)
    for source in (report.to_html(), report._repr_html_()):
        assert SHOWN in source
        assert all(letter.isprintable() or letter == "\n" for letter in source)
        assert not any(word.startswith("CONFORMS") for word in taken_apart(source).words)
        source.encode()
    assert all(letter.isprintable() or letter == "\n" for letter in repr(report))
    assert all(letter.isprintable() or letter == "\n" for letter in repr(report.findings))
    assert repr(report.findings[0]).isprintable()


def test_a_script_stays_as_it_is(violating: Report, taken_apart: Callable[[str], Any]) -> None:
    """Line by line, indented, to be copied."""
    source = "def f():\n    return \"<b>\" + '&amp;'\n\n\nprint(f())"
    finding = dataclasses.replace(violating.findings[-1], reproducer=source + "\n")
    assert source in taken_apart(dataclasses.replace(violating, findings=(finding,)).to_html()).text
