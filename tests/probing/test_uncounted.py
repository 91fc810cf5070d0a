"""Constants beside a class whose rows do not count, which no ordinary row may have then."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.probing.unseen import log_softmax
from xentcheck.probing import Inference, infer
from xentcheck.targets import TargetSpecification


def of(loss: Any) -> Inference:
    """Return what is inferred of a loss."""
    return infer(TargetSpecification(loss=loss))


def told(inference: Inference, *keys: str) -> list[Any]:
    """Return what some keys are; nothing is contradicted."""
    assert inference.contradictions == []
    return [inference.told.get(key) for key in keys]


class Padded:
    """As of translation: a sum of log-probabilities, smoothed over the other classes."""

    def __init__(self, padding_idx: int, smoothing: float = 0.1) -> None:
        self.padding_idx, self.eps = padding_idx, smoothing

    def __call__(self, lprobs: Any, target: Any) -> Any:
        """Return the sum over rows of other labels."""
        kept = target != self.padding_idx
        own = lprobs[np.arange(len(target)), target]
        others = self.eps / (lprobs.shape[1] - 1)
        losses = -(1 - self.eps - others) * own - others * lprobs.sum(axis=1)
        return (losses * kept).sum()


def padded(lprobs: Any, target: Any) -> Any:
    """The same of a class that nothing names."""
    return Padded(1)(lprobs, target)


def mean_of_the_kept(z: Any, y: Any) -> Any:
    """Logits, class 2, and a mean, which is nan where nothing is kept."""
    kept = y != 2
    logs = log_softmax(z)
    losses = -0.9 * logs[np.arange(len(y)), y] - 0.1 * logs.mean(axis=1)
    with np.errstate(all="ignore"):
        return (losses * kept).sum() / kept.sum()


@pytest.mark.parametrize("loss", [Padded(1), padded])
def test_a_smoothing_beside_padding(loss: Any) -> None:
    """Whether the object names the class or not."""
    keys = ("input", "reduction", "label_smoothing", "smoothing_over", "ignore_index")
    assert told(of(loss), *keys) == ["log_probabilities", "sum", 0.1, "others", 1]


def test_a_mean_of_nothing_says_so_too() -> None:
    """Rows of the class have no number alone."""
    keys = ("reduction", "label_smoothing", "ignore_index", "mean_over")
    assert told(of(mean_of_the_kept), *keys) == ["mean", 0.1, 2, "kept"]


class MadeFor:
    """A smoothing whose shares are in float32, made for a number of classes that it does not ask for."""

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes

    def __call__(self, z: Any, y: Any) -> Any:
        """Return the mean."""
        t = np.zeros(z.shape, np.float32)
        t[np.arange(len(y)), y] = 1
        t = np.float32(0.9) * t + np.float32(0.1 / self.num_classes)
        return -(t * log_softmax(z)).sum(axis=1).mean()


@pytest.mark.parametrize("m", [10, 100])
def test_shares_in_float32_made_for_many_classes(m: int) -> None:
    """No number of classes but theirs is explained, and in float64 none at all."""
    inference = of(MadeFor(m))
    assert told(inference, "label_smoothing", "smoothing_over", "domain") == [0.1, "all", {"classes": [m, m]}]
    assert any("as accurately as float32 holds" in note for note in inference.notes)


def shares_in_float32(z: Any, y: Any) -> Any:
    """A smoothing in float32 of probabilities that are clipped."""
    p = np.maximum(np.exp(log_softmax(z)), 1e-20)
    t = np.full(z.shape, np.float32(0.1) / np.float32(z.shape[1]), np.float32)
    t[np.arange(len(y)), y] += np.float32(0.9)
    return -(t * np.log(p)).sum(axis=1).mean()


def test_a_boundary_of_what_is_as_accurate_as_float32() -> None:
    """It is read off float32 where float64 contradicts it."""
    assert told(of(shares_in_float32), "label_smoothing", "boundary") == [0.1, {"clip": [1e-20, 1.0]}]


def limited(z: Any, y: Any) -> Any:
    """No logit is more than 64 below the largest of its row."""
    d = np.maximum(z - z.max(axis=1, keepdims=True), -64.0)
    return (np.log(np.exp(d).sum(axis=1)) - d[np.arange(len(y)), y]).mean()


def test_logits_that_are_limited_are_no_clip_of_probabilities() -> None:
    """Beside two others alike the loss is higher; the rest is told."""
    inference = of(limited)
    assert [one.key for one in inference.contradictions] == ["boundary"]
    assert "as if no logit were more than 64 below the largest of its row" in inference.contradictions[0].evidence
    assert inference.told["labels"] == ["sparse"]


def with_the_eps_of_the_dtype(p: Any, t: Any) -> Any:
    """Which a contract has no word for where it is added."""
    return -(t * np.log(p + np.finfo(p.dtype).eps)).sum(axis=1).mean()


def with_the_eps_of_float64(p: Any, t: Any) -> Any:
    """The same of all dtypes."""
    return -(t * np.log(p + np.finfo(float).eps)).sum(axis=1).mean()


@pytest.mark.parametrize(("loss", "of_each"), [(with_the_eps_of_the_dtype, True), (with_the_eps_of_float64, False)])
def test_an_eps_of_each_dtype_that_is_added_is_said(loss: Any, of_each: bool) -> None:
    """That of float64 is told, for which alone it is."""
    inference = of(loss)
    assert told(inference, "boundary") == [{"add": 2.0**-52}]
    assert any("the eps of the dtype" in note for note in inference.notes) == of_each
    assert (inference.told["dtypes"] == ["float64"]) == of_each


def taken_out(z: Any, y: Any, sample_weight: Any = None) -> Any:
    """As of a class of keras: rows of class 0 are taken out, and the weights of all rows are multiplied."""
    kept = y != 0
    losses = -log_softmax(z[kept])[np.arange(kept.sum()), y[kept]]
    return (losses if sample_weight is None else losses * sample_weight).mean()


def test_a_class_that_is_ignored_without_weights_alone_is_not_told_to_count() -> None:
    """That none is ignored would be a guess: beside weights the mean is over all rows."""
    inference = of(taken_out)
    found = inference.findings["ignore_index"]
    assert (found.status, found.value) == ("untold", None)
    assert "as if the row of the label 0 did not count (mean_over kept), but beside sample_weight" in found.evidence
    assert inference.told["row_weights"] == {"argument": "sample_weight"}


def far_off_of_many_rows(z: Any, y: Any) -> Any:
    """A rounding to float32 of one row, and another loss of four."""
    losses = -log_softmax(z.astype(np.float32))[np.arange(len(y)), y]
    return np.float64(losses.mean() + (0.25 if len(y) > 2 else 0.0))


def test_what_is_shown_is_farthest_from_what_is_expected() -> None:
    """And not a difference that six digits do not show."""
    (one,) = of(far_off_of_many_rows).contradictions
    came, _, expected = one.evidence.partition("give ")
    assert came.rpartition(": ")[2].partition(",")[0] != expected.partition(",")[0]
