"""Findings about rows along several axes: what a person reads, and the script that shows it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import xentcheck
from xentcheck.report import arrays
from xentcheck.report.terminal import finding_text

LOSSES = """
import numpy as np


def rows(z, y):
    d = z - z.max(axis=1, keepdims=True, initial=-np.inf)
    logs = d - np.log(np.exp(d).sum(axis=1, keepdims=True))
    return -np.take_along_axis(logs, y[:, None].astype(np.int64), axis=1)[:, 0]


def last_place_doubled(z, y):
    losses = rows(z, y)
    losses[..., 1:] *= 2
    return losses


def squared_weights(z, y, sample_weight):
    return rows(z, y) * sample_weight**2


def doubled_gradient(z, y):
    e = np.exp(z - z.max(axis=1, keepdims=True, initial=-np.inf))
    g = e / e.sum(axis=1, keepdims=True) - np.moveaxis(np.eye(z.shape[1])[y.astype(np.int64)], -1, 1)
    g[..., 1:] *= 2
    return g
"""
CONTRACT = {"axis": 1, "extra_axes": 1, "reduction": "none", "dtypes": ["float64"]}


@pytest.mark.slow
@pytest.mark.parametrize("role", ["loss", "gradient"])
def test_the_script_calls_the_target_with_all_axes(tmp_path: Path, role: str) -> None:
    """It has its exit status by the element that is wrong, which is told by its row; it needs nothing of ours."""
    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent(LOSSES))
    functions = {"loss": f"{file}:last_place_doubled"} if role == "loss" else {"gradient": f"{file}:doubled_gradient"}
    report = xentcheck.check(
        **functions, contract=CONTRACT, properties=[{"loss": "value"}.get(role, role)], fail_fast=True
    )
    finding = report.findings[0]
    told = " ".join(finding_text(report, finding).split())
    assert "rows along 1 x 2 in C order: logits of shape (1, 3, 2), classes along axis 1" in told
    script = tmp_path / "again.py"
    script.write_text(finding.reproducer)
    assert "np.array([[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]], np.float64)" in finding.reproducer
    assert "import xentcheck" not in finding.reproducer
    assert "from xentcheck" not in finding.reproducer
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    assert "times the allowance" in ran.stdout
    file.write_text(textwrap.dedent(LOSSES).replace("*= 2", "*= 1"))
    assert subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False).returncode == 0


def test_the_script_gives_row_weights_in_the_shape_of_the_labels(tmp_path: Path) -> None:
    """It runs as it is, and finds what was found."""
    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent(LOSSES))
    contract = {**CONTRACT, "row_weights": {"argument": "sample_weight"}}
    report = xentcheck.check(f"{file}:squared_weights", contract=contract, properties=["value"], fail_fast=True)
    script = tmp_path / "again.py"
    script.write_text(report.findings[0].reproducer)
    ran = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (1, "")


def test_shapes_in_words() -> None:
    """Where the classes are, and nothing where rows have one axis."""
    batch = {"scores": {"shape": [12, 5]}}
    told = arrays.along_axes(batch, {"axis": -1, "extra_axes": [2]})
    assert told == "rows along 2 x 2 x 3 in C order: logits of shape (2, 2, 3, 5), classes along axis -1"
    assert "shape (5, 2, 6)" in arrays.along_axes(batch, {"axis": 0, "extra_axes": [1]})
    assert arrays.along_axes(batch, {"axis": 0}) == ""
