"""Losses that are no cross-entropy by any convention: what they are is named, and nothing is made up for them."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from tests.probing.unseen import log_softmax
from xentcheck.probing import Inference, infer
from xentcheck.targets import TargetError, TargetSpecification


def of(loss: Any) -> Inference:
    """Return what is inferred of a loss."""
    return infer(TargetSpecification(loss=loss))


def sums(p: Any, t: Any) -> Any:
    """As a course on two classes has it, whose columns are examples: over Y.shape[1]."""
    return -np.nansum(t * np.log(p) + (1 - t) * np.log(1 - p)) / t.shape[1]


def of_all_numbers(t: Any, p: Any) -> Any:
    """A binary cross-entropy with a clip, labels first."""
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))


def guarded(a: Any, y: Any) -> Any:
    """As of a book, which takes 0 for nan: of negative scores every answer is 0."""
    with np.errstate(all="ignore"):
        return np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)))


def rows(z: Any, t: Any) -> Any:
    """Of logits, one number a row."""
    return (np.logaddexp(0, z) - t * z).sum(axis=1)


def each(y: Any, p: Any) -> Any:
    """One number for each class of each row, labels first."""
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return -y * np.log(p) - (1 - y) * np.log(1 - p)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (each, "of probabilities of each class, one a number: -t log p"),
        (sums, "of probabilities of each class, summed, over the number of classes: -t log p"),
        (of_all_numbers, "of probabilities of each class, averaged, over the number of classes: -t log p"),
        (guarded, "of probabilities of each class, summed: -t log p"),
        (rows, "of logits of each class, one a row: -t log p"),
    ],
)
def test_a_binary_cross_entropy_of_each_class_is_named(loss: Any, words: str) -> None:
    """Of two classes alone it is twice a cross-entropy, and not told to be one."""
    inference = of(loss)
    assert [one.key for one in inference.contradictions] == ["input"]
    assert f"but the binary cross-entropies {words}" in inference.contradictions[0].evidence
    assert inference.told == {}
    assert inference.calls <= 70  # of 600


def losses(z: Any, y: Any) -> Any:
    """Return one loss a row."""
    return -log_softmax(z)[np.arange(len(y)), y]


def test_a_perplexity_is_named() -> None:
    """As the exponential of what it is of."""
    inference = of(lambda z, y: np.exp(losses(z, y).mean()))
    assert "but the exponential of that of logits, averaged" in inference.contradictions[0].evidence


def over_the_first_axis(z: Any, y: Any) -> Any:
    """Sequences: a sum over the tokens of each, and a mean over sequences."""
    own = np.take_along_axis(z, y[..., None], -1)[..., 0]
    return (np.log(np.exp(z).sum(axis=-1)) - own).sum(axis=1).mean()


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda z, y: losses(z, y).mean() / np.log(10.0), "of logits, averaged, by the logarithm to base 10"),
        (lambda z, y: losses(z, y).mean() / 2.0, "of logits, averaged, times 0.5: no key"),
        (over_the_first_axis, "of logits, averaged, times 2: as a sum over all axes but the first"),
    ],
)
def test_what_a_factor_is_for_is_named(loss: Any, words: str) -> None:
    """A half is no number of two classes."""
    assert words in of(loss).contradictions[0].evidence


def weighted(z: Any, t: Any) -> Any:
    """A factor, as an auxiliary loss has."""
    return -0.4 * (t * log_softmax(z)).sum(axis=1).mean()


@pytest.mark.parametrize("loss", [weighted, lambda z, y: 0.4 * losses(z, y).mean()])
def test_a_factor_is_named(loss: Any) -> None:
    """No class has a weight that all others have, too."""
    inference = of(loss)
    assert [one.key for one in inference.contradictions] == ["input"]
    assert "but that of logits, averaged, times 0.4" in inference.contradictions[0].evidence


def test_a_constant_is_no_cross_entropy_of_weights_of_0() -> None:
    """Whatever form labels have."""
    inference = of(lambda p, t: 0.0 * (p * t).sum())
    assert [one.key for one in inference.contradictions] == ["input"]


def over_all_numbers(y: Any, p: Any) -> Any:
    """Which a column of labels spreads over, too."""
    return -np.mean(y * np.log(p + 1e-8))


def test_what_a_column_of_labels_gives_hides_nothing() -> None:
    """The plainest answers are looked at first."""
    inference = of(over_all_numbers)
    assert "averaged, divided by the number of classes" in inference.contradictions[0].evidence
    assert inference.calls <= 70  # of 421


def in_a_dict(z: Any, y: Any) -> Any:
    """Beside an accuracy."""
    return {"loss": losses(z, y).mean(), "accuracy": (z.argmax(axis=1) == y).mean()}


def of_a_model(model: Any, batch: Any) -> Any:
    """As a step of training takes them."""
    return losses(model(batch[0]), batch[1]).mean()


Both = namedtuple("Both", "loss probabilities")


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (in_a_dict, r"none of 56 calls .* returned a dict.*write a function .* that returns the loss from it"),
        (lambda z, y: Both(losses(z, y).mean(), np.exp(log_softmax(z))), "none of 56 calls .* returned a tuple of 2"),
        (of_a_model, r"none of \d\d calls .* 'numpy.ndarray' object is not callable"),
    ],
)
def test_what_no_call_will_change_is_said_at_once(loss: Any, words: str) -> None:
    """What else is returned, or wanted."""
    with pytest.raises(TargetError, match=words):
        of(loss)


def of_a_product(reference: Any, given: Any) -> Any:
    """Minus the logarithm of a product, which is the same with its factors turned; but a clip shows one of them."""
    p = np.clip(given, 1e-15, 1.0 - 1e-15)
    return -np.log((p / p.sum(axis=1, keepdims=True) * reference).sum(axis=1)).mean()


def test_a_product_whose_factors_may_be_turned() -> None:
    """The boundary tells which of them are the scores."""
    inference = of(of_a_product)
    assert inference.contradictions == []
    assert inference.told["argument_order"] == "labels_first"
    assert inference.told["boundary"] == {"clip": [1e-15, 1.0 - 1e-15], "normalise": "after"}
    assert inference.told["labels"] == ["onehot"]


def test_both_orders_are_told_where_nothing_tells_them_apart() -> None:
    """Of a product without a clip; the logarithm of one of them tells which it is."""
    inference = of(lambda a, b: -np.log((a * b).sum(axis=1)).mean())
    found = inference.findings["argument_order"]
    assert (found.value, found.also) == ("scores_first", ("labels_first",))
    assert "as labels_first it is answered alike" in found.evidence
    assert of(lambda a, b: -(b * np.log(a)).sum(axis=1).mean()).findings["argument_order"].also == ()


def with_outputs_second(reference: Any, outputs: Any) -> Any:
    """The same, whose names say it."""
    return of_a_product(reference, outputs)


def test_what_is_called_outputs_are_scores() -> None:
    """Whatever the labels are called."""
    inference = of(with_outputs_second)
    assert inference.told["argument_order"] == "labels_first"
    assert "otherwise" not in inference.findings["argument_order"].evidence


def of_a_layer(w: Any, x: Any, y: Any, reg: Any) -> Any:
    """As a course's exercise has it."""
    return losses(x @ w, y).mean() + reg * (w * w).sum()


