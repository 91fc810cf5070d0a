"""Each planted mistake is named; right values, garbage and hopeless batches are not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from xentcheck.contract import Contract
from xentcheck.engine.causes import likely_cause
from xentcheck.engine.causes.model import Model
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import Problem, pose

Array = NDArray[Any]

Z34 = np.array([[1.21, -0.53, 0.74, 2.07], [-1.52, 0.28, 3.01, 0.55], [0.13, 1.71, -2.23, -0.64]])
Y34 = np.array([2, 0, 1])
Z23 = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
Y23 = np.array([0, 2])
Z66 = np.array([[np.sin(3.0 * i + 5 * j) * 3 for j in range(6)] for i in range(6)])
Y66 = np.array([5, 1, 1, 4, 0, 2])
P34 = np.array([[0.1, 0.2, 0.65, 0.05], [1e-9, 0.3, 0.2, 0.5 - 1e-9], [0.25, 0.5, 0.125, 0.125]])
W4 = np.array([0.5, 2.0, 1.25, 3.0])
SOFT = np.array([[0.5, 0.25, 0.25, 0.0], [0.0, 0.125, 0.125, 0.75], [0.1, 0.2, 0.3, 0.4]])


def softmax(z: Array, axis: int | None = -1) -> Array:
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def hot(y: Array, m: int) -> Array:
    return np.eye(m)[y]


def losses(z: Array, t: Array) -> Array:
    return -(t * np.log(softmax(z))).sum(axis=-1)


def given(
    z: Array, labels: Array, *, dtype: Any = "float64", form: str = "sparse", upstream: Array | None = None, **keys: Any
) -> Problem:
    keys.setdefault("labels", (form,))
    return pose(Contract(**keys), np.asarray(z, dtype), labels, form, upstream=upstream)


def name(problem: Problem, part: str, got: Any, **more: Any) -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cause = likely_cause(problem, part, got, **more)
    return None if cause is None else cause.mechanism


Planted = tuple[str, Callable[[Array, Array], Any]]

LOSS_OF_A_MEAN: list[Planted] = [
    ("sum_for_mean", lambda z, t: losses(z, t).sum()),
    ("divided_by_n_twice", lambda z, t: losses(z, t).mean() / len(z)),
    ("divided_by_m", lambda z, t: losses(z, t).mean() / z.shape[1]),
    ("divisor_m_for_n", lambda z, t: losses(z, t).sum() / z.shape[1]),
    ("wrong_sign", lambda z, t: -losses(z, t).mean()),
    ("base_2", lambda z, t: -np.log2((t * softmax(z)).sum(axis=-1)).mean()),
    ("base_10", lambda z, t: -np.log10((t * softmax(z)).sum(axis=-1)).mean()),
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
    ("first_label_for_all", lambda z, t: losses(z, t[[0] * len(t)]).mean()),
    ("labels_misaligned", lambda z, t: losses(z, np.roll(t, 1, axis=0)).mean()),
    ("last_row_dropped", lambda z, t: losses(z[:-1], t[:-1]).mean()),
    ("last_row_dropped", lambda z, t: losses(z, t)[:-1].sum() / len(z)),
    ("argmax_as_label", lambda z, t: losses(z, hot(z.argmax(axis=-1), z.shape[1])).mean()),
    ("log_sum_exp_missing", lambda z, t: -(t * z).sum(axis=-1).mean()),
    ("binary_cross_entropy", lambda z, t: -(t * np.log(softmax(z)) + (1 - t) * np.log1p(-softmax(z))).sum() / len(z)),
    ("sigmoid_for_softmax", lambda z, t: (np.logaddexp(0, z) - t * z).sum() / len(z)),
    ("squared_error", lambda z, t: ((softmax(z) - t) ** 2).sum(axis=-1).mean()),
    ("logarithm_missing", lambda z, t: -(t * softmax(z)).sum(axis=-1).mean()),
    ("labels_ignored", lambda z, t: -np.log(softmax(z)).sum(axis=-1).mean()),
    ("label_logit_missing", lambda z, t: np.log(np.exp(z).sum(axis=-1)).mean()),
    ("phantom_class", lambda z, t: (np.log(np.exp(z).sum(axis=-1) + 1) - (t * z).sum(axis=-1)).mean()),
    ("label_left_out", lambda z, t: (np.log(((1 - t) * np.exp(z)).sum(axis=-1)) - (t * z).sum(axis=-1)).mean()),
    ("mean_of_exponentials", lambda z, t: (np.log(np.exp(z).mean(axis=-1)) - (t * z).sum(axis=-1)).mean()),
    ("maximum_for_lse", lambda z, t: (z.max(axis=-1) - (t * z).sum(axis=-1)).mean()),
    ("last_class_dropped", lambda z, t: (np.log(np.exp(z[:, :-1]).sum(axis=-1)) - (t * z).sum(axis=-1)).mean()),
    ("maximum_of_rows", lambda z, t: losses(z, t).max()),
    ("zero", lambda z, t: 0.0),
    ("exponential", lambda z, t: np.exp(losses(z, t).mean())),
    ("focal", lambda z, t: (((1 - softmax(z)) ** 2 * t).sum(axis=-1) * losses(z, t)).mean()),
    ("temperature", lambda z, t: losses(z / 2, t).mean()),
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
    ("base_2", lambda z, t: (softmax(z) - t) / len(z) / np.log(2)),
    ("doubled", lambda z, t: (softmax(z) - t) / len(z) * 2),
    ("gradient_p_only", lambda z, t: softmax(z) / len(z)),
    ("gradient_p_plus_t", lambda z, t: (softmax(z) + t) / len(z)),
    ("gradient_wrt_probabilities", lambda z, t: -t / softmax(z) / len(z)),
    ("gradient_minus_t", lambda z, t: -t / len(z)),
    ("gradient_zero", lambda z, t: np.zeros_like(z)),
    ("gradient_times_loss", lambda z, t: (softmax(z) - t) / len(z) * losses(z, t)[:, None]),
    ("gradient_transposed", lambda z, t: ((softmax(z) - t) / len(z)).T.reshape(z.shape)),
    ("off_by_one_label", lambda z, t: (softmax(z) - np.roll(t, 1, -1)) / len(z)),
    ("first_label_for_all", lambda z, t: (softmax(z) - t[:1]) / len(z)),
    ("argmax_as_label", lambda z, t: (softmax(z) - hot(z.argmax(-1), z.shape[1])) / len(z)),
    ("wrong_axis", lambda z, t: (softmax(z, 0) - t) / len(z)),
    ("double_softmax", lambda z, t: (softmax(softmax(z)) - t) / len(z)),
    ("last_row_dropped", lambda z, t: np.vstack([(softmax(z) - t)[:-1], 0 * z[:1]]) / len(z)),
    ("labels_of_all_rows", lambda z, t: (softmax(z) - t.max(axis=0)) / len(z)),
    ("jacobian_diagonal", lambda z, t: -t * (1 - softmax(z)) / len(z)),
    ("sigmoid_for_softmax", lambda z, t: (1 / (1 + np.exp(-z)) - t) / len(z)),
    (
        "eps_added",
        lambda z, t: (
            (softmax(z) * (t * softmax(z)).sum(-1, keepdims=True) - t * softmax(z))
            / ((t * softmax(z)).sum(-1, keepdims=True) + 1e-3)
            / len(z)
        ),
    ),
    ("scaled", lambda z, t: (softmax(z) - t) / len(z) * 1.37),
    ("gradient_rows_misplaced", lambda z, t: (softmax(z) - t)[::-1] / len(z)),
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


@pytest.mark.parametrize(("mechanism", "wrong"), LOSS_OF_A_MEAN[:35], ids=_ids(LOSS_OF_A_MEAN[:35]))
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
        ("mean_over_n_m", lambda z, t: losses(z, t).sum() / z.size),
        ("wrong_sign", lambda z, t: -losses(z, t).sum()),
        ("base_2", lambda z, t: losses(z, t).sum() / np.log(2)),
        ("double_softmax", lambda z, t: losses(softmax(z), t).sum()),
        ("wrong_axis", lambda z, t: -(t * np.log(softmax(z, 0))).sum()),
        ("eps_added", lambda z, t: -np.log((t * softmax(z)).sum(-1) + 1e-7).sum()),
        ("log_sum_exp_missing", lambda z, t: -(t * z).sum()),
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


def _with_eps(eps: float) -> float:
    z = np.array([[0.0, 40.0, 1.0]])
    return float(-np.log(softmax(z)[:, 0] + eps).sum())


@pytest.mark.parametrize("eps", [1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 2.0**-52, 2.0**-23])
def test_the_eps_is_fitted_and_said(eps: float) -> None:
    """Each of the usual constants is recognised from one confident wrong row, and named in the sentence."""
    problem = given(np.array([[0.0, 40.0, 1.0]]), np.array([0]), reduction="sum")
    cause = likely_cause(problem, "loss", _with_eps(eps))
    assert cause is not None
    assert cause.mechanism == "eps_added"
    stated = float(cause.sentence.split("eps = ")[1].split(" ")[0])
    assert stated == pytest.approx(eps, rel=1e-3)


@pytest.mark.parametrize("c", [1e-7, 1e-8, 1e-12, 1e-15])
def test_the_clip_is_fitted_and_said(c: float) -> None:
    """A clip costs exactly -log c at a confident wrong row, and is told from an added eps."""
    problem = given(np.array([[0.0, 40.0, 1.0], [3.0, 2.0, 1.0]]), np.array([0, 1]), reduction="sum")
    p = softmax(problem.scores)[[0, 1], [0, 1]]
    cause = likely_cause(problem, "loss", -np.log(np.clip(p, c, 1 - c)).sum())
    assert cause is not None
    assert cause.mechanism == "clip"
    assert f"{c:g}" in cause.sentence


def test_a_clip_leaves_a_dead_zone_in_the_gradient() -> None:
    """The row whose label's probability is below c has gradient zero."""
    z = np.array([[0.0, 40.0, 1.0], [3.0, 2.0, 1.0]])
    got = softmax(z) - hot(np.array([0, 1]), 3)
    got[0] = 0
    assert name(given(z, [0, 1], reduction="sum"), "gradient", got) == "clip"


