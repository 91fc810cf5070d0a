"""Mistakes about options, ignored rows, soft targets, upstream gradients and reductions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.diagnosis.posing import (
    SOFT,
    W4,
    Y34,
    Z34,
    given,
    hot,
    likely_cause,
    losses,
    name,
    softmax,
)
from xentcheck.contract import Contract
from xentcheck.truth.problem import pose


def _options() -> list[tuple[str, dict[str, Any], Callable[[], Any]]]:
    t, rows = hot(Y34, 4), losses(Z34, hot(Y34, 4))
    log_p = np.log(softmax(Z34))
    w = W4[Y34]
    e = 0.1
    plain = -(t * log_p).sum(-1)
    smooth = {"label_smoothing": e}
    weighted = {"class_weights": tuple(W4), "mean_over": "weights"}
    return [
        ("smoothing_ignored", smooth, lambda: rows.mean()),
        ("smoothing_over_others", smooth, lambda: -((1 - e) * t + e * (1 - t) / 3).__mul__(log_p).sum(-1).mean()),
        ("smoothing_uniform_missing", smooth, lambda: ((1 - e) * plain).mean()),
        ("smoothing_without_1_minus_eps", smooth, lambda: -((t + e / 4) * log_p).sum(-1).mean()),
        ("weights_ignored", weighted, lambda: rows.mean()),
        ("divisor_rows", weighted, lambda: (w * rows).sum() / 3),
        ("weight_of_wrong_class", weighted, lambda: (W4[Z34.argmax(-1)] * rows).sum() / W4[Z34.argmax(-1)].sum()),
        ("sum_for_mean", weighted, lambda: (w * rows).sum()),
        ("divisor_weights", {"class_weights": tuple(W4), "mean_over": "rows"}, lambda: (w * rows).sum() / w.sum()),
        ("z_loss_missing", {"z_loss": 1e-3}, lambda: rows.mean()),
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


def test_what_is_counted_of_the_rows_kept() -> None:
    """The labels that are not 0, as if that were padding; and those that are kept, where the others are added up."""
    z, y = np.concatenate([Z34, -Z34[:2]]), np.array([0, 2, 1, 0, 3])
    assert name(given(z, y), "loss", losses(z, hot(y, 4)).sum() / 3) == "divisor_of_nonzero_labels"
    problem = given(Z34, np.array([0, 3, 2]), ignore_index=3, mean_over="kept")
    assert name(problem, "loss", losses(Z34, hot(np.array([0, 3, 2]), 4))[1] / 2) == "mask_inverted"


def test_the_class_that_the_ignored_label_wraps_round_to() -> None:
    """Compared in 8 bits, -100 is class 156, whose rows are lost and leave the divisor."""
    z = np.sin(np.arange(2 * 160.0) * 1.7).reshape(2, 160)
    y = np.array([3, 156])
    rows = losses(z, hot(y, 160))
    problem = given(z, y, ignore_index=-100, mean_over="kept")
    assert name(problem, "loss", rows[0]) == "ignored_label_wrapped"
    assert name(given(z, y, ignore_index=-100, reduction="none"), "loss", rows * [1, 0]) == "ignored_label_wrapped"
    assert name(given(z, y), "loss", rows[0] / 2) != "ignored_label_wrapped"


def test_soft_targets() -> None:
    """The entropy of the targets subtracted; the rows' sum forgotten in the gradient, or divided by."""
    problem = given(Z34, SOFT, form="soft")
    entropy = -np.where(SOFT > 0, SOFT * np.log(np.where(SOFT > 0, SOFT, 1)), 0).sum(-1)
    assert name(problem, "loss", (losses(Z34, SOFT) - entropy).mean()) == "kullback_leibler"
    heavy = SOFT * np.array([[2.0], [0.5], [1.0]])
    problem = given(Z34, heavy, form="soft", soft_rows="any", reduction="sum")
    right = heavy.sum(-1, keepdims=True) * softmax(Z34) - heavy
    assert name(problem, "gradient", right) is None
    assert name(problem, "gradient", softmax(Z34) - heavy) == "gradient_sum_t_ignored"
    assert name(problem, "gradient", softmax(Z34) - SOFT) == "targets_renormalised"
    problem = given(Z34, heavy, form="soft", soft_rows="any", gradient_of="p - t", reduction="sum")
    assert name(problem, "gradient", softmax(Z34) - heavy) is None
    assert name(problem, "gradient", right) == "gradient_with_sum_t"
    assert name(problem, "gradient", softmax(Z34) - SOFT) == "targets_renormalised"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shares_up_to_a_limit_are_told_from_those_below_it(dtype: str) -> None:
    """Of a share of 0.001, which is more in float32, `t < 0.001` counts all and `t <= 0.001` nothing."""
    t = np.array([[1e-3, 0.5, 2e-3, 0.497], [5e-4, 0.25, 0.5, 0.2495], [0.3, 0.1, 0.2, 0.4]])
    problem = given(Z34, t.astype(dtype), dtype=dtype, form="soft", reduction="none")
    for lost, which in ((t < 1e-3, "below 0.001"), (t <= 1e-3, "of 0.001 or less")):
        cause = likely_cause(problem, "loss", losses(Z34, np.where(lost, 0, t)))
        assert cause is not None
        assert which in cause.sentence


