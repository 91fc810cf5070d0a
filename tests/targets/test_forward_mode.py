"""Derivatives along a tangent of callables and of frameworks with a forward mode, in a worker and in this process."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.targets import Outcome, TargetDescription, TargetSpecification, open_host
from xentcheck.targets.call.framework_torch import NotDifferentiableError
from xentcheck.targets.call.frameworks import framework_named

Z = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]])
Y = np.array([2, 1])
V = np.array([[1.0, -0.5, 2.0], [0.0, 3.0, 1.0]])
BATCH = Batch(Z, Y)
NUMPY = """
    import numpy as np

    def loss(z, y, weight=1.0):
        return weight * (np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), y]).mean()

    def along(z, y, v, weight=1.0):
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        return weight * ((p * v).sum(1) - v[np.arange(len(z)), y]).mean()

    def rows(z, y, v):
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        return (p * v).sum(1) - v[np.arange(len(z)), y]

    def labels_first(y, z, v):
        return along(z, y, v)

    def classes_first(z, y, v):
        return along(z.T, y, v.T)

    def overwrites(z, y, v):
        result = along(z, y, v)
        v[:] = 0
        return result

    def returns_input(z, y, v):
        return v[:, 0]

    def refuses(z, y, v):
        raise NotImplementedError("no forward mode")

    def dies(z, y, v):
        import os
        os._exit(3)

    class Loss:
        loss = staticmethod(loss)
        jvp = staticmethod(along)
"""
TORCH = """
    import torch
    import torch.nn.functional as functional

    class Backward(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, y):
            ctx.p, ctx.y = torch.softmax(z.detach(), 1), y
            return functional.cross_entropy(z, y)

        @staticmethod
        def backward(ctx, upstream):
            t = functional.one_hot(ctx.y, ctx.p.shape[1])
            return upstream * (ctx.p - t) / len(ctx.p), None

    class Forward(Backward):
        @staticmethod
        def jvp(ctx, tangent, _):
            t = functional.one_hot(ctx.y, ctx.p.shape[1])
            return ((ctx.p - t) * tangent).sum() / len(ctx.p)

    def loss(z, y):
        return functional.cross_entropy(z, y)

    def rows(z, y):
        return functional.cross_entropy(z, y, reduction="none")

    def backward(z, y):
        return Backward.apply(z, y)

    def forward(z, y):
        return Forward.apply(z, y)

    def detached(z, y):
        return functional.cross_entropy(z.detach(), y)

    def number(z, y):
        return functional.cross_entropy(z, y).item()
"""
JAX = """
    import jax
    import jax.numpy as jnp

    def loss(z, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(jnp.asarray(z)), y[:, None], 1).mean()

    @jax.custom_jvp
    def doubled(z, y):
        return loss(z, y)

    @doubled.defjvp
    def _(primals, tangents):
        return loss(*primals), 2 * (jax.grad(loss)(*primals) * tangents[0]).sum()

    @jax.custom_vjp
    def backward(z, y):
        return loss(z, y)

    backward.defvjp(lambda z, y: (loss(z, y), jax.grad(loss)(z, y)), lambda kept, upstream: (upstream * kept, None))
"""


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Return a function that writes a module and gives the location of one of its attributes."""

    def location(source: str, attribute: str) -> str:
        path = tmp_path / "module_under_test.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return f"{path}:{attribute}"

    return location


def along(z: Any = Z, v: Any = V) -> Any:
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return (p * v).sum(1) - v[np.arange(len(z)), Y]


def evaluated(
    loss: str, batch: Batch = BATCH, tangent: Any = V, in_process: bool = True, **options: Any
) -> tuple[TargetDescription, Outcome]:
    with open_host(TargetSpecification(loss, **options), in_process=in_process) as host:
        return host.ready(), host.evaluate(batch, ("jvp",), tangent=tangent)


@pytest.mark.parametrize("in_process", [True, False])
def test_a_callable_is_given_scores_labels_and_the_tangent(file: Any, in_process: bool) -> None:
    """The derivative comes back through a worker's channel as it does from this process, and nothing else does."""
    told, outcome = evaluated(file(NUMPY, "loss"), jvp=file(NUMPY, "along"), in_process=in_process)
    assert told.has_jvp
    np.testing.assert_allclose(outcome.jvp, along().mean(), rtol=1e-14)
    assert (outcome.loss, outcome.gradient, outcome.hessian_vector) == (None, None, None)
    assert (outcome.raised, outcome.observations) == (None, ())


