"""Targets of torch, jax, scipy and scikit-learn: conversion, differentiation, options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from xentcheck import reference
from xentcheck.batches.batch import Batch
from xentcheck.batches.layout import LAYOUTS
from xentcheck.targets import Outcome, TargetDescription, TargetSpecification, open_host

TORCH = str(Path(__file__).with_name("planted_torch.py"))
JAX = str(Path(__file__).with_name("planted_jax.py"))
Z = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]])
Y = np.array([2, 1])
BATCH = Batch(Z, Y)


def evaluated(
    name: str, batch: Batch = BATCH, upstream: Any = None, **options: Any
) -> tuple[TargetDescription, Outcome]:
    with open_host(TargetSpecification(name, **options), in_process=True) as host:
        return host.ready(), host.evaluate(batch, upstream=upstream)


def assert_right(outcome: Outcome, scale: float = 1.0) -> None:
    """Hold loss and gradient of BATCH against the reference."""
    assert outcome.raised is None
    np.testing.assert_allclose(outcome.loss, reference.loss(Z, Y), rtol=1e-14)
    np.testing.assert_allclose(outcome.gradient, scale * reference.gradient(Z, Y), rtol=1e-13, atol=1e-16)


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    "name",
    [
        *(f"{TORCH}:{name}" for name in ("loss", "views", "transposes", "Module", "Function")),
        "torch.nn:CrossEntropyLoss",
    ],
)
def test_torch_is_recognised_and_differentiated(name: str) -> None:
    """A function, a module and an autograd function get tensors, and a gradient with any cotangent."""
    description, outcome = evaluated(name)
    assert (description.framework, description.has_gradient, description.has_vjp) == ("torch", True, True)
    assert_right(outcome)
    assert outcome.observations == ()
    assert_right(evaluated(name, upstream=np.array(-2.0))[1], scale=-2.0)


@pytest.mark.needs("torch")
def test_a_cotangent_for_each_row() -> None:
    """Where nothing is reduced the cotangent has one number a row."""
    _, outcome = evaluated(f"{TORCH}:per_row", upstream=np.array([0.0, -3.0]), changes={"reduction": "none"})
    expected = reference.gradient(Z, Y, "none", upstream=np.array([0.0, -3.0]))
    np.testing.assert_allclose(outcome.gradient, expected, rtol=1e-13)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("upstream", [None, np.array([0.5, -3.0])])
def test_a_cotangent_need_not_lie_in_one_piece(upstream: Any) -> None:
    """With the strides of 0 that `loss.sum()` gives, and with gaps: what is read across them is wrong."""
    keys: dict[str, Any] = {"changes": {"reduction": "none"}, "upstream": upstream}
    expected = reference.gradient(Z, Y, "none", upstream=np.ones(2) if upstream is None else upstream)
    np.testing.assert_allclose(evaluated(f"{TORCH}:per_row", **keys)[1].gradient, expected, rtol=1e-13)
    assert not np.allclose(evaluated(f"{TORCH}:Contiguous", **keys)[1].gradient, expected)


@pytest.mark.needs("torch")
def test_a_loss_that_leaves_autograd_has_no_gradient() -> None:
    """It is still a torch target; that it cannot be differentiated is known beforehand."""
    description, outcome = evaluated(f"{TORCH}:detached")
    assert (description.framework, description.has_gradient) == ("torch", False)
    assert outcome.raised is None
    assert outcome.gradient is None


@pytest.mark.needs("torch")
def test_a_loss_that_converts_arrays_itself_is_differentiated_too() -> None:
    """It takes numpy arrays, but with tensors it has a gradient."""
    description, outcome = evaluated(f"{TORCH}:converts")
    assert description.framework == "torch"
    assert_right(outcome)


@pytest.mark.needs("torch")
def test_a_numpy_function_beside_torch_stays_numpy() -> None:
    """That torch has been imported does not make a target torch's."""
    description, outcome = evaluated(f"{TORCH}:numpy_only")
    assert (description.framework, description.has_gradient) == ("numpy", False)
    assert outcome.loss == 7.0


@pytest.mark.needs("torch")
def test_a_tensor_on_no_host_device() -> None:
    """It cannot be read, and the message names the device."""
    raised = evaluated(f"{TORCH}:on_meta")[1].raised
    assert raised.call == "convert"
    assert "on the device 'meta'" in raised.message


@pytest.mark.needs("torch")
def test_an_overwritten_tensor_is_observed() -> None:
    """A tensor shares the memory that is watched."""
    assert evaluated(f"{TORCH}:overwrite")[1].observations == ("scores-changed",)


