"""``xentcheck targets``, ``properties`` and ``doctor``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from xentcheck.cli import examinations, status

Call = Callable[..., tuple[int, str, str]]


def test_targets_are_listed(call: Call) -> None:
    """The reference is among them; nothing is said that is no name or description."""
    found, out, _ = call("targets")
    assert found == 0
    assert "\nreference\n" in f"\n{out}"


def test_how_to_install_a_target_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """However narrow the terminal is, since it is copied: numpy-ml is for Pythons in which xentcheck does not run."""
    monkeypatch.setenv("COLUMNS", "40")
    advice = "python3.9 -m venv ENV && ENV/bin/pip install numpy-ml 'numpy<1.24', then --venv ENV"
    assert f"    not installed: {advice}" in call("targets")[1].split("\n")


def test_targets_of_the_project_are_listed(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of pyproject.toml in the current directory, as JSON too."""
    declared = '[tool.xentcheck.targets.ours]\nloss = "mine.py:loss"\n'
    (tmp_path / "pyproject.toml").write_text(declared, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert "mine.py:loss, from pyproject.toml" in call("targets")[1]
    names = {target["name"]: target for target in json.loads(call("targets", "--json")[1])}
    assert names["ours"]["location"] == "mine.py:loss"
    assert names["reference"]["importable"] is True


def test_a_wrong_pyproject_is_one_sentence(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that does not exist is refused."""
    (tmp_path / "pyproject.toml").write_text("[tool.xentcheck.targets.ours]\nlos = 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found, _, err = call("targets")
    assert found == 2
    assert len(err.splitlines()) == 1


def test_properties_are_listed(call: Call) -> None:
    """Each law has a number, a name, a sentence; the JSON has the sources too."""
    found, out, _ = call("properties")
    laws = json.loads(call("properties", "--json")[1])
    assert found == 0
    assert {law["number"] for law in laws} >= {1, 2, 3, 8, 23}
    squeezed = " ".join(out.split())
    for law in laws:
        assert f"{law['number']} {law['name']} " in squeezed
        assert law["sources"]


def test_this_machine_is_fit(call: Call) -> None:
    """The machine on which the tests run passes every examination."""
    found, out, _ = call("doctor")
    assert found == 0, out
    assert out.splitlines()[-1] == "This machine is fit."
    assert all(line.startswith("ok ") for line in out.splitlines()[:-1])


def test_what_is_not_fit_is_told_with_advice(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line each, the status is 1, and the examinations after it are still made."""

    def broken() -> Iterator[examinations.Line]:
        yield examinations.Line("subnormals are flushed", False, "use another build")
        yield examinations.Line("the rest")

    monkeypatch.setattr(examinations, "EXAMINATIONS", (broken,))
    found, out, _ = call("doctor")
    assert found == 1
    assert out.splitlines()[0] == "BAD  subnormals are flushed  -> use another build"
    assert out.splitlines()[1] == "ok   the rest"


def test_an_examination_that_raises_is_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that cannot be started is told of, with what was raised."""

    def refuse() -> bool:
        raise OSError("no processes")

    monkeypatch.setattr(examinations, "_call_worker", refuse)
    (line,) = examinations.worker()
    assert not line.fit
    assert "OSError: no processes" in line.advice


def test_a_cache_that_cannot_be_written_is_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the place of the folder."""
    (tmp_path / "cache").write_text("", encoding="utf-8")
    monkeypatch.setattr(examinations, "_cache_folder", lambda: tmp_path / "cache" / "deep")
    (line,) = examinations.cache()
    assert not line.fit
    assert "make it writable" in line.advice


@pytest.mark.parametrize(
    ("verdict", "interrupted", "expected"),
    [
        ("conforms", False, 0),
        ("violates", False, 1),
        ("nothing-judged", False, 3),
        ("violates", True, 1),
        ("conforms", True, 130),
    ],
)
def test_the_status_of_a_verdict(verdict: str, interrupted: bool, expected: int) -> None:
    """Scripts depend on these numbers."""
    assert status.of_verdict(verdict, interrupted) == expected


@pytest.mark.parametrize(
    ("found", "expected"), [([], 3), ([0], 0), ([0, 3], 3), ([3, 130], 130), ([1, 130], 1), ([1, 2], 2)]
)
def test_the_worst_status(found: list[int], expected: int) -> None:
    """2 before 1 before an interruption before 3 before 0; no target at all is nothing judged."""
    assert status.worst(found) == expected
