"""Targets whose rows lie along several axes: what they are given, and how their answers are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import xentcheck
from xentcheck import reference
from xentcheck.batches.batch import Batch
from xentcheck.batches.layout import LAYOUTS
from xentcheck.contract import Contract
from xentcheck.properties.answer import Answer
from xentcheck.properties.batch_truth import Truth
from xentcheck.targets import Outcome, TargetSpecification, open_host

Z = np.array([[np.sin(3.0 * i + 5 * j) * 3 for j in range(5)] for i in range(12)])
Y = np.array([4, 1, 1, 3, 0, 2, 2, 0, 4, 4, 1, 3])
V = np.cos(Z)


def evaluated(
    batch: Batch, contract: dict[str, Any], want: Any = ("loss", "gradient"), seen: Any = None, **functions: Any
) -> Outcome:
    """Return what functions answer; `seen`, where they keep what they are given, is left without earlier calls."""
    further = {key: functions.pop(key) for key in ("upstream", "vector", "tangent") if key in functions}
    specification = TargetSpecification(contract=Contract.from_mapping(contract), **functions)
    with open_host(specification, in_process=True) as host:
        seen = [] if seen is None else seen
        known = len(seen)
        host.ready()
        del seen[known:]  # where torch or jax is imported, the target has been tried out
        return host.evaluate(batch, want, **further)


def numbers(batch: Batch, contract: dict[str, Any], outcome: Outcome, part: str) -> Any:
    """Return a part of an outcome row by row, as laws see it."""
    keys = Contract.from_mapping(contract)
    return Answer(keys, batch, outcome, Truth(keys, batch, None, True)).numbers(part)


@pytest.mark.parametrize(("axis", "shape"), [(1, (2, 5, 6)), (-1, (2, 6, 5)), (0, (5, 2, 6))])
def test_scores_and_labels_lie_along_the_axes(axis: int, shape: tuple[int, ...]) -> None:
    """Classes where the contract says, dense labels alike, sparse ones without them; every value in its place."""
    seen: list[Any] = []

    def loss(scores: Any, labels: Any) -> float:
        seen.append((scores, labels))
        return 0.0

    contract = {"axis": axis, "extra_axes": 1, "labels": ["sparse", "onehot"], "label_shapes": ["(n,)", "(n,1)"]}
    evaluated(Batch(Z, Y), contract, ("loss",), seen, loss=loss)
    evaluated(Batch(Z, V, "onehot"), contract, ("loss",), seen, loss=loss)
    evaluated(Batch(Z, Y[:, None]), contract, ("loss",), seen, loss=loss)
    (scores, labels), (_, dense), (_, column) = seen
    assert scores.shape == dense.shape == shape
    np.testing.assert_array_equal(np.moveaxis(scores, axis, -1).reshape(12, 5), Z)
    np.testing.assert_array_equal(np.moveaxis(dense, axis, -1).reshape(12, 5), V)
    np.testing.assert_array_equal(labels, Y.reshape(2, 6))
    assert column.shape == ((2, 1, 6) if axis == 1 else (2, 6, 1))


def test_row_weights_lie_as_sparse_labels_do() -> None:
    """One for each of them, as a mask of tokens is; weights of classes stay a row."""
    seen: list[Any] = []

    def loss(scores: Any, labels: Any, mask: Any, weight: Any) -> float:
        seen.append((mask, weight))
        return 0.0

    contract = {"extra_axes": 1, "row_weights": {"argument": "mask"}, "class_weights": {"argument": "weight"}}
    batch = Batch(Z, Y, options={"row_weights": np.arange(12.0), "class_weights": np.arange(5.0)})
    evaluated(batch, contract, ("loss",), seen, loss=loss)
    np.testing.assert_array_equal(seen[0][0], np.arange(12.0).reshape(2, 6))
    np.testing.assert_array_equal(seen[0][1], np.arange(5.0))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_are_of_the_array_that_is_given(layout: str) -> None:
    """Strides, order and write protection as named, with all axes."""
    seen: list[Any] = []
    rows = np.tile(Z[:1], (12, 1))
    batch = Batch(rows, np.full(12, 3), layout=layout)
    evaluated(batch, {"axis": 1, "extra_axes": 1}, ("loss",), seen, loss=lambda z, y: seen.append(z) or 0.0)
    given = seen[0]
    np.testing.assert_array_equal(given, np.moveaxis(rows.reshape(2, 6, 5), -1, 1))
    assert given.flags.c_contiguous == (layout in ("C", "readonly", "unaligned"))
    assert given.flags.f_contiguous == (layout == "F")
    assert given.flags.writeable == (layout not in ("readonly", "broadcast"))
    assert given.flags.aligned == (layout != "unaligned")
    assert (given.strides[0] == 0) == (layout == "broadcast")
    assert (min(given.strides) < 0) == (layout == "reversed")


def test_answers_are_read_row_by_row() -> None:
    """Loss, gradient, cotangent and Hessian-vector product have the axes of the target, and come back as rows."""

    def rows(z: Any) -> Any:
        return np.moveaxis(z, 1, -1).reshape(12, 5)

    def back(g: Any) -> Any:
        return np.moveaxis(g.reshape(2, 6, 5), -1, 1)

    def pulled(z: Any, y: Any, upstream: Any) -> Any:
        assert upstream.shape == (2, 6)
        return back(reference.gradient(rows(z), y.reshape(-1), reduction="none") * upstream.reshape(12, 1))

    contract = {"axis": 1, "extra_axes": 1, "reduction": "none"}
    batch = Batch(Z, Y)
    functions = {
        "loss": lambda z, y: reference.loss(rows(z), y.reshape(-1), reduction="none").reshape(2, 6),
        "gradient": lambda z, y: back(reference.gradient(rows(z), y.reshape(-1), reduction="none")),
        "vjp": pulled,
        "hessian_vector": lambda z, y, v: 2 * v,
        "jvp": lambda z, y, v: v.sum(axis=1),
    }
    asked = ("loss", "gradient", "hessian_vector", "jvp")
    outcome = evaluated(batch, contract, asked, vector=V, tangent=V, **functions)
    right = reference.gradient(Z, Y, reduction="none")
    np.testing.assert_array_equal(numbers(batch, contract, outcome, "loss"), reference.loss(Z, Y, reduction="none"))
    np.testing.assert_array_equal(numbers(batch, contract, outcome, "gradient"), right)
    np.testing.assert_array_equal(numbers(batch, contract, outcome, "hessian_vector"), 2 * V)
    np.testing.assert_array_equal(numbers(batch, contract, outcome, "jvp"), V.sum(axis=1))
    upstream = np.arange(12.0)
    scaled = evaluated(batch, contract, ("gradient",), upstream=upstream, **functions)
    np.testing.assert_array_equal(numbers(batch, contract, scaled, "gradient"), right * upstream[:, None])


@pytest.mark.parametrize(
    ("part", "returned", "said"),
    [
        ("loss", np.zeros(12), "the loss has shape (12,), but must have (2, 6)"),
        ("loss", np.zeros((6, 2)), "the loss has shape (6, 2), but must have (2, 6)"),
        ("gradient", np.zeros((12, 5)), "the gradient has shape (12, 5), but must have (2, 6, 5)"),
    ],
)
def test_another_shape_is_told(part: str, returned: Any, said: str) -> None:
    """Rows in one axis, too, are not what the contract says."""
    contract = {"axis": 1, "extra_axes": 1, "reduction": "none"}
    functions = {"loss": lambda z, y: np.zeros((2, 6)), part: lambda z, y: returned}
    outcome = evaluated(Batch(Z, Y), contract, **functions)
    keys = Contract.from_mapping(contract)
    answer = Answer(keys, Batch(Z, Y), outcome, Truth(keys, Batch(Z, Y), None, True))
    assert answer.malformed(part) == said
    assert answer.numbers(part) is None


def test_labels_of_another_length_stay_of_another_length() -> None:
    """Bad input reaches the target as what it is."""
    seen: list[Any] = []
    batch = Batch(Z, Y[:11])
    evaluated(batch, {"axis": 1, "extra_axes": 1}, ("loss",), seen, loss=lambda z, y: seen.append(y.shape) or 0.0)
    assert seen == [(1, 11)]


def test_a_bad_value_is_one_sentence() -> None:
    """That a target states of itself, too."""
    with pytest.raises(ValueError, match="extra_axes is 9, but must be a number of axes from 0 to 3"):
        xentcheck.check({"loss": reference.loss, "contract": {"extra_axes": 9}})


@pytest.mark.slow
@pytest.mark.needs("torch")
def test_torch_differentiates_along_the_axes() -> None:
    """cross_entropy on (N, C, d), with a cotangent a loss."""
    changes = {"reduction": "none", "dtypes": ["float64"]}
    batch = Batch(Z, Y, options={"class_weights": np.ones(5), "ignore_index": -100, "label_smoothing": 0.0})
    name = "torch.nn.functional.cross_entropy.extra_axes"
    with open_host(TargetSpecification(name, changes={**changes, "extra_axes": 1}), in_process=True) as host:
        host.ready()
        outcome = host.evaluate(batch, upstream=np.arange(12.0))
    assert outcome.raised is None
    assert outcome.loss is not None
    assert outcome.gradient is not None
    assert outcome.loss.shape == (2, 6)
    np.testing.assert_allclose(outcome.loss.reshape(-1), reference.loss(Z, Y, reduction="none"), rtol=1e-14)
    right = reference.gradient(Z, Y, reduction="none") * np.arange(12.0)[:, None]
    np.testing.assert_allclose(outcome.gradient.reshape(12, 5), right, atol=1e-14)


@pytest.mark.slow
@pytest.mark.needs("torch", "optax")
@pytest.mark.parametrize(
    "name", ["torch.nn.functional.cross_entropy.extra_axes", "optax.softmax_cross_entropy.extra_axes"]
)
def test_libraries_conform(name: str) -> None:
    """Images and sequences are but rows."""
    report = xentcheck.check(name, dtypes=["float32"])
    assert report.findings == ()
    assert report.conforms
