"""What is told beside what cannot be explained, and what is not taken for a convention that only looks like one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xentcheck.probing import infer, infer_undeclared, taken
from xentcheck.targets import TargetSpecification
from xentcheck.zoo.parts import dense_losses, log_softmax, one_hot, row_losses, smoothed


def from_memory(logs: Any, labels: Any) -> Any:
    """Take a log-probability by its place in memory, 0 beyond it, as a compiled gather without a check does."""
    place = np.arange(len(labels)) * logs.shape[1] + labels
    inside = (place >= 0) & (place < logs.size)
    return -np.where(inside, logs.reshape(-1)[np.where(inside, place, 0)], 0)


def limited(z: Any, y: Any, weight: Any = None, smoothing: float = 0.0) -> Any:
    """Never more than 64, with weights, a smoothing and a mean."""
    logs = np.maximum(log_softmax(z), -64)
    t = smoothed(one_hot(y, z), smoothing)
    w = np.ones(z.shape[1], z.dtype) if weight is None else weight
    return -(t * logs).sum(axis=1) @ w[y.reshape(-1).astype(int)] / w[y.reshape(-1).astype(int)].sum()


def elementwise(z: Any, y: Any, where: Any = None) -> Any:
    """A mask of the shape of the scores, which no contract has."""
    if where is not None and where.shape != z.shape:
        raise ValueError("where has to have the shape of the scores")
    return row_losses(z, y).mean()


def blurred(z: Any, y: Any, smoothing: float = 0.0) -> Any:
    """A smoothing as accurate as float32 holds."""
    share = smoothing * (1 + 2.0**-22)
    return dense_losses(z, smoothed(one_hot(y, z), share)).mean()


def shares_in_float32(z: Any, y: Any) -> Any:
    """Class numbers, or rows of shares in float32 alone, whatever dtype the scores have."""
    if y.ndim == 1 and y.dtype.kind in "iu":
        return row_losses(z, y).mean()
    if y.dtype != np.float32:
        raise TypeError("shares of the classes have to be float32")
    return dense_losses(z, y).mean()


def test_rows_of_labels_in_a_dtype_of_their_own() -> None:
    """Refused in that of the scores, float64, they are understood all the same."""
    told = infer(TargetSpecification(loss=shares_in_float32)).told
    assert told["labels"] == ["sparse", "onehot", "soft"]
    assert told["dense_label_dtypes"] == ["float32"]
    assert told["soft_rows"] == "any"


def without_scalars(z: Any, y: Any, weight: Any = None) -> Any:
    """A mean as an array of one number, as frameworks that have no scalars return it."""
    w = np.ones(z.shape[1]) if weight is None else weight
    return np.reshape((row_losses(z, y) * w[y]).mean(), (1, 1))


def test_a_mean_that_is_an_array_of_one_number() -> None:
    """Every key is told of it; that a number is wanted is noted, and not that one loss a row is."""
    inference = infer(TargetSpecification(loss=without_scalars))
    assert inference.contradictions == []
    assert inference.told["reduction"] == "mean"
    assert inference.told["class_weights"] == {"argument": "weight"}
    assert any("of shape (1, 1)" in note for note in inference.notes)
    assert not any("of shape (1" in note for note in infer(TargetSpecification(loss=row_losses)).notes)


def by_name(p: Any, y: Any) -> Any:
    """A sum over the classes of those that are the label, which a label that is no class is not."""
    return -(np.log(p) * (np.arange(p.shape[1]) == y[:, None])).sum(axis=1)


def by_name_gradient(p: Any, y: Any) -> Any:
    """The gradient p - t by the logits, which is p where no class is the label."""
    return p - (np.arange(p.shape[1]) == y[:, None])


def test_labels_that_are_no_class_are_not_all_ignored() -> None:
    """Their loss is 0 because no class is theirs, as the gradient shows; without one, that it is so of every label."""
    inference = infer(TargetSpecification(loss=by_name, gradient=by_name_gradient))
    assert inference.contradictions == []
    assert inference.told["ignore_index"] is None
    assert any("have a loss of 0, but a gradient" in note for note in inference.notes)
    alone = infer(TargetSpecification(loss=by_name))
    assert alone.told["ignore_index"] is None
    assert any("as bad input that is let pass" in note for note in alone.notes)


def clipped(p: Any, t: Any) -> Any:
    """As networks from scratch have it."""
    return -(t * np.log(np.clip(p, 1e-7, 1 - 1e-7))).sum(axis=1)


def of_clipped(p: Any, t: Any) -> Any:
    """The derivative of the logarithm at what is clipped, which is neither that of the loss nor -t/p."""
    return -t / np.clip(p, 1e-7, 1 - 1e-7)


def of_clipped_elsewhere(p: Any, t: Any) -> Any:
    """The same, clipped at another limit than in the loss."""
    return -t / np.clip(p, 1e-6, 1 - 1e-6)


def stopped(p: Any, t: Any) -> Any:
    """The derivative of the loss, 0 where it is clipped."""
    return np.where((p > 1e-7) & (p < 1 - 1e-7), -t / np.clip(p, 1e-7, 1 - 1e-7), 0)


def test_a_gradient_of_clipped_probabilities_is_noted() -> None:
    """Where it is of no convention, though it agrees with all of them wherever nothing is clipped."""
    words = "Where the boundary is at work the gradient is explained by no convention"
    notes = infer(TargetSpecification(loss=clipped, gradient=of_clipped_elsewhere)).notes
    assert any(words in note and "-1000000." in note for note in notes)
    for gradient, of in ((stopped, "loss"), (of_clipped, "ideal at clip(p)")):
        inference = infer(TargetSpecification(loss=clipped, gradient=gradient))
        assert inference.told["gradient_of"] == of
        assert not any(words in note for note in inference.notes)


def of_rows_or_pixels(z: Any, y: Any) -> Any:
    """Scores (n, m), or images (N, m, H, W); nothing else, as jittor has it."""
    if z.ndim == 4:
        z, y = np.moveaxis(z, 1, -1).reshape(-1, z.shape[1]), y.reshape(-1)
    if z.ndim != 2:
        raise ValueError("rows or images are wanted")
    return row_losses(z, y).mean()


def test_pixels_are_found_where_tokens_are_refused() -> None:
    """One axis more is refused, and two are not."""
    told = infer(TargetSpecification(loss=of_rows_or_pixels)).told
    assert (told["axis"], told["extra_axes"]) == (1, [0, 2])


def test_a_label_read_beyond_the_scores_is_not_ignored() -> None:
    """Whatever lies there; a label that is ignored does not count among many rows, too."""
    assert infer(TargetSpecification(loss=from_memory)).told["ignore_index"] is None

    def ignoring(z: Any, y: Any) -> Any:
        return np.where(y == -100, 0, row_losses(z, np.where(y == -100, 0, y)))

    assert infer(TargetSpecification(loss=ignoring)).told["ignore_index"] == -100


def test_options_are_told_beside_a_boundary_that_is_not_explained() -> None:
    """Ordinary rows are, and show them."""
    inference = infer(TargetSpecification(loss=limited))
    assert [one.key for one in inference.contradictions] == ["boundary"]
    told = inference.told
    assert told["class_weights"] == {"argument": "weight"}
    assert told["label_smoothing"] == {"argument": "smoothing"}
    assert told["mean_over"] == "weights"
    undeclared = infer_undeclared(TargetSpecification(loss=limited))
    assert undeclared is not None
    keys = {one.key: one.standing for one in taken(undeclared)[1]}
    assert keys["boundary"] == "unexplained"
    assert (keys["class_weights"], keys["mean_over"]) == ("fact", "suspicion")


def test_an_argument_that_refuses_weights_is_left_alone() -> None:
    """It is some other thing; no convention is contradicted."""
    inference = infer(TargetSpecification(loss=elementwise))
    assert inference.contradictions == []
    assert any("The argument where was left at its default" in note for note in inference.notes)
    assert any("where has to have the shape" in note for note in inference.notes)


def test_an_option_in_float32_is_told_with_what_it_costs() -> None:
    """By its convention, and that answers in float64 are no better than float32's."""
    inference = infer(TargetSpecification(loss=blurred))
    assert inference.contradictions == []
    assert inference.told["label_smoothing"] == {"argument": "smoothing"}
    assert any("as accurate as float32 holds" in note for note in inference.notes)


@pytest.mark.needs("torch")
def test_the_reduction_of_a_registered_call_is_part_of_it() -> None:
    """One a row is asked for by its keyword, by which labels of each form go alike."""
    told = infer(TargetSpecification(loss="torch.nn.functional.cross_entropy.every_form")).told
    assert (told["reduction"], told["labels"]) == ("none", ["sparse", "onehot", "soft"])
    assert told["exclusive"] == [["onehot", "ignore_index"], ["soft", "ignore_index"]]


def test_weights_that_are_multiplied_by_in_16_bits() -> None:
    """Losses as from float32, whose products with weights are rounded once more."""

    def loss(z: Any, y: Any, weight: Any = None) -> Any:
        rounded = row_losses(z, y).astype(z.dtype)
        return rounded if weight is None else (rounded * weight[y.reshape(-1).astype(int)]).astype(z.dtype)

    told = infer(TargetSpecification(loss=loss)).told
    assert told["dtypes"] == ["float16", "bfloat16", "float32", "float64"]
    assert told["compute"] == "same"
