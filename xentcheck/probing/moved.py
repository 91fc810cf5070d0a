"""What a loss is of logits that it moves first: by a scale beside a factor, by a number for each class, by a margin.

Of equal logits let the loss of label k be L_k, and D that of [1, 0, ..., 0] by another label less that by its own.

    scaled and multiplied:  c l(z/T):         L_k = c log m                   and  D = c/T
    a number for each:      l(z + b):         L_k = logsumexp(b) - b_k
    a margin:               l(s(z - a_y)):    L_k = log(1 + (m - 1) e^(s a_k))

so that few answers tell the numbers, and all that was answered shows whether they are right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.probing.answers import Answer, hypotheses
from xentcheck.probing.compare import TOLERANCE, Floats, same
from xentcheck.probing.digits import nice
from xentcheck.probing.questions import Questions
from xentcheck.probing.settling import take

_ENOUGH = 2
"""How many numbers at least have to be explained: one is, by any two that are solved for."""
_MOST = 2
"""How many answers are asked more about."""


def moved(questions: Questions, answers: Sequence[Answer]) -> str:
    """Return in words what several answers are a cross-entropy of logits with, which no contract names; "" if none.

    Parameters
    ----------
    questions : Questions
    answers : sequence of Answer
        None of them is explained by a convention.
    """
    before = questions.contract
    try:
        for first in [one for one in answers if one.m > 2 and not one.how["extra_axes"]][:_MOST]:
            alike = [one for one in answers if (one.form, one.dtype, one.m) == (first.form, first.dtype, first.m)]
            alike = [one for one in alike if one.how == first.how]
            take(questions, first)
            for change in hypotheses(questions.part, first):
                if change["input"] != "logits" or sum(one.got.size for one in alike) < _ENOUGH:
                    continue
                questions.learn(**change)
                for read in (_scaled, _for_each_class, _margin):
                    if words := read(questions, alike):
                        return words
    finally:
        questions.learn(**before.as_mapping())
    return ""


def _scaled(questions: Questions, answers: Sequence[Answer]) -> str:
    level, slope = _level(questions, 1), _slope(questions)
    if not level or not slope or level <= 0 or slope <= 0:
        return ""
    factor = nice(level / float(np.log(questions.m)), "float32")
    temperature = nice(factor / slope, "float32")
    if temperature == 1.0 or not _explain(questions, answers, lambda batch: batch.scores / temperature, factor):
        return ""
    square = ", its square," if np.isclose(factor, temperature**2) else ""
    return (
        f"but that of logits divided by {temperature:g}, times {factor:g}{square} which no key of a contract is: "
        "return it without the factor, and the temperature is one"
    )


def _for_each_class(questions: Questions, answers: Sequence[Answer]) -> str:
    levels = [_level(questions, label) for label in range(questions.m)]
    if any(one is None for one in levels) or len({*levels}) == 1:
        return ""
    added = np.array([levels[0] - one for one in levels])  # type: ignore[operator]
    if not _explain(questions, answers, lambda batch: batch.scores + added, 1.0):
        return ""
    return (
        f"but that of logits to which each class has a number added, [{_written(added)}] beside the first, as of a "
        "log prior: no key of a contract adds to logits; return the loss of those that are given"
    )


def _margin(questions: Questions, answers: Sequence[Answer]) -> str:
    levels = [_level(questions, label) for label in range(questions.m)]
    row = np.zeros((1, questions.m))
    row[0, 0] = 1.0
    own = questions.of_a_row(questions.batch(row, [0]))
    if own is None or any(one is None for one in levels):
        return ""
    with np.errstate(all="ignore"):
        first, *_ = moves = np.log(np.expm1(np.array(levels, np.float64)) / (questions.m - 1.0))
        scale = nice(float(first - np.log(np.expm1(own) / (questions.m - 1.0))), "float32")
    if not np.all(np.isfinite(moves)) or not scale > 0 or not np.any(np.abs(moves) > TOLERANCE["float32"]):
        return ""
    less = moves / scale

    def scores(batch: Batch) -> Floats:
        return np.asarray(scale * (batch.scores - less * _rows_of_labels(batch)))

    if not _explain(questions, answers, scores, 1.0):
        return ""
    times = "" if scale == 1.0 else f"times {scale:g} "
    return (
        f"but that of logits {times}of which the label's has a margin taken away, [{_written(less)}] by class: no key "
        "of a contract is a margin; return the loss of the logits that are given"
    )


def _written(numbers: Floats) -> str:
    return ", ".join(f"{nice(float(one), 'float32') + 0.0:g}" for one in numbers)


def _level(questions: Questions, label: int) -> float | None:
    """Return the loss of equal logits by a label; None where there is no number."""
    loss = questions.of_a_row(questions.batch(np.zeros((1, questions.m)), [label]))
    return loss if loss is not None and np.isfinite(loss) else None


def _slope(questions: Questions) -> float | None:
    """Return by how much the loss of [1, 0, ...] by another label is above that by its own."""
    row = np.zeros((1, questions.m))
    row[0, 0] = 1.0
    other, own = (questions.of_a_row(questions.batch(row, [label])) for label in (1, 0))
    return None if other is None or own is None or not np.isfinite(other - own) else other - own


def _rows_of_labels(batch: Batch) -> Floats:
    if batch.label_form != "sparse":
        return np.asarray(batch.labels, np.float64)
    return np.asarray(one_hot(batch.labels.reshape(-1).astype(np.int64), batch.m, np.float64))


def _explain(questions: Questions, answers: Sequence[Answer], scores: Callable[[Batch], Any], factor: float) -> bool:
    """Return whether all answers are those of other scores, times a factor, as accurately as float32 is."""
    wide = [one.batch.replace(scores=one.batch.scores.astype(np.float64)) for one in answers]
    return all(
        same(one.got, factor * questions.predict(batch.replace(scores=scores(batch))), TOLERANCE["float32"])
        for one, batch in zip(answers, wide, strict=True)
    )
