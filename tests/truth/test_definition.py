"""Enclosures under every contract key against the independent calculation of `by_definition`, in 70 digits."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest
from mpmath import mpf

from tests.truth.by_definition import references
from xentcheck.contract import Contract
from xentcheck.truth.certify import certify
from xentcheck.truth.conditions import conditions
from xentcheck.truth.enclose import enclose
from xentcheck.truth.problem import Problem, pose

TOLERANCE = mpf(10) ** -40


@pytest.fixture(autouse=True)
def seventy_digits() -> Any:
    """Calculate the reference with many digits, and leave mpmath as it was."""
    with mpmath.workdps(110):
        yield


def agree(problem: Problem, every: int = 3) -> None:
    """Hold enclosures, and some certified bounds, against the reference: they contain it and are tight."""
    enclosed = enclose(problem)
    parts = {"rows": enclosed.rows, "loss": enclosed.loss, "gradient": enclosed.gradient}
    for count, ((part, index), (low, high)) in enumerate(references(problem).items()):
        found = parts[part]
        middle = mpf(float(found.hi[index])) + mpf(float(found.lo[index]))
        radius = mpf(float(found.radius[index]))
        slack = TOLERANCE * (1 + max(abs(low), abs(high)))
        assert middle - radius <= low + slack, (part, index)
        assert high - slack <= middle + radius, (part, index)
        scale = (1 + abs(middle)) * mpf(2) ** -62
        wide = scale + (high - low) * (1 + mpf(2) ** -30) / 2
        assert radius <= wide, (part, index, float(radius), float(wide))
        least, most = found[index].bounds()
        assert least - slack <= low
        assert high <= most + slack
        if count % every == 0:
            sharp_low, sharp_high = certify(problem, part, index)
            assert sharp_low - slack <= low
            assert high <= sharp_high + slack
            if low == high:
                ulp = np.spacing(max(abs(sharp_low), abs(sharp_high)))
                assert sharp_high - sharp_low <= 2 * ulp


def draw(dtype: str, kind: str, labels: str, seed: int = 0, n: int = 3, m: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return scores of the contract's kind and labels of a form."""
    random = np.random.default_rng(seed)
    z = random.standard_normal((n, m)) * 3
    z -= np.log(np.exp(z).sum(1, keepdims=True)) * (kind != "logits")
    scores = (np.exp(z) if kind == "probabilities" else z).astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
    if labels == "sparse":
        return scores, random.integers(0, m, n)
    dense = np.eye(m)[random.integers(0, m, n)] if labels == "onehot" else random.dirichlet(np.ones(m), n)
    if labels == "soft":
        dense[-1] = np.eye(m)[1]  # one row with one coefficient among rows with several
        dense[0, 2] = 0.0
    return scores, dense.astype(scores.dtype)


def problem(dtype: str, labels: str, seed: int = 0, upstream: Any = None, **keys: Any) -> Problem:
    """Return a problem of a contract; options given are constants."""
    contract = Contract(labels=[labels], dtypes=[dtype], **keys)
    return pose(contract, *draw(dtype, contract.input, labels, seed), labels, upstream=upstream)


