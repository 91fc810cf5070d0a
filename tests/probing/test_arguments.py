"""What an argument of a call is, is told by what it does; its name says only what is tried first."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tests.probing.unseen import log_softmax
from xentcheck.probing import Inference, infer, infer_undeclared, taken
from xentcheck.targets import TargetError, TargetSpecification


def rows_of(z: Any, y: Any) -> Any:
    """Return one loss a row."""
    return -log_softmax(z)[np.arange(len(y)), y]


def weights_of_rows(z: Any, y: Any, weight: Any = None) -> Any:
    """The usual name of class weights."""
    losses = rows_of(z, y)
    return losses if weight is None else losses * weight


def weights_of_rows_or_a_number(z: Any, y: Any, weights: Any = 1.0) -> Any:
    """One weight for all rows unless they are given; divided by how many are not 0, as in older tensorflow."""
    losses = rows_of(z, y)
    all_weights = np.broadcast_to(weights, losses.shape)
    return (losses * all_weights).sum() / max((all_weights != 0).sum(), 1)


def weights_of_classes(z: Any, y: Any, sample_weight: Any = None) -> Any:
    """The usual name of row weights; those of the classes all the same."""
    losses = rows_of(z, y)
    return losses if sample_weight is None else losses * sample_weight[y]


def unknown_name(z: Any, y: Any, alpha: float) -> Any:
    """A smoothing."""
    logs = log_softmax(z)
    return ((1 - alpha) * rows_of(z, y) - alpha * logs.mean(axis=1)).mean()


def unknown_default(z: Any, y: Any, heat: float = 1.0, verbose: bool = False, note: Any = None) -> Any:
    """A temperature beside what does nothing."""
    return rows_of(z / heat, y).mean()


def two_at_once(z: Any, y: Any, a: Any, b: float) -> Any:
    """Row weights and a divisor, under names that say nothing."""
    return (rows_of(z, y) * a).sum() / b


def padding(z: Any, y: Any, mask: Any = None) -> Any:
    """A mask that is True where a row does not count."""
    return rows_of(z, y).sum() if mask is None else (rows_of(z, y) * (1 - mask)).sum()


def both_weights(z: Any, y: Any, weight: Any, sample_weight: Any, ignore_index: int = -100) -> Any:
    """Weights of classes and rows, and ignored rows: the mean over the products."""
    kept = y != ignore_index
    safe = np.where(kept, y, 0)
    w = weight[safe] * sample_weight * kept
    return (rows_of(z, safe) * w).sum() / w.sum()


def averaged_over_rows(z: Any, y: Any, mask: Any) -> Any:
    """A mask whose mean is over all rows."""
    return (rows_of(z, y) * mask).mean()


def averaged_over_kept(z: Any, y: Any, sample_weight: Any) -> Any:
    """Weights whose mean is over the rows that count."""
    return (rows_of(z, y) * sample_weight).sum() / (sample_weight > 0).sum()


def out_of_range_is_0(z: Any, y: Any, weight: Any = None) -> Any:
    """One-hot rows, which are 0 for a label of -100, and a mean over weights, which such a row keeps."""
    hot = (y[:, None] == np.arange(z.shape[1])).astype(z.dtype)
    losses = -(hot * log_softmax(z)).sum(axis=1)
    return losses.mean() if weight is None else (losses * weight).sum() / weight.sum()


def images(z: Any, y: Any) -> Any:
    """Scores (N, C, d) alone."""
    n, c, d = z.shape
    return rows_of(np.moveaxis(z, 1, -1).reshape(n * d, c), y.reshape(-1)).mean()


def clipped_at(t: Any, p: Any, eps: float = 1e-15) -> Any:
    """A boundary's constant as an argument, where a z-loss of probabilities would be 0."""
    return -(t * np.log(np.clip(p, eps, 1 - eps))).sum(axis=1).mean()


def constant_and_padding(p: Any, y: Any, eps: float = 1e-7, ignore_index: int = 0) -> Any:
    """A number that may be any option, none of logits alone among them, beside a label that is ignored."""
    counts = y != ignore_index
    return -(np.log(p[np.arange(len(y)), y] + eps) * counts).sum() / counts.sum()