@pytest.mark.parametrize(
    ("mechanism", "wrong"),
    [
        ("softmax_of_probabilities", lambda p, y: losses(p, hot(y, 4)).mean()),
        ("logarithm_missing", lambda p, y: -p[range(3), y].mean()),
        ("eps_added", lambda p, y: -np.log(p[range(3), y] + 1e-7).mean()),
        ("clip", lambda p, y: -np.log(np.clip(p[range(3), y], 1e-7, 1 - 1e-7)).mean()),
        ("base_2", lambda p, y: -np.log2(p[range(3), y]).mean()),
        ("binary_cross_entropy", lambda p, y: -(hot(y, 4) * np.log(p) + (1 - hot(y, 4)) * np.log1p(-p)).sum() / 3),
        ("wrong_axis", lambda p, y: -np.log((p / p.sum(axis=0))[range(3), y]).mean()),
    ],
)
def test_mistakes_on_probabilities(mechanism: str, wrong: Callable[[Array, Array], Any]) -> None:
    """Losses of probabilities, one of which is 1e-9 at its label."""
    assert name(given(P34, Y34, input="probabilities"), "loss", wrong(P34, Y34)) == mechanism


def test_probabilities_that_do_not_sum_to_one_show_a_renormalisation() -> None:
    """Dividing the rows by their sum is a mistake where the contract does not state it, and the other way round."""
    p = P34 * np.array([[0.9], [1.0], [1.1]])
    kept, divided = -np.log(p[range(3), Y34]).sum(), -np.log((p / p.sum(-1, keepdims=True))[range(3), Y34]).sum()
    declared = given(p, Y34, input="probabilities", reduction="sum")
    assert name(declared, "loss", divided) == "renormalised"
    normalised = given(p, Y34, input="probabilities", reduction="sum", boundary={"normalise": True})
    assert name(normalised, "loss", kept) == "not_renormalised"