BOUNDARIES: dict[str, Any] = {
    "exact": "exact",
    "add": {"add": 1e-3},
    "clip": {"clip": [0.03, 0.9]},
    "normalise": {"normalise": True},
    "clip, normalise": {"clip": [0.03, 0.9], "normalise": True},
}
DTYPES = ["float16", "bfloat16", "float32", "float64"]
FORMS = ["sparse", "onehot", "soft"]
WEIGHTS = (0.5, 2.0, 1.25, 0.7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("labels", FORMS)
def test_every_format_and_label_form(dtype: str, labels: str) -> None:
    """Logits of each format, with each label form, under the contract's defaults."""
    agree(problem(dtype, labels, seed=1))


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("kind", ["logits", "probabilities", "log_probabilities"])
@pytest.mark.parametrize("wrt", ["logits", "probabilities", "log_probabilities"])
@pytest.mark.parametrize(
    ("of", "labels"), [("ideal", "sparse"), ("loss", "sparse"), ("loss", "soft"), ("ideal", "soft")]
)
def test_every_boundary_input_and_gradient(boundary: str, kind: str, wrt: str, of: str, labels: str) -> None:
    """All ways to read scores, to guard the logarithm and to differentiate, in all combinations."""
    keys = {"input": kind, "gradient_wrt": wrt, "gradient_of": of, "boundary": BOUNDARIES[boundary]}
    agree(problem("float64", labels, seed=2, **keys), every=7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("boundary", [{"add": 1e-3}, {"clip": [1e-2, 0.9]}])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_readings_of_constants(dtype: str, boundary: Any, kind: str) -> None:
    """The enclosure spans what a constant is as written and what it is in the dtypes it may be rounded to."""
    made = problem(dtype, "sparse", seed=3, input=kind, boundary=boundary, reduction="none")
    agree(made)
    widths = np.array([np.subtract(*certify(made, "rows", (i,))[::-1]) for i in range(made.n)])
    if dtype != "float64" and "add" in boundary:
        assert (widths > 1e-12).all()


@pytest.mark.parametrize("labels", FORMS)
@pytest.mark.parametrize("over", ["all", "others"])
@pytest.mark.parametrize("by", ["label", "class", "mean"])
@pytest.mark.parametrize("weights", [None, WEIGHTS, (0.0, 1.0, 1.0, 0.0)])
def test_smoothing_and_class_weights(labels: str, over: str, by: str, weights: Any) -> None:
    """Both ways to spread, all ways to weigh, weights of zero included."""
    keys = {"label_smoothing": 0.1, "smoothing_over": over, "smoothing_weights": by, "class_weights": weights}
    agree(problem("float32", labels, seed=4, mean_over="weights", **keys))


@pytest.mark.parametrize("rows", ["any", "renormalised"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0])
def test_the_mean_weight_of_soft_rows(rows: str, smoothing: float) -> None:
    """Rows of any sum weigh what their smoothed labels do, beside weights of their own."""
    scores, labels = draw("float64", "logits", "soft", seed=18)
    keys = {"label_smoothing": smoothing, "smoothing_weights": "mean", "class_weights": WEIGHTS, "mean_over": "weights"}
    contract = Contract(labels=["soft"], soft_rows=rows, row_weights={"argument": "v"}, **keys)
    options = {"row_weights": np.array([2.0, 0.25, 1.0])}
    agree(pose(contract, scores, labels * [[2.0], [0.5], [3.0]], "soft", options))


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_weights_without_and_with_nothing_but_smoothing(smoothing: float, kind: str) -> None:
    """No smoothing, and smoothing of 1, which leaves nothing of the label."""
    agree(problem("float64", "sparse", seed=5, label_smoothing=smoothing, class_weights=WEIGHTS, input=kind))


@pytest.mark.parametrize("rows", ["normalised", "any", "renormalised"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_soft_rows(rows: str, weights: Any) -> None:
    """Targets that do not sum to one are taken as they are, or divided by their sum."""
    scores, labels = draw("float64", "logits", "soft", seed=6)
    contract = Contract(labels=["soft"], soft_rows=rows, class_weights=weights, mean_over="weights")
    agree(pose(contract, scores, labels * [[2.0], [0.5], [3.0]], "soft"))


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("over", ["rows", "kept", "weights"])
@pytest.mark.parametrize("gradient_reduction", [None, "sum", "mean"])
def test_reductions_with_ignored_rows_and_cotangents(reduction: str, over: str, gradient_reduction: str | None) -> None:
    """Every divisor, with ignored rows, weights, and a cotangent that the gradient is multiplied by."""
    scores, labels = draw("float32", "logits", "sparse", seed=7, n=5)
    labels[[1, 3]] = -100
    contract = Contract(
        reduction=reduction,
        mean_over=over,
        gradient_reduction=gradient_reduction,
        ignore_index=-100,
        class_weights=WEIGHTS,
    )
    effective = gradient_reduction or reduction
    upstream = np.array([0.5, -1.0, 2.0, 3.0, -0.3]) if effective == "none" else np.array(-1.7)
    agree(pose(contract, scores, labels, "sparse", upstream=upstream))


@pytest.mark.parametrize("labels", FORMS)
@pytest.mark.parametrize("boundary", ["exact", "add"])
def test_z_loss(labels: str, boundary: str) -> None:
    """The squared log of the sum joins loss and gradient."""
    agree(problem("float64", labels, seed=8, z_loss=0.3, boundary=BOUNDARIES[boundary], gradient_of="loss"))


@pytest.mark.parametrize("labels", FORMS)
@pytest.mark.parametrize("wrt", ["logits", "probabilities", "log_probabilities"])
@pytest.mark.parametrize("boundary", ["exact", "add", "clip"])
@pytest.mark.parametrize("cap", [30.0, 1.0, 0.1, 1e6])
def test_soft_cap(labels: str, wrt: str, boundary: str, cap: float) -> None:
    """Capped logits stand for the logits in loss, z-loss and boundary; the chain rule counts only by the logits."""
    keys = {"soft_cap": cap, "gradient_wrt": wrt, "gradient_of": "loss", "boundary": BOUNDARIES[boundary]}
    agree(problem("float64", labels, seed=11, z_loss=0.3, **keys), every=7)


@pytest.mark.parametrize("cap", [30.0, 0.5])
def test_soft_cap_with_weights_and_smoothing(cap: float) -> None:
    """Smoothing and weights are of the capped logits."""
    agree(problem("float32", "sparse", seed=12, soft_cap=cap, label_smoothing=0.2, class_weights=WEIGHTS))


@pytest.mark.parametrize("labels", ["sparse", "soft"])
@pytest.mark.parametrize("wrt", ["logits", "probabilities", "log_probabilities"])
@pytest.mark.parametrize("boundary", ["exact", "add", "clip"])
@pytest.mark.parametrize(("temperature", "cap"), [(0.7, None), (100.0, None), (0.07, 5.0), (2.0, 1.0)])
def test_temperature(labels: str, wrt: str, boundary: str, temperature: float, cap: float | None) -> None:
    """The logits, capped first, are divided in loss, z-loss and boundary; 1/T counts only by the logits."""
    keys = {"temperature": temperature, "soft_cap": cap, "gradient_wrt": wrt, "gradient_of": "loss"}
    agree(problem("float64", labels, seed=13, z_loss=0.3, boundary=BOUNDARIES[boundary], **keys), every=7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_temperature_with_weights_and_smoothing(dtype: str) -> None:
    """Smoothing and weights are of the divided logits, in every format."""
    agree(problem(dtype, "sparse", seed=14, temperature=0.3, label_smoothing=0.2, class_weights=WEIGHTS))


@pytest.mark.parametrize("labels", FORMS)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("over", ["rows", "kept", "weights"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_row_weights(labels: str, reduction: str, over: str, weights: Any) -> None:
    """They multiply class weights, smoothing and z-loss; a row of weight 0 does not count, whatever mean is taken."""
    keys = {"label_smoothing": 0.2, "z_loss": 0.3, "class_weights": weights, "reduction": reduction, "mean_over": over}
    contract = Contract(labels=[labels], row_weights={"argument": "v"}, **keys)
    scores, given = draw("float64", "logits", labels, seed=15, n=4)
    scores[2] = [np.nan, np.inf, -np.inf, 1e308]
    made = pose(contract, scores, given, labels, {"row_weights": np.array([0.3, 2.5, 0.0, 1.0])})
    agree(made)
    assert not enclose(made).gradient.hi[2].any()


@pytest.mark.parametrize("kind", ["logits", "probabilities", "log_probabilities"])
@pytest.mark.parametrize("boundary", ["exact", "add", "clip, normalise"])
def test_row_weights_of_every_input(kind: str, boundary: str) -> None:
    """Weights of rows with one coefficient each, by the scores themselves; ignored rows have none."""
    keys = {"input": kind, "gradient_wrt": kind, "gradient_of": "loss", "boundary": BOUNDARIES[boundary]}
    contract = Contract(ignore_index=-1, mean_over="weights", row_weights={"argument": "v"}, **keys)
    scores, labels = draw("float32", kind, "sparse", seed=16)
    labels[1] = -1
    agree(pose(contract, scores, labels, "sparse", {"row_weights": np.array([0.1, 7.0, 3.0], np.float32)}))


def test_a_mean_without_row_weights_is_one_of_nothing() -> None:
    """Masks of zeros leave 0 / 0, of which the contract says what it is; a mean over the rows is 0."""
    keys = {"row_weights": {"argument": "v"}, "row_weights_as": "bool"}
    options = {"row_weights": np.zeros(3, bool)}
    for over, empty, value in (("weights", "nan", np.nan), ("kept", "zero", 0.0), ("rows", "nan", 0.0)):
        contract = Contract(mean_over=over, empty_mean=empty, **keys)
        found = enclose(pose(contract, *draw("float64", "logits", "sparse"), "sparse", options))
        np.testing.assert_array_equal(found.loss.hi, value)


@pytest.mark.parametrize("labels", FORMS)
@pytest.mark.parametrize("gradient_reduction", [None, "mean", "none"])
@pytest.mark.parametrize("divisor", [3.0, 0.7, {"argument": "items"}])
def test_divisor(labels: str, gradient_reduction: str | None, divisor: Any) -> None:
    """A sum is divided by the number given, and so is its gradient, but no gradient of a mean or of the rows."""
    contract = Contract(labels=[labels], reduction="sum", gradient_reduction=gradient_reduction, divisor=divisor)
    options = {"divisor": 1000.0} if isinstance(divisor, dict) else {}
    agree(pose(contract, *draw("float32", "logits", labels, seed=17), labels, options))


def test_soft_cap_of_infinities() -> None:
    """Infinite logits are at the cap, with a slope of 0; a nan stays one."""
    scores = np.array([[-np.inf, 1.0, 2.0], [np.inf, -np.inf, 0.0], [-np.inf] * 3, [0.0, np.nan, 1.0]])
    contract = Contract(soft_cap=2.0, reduction="none", nonfinite=["-inf", "+inf", "nan"])
    made = pose(contract, scores, np.array([0, 1, 2, 0]), "sparse")
    limits = pose(contract, np.clip(scores, -200.0, 200.0), np.array([0, 1, 2, 0]), "sparse")
    found, near = enclose(made), enclose(limits)
    assert np.allclose(found.rows.hi, near.rows.hi, rtol=1e-15, equal_nan=True)
    assert np.allclose(found.gradient.hi, near.gradient.hi, rtol=1e-15, atol=1e-80, equal_nan=True)
    assert np.isnan(found.rows.hi[3])
    assert not found.gradient.hi[2].any()
    assert certify(made, "rows", (1,))[0] > 4.0
    on = conditions(made)
    assert not on.unjudged.any()
    assert np.allclose(on.L, found.rows.hi, equal_nan=True)


def test_one_class() -> None:
    """With one class the loss and the gradient are zero, up to a z_loss."""
    for keys in ({}, {"label_smoothing": 0.1, "smoothing_over": "others"}, {"z_loss": 1.0}):
        agree(pose(Contract(**keys), np.array([[0.75], [-3.0]]), np.array([0, 0]), "sparse"))


def test_options_drawn_by_the_suite() -> None:
    """Options given as arguments supersede the contract's constants."""
    names = ("class_weights", "row_weights", "label_smoothing", "z_loss", "ignore_index", "soft_cap", "temperature")
    contract = Contract(**{name: {"argument": name} for name in names})
    options = dict(zip(names, (np.array(WEIGHTS), np.array([0.5, 1.0, 3.0]), 0.2, 0.1, 3, 2.5, 1.7), strict=True))
    scores, _ = draw("float64", "logits", "sparse", seed=9)
    agree(pose(contract, scores, np.array([0, 3, 1]), "sparse", options))


@pytest.mark.parametrize("kind", ["logits", "log_probabilities"])
@pytest.mark.parametrize("labels", ["sparse", "soft"])
def test_blocks_of_many_rows_and_classes(kind: str, labels: str) -> None:
    """Rows in different blocks, and rows longer than a block, are enclosed like any other."""
    for n, m in ((1500, 9), (2, 9000)):
        random = np.random.default_rng(10)
        z = random.standard_normal((n, m)) * 4
        t = random.integers(0, m, n) if labels == "sparse" else random.dirichlet(np.ones(m), n)
        whole = pose(Contract(labels=[labels], input=kind, reduction="none"), z, t, labels)
        enclosed = enclose(whole)
        for i in (0, n // 2, n - 1):
            for part, index in (("rows", (i,)), ("gradient", (i, m // 3))):
                found = enclosed.rows if part == "rows" else enclosed.gradient
                low, high = certify(whole, part, index)
                least, most = found[index].bounds()
                assert least <= high
                assert low <= most
                assert found.radius[index] <= 2.0**-66 * (1 + abs(low))


SUMS = np.array([[0.5, 0.0, 1.25, 0.5], [0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])


@pytest.mark.parametrize("kind", ["logits", "probabilities", "log_probabilities"])
@pytest.mark.parametrize("boundary", ["exact", "add", "clip, normalise"])
@pytest.mark.parametrize("weights", [None, [0.3, 2.5, 0.7, 0.0], [2.5, 0.3, 0.0, 0.7]])
@pytest.mark.parametrize(("smoothing", "over"), [(0.0, "all"), (0.3, "all"), (0.9, "others"), (1.0, "all")])
def test_p_minus_t_as_a_policy(kind: str, boundary: str, weights: Any, smoothing: float, over: str) -> None:
    """The weight of the row times p - t', whatever t' sums to, for each input and boundary."""
    keys = {"input": kind, "boundary": BOUNDARIES[boundary], "label_smoothing": smoothing, "smoothing_over": over}
    given = {} if weights is None else {"row_weights": np.array(weights)}
    contract = Contract(labels=["soft"], soft_rows="any", gradient_of="p - t", row_weights={"argument": "v"}, **keys)
    contract = contract if given else contract.replace(row_weights=None)
    agree(pose(contract, draw("float64", kind, "soft", seed=19, n=4)[0], SUMS, "soft", given), every=7)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_p_minus_t_with_the_options_of_logits(dtype: str, reduction: str) -> None:
    """A z-loss, a soft cap, a temperature, a divisor and a cotangent enter as they do beside the ideal gradient."""
    keys = {"z_loss": 0.3, "soft_cap": 5.0, "temperature": 0.7, "label_smoothing": 0.1}
    keys["divisor"] = 3.0 if reduction == "sum" else None
    contract = Contract(labels=["soft"], soft_rows="any", gradient_of="p - t", reduction=reduction, **keys)
    upstream = np.array([0.5, -1.0, 0.0, 3.0]) if reduction == "none" else np.array(-1.7)
    scores = draw(dtype, "logits", "soft", seed=20, n=4)[0]
    agree(pose(contract, scores, SUMS.astype(scores.dtype), "soft", upstream=upstream), every=7)


def test_p_minus_t_is_exact_where_a_row_has_one_label() -> None:
    """A confident row keeps its digits, as with the ideal gradient, and a single class of sum t has 1 - t."""
    keys = {"labels": ["soft"], "soft_rows": "any", "reduction": "none", "row_weights": {"argument": "v"}}
    contract = Contract(gradient_of="p - t", **keys)
    scores, options = np.array([[0.0, 300.0], [300.0, 0.0]]), {"row_weights": np.array([0.1, 3.0])}
    asked = [pose(each, scores, np.eye(2), "soft", options) for each in (contract, Contract(**keys))]
    ours, ideal = (enclose(each).gradient for each in asked)
    assert (ours.radius < 1e-20 * np.abs(ours.hi)).all()
    assert (ours.hi == ideal.hi).all()
    alone = pose(contract, np.array([[3.0], [1.0]]), np.array([[2.0], [0.0]]), "soft", options)
    assert enclose(alone).gradient.hi.tolist() == [[-0.1], [3.0]]