EXPECTED: dict[Any, dict[str, Any]] = {
    weights_of_rows: {"row_weights": {"argument": "weight"}, "class_weights": None, "reduction": "none"},
    weights_of_rows_or_a_number: {"row_weights": {"argument": "weights"}, "class_weights": None, "mean_over": "kept"},
    weights_of_classes: {"class_weights": {"argument": "sample_weight"}, "row_weights": None, "reduction": "none"},
    constant_and_padding: {
        "ignore_index": {"argument": "ignore_index"},
        "boundary": {"add": 1e-7},
        "mean_over": "kept",
    },
    unknown_name: {"label_smoothing": {"argument": "alpha"}, "smoothing_over": "all"},
    unknown_default: {"temperature": {"argument": "heat"}},
    two_at_once: {"row_weights": {"argument": "a"}, "divisor": {"argument": "b"}, "reduction": "sum"},
    both_weights: {
        "class_weights": {"argument": "weight"},
        "row_weights": {"argument": "sample_weight"},
        "ignore_index": {"argument": "ignore_index"},
        "mean_over": "weights",
    },
    out_of_range_is_0: {"row_weights": {"argument": "weight"}, "mean_over": "weights", "ignore_index": None},
    averaged_over_rows: {"row_weights": {"argument": "mask"}, "row_weights_as": "bool", "mean_over": "rows"},
    clipped_at: {"boundary": {"clip": [1e-15, 1 - 1e-15]}, "z_loss": None, "input": "probabilities"},
    averaged_over_kept: {"row_weights_as": "numbers", "mean_over": "kept"},
}


def of(function: Any) -> Inference:
    """Return what is inferred of a loss."""
    return infer(TargetSpecification(loss=function))


@pytest.mark.parametrize("function", EXPECTED, ids=lambda one: one.__name__)
def test_roles_are_told_by_what_an_argument_does(function: Any) -> None:
    """Whatever it is called."""
    inference = of(function)
    assert inference.contradictions == []
    assert {key: inference.told.get(key) for key in EXPECTED[function]} == EXPECTED[function]


def test_what_does_nothing_known_is_left_at_its_default() -> None:
    """And a note says so."""
    notes = " ".join(of(unknown_default).notes)
    assert "The argument note was left at its default, None." in notes
    assert "The argument verbose was left at its default, False." in notes


def test_a_mask_the_other_way_round_is_said_to_be_one() -> None:
    """It is not taken for weights, nor given in further calls."""
    inference = of(padding)
    assert inference.contradictions == []
    assert any("The argument mask is a mask of the rows that do not count" in note for note in inference.notes)
    assert "row_weights" not in inference.told
    assert inference.told["reduction"] == "sum"


def test_numbers_are_not_asked_of_a_mask() -> None:
    """They are answered as weights, which the evidence says, and were not meant."""
    one = of(averaged_over_rows).findings["row_weights_as"]
    assert (one.value, one.also) == ("bool", ("numbers", "mask"))


def test_a_check_takes_what_the_call_needs() -> None:
    """Row weights, the sum that is divided, and the axes without which there is no call."""
    for function, keys in (
        (two_at_once, {"row_weights": {"argument": "a"}, "divisor": {"argument": "b"}, "reduction": "sum"}),
        (averaged_over_rows, {"row_weights": {"argument": "mask"}, "row_weights_as": "bool"}),
        (images, {"axis": 1, "extra_axes": [1]}),
    ):
        inference = infer_undeclared(TargetSpecification(loss=function))
        assert inference is not None
        assert taken(inference)[0] == keys


def only(*dtypes: str) -> Any:
    """Return a loss that refuses other dtypes."""

    def loss(z: Any, y: Any) -> Any:
        if z.dtype.name not in dtypes:
            raise TypeError(f"not {z.dtype}")
        return rows_of(z.astype(np.float64), y).mean().astype(z.dtype)

    return loss


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (("float32",), {"dtypes": ["float32"]}),
        (("float64",), {"dtypes": ["float64"]}),
        (("float16", "float32"), {"dtypes": ["float32"]}),
        (("float16", "bfloat16"), {"dtypes": ["float16", "bfloat16"]}),
        (("float16", "float32", "float64"), {}),
    ],
)
def test_a_check_takes_dtypes_where_one_of_the_usual_is_refused(dtypes: tuple[str, ...], expected: Any) -> None:
    """Of 16 bits only where nothing else is answered: what is merely accepted is no promise."""
    inference = infer_undeclared(TargetSpecification(loss=only(*dtypes)))
    assert inference is not None
    assert taken(inference)[0] == expected


