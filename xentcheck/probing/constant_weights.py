"""Constant class weights, from rows whose classes are alike; of a mean over them, from such a row beside another.

Alone, such a row has the loss f log m, where f is its weight; 1 where a mean is over the weights, and no number where
it is over nothing, since the label is ignored. With a smoothing in which each class carries its weight and a mean over
those of the labels f_y is 1 - eps + eps w/w_y, w the mean of the weights, of which no more than the ratios show: so
w_y/w is eps/(f_y - 1 + eps), and the eps is the one for which these average to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.probing.compare import LOOSE, Floats, same
from xentcheck.probing.digits import DIGITS, is_written, nice
from xentcheck.probing.questions import Questions

_MOST_CLASSES = 16
_DOUBTED = 3
"""How many classes are asked about before it is doubted that there are weights: each number may cost compilations."""
_STEPS = 6
_GRID, _HALVINGS = 64, 60


def solve_weights(questions: Questions) -> Iterator[dict[str, Any]]:
    """Solve for constant class weights: the loss of each class over the unweighted one."""
    if questions.part != "loss" or _takes_class_numbers_in_float32(questions):
        return
    means = ("rows", "weights") if questions.contract.reduction == "mean" else ("rows",)
    found = _of_each_class(questions)
    counted = [value for value in found if not np.isnan(value)]
    if counted and all(value == 1.0 for value in counted) and questions.contract.reduction == "mean":
        found, means = _beside_another(questions, found), ("weights",)
    elif len(counted) < len(found):
        means = ("kept",)
    if len(found) < 3 or any(value < 0 or np.isinf(value) for value in found) or len({*found}) == 1:
        return  # the same for each class is no weight, but a factor
    nothing = [label for label, value in enumerate(found) if not value > 0]
    for mean in means:
        if len(nothing) == 1 and _is_ignored(questions, nothing[0]):
            weights = [value if value > 0 else 1.0 for value in found]  # that of the ignored one does not show
            yield {"class_weights": weights, "ignore_index": nothing[0], "mean_over": mean}
        if not np.isnan(found).any():
            yield {"class_weights": found, "mean_over": mean}
            yield from _weights_beside_smoothing(questions, np.array(found), mean)
    if means == ("rows", "weights"):
        yield from _by_class_over_the_weights(questions, np.array(found))


def _takes_class_numbers_in_float32(questions: Questions) -> bool:
    """Return whether class numbers are refused beside float64 and taken beside float32, in which weights are then.

    Rows of labels, which may be weighted by another convention, are left for them.
    """
    if questions.form == "sparse":
        return False
    narrow, wide = (
        questions.ask(questions.batch(questions.rows(2), questions.labels(2), "sparse", dtype)).raised is None
        for dtype in ("float32", "float64")
    )
    return narrow and not wide


def _is_ignored(questions: Questions, label: int) -> bool:
    """Return whether a row does not count, whatever its scores are; of weight 0 a nan would be one still."""
    plain = questions.rows(2)
    hidden = plain.copy()
    hidden[1] = np.nan
    labels = [(label + 1) % questions.m, label]
    got, without = (questions.numbers(questions.batch(rows, labels)) for rows in (hidden, plain))
    return without is not None and bool(np.all(np.isfinite(without))) and same(got, without, 0.0)


def _by_class_over_the_weights(questions: Questions, found: Floats) -> Iterator[dict[str, Any]]:
    """Solve for weights that each class carries within a smoothing, in a mean over those of the labels."""

    def off(smoothing: float) -> float:
        return float(np.mean(smoothing / (found - 1.0 + smoothing))) - 1.0

    least = max(0.0, 1.0 - float(found.min()))
    if not least < 1.0:
        return
    grid = least + (1.0 - least) * np.linspace(0.0, 1.0, _GRID + 2)[1:-1]
    signs = np.sign([off(one) for one in grid])
    for place in np.flatnonzero(signs[:-1] * signs[1:] < 0):
        low, high = grid[place], grid[place + 1]
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if np.sign(off(middle)) == signs[place] else (low, middle)
        ratios = low / (found - 1.0 + low)
        yield {
            "class_weights": [nice(float(one), "float32") for one in ratios / ratios[0]],
            "mean_over": "weights",
            "label_smoothing": nice(float(low), "float32"),
            "smoothing_weights": "class",
        }


def _of_each_class(questions: Questions) -> list[float]:
    """Return the loss of each class over the unweighted one; [] where there is none, or no end of classes."""
    found: list[float] = []
    for m in range(2, _MOST_CLASSES + 1) if questions.form == "sparse" else ():  # rows have as many classes as weights
        for label in (0, 1) if not found else (m - 1,):
            value = _over_the_unweighted(questions, m, label)
            if value is None:
                break
            found.append(value)
        if len(found) < m:
            break
        if m == _DOUBTED and not any(value != 0 for value in found):
            return []  # as of a softmax along the rows, of which there is one
        if m == _DOUBTED and not all(map(_may_be_a_weight, found)) and _depends_on_classes(questions, found[:2]):
            return []
        if m > 2 and all(value == 1.0 for value in found):
            return found
    if not found:  # as many as there are weights, and no fewer
        for label in range(questions.m):
            value = _over_the_unweighted(questions, questions.m, label)
            if value is None:
                return []
            found.append(value)
    return found if len(found) < _MOST_CLASSES else []


def _may_be_a_weight(value: float) -> bool:
    return bool(np.isnan(value)) or is_written(value)  # of few digits, or of a class that is ignored


def _depends_on_classes(questions: Questions, of_two: Sequence[float]) -> bool:
    """Return whether the weight of a class is another among more classes than two, so that it is none.

    A weight of 0 may be that of class 0 in a product with the number of the class, whatever there is beside it.
    """
    label = next((place for place, one in enumerate(of_two) if one), 0)
    again = _over_the_unweighted(questions, _DOUBTED, label)
    return again is None or abs(again - of_two[label]) > LOOSE * max(1.0, abs(of_two[label]))


def _beside_another(questions: Questions, alone: list[float]) -> list[float]:
    """Return weights by which a mean is divided, of which no more than the ratios show: that of the first is 1 here.

    Where a mean is over nothing alone, its label has none.
    """
    unlike, alike = questions.rows(1), questions.rows(1) * 0.0
    if questions.contract.input != "logits":
        alike = np.full((1, questions.m), 1.0 / questions.m)
        alike = np.log(alike) if questions.contract.input == "log_probabilities" else alike
    nothing = {label for label, value in enumerate(alone) if np.isnan(value)}  # of as many classes as were asked about
    found = [0.0 if label in nothing else 1.0 for label in range(questions.m)]
    base = next((label for label, value in enumerate(found) if value), questions.m)
    for label in range(base + 1, questions.m):
        if not found[label]:
            continue
        batches = [
            questions.batch(rows, labels)
            for rows, labels in ((unlike, [base]), (alike, [label]), (np.vstack([unlike, alike]), [base, label]))
        ]
        answers = [questions.numbers(batch) for batch in batches]
        if any(one is None or one.size != 1 for one in answers):
            return []
        first, second, both = (float(one.reshape(-1)[0]) for one in answers if one is not None)
        if both == second:
            return []
        with np.errstate(all="ignore"):
            found[label] = nice((first - both) / (both - second), "float32")
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
    if got is None or got.shape != questions.predict(batch).shape:
        return
    solved = [
        one for by in ("label", "class", "mean") if (one := _with_smoothing(questions, found, mean, by, batch, got))
    ]
    # What is solved for by one convention may be what another gives of plainer numbers.
    yield from sorted(solved, key=lambda one: len(repr(one["class_weights"])))


def _with_smoothing(
    questions: Questions, found: Floats, mean: str, by: str, batch: Batch, got: Floats
) -> dict[str, Any] | None:
    """Return weights and the smoothing by which an answer is explained; None where there is none."""

    def of(smoothing: float, digits: str) -> dict[str, Any]:
        own = found if by == "label" else (found - smoothing * found.mean()) / (1.0 - smoothing)
        own = own / own[0] if mean == "weights" and own[0] > 0 else own
        weights = [max(nice(float(one), digits), 0.0) for one in own]
        return {"class_weights": weights, "mean_over": mean, "label_smoothing": smoothing, "smoothing_weights": by}

    def off(smoothing: float) -> float:
        return float(np.sum(questions.predict(batch, None, **of(smoothing, "float64")) - got))

    value, before = 0.2, 0.1
    at, at_before = off(value), off(before)
    for _ in range(_STEPS):
        if at in (0.0, at_before) or not np.isfinite(at):
            break
        step = at * (value - before) / (at - at_before)
        value, before, at_before = float(np.clip(value - step, 0.0, 0.95)), value, at
        at = off(value)
    smoothing = nice(value, "float32")
    return of(smoothing, "float32") if 0 < smoothing < 1 else None
