"""Which call works: order of the arguments, axis, form of the labels, what the scores are, and the reduction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract.declaration import DTYPES
from xentcheck.probing.constants import fitted
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import LOOSE, Floats, Questions, answered, same
from xentcheck.probing.show import said, shown
from xentcheck.targets import Outcome, TargetError

_FORMS = (
    ("sparse", "", False),
    ("onehot", "", False),
    ("sparse", "", True),
    ("sparse", "float64", False),
    ("onehot", "int64", False),
)
"""Label form, dtype of the labels, and whether they are a column, the plainest first."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A call that returned numbers."""

    how: dict[str, Any]
    form: tuple[str, str, bool]
    dtype: str
    m: int
    batch: Batch
    got: Floats


def find_call(questions: Questions, inference: Inference, orders: tuple[str, str]) -> None:
    """Find the call that works and what its answers are.

    Raises
    ------
    TargetError
        If no call returns numbers.
    """
    answers: list[Answer] = []
    refusals: list[tuple[Batch, Outcome]] = []
    for dtype in reversed(DTYPES):
        for m in (3, 2):
            found = list(_answers(questions, orders, dtype, m, refusals))
            answers += found
            if any(_settle(questions, inference, one, tolerance) for tolerance in (None, LOOSE) for one in found):
                return
        plain = [one for one in answers if one.batch.scores.min() > 0 and one.m == 3]
        varied = len({one.got.tobytes() for one in answers}) > 1
        if dtype == "float64" and varied and any(_settle_with_constant(questions, inference, one) for one in plain):
            return
        if any(np.all(np.isfinite(one.got)) for one in answers):
            break  # a narrower dtype would only be taken for more
    if not answers:
        raise TargetError(_why_none(questions, refusals))
    one = answers[0]
    _set(questions, one)
    inference.contradict(
        "input",
        f"{shown(one.batch)}: {answered(one.got)}, which is no cross-entropy of logits, probabilities or "
        f"log-probabilities, summed, averaged or one a row; logits and a {questions.contract.reduction} would give "
        f"{answered(questions.predict(one.batch))}.",
    )


def _answers(
    questions: Questions, orders: tuple[str, str], dtype: str, m: int, refusals: list[tuple[Batch, Outcome]]
) -> Iterator[Answer]:
    """Yield the calls that return numbers, most usual first; ends early where one is explained."""
    seen = False
    for axis in (-1, 0):
        for order in orders:
            questions.learn(axis=axis, argument_order=order)
            explained = False
            for form in _FORMS:
                for kind in ("probabilities", "log_probabilities"):
                    questions.form, questions.label_dtype, questions.wide, questions.m = *form, m
                    questions.dtype = dtype
                    # Log-probabilities that are off by a common offset, so that logits are told from them.
                    rows = questions.rows(2, kind) - (0.5 if kind == "log_probabilities" else 0.0)
                    batch = questions.batch(rows, questions.labels(2))
                    outcome = questions.ask(batch)
                    value = getattr(outcome, questions.part)
                    if value is None or value.dtype.kind == "c":
                        refusals.append((batch, outcome))
                        continue
                    got = np.asarray(value).astype(np.float64)
                    if not seen:
                        _require_repeatable(questions, batch, got)
                    seen = True
                    one = Answer({"axis": axis, "argument_order": order}, form, dtype, m, batch, got)
                    explained = explained or bool(_explanations(questions, one, None))
                    yield one
                    if explained:
                        return


def _require_repeatable(questions: Questions, batch: Batch, first: Floats) -> None:
    value = getattr(questions.ask_again(batch), questions.part)
    second = None if value is None else np.asarray(value).astype(np.float64)
    if second is None or not same(second, first, 0.0):
        raise TargetError(
            f"{questions.description.name} cannot be probed, since it answers the same call differently each time: "
            f"{shown(batch)} gave {answered(first)} and then {answered(second)}."
        )


def _hypotheses(part: str) -> list[dict[str, Any]]:
    """Return what scores and reduction may be."""
    kinds: list[dict[str, Any]] = [{"input": "logits"}, {"input": "probabilities"}, {"input": "log_probabilities"}]
    if part == "gradient":
        kinds += [
            {"input": "probabilities", "gradient_wrt": "probabilities"},
            {"input": "log_probabilities", "gradient_wrt": "log_probabilities"},
        ]
    return [{**kind, "reduction": reduction} for kind in kinds for reduction in ("mean", "sum", "none")]