def test_a_stated_guard_is_no_mistake_and_its_loss_is() -> None:
    """With eps declared, log(p + eps) is right and log p is not."""
    problem = given(P34, Y34, input="probabilities", reduction="sum", boundary={"add": 1e-7})
    p = P34[range(3), Y34]
    assert name(problem, "loss", -np.log(p + 1e-7).sum()) is None
    assert name(problem, "loss", -np.log(p).sum()) == "guard_missing"
    assert name(problem, "loss", -np.log(p + 1e-9).sum()) == "eps_added"


def _options() -> list[tuple[str, dict[str, Any], Callable[[], Any]]]:
    t, rows = hot(Y34, 4), losses(Z34, hot(Y34, 4))
    log_p = np.log(softmax(Z34))
    w = W4[Y34]
    e = 0.1
    plain = -(t * log_p).sum(-1)
    uniform = -log_p.mean(-1)
    smooth = {"label_smoothing": e}
    weighted = {"class_weights": tuple(W4), "mean_over": "weights"}
    return [
        ("smoothing_ignored", smooth, lambda: rows.mean()),
        ("smoothing_over_others", smooth, lambda: -((1 - e) * t + e * (1 - t) / 3).__mul__(log_p).sum(-1).mean()),
        ("smoothing_twice", smooth, lambda: ((1 - e) * ((1 - e) * plain + e * uniform) + e * uniform).mean()),
        ("smoothing_without_1_minus_eps", smooth, lambda: (plain + e * uniform).mean()),
        ("smoothing_uniform_missing", smooth, lambda: ((1 - e) * plain).mean()),
        ("weights_ignored", weighted, lambda: rows.mean()),
        ("divisor_rows", weighted, lambda: (w * rows).sum() / 3),
        ("weight_of_wrong_class", weighted, lambda: (W4[Z34.argmax(-1)] * rows).sum() / W4[Z34.argmax(-1)].sum()),
        ("weight_of_wrong_class", weighted, lambda: (W4[(Y34 + 1) % 4] * rows).sum() / W4[(Y34 + 1) % 4].sum()),
        ("weights_normalised", weighted, lambda: (w / W4.sum() * rows).sum() / w.sum()),
        ("weights_squared", weighted, lambda: (w * w * rows).sum() / w.sum()),
        ("sum_for_mean", weighted, lambda: (w * rows).sum()),
        ("divisor_all_weights", weighted, lambda: (w * rows).sum() / W4.sum()),
        ("divisor_weights", {"class_weights": tuple(W4), "mean_over": "rows"}, lambda: (w * rows).sum() / w.sum()),
        ("z_loss_missing", {"z_loss": 1e-3}, lambda: rows.mean()),
        ("z_loss_doubled", {"z_loss": 1e-3}, lambda: (rows + 2e-3 * np.log(np.exp(Z34).sum(-1)) ** 2).mean()),
        ("z_loss_not_squared", {"z_loss": 1e-3}, lambda: (rows + 1e-3 * np.log(np.exp(Z34).sum(-1))).mean()),
    ]


