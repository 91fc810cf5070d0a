"""`xentcheck.Adapter`: a target of a framework made of three functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from xentcheck import Adapter
from xentcheck.batches.batch import Batch
from xentcheck.probing import infer
from xentcheck.targets import TargetSpecification, open_host


@dataclass
class Boxed:
    """An array of a small framework: none of numpy's functions take it."""

    inside: Any


def vjp(loss: Any, scores: Boxed, upstream: Boxed) -> Boxed:
    """Differentiate by complex steps, one number after the other."""
    gradient = np.zeros(scores.inside.shape)
    for place in np.ndindex(gradient.shape):
        step = np.zeros(gradient.shape, complex)
        step[place] = 1e-30j
        gradient[place] = np.sum(upstream.inside * loss(Boxed(scores.inside + step)).inside.imag) / 1e-30
    return Boxed(gradient)


def cross_entropy(scores: Boxed, labels: Boxed, weight: Boxed, reduction: str) -> Boxed:
    """Return weighted losses, one a row or their sum."""
    z, y = scores.inside, labels.inside
    rows = weight.inside[y] * (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y])
    return Boxed(rows if reduction == "none" else rows.sum())


BOXED = Adapter(put=lambda array: Boxed(np.array(array)), get=lambda boxed: boxed.inside, vjp=vjp)
BATCH = Batch(np.array([[1.0, 2.0], [0.5, 0.0]]), np.array([0, 1]), options={"class_weights": np.array([3.0, 1.0])})


@pytest.mark.parametrize(("reduction", "upstream"), [("none", np.array([2.0, -1.0])), ("sum", np.array(-2.0))])
def test_loss_gradient_and_vjp_come_of_three_functions(reduction: str, upstream: Any) -> None:
    """All arrays are the framework's, options too; the gradient is that of the sum, a cotangent multiplies it."""
    contract = {"reduction": reduction, "class_weights": {"argument": "weight"}}
    made = BOXED.target(lambda *arrays, **options: cross_entropy(*arrays, **options, reduction=reduction), contract)
    with open_host(TargetSpecification(made)) as host:  # type: ignore[arg-type]
        assert host.description.contract.reduction == reduction
        plain = host.evaluate(BATCH)
        pulled = host.evaluate(BATCH, ("gradient",), upstream)
    p = np.exp(BATCH.scores) / np.exp(BATCH.scores).sum(axis=1, keepdims=True)
    rows = -np.log(p[[0, 1], BATCH.labels]) * [3.0, 1.0]
    slope = (p - np.eye(2)) * [[3.0], [1.0]]
    np.testing.assert_allclose(plain.loss, rows if reduction == "none" else rows.sum(), rtol=1e-14)
    np.testing.assert_allclose(plain.gradient, slope, rtol=1e-14)
    np.testing.assert_allclose(pulled.gradient, slope * np.reshape(upstream, (-1, 1)), rtol=1e-14)


def test_a_probe_finds_the_options_of_a_loss_that_is_adapted() -> None:
    """By the signature of the loss, which takes the framework's arrays."""

    def loss(scores: Boxed, labels: Boxed, weight: Boxed | None = None) -> Boxed:
        by = Boxed(np.ones(scores.inside.shape[1])) if weight is None else weight
        return cross_entropy(scores, labels, by, "sum")

    told = infer(TargetSpecification(BOXED.target(loss))).told  # type: ignore[arg-type]
    assert told["class_weights"] == {"argument": "weight"}
    assert told["gradient_wrt"] == "logits"


def test_labels_come_first_where_the_contract_says_so() -> None:
    """The loss is called in that order, and differentiated by the scores."""

    def loss(labels: Boxed, scores: Boxed) -> Boxed:
        return cross_entropy(scores, labels, Boxed(np.ones(2)), "sum")

    made = BOXED.target(loss, {"reduction": "sum", "argument_order": "labels_first"})
    with open_host(TargetSpecification(made)) as host:  # type: ignore[arg-type]
        gradient = host.evaluate(BATCH.replace(options={}), ("gradient",)).gradient
    p = np.exp(BATCH.scores) / np.exp(BATCH.scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(gradient, p - np.eye(2), rtol=1e-14)