def test_vector_and_tangent_travel_beside_each_other(file: Any) -> None:
    """Arrays of one request are kept apart: upstream, vector, tangent and the options."""
    changes = {"class_weights": {"argument": "weight"}}
    batch = Batch(Z, Y, options={"class_weights": np.array([2.0, 2.0, 2.0])})
    specification = TargetSpecification(file(NUMPY, "loss"), jvp=file(NUMPY, "along"), changes=changes)
    with open_host(specification) as host:
        outcome = host.evaluate(batch, ("jvp",), vector=-V, tangent=V)
    np.testing.assert_allclose(outcome.jvp, 2 * along().mean(), rtol=1e-14)


def test_order_axis_and_class_are_understood(file: Any) -> None:
    """Labels first; classes along the first axis: scores and tangent are transposed; a method of a class."""
    for name, changes in (("labels_first", {"argument_order": "labels_first"}), ("classes_first", {"axis": 0})):
        _, outcome = evaluated(file(NUMPY, "loss"), jvp=file(NUMPY, name), changes=changes)
        np.testing.assert_allclose(outcome.jvp, along().mean(), rtol=1e-14)
    np.testing.assert_allclose(evaluated(file(NUMPY, "Loss"))[1].jvp, along().mean(), rtol=1e-14)
    rows = evaluated(file(NUMPY, "loss"), jvp=file(NUMPY, "rows"), changes={"reduction": "none"})[1]
    np.testing.assert_allclose(rows.jvp, along(), rtol=1e-14)


def test_what_goes_wrong_is_observed(file: Any) -> None:
    """An overwritten tangent, an aliased result, an exception, a dead process."""
    loss = file(NUMPY, "loss")
    assert evaluated(loss, jvp=file(NUMPY, "overwrites"))[1].observations == ("tangent-changed",)
    assert evaluated(loss, jvp=file(NUMPY, "returns_input"))[1].observations == ("jvp-aliases-input",)
    raised = evaluated(loss, jvp=file(NUMPY, "refuses"))[1].raised
    assert (raised.kind, raised.call) == ("NotImplementedError", "jvp")
    assert "exit status 3" in evaluated(loss, jvp=file(NUMPY, "dies"), in_process=False)[1].died


def test_a_target_without_one(file: Any) -> None:
    """A numpy loss offers none, and is not asked; a missing tangent is the caller's mistake."""
    told, outcome = evaluated(file(NUMPY, "loss"))
    assert not told.has_jvp
    assert (outcome.jvp, outcome.raised) == (None, None)
    with pytest.raises(ValueError, match="needs one"):
        evaluated(file(NUMPY, "loss"), jvp=file(NUMPY, "along"), tangent=None)


@pytest.mark.needs("torch")
def test_torch_differentiates_forward(file: Any) -> None:
    """By dual numbers, through a function's own jvp in the older style, too; what has none is a clean refusal."""
    told, outcome = evaluated(file(TORCH, "loss"))
    assert (told.framework, told.has_jvp) == ("torch", True)
    np.testing.assert_allclose(outcome.jvp, along().mean(), rtol=1e-13)
    np.testing.assert_allclose(evaluated(file(TORCH, "rows"))[1].jvp, along(), rtol=1e-13)
    np.testing.assert_allclose(evaluated(file(TORCH, "forward"))[1].jvp, along().mean(), rtol=1e-13)
    raised = evaluated(file(TORCH, "backward"))[1].raised
    assert (raised.call, raised.kind) == ("jvp", "NotImplementedError")
    for name in ("detached", "number"):
        told, outcome = evaluated(file(TORCH, name))
        assert not told.has_jvp
        assert (outcome.jvp, outcome.raised) == (None, None)


@pytest.mark.needs("torch")
def test_a_loss_that_forward_mode_finds_no_way_through() -> None:
    """Numbers that do not depend on the dual ones are an error of the adapter's, not a derivative of zero."""
    import torch

    framework = framework_named("torch")
    z, v = torch.zeros(2, 3), torch.ones(2, 3)
    for cut in (lambda z: z.detach().sum(), lambda z: z.sum().item()):
        with pytest.raises(NotDifferentiableError, match="by forward mode"):
            framework.jvp(cut, (z,), 0, {}, v)


@pytest.mark.slow
@pytest.mark.needs("jax")
def test_jax_differentiates_forward(file: Any) -> None:
    """Whatever a custom_jvp says comes back as it is, and is not taken for the target's own; a custom_vjp refuses."""
    told, outcome = evaluated(file(JAX, "loss"))
    assert (told.framework, told.has_jvp) == ("jax", True)
    np.testing.assert_allclose(outcome.jvp, along().mean(), rtol=1e-13)
    np.testing.assert_allclose(evaluated(file(JAX, "doubled"))[1].jvp, 2 * along().mean(), rtol=1e-13)
    raised = evaluated(file(JAX, "backward"))[1].raised
    assert (raised.call, raised.kind) == ("jvp", "TypeError")
