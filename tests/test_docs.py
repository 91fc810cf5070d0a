"""The documentation shows commands, contracts, laws and dtypes that exist, and what the tutorial's commands print."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from xentcheck.cli import arguments
from xentcheck.cli.main import xentcheck as group
from xentcheck.report import results

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TUTORIAL = ROOT / "docs" / "tutorial.md"
STEPS = ROOT / "examples" / "tutorial"


def commands(text: str) -> list[str]:
    """Return the calls of xentcheck in a page: lines of its blocks of code, spans of code, and contracts in such."""
    blocks = re.findall(r"^ *```[^`\n]*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    lines = re.findall(r"^ *(?:\$ |.* && )?(xentcheck (?:[^\\\n]|\\\n)*)", "\n".join(blocks), re.MULTILINE)
    spans = re.findall(r"(?<!`)`(xentcheck\s[^`]+)`", text)
    spans += [f"xentcheck check TARGET {one}" for one in re.findall(r"(?<!`)`(--contract\s[^`]+)`", text)]
    found = [one.replace("\\\n", " ") for one in (*lines, *spans)]
    found = [re.split(r" # | > ", one)[0] for one in found]  # no comments, and no redirections
    return [" ".join(one.split()) for one in found if not re.match(r"xentcheck \d", one)]  # not the head of a report


SHOWN = sorted({(str(page.relative_to(ROOT)), one) for page in PAGES for one in commands(page.read_text("utf-8"))})
SHOWN += [
    ("examples/workflow.yml", one)
    for one in commands(f"```\n{(ROOT / 'examples' / 'workflow.yml').read_text('utf-8')}```")
]


def test_commands_are_found_where_they_stand() -> None:
    """In blocks, behind a prompt or another command, over several lines, and in spans; prose is no command."""
    block = "```sh\npip install . && xentcheck check\n$ xentcheck a \\\n  b\n```"
    text = f"xentcheck tells.\n{block}\nsee `xentcheck\ndoctor`"
    assert commands(text) == ["xentcheck check", "xentcheck a b", "xentcheck doctor"]


@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_each_command_shown_can_be_called(page: str, command: str) -> None:
    """The command exists and takes these options; keys of contracts, laws and dtypes are looked up as well."""
    _, name, *words = shlex.split(command)
    if name == "COMMAND":
        return
    found = group.get_command(group.make_context("xentcheck", [name]), name)
    assert found is not None
    if words == ["--help"]:
        return
    given = found.make_context(name, words).params
    arguments.declared(given.get("assignments", ()), None)
    arguments.laws(given.get("properties", ()))
    arguments.dtypes(given.get("dtypes", ()))


RECORDS = [one for one in vars(results).values() if isinstance(one, type) and is_dataclass(one)]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_each_field_of_the_report_is_documented(record: type) -> None:
    """Among the parameters in the docstring of its record, which the page of the report shows."""
    assert f".. autoclass:: {record.__name__}\n" in (ROOT / "docs" / "reference" / "report.md").read_text("utf-8")
    lines = re.findall(r"^(\w[\w, ]*)(?: :.*)?$", inspect.getdoc(record) or "", re.MULTILINE)
    assert {one.name for one in fields(record)} <= {name.strip() for line in lines for name in line.split(",")}


def shown() -> list[tuple[str, list[str], list[str]]]:
    """Return what the tutorial runs: the folder of the file shown before it, the words, and the lines of output."""
    runs, folder = [], ""
    parts = re.finditer(r"tutorial/(\w+)/mine\.py|```console\n\$ (.+)\n((?:.*\n)*?)```", TUTORIAL.read_text("utf-8"))
    for part in parts:
        folder = part[1] or folder
        if part[2]:
            runs.append((folder, shlex.split(part[2])[1:], part[3].splitlines()))
    return runs


def plain(line: str) -> str:
    """Return a line without its figures, which the next version of a family or of numpy may move."""
    return " ".join(re.sub(r"[\d.,e+-]*\d[\d.]*", "#", line).split())


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "words", "expected"), shown())
def test_the_tutorial_shows_what_is_printed(folder: str, words: list[str], expected: list[str]) -> None:
    """Each line shown is printed, in this order; "..." stands for lines left out."""
    call = [sys.executable, "-m", "xentcheck", *words]
    environment = {**os.environ, "COLUMNS": "88"}
    run = subprocess.run(call, cwd=STEPS / folder, env=environment, capture_output=True, text=True, check=False)
    printed = iter([plain(line) for line in run.stdout.splitlines()])
    missing = [line for line in expected if line != "..." and plain(line) not in printed]
    assert not missing, run.stdout + run.stderr
    assert run.returncode == (0 if "CONFORMS" in "".join(expected) else 1)


def test_the_number_of_targets_in_the_table_is_the_one_that_is_said() -> None:
    """README and guide name it, and the table is made anew with more targets in it."""
    count = json.loads((ROOT / "docs" / "ecosystem" / "table.json").read_text("utf-8"))["counts"]["targets"]
    assert f"shows how {count} of them came out" in (ROOT / "README.md").read_text("utf-8")
    assert f"A table of {count} targets" in (ROOT / "docs" / "guides" / "survey.md").read_text("utf-8")