def sloppy_in_16_bits(z: Any, y: Any) -> Any:
    """Off in float16 by what a sum of many classes is there; with three nobody sees it."""
    many = z.dtype == np.float16 and z.shape[1] > 8
    return rows_of(z, y).mean() * z.dtype.type(1.05 if many else 1)


def test_16_bits_without_the_accuracy_of_any_promise_are_left_out() -> None:
    """And the evidence says why."""
    inference = of(sloppy_in_16_bits)
    assert inference.told["dtypes"] == ["bfloat16", "float32", "float64"]
    assert "float16 is left out, since" in inference.findings["dtypes"].evidence


def far_out(z: Any, y: Any) -> Any:
    """Right but where one class has the whole probability, where a complement is added that is no constant."""
    logs = log_softmax(z)
    return (rows_of(z, y) + np.where(logs.max(axis=1) > -1e-7, 16.0, 0.0)).mean()


def test_a_constant_smaller_than_any_number_contradicts() -> None:
    """As what a binary cross-entropy adds to each row; numpy warns of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        inference = of(far_out)
    assert [one.key for one in inference.contradictions] == ["boundary"]
    assert "816" in inference.contradictions[0].evidence


def two_of_one(z: Any, y: Any, smoothing: float, label_smoothing: float) -> Any:
    """Nobody can tell which is which."""
    return rows_of(z, y).mean()


def test_two_arguments_of_one_name_are_one_sentence() -> None:
    """It says what to do."""
    with pytest.raises(TargetError, match="wrap it in a function"):
        of(two_of_one)


def in_range(z: Any, y: Any, pad: int = 0) -> Any:
    """An ignored class that has to be one."""
    kept = y != pad
    return (rows_of(z, y) * kept).sum() / kept.sum()


def test_an_ignored_class_is_one_that_can_be_indexed() -> None:
    """So that what a mean of ignored rows alone is can be told; -inf there is nan, times 0."""
    told = of(in_range).told
    assert (told["ignore_index"], told["mean_over"], told["empty_mean"]) == ({"argument": "pad"}, "kept", "nan")
    assert told["nonfinite"] == []


def test_a_row_of_weight_0_may_hold_no_infinity_where_it_is_multiplied() -> None:
    """Off the label neither, since the label of such a row does not count."""
    assert of(averaged_over_rows).told["nonfinite"] == []


@pytest.mark.parametrize(
    "name", ["num_classes", "n_class", "nb_classes", "class_num", "vocab_size", "number_of_labels"]
)
def test_a_number_of_classes_that_is_needed(name: str) -> None:
    """It is no option, and nothing is called to find that out."""
    called = []

    def loss(z: Any, y: Any, classes: Any) -> Any:
        called.append(classes)
        return rows_of(z, y)

    space: dict[str, Any] = {"loss": loss}
    exec(f"def named(z, y, {name}): return loss(z, y, {name})", space)
    with pytest.raises(TargetError, match=f"needs an argument '{name}', which is called a number of classes"):
        of(space["named"])
    assert called == []


def weights_apart(z: Any, t: Any, sample_weight: Any = None, class_weight: Any = None) -> Any:
    """Rows of labels: a mean over the weights of the rows, in which those of the classes do not count."""
    t = t if class_weight is None else t * class_weight
    losses = -(t * log_softmax(z)).sum(axis=1)
    return losses.mean() if sample_weight is None else (losses * sample_weight).sum() / sample_weight.sum()


def test_soft_rows_are_told_where_options_contradict_each_other() -> None:
    """By which no other convention of theirs is shown."""
    inference = infer(TargetSpecification(loss=weights_apart))
    assert [one.key for one in inference.contradictions] == ["mean_over"]
    assert inference.told["labels"] == ["onehot", "soft"]
    assert not any("contract of their own" in note for note in inference.notes)
