"""How often a target is called, and with how many shapes: what a framework's time goes by, on any machine."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.probing import beyond, unseen
from xentcheck.probing import infer
from xentcheck.targets import TargetSpecification

LIMITS = {
    unseen.torch_like: (148, 16),
    unseen.keras_like: (52, 22),
    unseen.per_token: (87, 16),
    unseen.with_z_loss: (130, 16),
    unseen.smoothed: (84, 15),
    beyond.averaged_by_factor: (144, 15),
}
"""Calls, and shapes of matrices in each dtype.

Where a shape is cheap, two axes of rows, one class more, and one class and two are tried."""
TRIED = {(shape, "float32") for shape in ((2, 3), (3, 2), (1, 2, 3), (1, 3, 2), (2, 1, 1, 3), (1, 1, 1, 2, 3))}
"""With these a target is tried out first where torch or jax is imported, which depends on the tests before."""


@pytest.mark.parametrize("function", LIMITS, ids=lambda one: one.__name__)
def test_calls_and_shapes_are_few(function: Callable[..., Any]) -> None:
    """Everything is told of two rows, and one, where nothing else is asked for."""
    shapes: set[Any] = set()

    def watched(scores: Any, labels: Any, *more: Any, **options: Any) -> Any:
        matrices = (one for one in (scores, labels) if one.ndim > 1 and one.dtype.kind in "fV")
        shapes.update((one.shape, one.dtype.name) for one in matrices)
        return function(scores, labels, *more, **options)

    functools.update_wrapper(watched, function)
    inference = infer(TargetSpecification(loss=watched))
    calls, most = LIMITS[function]
    assert inference.contradictions == []
    assert inference.calls <= calls
    assert len(shapes - TRIED) <= most, sorted(shapes)


def test_an_unexplained_loss_is_asked_about_few_classes() -> None:
    """Weights of classes would be the same for any number of them, each of which costs a compilation."""
    classes: set[int] = set()

    def watched(logits: Any, labels: Any) -> Any:
        classes.add(logits.shape[-1])
        return unseen.focal(logits, labels)

    inference = infer(TargetSpecification(loss=watched))
    assert [one.key for one in inference.contradictions] == ["input"]
    assert classes == {1, 2, 3, 4}
    assert inference.calls <= 255


@pytest.mark.needs("jax")
@pytest.mark.parametrize(("dense", "calls"), [(False, 320), (True, 460)])
def test_an_unexplained_loss_of_a_framework_without_errors_is_asked_about_few_classes(dense: bool, calls: int) -> None:
    """It answers wrong axes with 0, labels of any dtype alike, and class numbers as numbers that it multiplies by."""
    import jax
    import jax.numpy as jnp

    classes: set[int] = set()

    def watched(logits: Any, labels: Any) -> Any:
        classes.update(logits.shape if logits.ndim == 2 else ())
        found = jax.nn.log_softmax(logits)
        hot = labels if dense else jax.nn.one_hot(labels, logits.shape[-1])
        return jnp.mean(-jnp.sum(hot * (1 - jnp.exp(found)) ** 2 * found, axis=-1))

    inference = infer(TargetSpecification(loss=watched))
    assert [one.key for one in inference.contradictions] == ["input"]
    assert classes <= {1, 2, 3, 4}
    assert inference.calls <= calls


def smoothed_in_float32(logits: Any, labels: Any) -> Any:
    """A smoothing of labels that are made in float32, whatever the logits are."""
    hot = (labels[:, None] == np.arange(logits.shape[1])).astype(np.float32)
    hot = np.float32(0.9) * hot + np.float32(0.1 / logits.shape[1])
    return -(hot * unseen.log_softmax(logits)).sum(axis=1).mean()


def test_a_constant_of_float32_is_seen_at_once() -> None:
    """It is that of one answer, but for its rounding, and odd labels need not be tried."""
    inference = infer(TargetSpecification(loss=smoothed_in_float32))
    assert inference.contradictions == []
    assert (inference.told["label_smoothing"], inference.told["labels"]) == (0.1, ["sparse"])
    assert inference.calls <= 145


@pytest.mark.needs("jax")
def test_rows_of_a_compiled_loss_are_of_few_shapes() -> None:
    """What is known to be one loss a row is asked in calls of two rows; the keys are those of the loss in numpy."""
    import jax
    import jax.numpy as jnp

    compiled: set[Any] = set()

    def loss(scores: Any, labels: Any) -> Any:
        answer = -jnp.sum(labels * jax.nn.log_softmax(scores), axis=-1)
        if isinstance(scores, jax.core.Tracer) and labels.shape == scores.shape:
            compiled.add((scores.shape, scores.dtype.name))
        return answer

    inference = infer(TargetSpecification(loss=loss))
    assert inference.contradictions == []
    told = {"labels": ["onehot", "soft"], "soft_rows": "any", "reduction": "none", "extra_axes": [0, 1, 2, 3]}
    assert {key: inference.told[key] for key in told} == told
    assert inference.told["dtypes"] == ["float16", "bfloat16", "float32", "float64"]
    rows = {shape for shape, dtype in compiled if dtype == "float64" and len(shape) == 2}
    fewer = {(2, 1), (2, 2)}
    assert rows - fewer == {(2, 3), (3, 2), (2, 4)}  # the second from the other axis of the classes
    assert {shape for shape, dtype in compiled if dtype == "float16" and len(shape) == 2} == {(2, 16)}


@pytest.mark.needs("jax")
def test_numbers_below_the_normal_ones_are_rounded_once_as_well() -> None:
    """Of three rows a class has a third of a small probability, which float16 holds to 2^-24 and no better."""
    import jax
    import jax.numpy as jnp

    def loss(scores: Any, labels: Any) -> Any:
        found = jax.nn.log_softmax(scores.astype(jnp.promote_types(scores.dtype, jnp.float32)))
        return -jnp.take_along_axis(found, labels[:, None], axis=-1).mean().astype(scores.dtype)

    inference = infer(TargetSpecification(loss=loss))
    assert inference.contradictions == []
    assert (inference.told["compute"], "float16" in inference.told["dtypes"]) == (None, True)


def test_bad_input_that_passes_is_asked_about_once() -> None:
    """One answer shows that a kind of it is not refused: what crashes there does so once a kind."""
    bad = []

    def passes(z: Any, y: Any) -> Any:
        if len(y) != len(z) or y.ndim > 1 or (y < 0).any() or (y >= z.shape[1]).any() or (y % 1 != 0).any():
            bad.append(y)
        return beyond.rows_of(z, (y.reshape(-1)[: len(z)] % z.shape[1]).astype(int)).mean()

    inference = infer(TargetSpecification(loss=passes))
    assert inference.told["invalid"] == "unspecified"
    assert len(bad) < 25  # with one-hot rows and the labels that may be ignored