def test_sums_of_soft_rows() -> None:
    """Left out of the log-sum-exp, or taken of the whole batch; what the rows sum to is not the same for all."""
    heavy = SOFT * np.array([[2.0], [0.5], [1.0]])
    plain = np.log(np.exp(Z34).sum(-1)) - (heavy * Z34).sum(-1)
    problem = given(Z34, heavy, form="soft", soft_rows="any")
    assert name(problem, "loss", plain.mean()) == "sum_t_ignored"
    shifted = plain + (heavy.sum(-1) - 1) * Z34.max(-1)
    assert name(problem, "loss", shifted.mean()) == "sum_t_ignored"
    problem = given(Z34, heavy, form="soft", soft_rows="renormalised")
    assert name(problem, "loss", losses(Z34, heavy).sum() / heavy.sum()) == "targets_divided_by_total"
    assert name(problem, "loss", losses(Z34, heavy).mean() / heavy.sum()) == "targets_divided_by_total"


def test_row_weights_of_all_rows() -> None:
    """(n, 1) times (n,): the mean of the products is the product of the means, the sum that of the sums."""
    v, rows = np.array([0.5, 2.0, 0.0]), losses(Z34, hot(Y34, 4))
    for reduction, over, wrong in (
        ("mean", "rows", rows.mean() * v.mean()),
        ("sum", "rows", rows.sum() * v.sum()),
        ("mean", "weights", rows.sum()),
    ):
        contract = Contract(row_weights={"argument": "v"}, reduction=reduction, mean_over=over)
        problem = pose(contract, Z34, Y34, "sparse", {"row_weights": v})
        assert name(problem, "loss", wrong) == "row_weights_of_all_rows"


def test_class_weights_twice_or_reversed() -> None:
    """In a sum, and in a mean over the weights with the divisor that is theirs."""
    rows = losses(Z34, hot(Y34, 4))
    for mechanism, w in (("weights_squared", W4[Y34] ** 2), ("weights_reversed", W4[::-1][Y34])):
        assert name(given(Z34, Y34, class_weights=tuple(W4), reduction="sum"), "loss", (w * rows).sum()) == mechanism
        problem = given(Z34, Y34, class_weights=tuple(W4), mean_over="weights")
        assert name(problem, "loss", (w * rows).sum() / w.sum()) == mechanism


def test_smoothing_as_if_one_class_were_padding() -> None:
    """eps / (m - 2) to each of the others."""
    t = hot(Y34, 4)
    problem = given(Z34, Y34, label_smoothing=0.1, smoothing_over="others")
    assert name(problem, "loss", losses(Z34, 0.9 * t + 0.05 * (1 - t)).mean()) == "smoothing_over_fewer"


def test_constants_and_factors_of_float32() -> None:
    """A clip whose ends float32 has rounded, and one over the number of rows; both only beside float64."""
    z = np.array([[30.0, 0.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.0], [0.0, 40.0, 0.0, 0.0]])
    y, p = np.array([0, 2, 1]), softmax(z)
    problem = given(p, y, input="probabilities", boundary={"clip": [1e-7, 1 - 1e-7]}, reduction="none")
    low, high = (float(np.float32(one)) for one in (1e-7, 1 - 1e-7))
    assert name(problem, "loss", -np.log(np.clip(p[np.arange(3), y], low, high))) == "constant_in_float32"
    rows = losses(Z34, hot(Y34, 4))
    assert name(given(Z34, Y34), "loss", rows.sum() * float(np.float32(1 / 3))) == "factor_in_float32"
    g = softmax(Z34) - hot(Y34, 4)
    assert name(given(Z34, Y34), "gradient", g * float(np.float32(1 / 3))) == "factor_in_float32"


