"""The report as a person reads it: whole outputs as snapshots, and what must hold of any of them."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from xentcheck.report import terminal
from xentcheck.report.finding import Finding, identifier
from xentcheck.report.report import Report

KINDS = ("conforming", "violating", "nothing")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_output(kind: str, request: pytest.FixtureRequest, snapshot: SnapshotAssertion) -> None:
    """What a newcomer sees, 100 columns wide."""
    assert terminal.render(request.getfixturevalue(kind), 100) == snapshot


@pytest.mark.parametrize("width", [60, 80, 100, 140])
@pytest.mark.parametrize("kind", KINDS)
def test_lines_fit_the_width(kind: str, width: int, request: pytest.FixtureRequest) -> None:
    """Only lines that are there to be copied or grepped may be longer."""
    report = request.getfixturevalue(kind)
    free = ("  run it again", "CONFORMS", "VIOLATES", "NOTHING")
    for line in terminal.render(report, width).splitlines():
        assert len(line) <= width or line.startswith(free), line


@pytest.mark.parametrize("kind", KINDS)
def test_the_output_is_plain_in_a_pipe(kind: str, request: pytest.FixtureRequest) -> None:
    """No escape sequences, no characters beyond ASCII."""
    stream = io.StringIO()
    terminal.show(request.getfixturevalue(kind), terminal.console(stream))
    assert "\x1b" not in stream.getvalue()
    assert stream.getvalue().isascii()


def test_a_terminal_gets_colour(violating: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """Colour is added where the stream takes it, and changes no word."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    terminal.show(violating, terminal.console(stream, 100))
    assert "\x1b[" in stream.getvalue()


def test_a_notebook_gets_the_same_text(violating: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """rich writes to the cell of a notebook, whatever stream it is given: an error's text and a file were empty."""
    plain = terminal.render(violating)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")  # as kernels do
    assert terminal.render(violating) == plain
    assert "FINDING 1 of 3" in terminal.findings_text(violating)


def test_the_verdict_stands_last(violating: Report) -> None:
    """The last line is the verdict, in one line, interruption included."""
    last = terminal.render(violating).splitlines()[-1]
    assert last.startswith("VIOLATES: mine.py:loss: 2 laws broken, 3 findings; 2,410 of 2,500 batches judged")
    assert last.endswith("interrupted.")


def test_only_what_differs_from_the_defaults_is_shown(conforming: Report) -> None:
    """The contract is one line: input, labels, reduction, and the keys that are not at their default."""
    shown = "input logits, labels sparse, reduction sum, boundary add 1e-07"
    assert terminal.contract_line(conforming) == f"{shown} (declared)"


@pytest.mark.parametrize(("source", "whose"), [("declared", "the defaults"), ("inferred", "inferred")])
def test_a_contract_that_nobody_declared_is_not_called_so(conforming: Report, source: str, whose: str) -> None:
    """The defaults are nobody's."""
    target = dataclasses.replace(conforming.target, contract={}, contract_source=source)
    shown = f"input logits, labels sparse, reduction mean ({whose})"
    assert terminal.contract_line(dataclasses.replace(conforming, target=target)) == shown


def test_a_script_replaces_the_command(violating: Report) -> None:
    """Where a reproducer was written, it is what is to be run."""
    text = terminal.render(violating, scripts={identifier(violating.findings[2]): "found/value.py"})
    assert "run it again  python found/value.py" in text


def test_without_a_command_the_reproducer_is_named(violating: Report) -> None:
    """A report from Python has no command line to repeat."""
    text = terminal.render(dataclasses.replace(violating, command=""))
    assert "`reproducer` of this finding" in text
    assert "--reproducers" not in text


def test_the_most_telling_finding_comes_first(violating: Report) -> None:
    """A known cause on a small batch goes before the others, whatever order the engine found them in."""
    text = terminal.render(violating)
    assert text.index("law 1, value (float32, sparse)") < text.index("law 3, shift (float32, sparse)")


def test_many_findings_are_cut_to_a_few_in_full(violating: Report) -> None:
    """Four in full, no law twice; each other one has its line, and the option that keeps it is named."""
    found: Any = violating.findings[2]
    many = tuple(
        dataclasses.replace(found, number=number, property=f"law-{number}", dtype=dtype, got=float(number))
        for number in range(1, 8)
        for dtype in ("float32", "float64")
    )
    text = terminal.render(dataclasses.replace(violating, findings=many))
    assert text.count("FINDING ") == 4
    assert "10 more" in text
    assert "--json FILE" in text
    for finding in many:
        assert f"{finding.property} ({finding.dtype}" in text


def test_observations_that_differ_in_a_number_are_one(conforming: Report) -> None:
    """A long list is cut, with its length."""
    seen = [f"a label of -1: not declared; the target returns {number}" for number in range(50)]
    seen += [f"kind {number}: not declared; the target raises IndexError" for number in range(20)]
    seen[:0] = [f"a score of nan: not declared; the target returns {said}" for said in ("nan", "0")]
    text = terminal.render(dataclasses.replace(conforming, observations=tuple(seen)))
    assert "- a score of nan: not declared; the target returns nan, or 0\n" in text
    assert "- a label of -1: not declared; the target returns 0, or 49 other answers" in text
    assert "- ... 10 more, in the JSON report" in text


def test_a_finding_without_a_batch_is_shown(violating: Report) -> None:
    """A crash before any batch has no numbers."""
    bare = Finding("answers", 0, "Every valid batch gets an answer.", "float32", "sparse", "the process ended")
    text = terminal.render(dataclasses.replace(violating, findings=(bare,)))
    assert "the process ended" in text
    assert "certified " not in text


def test_words_of_the_target_are_no_markup(violating: Report) -> None:
    """Brackets in messages of the target are shown as they are."""
    odd = dataclasses.replace(violating.findings[0], title="raised [red]ValueError[/red]: [/]")
    text = terminal.render(dataclasses.replace(violating, findings=(odd,)))
    assert "raised [red]ValueError[/red]: [/]" in text


def test_the_laws_beneath_a_finding_are_named_with_where_they_are_broken(violating: Report) -> None:
    """A line a law; where no cause is told, it is said that nothing tells them apart."""
    leading = dataclasses.replace(violating.findings[0], cause="", number=1, property="value")
    beneath = (
        dataclasses.replace(leading, dtype="float16"),
        dataclasses.replace(leading, number=3, property="shift"),
        dataclasses.replace(leading, number=3, property="shift", labels="onehot"),
    )
    text = terminal.render(dataclasses.replace(violating, findings=(dataclasses.replace(leading, also=beneath),)))
    assert f"breaks also   this law in float16 {leading.labels}" in text
    assert f"law 3, shift ({leading.dtype} onehot, {leading.dtype} {leading.labels})" in text
    assert "(nothing tells these apart from it: one mistake or several)" in text
