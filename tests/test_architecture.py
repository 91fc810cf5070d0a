"""docs/architecture.md is true: its paths exist, its map is that of the package, and its counts of files are enough."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import xentcheck
from tests.test_structure import ROOMS

ROOT = Path(__file__).parents[1]
PACKAGE = Path(xentcheck.__file__).parent
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MAP = TEXT.split("```")[1]

ADDED = {
    "a law": {
        "xentcheck/properties/values.py": """
@law(26, "temporary", "The loss is not -7.", sources="none")
def temporary(case: Case) -> Iterator[Violation]:
    if (loss := case.answer.numbers("loss")) is not None:
        case.looked()
        if (loss == -7).any():
            yield Violation("the loss is -7", case.batch, "loss", got=-7.0)
""",
        "docs/laws.md": "| 26 | `temporary` | The loss is not -7. | none |\n",
        "tests/properties/planted.py": "PLANTED += (Planted('temporary', lambda logits, labels: np.float64(-7)),)\n",
        "xentcheck/zoo/bugs_axes.py": """
@bug("constant", "temporary")
def temporary(scores: Array, labels: Array) -> Any:
    return scores.dtype.type(-7)
""",
    },
    "an input family": {
        "xentcheck/batches/families_scores.py": """
@family()
def temporary(numbers: Numbers) -> Draft:
    return Draft(numbers.pick((3.0,)), numbers.labels())
""",
    },
    "a likely cause": {
        "xentcheck/diagnosis/hypotheses/formulas.py": """
@hypothesis(Rank.RARE)
def temporary(model: Model) -> Iterator[Prediction]:
    if model.part == "loss":
        yield Prediction("temporary", "The loss is its hyperbolic sine.", np.sinh(model.right))
""",
    },
    "a planted bug or a right oddity": {
        "xentcheck/zoo/bugs_axes.py": """
@bug("constant", "value")
def temporary(scores: Array, labels: Array) -> Any:
    return scores.dtype.type(-7)
""",
    },
    "a target": {
        "xentcheck/targets/find/registered.py": "TARGETS += (replace(_REFERENCE, name='temporary'),)\n",
    },
}
"""What stands at the end of which files when one of each has been added."""

IN_ZOO = """
from xentcheck.selftest.examination import examine
from xentcheck.zoo import BUGS
bug = next(one for one in BUGS if one.name == "temporary")
assert examine(bug, properties=bug.law, only_first=True).planted
"""
SEEN = {
    "a law": IN_ZOO
    + """
assert examine(bug, properties=bug.law, only_first=True).first.law == "temporary"
import sys
sys.path.insert(0, "tests/properties")
from planted import PLANTED
from xentcheck.properties.registry import LAWS
import xentcheck
one = PLANTED[-1]
report = xentcheck.check(one.loss, properties=[one.law], contract={"dtypes": ["float64"]}, fail_fast=True)
assert [found.property for found in report.findings] == ["temporary"]
assert {law.name for law in LAWS} == {bug.law for bug in PLANTED}
""",
    "an input family": """
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
assert "temporary" in {batch.family for batch in sweep(Contract(), "float64", "sparse", sizes="thorough")}
""",
    "a likely cause": """
import numpy as np
import xentcheck
from xentcheck.zoo.parts import mean_loss
wrong = lambda scores, labels: np.sinh(mean_loss(scores, labels))
report = xentcheck.check(wrong, properties=["value"], dtypes=["float64"], fail_fast=True)
assert report.findings[0].mechanism == "temporary"
""",
    "a planted bug or a right oddity": IN_ZOO,
    "a target": """
import xentcheck
assert xentcheck.check("temporary", properties=["precision"], dtypes=["float64"]).conforms
""",
}
"""What shows that it is at work."""


def paths() -> list[str]:
    """Return what is written as a path: with a folder, or with the ending of a file."""
    spans = re.findall(r"`([\w./*-]+)`", TEXT.replace(MAP, ""))
    return sorted({span for span in spans if "/" in span or re.search(r"\.(py|md|toml|json)$", span)})


@pytest.mark.parametrize("path", paths())
def test_every_path_exists(path: str) -> None:
    """From the root, the docs or the package; a name alone is that of some file there."""
    places = [place for home in (ROOT, ROOT / "docs", PACKAGE) for place in home.glob(path.rstrip("/"))]
    assert places or ("/" not in path and list(PACKAGE.rglob(path)))


def test_the_map_has_every_room_and_no_other() -> None:
    """In the order in which they may import each other; the version is no room."""
    named = [name for line in MAP.splitlines() for name in re.match(r"((?:\w+(?:/|\.py)\s+)*)", line)[1].split()]
    assert [*(name.rstrip("/").removesuffix(".py") for name in named), "version"] == list(ROOMS)
    assert all((PACKAGE / name).exists() for name in named)
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders == {name.removesuffix("/") for name in named if name.endswith("/")}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow) if kind == "a target" else kind for kind in ADDED]
)
def test_as_many_files_as_stated_are_enough(kind: str, tmp_path: Path) -> None:
    """One of each kind is written into a copy of the package, and then is at work there."""
    rows = re.findall(r"^\| (?:add|register) (.*?) \| (\d+) \|", TEXT, re.MULTILINE)
    assert dict(rows)[kind] == str(len(ADDED[kind]))
    shutil.copytree(PACKAGE, tmp_path / "xentcheck", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("docs", "tests/properties"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for path, text in ADDED[kind].items():
        with open(tmp_path / path, "a", encoding="utf-8") as stream:
            stream.write(text)
    command, environment = [sys.executable, "-c", SEEN[kind]], {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