def test_eps_before_the_division() -> None:
    """Added to each entry of the row, which is divided by its new sum."""
    p = softmax(Z34)
    for normalise in (False, True):
        problem = given(p, Y34, input="probabilities", boundary={"add": 0.01, "normalise": normalise})
        q = (p + 0.01) / (p + 0.01).sum(-1, keepdims=True)
        assert name(problem, "loss", -np.log((hot(Y34, 4) * q).sum(-1)).mean()) == "eps_before_normalising"


def test_upstream_gradients() -> None:
    """One number a row, or one for all, and none is used."""
    up = np.array([0.75, -2.0, 3.0])
    problem = given(Z34, Y34, reduction="none", upstream=up)
    g = softmax(Z34) - hot(Y34, 4)
    assert name(problem, "gradient", g * up[:, None]) is None
    assert name(problem, "gradient", g) == "upstream_ignored"
    assert name(problem, "gradient", g * np.abs(up)[:, None]) == "upstream_distorted"
    assert name(problem, "gradient", g * np.maximum(up, 0)[:, None]) == "upstream_distorted"
    assert name(problem, "gradient", g * up.mean()) == "upstream_mean"
    assert name(given(Z34, Y34, upstream=np.array(5.0)), "gradient", g / 3) == "upstream_ignored"


def test_small_entries_of_a_gradient_set_to_zero() -> None:
    """Whatever their sign: at a confident label, too, where the probability itself is not small."""
    z = np.array([[14.0, 0.0, 1.0, -2.0], [0.5, -12.0, 1.0, 2.0], [15.0, 1.0, 0.0, 0.5]])
    g = softmax(z) - hot(np.array([0, 2, 0]), 4)
    problem = given(z, np.array([0, 2, 0]), reduction="sum")
    assert name(problem, "gradient", g) is None
    cause = likely_cause(problem, "gradient", np.where(np.abs(g) < 1e-5, 0.0, g))
    assert cause is not None
    assert cause.mechanism == "small_entries_dropped"
    assert "1e-05 are set to 0, whatever their sign" in cause.sentence


def test_a_shift_rounded_in_sixteen_bits_is_no_matter_of_an_offset() -> None:
    """What z - max loses in bfloat16 does not grow with a common offset, and is told as a narrowing."""
    problem = given(
        np.array([[0.400390625, 1.0]]), np.array([0]), dtype="bfloat16", reduction="none", output_dtype="float32"
    )
    d = np.float64(np.asarray(0.400390625 - 1.0, problem.format.dtype))
    assert name(problem, "loss", np.log1p(np.exp(d))[None] - d) == "narrowing"


def test_smoothing_of_rows_of_any_sum() -> None:
    """Their uniform part is eps / m, whatever they sum to."""
    heavy = SOFT * np.array([[2.0], [0.5], [3.0]])
    problem = given(Z34, heavy, form="soft", soft_rows="any", label_smoothing=0.2)
    assert name(problem, "loss", losses(Z34, 0.8 * heavy + 0.05).mean()) is None
    times = losses(Z34, 0.8 * heavy + 0.05 * heavy.sum(-1, keepdims=True)).mean()
    assert name(problem, "loss", times) == "smoothing_times_sum"


def test_the_gradient_of_log_probabilities_is_told_as_such() -> None:
    """p - t in place of -t: the sentence says which derivative the contract promises."""
    log_p = np.log(softmax(Z34))
    keys: dict[str, Any] = {"input": "log_probabilities", "gradient_wrt": "log_probabilities", "reduction": "sum"}
    cause = likely_cause(given(log_p, Y34, **keys), "gradient", softmax(Z34) - hot(Y34, 4))
    assert cause is not None
    assert cause.mechanism == "gradient_wrt_logits"
    assert cause.sentence.endswith("the contract's is by the log-probabilities: -t.")


def test_reduced_rows_of_an_unreduced_loss() -> None:
    """A mean broadcast over the rows, and rows divided by n."""
    problem = given(Z34, Y34, reduction="none")
    rows = losses(Z34, hot(Y34, 4))
    assert name(problem, "loss", rows) is None
    assert name(problem, "loss", np.full(3, rows.mean())) == "reduced_rows"
    assert name(problem, "loss", rows / 3) == "divided_by_n"