def _explanations(questions: Questions, one: Answer, tolerance: float | None) -> list[dict[str, Any]]:
    if not np.all(np.isfinite(one.got)):
        return []
    limit = questions.tolerance(one.batch, tolerance)
    return [
        change
        for change in _hypotheses(questions.part)
        if _meant(change, one.batch) and same(one.got, questions.predict(one.batch, **change), limit)
    ]


def _meant(change: dict[str, Any], batch: Batch) -> bool:
    """Return whether scores can be what they are taken for."""
    values = batch.scores.astype(np.float64)
    if change["input"] == "probabilities":
        return bool(np.all(values >= 0))
    return change["input"] == "logits" or bool(np.all(values <= 0))


def _set(questions: Questions, one: Answer) -> None:
    questions.form, questions.label_dtype, questions.wide = one.form
    questions.dtype, questions.m = one.dtype, one.m
    questions.learn(**one.how)


def _settle(questions: Questions, inference: Inference, one: Answer, tolerance: float | None) -> bool:
    found = _explanations(questions, one, tolerance)
    if not found:
        return False
    _set(questions, one)
    questions.learn(**found[0])
    _tell(questions, inference, one, found)
    return True


def _settle_with_constant(questions: Questions, inference: Inference, one: Answer) -> bool:
    """Explain an answer by scores, a reduction and one constant."""
    if not np.all(np.isfinite(one.got)):
        return False
    before = questions.contract
    _set(questions, one)
    for change in _hypotheses(questions.part):
        if not _meant(change, one.batch) or questions.predict(one.batch, **change).shape != one.got.shape:
            continue
        questions.learn(**change)
        if (constants := fitted(questions)) is not None:
            _tell(questions, inference, one, [change])
            questions.learn(**constants.changes)
            for key, value in constants.changes.items():
                inference.tell(key, value, constants.evidence)
            return True
    questions.learn(**before.as_mapping())
    return False


def _tell(questions: Questions, inference: Inference, one: Answer, found: list[dict[str, Any]]) -> None:
    """Write down what one answer shows."""
    chosen = found[0]
    evidence = f"{shown(one.batch)}: {answered(one.got)}"
    others = [
        f"{change['input']}, {change['reduction']}: {answered(questions.predict(one.batch, **change))}"
        for change in ({**chosen, "input": kind} for kind in ("logits", "probabilities", "log_probabilities"))
        if change["input"] != chosen["input"] and _meant(change, one.batch)
    ][:1]
    inference.tell("argument_order", one.how["argument_order"], f"the call that is answered so: {evidence}")
    inference.tell("axis", one.how["axis"], f"scores of shape {_given_shape(one)} and labels for {one.batch.n} rows")
    inference.tell("input", chosen["input"], f"{evidence}, as of {chosen['input']} ({'; '.join(others)})")
    also = tuple(change["reduction"] for change in found[1:] if change["input"] == chosen["input"])
    same_gradient = " (the gradient is the same, so that they cannot be told apart)" if also else ""
    inference.tell(
        "reduction", chosen["reduction"], f"{one.batch.n} rows give {answered(one.got)}{same_gradient}", also
    )
    if "gradient_wrt" in chosen:
        inference.tell("gradient_wrt", chosen["gradient_wrt"], evidence)


def _given_shape(one: Answer) -> tuple[int, ...]:
    shape = one.batch.scores.shape
    return shape[::-1] if one.how["axis"] == 0 else shape


def _why_none(questions: Questions, refusals: list[tuple[Batch, Outcome]]) -> str:
    name = questions.description.name
    batch, outcome = refusals[0]
    if all(other.raised is not None and other.raised.call == "convert" for _, other in refusals):
        return f"{name} cannot be probed: {said(outcome)}."
    return (
        f"{name} cannot be probed, since none of {len(refusals)} calls with scores and labels returned numbers; "
        f"for {shown(batch)} came {said(outcome).rstrip('.')}."
    )
