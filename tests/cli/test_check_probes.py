"""``xentcheck check`` of a target without a contract: it is probed first, and every report says what was taken."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., tuple[int, str, str]]
LOSSES = """
import numpy as np

def log_softmax(z):
    d = z - z.max(axis=1, keepdims=True)
    return d - np.log(np.exp(d).sum(axis=1, keepdims=True))

def plain(z, y):
    return -log_softmax(z)[np.arange(len(y)), y].mean()

def scratch(y_true, p):
    return -(y_true * np.log(p + 1e-8)).sum() / len(p)

def guarded(z, y):
    return -np.log(np.exp(log_softmax(z))[np.arange(len(y)), y] + 1e-7).mean()

def chance(z, y):
    return np.random.default_rng().random()

def summed(z, y):
    return -log_softmax(z)[np.arange(len(y)), y].sum()

declared = {"loss": summed, "contract": {"reduction": "sum"}}
"""
QUICK = ("--properties", "value", "--dtypes", "float64")


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with losses, in the current directory."""
    (tmp_path / "mine.py").write_text(LOSSES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(file: Path) -> dict[str, Any]:
    """Return the report that was written."""
    stated: dict[str, Any] = json.loads((file / "r.json").read_text(encoding="utf-8"))
    return stated


@pytest.mark.slow
def test_what_is_taken_is_judged_and_said(call: Call, file: Path) -> None:
    """In the terminal, JSON and Markdown; the run can be repeated from its report, where the same is said."""
    status, out, _ = call("check", "mine.py:scratch", *QUICK, "--json", "r.json", "--markdown", "r.md")
    target = report(file)["target"]
    assert status == 0
    assert (target["contract_source"], target["contract"]["boundary"]) == ("inferred", {"add": 1e-8})
    standings = {one["key"]: one["standing"] for one in target["inferred"]}
    assert (standings["input"], standings["boundary"]) == ("fact", "convention")
    head = " ".join(out.partition("Laws")[0].split())
    assert "probed nobody declared a contract; taken from its answers: argument_order=labels_first" in head
    assert 'taken boundary={"add": 1e-08}' in head
    assert "If nobody meant it, it is a defect." in head
    assert "whose contract nobody declared" in (file / "r.md").read_text(encoding="utf-8")
    status, out, _ = call("check", "--from", "r.json", "--json", "again.json")
    assert (status, "As in r.json" in out) == (0, True)
    assert json.loads((file / "again.json").read_text(encoding="utf-8"))["target"] == target


@pytest.mark.slow
def test_of_a_plain_loss_the_batches_are_those_of_the_defaults(call: Call, file: Path) -> None:
    """The digest is the same as without probing."""
    assert call("check", "mine.py:plain", *QUICK, "--json", "r.json")[0] == 0
    probed = report(file)
    assert call("check", "mine.py:plain", *QUICK, "--no-probe", "--json", "r.json")[0] == 0
    bare = report(file)
    assert (probed["digest"], probed["target"]["inferred"]) == (bare["digest"], [])
    assert (probed["target"]["contract_source"], bare["target"]["contract_source"]) == ("inferred", "declared")
    assert bare["command"].split()[3] == "--no-probe"


@pytest.mark.slow
def test_a_mistake_is_not_inferred_away(call: Call, file: Path) -> None:
    """A constant beside logits is a finding, and what it looks like is said."""
    status, out, _ = call("check", "mine.py:guarded", *QUICK)
    assert status == 1
    assert "suspected" in out
    assert """--contract 'boundary={"add": 1e-07}'""" in " ".join(out.split())


@pytest.mark.slow
@pytest.mark.parametrize("words", [["mine.py:plain", "--contract", "axis=-1"], ["mine.py:declared"], ["reference"]])
def test_a_declared_contract_is_left(call: Call, file: Path, words: list[str]) -> None:
    """By the call, by the target or by its register."""
    call("check", *words, *QUICK, "--json", "r.json")
    assert report(file)["target"]["contract_source"] == "declared"


@pytest.mark.slow
def test_what_cannot_be_probed_is_judged_all_the_same(call: Call, file: Path) -> None:
    """And why is said."""
    status, out, _ = call("check", "mine.py:chance", *QUICK)
    assert status == 1
    assert "it answers the same call differently each time" in " ".join(out.partition("FINDING")[0].split())


@pytest.mark.slow
def test_a_run_goes_on_and_is_spread(call: Call, file: Path) -> None:
    """The same is inferred each time, so that a journal fits; more processes come to the same."""
    call("check", "mine.py:scratch", *QUICK, "--json", "r.json", "--resume", "kept")
    first = report(file)
    assert call("check", "mine.py:scratch", *QUICK, "--json", "r.json", "--resume", "kept", "--jobs", "2")[0] == 0
    again = report(file)
    assert (again["digest"], again["target"]) == (first["digest"], first["target"])


@pytest.mark.slow
def test_a_contract_file_without_a_key_states_the_defaults(call: Call, file: Path) -> None:
    """What somebody has written down is not inferred, be it nothing."""
    (file / "c.json").write_text("{}", encoding="utf-8")
    call("check", "mine.py:scratch", *QUICK, "--contract-file", "c.json", "--json", "r.json")
    target = report(file)["target"]
    assert (target["contract_source"], target["inferred"]) == ("declared", [])


@pytest.mark.slow
def test_what_is_judged_is_imported_while_it_is_probed(call: Call, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a process in which the experiments are not made; where a contract is given, nothing is begun ahead."""
    from xentcheck import probing

    source = "import os\nwith open('imported', 'a') as f:\n    print(os.getpid(), file=f)\n"
    (file / "mine.py").write_text(source + LOSSES, encoding="utf-8")
    imported, original = file / "imported", probing.probed

    def after_an_import(*given: Any, **limits: Any) -> Any:
        until = time.monotonic() + 30.0
        while not imported.exists() and time.monotonic() < until:
            time.sleep(0.02)
        assert imported.exists()
        return original(*given, **limits)

    monkeypatch.setattr(probing, "probed", after_an_import)
    assert call("check", "mine.py:scratch", *QUICK, "--json", "r.json")[0] == 0
    assert report(file)["target"]["contract"]["boundary"] == {"add": 1e-8}
    assert len(set(imported.read_text(encoding="utf-8").split())) == 2  # the probe's, and that in which it is judged
