"""A planted mistake names itself: losses and gradients of a mean, in several formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.diagnosis.posing import (
    Y23,
    Y34,
    Y66,
    Z23,
    Z34,
    Z66,
    Array,
    given,
    hot,
    likely_cause,
    losses,
    name,
    softmax,
)

Planted = tuple[str, Callable[[Array, Array], Any]]

LOSS_OF_A_MEAN: list[Planted] = [
    ("sum_for_mean", lambda z, t: losses(z, t).sum()),
    ("divided_by_n_twice", lambda z, t: losses(z, t).mean() / len(z)),
    ("divided_by_m", lambda z, t: losses(z, t).mean() / z.shape[1]),
    ("divisor_m_for_n", lambda z, t: losses(z, t).sum() / z.shape[1]),
    ("divisor_one_off", lambda z, t: losses(z, t).sum() / (len(z) - 1)),
    ("wrong_sign", lambda z, t: -losses(z, t).mean()),
    ("halved", lambda z, t: losses(z, t).mean() / 2),
    ("eps_added", lambda z, t: -np.log((t * softmax(z)).sum(axis=-1) + 1e-3).mean()),
    ("eps_added", lambda z, t: -np.log((t * softmax(z)).sum(axis=-1) + 1e-7).mean()),
    ("eps_added", lambda z, t: -np.log((t * softmax(z)).sum(axis=-1) + 1e-9).mean()),
    ("clip", lambda z, t: -np.log(np.clip((t * softmax(z)).sum(axis=-1), 0.1, 0.9)).mean()),
    ("double_softmax", lambda z, t: losses(softmax(z), t).mean()),
    ("wrong_axis", lambda z, t: -(t * np.log(softmax(z, 0))).sum(axis=-1).mean()),
    ("softmax_over_batch", lambda z, t: -(t * np.log(softmax(z, None))).sum(axis=-1).mean()),
    ("off_by_one_label", lambda z, t: losses(z, np.roll(t, 1, axis=-1)).mean()),
    ("off_by_one_label", lambda z, t: losses(z, np.roll(t, -1, axis=-1)).mean()),
    ("one_row_alone", lambda z, t: losses(z, t)[0] / len(z)),
    ("one_row_alone", lambda z, t: losses(z, t)[-1]),
    ("columns_of_all_labels", lambda z, t: -np.log(softmax(z))[:, t.argmax(axis=-1)].sum() / len(z)),
    ("columns_of_all_labels", lambda z, t: -np.log(softmax(z))[:, t.argmax(axis=-1)].mean()),
    (
        "columns_of_all_labels",
        lambda z, t: (np.log(np.exp(z).sum(axis=-1)).sum() - z[:, t.argmax(axis=-1)].sum()) / len(z),
    ),
    ("binary_cross_entropy", lambda z, t: -(t * np.log(softmax(z)) + (1 - t) * np.log1p(-softmax(z))).sum() / len(z)),
    ("squared_error", lambda z, t: ((softmax(z) - t) ** 2).sum(axis=-1).mean()),
    ("phantom_class", lambda z, t: (np.log(np.exp(z).sum(axis=-1) + 1) - (t * z).sum(axis=-1)).mean()),
    ("narrowing", lambda z, t: float(np.float32(losses(z, t).mean()))),
    ("narrowing", lambda z, t: float(losses(z.astype(np.float32), t.astype(np.float32)).mean())),
    (
        "narrowing",
        lambda z, t: (
            float(losses(np.float16(z).astype(float) * 1.0, t).mean()) if 0 else float(np.float16(losses(z, t).mean()))
        ),
    ),
]

GRADIENT_OF_A_MEAN: list[Planted] = [
    ("gradient_missing_1_over_n", lambda z, t: softmax(z) - t),
    ("gradient_extra_1_over_n", lambda z, t: (softmax(z) - t) / len(z) ** 2),
    ("divided_by_m", lambda z, t: (softmax(z) - t) / len(z) / z.shape[1]),
    ("wrong_sign", lambda z, t: (t - softmax(z)) / len(z)),
    ("doubled", lambda z, t: (softmax(z) - t) / len(z) * 2),
    ("gradient_p_only", lambda z, t: softmax(z) / len(z)),
    ("gradient_wrt_probabilities", lambda z, t: -t / softmax(z) / len(z)),
    ("gradient_minus_t", lambda z, t: -t / len(z)),
    ("gradient_zero", lambda z, t: np.zeros_like(z)),
    ("off_by_one_label", lambda z, t: (softmax(z) - np.roll(t, 1, -1)) / len(z)),
    ("wrong_axis", lambda z, t: (softmax(z, 0) - t) / len(z)),
    ("double_softmax", lambda z, t: (softmax(softmax(z)) - t) / len(z)),
    ("labels_of_all_rows", lambda z, t: (softmax(z) - t.max(axis=0)) / len(z)),
    ("jacobian_diagonal", lambda z, t: -t * (1 - softmax(z)) / len(z)),
    (
        "eps_added",
        lambda z, t: (
            (softmax(z) * (t * softmax(z)).sum(-1, keepdims=True) - t * softmax(z))
            / ((t * softmax(z)).sum(-1, keepdims=True) + 1e-3)
            / len(z)
        ),
    ),
    ("scaled", lambda z, t: (softmax(z) - t) / len(z) * 1.37),
    ("narrowing", lambda z, t: ((softmax(z) - t) / len(z)).astype(np.float32).astype(float)),
]


def _ids(planted: list[Planted]) -> list[str]:
    return [f"{i}-{mechanism}" for i, (mechanism, _) in enumerate(planted)]


@pytest.mark.parametrize(("mechanism", "wrong"), LOSS_OF_A_MEAN, ids=_ids(LOSS_OF_A_MEAN))
def test_a_planted_loss_names_itself_on_three_rows(mechanism: str, wrong: Callable[[Array, Array], Any]) -> None:
    """The confusion matrix of losses on a 3 x 4 batch is diagonal."""
    assert name(given(Z34, Y34), "loss", wrong(Z34, hot(Y34, 4))) == mechanism


@pytest.mark.parametrize(("mechanism", "wrong"), GRADIENT_OF_A_MEAN, ids=_ids(GRADIENT_OF_A_MEAN))
def test_a_planted_gradient_names_itself_on_three_rows(mechanism: str, wrong: Callable[[Array, Array], Any]) -> None:
    """The confusion matrix of gradients on a 3 x 4 batch is diagonal."""
    assert name(given(Z34, Y34), "gradient", wrong(Z34, hot(Y34, 4))) == mechanism


@pytest.mark.parametrize(("mechanism", "wrong"), LOSS_OF_A_MEAN[:-3], ids=_ids(LOSS_OF_A_MEAN[:-3]))
def test_a_planted_loss_names_itself_in_float32(mechanism: str, wrong: Callable[[Array, Array], Any]) -> None:
    """The same in float32 on a 6 x 6 batch, where the wrong values carry float32's rounding errors."""
    z = Z66.astype(np.float32)
    got = np.float32(wrong(z, hot(Y66, 6).astype(np.float32)))
    problem = given(z, Y66, dtype="float32")
    found = name(problem, "loss", np.float64(got))
    if mechanism in ("divisor_m_for_n", "divided_by_m"):  # n = m: the two cannot be told apart, and the first is right
        assert found in (None, "divided_by_n_twice", "divided_by_m")
    elif mechanism == "eps_added" and abs(got - losses(z, hot(Y66, 6)).mean()) < 1e-4:  # lost in the rounding errors
        assert found in (None, mechanism)
    else:
        assert found == mechanism


