"""Constant class weights, from rows whose classes are alike; of a mean over them, from such a row beside another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from xentcheck.probing.compare import Floats
from xentcheck.probing.digits import DIGITS, nice
from xentcheck.probing.questions import Questions

_MOST_CLASSES = 16
_STEPS = 6


def solve_weights(questions: Questions) -> Iterator[dict[str, Any]]:
    """Solve for constant class weights: the loss of each class over the unweighted one."""
    if questions.part != "loss" or questions.form != "sparse":
        return
    means = ("rows", "weights") if questions.contract.reduction == "mean" else ("rows",)
    found = _of_each_class(questions)
    if found and all(value == 1.0 for value in found) and questions.contract.reduction == "mean":
        found, means = _beside_the_first(questions), ("weights",)
    if len(found) >= 3 and all(value >= 0 for value in found) and any(value != 1.0 for value in found):
        for mean in means:
            yield {"class_weights": found, "mean_over": mean}
            yield from _weights_beside_smoothing(questions, np.array(found), mean)


def _of_each_class(questions: Questions) -> list[float]:
    """Return the loss of each class over the unweighted one; [] where there is none, or no end of classes."""
    found: list[float] = []
    for m in range(2, _MOST_CLASSES + 1):
        for label in (0, 1) if not found else (m - 1,):
            value = _over_the_unweighted(questions, m, label)
            if value is None:
                break
            found.append(value)
        if len(found) < m:
            break
        if m > 2 and all(value == 1.0 for value in found):
            return found
    if not found:  # as many as there are weights, and no fewer
        for label in range(questions.m):
            value = _over_the_unweighted(questions, questions.m, label)
            if value is None:
                return []
            found.append(value)
    return found if len(found) < _MOST_CLASSES else []


def _beside_the_first(questions: Questions) -> list[float]:
    """Return weights by which a mean is divided, of which no more than the ratios show: that of class 0 is 1 here."""
    unlike, alike = questions.rows(1), questions.rows(1) * 0.0
    if questions.contract.input != "logits":
        alike = np.full((1, questions.m), 1.0 / questions.m)
        alike = np.log(alike) if questions.contract.input == "log_probabilities" else alike
    found = [1.0]
    for label in range(1, questions.m):
        batches = [
            questions.batch(rows, labels)
            for rows, labels in ((unlike, [0]), (alike, [label]), (np.vstack([unlike, alike]), [0, label]))
        ]
        answers = [questions.numbers(batch) for batch in batches]
        if any(one is None or one.size != 1 for one in answers):
            return []
        first, second, both = (float(one.reshape(-1)[0]) for one in answers if one is not None)
        if both == second:
            return []
        with np.errstate(all="ignore"):
            found.append(nice((first - both) / (both - second), "float32"))
    return found if all(map(np.isfinite, found)) and any(value != 1.0 for value in found) else []


def _over_the_unweighted(questions: Questions, m: int, label: int) -> float | None:
    """Return the loss of a row whose m classes are alike over log m, as a number that somebody wrote if it is near."""
    probabilities = np.full((1, m), 1.0 / m)
    scores = {"logits": np.zeros((1, m)), "probabilities": probabilities}.get(questions.contract.input)
    got = questions.of_a_row(questions.batch(np.log(probabilities) if scores is None else scores, [label]))
    if got is None:
        return None
    value = got / float(np.log(m))
    written = nice(value, "float32")
    # What a boundary adds would else be read as many further digits.
    return written if float(f"{written:.{DIGITS}g}") == written else nice(value, questions.dtype)


def _weights_beside_smoothing(questions: Questions, found: Floats, mean: str) -> Iterator[dict[str, Any]]:
    """Solve for a smoothing, too: beside it a row whose classes are alike has the weight found, of which it is part."""
    if found.size != questions.m:
        return
    batch = questions.plain(2)
    got = questions.numbers(batch)
    for by in ("label", "class"):

        def of(smoothing: float, digits: str, by: str = by) -> dict[str, Any]:
            own = found if by == "label" else (found - smoothing * found.mean()) / (1.0 - smoothing)
            weights = [max(nice(float(one), digits), 0.0) for one in own]
            return {"class_weights": weights, "mean_over": mean, "label_smoothing": smoothing, "smoothing_weights": by}

        def off(smoothing: float) -> float:
            assert got is not None
            return float(np.sum(questions.predict(batch, None, **of(smoothing, "float64")) - got))

        if got is None or got.shape != questions.predict(batch).shape:
            return
        value, before = 0.2, 0.1
        at, at_before = off(value), off(before)
        for _ in range(_STEPS):
            if at in (0.0, at_before) or not np.isfinite(at):
                break
            step = at * (value - before) / (at - at_before)
            value, before, at_before = float(np.clip(value - step, 0.0, 0.95)), value, at
            at = off(value)
        smoothing = nice(value, "float32")
        if 0 < smoothing < 1:
            yield of(smoothing, "float32")
            if by == "class":
                yield {**of(smoothing, "float32"), "smoothing_weights": "mean"}
