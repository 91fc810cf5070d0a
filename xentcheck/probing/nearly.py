"""What an answer that no convention explains would be, if one thing about it were another: said to its reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.probing.answers import Answer, hypotheses, rows_for
from xentcheck.probing.compare import TOLERANCE, same
from xentcheck.probing.digits import nice
from xentcheck.probing.divergence import divergence
from xentcheck.probing.questions import Questions


def nearly(questions: Questions, answers: Sequence[Answer]) -> tuple[Answer, str]:
    """Return the first answer that is nearly a cross-entropy, and what it is one of; the first and "" where none is.

    Parameters
    ----------
    questions : Questions
    answers : sequence of Answer
        None of them is explained by a convention.
    """
    of_classes = answers[0].form[0] == "sparse"
    for one in answers:
        limit = max(questions.tolerance(one.batch), TOLERANCE["float32"])  # in which it may be calculated
        for change in hypotheses(questions.part, one):
            for batch, factor, words in _variants(one, one.form[0] == "sparse" or not of_classes):
                wanted = factor * questions.predict(batch, **{**one.how, **change})
                if np.any(wanted) and same(one.got, wanted, limit):
                    return one, f"but that of {_what(change)}, {words}"
            if same(one.got, np.exp(questions.predict(one.batch, **{**one.how, **change})), limit):
                return one, f"but the exponential of that of {_what(change)}, its perplexity: return the loss itself"
        if words := _of_two_alternatives(one, limit) or divergence(one, limit):
            return one, words
    return answers[0], ""


def times(questions: Questions, answers: Sequence[Answer]) -> str:
    """Return what several answers are a cross-entropy of, each times the same number; "" where they are none."""
    for first in answers:
        alike = [one for one in answers if _called(one) == _called(first)]
        for change in hypotheses(questions.part, first):
            ratios = [_ratios(questions, one, change) for one in alike if change in hypotheses(questions.part, one)]
            found = np.hstack([np.zeros(0), *ratios])
            if found.size < _ENOUGH or not np.all(np.isfinite(found)):
                continue
            number = nice(float(np.median(found)), "float32")
            if number > 0 and np.all(np.abs(found - number) <= TOLERANCE["float32"] * number):
                return f"but that of {_what(change)}, times {number:g}: {_advice(first, number)}"
    return ""


def _called(one: Answer) -> tuple[Any, ...]:
    return one.form, one.dtype, one.m, tuple(one.how.items())


def _advice(one: Answer, number: float) -> str:
    """Return what to do about a factor, which may be how many rows there are beside the first axis."""
    beside = rows_for(one.how["extra_axes"], one.m) // rows_for(0, one.m)
    if one.how["extra_axes"] and number == beside:
        return (
            "as a sum over all axes but the first, and a mean over that; return one loss a row, or either of all rows"
        )
    return "no key of a contract multiplies a loss; return it without the factor"


_LEAST = 2
_ENOUGH = 2
"""How many numbers at least have to be the same multiple of what is expected."""


def _ratios(questions: Questions, one: Answer, change: Mapping[str, Any]) -> NDArray[Any]:
    """Return what each number of an answer is times what a convention gives."""
    wanted = questions.predict(one.batch, **{**one.how, **change})
    with np.errstate(all="ignore"):
        return (one.got / wanted).reshape(-1) if wanted.shape == one.got.shape else np.array([np.nan])


_REDUCED = {"mean": "averaged", "sum": "summed", "none": "one a row"}


def _what(change: Mapping[str, Any]) -> str:
    return f"{change['input'].replace('_', '-')}, {_REDUCED[change['reduction']]}"


def _of_two_alternatives(one: Answer, limit: float) -> str:
    """Return the words for a loss in which each class is asked on its own whether it is the label; "" if it is none."""
    labels, scores = one.batch.labels.astype(np.float64), one.batch.scores.astype(np.float64)
    if one.batch.label_form == "sparse":
        labels = one_hot(labels.reshape(-1).astype(np.int64), one.m, np.float64)
    with np.errstate(all="ignore"):
        given = -labels * np.log(scores) - (1.0 - labels) * np.log1p(-scores)
    for each, of in ((given, "probabilities"), (np.logaddexp(0.0, scores) - labels * scores, "logits")):
        rows = each.sum(axis=-1)
        ways = ((rows.mean(), "averaged"), (rows.sum(), "summed"), (rows, "one a row"), (each, "one a number"))
        for reduced, how in ways:
            for factor in (1.0, 1.0 / one.m)[: 1 if one.m <= _LEAST else 2]:
                if np.any(reduced) and same(one.got, np.asarray(factor * reduced), limit):
                    over = "" if factor == 1.0 else ", over the number of classes"
                    return (
                        f"but the binary cross-entropies of {of} of each class, {how}{over}: -t log p - (1 - t) "
                        "log(1 - p), which is another loss, and of two classes alone twice a cross-entropy"
                    )
    return ""


def _softmax(scores: NDArray[Any]) -> NDArray[Any]:
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True))


def _variants(one: Answer, meant: bool) -> Iterator[tuple[Batch, Any, str]]:
    """Yield what an answer may be of, times what, and in which words.

    That labels change nothing is no matter where they are not `meant`: rows of them, for what takes class numbers.
    """
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
    for weight in (1.0, float(one.m)) if meant else ():
        yield one.batch.replace(labels=uniform, label_form="soft"), weight, words
    if one.m > _LEAST:  # else a half may be any
        words = "divided by the number of classes: if a mean is taken over all numbers, take it over rows"
        yield one.batch, 1.0 / one.m, words
    yield one.batch, 1.0 / np.log(2.0), "in bits: a cross-entropy is in nats here, by the natural logarithm"
    yield one.batch, 1.0 / np.log(10.0), "by the logarithm to base 10: a cross-entropy is by the natural logarithm here"
