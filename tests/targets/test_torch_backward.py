"""What a backward pass written by hand overwrites: its upstream gradient, and what its graph keeps."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.targets import Outcome, TargetSpecification, open_host
from xentcheck.targets.call import torch_backward

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

    class KeepsForAll(Keeps):
        kept = {}

        @staticmethod
        def forward(ctx, z, y):
            loss = Keeps.forward(ctx, z, y)
            ctx.slope = KeepsForAll.kept.setdefault((z.shape, z.dtype), torch.empty_like(z)).copy_(ctx.slope)
            return loss

    class KeepsForAllButRefuses(KeepsForAll):
        @staticmethod
        def forward(ctx, z, y):
            if z[0, 0] > z[-1, -1]:
                raise ValueError("not as the scores that were asked about")
            return KeepsForAll.forward(ctx, z, y)

    def keeps(z, y): return Keeps.apply(z, y)
    def scales(z, y): return Scales.apply(z, y)
    def negates(z, y): return Negates.apply(z, y)
    def keeps_for_all(z, y): return KeepsForAll.apply(z, y)
    def keeps_for_all_but_refuses(z, y): return KeepsForAllButRefuses.apply(z, y)
    def without_gradients(z, y): return Keeps.apply(z, y) * (1 if torch.is_grad_enabled() else 2)

    def differentiates_itself(z, y):
        again = z if z.requires_grad else z.clone().requires_grad_()
        torch.autograd.grad(Keeps.apply(again, y).sum(), again)
        return Keeps.apply(z, y)

    def frees(z, y): return Frees.apply(z, y)
    def lies_as_before(z, y): return ReadsGapsOnce.apply(z, y)
"""


@pytest.fixture
def answer(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Return what a function of `TARGETS` answers."""
    path = tmp_path / "losses.py"
    path.write_text(textwrap.dedent(TARGETS))

    def evaluated(name: str, upstream: Any = UPSTREAM, want: tuple[str, ...] = ("loss", "gradient")) -> Outcome:
        target = TargetSpecification(f"{path}:{name}", changes={"reduction": "none"})
        with open_host(target, in_process=True) as host:
            return host.evaluate(BATCH, want, upstream=upstream)

    return evaluated


@pytest.mark.parametrize(
    ("name", "observed"),
    [
        ("scales", ("second-backward-differs",)),
        ("negates", ("upstream-changed",)),
        ("keeps", ()),
        ("keeps_for_all", ("graph-overwritten",)),
        ("keeps_for_all_but_refuses", ()),
        ("frees", ()),
        ("lies_as_before", ()),
    ],
)
def test_what_a_backward_pass_overwrites_is_observed(  # type: ignore[no-untyped-def]
    answer, name: str, observed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gradient scaled in place and an upstream gradient negated are; a second pass that is refused is not.

    The gradient is that of the first pass, and the upstream gradient of the second lies in memory as that of the first.
    """
    monkeypatch.setattr(torch_backward, "_SELDOM", 1)
    outcome = answer(name)
    assert (outcome.observations, outcome.raised) == (observed, None)
    np.testing.assert_allclose(outcome.gradient, SLOPE, rtol=1e-14)


def test_a_backward_pass_that_refuses_the_upstream_gradient_of_a_sum_is_judged(answer) -> None:  # type: ignore[no-untyped-def]
    """It is no loss without a gradient: what it raises is an answer."""
    assert answer("negates", None).raised.call == "gradient"


@pytest.mark.parametrize(("name", "times"), [("keeps", 1), ("without_gradients", 2), ("differentiates_itself", 1)])
def test_a_loss_alone_is_asked_for_where_no_gradients_are_recorded(answer, name: str, times: int) -> None:  # type: ignore[no-untyped-def]
    """As a model is evaluated; a loss that differentiates something itself, and cannot there, is asked as it is."""
    loss = answer(name, None, ("loss",)).loss
    np.testing.assert_allclose(loss, -np.log(P[np.arange(2), BATCH.labels]) * times, rtol=1e-14)


def test_one_batch_in_four_is_gone_through_after_another_loss() -> None:
    """Which ones depends on the scores alone, of which there are not many."""
    import torch

    some = [torch.tensor([[float(place), 0.0]]) for place in range(100)]
    turns = [torch_backward._has_turn(one) for one in some]
    assert 10 < sum(turns) < 40
    assert turns == [torch_backward._has_turn(one) for one in some]
    assert not any(torch_backward._has_turn(torch.full((1, 65), float(place))) for place in range(20))


def test_an_upstream_gradient_overwritten_by_numpy_is_observed(tmp_path: Path) -> None:
    """A vjp that works in place on what it is given."""
    path = tmp_path / "losses.py"
    path.write_text("def loss(z, y): return z[:, 0]\ndef vjp(z, y, u):\n    u *= 2\n    return z * u[:, None] / 2\n")
    target = TargetSpecification(f"{path}:loss", vjp=f"{path}:vjp", changes={"reduction": "none"})
    with open_host(target, in_process=True) as host:
        outcome = host.evaluate(BATCH, ("gradient",), upstream=UPSTREAM)
    assert outcome.observations == ("upstream-changed",)
    np.testing.assert_allclose(outcome.gradient, BATCH.scores * UPSTREAM[:, None], rtol=1e-14)
