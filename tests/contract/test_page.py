"""docs/contract.md says what the records of the keys say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from xentcheck.contract import Contract, parse_assignment
from xentcheck.contract.declaration import KEYS, OPTIONS
from xentcheck.contract.key import At
from xentcheck.contract.page import rewritten

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"


def test_the_tables_are_those_of_the_records() -> None:
    """Else: python -m xentcheck.contract.page docs/contract.md."""
    text = PAGE.read_text(encoding="utf-8")
    assert rewritten(text) == text


def test_a_page_without_a_table_is_refused() -> None:
    """Every group of keys has its heading."""
    with pytest.raises(ValueError, match="0 tables under '## What goes in'"):
        rewritten("# The contract\n")


@pytest.mark.parametrize("name", KEYS)
def test_defaults_and_examples(name: str) -> None:
    """A default is its own canonical value, and what the page shows as an example is taken."""
    assert getattr(Contract(), name) == KEYS[name].read(name, KEYS[name].default)
    key, value = parse_assignment(KEYS[name].example)
    assert key == name
    sums: dict[str, Any] = {"reduction": "sum"} if name == "divisor" else {}
    if name == "class_weights_as":
        sums = {"class_weights": [1.0]}
    if name == "exclusive":
        sums = {option: {"argument": option} for group in value for option in group if option != "soft"}
        sums["labels"] = ["soft"]
    assert getattr(Contract.from_mapping({**sums, key: value}), name) == KEYS[name].read(name, value)


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if option.kind not in ("weights", "rows")])
def test_what_is_tried_of_an_option_is_in_its_domain(name: str) -> None:
    """Levels, drawn and simpler values alike, and the plain level is one of them."""
    option = OPTIONS[name]
    assert option.plain in option.levels
    for at in (At(5), At(5, place=1), At(3, 2.0**-11, -14)):
        values = (*(option.value(level, at) for level in option.levels), *option.drawn(at), *option.simpler)
        assert [KEYS[name].read(name, value) for value in values] == list(values)
