"""``xentcheck init``: a start for a project, in which nothing that is there is overwritten."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import click

from xentcheck.cli import status
from xentcheck.contract.harmless import harmless

WORKFLOW = """\
name: xentcheck
on: [push, pull_request]
permissions:
  contents: read
  security-events: write
jobs:
  losses:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - name: Install # the project and xentcheck, however that is done here
        run: python -m pip install . xentcheck
      - name: Judge the losses
        run: >
          xentcheck check TARGET
          --github --junit xentcheck.xml --sarif xentcheck.sarif --markdown xentcheck.md --json xentcheck.json
      - name: Summary of the job
        if: always() && hashFiles('xentcheck.md') != ''
        run: cat xentcheck.md >> "$GITHUB_STEP_SUMMARY"
      - name: Code scanning
        if: always() && hashFiles('xentcheck.sarif') != ''
        uses: github/codeql-action/upload-sarif@v3
        with:
          sarif_file: xentcheck.sarif
          category: xentcheck
      - name: Keep the reports
        if: always()
        uses: actions/upload-artifact@v4
        with:
          name: xentcheck
          path: xentcheck.*
"""
TEST = '''\
"""One test for each law that the losses are judged by."""

import xentcheck


@xentcheck.parametrize([TARGET])
def test_losses(verify):
    """The law holds."""
    verify()
'''
SECTION = """\
[tool.xentcheck]
# profile = "quick"                        # how much is tried: quick, standard or thorough
# seed = 0                                 # another seed, other batches
# waivers = "xentcheck-waivers.toml"       # findings that are accepted: `xentcheck waive report.json` writes them

[tool.xentcheck.targets.NAME]
loss = LOCATION
# gradient = "mine.py:gradient"            # also value_and_gradient, hessian_vector, vjp and jvp

[tool.xentcheck.targets.NAME.contract]     # what it promises; `xentcheck probe LOCATION` infers it
# input = "logits"                         # or "probabilities", "log_probabilities"
# labels = ["sparse"]                      # also "onehot", "soft"
# reduction = "mean"                       # or "sum", "none"
"""


@click.command(short_help="Write a start for a project.")
@click.argument("location", metavar="LOCATION")
@click.option("--name", default="loss", show_default=True, metavar="NAME", help="What the target is called.")
def init(location: str, name: str) -> int:
    """Make a loss a target of the project in the current directory, with a test file and a workflow for GitHub.

    LOCATION is package.module:attribute or path/file.py:attribute. The target is added to pyproject.toml, which is made
    if it is not there; what is there already is never changed: where a file or the section exists, it is said what
    may be added by hand.

    \b
    xentcheck init mine.py:loss
    xentcheck check loss
    pytest
    """  # noqa: D301 (click reads the character)
    from xentcheck.contract.project import toml_key
    from xentcheck.targets.errors import TargetError
    from xentcheck.targets.find.locate import split

    try:
        split(location)
    except TargetError as error:
        raise click.ClickException(str(error)) from None
    if not re.fullmatch(r"[\w.-]+", name):
        raise click.ClickException(f"--name is {name!r}, but may have letters, digits, '.', '_' and '-' only.")
    quoted, shown = json.dumps(name), json.dumps(location)
    tests = Path("tests") if Path("tests").is_dir() else Path()
    section = SECTION.replace("NAME", toml_key(name)).replace(
        "`xentcheck probe LOCATION`", f"`xentcheck probe {location}`"
    )
    section = section.replace("LOCATION", shown)
    _add_section(section)
    _make(tests / "test_losses.py", TEST.replace("TARGET", quoted))
    _make(Path(".github", "workflows", "xentcheck.yml"), WORKFLOW.replace("TARGET", name))
    click.echo("Its step Install has to suit the project: see there how the project and xentcheck are installed.")
    click.echo(harmless(f"Now say in pyproject.toml what {name} promises, and try: xentcheck check {name}"))
    return status.CONFORMS


def _add_section(section: str) -> None:
    """Append the section to pyproject.toml, or show it where there is one already."""
    path = Path("pyproject.toml")
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        there = "xentcheck" in tomllib.loads(before).get("tool", {})
    except (OSError, ValueError, AttributeError) as error:
        raise click.ClickException(f"{path} cannot be read: {harmless(str(error)).rstrip('.')}.") from None
    if there:
        click.echo(f"{path} has a section [tool.xentcheck], which stays as it is; what could be added to it:\n")
        click.echo("\n".join(f"    {line}".rstrip() for line in section.splitlines()) + "\n")
        return
    _write(path, (before.rstrip("\n") + "\n\n" if before.strip() else "") + section)
    click.echo(f"{path}: a section [tool.xentcheck] was added" if before else f"{path} was written")


def _make(path: Path, text: str) -> None:
    if path.exists():
        click.echo(f"{path} is there, and stays as it is")
        return
    _write(path, text)
    click.echo(f"{path} was written")


def _write(path: Path, text: str) -> None:
    from xentcheck.report.files import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from None
