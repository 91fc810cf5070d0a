"""What comes back from a call: results of every kind, exceptions, observations, conventions."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.layout import LAYOUTS
from xentcheck.contract import Contract
from xentcheck.targets import TargetSpecification, open_host
from xentcheck.targets.host.base import Host
from xentcheck.targets.outcome import OBSERVATIONS, Outcome

PLANTED = str(Path(__file__).with_name("planted.py"))
BATCH = Batch(np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]]), np.array([2, 1]))


def evaluated(
    name: str, batch: Batch = BATCH, *, times: int = 1, want: Any = ("loss", "gradient"), **given: Any
) -> Outcome:
    """Return the outcome of a planted target called in this process."""
    contract = given.pop("changes", {})
    further = {role: f"{PLANTED}:{value}" for role, value in given.items() if role != "upstream"}
    with open_host(TargetSpecification(f"{PLANTED}:{name}", changes=contract, **further), in_process=True) as host:
        for _ in range(times - 1):
            host.evaluate(batch, want)
        return host.evaluate(batch, want, given.get("upstream"))


@pytest.fixture(scope="module")
def chooser() -> Iterator[Host]:
    with open_host(TargetSpecification(f"{PLANTED}:choose")) as host:
        yield host


@pytest.mark.parametrize(
    ("index", "dtype", "shape"),
    [
        (0, "float64", ()),
        (1, "int64", ()),
        (2, "bool", ()),
        (3, "float64", (2,)),
        (5, "float64", (2, 1)),
        (6, "float64", (1,)),
        (7, "complex128", ()),
        (8, "float64", (1,)),
        (16, "float32", (2,)),
        (17, "float64", (2,)),
    ],
)
def test_results_that_can_be_read(chooser: Host, index: int, dtype: str, shape: tuple[int, ...]) -> None:
    """Numbers, sequences and arrays come back as host arrays in their own dtype and shape."""
    outcome = chooser.evaluate(BATCH.replace(labels=np.array([index, 0])))
    assert outcome.raised is None
    assert (outcome.loss.dtype.name, outcome.loss.shape) == (dtype, shape)
    assert outcome.loss.dtype.isnative


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (9, "the loss returned None, but a number or an array is wanted"),
        (10, "the loss returned the text '1.5', but a number or an array is wanted"),
        (11, "the loss returned an array of dtype object, but numbers are wanted"),
        (12, "the loss returned a list that is no array"),
        (13, "the loss returned a generator, but a number or an array is wanted"),
        (14, "the loss returned a dict, but a number or an array is wanted"),
        (15, "the loss returned an array of dtype <U1, but numbers are wanted"),
        (4, "the loss returned a tuple of 2: a number, a number; a pair of loss and gradient is given by"),
        (
            18,
            "the loss returned a tuple of 2: a number, an array of shape (2, 3); a pair of loss and gradient",
        ),
        (19, "the loss returned a tuple of 3: an array of shape (2,), a dict, None; a pair of loss and gradient"),
    ],
)
def test_results_that_cannot_be_read(chooser: Host, index: int, message: str) -> None:
    """Everything else is said to be unreadable, in one sentence that names what came."""
    outcome = chooser.evaluate(BATCH.replace(labels=np.array([index, 0])))
    assert outcome.loss is None
    assert outcome.raised.call == "convert"
    assert outcome.raised.message.startswith(message)


@pytest.mark.parametrize(
    ("name", "observed"),
    [
        ("overwrite_scores", "scores-changed"),
        ("overwrite_labels", "labels-changed"),
        ("reshape_labels", "labels-altered"),
        ("protect_scores", "scores-altered"),
        ("return_the_scores", "loss-aliases-input"),
        ("change_error_state", "errstate-changed"),
        ("replace_numpy", "numpy-replaced"),
        ("seed_numpy", "numpy-seed-changed"),
        ("seed_python", "python-seed-changed"),
    ],
)
@pytest.mark.parametrize("in_process", [True, False], ids=["local", "worker"])
def test_side_effects_are_observed(name: str, observed: str, in_process: bool) -> None:
    """Each side effect is seen, at every call; a worker cannot judge the call that imports numpy's generator."""
    assert observed in OBSERVATIONS
    with open_host(TargetSpecification(f"{PLANTED}:{name}"), in_process=in_process) as host:
        if name == "seed_numpy" and not in_process:
            assert host.evaluate(BATCH).raised is None
        for _ in range(2):
            outcome = host.evaluate(BATCH)
            assert outcome.observations == (observed,)
            assert outcome.raised is None


