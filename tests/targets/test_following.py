"""A host calls its target by another contract when it is told to, and says what arguments the call has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.targets import Host, TargetSpecification, open_host
from xentcheck.targets.call.build import build, follow
from xentcheck.targets.call.framework import NumpyFramework
from xentcheck.targets.call.target import Functions, Target
from xentcheck.targets.specification import build_plan

LOSS = """
import os

def loss(labels, scores, *, scale=1.0, **others):
    if scores.shape == (3, 5):
        os._exit(3)
    return scale * scores[:, 0].sum() + 100 * labels.sum()
"""
SCORES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
LABELS = np.array([1, 2])
FOLLOWED = {"argument_order": "labels_first", "axis": 0, "z_loss": {"argument": "scale"}}


@pytest.fixture(params=["in a process", "here"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The same loss in both kinds of hosts."""
    path = tmp_path / "mine.py"
    path.write_text(LOSS, encoding="utf-8")
    with open_host(TargetSpecification(loss=f"{path}:loss"), in_process=request.param == "here") as opened:
        yield opened


def answered(host: Host) -> float:
    """Return the loss of one batch with an option."""
    loss = host.evaluate(Batch(SCORES, LABELS, options={"z_loss": 2.0}), ("loss",)).loss
    assert loss is not None
    return float(loss)


def test_order_axis_and_names_follow(host: Host) -> None:
    """Labels first, classes first, and the option by its name; and back."""
    assert host.evaluate(Batch(SCORES, LABELS), ("loss",)).raised is not None
    host.follow(FOLLOWED)
    assert answered(host) == 2.0 * (1 + 2 + 3) + 300
    host.follow({"argument_order": "labels_first"})
    assert answered(host) == (1 + 4) + 300


def test_the_signature_is_told(host: Host) -> None:
    """What only collects other arguments is left out."""
    told = [(one.name, one.required, one.by_name, one.default) for one in host.parameters()]
    assert told == [("labels", True, True, ""), ("scores", True, True, ""), ("scale", False, True, "1.0")]


def test_a_process_that_died_follows_when_it_is_back(tmp_path: Path) -> None:
    """The contract is kept beside the process."""
    path = tmp_path / "mine.py"
    path.write_text(LOSS, encoding="utf-8")
    with open_host(TargetSpecification(loss=f"{path}:loss")) as host:
        host.follow(FOLLOWED)
        assert host.evaluate(Batch(np.ones((5, 3)), LABELS), ("loss",)).died == "exit status 3"
        assert answered(host) == 2.0 * (1 + 2 + 3) + 300


class Differentiating(NumpyFramework):
    """A framework that has found out what a loss takes."""

    differentiates = True


def test_a_framework_is_found_out_again_where_the_order_changes() -> None:
    """And kept else, with what it has compiled."""
    found = Differentiating()
    target = Target(Functions(loss=lambda scores, labels: 0.0), framework=found, settled=True)
    follow(target, {"axis": 0, "z_loss": {"argument": "scale"}})
    assert target.framework is found
    assert target.convention.axis == 0
    follow(target, {"argument_order": "labels_first"})
    assert target.framework is not found


@pytest.mark.needs("jax")
def test_a_call_that_was_tried_is_not_tried_again(tmp_path: Path) -> None:
    """An order that is asked again has its framework, with what that has compiled, or none as before."""
    path = tmp_path / "mine.py"
    path.write_text(
        "import jax\nCALLS = []\n"
        "def loss(scores, labels):\n    CALLS.append(1)\n"
        "    return -jax.nn.log_softmax(scores)[jax.numpy.arange(len(labels)), labels].mean()\n",
        encoding="utf-8",
    )
    target = build(vars(build_plan(TargetSpecification(loss=f"{path}:loss"))))
    calls = target.called.__globals__["CALLS"]
    first, turned = {"argument_order": "scores_first"}, {"argument_order": "labels_first"}
    follow(target, turned)
    follow(target, first)
    known, of_turned = target.framework, None
    for _ in range(3):
        before = len(calls)
        follow(target, turned)
        of_turned = of_turned or target.framework
        assert (target.framework.name, target.framework is of_turned, len(calls)) == ("numpy", True, before)
        follow(target, first)
        assert (target.framework is known, target.framework.name, len(calls)) == (True, "jax", before)


def test_what_has_no_signature_has_no_parameters() -> None:
    """Such as some functions written in C."""

    def loss(*arguments: Any) -> float:
        return 0.0

    loss.__signature__ = "none"  # type: ignore[attr-defined]
    with open_host(TargetSpecification(loss=loss)) as host:
        assert host.parameters() == ()
