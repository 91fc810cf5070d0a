"""Losses as libraries outside the register have them: what their probing met first, each a kind of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.probing.test_arguments import of
from xentcheck.probing import settling
from xentcheck.targets import TargetError
from xentcheck.targets.call import build, evaluation
from xentcheck.targets.description import TargetDescription


def rows_of(z: Any, y: Any) -> Any:
    """Return the loss of each label, whatever the axes are."""
    z = z - z.max(-1, keepdims=True)
    return np.log(np.exp(z).sum(-1)) - np.take_along_axis(z, y[..., None], -1)[..., 0]


def flat(z: Any, y: Any) -> Any:
    """Return the same, of the shape that labels have, from rows that are laid one beneath the other."""
    return rows_of(z.reshape(-1, z.shape[-1]), y.reshape(-1)).reshape(y.shape)


def tokens_alone(logits: Any, targets: Any, weights: Any) -> Any:
    """Average over weights of tokens, after a look at how many there are; a column of labels passes with rows alone."""
    _, _ = targets.shape
    return (flat(logits, targets) * weights).sum() / (weights.sum() + 1e-13)


def weights_called_as_of_classes(logits: Any, targets: Any, weights: Any) -> Any:
    """Average over weights of rows; those of classes are spread over a column of labels."""
    return (flat(logits, targets) * weights).sum() / weights.sum()


def mean_of_means(logits: Any, targets: Any, weights: Any) -> Any:
    """Average over the tokens of each sequence, and then over the sequences, as allennlp does by default."""
    axes = tuple(range(1, weights.ndim)) or (0,)
    return ((flat(logits, targets) * weights).sum(axes) / (weights.sum(axes) + 1e-13)).mean()


def mean_of_means_without_padding(logits: Any, targets: Any) -> Any:
    """Average so over the labels that are not -100."""
    kept = targets != -100
    return np.mean([rows_of(z, np.where(k, y, 0))[k].mean() for z, y, k in _sequences(logits, targets, kept)])


def normalised_labels(predictions: Any, labels: Any) -> Any:
    """Average over rows, with classes along axis 1, whose labels are normalised along the last axis, as in PyKEEN."""
    labels = labels / np.abs(labels).sum(-1, keepdims=True).clip(1e-12)
    z = predictions - predictions.max(1, keepdims=True)
    losses = (labels * (np.log(np.exp(z).sum(1, keepdims=True)) - z)).sum(1)
    return losses.mean()


def _sequences(*arrays: Any) -> Any:
    return zip(*arrays, strict=True) if arrays[1].ndim > 1 else [arrays]


EXPECTED: dict[Any, dict[str, Any]] = {
    tokens_alone: {"extra_axes": [1], "row_weights": {"argument": "weights"}, "label_shapes": ["(n,)"]},
    weights_called_as_of_classes: {"row_weights": {"argument": "weights"}, "extra_axes": [0, 1, 2, 3]},
    mean_of_means: {"extra_axes": [0], "mean_over": "weights"},
    mean_of_means_without_padding: {"extra_axes": [0], "mean_over": "kept", "ignore_index": -100},
    normalised_labels: {"extra_axes": [0], "soft_rows": "renormalised", "labels": ["onehot", "soft"]},
}


@pytest.mark.parametrize("function", EXPECTED, ids=lambda one: one.__name__)
def test_weights_that_are_needed_are_told_where_they_do_what_they_do(function: Any) -> None:
    """Not where the call is answered by chance; and a mean of means is not the mean of all rows."""
    inference = of(function)
    assert inference.contradictions == []
    assert {key: inference.told.get(key) for key in EXPECTED[function]} == EXPECTED[function]


def test_a_library_that_cannot_work_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its exception is in the sentence, though an argument is not known; nor is every form tried in vain."""
    for module in (build, evaluation):  # whose arrays would be tried, too, where a test before has imported them
        monkeypatch.setattr(module, "imported", list)
    calls = []

    def broken(z: Any, y: Any, epsilon: Any) -> Any:
        calls.append(z)
        raise RuntimeError("0 active drivers")

    with pytest.raises(TargetError, match=r"needs an argument 'epsilon' .* came RuntimeError: 0 active drivers"):
        of(broken)
    assert len(calls) <= 1400  # of 2,664 with every form


