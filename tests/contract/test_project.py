"""The table [tool.xentcheck]: what it may state, and one sentence for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from xentcheck.contract.project import ProjectError, project_settings


@pytest.fixture
def beneath(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the project, which is the current directory."""
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def stated(tmp_path: Path, text: str) -> None:
    """Write the pyproject.toml."""
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")


def test_what_may_stand_there(tmp_path: Path, beneath: Path) -> None:
    """The nearest file above counts, and paths begin at it; targets are read elsewhere."""
    text = (
        '[tool.xentcheck]\nprofile = "thorough"\nseed = 3\nwaivers = "w.toml"\n[tool.xentcheck.targets.a]\nloss = "b"'
    )
    stated(tmp_path, text)
    assert project_settings(str(beneath)) == {"profile": "thorough", "seed": 3, "waivers": "../../w.toml"}


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.other]\n"])
def test_nothing_stated(tmp_path: Path, beneath: Path, text: str) -> None:
    stated(tmp_path, text)
    assert project_settings(str(beneath)) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[tool.xentcheck]\nprofil = 'quick'",
            r"'profil' \(did you mean 'profile'\?\); the keys are profile, ",
        ),
        ("[tool.xentcheck]\nprofile = 'much'", "profile is 'much', but must be quick, standard, thorough"),
        ("[tool.xentcheck]\nseed = -1", "seed is -1, but must be a number from 0 on"),
        ("[tool.xentcheck]\nseed = true", "seed is True, but must be a number"),
        ("[tool.xentcheck]\nwaivers = 1", "waivers is 1, but must be the path of a file"),
        ("[tool]\nxentcheck = 1", "xentcheck is '1', but must be a table"),
        ("tool = [", "cannot be read: "),
    ],
)
def test_each_mistake_is_one_sentence(tmp_path: Path, beneath: Path, text: str, said: str) -> None:
    stated(tmp_path, text)
    with pytest.raises(ProjectError, match=said) as caught:
        project_settings(str(beneath))
    assert "\n" not in str(caught.value)
