"""Constants that are built in: smoothing, z-loss, temperature, soft cap; solved for and tried on other batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from xentcheck.probing.boundary import find_boundary
from xentcheck.probing.compare import LOOSE, TOLERANCE, answered
from xentcheck.probing.guard import find_guard
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import shown

_MOST_CLASSES = 16


@dataclass(frozen=True)
class Constants:
    """Keys and values that explain the answers, and the evidence in words."""

    changes: dict[str, Any]
    evidence: str


def find_constants(questions: Questions, inference: Inference) -> None:
    """Find the boundary and the constants of a target whose answers are near those of its contract."""
    if not explained(questions) and (found := fitted(questions)) is not None:
        questions.learn(**found.changes)
        for key, value in found.changes.items():
            inference.tell(key, value, found.evidence)
    if not explained(questions):
        batches = [questions.plain(n) for n in questions.numbers_of_rows]
        find_guard(questions, inference, [*batches, *_of_other_divisors(questions)], [{}])
    near = all(questions.agrees(questions.plain(n), tolerance=2 * LOOSE) for n in questions.numbers_of_rows)
    if not near and not explained(questions):
        _contradict(questions, inference)  # by more than any boundary's constant makes
        return
    if questions.dtype == "float64" and not explained(questions) and _rounded_to_float32(questions):
        _take_float32(questions, inference)  # its boundary is that of float32, too
    find_boundary(questions, inference)
    if explained(questions) or inference.contradictions:
        return
    if questions.dtype == "float64" and _agrees_in_float32(questions):
        _take_float32(questions, inference)
        return
    _contradict(questions, inference)


def _of_other_divisors(questions: Questions) -> Iterator[Any]:
    if questions.contract.divisor is not None:
        yield questions.batch(questions.rows(1), questions.labels(1), divisor=5.0)


def _take_float32(questions: Questions, inference: Inference) -> None:
    inference.notes.append("Scores in float64 are answered as accurately as float32 holds.")
    questions.dtype = "float32"


def _rounded_to_float32(questions: Questions) -> bool:
    """Return whether every answer is a number that float32 holds, as of work in it."""
    answers = [questions.numbers(batch) for batch in _trials(questions)]
    return all(got is not None and np.array_equal(got, got.astype(np.float32)) for got in answers)


def _contradict(questions: Questions, inference: Inference) -> None:
    batch = next((batch for batch in _trials(questions) if not questions.agrees(batch)), None)
    batch = questions.wider() if batch is None else batch
    inference.contradict(
        "input",
        f"{shown(batch)}: {answered(questions.numbers(batch))}, but {questions.contract.input} and the "
        f"reduction {questions.contract.reduction} give {answered(questions.predict(batch))}, and no boundary and no "
        "constant smoothing, z-loss, temperature, soft cap or class weights makes it that.",
    )


def _agrees_in_float32(questions: Questions) -> bool:
    return all(
        questions.agrees(batch, tolerance=TOLERANCE["float32"])
        for batch in (*_trials(questions), *(questions.plain(n, dtype="float32") for n in questions.numbers_of_rows))
    )


def fitted(questions: Questions) -> Constants | None:
    """Return constants that, with what is known, explain every trial; None where there are none."""
    for solve in _SOLVERS:
        for changes in solve(questions):
            before = questions.m
            questions.m = len(changes.get("class_weights", "." * before))
            if explained(questions, **changes):
                batch = questions.plain(1)
                without = answered(questions.predict(batch))
                return Constants(changes, f"{shown(batch)}: {answered(questions.numbers(batch))} (without: {without})")
            questions.m = before
    return None


def _trials(questions: Questions) -> Iterator[Any]:
    for n in questions.numbers_of_rows:
        yield questions.plain(n)
    if questions.contract.input == "logits":
        yield questions.batch(questions.rows(2) * 4.0, questions.labels(2))


def explained(questions: Questions, **changes: Any) -> bool:
    """Return whether ordinary rows are answered as the contract says, with some keys changed."""
    weights = changes.get("class_weights", questions.contract.class_weights)
    any_width = questions.m > 2 and not isinstance(weights, (list, tuple))
    if any_width and _takes(questions, questions.wider()) and not questions.agrees(questions.wider(), **changes):
        return False
    return all(questions.agrees(batch, **changes) for batch in _trials(questions))


def _takes(questions: Questions, batch: Any) -> bool:
    """Return whether a batch is answered; what is made for one number of classes refuses any other."""
    outcome = questions.ask(batch)
    return outcome.raised is None or bool(outcome.died)


def _linear(key: str, highest: float, **beside: Any) -> Callable[[Questions], Iterator[dict[str, Any]]]:
    """Return a solver for a constant below a number, in which the loss is linear."""

    def solve(questions: Questions) -> Iterator[dict[str, Any]]:
        batch = questions.plain(2)
        got = questions.numbers(batch)
        if got is None:
            return
        none, whole = (questions.predict(batch, None, **{key: amount, **beside}) for amount in (0.0, 1.0))
        place = np.unravel_index(np.argmax(np.abs(whole - none)), none.shape)
        if got.shape == none.shape and whole[place] != none[place]:
            value = float((got[place] - none[place]) / (whole[place] - none[place]))
            for known in dict.fromkeys((nice(value, "float32"), nice(value, questions.dtype))):  # the plainer one first
                if 0 < known < highest:  # with a smoothing of 1 no label counts
                    yield {key: known, **beside}

    return solve


def _scale(questions: Questions) -> Iterator[dict[str, Any]]:
    """Solve for temperature and soft cap: log(e^L - (m - 1)) is what becomes of the logit a of [a, 0, ...]."""
    if questions.contract.input != "logits" or questions.part != "loss":
        return
    small, large = (_logit(questions, size) for size in (1e-3, 1e4))
    ordinary = _logit(questions, 1.0)
    if ordinary and ordinary > 0:
        yield {"temperature": nice(1.0 / ordinary, questions.dtype)}
    if large and large > 0:
        yield {"soft_cap": nice(large, questions.dtype)}
        if small and small > 0:
            temperature = nice(1e-3 / small, "float32")
            yield {"soft_cap": nice(large * temperature, questions.dtype), "temperature": temperature}


def _logit(questions: Questions, size: float) -> float | None:
    """Return what the first logit of [size, 0, ...] becomes before the softmax, read off the loss of another class."""
    row = np.zeros((1, questions.m))
    row[0, 0] = size
    got = questions.numbers(questions.batch(row, [1]))
    if got is None or got.size != 1:
        return None
    loss = float(got.reshape(-1)[0])
    with np.errstate(all="ignore"):
        value = loss + np.log(-np.expm1(np.log(questions.m - 1.0) - loss))
    return float(value) if np.isfinite(value) else None


def _weights(questions: Questions) -> Iterator[dict[str, Any]]:
    """Solve for constant class weights: the loss of each class over the unweighted one."""
    if questions.part != "loss" or questions.form != "sparse":
        return
    means = ("rows", "weights") if questions.contract.reduction == "mean" else ("rows",)
    found: list[float] = []
    for m in range(2, _MOST_CLASSES + 1):
        probabilities = np.full((2, m), 1.0 / m)
        scores = {"logits": np.zeros((2, m)), "probabilities": probabilities}.get(questions.contract.input)
        scores = np.log(probabilities) if scores is None else scores
        label = m - 1 if found else 0
        for label in (0, 1) if not found else (m - 1,):
            got = questions.numbers(questions.batch(scores[:1], [label]))
            if got is None or got.size != 1:
                break
            found.append(nice(float(got.reshape(-1)[0]) / float(np.log(m)), questions.dtype))
        if len(found) < m:
            break
        if m > 2 and all(value == 1.0 for value in found):
            return
    if len(found) >= 3 and all(value >= 0 for value in found) and len(found) < _MOST_CLASSES:
        for mean in means:
            yield {"class_weights": found, "mean_over": mean}


def nice(value: float, dtype: str) -> float:
    """Return the shortest decimal within what rounding leaves of a value."""
    limit = 1e-9 if dtype == "float64" else 1e-5
    for digits in range(17):
        short = float(f"{value:.{digits}e}")
        if abs(short - value) <= limit * abs(value):
            return short
    return value


_SOLVERS = (
    _linear("label_smoothing", 1.0, smoothing_over="all"),
    _linear("label_smoothing", 1.0, smoothing_over="others"),
    _linear("z_loss", 10.0),
    _scale,
    _weights,
)
