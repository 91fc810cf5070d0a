"""What an answer that no convention explains would be, if one thing about it were another: said to its reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.probing.answers import Answer, hypotheses
from xentcheck.probing.compare import TOLERANCE, same
from xentcheck.probing.questions import Questions


def nearly(questions: Questions, answers: Sequence[Answer]) -> tuple[Answer, str]:
    """Return the first answer that is nearly a cross-entropy, and what it is one of; the first and "" where none is.

    Parameters
    ----------
    questions : Questions
    answers : sequence of Answer
        None of them is explained by a convention.
    """
    for one in answers:
        for change in hypotheses(questions.part, one):
            for batch, factor, words in _variants(one):
                wanted = factor * questions.predict(batch, **{**one.how, **change})
                limit = max(questions.tolerance(one.batch), TOLERANCE["float32"])  # in which it may be calculated
                if np.any(wanted) and same(one.got, wanted, limit):
                    what = f"{change['input'].replace('_', '-')}, {_REDUCED[change['reduction']]}"
                    return one, f"but that of {what}, {words}"
    return answers[0], ""


_REDUCED = {"mean": "averaged", "sum": "summed", "none": "one a row"}


def _softmax(scores: NDArray[Any]) -> NDArray[Any]:
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def _variants(one: Answer) -> Iterator[tuple[Batch, Any, str]]:
    """Yield what an answer may be of, times what, and in which words."""
    if one.batch.label_form == "sparse" and one.batch.labels.min() >= 1:
        less = one.batch.replace(labels=(one.batch.labels - 1).astype(one.batch.labels.dtype))
        yield less, 1.0, "with each label one less: if it counts classes from 1, write a function that adds 1 to labels"
    if one.batch.n > 1 and not one.how["extra_axes"] and not one.batch.options:
        moved = one.batch.replace(scores=one.batch.scores[:-1], labels=one.batch.labels[1:])
        words = (
            "with the label of the next row for each row: if it moves labels itself, write a function that gives it "
            "the scores with their last row twice and the labels with their first twice"
        )
        yield moved, 1.0, words
    if not one.batch.options:
        words = "of their softmax: if the softmax is taken before, it is taken twice"
        yield one.batch.replace(scores=_softmax(one.batch.scores)), 1.0, words
    uniform = np.full(one.batch.scores.shape, 1.0 / one.m, one.batch.scores.dtype)
    words = "with the same weight on each class: labels of this form change nothing"
    for weight in (1.0, float(one.m)):
        yield one.batch.replace(labels=uniform, label_form="soft"), weight, words
    yield (
        one.batch,
        1.0 / one.m,
        "divided by the number of classes: if a mean is taken over all numbers, take it over rows",
    )
    yield one.batch, 1.0 / np.log(2.0), "in bits: a cross-entropy is in nats here, by the natural logarithm"