@pytest.mark.needs("torch")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_torch_takes_every_layout(layout: str) -> None:
    """Those that a tensor cannot have are copied, without a warning; repeated rows stay repeated."""
    batch = Batch(np.array([Z[0], Z[0]]), np.array([2, 2]), layout=layout)
    outcome = evaluated(f"{TORCH}:loss", batch)[1]
    np.testing.assert_allclose(outcome.loss, reference.loss(Z[:1], Y[:1]), rtol=1e-14)
    np.testing.assert_allclose(2 * outcome.gradient[1:], reference.gradient(Z[:1], Y[:1]), rtol=1e-13)
    refused = evaluated(f"{TORCH}:overwrite", batch)[1].raised
    assert (refused is not None) == (layout == "broadcast")


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_torch_in_a_worker() -> None:
    """All dtypes, layouts and options of the registered target, and flushing of subnormals seen, in one process."""
    weights = np.array([1.0, 2.0, 4.0], np.float32)
    with open_host(TargetSpecification("torch.nn.functional.cross_entropy")) as host:
        assert host.description.version
        for layout in LAYOUTS:
            assert_right(host.evaluate(BATCH.replace(layout=layout)))
        for dtype in (np.float16, ml_dtypes.bfloat16, np.float32):
            outcome = host.evaluate(BATCH.replace(scores=Z.astype(dtype)))
            assert outcome.loss.dtype == outcome.gradient.dtype == np.dtype(dtype)
            assert abs(float(outcome.loss) - float(reference.loss(Z, Y))) < 0.02
        options = {"class_weights": weights, "label_smoothing": 0.0, "ignore_index": 2}
        outcome = host.evaluate(BATCH.replace(scores=Z.astype(np.float32), options=options))
        assert outcome.observations == ()
        np.testing.assert_allclose(outcome.loss, reference.loss(Z[1:], Y[1:]), rtol=1e-6)
        assert host.evaluate(BATCH.replace(labels=np.array([7, 1]))).raised.kind == "IndexError"
    with open_host(TargetSpecification(f"{TORCH}:flush")) as host:
        assert host.evaluate(BATCH.replace(labels=np.array([1, 0]))).observations == ("flushing-changed",)
        assert_right(host.evaluate(BATCH))


@pytest.mark.needs("torch")
def test_torch_with_probabilities() -> None:
    """Dense labels, bfloat16 ones too."""
    for dtype in (np.float64, ml_dtypes.bfloat16):
        batch = Batch(Z.astype(dtype), np.eye(3, dtype=dtype)[Y], "onehot")
        _, outcome = evaluated("torch.nn.functional.cross_entropy.probabilities", batch)
        assert outcome.loss.dtype == np.dtype(dtype)
        assert abs(float(outcome.loss) - float(reference.loss(Z, Y))) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("name", ["loss", "untraceable", "numpy_inside", "called_back"])
def test_jax_is_recognised(name: str) -> None:
    """A function that returns jax arrays is jax's, in float64 too; it has a gradient if jax can differentiate it."""
    description, outcome = evaluated(f"{JAX}:{name}")
    np.testing.assert_allclose(outcome.loss, reference.loss(Z, Y), rtol=1e-14)
    assert (description.framework, description.expensive_shapes) == ("jax", True)
    assert description.has_gradient == (name == "loss")
    if description.has_gradient:
        assert_right(outcome)
        assert_right(evaluated(f"{JAX}:{name}", upstream=np.array(-2.0))[1], scale=-2.0)


@pytest.mark.needs("jax")
def test_an_option_of_0_that_selects_code_is_compiled() -> None:
    """And once for all batches of a shape, while another number that cannot be traced is taken as it is."""
    from tests.targets import planted_jax

    changes = {"label_smoothing": {"argument": "smoothing"}}
    with open_host(TargetSpecification(planted_jax.smoothed, changes=changes), in_process=True) as host:
        assert_right(host.evaluate(BATCH.replace(options={"label_smoothing": 0.0})))
        planted_jax.TRACED.clear()
        for _ in range(3):
            assert_right(host.evaluate(BATCH.replace(options={"label_smoothing": 0.0})))
        assert planted_jax.TRACED == []
        outcome = host.evaluate(BATCH.replace(options={"label_smoothing": 0.5}))
        np.testing.assert_allclose(outcome.loss, reference.loss(Z, np.eye(3)[Y] / 2 + 1 / 6), rtol=1e-14)
        assert planted_jax.TRACED == [True]  # by vjp, of which one trace is the whole


@pytest.mark.needs("jax")
def test_scores_of_one_shape_are_asked_of_jax_as_the_loss_is_written() -> None:
    """One-hot rows times -inf are nan there, with a gradient and without, and a selection where all is compiled."""
    from tests.targets import planted_jax

    with open_host(
        TargetSpecification(planted_jax.one_hot_times, changes={"reduction": "none"}), in_process=True
    ) as host:
        for m, hidden in ((5, False), (4, True)):
            scores = np.zeros((3, m))
            scores[:, 1] = -np.inf
            outcome = host.evaluate(Batch(scores, np.array([0, 2, 3])))
            assert outcome.loss.dtype == np.float64
            assert np.isfinite(outcome.loss).all() == hidden
            assert np.isfinite(host.evaluate(Batch(scores, np.array([0, 2, 3])), ("loss",)).loss).all() == hidden


