"""What was once told of a mistake and was not true is not told any more: each case states the true mistake."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

from xentcheck.api import check
from xentcheck.report.finding import Finding
from xentcheck.zoo.parts import (
    at,
    dense_losses,
    each,
    integers,
    log_softmax,
    mean,
    mean_loss,
    one_hot,
    row_gradients,
    row_losses,
    shifted,
    smoothed_over_others,
    softmax,
    widened,
)

BFLOAT16 = ml_dtypes.bfloat16
SMALL = {"rows": [1, 6], "classes": [2, 5]}
WEIGHTED: dict[str, Any] = {"class_weights": {"argument": "weights"}, "domain": SMALL}

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of numpy, where a target overflows


def findings(
    law: str, dtype: str, loss: Any, gradient: Any = None, first: bool = True, **contract: Any
) -> tuple[Finding, ...]:
    """Return what is found first by one law in one dtype, or all that is found; one finding at least."""
    contract.setdefault("domain", SMALL)
    report = check(loss, gradient, {"dtypes": [dtype], **contract}, properties=[law], fail_fast=first)
    assert report.findings
    return report.findings


def untold(found: tuple[Finding, ...], mechanisms: set[str], *words: str) -> None:
    """Assert that no finding tells one of these mechanisms, nor has one of these words in its cause."""
    for one in found:
        assert one.mechanism not in mechanisms, one.cause
        assert not any(word in one.cause for word in words), one.cause


def _kept(labels: Any) -> tuple[Any, Any]:
    """Return which rows are not ignored, and labels that are 0 in the others."""
    kept = integers(labels) != -100
    return kept, np.where(kept, integers(labels), 0)


def _float16_weighted(z: Any, y: Any, weights: Any) -> Any:
    rows = weights.astype(np.float16)[y] * row_losses(z, y).astype(np.float16)
    return np.float32(rows.sum(dtype=np.float16)) / weights.astype(np.float32)[y].sum()


@pytest.mark.parametrize("compute", [None, "same"])
def test_a_weighted_sum_that_overflows_in_float16(compute: str | None) -> None:
    """The maximum is subtracted; what overflows is a sum of rows. Refuted once: "the minimum is subtracted"."""
    found = findings("value", "float16", _float16_weighted, mean_over="weights", compute=compute, **WEIGHTED)
    untold(found, {"minimum_for_maximum", "mean_for_maximum", "no_maximum"}, "is subtracted")


def _nothing_times_infinity(z: Any, y: Any, smoothing: Any) -> Any:
    logs, eps = log_softmax(z), z.dtype.type(smoothing)
    rows = -(1 - eps) * at(logs, y)
    return mean(rows - eps * logs.mean(axis=1) if smoothing else rows)


def _nothing_times_infinity_over_others(z: Any, y: Any, smoothing: Any) -> Any:
    targets = smoothed_over_others(one_hot(y, z), smoothing)
    return mean(-(targets * log_softmax(z)).sum(axis=1) if smoothing else row_losses(z, y))


@pytest.mark.parametrize(
    ("loss", "over"), [(_nothing_times_infinity, "all"), (_nothing_times_infinity_over_others, "others")]
)
def test_a_share_of_nothing_of_an_infinite_loss(loss: Any, over: str) -> None:
    """With a smoothing of 1 and a label at -inf 0 times inf is nan. Refuted once: "the mean logit is subtracted"."""
    options: dict[str, Any] = {"label_smoothing": {"argument": "smoothing"}, "smoothing_over": over}
    found = findings("value", "float64", loss, nonfinite=["-inf"], **options)
    untold(found, {"mean_for_maximum", "minimum_for_maximum", "no_maximum"}, "is subtracted")


def _sum_one_by_one(z: Any, y: Any) -> Any:
    d = shifted(z)
    total = np.zeros(len(d), BFLOAT16)
    for column in np.exp(d).astype(BFLOAT16).T:
        total = total + column
    return mean(np.log(total.astype(np.float32)) - at(d, y))


def _sum_of_blocks(z: Any, y: Any) -> Any:
    d = shifted(z)
    e, total = np.exp(d), np.zeros(len(d), BFLOAT16)
    for start in range(0, d.shape[1], 4):
        total = total + e[:, start : start + 4].sum(axis=1).astype(BFLOAT16)
    return mean(np.log(total.astype(np.float32)) - at(d, y))


@pytest.mark.parametrize(
    ("law", "loss", "classes", "first"),
    [
        ("value", _sum_one_by_one, [256, 300], True),
        ("uniform", _sum_one_by_one, [256, 300], True),
        pytest.param("value", _sum_of_blocks, [500, 1100], False, marks=pytest.mark.slow),
    ],
)
def test_sums_that_stop_growing_in_bfloat16(law: str, loss: Any, classes: list[int], first: bool) -> None:
    """No limit, no temperature, and the maximum is subtracted. Refuted once: "losses above 5.5 are cut off"."""
    found = findings(law, "bfloat16", loss, first=first, domain={"rows": [1, 2], "classes": classes})
    untold(found, {"log_limited", "logits_clipped", "loss_limited", "temperature"}, "cut off", "temperature")
    untold(found, {"mean_for_maximum", "minimum_for_maximum", "no_maximum"}, "is subtracted")


def _label_through_float16(z: Any, y: Any) -> Any:
    label = np.minimum(y.astype(np.float16), z.shape[1] - 1)  # an infinite one becomes the last class
    return mean_loss(z, label.astype(np.int64))


def _one_hot_by_comparison_in_float16(z: Any, y: Any) -> Any:
    classes = np.arange(z.shape[1]).astype(np.float16)
    return mean(dense_losses(z, classes == y.astype(np.float16)[:, None]))


@pytest.mark.parametrize("loss", [_label_through_float16, _one_hot_by_comparison_in_float16])
@pytest.mark.parametrize("classes", [[2049, 3000], pytest.param([65521, 65540], marks=pytest.mark.slow)])
def test_labels_that_go_through_float16(loss: Any, classes: list[int]) -> None:
    """It has no odd integers above 2,048. Refuted once: "the labels wrap round at the limit of int8"."""
    found = findings("value", "float16", loss, domain={"rows": [1, 2], "classes": classes})
    untold(found, {"labels_wrapped"}, "int8", "int16")
    # Among classes up to 65,540 both round alike, and both are said; bfloat16 alone would be wrong.
    assert all("bfloat16" not in one.cause or "bfloat16, or float16" in one.cause for one in found)


def _float32_exponentials(z: Any) -> Any:
    return np.exp(shifted(z).astype(np.float32)).astype(np.float64)


def _loss_of_float32_exponentials(z: Any, y: Any) -> Any:
    return mean(np.log(_float32_exponentials(z).sum(axis=1)) - at(shifted(z), y))


def _gradient_of_float32_exponentials(z: Any, y: Any) -> Any:
    e = _float32_exponentials(z)
    return (e / e.sum(axis=1, keepdims=True) - one_hot(y, z)) / len(z)


@pytest.mark.parametrize("law", ["value", "gradient"])
def test_an_exponential_in_float32(law: str) -> None:
    """Of float64 logits less their maximum. Refuted once: "max |z| is subtracted"."""
    targets: tuple[Any, ...] = (_loss_of_float32_exponentials,)
    if law == "gradient":
        targets = (mean_loss, _gradient_of_float32_exponentials)
    untold(findings(law, "float64", *targets), {"absolute_maximum", "positive_maximum"}, "is subtracted")


def _first_class_for_one_row(z: Any, y: Any) -> Any:
    return mean_loss(z, y if len(z) > 1 else np.zeros_like(y))


def _weight_of_one_row(z: Any, y: Any, weights: Any) -> Any:
    w = weights.astype(z.dtype)
    used = w[y] if len(z) > 1 else w[:1]
    return (used * row_losses(z, y)).sum() / w[y].sum()


@pytest.mark.parametrize(
    ("loss", "contract"),
    [(_first_class_for_one_row, {}), (_weight_of_one_row, {"mean_over": "weights", **WEIGHTED})],
)
def test_another_mistake_with_one_row(loss: Any, contract: dict[str, Any]) -> None:
    """Its label or its weight is that of class 0. Refuted once: "a sum where the contract says mean", of one row."""
    untold(findings("value", "float64", loss, **contract), {"sum_for_mean", "mean_for_sum"}, "it is a sum")


class _NothingKept:
    """A mean over the rows kept, whose gradient divides by 0 where there are none."""

    def loss(self, z: Any, y: Any) -> Any:
        """Return the mean loss; nan of no rows."""
        kept, labels = _kept(y)
        return np.where(kept, row_losses(z, labels), 0).sum() / z.dtype.type(kept.sum())

    def grad(self, z: Any, y: Any) -> Any:
        """Return the gradient; nan of no rows."""
        kept, labels = _kept(y)
        return np.where(kept[:, None], row_gradients(z, labels), 0) / z.dtype.type(kept.sum())


class _NothingKeptIsInfinite(_NothingKept):
    def grad(self, z: Any, y: Any) -> Any:
        """Return the gradient; inf of no rows."""
        return super().grad(z, y) if _kept(y)[0].any() else softmax(z) / z.dtype.type(0)


class _NothingKeptCostsNothing(_NothingKept):
    def loss(self, z: Any, y: Any) -> Any:
        """Return the mean loss; 0 of no rows."""
        return super().loss(z, y) if _kept(y)[0].any() else z.dtype.type(0)


@pytest.mark.parametrize(
    ("law", "target", "empty"),
    [
        ("finite", _NothingKept, "nan"),
        ("finite", _NothingKeptIsInfinite, "nan"),
        ("gradient", _NothingKeptCostsNothing, "zero"),
    ],
)
def test_a_gradient_of_ignored_rows_alone(law: str, target: Any, empty: str) -> None:
    """Divided by a count of 0, whatever was asked before. Refuted once: "something of an earlier call is kept"."""
    found = findings(law, "float64", target, ignore_index=-100, mean_over="kept", empty_mean=empty)
    untold(found, {"state_kept", "nondeterministic"}, "earlier call", "asked before")


def _z_loss_never_off(z: Any, y: Any, factor: Any) -> Any:
    top = z.max(axis=1)
    lse = top + np.log(np.exp(z - top[:, None]).sum(axis=1))
    return mean(row_losses(z, y) + (factor or 1e-4) * lse**2)


@pytest.mark.parametrize("law", ["value", "z-loss"])
def test_a_z_loss_that_is_never_off(law: str) -> None:
    """A factor of 0 counts as none given. Refuted once: "1e-4 is added to the loss"."""
    found = findings(law, "float64", _z_loss_never_off, z_loss={"argument": "factor"})
    untold(found, {"eps_added_to_loss", "added_to_loss", "eps_added"}, "is added to")


def _probabilities_in_bfloat16(z: Any, y: Any) -> Any:
    p = softmax(z).astype(BFLOAT16)
    p[each(p), integers(y)] -= BFLOAT16(1)
    return p.astype(widened(z).dtype) / len(p)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_probabilities_rounded_before_the_label_is_subtracted(dtype: str) -> None:
    """To bfloat16, in p - t. Refuted once: "computed as logsumexp(z) - z_y"."""
    found = findings("gradient", dtype, mean_loss, _probabilities_in_bfloat16)
    untold(found, {"lse_minus_label", "log1p_missing"}, "logsumexp(z) - z_y", "offset")


def _sixteenths(z: Any, y: Any, weights: Any) -> Any:
    return (np.rint(16 * weights.astype(np.float32))[y] / 16 * row_losses(z, y)).sum()


def test_weights_in_fixed_point() -> None:
    """Rounded to sixteenths: the digits that are left are few, and not those of bfloat16."""
    untold(findings("value", "float16", _sixteenths, reduction="sum", **WEIGHTED), {"narrowing"}, "bfloat16")


def _smoothed_by_probabilities(z: Any, y: Any, smoothing: Any) -> Any:
    wide = z.astype(np.float32)
    with np.errstate(divide="ignore", under="ignore"):
        spread = -np.log(softmax(wide)).mean(axis=1)
    return (1 - smoothing) * row_losses(wide, y) + np.where(smoothing > 0, smoothing * spread, 0).astype(np.float32)


def test_probabilities_that_underflow_in_float32() -> None:
    """As in Megatron, of 16-bit logits. Refuted once: "arithmetic in float16", which most answers are too good for."""
    found = findings(
        "value",
        "float16",
        _smoothed_by_probabilities,
        first=False,
        domain={**SMALL, "magnitude": 50},  # beyond it 0 is found in place of a probability, and infinity is told
        reduction="none",
        label_smoothing={"argument": "smoothing"},
        output_dtype="float32",
    )
    untold(found, {"narrowing"}, "arithmetic in float16")
