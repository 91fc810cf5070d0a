"""docs/laws.md says what the registry says."""

from __future__ import annotations

from pathlib import Path

import pytest

from xentcheck.properties.registry import LAWS

DOCUMENT = Path(__file__).parents[2] / "docs" / "laws.md"


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_each_law_has_its_row(law):
    """Number, name, sentence and sources of a law stand in the document as they stand in the code."""
    row = f"| {law.number} | `{law.name}` | {law.sentence} | {law.sources} |"
    assert row in DOCUMENT.read_text(encoding="utf-8").splitlines()