def test_labels_that_come_third_are_said_at_once() -> None:
    """No call is made."""
    with pytest.raises(TargetError, match="an argument 'y', which is called labels, beside 'w' and 'x'; write"):
        of(of_a_layer)


class Turned:
    """A gradient that takes its arguments in the other order, which is minus it in that of the loss."""

    def loss(self, t: Any, p: Any) -> Any:
        """Return the mean."""
        return -(t * np.log(p)).sum() / len(t)

    def gradient(self, p: Any, t: Any) -> Any:
        """Return p - t, over the rows."""
        return (p - t) / len(t)


def test_a_gradient_with_its_sign_turned_is_named() -> None:
    """Beside what was expected of the same rows."""
    both = Turned()
    inference = infer(TargetSpecification(loss=both.loss, gradient=both.gradient))
    (one,) = inference.contradictions
    assert one.key == "gradient_wrt"
    assert "no convention gives it, but minus that by logits, mean: if it is t - p, return p - t" in one.evidence
    assert one.evidence.count("[[") == 4  # scores, labels, what came and what was expected: of three classes, all
    assert "-0.25   ,  0.34375, -0.09375" in one.evidence


def scaled(cosine: Any, y: Any, s: float = 30.0) -> Any:
    """As of faces: so large that a label that is read from the end costs nothing where it is the largest."""
    return losses(s * cosine, y).mean()


def test_a_row_that_costs_nothing_is_not_ignored() -> None:
    """Of classes that are alike it costs something."""
    inference = of(scaled)
    assert inference.contradictions == []
    assert inference.told["ignore_index"] is None
    assert inference.told["temperature"] == pytest.approx(1 / 30)


def divergence_of(logs: Any, y: Any, share: float, over_others: bool) -> Any:
    """Return one divergence a row, of log-probabilities from smoothed labels."""
    hot = np.eye(logs.shape[1])[y]
    spread = (1 - hot) / (logs.shape[1] - 1) if over_others else np.ones_like(hot) / logs.shape[1]
    t = (1 - share) * hot + share * spread
    return (t * (np.log(t) - logs)).sum(axis=1)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (
            lambda z, y: divergence_of(log_softmax(z), y, 0.1, over_others=True).mean(),
            "of logits from labels smoothed by 0.1 over the other classes, averaged",
        ),
        (
            lambda logs, y: divergence_of(logs, y, 0.05, over_others=False).sum(),
            "of log-probabilities from labels smoothed by 0.05 over all classes, summed",
        ),
        (
            lambda y, p: divergence_of(np.log(p), y, 0.2, over_others=True),
            "of probabilities from labels smoothed by 0.2 over the other classes, one a row",
        ),
    ],
)
def test_a_divergence_from_smoothed_labels_is_named(loss: Any, words: str) -> None:
    """As many smooth labels: the entropy of these is subtracted, and what is left is told to be no cross-entropy."""
    (one,) = of(loss).contradictions
    assert f"but the Kullback-Leibler divergence {words}" in one.evidence
