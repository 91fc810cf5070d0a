"""What exactly is called, and with what."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from xentcheck import reference
from xentcheck.bench import inputs
from xentcheck.bench.paths import Path, reference_path
from xentcheck.targets.call.build import build
from xentcheck.targets.call.convention import Convention
from xentcheck.targets.call.frameworks import framework_named
from xentcheck.targets.call.target import Functions, Target
from xentcheck.targets.specification import TargetSpecification, build_plan

Make = Callable[..., Path]


def test_parts_are_the_functions_of_the_target(path: Make) -> None:
    """Loss, gradient, and both: in one call where there is one."""
    batch = inputs.batch({}, 4, 3, "float64", "sparse")
    two = path(loss=lambda z, y: "loss", gradient=lambda z, y: "gradient")
    one = path(loss=lambda z, y: "loss", value_and_gradient=lambda z, y: "pair")
    assert [two.prepare(batch, part)[0]() for part in ("loss", "gradient", "both")] == [
        "loss",
        "gradient",
        ("loss", "gradient"),
    ]
    assert [one.prepare(batch, part)[0]() for part in ("loss", "gradient", "both")] == ["loss", "pair", "pair"]


def test_offers(path: Make) -> None:
    """A loss alone has no gradient; a gradient alone has no loss."""
    assert [path().offers(part) for part in ("loss", "gradient", "both")] == [True, False, False]
    gradient = path(gradient=lambda z, y: z)
    assert [gradient.offers(part) for part in ("loss", "gradient", "both")] == [False, True, False]


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param("torch", marks=pytest.mark.needs("torch")), "jax"])
def test_frameworks_differentiate(name: str) -> None:
    """The call returns what the framework has differentiated, and memory is not claimed to be known."""
    module = importlib.import_module(name)

    def loss(logits: Any, labels: Any) -> Any:
        if name == "torch":
            return module.nn.functional.cross_entropy(logits, labels)
        chosen = module.numpy.take_along_axis(module.nn.log_softmax(logits), labels[:, None], axis=1)
        return -chosen.mean()

    path = Path(Target(Functions(loss=loss), framework=framework_named(name)), "sparse")
    batch = inputs.batch({}, 4, 3, "float32", "sparse")
    value, gradient = path.prepare(batch, "both")[0]()
    value = value.detach() if name == "torch" else value
    np.testing.assert_allclose(np.asarray(value), reference.sparse_loss(batch.scores, batch.labels), rtol=1e-5)
    exact = reference.sparse_gradient(batch.scores, batch.labels)
    np.testing.assert_allclose(np.asarray(gradient), exact, atol=1e-6)
    assert not path.countable


@pytest.mark.parametrize("kind", ["logits", "probabilities", "log_probabilities"])
@pytest.mark.parametrize("form", ["sparse", "onehot"])
def test_the_reference_answers_the_same_question(kind: str, form: str) -> None:
    """The three kinds of scores and both label forms are one and the same loss."""
    contract = {"input": kind, "reduction": "sum"}
    batch = inputs.batch(contract, 6, 5, "float64", form)
    got = reference_path(contract, form).prepare(batch, "loss")[0]()
    plain = inputs.batch({}, 6, 5, "float64", "sparse")
    assert got == pytest.approx(reference.sparse_loss(plain.scores, plain.labels, "sum"), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reference", pytest.param("reference.compiled", marks=pytest.mark.needs("numba"))])
def test_the_reference_by_name_gives_both_in_one_call(name: str) -> None:
    """It costs little more than the gradient, and compiled rows are those that are timed."""
    target = build(vars(build_plan(TargetSpecification(loss=name))))
    assert target.functions.value_and_gradient is reference.loss_and_gradient
    batch = inputs.batch({}, 4, 600, "float32", "sparse")
    loss, gradient = Path(target, "sparse").prepare(batch, "both")[0]()
    expected = reference.loss_and_gradient(batch.scores, batch.labels, compiled=name == "reference.compiled")
    assert (loss, gradient.tobytes()) == (expected[0], expected[1].tobytes())


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_vjp_is_timed_where_there_is_no_gradient(reduction: str) -> None:
    """It is given ones: a single one for a reduced loss."""
    given: list[Any] = []

    def vjp(scores: Any, labels: Any, upstream: Any) -> Any:
        given.append(upstream)
        return scores

    target = Target(Functions(loss=lambda scores, labels: 0.0, vjp=vjp), Convention.of({"reduction": reduction}))
    loss, gradient = Path(target, "sparse").prepare(inputs.batch({}, 4, 3, "float64", "sparse"), "both")[0]()
    assert (loss, gradient.shape) == (0.0, (4, 3))
    np.testing.assert_array_equal(given[0], 1.0 if reduction == "mean" else np.ones(4))


def test_labels_have_a_dtype_that_is_taken() -> None:
    """int64 where it is allowed, else the first that is."""
    assert inputs.batch({}, 2, 3, "float32", "sparse").labels.dtype == np.int64
    contract = {"label_dtypes": ["int32", "uint8"]}
    assert inputs.batch(contract, 2, 3, "float32", "sparse").labels.dtype == np.int32
    contract = {"label_dtypes": ["same"]}
    assert inputs.batch(contract, 2, 3, "bfloat16", "sparse").labels.dtype.name == "bfloat16"
    assert inputs.batch({}, 2, 3, "bfloat16", "onehot").labels.dtype.name == "bfloat16"
