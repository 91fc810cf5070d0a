"""Kinds of losses of public repositories that once were told wrongly, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.probing.test_arguments import of, rows_of
from tests.probing.unseen import log_softmax
from xentcheck.probing import Inference, infer
from xentcheck.probing import questions as of_questions
from xentcheck.targets import TargetSpecification
from xentcheck.truth.enclose import enclose

WEIGHTS = np.array([1.0, 1.0, 10.0])


def told(inference: Inference, *keys: str) -> list[Any]:
    """Return what some keys are; nothing is contradicted."""
    assert inference.contradictions == []
    return [inference.told.get(key) for key in keys]


def softmax(z: Any) -> Any:
    """Return probabilities."""
    return np.exp(log_softmax(z))


def eps_of_a_thousandth(p: Any, y: Any) -> Any:
    """More than ordinary rows are allowed to be off where a small constant is not known yet."""
    return -np.log(p[np.arange(len(y)), y] + 1e-3).mean()


def eps_of_a_hundredth(p: Any, t: Any) -> Any:
    """A sum."""
    return -np.sum(t * np.log(p + 0.01))


def eps_of_columns(p: Any, t: Any) -> Any:
    """Samples in columns, and a sum that keeps an axis of 1."""
    return -np.sum(np.sum(t * np.log(p + 1e-3), axis=0, keepdims=True), axis=1) / p.shape[1]


def eps_that_is_lost_beside_one(z: Any, y: Any) -> Any:
    """1 + 1e-20 is 1."""
    return -np.log(softmax(z)[np.arange(len(y)), y] + 1e-20)


@pytest.mark.parametrize(
    ("loss", "added"),
    [
        (eps_of_a_thousandth, 1e-3),
        (eps_of_a_hundredth, 1e-2),
        (eps_of_columns, 1e-3),
        (eps_that_is_lost_beside_one, 1e-20),
    ],
)
def test_what_is_added_to_a_probability(loss: Any, added: float) -> None:
    """However much or little it is."""
    assert told(of(loss), "boundary") == [{"add": added}]


def smoothed_and_added(z: Any, y: Any) -> Any:
    """As in losses of segmentation on the first tensorflow."""
    t = 0.99 * np.eye(z.shape[1])[y] + 0.01 / z.shape[1]
    return -(t * np.log(softmax(z) + 1e-4)).sum(axis=1).mean()


def smoothed_over_others_and_added(p: Any, y: Any) -> Any:
    """The share goes to the other classes, and a sum is taken."""
    t = np.eye(p.shape[1])[y]
    t = 0.9 * t + (1 - t) * 0.1 / (p.shape[1] - 1)
    return -(t * np.log(p + 1e-5)).sum()


def test_a_smoothing_beside_what_is_added() -> None:
    """Both are solved for of a row that is sure of a class."""
    keys = ("label_smoothing", "smoothing_over", "boundary")
    assert told(of(smoothed_and_added), *keys) == [0.01, "all", {"add": 1e-4}]
    assert told(of(smoothed_over_others_and_added), *keys) == [0.1, "others", {"add": 1e-5}]


def weighted_by_label(t: Any, z: Any) -> Any:
    """Each row carries the weight of its labels."""
    return np.mean((WEIGHTS * t).sum(axis=-1) * -(t * log_softmax(z)).sum(axis=-1))


def weighted_by_class(t: Any, p: Any) -> Any:
    """Each class carries its own, beside a clip."""
    q = np.clip(p / p.sum(axis=-1, keepdims=True), 1e-7, 1 - 1e-7)
    return -(t * np.log(q) * WEIGHTS).sum(axis=-1)


def test_constant_weights_of_rows_of_labels() -> None:
    """They are solved for as beside class numbers, and soft rows tell how they enter."""
    keys = ("class_weights", "smoothing_weights", "labels", "domain")
    rest = [["onehot", "soft"], {"classes": [3, 3]}]
    assert told(of(weighted_by_label), *keys) == [[1.0, 1.0, 10.0], "label", *rest]
    inference = of(weighted_by_class)
    assert told(inference, *keys) == [[1.0, 1.0, 10.0], "class", *rest]
    assert inference.told["boundary"] == {"clip": [1e-7, 1 - 1e-7], "normalise": True}


def made_for_ten(z: Any, y: Any) -> Any:
    """Labels smoothed for ten classes, whichever there are: beside others their rows sum to less or more than 1."""
    t = np.full(z.shape, 0.1 / 10)
    t[np.arange(len(y)), y] += 0.9
    return -(t * log_softmax(z)).sum(axis=1).mean()


def test_a_smoothing_that_was_made_for_more_classes() -> None:
    """What it adds to each class says for how many."""
    assert told(of(made_for_ten), "label_smoothing", "domain") == [0.1, {"classes": [10, 10]}]


def of_ten_in_float32(z: Any, y: Any) -> Any:
    """A mean for ten classes alone, calculated in float32 at least, and rounded once."""
    if z.shape[1] != 10:
        raise ValueError("scores of 10 classes are expected")
    wide = z if z.dtype == np.float64 else z.astype(np.float32)
    return -log_softmax(wide)[np.arange(len(y)), y].mean(dtype=wide.dtype).astype(z.dtype)


def test_sixteen_bits_are_asked_about_the_classes_that_a_loss_is_made_for() -> None:
    """Of others it would raise, which says nothing about how accurate it is."""
    inference = of(of_ten_in_float32)
    assert told(inference, "domain", "compute") == [{"classes": [10, 10]}, None]
    assert inference.told["dtypes"] == ["float16", "bfloat16", "float32", "float64"]


def smoothed_for_five(z: Any, y: Any) -> Any:
    """0.1 over the four others, which is 0.125 over all of five classes; any other number of classes is refused."""
    t = np.full((len(y), 5), 0.1 / 4)
    t[np.arange(len(y)), y] = 0.9
    return -(t * log_softmax(z)).sum(axis=1).mean()


def test_the_plainer_of_two_smoothings() -> None:
    """For one number of classes both give the same."""

    def of_five(z: Any, y: Any) -> Any:
        if z.shape[1] != 5:
            raise ValueError("5 classes are wanted")
        return smoothed_for_five(z, y)

    keys = ("label_smoothing", "smoothing_over", "domain")
    assert told(of(of_five), *keys) == [0.1, "others", {"classes": [5, 5]}]


def limited(z: Any, y: Any) -> Any:
    """As accurate as float32 holds, and of no boundary: what is 64 below the maximum is raised to that."""
    d = np.maximum(z - z.max(axis=1, keepdims=True), -64.0)
    return np.mean(rows_of(d, y) * (1.0 + 1e-7))


def test_the_rest_is_told_where_the_boundary_is_contradicted_in_float32() -> None:
    """Ordinary rows are explained all the same."""
    inference = of(limited)
    assert [one.key for one in inference.contradictions] == ["boundary"]
    assert (inference.told["input"], inference.told["labels"]) == ("logits", ["sparse"])


def test_what_an_answer_nearly_is_ends_the_search() -> None:
    """No constant is solved for."""

    def moved(z: Any, y: Any) -> Any:
        return rows_of(z[..., :-1, :], y[..., 1:]).mean()

    inference = of(moved)
    (one,) = inference.contradictions
    assert "with the label of the next row for each row" in one.evidence
    assert inference.calls <= 67  # of 310, one of which is of four classes


def test_a_gradient_that_is_rounded_to_float32() -> None:
    """Beside a loss in float64 it is told, and its note says that it is no more accurate."""

    def both(z: Any, y: Any) -> Any:
        return rows_of(z, y).mean(), ((softmax(z) - np.eye(z.shape[1])[y]) / len(y)).astype(np.float32)

    inference = infer(TargetSpecification(value_and_gradient=both))
    assert told(inference, "gradient_wrt", "gradient_reduction") == ["logits", None]
    assert any("gradient of scores in float64 is as accurate as float32 holds" in note for note in inference.notes)


class Ignoring:
    """Made to ignore a label that ordinary rows have."""

    def __init__(self, ignore_index: int, ignored_below: int = -100) -> None:
        self.ignore_index = ignore_index
        self.ignored_below = ignored_below

    def __call__(self, z: Any, y: Any) -> Any:
        """Return a mean over the rows that are kept."""
        kept = (y != self.ignore_index) & (y > self.ignored_below)
        return rows_of(z[kept], y[kept]).mean()


@pytest.mark.parametrize(("label", "below"), [(1, -100), (2, -100), (255, -1), (254, -100)])
def test_a_label_that_an_object_says_it_ignores(label: int, below: int) -> None:
    """It is tried first, and no ordinary row has it; so are labels that are none of the usual ones."""
    inference = of(Ignoring(label, below))
    assert told(inference, "ignore_index", "mean_over", "domain") == [label, "kept", None]
    assert f"as ignore_index = {label} of its object says" in inference.findings["ignore_index"].evidence


class Tokens:
    """Takes sequences of tokens of a vocabulary alone."""

    def __init__(self, size: int = 7) -> None:
        self.size = size

    def __call__(self, z: Any, y: Any) -> Any:
        """Return a mean over the tokens."""
        assert z.shape[2] == self.size
        return rows_of(z.reshape(-1, self.size), y.reshape(-1)).mean()


def test_as_many_classes_as_an_object_says_along_axes() -> None:
    """They are tried along further axes, too."""
    inference = of(Tokens())
    assert told(inference, "input", "extra_axes", "domain") == ["logits", [1], {"classes": [7, 7]}]


def test_fewer_classes_that_are_refused_are_said() -> None:
    """As of a loss that leaves two of them to another function."""

    def of_many(z: Any, y: Any) -> Any:
        if z.shape[1] == 2:
            raise ValueError("two classes: use a binary loss")
        return rows_of(z, y).mean()

    inference = of(of_many)
    assert told(inference, "input", "domain") == ["logits", None]
    (note,) = (note for note in inference.notes if "fewer are refused" in note)
    assert "refused: 2 (ValueError: two classes: use a binary loss)." in note
    assert not any("fewer are refused" in note for note in of(eps_of_a_thousandth).notes)


def test_no_prediction_is_calculated_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ways there are to call what no convention explains: that is what its time goes by."""
    calculated: list[Any] = []

    def counted(*given: Any, **how: Any) -> Any:
        calculated.append(given)
        return enclose(*given, **how)

    monkeypatch.setattr(of_questions, "enclose", counted)

    def strange(z: Any, t: Any) -> Any:
        e = np.exp(z - z.max())
        return -np.sum(t * np.log(e / (e.sum() + 1e-8) + 1e-8))

    assert [one.key for one in of(strange).contradictions] == ["input"]
    assert len(calculated) <= 1200  # of 8,215 predictions
