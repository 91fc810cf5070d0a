"""Hessian-vector products of callables and of frameworks that differentiate twice, in a worker and in this process."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.targets import Outcome, TargetDescription, TargetSpecification, open_host

Z = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]])
Y = np.array([2, 1])
V = np.array([[1.0, -0.5, 2.0], [0.0, 3.0, 1.0]])
BATCH = Batch(Z, Y)
NUMPY = """
    import numpy as np

    def loss(z, y, weight=1.0):
        return weight * (np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), y]).mean()

    def product(z, y, v, weight=1.0):
        p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        return weight * p * (v - (p * v).sum(1, keepdims=True)) / len(z)

    def labels_first(y, z, v):
        return product(z, y, v)

    def classes_first(z, y, v):
        return product(z.T, y, v.T).T

    def overwrites(z, y, v):
        result = product(z, y, v)
        v[:] = 0
        return result

    def returns_input(z, y, v):
        return z

    def refuses(z, y, v):
        raise NotImplementedError("no second derivative")

    def dies(z, y, v):
        import os
        os._exit(3)
"""
TORCH = """
    import torch

    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z, y):
            ctx.p = torch.softmax(z.detach(), 1)
            ctx.y = y
            return torch.nn.functional.cross_entropy(z, y)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, upstream):
            t = torch.nn.functional.one_hot(ctx.y, ctx.p.shape[1])
            return upstream * (ctx.p - t) / len(ctx.p), None

    class Forgets(Once):
        @staticmethod
        def backward(ctx, upstream):
            t = torch.nn.functional.one_hot(ctx.y, ctx.p.shape[1])
            return upstream * (ctx.p - t) / len(ctx.p), None

    def loss(z, y):
        return torch.nn.functional.cross_entropy(z, y)

    def once(z, y):
        return Once.apply(z, y)

    def forgets(z, y):
        return Forgets.apply(z, y)
"""
JAX = """
    import jax
    import jax.numpy as jnp

    def loss(z, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(jnp.asarray(z)), y[:, None], 1).mean()

    @jax.custom_vjp
    def cut(z, y):
        return loss(z, y)

    def forward(z, y):
        return loss(z, y), (jax.lax.stop_gradient(jax.grad(loss)(z, y)),)

    cut.defvjp(forward, lambda kept, upstream: (upstream * kept[0], None))
"""


@pytest.fixture
def file(tmp_path: Path) -> Any:
    """Return a function that writes a module and gives the location of one of its attributes."""

    def location(source: str, attribute: str) -> str:
        path = tmp_path / "module_under_test.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return f"{path}:{attribute}"

    return location


def product(z: Any = Z, v: Any = V) -> Any:
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return p * (v - (p * v).sum(1, keepdims=True)) / len(z)


def evaluated(
    loss: str, batch: Batch = BATCH, vector: Any = V, in_process: bool = True, **options: Any
) -> tuple[TargetDescription, Outcome]:
    with open_host(TargetSpecification(loss, **options), in_process=in_process) as host:
        return host.ready(), host.evaluate(batch, ("hessian_vector",), vector=vector)


@pytest.mark.parametrize("in_process", [True, False])
def test_a_callable_is_given_scores_labels_and_the_vector(file: Any, in_process: bool) -> None:
    """The product comes back through a worker's channel as it does from this process, and nothing else does."""
    told, outcome = evaluated(file(NUMPY, "loss"), hessian_vector=file(NUMPY, "product"), in_process=in_process)
    assert told.has_hessian_vector
    np.testing.assert_allclose(outcome.hessian_vector, product(), rtol=1e-14)
    assert (outcome.loss, outcome.gradient, outcome.raised, outcome.observations) == (None, None, None, ())


def test_option_arrays_beside_the_vector(file: Any) -> None:
    """Arrays of one request are kept apart: the vector and the options."""
    changes = {"class_weights": {"argument": "weight"}}
    batch = Batch(Z, Y, options={"class_weights": np.array([2.0, 2.0, 2.0])})
    specification = TargetSpecification(file(NUMPY, "loss"), hessian_vector=file(NUMPY, "product"), changes=changes)
    with open_host(specification) as host:
        outcome = host.evaluate(batch, ("hessian_vector",), vector=V)
    np.testing.assert_allclose(outcome.hessian_vector, 2 * product(), rtol=1e-14)


def test_order_and_axis_are_the_contract_s(file: Any) -> None:
    """Labels first; classes along the first axis: scores, vector and result are transposed."""
    for name, changes in (("labels_first", {"argument_order": "labels_first"}), ("classes_first", {"axis": 0})):
        _, outcome = evaluated(file(NUMPY, "loss"), hessian_vector=file(NUMPY, name), changes=changes)
        np.testing.assert_allclose(outcome.hessian_vector, product(), rtol=1e-14)


def test_what_goes_wrong_is_observed(file: Any) -> None:
    """An overwritten vector, an aliased result, an exception, a dead process."""
    loss = file(NUMPY, "loss")
    assert evaluated(loss, hessian_vector=file(NUMPY, "overwrites"))[1].observations == ("vector-changed",)
    seen = evaluated(loss, hessian_vector=file(NUMPY, "returns_input"))[1].observations
    assert seen == ("hessian_vector-aliases-input",)
    raised = evaluated(loss, hessian_vector=file(NUMPY, "refuses"))[1].raised
    assert (raised.kind, raised.call) == ("NotImplementedError", "hessian_vector")
    assert "exit status 3" in evaluated(loss, hessian_vector=file(NUMPY, "dies"), in_process=False)[1].died


def test_a_target_without_one(file: Any) -> None:
    """A numpy loss offers none, and is not asked; a missing vector is the caller's mistake."""
    told, outcome = evaluated(file(NUMPY, "loss"))
    assert not told.has_hessian_vector
    assert (outcome.hessian_vector, outcome.raised) == (None, None)
    with pytest.raises(ValueError, match="needs a vector"):
        evaluated(file(NUMPY, "loss"), hessian_vector=file(NUMPY, "product"), vector=None)


@pytest.mark.needs("torch")
def test_torch_differentiates_twice(file: Any) -> None:
    """A double backward pass; what cannot be differentiated twice is a clean refusal, not zeros."""
    told, outcome = evaluated(file(TORCH, "loss"))
    assert (told.framework, told.has_hessian_vector) == ("torch", True)
    np.testing.assert_allclose(outcome.hessian_vector, product(), rtol=1e-13)
    for name in ("once", "forgets"):
        _, outcome = evaluated(file(TORCH, name))
        assert outcome.hessian_vector is None
        assert (outcome.raised.call, outcome.raised.kind) in {
            ("hessian_vector", "RuntimeError"),
            ("hessian_vector", "NotDifferentiableError"),
        }


@pytest.mark.needs("jax")
def test_jax_differentiates_twice(file: Any) -> None:
    """Forward over reverse; a rule that cuts its residual off gives zeros, which come back as they are."""
    told, outcome = evaluated(file(JAX, "loss"))
    assert (told.framework, told.has_hessian_vector) == ("jax", True)
    np.testing.assert_allclose(outcome.hessian_vector, product(), rtol=1e-13)
    assert not evaluated(file(JAX, "cut"))[1].hessian_vector.any()
