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


def test_a_version_may_be_spelled_otherwise() -> None:
    """By the module, which is asked, and by the package, of which it was noted; one that is no version is itself."""
    name = "tensorflow_probability.distributions.Categorical.log_prob"
    assert _untried(described(name, "0.26.0-dev20261027")) == ""
    assert "this is 0.26.0.dev20261028" in _untried(described(name, "0.26.0-dev20261028"))
    assert "this is of today" in _untried(described(name, "of today+here"))


def test_of_two_versions_all_between_are_tried() -> None:
    """Neither what came before nor what came after, nor what is no version."""
    name = "tensorflow_probability.distributions.Categorical.log_prob"
    for version in ("0.25.0", "0.25.1+cpu", "0.26.0-dev20261026"):
        assert _untried(described(name, version)) == ""
    for version in ("0.24.9", "0.26.0", "of today"):
        assert f"was written for version 0.25.0 to 0.26.0.dev20261027, and this is {version}" in _untried(
            described(name, version)
        )
