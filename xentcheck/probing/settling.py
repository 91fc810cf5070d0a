"""Taking an answer for what explains it: the call is known from then on, and what it shows is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.extra_axes import row_sizes, spread
from xentcheck.probing.answers import Answer, explanations, hypotheses, meant
from xentcheck.probing.axis_of_one import told_beside, without_axes
from xentcheck.probing.compare import answered
from xentcheck.probing.constants import Constants, Fit, fitted
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.refused_rows import settle_repeats
from xentcheck.probing.show import shown


def take(questions: Questions, one: Answer) -> None:
    """Have the target called from then on as it was for an answer."""
    questions.form, questions.label_dtype, questions.wide = one.form
    questions.dtype, questions.m = one.dtype, one.m
    questions.learn(**one.how)


def settle(questions: Questions, inference: Inference, one: Answer, tolerance: float | None = None) -> bool:
    """Explain an answer by what the scores are and a reduction alone; return whether it is explained so."""
    found = explanations(questions, one, tolerance)
    if not found:
        return False
    take(questions, one)
    questions.learn(**found[0])
    settle_repeats(questions)
    _tell(questions, inference, one, found)
    return True


def settle_without_axis(
    questions: Questions, inference: Inference, one: Answer, by: Callable[[Questions, Inference, Answer], bool]
) -> bool:
    """Explain an answer by one that has an axis of 1 less, which each later answer is taken for."""
    for axis, plain in without_axes(one):
        questions.axis_of_one = axis
        if by(questions, inference, plain):
            inference.notes.append(told_beside(one, plain))
            return True
        questions.axis_of_one = ""
    return False


def settle_with_constant(questions: Questions, inference: Inference, one: Answer) -> bool:
    """Explain an answer by scores, a reduction and one constant."""
    if not np.all(np.isfinite(one.got)):
        return False
    before = questions.contract
    take(questions, one)
    settle_repeats(questions)
    for change in hypotheses(questions.part, one):
        elsewhere = one.batch.scores.min() < 0 and change["input"] != "log_probabilities"
        if elsewhere or questions.predict(one.batch, **change).shape != one.got.shape:
            continue
        questions.learn(**change)
        narrow: list[Constants] = []
        constants = fitted(questions, one.batch, narrow) or _fitted_to_float32(questions, one.batch, narrow)
        if constants is not None:
            tell_with_constants(questions, inference, Fit(one, change, constants, questions.contract.output))
            return True
        questions.narrowly += [Fit(one, change, found, questions.contract.output) for found in narrow]
    questions.repeats = 1
    questions.learn(**before.as_mapping())
    return False


def tell_with_constants(questions: Questions, inference: Inference, found: Fit) -> None:
    """Take an answer for what constants explain, and write down what it shows."""
    _tell(questions, inference, found.answer, [found.change])
    questions.learn(**found.constants.changes)
    for key, value in found.constants.changes.items():
        inference.tell(key, value, found.constants.evidence)


def _fitted_to_float32(questions: Questions, batch: Batch, narrow: list[Constants]) -> Constants | None:
    """Return constants that explain what is answered in float32, where float64 is calculated in part in that.

    Those that explain one number of classes alone are added to `narrow`, if there are none of float64.
    """
    if questions.dtype != "float64":
        return None
    questions.dtype = "float32"
    try:
        return fitted(questions, batch, None if narrow else narrow)
    finally:
        questions.dtype = "float64"


def _tell(questions: Questions, inference: Inference, one: Answer, found: list[dict[str, Any]]) -> None:
    """Write down what one answer shows."""
    chosen = found[0]
    evidence = f"{shown(one.batch)}: {answered(one.got)}"
    others = [
        f"{change['input']}, {change['reduction']}: {answered(questions.predict(one.batch, **change))}"
        for change in ({**chosen, "input": kind} for kind in ("logits", "probabilities", "log_probabilities"))
        if change["input"] != chosen["input"] and meant(change, one.batch)
    ][:1]
    inference.tell("argument_order", one.how["argument_order"], f"the call that is answered so: {evidence}")
    where = f"scores of shape {_given_shape(one)} and labels for {one.batch.n} rows"
    inference.tell("axis", one.how["axis"], where)
    if one.how["extra_axes"]:
        inference.tell("extra_axes", one.how["extra_axes"], f"{where}; rows alone are refused")
    inference.tell("input", chosen["input"], f"{evidence}, as of {chosen['input']} ({'; '.join(others)})")
    also = tuple(change["reduction"] for change in found[1:] if change["input"] == chosen["input"])
    same_gradient = " (the gradient is the same, so that they cannot be told apart)" if also else ""
    as_it = "" if chosen["reduction"] == "none" else f", as the {chosen['reduction']} gives"
    told = f"{one.batch.n} rows give {answered(one.got)}{as_it}{same_gradient}"
    inference.tell("reduction", chosen["reduction"], told, also)
    if chosen["input"] != "logits":
        _require_no_guess(questions, inference)
    if questions.part == "gradient":
        inference.tell("gradient_wrt", chosen.get("gradient_wrt", "logits"), evidence)


def _require_no_guess(questions: Questions, inference: Inference) -> None:
    """Contradict a target that takes rows for logits where they cannot be what they are taken for."""
    batch = questions.batch(questions.rows(2, "logits"), questions.labels(2))
    if questions.agrees(batch, input="logits", gradient_wrt="logits"):
        inference.contradict(
            "input",
            f"{shown(batch)}: {questions.came(batch)}, as of logits; rows that sum to 1 are answered as "
            f"{questions.contract.input}, so that what the scores are is guessed.",
        )


def _given_shape(one: Answer) -> tuple[int, ...]:
    sizes = row_sizes((one.how["extra_axes"],), one.batch.n, one.batch.m)
    return spread(one.batch.scores, sizes, one.how["axis"]).shape