@pytest.mark.parametrize(("mechanism", "keys", "wrong"), _options())
def test_mistakes_about_options(mechanism: str, keys: dict[str, Any], wrong: Callable[[], Any]) -> None:
    """Smoothing, class weights and the z-loss, each misread in the usual ways."""
    assert name(given(Z34, Y34, **keys), "loss", wrong()) == mechanism


def test_ignored_rows() -> None:
    """Counted in the divisor, taken into the sum, and left in the gradient."""
    y = np.array([2, -100, 1])
    keys: dict[str, Any] = {"ignore_index": -100, "mean_over": "kept"}
    problem = given(Z34, y, **keys)
    rows = losses(Z34, hot(np.array([2, 0, 1]), 4))
    assert name(problem, "loss", (rows[0] + rows[2]) / 2) is None
    assert name(problem, "loss", (rows[0] + rows[2]) / 3) == "divisor_rows"
    assert name(problem, "loss", rows.sum() / 3) == "ignored_rows_used"
    assert name(problem, "loss", rows[0] + rows[2]) == "sum_for_mean"
    inside = given(Z34, np.array([2, 3, 1]), ignore_index=3, mean_over="kept")
    assert name(inside, "loss", losses(Z34, hot(np.array([2, 3, 1]), 4)).mean()) == "ignored_rows_used"
    g = softmax(Z34) - hot(np.array([2, 0, 1]), 4)
    g[1] = softmax(Z34)[1]
    assert name(problem, "gradient", g / 2) == "ignored_rows_used"


