"""Functions given as objects are named where an import gives them again, and nowhere else."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from xentcheck.report.importable import named
from xentcheck.targets import TargetSpecification

SOURCE = """
def loss(z, y): ...


def gradient(z, y): ...


def changed(z, y): ...


made = changed


def changed(z, y): ...


class Losses:
    @staticmethod
    def loss(z, y): ...

    def method(self, z, y): ...
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module in a folder from which it can be imported."""
    (tmp_path / "importable_mine.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.delitem(importlib.sys.modules, "importable_mine", raising=False)  # type: ignore[attr-defined]
    return importlib.import_module("importable_mine")


def test_functions_of_a_module_are_named(mine: ModuleType, tmp_path: Path) -> None:
    given = TargetSpecification(loss=mine.Losses.loss, gradient=mine.gradient, name="mine")
    found, folder = named(given)
    assert found.given == {"loss": "importable_mine:Losses.loss", "gradient": "importable_mine:gradient"}
    assert (found.name, folder) == ("mine", str(tmp_path.resolve()))


def test_what_an_import_does_not_give_stays_as_it_is(mine: ModuleType) -> None:
    """A closure, a method of an object, a function whose name means another one by now, a name beside an object."""
    for given in (
        {"loss": lambda z, y: 0.0},
        {"loss": mine.Losses().method},
        {"loss": mine.made},
        {"loss": mine.loss, "gradient": lambda z, y: 0.0},
        {"loss": mine.loss, "gradient": "mine.py:gradient"},
        {"loss": mine.loss, "gradient": importlib.import_module},
    ):
        specification = TargetSpecification(**given)
        assert named(specification) == (specification, "")


def test_a_script_or_a_notebook_is_not_run_again(mine: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was started as the program has no name to be imported by."""
    monkeypatch.setattr(mine.loss, "__module__", "__main__")
    assert named(TargetSpecification(loss=mine.loss))[1] == ""
