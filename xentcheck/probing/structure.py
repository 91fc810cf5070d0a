"""What can be told of answers that no convention explains: by what they do not depend on, whatever the numbers are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xentcheck.probing.answers import Answer
from xentcheck.probing.classes import suppose_classes
from xentcheck.probing.compare import answered, same
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import shown

_LEAST = 3
"""How many classes an answer has at least from which anything is told."""
_OFFSET = -4.0
_STEP = 2.0**-17


def find_structure(questions: Questions, inference: Inference, answers: Sequence[Answer]) -> None:
    """Tell how a loss is called and read that is none by any convention, so that its mistake can be shown.

    A wrong loss still takes its arguments in an order; logits may be negative, probabilities have no logarithm then; of
    log-probabilities only the label's counts; a sum is doubled where all rows are there twice, a mean is not.
    """
    found = [one for one in answers if one.m >= _LEAST and one.got.size and np.all(np.isfinite(one.got))]
    one = min(found, key=lambda one: one.m, default=None)
    if one is None or questions.part != "loss":
        return
    questions.form, questions.label_dtype, questions.wide = one.form
    questions.dtype, questions.m = one.dtype, one.m
    questions.learn(**one.how)
    called = f"{shown(one.batch)}: {answered(one.got)}"
    for key, value in one.how.items():
        if key != "extra_axes" or value:
            inference.suppose(key, [value] if key == "extra_axes" else value, f"the first that is answered: {called}")
    inference.suppose("labels", [one.form[0]], f"the first that are answered: {called}")
    suppose_classes(questions, inference)
    _scores(questions, inference, one)
    _reduction(questions, inference, one)
    _gradient(questions, inference, one)


def _scores(questions: Questions, inference: Inference, one: Answer) -> None:
    """Tell what the scores are; logits, unless only probabilities are answered or only the label's score counts."""
    unit = 1e-6 if one.dtype == "float64" else 1e-3
    offset = one.batch.scores.dtype.type(_OFFSET)
    negative = one.batch.replace(scores=one.batch.scores + offset)
    lower = one.batch.replace(scores=offset * (one.batch.scores + one.batch.scores.dtype.type(1)))
    got, below = questions.numbers(negative), questions.numbers(lower)
    refused = got is None or not np.all(np.isfinite(got))
    clipped = got is not None and below is not None and same(below, got, unit) and not same(got, one.got, unit)
    if (refused or clipped) and one.batch.scores.min() >= 0:
        what = "no logarithm is taken of negative scores" if refused else "all negative scores are alike"
        inference.suppose("input", "probabilities", f"{shown(negative)}: {answered(got)}: {what}")
        return
    moved = one.batch.scores.copy()
    moved[:, 0] += offset  # no label of the rows
    other = one.batch.replace(scores=moved)
    got = questions.numbers(other)
    if got is not None and same(got, one.got, unit) and one.batch.scores.max() < 0:
        evidence = f"{answered(one.got)}, and {shown(other)}: {answered(got)}: other classes change nothing"
        inference.suppose("input", "log_probabilities", evidence)
    else:
        inference.suppose("input", "logits", f"{shown(negative)} is answered, too")


def _reduction(questions: Questions, inference: Inference, one: Answer) -> None:
    if one.got.ndim:
        inference.suppose("reduction", "none", f"{one.batch.n} rows give {answered(one.got)}")
        return
    batch = one.batch.rows(np.tile(np.arange(one.batch.n), 2))
    got = questions.numbers(batch)
    if got is None or got.shape != () or not one.got:
        return
    ratio = float(got / one.got)
    for times, reduction in ((1.0, "mean"), (2.0, "sum")):
        if abs(ratio - times) < 1e-3:
            inference.suppose("reduction", reduction, f"{answered(one.got)}, and {answered(got)} with each row twice")


def _gradient(questions: Questions, inference: Inference, one: Answer) -> None:
    """Tell that a gradient is that by the scores as they are given, where the loss moves with them as it says."""
    kind = inference.structure["input"].value
    if kind == "logits" or one.dtype != "float64" or not questions.description.has_gradient:
        return
    gradient = questions.numbers(one.batch, "gradient")
    if gradient is None or gradient.shape != one.batch.scores.shape:
        return
    for place in np.ndindex(gradient.shape):
        sums = []
        for step in (_STEP, -_STEP):
            scores = one.batch.scores.copy()
            scores[place] += step
            moved = questions.numbers(one.batch.replace(scores=scores))
            sums.append(np.nan if moved is None else float(moved.sum()))
        slope = (sums[0] - sums[1]) / (2 * _STEP)
        if not abs(slope - gradient[place]) <= 1e-4 * max(1.0, abs(slope)):
            return
    evidence = f"the gradient of {shown(one.batch)} is {answered(gradient)}, by which the loss changes with the scores"
    inference.suppose("gradient_wrt", kind, evidence)
