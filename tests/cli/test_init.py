"""`xentcheck init` writes a start for a project, and pyproject.toml states the defaults of options."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from xentcheck.cli import main

ROOT = Path(__file__).parents[2]
TEST, WORKFLOW = "test_losses.py", ".github/workflows/xentcheck.yml"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def target() -> Any:
    """Return the target of pyproject.toml."""
    stated = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    return stated["tool"]["xentcheck"]["targets"]["loss"]


def test_in_an_empty_folder(here: Path, capsys: Any) -> None:
    assert main(["init", "mine.py:loss"]) == 0
    assert target() == {"loss": "mine.py:loss", "contract": {}}
    compile((here / TEST).read_text("utf-8"), TEST, "exec")
    assert '@xentcheck.parametrize(["loss"])' in (here / TEST).read_text("utf-8")
    assert capsys.readouterr().out.endswith("and try: xentcheck check loss\n")


@pytest.mark.parametrize(
    ("name", "header"),
    [("loss", "loss"), ("my-loss_2", "my-loss_2"), ("my.loss", '"my.loss"'), ("größe", '"gr\\u00f6\\u00dfe"')],
)
def test_a_name_has_quotes_where_toml_needs_them(here: Path, name: str, header: str) -> None:
    assert main(["init", "mine.py:loss", "--name", name]) == 0
    text = (here / "pyproject.toml").read_text("utf-8")
    assert f"\n[tool.xentcheck.targets.{header}]\n" in text
    assert list(tomllib.loads(text)["tool"]["xentcheck"]["targets"]) == [name]


def test_the_workflow_is_that_of_the_guide(here: Path) -> None:
    """But for the name of the target."""
    assert main(["init", "mine.py:loss"]) == 0
    shown = (ROOT / "examples" / "workflow.yml").read_text("utf-8")
    assert (here / WORKFLOW).read_text("utf-8") == shown.replace("check mine.py:loss", "check loss")


def test_what_stands_there_stays(here: Path, capsys: Any) -> None:
    """A section is added to pyproject.toml once; a second call changes nothing, and shows what could be added."""
    (here / "tests").mkdir()
    (here / "pyproject.toml").write_text("# mine\n[project]\nname = 'x'", encoding="utf-8")
    (here / "tests" / TEST).write_text("pass\n", encoding="utf-8")
    assert main(["init", "mine.py:loss"]) == 0
    assert (
        (here / "pyproject.toml").read_text("utf-8").startswith("# mine\n[project]\nname = 'x'\n\n[tool.xentcheck]\n")
    )
    assert target()["loss"] == "mine.py:loss"
    assert (here / "tests" / TEST).read_text("utf-8") == "pass\n"
    assert "tests/test_losses.py is there, and stays as it is" in capsys.readouterr().out
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    assert main(["init", "other.py:loss"]) == 0
    assert 'loss = "other.py:loss"' in capsys.readouterr().out
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Missing argument 'LOCATION'."),
        (["mine.py"], "names no attribute; write mine.py:ATTRIBUTE"),
        (["mine.py:loss", "--name", "a b"], "--name is 'a b', but may have letters"),
    ],
)
def test_each_mistake_is_one_sentence(here: Path, capsys: Any, words: list[str], said: str) -> None:
    assert main(["init", *words]) == 2
    assert said in capsys.readouterr().err
    assert list(here.iterdir()) == []


def test_a_pyproject_that_cannot_be_read(here: Path, capsys: Any) -> None:
    (here / "pyproject.toml").write_text("tool = [", encoding="utf-8")
    assert main(["init", "mine.py:loss"]) == 2
    assert "pyproject.toml cannot be read: " in capsys.readouterr().err
    assert len(list(here.iterdir())) == 1


def test_the_command_line_goes_above_the_project(engine: Any, call: Any) -> None:
    Path("pyproject.toml").write_text("[tool.xentcheck]\nprofile = 'thorough'\nseed = 3\n", encoding="utf-8")
    assert call("check", "a")[0] == 0
    assert call("check", "a", "--seed", "4", "--profile", "quick")[0] == 0
    assert [(asked["profile"], asked["seed"]) for _, asked in engine.asked] == [("thorough", 3), ("quick", 4)]


def test_a_mistake_of_the_project_is_one_sentence(engine: Any, call: Any) -> None:
    """Of the commands that read it; the others do not."""
    Path("pyproject.toml").write_text("[tool.xentcheck]\nsed = 3\n", encoding="utf-8")
    status, _, err = call("check", "a")
    assert status == 2
    assert "has a key 'sed' (did you mean 'seed'?)" in err
    assert not engine.asked
    assert call("properties")[0] == 0
