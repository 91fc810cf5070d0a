"""Mistakes about rows along several axes: which axis the classes are on, in which order rows are made, how many are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.extra_axes import row_sizes, spread
from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model, log_softmax, one_hot
from xentcheck.diagnosis.prediction import Prediction


def _sizes(model: Model) -> tuple[int, ...]:
    """Return the sizes over which the rows are spread; nothing where they have one axis or there are none."""
    sizes = row_sizes(model.contract.extra_axes, model.n, model.m)
    return sizes if len(sizes) > 1 and model.z.size else ()


def _gathered(array: NDArray[Any], model: Model) -> Floats:
    """Return an array of the shape of the target's scores as rows (n, m)."""
    return np.moveaxis(array, model.contract.axis, -1).reshape(model.n, model.m)


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def one_axis_as_divisor(model: Model) -> Iterator[Prediction]:
    """Yield a mean over the first axis alone, and one over the others alone."""
    sizes = _sizes(model)
    if sizes and model.reduction == "mean":
        for size, key, said in (
            (sizes[0], "divisor_first_axis", "size of the first axis"),
            (model.n // sizes[0], "divisor_other_axes", "number of rows in one item of the first axis"),
        ):
            text = f"The {model.part} is divided by {size}, the {said}; rows of shape {sizes} are {model.n} rows."
            yield Prediction(key, text, model.right * model.divisor / size)


@hypothesis(Rank.REDUCTION, quick=True, partly=True)
def means_of_the_first_axis(model: Model) -> Iterator[Prediction]:
    """Yield means along the other axes, of what counts there, and the mean of these along the first axis."""
    sizes = _sizes(model)
    if not sizes or model.reduction != "mean" or model.contract.mean_over == "rows" or model.part != "loss":
        return
    counts = model.problem.kept if model.contract.mean_over == "kept" else model.row_weights
    sums, shares = (np.asarray(one, np.float64).reshape(sizes[0], -1).sum(axis=1) for one in (model.rows(), counts))
    some = shares != 0
    if some.any():
        text = "The mean is taken along the other axes, of a sentence, say, and then along the first: take that of all"
        text += " rows that count at once."
        total = (sums[some] / shares[some]).sum()
        for items, which in ((sizes[0], "all"), (int(some.sum()), "those with some")):
            yield Prediction("mean_of_means", text, np.asarray(total / items), variant=which)


@hypothesis(Rank.LABELS, quick=True, partly=True)
def labels_in_another_order(model: Model) -> Iterator[Prediction]:
    """Yield labels whose axes are reversed."""
    sizes = _sizes(model)
    if sizes and model.labels is not None:
        labels = model.labels.reshape(sizes).T.reshape(-1)
        text = f"The axes of the labels, of shape {sizes}, are read in another order than those of the scores."
        rows = model.rows(model.coefficients(one_hot(labels, model.m)))
        yield Prediction("labels_misaligned", text, model.finish(rows))


@hypothesis(Rank.SCORES, partly=True)
def other_axes(model: Model) -> Iterator[Prediction]:
    """Yield a softmax along another axis, and rows made by a reshape that leaves the classes where they are."""
    sizes, axis = _sizes(model), model.contract.axis
    if not sizes or model.contract.input != "logits":
        return
    given = np.ascontiguousarray(spread(model.z, sizes, axis))
    for other in range(given.ndim):
        if other != axis % given.ndim:
            logs = _gathered(log_softmax(given, other), model)
            text = (
                f"The softmax runs along axis {other} of scores of shape {given.shape}; classes are along axis {axis}."
            )
            yield Prediction("wrong_axis", text, model.finish(model.rows(logs=(logs, np.exp(logs)))))
    text = f"Scores of shape {given.shape} become rows by a reshape alone, which mixes classes and rows; move axis"
    logs = log_softmax(given.reshape(model.n, model.m))
    mixed = model.finish(model.rows(logs=(logs, np.exp(logs))))
    if model.part == "gradient":
        mixed = _gathered(mixed.reshape(given.shape), model)
        told = f"The gradient of the rows is reshaped to {given.shape}; move its classes to axis {axis} instead."
        yield Prediction("gradient_misaligned", told, _gathered(model.right.reshape(given.shape), model))
    yield Prediction("reshaped_scores", f"{text} {axis} to the end first.", mixed)