def test_soft_targets() -> None:
    """The largest entry taken for the label; the rows' sum forgotten in the gradient."""
    problem = given(Z34, SOFT, form="soft")
    assert name(problem, "loss", losses(Z34, hot(SOFT.argmax(-1), 4)).mean()) == "soft_as_argmax"
    assert name(problem, "loss", losses(Z34, SOFT * hot(SOFT.argmax(-1), 4)).mean()) == "target_at_maximum_only"
    entropy = -np.where(SOFT > 0, SOFT * np.log(np.where(SOFT > 0, SOFT, 1)), 0).sum(-1)
    assert name(problem, "loss", (losses(Z34, SOFT) - entropy).mean()) == "kullback_leibler"
    heavy = SOFT * np.array([[2.0], [0.5], [1.0]])
    problem = given(Z34, heavy, form="soft", soft_rows="any", reduction="sum")
    right = heavy.sum(-1, keepdims=True) * softmax(Z34) - heavy
    assert name(problem, "gradient", right) is None
    assert name(problem, "gradient", softmax(Z34) - heavy) == "gradient_sum_t_ignored"
    assert name(problem, "gradient", softmax(Z34) - SOFT) == "targets_renormalised"


def test_upstream_gradients() -> None:
    """One number a row: the first used for all, or none used."""
    up = np.array([0.5, -2.0, 3.0])
    problem = given(Z34, Y34, reduction="none", upstream=up)
    g = softmax(Z34) - hot(Y34, 4)
    assert name(problem, "gradient", g * up[:, None]) is None
    assert name(problem, "gradient", g * 0.5) == "upstream_first_row"
    assert name(problem, "gradient", g) == "upstream_ignored"
    assert name(given(Z34, Y34, upstream=np.array(5.0)), "gradient", g / 3) == "upstream_ignored"


def test_repeated_labels() -> None:
    """The subtraction at a label that repeats is applied once."""
    y = np.array([1, 2, 1])
    g = softmax(Z34) - hot(y, 4)
    g[2, 1] += 1
    assert name(given(Z34, y, reduction="sum"), "gradient", g) == "repeated_label_once"


def test_reduced_rows_of_an_unreduced_loss() -> None:
    """A mean broadcast over the rows, and rows divided by n."""
    problem = given(Z34, Y34, reduction="none")
    rows = losses(Z34, hot(Y34, 4))
    assert name(problem, "loss", rows) is None
    assert name(problem, "loss", np.full(3, rows.mean())) == "reduced_rows"
    assert name(problem, "loss", rows / 3) == "divided_by_n"
    assert name(problem, "loss", rows[::-1].copy()) == "rows_misplaced"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("part", ["loss", "gradient"])
def test_overflow_without_the_maximum(dtype: str, part: str) -> None:
    """The exp of large logits gives inf / inf = nan, or log inf = inf."""
    z = np.array([[1000.0, 0.0], [0.5, 1.0]], dtype)
    problem = given(z, [0, 1], dtype=dtype, reduction="none")
    with np.errstate(all="ignore"):
        e = np.exp(z)
        p = e / e.sum(-1, keepdims=True)
        got = -np.log(p)[[0, 1], [0, 1]] if part == "loss" else p - hot(np.array([0, 1]), 2)
        lse = np.log(e.sum(-1)) - z[[0, 1], [0, 1]]
    assert name(problem, part, got.astype(float)) == "no_maximum"
    if part == "loss":
        assert name(problem, part, lse.astype(float)) == "no_maximum"


