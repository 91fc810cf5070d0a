"""Targets of frameworks that differentiate a function of arrays: conversion, gradient, cotangent, recognition."""

from __future__ import annotations

import ast
import inspect
import io
import sys
import tokenize
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from xentcheck import reference
from xentcheck.batches.batch import Batch
from xentcheck.targets import TargetError, TargetSpecification, open_host
from xentcheck.targets.call.framework import NumpyFramework
from xentcheck.targets.call.framework_functions import BY_NAME, FunctionFramework, TinyGrad
from xentcheck.targets.call.frameworks import FRAMEWORKS, framework_named
from xentcheck.targets.call.target import Functions, Target
from xentcheck.targets.outcome import Outcome

PLANTED = str(Path(__file__).with_name("planted_functions.py"))
Z = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]])
Y = np.array([2, 1])
EACH = [pytest.param(name, marks=pytest.mark.needs(name)) for name in FRAMEWORKS if name not in ("torch", "jax")]


def answered(framework: str, dtype: Any = np.float32, upstream: Any = None) -> Outcome:
    """Return what a loss in a framework answers, called as that framework's."""
    with open_host(TargetSpecification(f"{PLANTED}:{framework}"), in_process=True) as host:
        host.ready()
        host._target.framework = framework_named(framework)  # type: ignore[attr-defined]
        return host.evaluate(Batch(Z.astype(dtype), Y), upstream=upstream)


@pytest.mark.parametrize("framework", EACH)
def test_loss_and_gradient_are_the_frameworks_own(framework: str) -> None:
    """In the dtype given, with any cotangent."""
    outcome = answered(framework)
    assert outcome.raised is None
    assert outcome.loss is not None
    assert outcome.gradient is not None
    assert outcome.loss.dtype == np.float32
    assert outcome.gradient.dtype == (np.float64 if framework == "autograd" else np.float32)
    np.testing.assert_allclose(outcome.loss, reference.loss(Z, Y), rtol=1e-6)
    np.testing.assert_allclose(outcome.gradient, reference.gradient(Z, Y), rtol=1e-5, atol=1e-7)
    scaled = answered(framework, upstream=np.array(-2.0)).gradient
    np.testing.assert_allclose(scaled, -2.0 * reference.gradient(Z, Y), rtol=1e-5, atol=1e-7)


@pytest.mark.needs("mlx")
def test_bfloat16_reaches_mlx_and_comes_back() -> None:
    """Numpy has no bfloat16 that mlx reads."""
    outcome = answered("mlx", ml_dtypes.bfloat16)
    assert outcome.loss is not None
    assert outcome.loss.dtype == ml_dtypes.bfloat16
    np.testing.assert_allclose(outcome.loss.astype(np.float64), reference.loss(Z, Y), rtol=1e-2)


@pytest.mark.needs("mlx")
@pytest.mark.slow
def test_a_loss_of_mlx_is_recognised_by_what_it_takes() -> None:
    """In its own process, where mlx is imported by the target alone: numpy arrays are refused, its own are taken."""
    with open_host(TargetSpecification("mlx.nn.losses:cross_entropy", changes={"reduction": "none"})) as host:
        description = host.ready()
        outcome = host.evaluate(Batch(Z.astype(np.float32), Y))
    assert description.framework == "mlx"
    assert outcome.raised is None
    assert outcome.gradient is not None


class Narrow(NumpyFramework):
    """A framework without unsigned integers of 64 bits."""

    def present(self, array: Any) -> Any:
        """Refuse what there is no array for."""
        if array.dtype == np.uint64:
            raise ValueError("incompatible array data type")
        return super().present(array)


def test_what_a_framework_has_no_array_for_is_refused() -> None:
    """As if the target did so: it is no fault of xentcheck."""
    target = Target(Functions(loss=lambda z, y: np.mean(z)), framework=Narrow())
    assert target.evaluate(Batch(Z, Y), ("loss",)).raised is None
    raised = target.evaluate(Batch(Z, Y.astype(np.uint64)), ("loss",)).raised
    assert raised is not None
    assert raised.message == "incompatible array data type"


def test_a_tinygrad_without_a_device_is_no_mistake_of_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its CPU compiles with clang: where there is none, that is said before anything is judged."""

    class Devices:
        DEFAULT = "CPU"

        def __getitem__(self, name: str) -> object:
            raise FileNotFoundError(2, "No such file or directory", "clang")

    monkeypatch.setitem(sys.modules, "tinygrad", SimpleNamespace(Device=Devices()))
    monkeypatch.setenv("DEV", "CPU")
    with pytest.raises(
        TargetError, match=r"no device here that works \(.*'clang'\); its CPU needs clang on the path\."
    ):
        framework_named("tinygrad")


@pytest.mark.parametrize(("said", "left"), [("", 0), ("4", 2)])
def test_tinygrad_compiles_in_the_process_of_the_target(said: str, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pool of processes is not asked for, unless the user has said how many there are to be."""
    helpers = ModuleType("tinygrad.helpers")
    helpers.PARALLEL = SimpleNamespace(value=2)  # type: ignore[attr-defined]
    tinygrad = ModuleType("tinygrad")
    tinygrad.Device = type("Devices", (dict,), {"DEFAULT": "CPU"})(CPU=None)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tinygrad", tinygrad)
    monkeypatch.setitem(sys.modules, "tinygrad.helpers", helpers)
    monkeypatch.setenv("DEV", "CPU")
    monkeypatch.setenv("PARALLEL", said) if said else monkeypatch.delenv("PARALLEL", raising=False)
    TinyGrad()
    assert helpers.PARALLEL.value == left


def code_lines(source: str) -> int:
    """Return how many lines of a source are code: not empty, and no comment or docstring."""
    documented: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            documented.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = [one for one in tokenize.generate_tokens(io.StringIO(source).readline) if one.type not in blank]
    return len({line for one in tokens for line in range(one.start[0], one.end[0] + 1)} - documented)


def test_an_adapter_is_short() -> None:
    """Of a framework that differentiates a function, and of a library whose loss is called in a way of its own."""
    assert all(issubclass(one, FunctionFramework) for one in BY_NAME.values())
    sources = {name: inspect.getsource(one) for name, one in BY_NAME.items()}
    shims = Path(inspect.getfile(FunctionFramework)).parents[1] / "shims"
    sources |= {path.name: path.read_text(encoding="utf-8") for path in shims.glob("*.py")}
    assert len(sources) > 30
    assert {name: count for name, source in sources.items() if (count := code_lines(source)) > 25} == {}


def test_lines_of_code_are_counted_without_words() -> None:
    """A docstring, a comment and an empty line are none; a text over two lines is two."""
    words = "    " + 3 * '"' + "Words\n    of it." + 3 * '"'
    source = f"class A:\n{words}\n\n    # a comment\n    b = 1  # another\n    c = (\n        'text'\n    )\n"
    assert code_lines(source) == 5
