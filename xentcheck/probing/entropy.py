"""A callable of the scores alone: whether it is the entropy of each row, and of what."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from xentcheck.probing.answers import require_repeatable
from xentcheck.probing.boundary_rows import impossible
from xentcheck.probing.compare import answered
from xentcheck.probing.inference import Inference
from xentcheck.probing.nearly_entropy import REDUCTIONS, nearly_entropy, rows_alone
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said, shown_scores
from xentcheck.targets.parameter import Parameter


def takes_scores_alone(parameters: Sequence[Parameter]) -> bool:
    """Return whether a call can be without labels, as far as the signature says."""
    return bool(parameters) and not any(one.required for one in parameters[1:])


def find_entropy(questions: Questions, inference: Inference) -> bool:
    """Tell an entropy of the scores alone, and what these are; return whether it is one."""
    if questions.part != "loss":
        return False
    for dtype, axis in product(("float64", "float32"), (-1, 0)):
        questions.dtype = dtype
        questions.learn(output="entropy", axis=axis)
        found, words = _explained(questions)
        if found is None and axis == 0 and _more_than_float32(questions):
            break  # in float32 less accuracy would be asked for
        if found is None:
            continue
        questions.learn(**found)
        inference.tell("output", "entropy", f"of the scores alone: {words}")
        inference.tell("axis", axis, f"scores of shape {(2, 3) if axis else (3, 2)}, with classes along axis {axis}")
        inference.tell("input", found["input"], f"{words}, as the entropy of {found['input']}")
        inference.tell("reduction", found["reduction"], f"2 rows: {words}")
        _boundary(questions, inference)
        return True
    if nearly_entropy(questions, inference):
        return True
    questions.dtype = "float64"
    questions.learn(output="loss", axis=-1)
    return False


def _explained(questions: Questions) -> tuple[dict[str, Any] | None, str]:
    """Return what the scores and the reduction are by which all that is asked is an entropy; None where it is none."""
    batch = rows_alone(questions, 2, "probabilities")
    got = questions.numbers(batch)
    if got is None:
        return None, ""
    require_repeatable(questions, batch, got)
    for kind, reduction in product(("logits", "probabilities"), REDUCTIONS):
        change = {"input": kind, "reduction": reduction}
        if not questions.agrees(batch, None, None, **change):
            continue
        others = [rows_alone(questions, n, kind) for n in questions.numbers_of_rows]
        if all(questions.agrees(one, None, None, **change) for one in others):
            return change, f"{shown_scores(batch)}: {answered(got)}"
    return None, ""


def _more_than_float32(questions: Questions) -> bool:
    got = questions.numbers(rows_alone(questions, 2, "probabilities"))
    return got is not None and not np.array_equal(got, got.astype(np.float32), equal_nan=True)


def _boundary(questions: Questions, inference: Inference) -> None:
    """Tell whether rows are divided by their sum, and that a probability of 0 adds nothing."""
    words = []
    if questions.contract.input == "probabilities":
        batch = questions.batch(questions.rows(1) * 0.75, (0,))
        if questions.agrees(batch, boundary={"normalise": True}):
            questions.learn(boundary={"normalise": True})
        words.append(f"{shown_scores(batch)}: {questions.came(batch)}")
    certain = impossible(questions, questions.dtype)
    words.append(f"{shown_scores(certain)}: {said(questions.ask(certain))}")
    if questions.agrees(certain, tolerance=float(np.finfo(questions.dtype).eps) / 4):
        how = "divided by their sum" if questions.contract.boundary.normalise else "taken as they are"
        declared = {"normalise": True} if questions.contract.boundary.normalise else "exact"
        inference.tell("boundary", declared, f"{'; '.join(words)}: rows are {how}, and 0 log 0 is 0")
    else:
        inference.cannot_tell("boundary", f"a probability of 0 adds something to an entropy: {'; '.join(words)}.")
