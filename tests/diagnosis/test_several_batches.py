"""What several batches tell together: which of two mistakes it is, a constant, a condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.diagnosis.posing import BATCHES, Array, Loss, given, hot, losses, seen, softmax
from xentcheck.diagnosis import Cause, Observation
from xentcheck.diagnosis.limits import limits
from xentcheck.diagnosis.mechanism import common_cause


def cause_of(loss: Loss, part: str = "loss", **keys: Any) -> Cause:
    """Return the cause of the finding on the first batch that is wrong."""
    answers = seen(loss, part, **keys)
    first = next(one for one in answers if one.wrong)
    found = common_cause([first], [one for one in answers if one is not first])
    assert found is not None
    return found


def by_lse(lse: Callable[[Array], Array]) -> Loss:
    return lambda z, t: (lse(z) - (t * z).sum(axis=-1)).mean()


def exact_lse(z: Array) -> Array:
    top = z.max(axis=-1)
    return top + np.log(np.exp(z - top[:, None]).sum(axis=-1))


def online(z: Array, rescale: Callable[[Array, Array], Any]) -> Array:
    top, total = z[:, :8].max(axis=-1), np.zeros(len(z))
    for start in range(0, z.shape[1], 8):
        block = z[:, start : start + 8]
        new = np.maximum(top, block.max(axis=-1))
        total = total * rescale(top, new) + np.exp(block - new[:, None]).sum(axis=-1)
        top = new
    return top + np.log(total)


LOSSES: list[tuple[str, Loss]] = [
    ("scaled", lambda z, t: losses(z, t).mean() * 1.2345),
    ("scaled", lambda z, t: losses(z, t).mean() * (1 + 1e-9)),
    ("added_to_loss", lambda z, t: losses(z, t).mean() + 0.7),
    ("eps_in_denominator", by_lse(lambda z: z.max(-1) + np.log(np.exp(z - z.max(-1)[:, None]).sum(-1) + 3e-5))),
    ("phantom_class", by_lse(lambda z: np.logaddexp(exact_lse(z), 1.7))),
    ("temperature", lambda z, t: losses(0.83 * z, t).mean()),
    ("eps_added", lambda z, t: -np.log((t * softmax(z)).sum(axis=-1) + 3.3e-4).mean()),
    ("label_margin", lambda z, t: losses(z - 0.35 * t, t).mean()),
    ("logits_clipped", lambda z, t: losses(np.clip(z, -4.1, 4.1), t).mean()),
    ("log_limited", lambda z, t: np.minimum(losses(z, t), 2.9).mean()),
    ("halved", lambda z, t: losses(z, t).mean() / 2),
    ("divided_by_m", lambda z, t: losses(z, t).mean() / z.shape[1]),
    ("online_not_rescaled", by_lse(lambda z: online(z, lambda old, new: 1.0))),
    ("online_not_rescaled", by_lse(lambda z: online(z, lambda old, new: np.exp(new - old)))),
    (
        "exponentials_dropped",
        by_lse(lambda z: np.log(np.where((d := z - z.max(-1)[:, None]) < -5, 0, np.exp(d)).sum(-1)) + z.max(-1)),
    ),
    ("rows_left_out", lambda z, t: (losses(z, t) * (t[:, 0] == 0)).sum() / len(z)),
    ("labels_transposed", lambda z, t: losses(z, t.T if len(z) == z.shape[1] else t).mean()),
]


@pytest.mark.parametrize(("mechanism", "wrong"), LOSSES, ids=[f"{i}-{key}" for i, (key, _) in enumerate(LOSSES)])
def test_losses_on_many_batches(mechanism: str, wrong: Loss) -> None:
    """Constants that no list holds and mistakes that one small batch leaves open are named."""
    assert cause_of(wrong).mechanism == mechanism


def right_gradient(z: Array, t: Array) -> Array:
    return (softmax(z) - t) / len(z)


def by_differences(h: float) -> Loss:
    def gradient(z: Array, t: Array) -> Array:
        g = np.zeros_like(z)
        for index in np.ndindex(*z.shape):
            moved = z.copy()
            moved[index] += h
            g[index] = (losses(moved, t).mean() - losses(z, t).mean()) / h
        return g

    return gradient


GRADIENTS: list[tuple[str, Loss]] = [
    ("scaled", lambda z, t: right_gradient(z, t) * 0.77),
    ("finite_differences", by_differences(0.01)),
    ("finite_differences", by_differences(1e-6)),
    ("gradient_p_only", lambda z, t: right_gradient(z, t * (t.argmax(-1) != z.argmax(-1))[:, None])),
    ("small_entries_dropped", lambda z, t: (np.where(softmax(z) < 0.01, 0, softmax(z)) - t) / len(z)),
]


@pytest.mark.parametrize(("mechanism", "wrong"), GRADIENTS, ids=[f"{i}-{key}" for i, (key, _) in enumerate(GRADIENTS)])
def test_gradients_on_many_batches(mechanism: str, wrong: Loss) -> None:
    """Gradients with a constant, a block not written, or a mistake in some rows alone."""
    assert cause_of(wrong, "gradient").mechanism == mechanism


def test_constants_are_said() -> None:
    """The constant that was fitted stands in the sentence."""
    assert "0.83" in cause_of(lambda z, t: losses(0.83 * z, t).mean()).sentence
    assert "step of about 0.01" in cause_of(by_differences(0.01), "gradient").sentence


def test_a_mistake_of_large_batches_is_said_to_be_one() -> None:
    """What all wrong batches have in common is said, even where the mistake has no name."""
    found = cause_of(lambda z, t: losses(z, t).mean() + (z[0, 0] ** 2 if z.shape[1] > 16 else 0))
    assert found.mechanism == "size_dependent"
    assert "17 classes or more" in found.sentence
    halved = cause_of(lambda z, t: losses(z, t).mean() / (2 if len(z) == 1 else 1))
    assert halved.mechanism == "halved"
    assert "of one row" in halved.sentence


def test_no_condition_is_seen_in_too_little() -> None:
    """Two shapes are needed on either side, and a limit of few classes is none."""
    answers = seen(lambda z, t: losses(z, t).mean() * 2)
    assert limits(answers) == ""
    assert limits(answers[:1]) == ""


def test_a_tie_is_said() -> None:
    """One batch of two classes leaves several readings, and the sentence says so."""
    z, y = BATCHES[0]
    found = common_cause([Observation(given(z, y), "loss", losses(z, hot(y, 2)).mean() / 2)])
    assert found is not None
    assert "consistent" in found.sentence


def test_smoothing_and_z_loss_of_another_size() -> None:
    """Another smoothing and another coefficient are solved for."""
    keys = {"label_smoothing": 0.3}

    def smoothed(z: Array, t: Array) -> Any:
        return losses(z, 0.8 * t + 0.2 / z.shape[1]).mean()

    assert cause_of(smoothed, **keys).mechanism == "smoothing_distorted"

    def with_z_loss(z: Array, t: Array) -> Any:
        return (losses(z, t) + 0.07 * exact_lse(z) ** 2).mean()

    assert cause_of(with_z_loss, z_loss=0.01).mechanism == "z_loss_distorted"


CAP = 3.0
CAPS: list[tuple[str, str, Loss]] = [
    ("soft_cap", "loss", lambda z, t: losses(z, t).mean()),
    ("soft_cap", "loss", lambda z, t: losses(np.tanh(z / CAP), t).mean()),
    ("soft_cap", "loss", lambda z, t: losses(np.clip(z, -CAP, CAP), t).mean()),
    ("soft_cap", "loss", lambda z, t: (exact_lse(CAP * np.tanh(z / CAP)) - (t * z).sum(-1)).mean()),
    ("soft_cap_derivative", "gradient", lambda z, t: right_gradient(CAP * np.tanh(z / CAP), t)),
    (
        "soft_cap_derivative",
        "gradient",
        lambda z, t: right_gradient(CAP * np.tanh(z / CAP), t) * (1 - np.abs(np.tanh(z / CAP))),
    ),
]


@pytest.mark.parametrize(("mechanism", "part", "wrong"), CAPS)
def test_soft_caps(mechanism: str, part: str, wrong: Loss) -> None:
    """Caps left out, replaced and half differentiated."""
    assert cause_of(wrong, part, soft_cap=CAP).mechanism == mechanism


TEMPERATURE = 0.7
TEMPERATURES: list[tuple[str, str, Loss]] = [
    ("temperature", "loss", lambda z, t: losses(z, t).mean()),
    ("temperature", "loss", lambda z, t: losses(z * TEMPERATURE, t).mean()),
    ("temperature", "loss", lambda z, t: (exact_lse(z / TEMPERATURE) - (t * z).sum(-1)).mean()),
    ("temperature", "loss", lambda z, t: TEMPERATURE**2 * losses(z / TEMPERATURE, t).mean()),
    ("temperature", "gradient", lambda z, t: right_gradient(z, t)),
    ("temperature_derivative", "gradient", lambda z, t: right_gradient(z / TEMPERATURE, t)),
    ("temperature_derivative", "gradient", lambda z, t: right_gradient(z / TEMPERATURE, t) / TEMPERATURE**2),
]


@pytest.mark.parametrize(("mechanism", "part", "wrong"), TEMPERATURES)
def test_temperatures(mechanism: str, part: str, wrong: Loss) -> None:
    """Temperatures left out, turned over, applied in part and half differentiated."""
    assert cause_of(wrong, part, temperature=TEMPERATURE).mechanism == mechanism


HESSIANS: list[tuple[str, Callable[[Array, Array, Array], Array]]] = [
    ("hessian_rows_mixed", lambda p, t, v: p * (v - (p * v).sum())),
]


@pytest.mark.parametrize(("mechanism", "wrong"), HESSIANS)
def test_products_with_a_hessian(mechanism: str, wrong: Callable[[Array, Array, Array], Array]) -> None:
    """Matrices that are taken for diag p - p p^T."""
    from xentcheck.contract import Contract
    from xentcheck.truth.problem import pose

    answers = []
    for z, y in BATCHES[:4]:
        v = np.random.default_rng(z.size).normal(size=z.shape)
        problem = pose(Contract(reduction="sum"), z, y, "sparse", vector=v)
        answers.append(Observation(problem, "hessian_vector", wrong(softmax(z), hot(y, z.shape[1]), v)))
    found = common_cause(answers[1:2], answers)
    assert found is not None
    assert found.mechanism == mechanism
    z, y = BATCHES[1]
    right = softmax(z) * (v := np.ones_like(z)) * 0
    problem = pose(Contract(reduction="sum"), z, y, "sparse", vector=v)
    assert common_cause([Observation(problem, "hessian_vector", right)]) is None


def test_right_entries_at_the_end_of_their_allowance_hide_no_mistake_of_the_others() -> None:
    """The last row's gradient is zero; the other rows are right, and off by nine tenths of what they may be off by."""
    answers = []
    for z, y in BATCHES:
        problem = given(z, y, reduction="none")
        right = Observation(problem, "gradient", softmax(z) - hot(y, z.shape[1]))
        got = right.model.right + 0.9 * right.allowed
        got[-1] = 0.0
        answers.append(Observation(problem, "gradient", got))
    wrong = [one for one in answers if one.wrong and len(one.got) > 1]
    found = common_cause(wrong[:1], wrong[1:])
    assert found is not None
    assert found.mechanism == "gradient_zero"
    assert found.sentence.startswith("In some rows or classes: the gradient is zero")


def test_a_mistake_of_some_rows_that_needs_many_is_told_with_their_number() -> None:
    """Rows beyond the fifteenth have a gradient of zero: that there are so many is what a reader has to know."""
    random, answers = np.random.default_rng(3), []
    for n in (33, 20, 18, 17, 16, 12, 5, 2):
        z, y = random.normal(size=(n, 3)), random.integers(0, 3, n)
        got = softmax(z) - hot(y, 3)
        got[15:] = 0.0
        answers.append(Observation(given(z, y, reduction="none"), "gradient", got))
    found = common_cause(answers[:1], answers[1:])
    assert found is not None
    assert found.sentence == (
        "In some rows or classes: the gradient is zero: no derivative reaches the scores. "
        "Of the batches tried, only batches of 16 rows or more are answered wrongly."
    )