def test_underflow_without_the_maximum() -> None:
    """Large negative logits: 0 / 0 in one dtype, log 0 in another; and the batch's maximum in place of the row's."""
    z = np.array([[-1000.0, -1001.0], [0.5, 1.0]])
    problem = given(z, [0, 1], reduction="none")
    with np.errstate(all="ignore"):
        nan = -np.log(np.exp(z) / np.exp(z).sum(-1, keepdims=True))[[0, 1], [0, 1]]
        batch = np.log(np.exp(z - 1.0).sum(-1)) - (z - 1.0)[[0, 1], [0, 1]]
    assert name(problem, "loss", nan) == "no_maximum"
    low = np.array([[-1000.0, -1001.0], [800.0, 801.0]])
    with np.errstate(all="ignore"):
        d = low - low.max()
        batch = np.log(np.exp(d).sum(-1)) - d[[0, 1], [0, 1]]
    assert name(given(low, [0, 1], reduction="none"), "loss", batch) == "batch_maximum"


def test_log_of_an_underflowed_softmax() -> None:
    """p_y underflows, so the loss is inf where it is 800."""
    z = np.array([[0.0, 800.0]])
    assert name(given(z, [0]), "loss", np.inf) == "log_of_softmax"


def test_cancellation_under_an_offset() -> None:
    """logsumexp(z) - z_y of equal logits at 1e6 in float32 is 0.6875, at 1e8 it is 0."""
    for offset, got in ((1e4, 0.693359375), (1e6, 0.6875), (1e8, 0.0)):
        z = np.full((1, 2), offset, np.float32)
        assert name(given(z, [0], dtype="float32"), "loss", got) == "lse_minus_label"


def test_another_exp_still_shows_the_cancellation() -> None:
    """A value one step of the log-sum-exp away from numpy's is explained by the size of the error."""
    z = np.full((1, 2), 1e6, np.float32)
    assert name(given(z, [0], dtype="float32"), "loss", 0.75) == "lse_minus_label"


def test_lost_small_terms_where_relative_accuracy_is_promised() -> None:
    """A confident row costs 4.2e-18 and not 0, which only a promise of relative accuracy makes a mistake."""
    z = np.array([[40.0, 0.0]])
    assert name(given(z, [0], accuracy="B+"), "loss", 0.0) is not None
    assert name(given(z, [0]), "loss", 0.0) is None
    assert name(given(z, [0]), "loss", 0.0, held_scale=1e-30) == "log1p_missing"


def test_sixteen_bit_accumulation() -> None:
    """A bfloat16 sum of 1000 ones stops at 256, and a float16 sum of losses overflows."""
    z = np.zeros((1, 1000), ml_dtypes.bfloat16)
    got = float(ml_dtypes.bfloat16(np.log(256.0)))
    assert name(given(z, [3], dtype=ml_dtypes.bfloat16), "loss", got) == "accumulation_16_bit"
    z = np.tile(np.array([[0.0, 2000.0]], np.float16), (40, 1))
    assert name(given(z, np.zeros(40, int), dtype="float16"), "loss", np.inf) == "accumulation_16_bit"


def test_narrow_and_rounded_labels() -> None:
    """Labels above 127 wrap in int8, above 256 they are rounded by bfloat16."""
    z = (np.sin(np.arange(2 * 600.0) * 1.7) * 3).reshape(2, 600)
    y = np.array([130, 7])
    wrapped = y.astype(np.int8).astype(int) % 600
    assert name(given(z, y), "loss", losses(z, hot(wrapped, 600)).mean()) == "labels_wrapped"
    y = np.array([515, 7])
    rounded = y.astype(ml_dtypes.bfloat16).astype(int)
    assert name(given(z, y), "gradient", (softmax(z) - hot(rounded, 600)) / 2) == "labels_rounded"


def test_partial_blocks() -> None:
    """Rows or classes beyond the last whole block are lost."""
    z = np.sin(np.arange(21 * 27.0) * 1.3).reshape(21, 27) * 2
    y = np.arange(21) % 16
    rows = losses(z, hot(y, 27))
    cause = likely_cause(given(z, y, reduction="sum"), "loss", rows[:16].sum())
    assert cause is not None
    assert (cause.mechanism, "block of 16" in cause.sentence) == ("last_chunk_dropped", True)
    got = np.log(np.exp(z[:, :24]).sum(-1)) - z[range(21), y]
    cause = likely_cause(given(z, y, reduction="none"), "loss", got)
    assert cause is not None
    assert (cause.mechanism, "block of 8" in cause.sentence) == ("last_chunk_dropped", True)