@pytest.mark.parametrize(("mechanism", "wrong"), GRADIENT_OF_A_MEAN[:-1], ids=_ids(GRADIENT_OF_A_MEAN[:-1]))
def test_a_planted_gradient_names_itself_in_half_precision(
    mechanism: str, wrong: Callable[[Array, Array], Any]
) -> None:
    """The same for float16 input whose gradient is calculated in float32."""
    z = Z34.astype(np.float16)
    got = np.asarray(wrong(z.astype(np.float32), hot(Y34, 4)), np.float16)
    assert name(given(z, Y34, dtype="float16"), "gradient", got.astype(float)) == mechanism


@pytest.mark.parametrize(
    ("mechanism", "wrong"),
    [
        ("mean_for_sum", lambda z, t: losses(z, t).mean()),
        ("divided_by_m", lambda z, t: losses(z, t).sum() / z.shape[1]),
        ("wrong_sign", lambda z, t: -losses(z, t).sum()),
        ("double_softmax", lambda z, t: losses(softmax(z), t).sum()),
        ("wrong_axis", lambda z, t: -(t * np.log(softmax(z, 0))).sum()),
        ("eps_added", lambda z, t: -np.log((t * softmax(z)).sum(-1) + 1e-7).sum()),
    ],
)
def test_minimal_batches_of_two_rows_suffice(mechanism: str, wrong: Callable[[Array, Array], Any]) -> None:
    """A counterexample as small as the search leaves it is still diagnosed."""
    assert name(given(Z23, Y23, reduction="sum"), "loss", wrong(Z23, hot(Y23, 3))) == mechanism


def test_the_gradient_of_a_declared_sum_is_not_divided() -> None:
    """The sentence names n and says what to change."""
    got = (softmax(Z23) - hot(Y23, 3)) / 2
    cause = likely_cause(given(Z23, Y23, reduction="sum"), "gradient", got)
    assert cause is not None
    assert cause.mechanism == "gradient_extra_1_over_n"
    assert "n = 2" in cause.sentence
    cause = likely_cause(given(Z34, Y34, reduction="sum"), "loss", losses(Z34, hot(Y34, 4)).mean())
    assert cause is not None
    assert "divided by n = 3: it is a mean where the contract says sum" in cause.sentence


@pytest.mark.parametrize("returned", ["as autograd does", "as it was calculated"])
def test_the_gradient_of_transposed_scores_is_that_of_their_loss(returned: str) -> None:
    """By autograd it is transposed back, by a backward pass of its own it may not be."""
    g = (softmax(Z66.T) - hot(Y66, 6)) / 6
    cause = likely_cause(given(Z66, Y66), "gradient", g.T if returned == "as autograd does" else g)
    assert cause is not None
    assert cause.sentence == "The scores are transposed: rows are taken for classes."
