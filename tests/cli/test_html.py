"""`xentcheck check --html`: a page that is written whole, or a sentence before the run begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xentcheck.report.report import Report

Call = Callable[..., tuple[int, str, str]]


def test_the_page_is_that_of_the_report(engine: Any, call: Call, tmp_path: Path) -> None:
    """The one that its JSON gives; the engine is asked for lines; the command in it leaves out what is written."""
    engine.answers["a"] = engine.report("a", "violates")
    assert call("check", "a", "--html", "r.html", "--json", "r.json")[0] == 1
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page == Report.from_json((tmp_path / "r.json").read_text(encoding="utf-8")).to_html()
    assert '<code>xentcheck check a <span class="word">--seed</span> 0</code>' in page
    assert engine.asked[0][1]["lines"] is True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r.json"]


def test_several_targets_are_on_one_page(engine: Any, call: Call, tmp_path: Path) -> None:
    """Those that could not be judged, too; the page is whole after each."""
    from xentcheck.targets.errors import TargetError

    engine.answers |= {"b": TargetError("The file <b> is missing."), "c": engine.report("c", "violates")}
    assert call("check", "a", "b", "c", "--html", "r.html")[0] == 2
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert '<h1 id="t1">a</h1>' in page
    assert '<h1 id="t2">c</h1>' in page
    assert "The file &lt;b&gt; is missing." in page


def test_what_was_judged_before_ctrl_c_is_on_the_page(engine: Any, call: Call, tmp_path: Path) -> None:
    """The target that was interrupted is not."""
    engine.answers["b"] = KeyboardInterrupt()
    assert call("check", "a", "b", "c", "--html", "r.html")[0] == 130
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<title>CONFORMS: a - xentcheck</title>" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--html", "nowhere/r.html"), "--html nowhere/r.html cannot be written: there is no folder"),
        (
            ("--json", "r.html", "--html", "./r.html"),
            "--json and --html both name ./r.html; give each a name of its own.",
        ),
        (("--html", "r", "--reproducers", "r"), "--html and --reproducers both name r; give each a name of its own."),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_run(
    engine: Any, call: Call, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    """In one sentence; nothing is written and nothing judged."""
    status, out, err = call("check", "a", *words)
    assert (status, out) == (2, "")
    assert err.startswith(f"xentcheck: {message}")
    assert err.count("\n") == 1
    assert engine.asked == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_read_only_is_refused(engine: Any, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the run, too; root, who may write anywhere, has to be told so here."""
    monkeypatch.setattr("xentcheck.cli.writable.os.access", lambda path, mode: False)
    status, _, err = call("check", "a", "--html", "r.html")
    assert status == 2
    assert "--html r.html cannot be written: the folder" in err
    assert "is read-only" in err
    assert engine.asked == []


def test_without_what_it_is_made_with_it_is_refused_at_once(
    engine: Any, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence has the command that installs it."""
    monkeypatch.setattr("xentcheck.report.html.page.find_spec", lambda name: None)
    status, _, err = call("check", "a", "--html", "r.html")
    assert status == 2
    assert err == (
        'xentcheck: The HTML report is made with jinja2 and matplotlib: python -m pip install "xentcheck[html]".\n'
    )
    assert engine.asked == []
    assert call("check", "a", "--json", "r.json")[0] == 0


def test_a_page_that_cannot_be_made_costs_nothing_else(
    engine: Any, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal, the JSON and the scripts are there, and a sentence says what happened."""

    def fails(*_: Any) -> None:
        raise ZeroDivisionError("by\x1b[31m zero")

    monkeypatch.setattr("xentcheck.report.html.page.section", fails)
    engine.answers["a"] = engine.report("a", "violates")
    status, out, err = call("check", "a", "--html", "r.html", "--json", "r.json", "--reproducers", "found")
    assert status == 2
    assert "VIOLATES: a" in out
    assert r"the page of a cannot be made (ZeroDivisionError: by\x1b[31m zero)" in err
    assert (tmp_path / "r.json").exists()
    assert len(list((tmp_path / "found").iterdir())) == 1


def test_a_folder_that_goes_away_costs_nothing_else(engine: Any, call: Call, tmp_path: Path) -> None:
    """The page cannot be written then, and the JSON is."""
    folder = tmp_path / "pages"
    folder.mkdir()
    real = engine.report("a")

    class Removes:
        """An answer that removes the folder when it is looked up."""

        def get(self, *_: Any) -> Any:
            folder.rmdir()
            return real

    engine.answers = Removes()
    status, out, err = call("check", "a", "--html", "pages/r.html", "--json", "r.json")
    assert status == 2
    assert "CONFORMS: a" in out
    assert "--html pages/r.html cannot be written: No such file or directory." in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.json"]
