"""Constants that are built in: smoothing, z-loss, temperature, soft cap, weights; tried on other batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.probing.answers import Answer
from xentcheck.probing.boundary import find_boundary
from xentcheck.probing.compare import LOOSE, TOLERANCE, answered
from xentcheck.probing.digits import is_written
from xentcheck.probing.guard import find_guard
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import shown
from xentcheck.probing.solvers import SOLVERS


@dataclass(frozen=True)
class Constants:
    """Keys and values that explain the answers, and the evidence in words.

    With `narrow` they do so for the number of classes alone that was asked about.
    """

    changes: dict[str, Any]
    evidence: str
    narrow: bool = False


@dataclass(frozen=True)
class Fit:
    """Constants that explain an answer under a reading of its scores and reduction, and what was taken for returned."""

    answer: Answer
    change: dict[str, Any]
    constants: Constants
    output: str


def find_constants(questions: Questions, inference: Inference) -> None:
    """Find the boundary and the constants of a target whose answers are near those of its contract."""
    if not explained(questions) and (found := _fitted(questions, inference)) is not None:
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
    if inference.contradictions and _turned(questions, inference):
        return
    if explained(questions):
        return
    if questions.dtype == "float64" and _agrees_in_float32(questions):
        _take_float32(questions, inference)
        if inference.contradictions:  # by float64: a constant is read off what is as accurate as float32
            _find_boundary_anew(questions, inference)
    elif not inference.contradictions:
        _contradict(questions, inference)


def _find_boundary_anew(questions: Questions, inference: Inference) -> bool:
    """Return whether a boundary that is contradicted is told after all; what contradicts it is kept where it is not."""
    before = inference.findings.pop("boundary")
    find_boundary(questions, inference)
    if inference.contradictions:
        inference.findings["boundary"] = before
    return not inference.contradictions


def _turned(questions: Questions, inference: Inference) -> bool:
    """Return whether scores and labels were taken for each other, of which a product with ordinary rows is the same."""
    order = questions.contract.argument_order
    if questions.contract.input != "probabilities" or questions.form == "sparse":
        return False
    questions.learn(argument_order="labels_first" if order == "scores_first" else "scores_first")
    if explained(questions) and _find_boundary_anew(questions, inference) and explained(questions):
        why = f"otherwise no boundary is explained; the call that is answered so: {_evidence(questions)}"
        inference.tell("argument_order", questions.contract.argument_order, why)
        return True
    questions.learn(argument_order=order)
    return False


def _fitted(questions: Questions, inference: Inference) -> Constants | None:
    """Return constants that explain every trial, those of few digits for one number of classes if there are no others.

    What is calculated in float64 and returned as float32 shows them in float32 alone.
    """
    narrow: list[Constants] = []
    found = fitted(questions, None, narrow)
    if found is None and questions.dtype == "float64" and _rounded_to_float32(questions):
        questions.dtype = "float32"
        near = all(questions.agrees(batch) for batch in _trials(questions))
        found = None if near else fitted(questions)
        if found is None:
            questions.dtype = "float64"
        else:
            _take_float32(questions, inference)
    if found is None and narrow:
        found = plainest(narrow)
        questions.narrow = True
    return found


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
    unlike = [batch for batch in _trials(questions) if not questions.agrees(batch)]
    batch = max(unlike, key=lambda one: _distance(questions, one)) if unlike else questions.wider()
    inference.contradict(
        "input",
        f"{shown(batch)}: {questions.came(batch)}, but {questions.contract.input} and the "
        f"reduction {questions.contract.reduction} give {answered(questions.predict(batch))}, and no boundary and no "
        "constant smoothing, z-loss, temperature, soft cap or class weights makes it that.",
    )


def _distance(questions: Questions, batch: Batch) -> float:
    """Return how far an answer is from what is said of it; any other shape, and no number, are farthest."""
    got, wanted = questions.numbers(batch), questions.predict(batch)
    if got is None or got.shape != wanted.shape:
        return np.inf
    with np.errstate(all="ignore"):
        return float(np.nan_to_num(np.max(np.abs(got - wanted)), nan=np.inf))


def _agrees_in_float32(questions: Questions) -> bool:
    return all(
        questions.agrees(batch, tolerance=TOLERANCE["float32"])
        for batch in (*_trials(questions), *(questions.plain(n, dtype="float32") for n in questions.numbers_of_rows))
    )


def fitted(questions: Questions, first: Batch | None = None, narrow: list[Constants] | None = None) -> Constants | None:
    """Return constants that, with what is known, explain every trial, and a first batch; None where there are none.

    Those of few digits that explain all but another number of classes are added to `narrow`.
    """
    for solve in SOLVERS:
        for changes in solve(questions):
            before = questions.m
            questions.m = len(changes.get("class_weights", "." * before))
            if _explains_first(questions, first, changes) and _explains_trials(questions, changes):
                evidence = _evidence(questions)
                if _of_other_classes(questions, changes):
                    return Constants(changes, evidence)
                if narrow is not None and _are_written(changes):
                    narrow.append(Constants(changes, evidence, narrow=True))
            questions.m = before
    return None


def _evidence(questions: Questions) -> str:
    """Return what came of the fewest rows that have a loss, and what would without the constants."""
    batches = [questions.plain(n) for n in questions.numbers_of_rows]
    batch = next((one for one in batches if np.all(np.isfinite(questions.numbers(one)))), batches[0])  # type: ignore[arg-type]
    return f"{shown(batch)}: {questions.came(batch)} (without: {answered(questions.predict(batch))})"


def plainest(found: Sequence[Constants]) -> Constants:
    """Return the constants of the fewest digits."""
    return min(found, key=lambda one: len(repr([value for value in one.changes.values() if _is_number(value)])))


def _explains_trials(questions: Questions, changes: dict[str, Any]) -> bool:
    """Return whether constants explain ordinary rows; answers that are all 0 are explained by any weight of 0."""
    return _of_its_classes(questions, changes) and any(np.any(questions.numbers(batch)) for batch in _trials(questions))


def _are_written(changes: dict[str, Any]) -> bool:
    return all(is_written(one) for one in changes.values() if _is_number(one))


def _is_number(value: Any) -> bool:
    return isinstance(value, float)


def _explains_first(questions: Questions, first: Batch | None, changes: dict[str, Any]) -> bool:
    if first is None or len(changes.get("class_weights", "." * first.m)) != first.m:
        return True
    return questions.agrees(first, None, TOLERANCE[questions.dtype], **changes)


def _trials(questions: Questions) -> Iterator[Any]:
    for n in questions.numbers_of_rows:
        yield questions.plain(n)
    if questions.contract.input == "logits":
        yield questions.batch(questions.rows(2) * 4.0, questions.labels(2))


def explained(questions: Questions, **changes: Any) -> bool:
    """Return whether ordinary rows are answered as the contract says, with some keys changed."""
    return _of_other_classes(questions, changes) and _of_its_classes(questions, changes)


def _of_its_classes(questions: Questions, changes: dict[str, Any]) -> bool:
    return all(questions.agrees(batch, **changes) for batch in _trials(questions))


def _of_other_classes(questions: Questions, changes: dict[str, Any]) -> bool:
    """Return whether one class more is answered as the contract says, unless that is refused or known to be odd."""
    weights = changes.get("class_weights", questions.contract.class_weights)
    if questions.narrow or questions.m <= 2 or isinstance(weights, (list, tuple)):
        return True
    return not _takes(questions, questions.wider()) or questions.agrees(questions.wider(), **changes)


def _takes(questions: Questions, batch: Any) -> bool:
    """Return whether a batch is answered; what is made for one number of classes refuses any other."""
    outcome = questions.ask(batch)
    return outcome.raised is None or bool(outcome.died)
