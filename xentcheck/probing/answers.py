"""Calls with scores and labels in every order and form, and which conventions explain what they return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.probing.compare import Floats, answered, same
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import shown
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


def answers_of(
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
                    got = questions.read(getattr(outcome, questions.part))
                    if got is None:
                        refusals.append((batch, outcome))
                        continue
                    if not seen:
                        _require_repeatable(questions, batch, got)
                    seen = True
                    one = Answer({"axis": axis, "argument_order": order}, form, dtype, m, batch, got)
                    explained = explained or bool(explanations(questions, one, None))
                    yield one
                    if explained:
                        return


def _require_repeatable(questions: Questions, batch: Batch, first: Floats) -> None:
    second = questions.read(getattr(questions.ask_again(batch), questions.part))
    if second is None or not same(second, first, 0.0):
        raise TargetError(
            f"{questions.description.name} cannot be probed, since it answers the same call differently each time: "
            f"{shown(batch)} gave {answered(first)} and then {answered(second)}."
        )


def hypotheses(part: str) -> list[dict[str, Any]]:
    """Return what scores and reduction may be."""
    kinds: list[dict[str, Any]] = [{"input": "logits"}, {"input": "probabilities"}, {"input": "log_probabilities"}]
    if part == "gradient":
        kinds += [
            {"input": "probabilities", "gradient_wrt": "probabilities"},
            {"input": "log_probabilities", "gradient_wrt": "log_probabilities"},
        ]
    return [{**kind, "reduction": reduction} for kind in kinds for reduction in ("mean", "sum", "none")]


def explanations(questions: Questions, one: Answer, tolerance: float | None) -> list[dict[str, Any]]:
    """Return the changes of the contract that explain an answer."""
    if not np.all(np.isfinite(one.got)):
        return []
    limit = questions.tolerance(one.batch, tolerance)
    return [
        change
        for change in hypotheses(questions.part)
        if meant(change, one.batch) and same(one.got, questions.predict(one.batch, **change), limit)
    ]


def meant(change: dict[str, Any], batch: Batch) -> bool:
    """Return whether scores can be what they are taken for."""
    values = batch.scores.astype(np.float64)
    if change["input"] == "probabilities":
        return bool(np.all(values >= 0))
    return change["input"] == "logits" or bool(np.all(values <= 0))