@pytest.mark.needs("jax")
@pytest.mark.parametrize(
    ("row", "as_written"),
    [
        ([0.0, -np.inf, 1.0, 2.0, 3.0], True),
        ([0.0, 0.5, 0.25, 0.25, 0.0], True),  # probabilities, some of them 0
        ([0.125, 0.125, 0.25, 0.25, 0.25], False),
        ([0.0, 0.0, 0.0, 0.0, 0.0], False),
        ([0.0, 1.0, 2.0, 3.0, -4.0], False),
        ([0.0, 1.0, 2.0, 3.0, 4.0], False),
    ],
)
def test_other_scores_of_that_shape_are_compiled(row: list[float], as_written: bool) -> None:
    """What is called as it is written meets numbers in each call, and no tracer."""
    from tests.targets import planted_jax

    with open_host(TargetSpecification(planted_jax.smoothed), in_process=True) as host:
        batch = Batch(np.array([row] * 3), np.array([0, 2, 3]))
        host.evaluate(batch, ("loss",))
        planted_jax.TRACED.clear()
        host.evaluate(batch, ("loss",))
        assert ([False] if as_written else []) == planted_jax.TRACED


@pytest.mark.needs("optax")
def test_optax_in_a_worker() -> None:
    """float64 stays float64, every layout is taken, and a cotangent goes row by row."""
    import jax
    import optax

    with open_host(TargetSpecification("optax.softmax_cross_entropy_with_integer_labels")) as host:
        assert (host.description.framework, host.description.expensive_shapes) == ("jax", True)
        for layout in LAYOUTS:
            outcome = host.evaluate(BATCH.replace(layout=layout))
            assert outcome.loss.dtype == np.float64
            np.testing.assert_allclose(outcome.loss, reference.loss(Z, Y, "none"), rtol=1e-14)
        upstream = np.array([2.0, -1.0])
        pulled = host.evaluate(BATCH, upstream=upstream).gradient
        np.testing.assert_allclose(pulled, reference.gradient(Z, Y, "none", upstream=upstream), rtol=1e-13)
        large = np.full((1, 2), 1e8, np.float32)
        unchanged = jax.jit(optax.softmax_cross_entropy_with_integer_labels)(large, np.array([0]))
        assert host.evaluate(Batch(large, np.array([0]))).loss == unchanged  # with its known defect 0, and not ln 2


@pytest.mark.parametrize("name", ["scipy.special.log_softmax", "scipy.special.logsumexp"])
def test_scipy(name: str) -> None:
    """The losses made of scipy's functions are cross-entropies, and their version is scipy's."""
    import scipy

    description, outcome = evaluated(name)
    assert description.version == scipy.__version__
    np.testing.assert_allclose(outcome.loss, reference.loss(Z, Y, "none"), rtol=1e-14)
    np.testing.assert_allclose(outcome.gradient, reference.gradient(Z, Y, "none"), rtol=1e-13, atol=1e-16)
    assert outcome.observations == ()


@pytest.mark.needs("sklearn")
def test_sklearn() -> None:
    """Classes that no label names are known to it; both of its reductions; it refuses p > 1."""
    batch = Batch(np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]]), np.array([0, 1]))
    for reduction, value in (("mean", 0.5249110622493388), ("sum", 1.0498221244986777)):
        _, outcome = evaluated("sklearn.metrics.log_loss", batch, changes={"reduction": reduction})
        np.testing.assert_allclose(outcome.loss, value, rtol=1e-15)
    assert evaluated("sklearn.metrics.log_loss", batch.replace(scores=2 * batch.scores))[1].raised.kind == "ValueError"
    assert (
        "mean and sum" in evaluated("sklearn.metrics.log_loss", batch, changes={"reduction": "none"})[1].raised.message
    )


@pytest.mark.parametrize("name", ["reference", "reference.summed_guarded", "reference.averaged_clipped"])
def test_the_reference_and_its_presets(name: str) -> None:
    """They are called in the order and with the labels that they want; the reference with any reduction."""
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])
    first = {"reference": Batch(np.log(p), np.array([0, 1]))}
    batch = first.get(name, Batch(p, np.eye(3)[:2], "onehot"))
    description, outcome = evaluated(name, batch)
    total = 1.0498221244986777
    expected = total if description.contract.reduction == "sum" else total / 2
    np.testing.assert_allclose(outcome.loss, expected, rtol=1e-6)
    assert outcome.gradient.shape == (2, 3)
    assert outcome.observations == ()
    if name == "reference":
        rows = evaluated(name, batch, changes={"reduction": "none"}, upstream=np.array([1.0, 0.0]))[1]
        assert rows.loss.shape == (2,)
        assert rows.gradient[1].tolist() == [0.0, 0.0, 0.0]
