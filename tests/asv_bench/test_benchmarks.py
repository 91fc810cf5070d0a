"""The benchmarks themselves: each of those that judge gives the right number where that is known."""

from __future__ import annotations

import importlib
import inspect
import math
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from asv_bench.tools.places import ROOT

KINDS = ("time_", "timeraw_", "track_", "peakmem_")
NAMES = ("accuracy", "imports", "memory", "ratios", "speed", "verify")


@pytest.fixture(scope="module")
def benchmarks() -> Iterator[dict[str, Any]]:
    """The modules, imported as asv does, and told that only the numbers' existence matters."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XENTCHECK_BENCH_SMOKE", "1")
    patch.setattr(sys, "path", [*sys.path, str(ROOT / "asv_bench")])
    yield {name: importlib.import_module(f"benchmarks.{name}") for name in (*NAMES, "subject", "data", "interleaved")}
    patch.undo()


def test_accuracy_of_the_reference(benchmarks: dict[str, Any]) -> None:
    """A 16-bit gradient is rounded once from float32: half an ulp, log2(1.5). A float32 loss is off by hardly more."""
    accuracy = benchmarks["accuracy"].Accuracy()
    for form in ("sparse", "onehot"):
        assert accuracy.track_loss("normal", "float32", form) <= math.log2(1.6)
        assert accuracy.track_gradient("confident", "bfloat16", form) <= math.log2(1.51)


def test_accuracy_sees_a_loss_of_digits(benchmarks: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """logsumexp(z) - z_y in float32 loses what confident rows have to tell."""

    def careless(logits: Any, labels: Any, reduction: str) -> Any:
        return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(logits)), labels]

    monkeypatch.setattr(benchmarks["subject"], "loss", lambda form: careless)
    assert benchmarks["accuracy"].Accuracy().track_loss("confident", "float32", "sparse") > 10


def test_memory_of_a_known_allocation(benchmarks: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two arrays as large as the logits are 2 bytes per byte."""
    monkeypatch.setattr(benchmarks["subject"], "loss", lambda form: lambda z, y: (z.copy(), z.copy()))
    peak = benchmarks["memory"].PeakAlloc().track_loss(1000, "float32", "sparse")
    assert peak == pytest.approx(2.0, abs=0.01)


def test_ratios_are_positive(benchmarks: dict[str, Any]) -> None:
    """Each way of holding times against one another gives a number."""
    ratios = benchmarks["ratios"]
    assert ratios.SparseOverOneHot().track_ratio(10, "float32", "loss_and_gradient") > 0
    assert ratios.VsSoftmaxFloor().track_ratio(10, "float32", "loss", "onehot") > 0
    assert ratios.VsPlain().track_ratio("64x10", "float32", "gradient", "onehot") > 0
    assert ratios.VsPeers().track_ratio("scipy", 10, "float64") > 0


def test_a_commit_without_a_function(benchmarks: dict[str, Any]) -> None:
    """The benchmarks that want it fail, and no import does."""
    with pytest.raises(NotImplementedError):
        benchmarks["subject"].named("xentcheck.reference", "no_such_loss")
    with pytest.raises(NotImplementedError):
        benchmarks["subject"].named("xentcheck.no_such_module", "loss")


def test_parameters_fit_their_methods(benchmarks: dict[str, Any]) -> None:
    """asv calls a method with one value of each list; a slip would fail on every commit."""
    found = 0
    for name in NAMES:
        for title, one in inspect.getmembers(benchmarks[name], inspect.isclass):
            functions = inspect.getmembers(one, inspect.isfunction)
            methods = [method for word, method in functions if word.startswith(KINDS)]
            if one.__module__ != f"benchmarks.{name}" or not methods:
                continue
            names = getattr(one, "param_names", ())
            assert len(names) == len(getattr(one, "params", ())), title
            for method in methods:
                assert list(inspect.signature(method).parameters)[1:] == list(names), (title, method)
                found += 1
    assert found > 15


def test_importing_benchmarks_imports_no_xentcheck() -> None:
    """Or one renamed module would stop the whole suite on old commits."""
    for path in (ROOT / "asv_bench" / "benchmarks").glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not line.startswith(("import xentcheck", "from xentcheck")), path
