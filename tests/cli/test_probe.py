"""``xentcheck probe``: what it prints is a contract that other commands read."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from xentcheck.contract import Contract
from xentcheck.targets.find.declared import project_targets

Call = Callable[..., tuple[int, str, str]]
LOSS = """
import numpy as np

def loss(y_true, p):
    return -(y_true * np.log(p + 1e-8)).sum()

def gradient(y_true, p):
    return p - y_true

def focal(z, labels):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = (e / e.sum(axis=1, keepdims=True))[np.arange(len(labels)), labels]
    return -((1 - p) ** 2 * np.log(p)).mean()

def needs(z, labels, lengths):
    return 0.0
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with losses, in the current directory."""
    (tmp_path / "mine.py").write_text(LOSS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_output_is_a_contract_file(call: Call, file: Path) -> None:
    """TOML of contract keys, each with a comment; the JSON says the same."""
    found, out, _ = call("probe", "mine.py:loss", "--json", "told.json")
    stated = tomllib.loads(out)
    contract = Contract.from_mapping(stated)
    assert found == 0
    assert (contract.input, contract.argument_order, contract.reduction) == ("probabilities", "labels_first", "sum")
    assert contract.boundary.add == 1e-8
    assert "# Cannot be told:" in out
    told = json.loads((file / "told.json").read_text(encoding="utf-8"))
    assert told["schema"] == "xentcheck-probe/1"
    assert Contract.from_mapping(told["contract"]) == contract


def test_tables_for_a_project(call: Call, file: Path) -> None:
    """With a name, what is printed goes into pyproject.toml as it is."""
    found, out, _ = call("probe", "mine.py:loss", "--gradient", "mine.py:gradient", "--name", "ours")
    (file / "pyproject.toml").write_text(out, encoding="utf-8")
    table = project_targets(str(file)).targets["ours"]
    assert found == 0
    assert (table["loss"], table["gradient"]) == ("mine.py:loss", "mine.py:gradient")
    assert (table["contract"]["reduction"], table["contract"]["gradient_of"]) == ("sum", "p - t")


def test_contradictions_are_told_and_counted(call: Call, file: Path) -> None:
    """Exit status 1, and still TOML."""
    found, out, _ = call("probe", "mine.py:focal")
    assert found == 1
    assert "# Contradictions:" in out
    tomllib.loads(out)


@pytest.mark.parametrize("arguments", [["mine.py:needs"], [], ["mine.py:nowhere"], ["mine.py:loss", "--json", "no/f"]])
def test_what_cannot_be_probed_is_one_sentence(call: Call, file: Path, arguments: list[str]) -> None:
    """Exit status 2."""
    found, out, err = call("probe", *arguments)
    assert (found, out) == (2, "")
    assert len(err.splitlines()) == 1
