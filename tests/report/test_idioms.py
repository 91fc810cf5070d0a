"""A script calls a loss of a framework as its users do, differentiates it, and exits with 1 while it is wrong."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from xentcheck.contract import Contract
from xentcheck.report.finding import Finding
from xentcheck.report.idioms import IDIOMS
from xentcheck.report.reproducer import script
from xentcheck.report.reproducer_direct import direct_call, is_direct
from xentcheck.targets import TargetSpecification
from xentcheck.targets.specification import build_plan

DOUBLED = Path(__file__).with_name("doubled.py")
CONTRACT = Contract.from_mapping({"label_dtypes": ["int64"], "dtypes": ["float32", "bfloat16"]})


EXACT = {"loss": 0.6931471805599453, "gradient": -0.5, "hessian_vector": 0.25, "jvp": -0.5}
"""Of two equal logits, where what is given besides is 1, or [1, 0]."""
DERIVED = {
    "gradient of an upstream": ("gradient[0, 0]", {"upstream": 3.0}),
    "hessian_vector": ("hessian_vector[0, 0]", {"vector": [[3.0, 0.0]]}),
    "jvp": ("jvp", {"tangent": [[3.0, 0.0]]}),
}


def finding(part: str, dtype: str, **given: Any) -> Finding:
    """Return the finding that twice the loss, or a derivative, of two equal logits came."""
    scores = {"dtype": dtype, "shape": [1, 2], "layout": "C", "values": ["0x0.0p+0", "0x0.0p+0"]}
    labels = {"dtype": "int64", "shape": [1], "layout": "C", "values": [0]}
    exact = EXACT[part.partition("[")[0]] * (3.0 if given else 1.0)
    return Finding(
        property="value",
        number=1,
        law="",
        dtype=dtype,
        labels="sparse",
        title="it is twice as large",
        batch={"scores": scores, "labels": labels, "label_form": "sparse", "options": {}, "layout": "C"},
        part=part,
        got=2 * exact,
        certified=(exact, exact),
        allowance=0.01,
        **given,
    )


def ran(source: str, path: Path) -> Any:
    """Return how a script ended."""
    path.write_text(source)
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["loss", "gradient[0, 0]"])
@pytest.mark.parametrize(
    "framework", [pytest.param(name, marks=pytest.mark.needs(name)) for name in IDIOMS if name != "numpy"]
)
def test_it_shows_what_is_wrong(framework: str, part: str, tmp_path: Path) -> None:
    """With nothing of xentcheck; and it exits with 0 where the certified value is what came."""
    for dtype in ("float32", *(("bfloat16",) if framework in ("torch", "mlx") else ())):
        shows(finding(part, dtype), framework, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", DERIVED)
@pytest.mark.parametrize("framework", [pytest.param(name, marks=pytest.mark.needs(name)) for name in ("torch", "jax")])
def test_it_shows_what_is_wrong_along_a_direction(framework: str, name: str, tmp_path: Path) -> None:
    """A gradient of a given upstream, a Hessian-vector product, a derivative by forward mode: by the framework too."""
    part, given = DERIVED[name]
    shows(finding(part, "float32", **given), framework, tmp_path)


@pytest.mark.parametrize("framework", ["mygrad", "tensorflow"])
def test_the_script_calls_as_we_do_where_it_cannot_by_itself(framework: str) -> None:
    """Of these there is no statement for a product of the Hessian with a vector."""
    found = finding("hessian_vector[0, 0]", "float32", vector=[[3.0, 0.0]])
    assert "open_host(" in script(TargetSpecification(f"{DOUBLED}:{framework}"), CONTRACT, found, framework=framework)


def shows(found: Finding, framework: str, folder: Path) -> None:
    """The script fails by itself, and passes where what came is what is certified."""
    assert found.got is not None
    source = script(TargetSpecification(f"{DOUBLED}:{framework}"), CONTRACT, found, framework=framework)
    assert "import xentcheck" not in source
    assert "from xentcheck" not in source
    wrong = ran(source, folder / "wrong.py")
    assert wrong.returncode == 1, wrong.stderr
    assert f"got        {found.got:.2f}"[:14] in wrong.stdout
    doubled = replace(found, certified=(found.got, found.got))
    right = script(TargetSpecification(f"{DOUBLED}:{framework}"), CONTRACT, doubled, framework=framework)
    assert ran(right, folder / "right.py").returncode == 0


SCALED = """
import torch


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, labels):
        ctx.kept = (torch.softmax(z, 1) - torch.nn.functional.one_hot(labels, z.shape[1])) / len(z)
        return torch.nn.functional.cross_entropy(z, labels)

    @staticmethod
    def backward(ctx, upstream):
        return {way}, None


loss = Scaled.apply
"""


@pytest.mark.needs("torch")
@pytest.mark.parametrize(("way", "apart"), [("ctx.kept.mul_(upstream)", 1.0), ("ctx.kept * upstream", 0.0)])
def test_a_graph_that_is_gone_through_again(way: str, apart: float, tmp_path: Path) -> None:
    """The lines tell how far both gradients are apart: -1/2 and 1/2, where what was saved is overwritten."""
    (tmp_path / "mine.py").write_text(SCALED.replace("{way}", way))
    target = TargetSpecification(f"{tmp_path / 'mine.py'}:loss")
    again = replace(finding("loss", "float64"), certified=None, got="second-backward-differs", upstream=-1.0)
    assert is_direct(build_plan(target), Contract(), again, "torch")
    call = direct_call(build_plan(target), Contract(), again, "torch")
    done = ran(f"import numpy as np\n{call.imports}\n{call.lines}\nprint(float(returned))\n", tmp_path / "script.py")
    assert done.stdout == f"{apart}\n", done.stderr
