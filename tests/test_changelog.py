"""The fragments of the changelog: towncrier can tell where each belongs, and each is one sentence."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
TYPES = [one["directory"] for one in SETTINGS["type"]]
FRAGMENTS = [path for path in sorted((ROOT / SETTINGS["directory"]).iterdir()) if path.name != ".gitkeep"]
NAME = re.compile(rf"([1-9][0-9]*|\+[a-z0-9-]+)\.({'|'.join(TYPES)})\.md")
END = re.compile(r"[.!?](?=\s+[A-Z])")
"""Of a sentence within a text: what follows begins with a capital letter, which e.g. and 0.5 do not have after them."""


def objection(name: str, text: str) -> str:
    """Return what is wrong with a fragment, or ""."""
    if not NAME.fullmatch(name):
        return f"its name is neither N.TYPE.md nor +slug.TYPE.md with a type of {', '.join(TYPES)}"
    told = text.strip()
    if not told.endswith(".") or told.startswith("-"):
        return "it is no sentence that ends with a full stop"
    return "it is more than one sentence" if END.search(told) or "\n\n" in told else ""


def test_each_fragment_is_one_sentence_of_a_known_type() -> None:
    wrong = {path.name: objection(path.name, path.read_text(encoding="utf-8")) for path in FRAGMENTS}
    assert {name: why for name, why in wrong.items() if why} == {}


@pytest.mark.parametrize("name", ["11.feature.md", "+law-26.fixed.md", "7.removed.md"])
def test_names_that_are_right(name: str) -> None:
    assert objection(name, "Law 26, e.g. of 0.5 ulp,\nasks `check(...)` for x.\n") == ""


@pytest.mark.parametrize(
    "name", ["feature.md", "11.feature", "11.added.md", "law.fixed.md", "+Law.fixed.md", "0.fixed.md"]
)
def test_names_that_are_wrong(name: str) -> None:
    assert "its name" in objection(name, "A sentence.")


@pytest.mark.parametrize(
    "text", ["", "no full stop", "- An item.", "One. Two.", "One.\n\nTwo.", "Is it one? It is not."]
)
def test_texts_that_are_not_one_sentence(text: str) -> None:
    assert "sentence" in objection("11.fixed.md", text)


def test_a_release_goes_below_the_head_of_the_changelog() -> None:
    """Where towncrier's mark stands, once, before the latest release."""
    lines = (ROOT / SETTINGS["filename"]).read_text(encoding="utf-8").splitlines()
    mark = "<!-- towncrier release notes start -->"
    assert lines[0] == "# Changelog"
    assert lines.count(mark) == 1
    assert lines[lines.index(mark) + 2].startswith("## [")