def test_error_state_and_seeds_are_restored() -> None:
    """What a target in this process changes does not stay changed."""
    before = np.geterr(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    numpy = dict(vars(np))
    for name in ("change_error_state", "replace_numpy", "seed_numpy", "seed_python"):
        evaluated(name)
    with np.errstate(all="raise"):
        assert evaluated("loss").raised is None
        assert np.geterr()["under"] == "raise"
    assert (np.geterr(), np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002
    assert all(getattr(np, name) is value for name, value in numpy.items())


def test_a_reused_buffer_is_observed() -> None:
    """The second call overwrites the first result; the outcomes themselves are copies and stay."""
    other = BATCH.replace(labels=np.array([0, 0]))
    with open_host(TargetSpecification(f"{PLANTED}:reuse_a_buffer"), in_process=True) as host:
        first = host.evaluate(BATCH)
        value = float(first.loss)
        second = host.evaluate(other)
    assert first.observations == ()
    assert second.observations == ("earlier-result-changed",)
    assert float(first.loss) == value != float(second.loss)


def test_a_pure_target_gives_no_observation() -> None:
    """Neither does its gradient, its pair, or a repeated call."""
    assert evaluated("loss", gradient="gradient", times=3).observations == ()
    assert evaluated("value_and_gradient", times=2).raised is not None  # a pair is no loss
    with open_host(TargetSpecification(value_and_gradient=f"{PLANTED}:value_and_gradient"), in_process=True) as host:
        assert host.evaluate(BATCH).observations == ()


def test_an_overwritten_option_is_observed() -> None:
    """Arrays among the options are watched as scores and labels are."""
    batch = BATCH.replace(options={"class_weights": np.array([1.0, 2.0, 3.0])})
    outcome = evaluated("overwrite_weights", batch, changes={"class_weights": {"argument": "weight"}})
    assert outcome.observations == ("options-changed",)
    assert batch.options["class_weights"].tolist() == [1.0, 2.0, 3.0]


def test_an_exception_says_where() -> None:
    """The innermost frame of the target's side is named, numpy's included."""
    raised = evaluated("fail").raised
    assert (raised.kind, raised.message, raised.call) == ("ValueError", "no such thing", "loss")
    assert raised.where.endswith("in _inner")
    assert "planted.py:" in raised.where
    assert evaluated("fail_in_numpy").raised.where.startswith("numpy/")


def test_a_wrong_signature_comes_from_nowhere_in_the_target() -> None:
    """A call that Python itself refuses has no frame of the target."""
    raised = evaluated("vjp").raised
    assert raised.kind == "TypeError"
    assert raised.where == ""


def test_values_before_an_exception_are_kept() -> None:
    """A gradient that fails takes the loss with it no more."""
    outcome = evaluated("loss", gradient="fail")
    assert outcome.loss is not None
    assert outcome.gradient is None
    assert outcome.raised.call == "gradient"


def test_want_limits_what_is_called() -> None:
    """What is not wanted is not called."""
    assert evaluated("loss", gradient="fail", want=("loss",)).raised is None
    assert evaluated("fail", gradient="gradient", want=("gradient",)).raised is None


def test_a_gradient_only() -> None:
    """A target may have a gradient and no loss."""
    with open_host(TargetSpecification(gradient=f"{PLANTED}:gradient"), in_process=True) as host:
        assert (host.description.has_loss, host.description.has_gradient) == (False, True)
        outcome = host.evaluate(BATCH)
    assert outcome.loss is None
    np.testing.assert_allclose(outcome.gradient.sum(axis=1), 0.0, atol=1e-15)


@pytest.mark.parametrize("want", [("loss",), ("gradient",), ("loss", "gradient")])
def test_value_and_gradient(want: tuple[str, ...]) -> None:
    """A pair serves for either half."""
    specification = TargetSpecification(value_and_gradient=f"{PLANTED}:value_and_gradient")
    with open_host(specification, in_process=True) as host:
        outcome = host.evaluate(BATCH, want)
    assert (outcome.loss is not None) == ("loss" in want)
    assert (outcome.gradient is not None) == ("gradient" in want)


def test_a_cotangent_reaches_the_vjp() -> None:
    """It comes third, after scores and labels in the contract's order, and is refused where there is no vjp."""
    whole = evaluated("loss", gradient="gradient").gradient
    scaled = evaluated("loss", vjp="vjp", gradient="gradient", upstream=np.array(-2.0)).gradient
    np.testing.assert_array_equal(scaled, -2.0 * whole)
    order = {"argument_order": "labels_first"}
    swapped = evaluated(
        "labels_first", vjp="labels_first_vjp", gradient="labels_first", changes=order, upstream=np.array(3.0)
    )
    np.testing.assert_array_equal(swapped.gradient, 3.0 * whole)
    with pytest.raises(ValueError, match="takes no cotangent"):
        evaluated("loss", gradient="gradient", upstream=np.array(2.0))


def test_a_vjp_alone_gives_the_gradient() -> None:
    """With a cotangent of ones: one number for a reduced loss, one for each row without a reduction."""
    shapes: list[tuple[int, ...]] = []
    expected = iter([(), (), (2,), ()])

    def pulled(scores: Any, labels: Any, upstream: Any) -> Any:
        shapes.append(upstream.shape)
        return np.broadcast_to(upstream, len(scores))[:, None] * np.ones_like(scores)

    for reduction in ("mean", "none"):
        for upstream in (None, np.array(2.0)):
            contract = Contract(reduction=reduction)
            with open_host(TargetSpecification(vjp=pulled, contract=contract), in_process=True) as host:
                assert (host.ready().has_gradient, host.ready().has_vjp) == (True, True)
                shapes.clear()  # where torch or jax is imported, the target has been tried out
                outcome = host.evaluate(BATCH, ("gradient",), upstream)
            np.testing.assert_array_equal(outcome.gradient, np.full((2, 3), 1.0 if upstream is None else 2.0))
            assert shapes == [next(expected)]


def test_labels_first() -> None:
    """The argument order is the contract's."""
    assert evaluated("labels_first", changes={"argument_order": "labels_first"}).loss == evaluated("loss").loss


def test_classes_along_the_first_axis() -> None:
    """Axis 0: scores and dense labels go transposed, the gradient comes back with classes last."""
    outcome = evaluated("classes_first", gradient="classes_first_gradient", changes={"axis": 0})
    plain = evaluated("loss", gradient="gradient")
    np.testing.assert_allclose(outcome.loss, plain.loss)
    np.testing.assert_allclose(outcome.gradient, plain.gradient)
    dense = Batch(BATCH.scores, np.eye(3)[[2, 1]], "onehot")
    shown = evaluated("classes_first_dense", dense, changes={"axis": 0, "labels": ["onehot"]})
    assert shown.loss == 2.0


def test_options_go_by_their_declared_names() -> None:
    """Arrays and numbers both, and only those that the contract declares as arguments."""
    options = {"class_weights": np.array([1.0, 2.0, 4.0]), "label_smoothing": 0.25, "ignore_index": -1}
    changes = {"class_weights": {"argument": "weight"}, "label_smoothing": {"argument": "smoothing"}}
    for in_process in (True, False):
        specification = TargetSpecification(f"{PLANTED}:weighted", changes=changes)
        with open_host(specification, in_process=in_process) as host:
            assert host.evaluate(BATCH.replace(options=options)).loss == 7.25


def test_label_shapes_are_passed_as_given() -> None:
    """(n, 1) labels stay (n, 1)."""
    shown = evaluated("describe", BATCH.replace(labels=np.array([[2], [1]]))).loss
    assert shown[-2:].tolist() == [2, 1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_reach_the_target(layout: str) -> None:
    """The array that the target sees lies in memory as named, in the worker too."""
    batch = Batch(np.ones((4, 3)), np.array([1, 1, 1, 1]), layout=layout)
    given = batch.present()[0]
    with open_host(TargetSpecification(f"{PLANTED}:describe"), in_process=True) as host:
        outcome = host.evaluate(batch)
    expected = [*given.shape, *given.strides, given.flags.writeable, given.flags.aligned, 4]
    assert outcome.loss.tolist() == [float(value) for value in expected]


def test_writing_to_a_readonly_array_raises() -> None:
    """It is numpy that refuses, and nothing has changed."""
    outcome = evaluated("overwrite_scores", BATCH.replace(layout="readonly"))
    assert outcome.raised.kind == "ValueError"
    assert outcome.observations == ()


def test_no_rows() -> None:
    """An empty batch is called like any other; the warnings of numpy stay inside."""
    outcome = evaluated("loss", gradient="gradient", batch=Batch(np.zeros((0, 3)), np.zeros(0, np.int64)))
    assert outcome.raised is None
    assert math.isnan(outcome.loss)
    assert outcome.gradient.shape == (0, 3)


def test_a_closure_is_judged_in_this_process() -> None:
    """A callable given as such runs here, and KeyboardInterrupt is the user's."""
    calls: list[int] = []

    def counted(z: Any, y: Any) -> float:
        calls.append(len(z))
        return 1.0

    with open_host(TargetSpecification(counted)) as host:
        assert host.evaluate(BATCH).loss == 1.0
        assert host.description.location.endswith("counted")
    assert calls[-1] == 2

    def interrupted(z: Any, y: Any) -> float:
        raise KeyboardInterrupt

    with open_host(TargetSpecification(interrupted)) as host, pytest.raises(KeyboardInterrupt):
        host.evaluate(BATCH)
