"""A registered target of another version than the one that its contract was written for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from xentcheck.engine.reporting import _untried
from xentcheck.targets.find.registered import by_name


def described(name: str, version: str) -> Any:
    """Return as much of a description as is asked for."""
    return SimpleNamespace(name=name, version=version)


def test_it_is_said() -> None:
    """With both versions."""
    said = _untried(described("torch.nn.functional.cross_entropy", "99.0.0+cpu"))
    assert "version 2.13.0, and this is 99.0.0" in said


@pytest.mark.parametrize("name", ["mine.py:loss", "reference", "torch.nn.functional.cross_entropy"])
def test_nothing_is_said_of_others(name: str) -> None:
    """A user's target, the reference, and the version tried, in whatever build."""
    known = by_name(name)
    assert _untried(described(name, f"{known.tried}+cpu" if known else "1.0")) == ""
    assert _untried(described(name, "")) == ""
