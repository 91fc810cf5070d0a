"""What is said of an interpreter that cannot be used: one sentence, and nothing of the target is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.targets.environments import environment_with
from xentcheck.cli import main
from xentcheck.targets import TargetError, TargetSpecification
from xentcheck.targets.find import interpreter
from xentcheck.targets.specification import build_plan

PLANTED = str(Path(__file__).with_name("planted.py"))


def refusal(**options: Any) -> str:
    """Return the sentence with which a target is refused."""
    with pytest.raises(TargetError) as caught:
        build_plan(TargetSpecification(f"{PLANTED}:loss", **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def executable(file: Path, text: str) -> str:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            """printf '\\nxentcheck:{"version": [2, 7, 18], "numpy": "", "failure": "", "missing": []}\\n'""",
            r"is Python 2\.7\.18, but a target needs Python 3\.8",
        ),
        (
            """printf '\\nxentcheck:{"version": [3, 7, 9], "numpy": "", "failure": "", "missing": []}\\n'""",
            r"is Python 3\.7\.9, but a target needs Python 3\.8",
        ),
        ("echo I am no snake.; echo Bye", r"is no Python: .* its first words: I am no snake\.$"),
        ("exit 3", r"is no Python: asked for its version, it does not tell one\.$"),
        ("printf '\\nxentcheck:[1, 2]\\n'", "is no Python"),
        ("printf '\\nxentcheck:{\\n'", "is no Python"),
        ("while :; do echo y; done", "is no Python: .* its first words: y"),
        ("sleep 1000", "is no Python, or hangs: no answer within 0.5 s"),
    ],
    ids=["Python 2", "Python 3.7", "words", "exit", "a list", "half", "endless", "hangs"],
)
def test_what_is_no_usable_python_is_one_sentence(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the program does when it is asked; nothing of the target is imported."""
    if "sleep" in text:
        monkeypatch.setattr(interpreter, "_PATIENCE", 0.5)
    path = executable(tmp_path / "python", text)
    sentence = refusal(python=path)
    assert sentence.startswith(f"The interpreter {path} is ")
    with pytest.raises(TargetError, match=said):
        raise TargetError(sentence)


def test_an_interpreter_without_numpy_says_how_to_install_it(tmp_path: Path) -> None:
    """And one whose numpy cannot be imported, what it says."""
    bare = environment_with(tmp_path / "bare")
    path = bare / "bin" / "python"
    assert refusal(venv=str(bare)).endswith(
        f"has no numpy, which is needed beside any target; use {path} -m pip install numpy."
    )
    broken = environment_with(tmp_path / "broken", numpy="raise ImportError('libblas is missing')")
    assert refusal(venv=str(broken)).endswith("cannot import numpy: ImportError: libblas is missing.")


def test_what_does_not_exist_or_is_something_else_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths are relative to the working directory; a name without a slash is a command's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("")
    assert refusal(python="./absent") == f"The interpreter ./absent does not exist (looked for {tmp_path}/absent)."
    assert refusal(python="absent").startswith("There is no interpreter absent: no command has this name")
    assert refusal(python="./folder") == (
        "The interpreter ./folder is a directory; a virtual environment is given as venv."
    )
    assert refusal(python="text") == "The interpreter text cannot be run: it is no executable file."
    assert refusal(venv="absent") == f"The virtual environment absent does not exist (looked for {tmp_path}/absent)."
    assert refusal(venv="folder").startswith("The directory folder is no virtual environment")
    assert refusal(venv="text").endswith("; an interpreter itself is given as python.")
    assert refusal(venv="folder", python="text").startswith("Both an interpreter and a virtual environment")


@pytest.mark.parametrize("command", ["check", "probe"])
def test_the_command_line_says_it_too(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence and exit status 2."""
    path = executable(tmp_path / "python", "exit 3")
    assert main([command, f"{PLANTED}:loss", "--python", path]) == 2
    said = f"xentcheck: The interpreter {path} is no Python: asked for its version, it does not tell one.\n"
    assert capsys.readouterr() == ("", said)