def test_a_dtype_that_cannot_be_handed_over_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter without ml_dtypes has no bfloat16, which is not why the target fails."""
    monkeypatch.setattr(TargetDescription, "unavailable_dtypes", ("bfloat16",))

    def broken(z: Any, y: Any) -> Any:
        assert z.dtype.name != "bfloat16"
        raise RuntimeError("optimizer got an empty parameter list")

    with pytest.raises(TargetError, match=r"came RuntimeError: optimizer got an empty parameter list \("):
        of(broken)


def test_no_answer_is_fitted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many readings of the arguments give it: what no constant explains takes long to be refused."""
    fits = []
    fitted = settling.fitted
    monkeypatch.setattr(settling, "fitted", lambda *given: fits.append(given) or fitted(*given))

    def strange(z: Any, y: Any, mask: Any, strange: Any) -> Any:
        return (rows_of(z, y.astype(int)) * mask).sum() * np.sin(strange)

    with pytest.raises(TargetError, match=r"needs an argument 'strange' .* acts as no option"):
        of(strange)
    assert len(fits) <= 130  # of 270 with all that are the same


def test_what_a_single_row_raises_is_told() -> None:
    """Two of it are asked about then, and the note has the exception."""

    def of_two_rows(y_true: Any, y: Any) -> Any:
        y_true = np.squeeze(y_true)
        if y_true.ndim != 1:
            raise ValueError("one row")
        return -np.log(y[np.arange(len(y)), y_true.astype(int)])

    inference = of(of_two_rows)
    assert inference.contradictions == []
    assert (inference.told["input"], inference.told["boundary"]) == ("probabilities", "exact")
    assert any("1 are refused (1: ValueError: one row)" in note for note in inference.notes)


def test_numbers_beside_a_limit_have_the_sign_of_a_loss_both() -> None:
    """Of log-probabilities what came is said as the loss that it is compared with."""

    def returned(z: Any, y: Any) -> Any:
        with np.errstate(all="ignore"):
            return -np.where(np.isinf(z).any(-1), -1.0, rows_of(z, y))

    said = of(returned).findings["nonfinite"].evidence
    assert "3.169846" in said
    assert "-3.169846" not in said


def test_labels_out_of_range_that_cost_nothing_are_not_ignored_ones() -> None:
    """As of a dict without the class, or of a one-hot row of zeros; padding by any label below 0 is one of them."""

    def out_of_range_is_0(z: Any, y: Any) -> Any:
        inside = (y >= 0) & (y < z.shape[-1])
        return np.where(inside, rows_of(z, np.where(inside, y, 0)), 0.0)

    def below_0_is_padding(z: Any, y: Any) -> Any:
        return np.where(y >= 0, rows_of(z, np.where(y >= 0, y, 0)), 0.0)

    inference = of(out_of_range_is_0)
    assert inference.told["ignore_index"] is None
    assert "Rows of the labels -100, -1, 255, 250, -2, -999 do not count" in inference.notes[0]
    assert of(below_0_is_padding).told["ignore_index"] == -100


@pytest.mark.parametrize("high", [1.0, 1.0 - 1e-12])
def test_of_clips_that_answer_alike_the_one_of_round_numbers_is_told(high: float) -> None:
    """Divided by the sum afterwards, they differ by 1e-12 of a probability of 1; the other is named beside it."""

    def loss(p: Any, y: Any) -> Any:
        q = np.clip(p, 1e-12, high)
        q = q / q.sum(axis=1, keepdims=True)
        return -np.log(q[np.arange(len(p)), y]).mean()

    boundary = of(loss).findings["boundary"]
    assert boundary.value == {"clip": [1e-12, high], "normalise": "after"}
    assert all(one["normalise"] == "after" for one in boundary.also)