def test_nan_from_zero_times_infinity() -> None:
    """A masked class (-inf) off the label, one-hot labels: 0 * -inf."""
    z = np.array([[0.5, -np.inf, 1.0], [0.25, 1.0, 2.0]])
    t = hot(np.array([0, 1]), 3)
    problem = given(z, t, form="onehot", reduction="none", nonfinite=("-inf",))
    with np.errstate(all="ignore"):
        got = -(t * np.log(softmax(z))).sum(-1)
    assert np.isnan(got[0])
    assert name(problem, "loss", got) == "zero_times_inf"


RIGHT: list[Callable[[Array, Array], Array]] = [
    lambda z, t: losses(z, t),
    lambda z, t: np.log(np.exp(z - z.max(-1, keepdims=True)).sum(-1)) - ((z - z.max(-1, keepdims=True)) * t).sum(-1),
    lambda z, t: np.logaddexp.reduce(z, axis=-1) - (z * t).sum(-1),
    lambda z, t: (
        np.log2(
            np.exp2(
                (z - z.max(-1, keepdims=True)) * np.float32(1.0 / np.log(2.0)).astype(z.dtype)
                if z.dtype == np.float32
                else (z - z.max(-1, keepdims=True)) / np.log(2.0)
            ).sum(-1)
        )
        * z.dtype.type(np.log(2.0))
        - ((z - z.max(-1, keepdims=True)) * t).sum(-1)
    ),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_right_values_have_no_cause(dtype: str) -> None:
    """Four right algorithms on random batches, all reductions, loss and gradient: never a cause."""
    rng = np.random.default_rng(3)
    for n, m in ((1, 2), (2, 3), (3, 4), (6, 10), (17, 65)):
        z, y = (rng.normal(size=(n, m)) * 4).astype(dtype), rng.integers(0, m, n)
        t = hot(y, m).astype(dtype)
        for reduction, reduce in (("sum", np.sum), ("mean", np.mean), ("none", np.asarray)):
            problem = given(z, y, dtype=dtype, reduction=reduction)
            for rows in RIGHT:
                assert name(problem, "loss", reduce(rows(z, t)).astype(float)) is None
            g = (softmax(z) - t) / (n if reduction == "mean" else 1)
            assert name(problem, "gradient", g.astype(float)) is None


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_garbage_has_no_cause(dtype: str) -> None:
    """Random numbers in the place of the values are explained by nothing, nearly always."""
    rng = np.random.default_rng(5)
    named = []
    for _ in range(15):
        for n, m in ((1, 2), (2, 3), (3, 4)):
            z, y = (rng.normal(size=(n, m)) * 3).astype(dtype), rng.integers(0, m, n)
            problem = given(z, y, dtype=dtype, reduction="sum")
            named.append(name(problem, "loss", float(rng.exponential(2.0))))
            named.append(name(problem, "gradient", rng.normal(size=(n, m))))
    assert [found for found in named if found is not None] == []


def test_ambiguous_batches_are_resolved_sensibly() -> None:
    """With n = 1 no divisor of n shows; with two classes a flipped gradient is a sign or a label, never more."""
    z = np.array([[0.3, -0.4]])
    rows = losses(z, hot(np.array([0]), 2))
    assert name(given(z, [0], reduction="sum"), "loss", rows.mean()) is None
    g = softmax(z) - hot(np.array([0]), 2)
    assert name(given(z, [0]), "gradient", -g) == "wrong_sign"
    assert name(given(np.zeros((1, 2)), [0]), "loss", 1.0) == "base_2"
    assert name(given(np.zeros((2, 2)), [0, 1], reduction="sum"), "loss", np.log(2)) == "mean_for_sum"
    flipped = softmax(z) - hot(np.array([1]), 2)
    assert name(given(z, [0]), "gradient", flipped) in ("off_by_one_label", "first_label_for_all", "labels_ignored")


def test_nothing_escapes() -> None:
    """Shapes that do not fit, empty batches, one class and unknown parts give None, and warn of nothing."""
    problem = given(Z34, Y34)
    assert name(problem, "loss", np.zeros(7)) is None
    assert name(problem, "gradient", np.zeros((2, 2))) is None
    assert name(problem, "rows", 1.0) is None
    assert name(problem, "loss", "a word") is None
    assert name(given(np.zeros((0, 3)), np.zeros(0, int)), "loss", np.nan) is None
    assert name(given(np.zeros((0, 3)), np.zeros(0, int)), "gradient", np.zeros((0, 3))) is None
    assert name(given(np.zeros((2, 1)), [0, 0]), "loss", 0.0) is None
    for value in (np.nan, np.inf, -np.inf, 1e308):
        name(problem, "loss", value)
        name(given(np.full((2, 2), np.nan), [0, 1]), "loss", value)
        name(given(np.array([[-np.inf, -np.inf], [np.inf, 0.0]]), [0, 1]), "loss", value)
        name(given(Z34, Y34, ignore_index=2, class_weights=(0.0, 0.0, 0.0, 0.0), mean_over="weights"), "loss", value)
        name(given(Z34, Y34), "gradient", np.full((3, 4), value))


@pytest.mark.parametrize("form", ["sparse", "onehot", "soft"])
@pytest.mark.parametrize("scores", ["logits", "probabilities", "log_probabilities"])
def test_the_right_values_are_the_certified_ones(form: str, scores: str) -> None:
    """What a hypothesis is compared with agrees with the enclosure, for options drawn together."""
    rng = np.random.default_rng(11)
    choices: dict[str, tuple[Any, ...]] = {
        "reduction": ("mean", "sum", "none"),
        "class_weights": (None, (1.0, 2.0, 0.5, 3.0)),
        "label_smoothing": (0.0, 0.1),
        "smoothing_over": ("all", "others"),
        "smoothing_weights": ("label", "class"),
        "soft_rows": ("any", "renormalised"),
        "mean_over": ("rows", "kept", "weights"),
        "ignore_index": (None, 1),
        "z_loss": (0.0, 0.01) if scores == "logits" else (0.0,),
        "gradient_of": ("ideal", "loss"),
        "gradient_wrt": ("logits", "probabilities"),
        "boundary": ("exact", {"add": 0.01}, {"clip": [0.05, 0.9]}, {"add": 0.01, "normalise": True}),
    }
    for _ in range(40):
        keys = {key: values[rng.integers(len(values))] for key, values in choices.items()}
        z = rng.normal(size=(3, 4)) * 2
        z = z if scores == "logits" else softmax(z) if scores == "probabilities" else np.log(softmax(z))
        y = np.array([1, 3, 0])
        labels = y if form == "sparse" else hot(y, 4) if form == "onehot" else rng.random((3, 4))
        upstream = rng.normal(size=3) if keys["reduction"] == "none" else None
        problem = given(z, labels, form=form, upstream=upstream, input=scores, **keys)
        enclosed = enclose(problem)
        assert enclosed.gradient is not None
        with np.errstate(all="ignore"):
            loss, gradient = Model(problem, "loss").right, Model(problem, "gradient").right
        np.testing.assert_allclose(loss, enclosed.loss.hi, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(gradient, enclosed.gradient.hi, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_a_scalar_of_sixteen_bits_is_seldom_enough_to_blame(dtype: Any) -> None:
    """A garbage scalar holds too few bits to single out one of some hundred mechanisms: 1 in 20 may be named."""
    rng = np.random.default_rng(9)
    named = 0
    for _ in range(160):
        z, y = (rng.normal(size=(2, 3)) * 3).astype(dtype), rng.integers(0, 3, 2)
        got = float(np.asarray(rng.exponential(2.0)).astype(dtype))
        named += name(given(z, y, dtype=dtype, reduction="sum"), "loss", got) is not None
    assert named <= 8
