"""What public code has that nobody had tried: each a kind of its own, written anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.probing.unseen import log_softmax
from xentcheck.probing import Inference, infer
from xentcheck.targets import TargetError, TargetSpecification
from xentcheck.targets.find.understand import understand


def of(loss: Any) -> Inference:
    """Return what is inferred of a loss."""
    return infer(TargetSpecification(loss=loss))


def rows_of(z: Any, y: Any) -> Any:
    """Return one loss a row."""
    return -log_softmax(z)[np.arange(len(y)), y]


def smoothed(z: Any, y: Any, share: float, others: float) -> Any:
    """Return one loss a row, of a share for the label and one for each other class."""
    t = np.full(z.shape, others)
    t[np.arange(len(y)), y] = share
    return -(t * log_softmax(z)).sum(axis=1)


def switched(pred: Any, gold: Any, smoothing: bool = True) -> Any:
    """As of point clouds: 0.2 over the other classes, which a switch turns off."""
    if not smoothing:
        return rows_of(pred, gold).mean()
    return smoothed(pred, gold, 0.8, 0.2 / (pred.shape[1] - 1)).mean()


def chosen_by_a_word(logits: Any, labels: Any, weight: str = "none") -> Any:
    """A name of weights for a choice among them."""
    if weight not in ("none", "balanced"):
        raise ValueError(weight)
    return rows_of(logits, labels).mean()


def test_a_switch_is_no_option() -> None:
    """Whatever it is called: it stays at its default, and what that does is told."""
    inference = of(switched)
    assert inference.contradictions == []
    assert (inference.told["label_smoothing"], inference.told["smoothing_over"]) == (0.2, "others")
    assert any("smoothing was left at its default, True" in note for note in inference.notes)
    inference = of(chosen_by_a_word)
    assert inference.contradictions == []
    assert "class_weights" not in inference.told
    assert any("weight was left at its default" in note for note in inference.notes)


def negative_left_out(scores: Any, target: Any, weight: Any = None) -> Any:
    """As of segmentation: a label below 0 is left out, weights are those of classes, the mean is over what is kept."""
    kept = target >= 0
    losses = rows_of(scores[kept], target[kept])
    return (losses if weight is None else losses * weight[target[kept]]).sum() / kept.sum()


def test_weights_of_classes_hide_no_ignored_label() -> None:
    """That they are divided by rows does not say whether by those that are ignored, too."""
    inference = of(negative_left_out)
    assert inference.contradictions == []
    assert (inference.told["ignore_index"], inference.told["mean_over"]) == (-100, "kept")
    assert inference.told["class_weights"] == {"argument": "weight"}


class MadeFor:
    """As of re-identification: it is told how many classes there are, and what it is given is not looked at."""

    def __init__(self, num_classes: int, epsilon: float = 0.1) -> None:
        self.num_classes = num_classes
        self.epsilon = epsilon

    def __call__(self, inputs: Any, targets: Any) -> Any:
        """Return the mean."""
        other = self.epsilon / self.num_classes
        return smoothed(inputs, targets, 1 - self.epsilon + other, other).mean()


@pytest.mark.parametrize("classes", [3, 10])
def test_an_object_made_for_a_number_of_classes(classes: int) -> None:
    """It is asked about that number, which is its domain: others are answered, and by no convention."""
    inference = of(MadeFor(classes))
    assert inference.contradictions == []
    assert (inference.told["label_smoothing"], inference.told["smoothing_over"]) == (0.1, "all")
    assert inference.told["domain"] == {"classes": [classes, classes]}
    assert inference.classes == classes
    assert "is what its object says" in inference.findings["domain"].evidence


def of_two_classes(prediction: Any, y: Any) -> Any:
    """The logarithm of the first class, or of what is left: the loss of two classes, and none of three."""
    p, t = prediction[:, 0], y[:, 0]
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum()


def test_a_loss_of_two_classes_alone() -> None:
    """Its domain says so: three classes are answered, and by no convention."""
    inference = of(of_two_classes)
    assert inference.told["domain"] == {"classes": [2, 2]}
    assert "is expected" in inference.findings["domain"].evidence
    assert inference.classes == 0  # which a check does not take: a mistake looks so


def capped_in_float32(logits: Any, targets: Any) -> Any:
    """As language models have it: a soft cap, and what is returned is in float32."""
    capped = 15 * np.tanh(logits / 15)
    return rows_of(capped.astype(np.float32), targets).mean()


def test_a_constant_before_work_in_float32() -> None:
    """It is told in float32, and no boundary is fitted to what it does to large logits."""
    inference = of(capped_in_float32)
    assert inference.contradictions == []
    assert (inference.told["soft_cap"], inference.told["boundary"]) == (15.0, "exact")


def with_something_else(logits: Any, labels: Any, mask: Any) -> Any:
    """Return the number of rows beside the loss, in an order that nobody needs."""
    return (rows_of(logits, labels) * mask).sum() / mask.sum(), int(mask.sum())


def test_a_tuple_is_not_asked_for_again() -> None:
    """What is beside a loss is so by every call: a sentence says what to do, after few of them."""
    with pytest.raises(TargetError, match=r"none of \d{1,3} calls .*returned a tuple of 2: .*by a function around it"):
        of(with_something_else)


class Holds:
    """A module that calls `self.loss` within."""

    def __init__(self) -> None:
        self.loss = log_softmax

    def __call__(self, z: Any, t: Any) -> Any:
        """Return the mean."""
        return -(t * self.loss(z)).sum(axis=1).mean()


def test_what_an_instance_holds_is_not_its_loss() -> None:
    """Its call is; the method `loss` of a class is one all the same, and so is what a function was given."""

    class Method(Holds):
        def loss(self, z: Any, t: Any) -> Any:
            return 0.0

    def function(z: Any, t: Any) -> Any:
        return 0.0

    held, method = Holds(), Method.__new__(Method)
    z, t = np.array([[1.0, 2.0]]), np.array([[0.0, 1.0]])
    assert understand(held, "held").loss(z, t) == held(z, t)  # type: ignore[misc]
    assert understand(method, "method").loss(z, t) == 0.0  # type: ignore[misc]
    function.loss = held  # type: ignore[attr-defined]
    assert understand(function, "function").loss(z, t) == held(z, t)  # type: ignore[misc]


def twos(p: Any, y: Any) -> Any:
    """Of an even number of rows alone, summed, with a constant."""
    if len(p) % 2:
        raise ValueError("an even number")
    return -np.log(p[np.arange(len(y)), y] + 1e-8).sum()


def threes(z: Any, y: Any) -> Any:
    """Of a multiple of three alone, one loss a row, smoothed."""
    if len(z) % 3:
        raise ValueError("a multiple of 3")
    return smoothed(z, y, 0.9 + 0.1 / z.shape[1], 0.1 / z.shape[1])


def eights(z: Any, y: Any) -> Any:
    """Of eight at least, with weights of three classes."""
    if len(z) < 8:
        raise ValueError("too few")
    return (rows_of(z, y) * np.array([0.5, 2.0, 1.25])[y]).mean()


REFUSING: dict[Any, tuple[str, dict[str, Any]]] = {
    twos: ("1, 3, 5, 7 are refused (1: ValueError: an even", {"reduction": "sum", "boundary": {"add": 1e-8}}),
    threes: ("1, 2, 4, 5, 7, 8 are refused", {"reduction": "none", "label_smoothing": 0.1, "smoothing_over": "all"}),
    eights: ("and 8 answered", {"reduction": "mean", "class_weights": [0.5, 2.0, 1.25]}),
}


@pytest.mark.parametrize("function", REFUSING)
def test_numbers_of_rows_that_are_refused(function: Any) -> None:
    """Rows are given several times then, which is said with the numbers that are refused."""
    note, keys = REFUSING[function]
    inference = of(function)
    assert inference.contradictions == []
    assert {key: inference.told.get(key) for key in keys} == keys
    assert any(note in one for one in inference.notes)


def test_a_gradient_alone_tells_by_what_it_is() -> None:
    """By the logits, as p - t is, too."""

    def gradient(probabilities: Any, targets: Any) -> Any:
        t = np.eye(probabilities.shape[1])[targets]
        return (probabilities - t) / len(targets)

    inference = infer(TargetSpecification(gradient=gradient))
    assert (inference.told["input"], inference.told["gradient_wrt"]) == ("probabilities", "logits")


def test_a_softmax_that_is_taken_twice_is_named() -> None:
    """No convention explains it; what it is nearly is said."""

    def twice(logits: Any, target: Any) -> Any:
        return rows_of(np.exp(log_softmax(logits)), target).mean()

    (one,) = of(twice).contradictions
    assert "but that of logits, averaged, of their softmax: " in one.evidence


def test_what_each_convention_would_give_is_said() -> None:
    """A smoothing without the weights, as fastai has it, is no key: the sentence has the number of every one."""

    def unweighted_share(output: Any, target: Any, weight: Any = None) -> Any:
        w = np.ones(output.shape[1]) if weight is None else weight
        losses = rows_of(output, target) * w[target]
        return 0.1 * -log_softmax(output).mean() + 0.9 * losses.sum() / w[target].sum()

    (one,) = of(unweighted_share).contradictions
    assert one.key == "class_weights"
    for by in ("label", "class", "mean"):
        assert f"by mean_over 'weights', smoothing_weights '{by}'" in one.evidence


def padded_with_a_smoothing(preds: Any, labels: Any, smoothing: float = 0.1) -> Any:
    """As of translation: class 0 is padding, whose rows do not count, and the share goes to the others."""
    rows = smoothed(preds, labels, 1.0 - smoothing, smoothing / (preds.shape[1] - 1))
    return np.where(labels == 0, 0.0, rows).sum() / np.count_nonzero(labels)


def test_rows_of_padding_show_no_option() -> None:
    """What options do is seen by rows of other classes."""
    inference = of(padded_with_a_smoothing)
    assert inference.contradictions == []
    told = {key: inference.told[key] for key in ("ignore_index", "mean_over", "smoothing_over")}
    assert told == {"ignore_index": 0, "mean_over": "kept", "smoothing_over": "others"}
    assert inference.told["label_smoothing"]["argument"] == "smoothing"


def every_pair(scores: Any, labels: Any) -> Any:
    """As of spelling: the score of each label in each row, of which the most are none of that row."""
    labels = labels.reshape(-1).astype(int)
    return -(scores[:, labels] * (labels < 1000)).sum() / len(labels)


def test_answers_of_nothing_are_explained_by_no_weights() -> None:
    """With scores for labels it gives 0 for ordinary rows, which two weights of 0 would explain."""
    inference = of(every_pair)
    assert [one.key for one in inference.contradictions] == ["input"]
    assert "class_weights" not in inference.told
    assert "change nothing" not in inference.contradictions[0].evidence  # of one-hot rows, taken for class numbers


def with_statistics(pred: Any, target: Any, y_mean: Any, y_std: Any) -> Any:
    """As of time series: arguments that a trainer passes to each loss, and this one does not look at."""
    return rows_of(pred, target).mean()


def test_needed_arguments_that_do_nothing_are_no_options() -> None:
    """They are declared as none, so that `check` does not ask for what they never did."""
    with pytest.raises(TargetError, match=r"needs an argument 'y_mean' .* acts as no option"):
        of(with_statistics)


def nothing_alone_replaced(y: Any, t: Any) -> Any:
    """As of metrics: an infinite loss is 100, and one of 138 stays."""
    with np.errstate(divide="ignore"):
        rows = -np.log((y * t).max(axis=-1))
    return np.where(np.isfinite(rows), rows, 100.0)


def none_for_nothing(y: Any, t: Any) -> Any:
    """A constant in place of a probability of 0 alone."""
    return -(t * np.log(np.where(y == 0, 1e-5, y))).sum(axis=-1)


@pytest.mark.parametrize(("loss", "number"), [(nothing_alone_replaced, "3.72"), (none_for_nothing, "1e-05")])
def test_what_replaces_0_alone_is_no_clip(loss: Any, number: str) -> None:
    """Less than the constant, and not 0, has its own logarithm."""
    inference = of(loss)
    assert [one.key for one in inference.contradictions] == ["boundary"]
    assert f"as if a probability of 0 alone were {number}" in inference.contradictions[0].evidence


def of_a_vocabulary(logits: Any, y: Any) -> Any:
    """As of language models: what stands for padding is written where it is used."""
    kept = y != 50257
    rows = rows_of(logits, np.where(kept, y, 0))
    return rows[kept].mean()


class Padded:
    """The same in an object whose call is handed over."""

    def __call__(self, *given: Any) -> Any:
        """As of torch."""
        return self.forward(*given)

    def forward(self, logits: Any, y: Any) -> Any:
        """Return the mean over the rows that are kept."""
        return of_a_vocabulary(logits, np.where(y == -7777, 50257, y))  # two labels of which one is told


@pytest.mark.parametrize(("loss", "label"), [(of_a_vocabulary, 50257), (Padded(), -7777)])
def test_an_ignored_label_that_is_written_in_the_code(loss: Any, label: int) -> None:
    """No usual one is ignored, and this one is tried because it is there."""
    inference = of(loss)
    assert inference.contradictions == []
    assert (inference.told["ignore_index"], inference.told["mean_over"]) == (label, "kept")


def times_a_factor(preds: Any, targets: Any, loss_weight: float = 1.0, avg_factor: Any = None) -> Any:
    """As of detectors: a factor of the whole loss is called a weight."""
    rows = rows_of(preds, targets)
    return (rows.mean() if avg_factor is None else rows.sum() / avg_factor) * loss_weight


def test_a_factor_of_the_whole_loss_is_no_weight_of_rows() -> None:
    """It is a number by default, and stays that."""
    inference = of(times_a_factor)
    assert inference.contradictions == []
    assert inference.told["divisor"] == {"argument": "avg_factor"}
    assert any("loss_weight was left at its default, 1.0" in note for note in inference.notes)
