"""What a backward pass written by hand overwrites: its upstream gradient, and what its graph keeps."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.targets import Outcome, TargetSpecification, open_host

pytestmark = pytest.mark.needs("torch")

BATCH = Batch(np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]]), np.array([2, 1]))
UPSTREAM = np.array([-0.5, 0.25])
P = np.exp(BATCH.scores) / np.exp(BATCH.scores).sum(1, keepdims=True)
SLOPE = (P - np.eye(3)[BATCH.labels]) * UPSTREAM[:, None]
TARGETS = """
    import torch
    from torch.nn.functional import cross_entropy, one_hot

    class Keeps(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, y):
            ctx.slope = torch.softmax(z, 1) - one_hot(y, z.shape[1])
            return cross_entropy(z, y, reduction="none")

        @staticmethod
        def backward(ctx, upstream):
            return ctx.slope * upstream[:, None], None

    class Scales(Keeps):
        @staticmethod
        def backward(ctx, upstream):
            return ctx.slope.mul_(upstream[:, None]), None

    class Negates(Keeps):
        @staticmethod
        def backward(ctx, upstream):
            return ctx.slope * upstream.neg_()[:, None] * -1, None

    class Frees(Keeps):
        @staticmethod
        def backward(ctx, upstream):
            slope, ctx.slope = ctx.slope, None
            return slope * upstream[:, None], None

    class ReadsGapsOnce(Keeps):
        @staticmethod
        def backward(ctx, upstream):
            assert upstream.stride() != (1,)
            return ctx.slope * upstream[:, None], None

    def keeps(z, y): return Keeps.apply(z, y)
    def scales(z, y): return Scales.apply(z, y)
    def negates(z, y): return Negates.apply(z, y)
    def frees(z, y): return Frees.apply(z, y)
    def lies_as_before(z, y): return ReadsGapsOnce.apply(z, y)
"""


@pytest.fixture
def answer(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Return what a function of `TARGETS` answers."""
    path = tmp_path / "losses.py"
    path.write_text(textwrap.dedent(TARGETS))

    def evaluated(name: str, upstream: Any = UPSTREAM) -> Outcome:
        target = TargetSpecification(f"{path}:{name}", changes={"reduction": "none"})
        with open_host(target, in_process=True) as host:
            return host.evaluate(BATCH, upstream=upstream)

    return evaluated


@pytest.mark.parametrize(
    ("name", "observed"),
    [
        ("scales", ("second-backward-differs",)),
        ("negates", ("upstream-changed",)),
        ("keeps", ()),
        ("frees", ()),
        ("lies_as_before", ()),
    ],
)
def test_what_a_backward_pass_overwrites_is_observed(answer, name: str, observed: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    """A gradient scaled in place and an upstream gradient negated are; a second pass that is refused is not.

    The gradient is that of the first pass, and the upstream gradient of the second lies in memory as that of the first.
    """
    outcome = answer(name)
    assert (outcome.observations, outcome.raised) == (observed, None)
    np.testing.assert_allclose(outcome.gradient, SLOPE, rtol=1e-14)


def test_a_backward_pass_that_refuses_the_upstream_gradient_of_a_sum_is_judged(answer) -> None:  # type: ignore[no-untyped-def]
    """It is no loss without a gradient: what it raises is an answer."""
    assert answer("negates", None).raised.call == "gradient"


def test_an_upstream_gradient_overwritten_by_numpy_is_observed(tmp_path: Path) -> None:
    """A vjp that works in place on what it is given."""
    path = tmp_path / "losses.py"
    path.write_text("def loss(z, y): return z[:, 0]\ndef vjp(z, y, u):\n    u *= 2\n    return z * u[:, None] / 2\n")
    target = TargetSpecification(f"{path}:loss", vjp=f"{path}:vjp", changes={"reduction": "none"})
    with open_host(target, in_process=True) as host:
        outcome = host.evaluate(BATCH, ("gradient",), upstream=UPSTREAM)
    assert outcome.observations == ("upstream-changed",)
    np.testing.assert_allclose(outcome.gradient, BATCH.scores * UPSTREAM[:, None], rtol=1e-14)
