"""The guide on continuous integration: its workflow is YAML of the right form, and its options are those there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from xentcheck.cli import main
from xentcheck.cli.output_files import FORMATS

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "guides" / "continuous-integration.md").read_text(encoding="utf-8")
WORKFLOW = yaml.safe_load((ROOT / "examples" / "workflow.yml").read_text(encoding="utf-8"))
COMMANDS = [step["run"] for step in WORKFLOW["jobs"]["losses"]["steps"] if "run" in step]
LOSS = """
import numpy as np


def loss(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return -shifted[np.arange(len(logits)), np.asarray(labels).reshape(-1)].mean()
"""


def test_the_workflow_has_the_form_of_one() -> None:
    """`on` is read as True by YAML 1.1; each step runs or uses something."""
    assert set(WORKFLOW) == {"name", True, "permissions", "jobs"}
    job = WORKFLOW["jobs"]["losses"]
    assert job["runs-on"] == "ubuntu-latest"
    assert all(("run" in step) != ("uses" in step) for step in job["steps"])
    assert WORKFLOW["permissions"] == {"contents": "read", "security-events": "write"}


def test_the_table_has_every_option() -> None:
    """Each format of the command line, and the annotations."""
    told = set(re.findall(r"^\| `--(\w+)", TEXT, re.MULTILINE))
    assert told == {form.name for form in FORMATS} | {"github"}


def test_its_command_leaves_the_files_that_later_steps_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Run on a wrong loss, by one law: the annotation points at it, and the status is that of findings."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(LOSS, encoding="utf-8")
    (command,) = (shlex.split(command) for command in COMMANDS if command.startswith("xentcheck"))
    narrowed = ["--properties", "value", "--dtypes", "float64", "--fail-fast"]
    assert main([*command[1:], *narrowed]) == 1
    assert "::error file=mine.py,line=5,title=xentcheck%3A law 1%2C value::" in capsys.readouterr().out
    written = {path.name for path in tmp_path.glob("xentcheck.*")}
    assert written == {"xentcheck.json", "xentcheck.xml", "xentcheck.md", "xentcheck.sarif"}
    assert set(re.findall(r"xentcheck\.(?:md|sarif|xml|json)", str(WORKFLOW))) <= written
