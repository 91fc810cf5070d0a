"""Scripts call a loss that is judged through an `Adapter` as its framework does, and have it differentiated there."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.report.test_idioms import finding, ran
from xentcheck.contract import Contract
from xentcheck.report.reproducer import script, short_script
from xentcheck.report.shim_adapter import adapted
from xentcheck.targets import TargetSpecification, shims

SHIMS = "xentcheck.targets.shims."
ADAPTED = [
    (path.stem, one.id)
    for path in sorted(Path(shims.__file__).parent.glob("*.py"))
    if "call.adapter import Adapter" in path.read_text(encoding="utf-8")
    for line in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(line, ast.Assign) and ".target(" in ast.unparse(line.value)
    for target in line.targets
    for one in (target.elts if isinstance(target, ast.Tuple) else [target])
    if isinstance(one, ast.Name)
]
PLANTED = """
from types import SimpleNamespace

import numpy as np

from xentcheck.targets.call.adapter import Adapter


def twice(z, y):
    if z.numbers.shape[1] == 1:
        raise KeyError("one class")
    rows = np.log(np.exp(z.numbers).sum(axis=1)) - z.numbers[np.arange(len(z.numbers)), y.numbers]
    return SimpleNamespace(numbers=2 * rows.mean())


def _vjp(loss, z, upstream):
    loss(z)
    return SimpleNamespace(numbers=2 * upstream.numbers * (0.5 - np.array([[1.0, 0.0]])))


_OWN = Adapter(put=lambda a: SimpleNamespace(numbers=a), get=lambda value: value.numbers, vjp=_vjp)
_OTHER = Adapter(put=lambda a: SimpleNamespace(numbers=a), get=lambda a: a.numbers + 0 * a.numbers, vjp=_vjp)
TWICE, AGAIN = _OWN.target(twice), _OTHER.target(twice)
"""


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return where a shim lies that is one of ours for the time of a test."""
    monkeypatch.setattr(shims, "__path__", [*shims.__path__, str(tmp_path)])
    (tmp_path / "twice.py").write_text(PLANTED)
    return SHIMS + "twice"


def test_there_are_some() -> None:
    """Of the frameworks that are kept apart."""
    assert {"mxnet_gluon.DENSE", "megengine_functional.CROSS_ENTROPY"} <= {".".join(one) for one in ADAPTED}


@pytest.mark.parametrize("role", ["loss", "gradient"])
@pytest.mark.parametrize(("module", "name"), ADAPTED, ids=".".join)
def test_every_adapter_is_taken_apart(module: str, name: str, role: str) -> None:
    """What a script needs of it names nothing of xentcheck, and a loss needs no derivative."""
    found = adapted(SHIMS + module, name, role)
    assert found is not None
    assert "xentcheck" not in found.imports
    assert ("def _vjp" in found.imports) == (role == "gradient")
    ast.parse(found.imports + found.idiom.gradient.format(call="loss(z, labels)"))
    ast.parse(found.returned.format(call="loss(scores, labels)"))
    ast.parse(found.idiom.wrap.format(array="scores"))


@pytest.mark.parametrize("name", ["TWICE", "AGAIN"])
@pytest.mark.parametrize(
    ("part", "given", "number"),
    [("loss", {}, 2 * 0.6931471805599453), ("gradient[0, 0]", {}, -1.0), ("gradient[0, 0]", {"upstream": 3.0}, -3.0)],
    ids=["loss", "gradient", "upstream"],
)
def test_a_script_shows_the_number(
    planted: str, name: str, part: str, given: dict[str, Any], number: float, tmp_path: Path
) -> None:
    """The long one ends with 1 while it is wrong, the short one prints it; neither needs xentcheck."""
    target = TargetSpecification(f"{planted}:{name}", python=sys.executable)
    found = finding(part, "float64", **given)
    source = script(target, Contract(), found, framework="numpy")
    assert "xentcheck" not in source.replace("Written by xentcheck.", "").replace(f"{planted}:{name}", "")
    assert ran(source, tmp_path / "long.py").returncode == 1
    short = ran(short_script(target, Contract(), found, "wrong"), tmp_path / "short.py")
    assert float(short.stdout) == pytest.approx(number), short.stderr


def test_a_script_shows_an_exception(planted: str, tmp_path: Path) -> None:
    """A call without an answer is a call, too."""
    target = TargetSpecification(f"{planted}:TWICE", python=sys.executable)
    batch = {"scores": {"dtype": "float64", "shape": [1, 1], "layout": "C", "values": ["0x0.0p+0"]}}
    found = replace(
        finding("loss", "float64"),
        property="answers",
        title="the target raised from its loss: KeyError: 'one class'",
        batch={**finding("loss", "float64").batch, **batch},
        part="",
        certified=None,
        got="KeyError: 'one class'",
    )
    source = short_script(target, Contract(), found, "KeyError: 'one class'")
    done = ran(source, tmp_path / "short.py")
    assert (done.returncode, done.stderr.strip().split("\n")[-1]) == (1, "KeyError: 'one class'")
    assert "  # KeyError: 'one class'\n" in source
    other = replace(found, title="the target raised from its gradient: KeyError: 'one class'")
    assert short_script(target, Contract(), other, "") == ""


def test_another_target_is_none() -> None:
    """Neither a dictionary, nor a function."""
    assert adapted(SHIMS + "sklearn_loss", "CROSS_ENTROPY", "loss") is None
    assert adapted(SHIMS + "scipy_special", "logsumexp_loss", "loss") is None
