"""What is to be written: refused before the work where it cannot be; where that shows later, it costs nothing else."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from xentcheck.cli import main, output_files
from xentcheck.cli.writable import require_writable, write, write_each
from xentcheck.report.files import write_whole

REFUSED = {
    "check --json": ("check", "reference", "--json"),
    "check --junit": ("check", "reference", "--junit"),
    "check --markdown": ("check", "reference", "--markdown"),
    "check --sarif": ("check", "reference", "--sarif"),
    "check --html": ("check", "reference", "--html"),
    "check --reproducers": ("check", "reference", "--reproducers"),
    "check --corpus": ("check", "reference", "--corpus"),
    "check --resume": ("check", "reference", "--resume"),
    "survey DIR": ("survey",),
    "campaign plan DIR": ("campaign", "plan"),
    "campaign merge --corpus": ("campaign", "merge", ".", "--corpus"),
    "campaign merge --json": ("campaign", "merge", ".", "--json"),
    "campaign status --json": ("campaign", "status", ".", "--json"),
    "campaign exhaustive --json": ("campaign", "exhaustive", "reference", "--json"),
    "campaign exhaustive --picture": ("campaign", "exhaustive", "reference", "--picture"),
    "campaign offsets --json": ("campaign", "offsets", "reference", "--json"),
    "campaign planes --json": ("campaign", "planes", "reference", "--json"),
    "compare --markdown": ("compare", "a.json", "b.json", "--markdown"),
    "compare --html": ("compare", "a.json", "b.json", "--html"),
    "waive --output": ("waive", "a.json", "--reason", "known", "--output"),
    "bench --json": ("bench", "reference", "--json"),
    "bench --plot": ("bench", "reference", "--plot"),
    "bench --asv": ("bench", "reference", "--asv"),
    "probe --json": ("probe", "reference", "--json"),
    "self-test --json": ("self-test", "--json"),
    "self-test --markdown": ("self-test", "--markdown"),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("named", "words"), REFUSED.items(), ids=REFUSED)
def test_each_output_is_refused_before_the_work(
    here: Path, capsys: pytest.CaptureFixture[str], named: str, words: tuple[str, ...]
) -> None:
    """A file lies where the folder would have to be; nothing else is looked at, and nothing is written."""
    (here / "file").touch()
    assert main([*words, "file/r.png"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"xentcheck: {named.split()[-1]} file/r.png cannot be written: ")
    assert err.count("\n") == 1
    assert [path.name for path in here.iterdir()] == ["file"]


def told(files: dict[str, str | None], folders: dict[str, str | None] | None = None) -> str:
    """Return why an output is refused."""
    with pytest.raises(click.ClickException) as caught:
        require_writable(files, folders)
    return caught.value.message


@pytest.mark.parametrize("failing", ["mkdtemp", "access"])
def test_where_nothing_new_can_be_made(here: Path, monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """By permissions, and where they do not tell: on a read-only disk and in /proc, even root cannot."""

    def refuses(*_: object, **__: object) -> str:
        raise OSError(30, "Read-only file system")

    if failing == "mkdtemp":
        monkeypatch.setattr("tempfile.mkdtemp", refuses)
        why = "Read-only file system"
    else:
        monkeypatch.setattr("xentcheck.cli.writable.os.access", lambda path, mode: False)
        why = f"the folder {here} is read-only"
    assert told({"--json": "r.json"}) == f"--json r.json cannot be written: {why}."
    assert told({}, {"--corpus": "a/b"}) == f"--corpus a/b cannot be written: {why}."


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
def test_proc(here: Path) -> None:
    assert told({"--json": "/proc/r.json"}).startswith("--json /proc/r.json cannot be written: ")
    assert told({}, {"--reproducers": "/proc/a/b"}).startswith("--reproducers /proc/a/b cannot be written: ")


def test_what_is_no_file_or_has_no_possible_name(here: Path) -> None:
    """A named pipe, and /dev/null as well, would be replaced by a file."""
    os.mkfifo("pipe")
    assert told({"--json": "pipe"}) == "--json pipe cannot be written: it is there, and is no file."
    assert told({"--json": "r" * 300}).endswith("cannot be written: File name too long.")
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


def test_what_can_be_written_is_left_alone(here: Path) -> None:
    """No folder is made, and no file touched."""
    (here / "r.json").write_text("old", encoding="utf-8")
    require_writable({"--json": "r.json", "--html": None}, {"--resume": "a/b", "--reproducers": "."})
    assert [path.name for path in here.iterdir()] == ["r.json"]
    assert (here / "r.json").read_text(encoding="utf-8") == "old"


def test_a_link_stays_one(here: Path) -> None:
    """The file that it names is written, wherever that lies."""
    (here / "there").mkdir()
    (here / "r.json").symlink_to(here / "there" / "r.json")
    write_whole(here / "r.json", "new")
    assert (here / "r.json").is_symlink()
    assert (here / "there" / "r.json").read_text(encoding="utf-8") == "new"


def test_one_that_fails_costs_no_other(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All sentences are told: the last is what the command ends with."""
    writes: list[Callable[[], object]] = [lambda: write("--json", "no/a", "a"), lambda: write("--html", "no/b", "b")]
    with pytest.raises(click.ClickException, match=r"^--html no/b cannot be written: No such file"):
        write_each(*writes, lambda: write("--markdown", "c", "c"))
    assert capsys.readouterr().err == "xentcheck: --json no/a cannot be written: No such file or directory.\n"
    assert [path.name for path in here.iterdir()] == ["c"]


def test_compare_writes_the_rest(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """A file whose folder goes away in the middle of the work."""
    from tests.cli.conftest import report

    for name in ("a", "b"):
        (here / f"{name}.json").write_text(report("same").to_json(), encoding="utf-8")
    (here / "gone").mkdir()
    from xentcheck.report import comparison_text

    real = comparison_text.write

    def removes(*given: Any) -> None:
        (here / "gone").rmdir()
        real(*given)

    monkeypatch.setattr(comparison_text, "write", removes)
    assert main(["compare", "a.json", "b.json", "--markdown", "gone/c.md", "--html", "c.html"]) == 2
    assert capsys.readouterr().err == "xentcheck: --markdown gone/c.md cannot be written: No such file or directory.\n"
    assert (here / "c.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_options_of_check_are_known(here: Path) -> None:
    """Each that takes the name of an output is among those tried above."""
    from xentcheck.cli.check import check

    written = {f"check --{option.name}" for option in check.params if isinstance(option.type, click.Path)}
    assert written <= set(REFUSED)
    assert {f"check --{form.name}" for form in output_files.FORMATS} <= written
