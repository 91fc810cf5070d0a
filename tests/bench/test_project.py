"""Benchmarks for a project of someone else's."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from xentcheck.cli import main


@pytest.fixture
def repository(mine: Path) -> Path:
    """A git repository with a file of losses."""
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "trunk", str(mine)], check=True)
    return mine


def written(folder: Path) -> ModuleType:
    """Import the benchmarks that were written."""
    specification = importlib.util.spec_from_file_location("written_losses", folder / "benchmarks" / "losses.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_a_folder_is_written(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Configuration and benchmarks, with the branch and the paths of that repository."""
    assert main(["bench", "mine.py:loss", "--gradient", "mine.py:gradient", "--asv", "perf"]) == 0
    assert capsys.readouterr().out.count("wrote ") == 5
    content = json.loads((repository / "perf" / "asv.conf.json").read_text())
    assert (content["repo"], content["branches"]) == ("..", ["trunk"])
    assert content["matrix"] == {"req": {"numpy": [""]}}
    assert (repository / "perf" / ".gitignore").read_text() == ".asv/\n"
    target = json.loads((repository / "perf" / "benchmarks" / "targets.json").read_text())["mine.py:loss"]
    assert target["functions"] == {"loss": "mine.py:loss", "gradient": "mine.py:gradient"}
    assert (target["forms"], target["framework"], target["root"]) == (["sparse"], "numpy", "../..")


@pytest.mark.needs("asv")
def test_the_configuration_has_no_key_that_asv_ignores(repository: Path) -> None:
    """Unknown keys would be passed over in silence."""
    config = importlib.import_module("asv.config")
    assert main(["bench", "mine.py:loss", "--asv", "perf"]) == 0
    content = json.loads((repository / "perf" / "asv.conf.json").read_text())
    assert set(content) - {"version"} <= set(vars(config.Config()))


def test_what_was_written_runs(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without xentcheck: it finds the functions and calls them, labels first, on probabilities."""
    words = ["--contract", "input=probabilities", "--contract", "argument_order=labels_first"]
    words += ["--contract", 'labels=["sparse","onehot"]', "--contract", "reduction=sum"]
    assert main(["bench", "mine.py:Dense", *words, "--asv", "perf"]) == 0
    monkeypatch.setattr(sys, "path", list(sys.path))
    losses = written(repository / "perf")
    monkeypatch.setattr(losses, "ROWS", {10: 6})
    value, gradient = losses.prepared("mine.py:Dense, onehot", 10, "both")()
    assert value > 0
    assert gradient.shape == (6, 10)
    assert abs(gradient.sum()) < 1e-5
    assert losses.PATHS == ("mine.py:Dense, sparse", "mine.py:Dense, onehot")
    assert losses.OverSoftmax().track_ratio("mine.py:Dense, onehot", 10) > 0


def test_an_installable_project_is_built_without_its_dependencies(repository: Path) -> None:
    """Asv's own commands fail on a wheel with dependencies; these are in the matrix instead."""
    (repository / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\n'
        '[project]\nname = "own"\ndependencies = ["scipy>=1.0", "rich[all]"]\n'
    )
    assert main(["bench", "mine.py:loss", "--asv", "perf"]) == 0
    content = json.loads((repository / "perf" / "asv.conf.json").read_text())
    assert content["project"] == "own"
    assert set(content["matrix"]["req"]) == {"numpy", "rich", "scipy"}
    assert "--no-deps" in content["build_command"][0]


def test_nothing_is_overwritten(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second time is refused, with what to do."""
    assert main(["bench", "mine.py:loss", "--asv", "perf"]) == 0
    capsys.readouterr()
    assert main(["bench", "mine.py:loss", "--asv", "perf"]) == 2
    assert "exists already; give --asv another folder" in capsys.readouterr().err


def test_outside_a_repository(mine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There are no commits to measure."""
    assert main(["bench", "mine.py:loss", "--asv", "perf"]) == 2
    assert "is not in a git repository" in capsys.readouterr().err


def test_a_target_of_ours(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reference is no function of the user's project."""
    assert main(["bench", "reference", "--asv", "perf"]) == 2
    assert "is no function of yours" in capsys.readouterr().err
