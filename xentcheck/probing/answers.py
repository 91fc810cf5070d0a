"""Calls with scores and labels in every order and form, and which conventions explain what they return."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.probing.asking import identity
from xentcheck.probing.compare import Floats, answered, same
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said, shown
from xentcheck.targets import Outcome, TargetError

_FORMS = (
    ("sparse", "", False),
    ("onehot", "", False),
    ("sparse", "", True),
    ("sparse", "int32", False),
    ("sparse", "same", False),
    ("onehot", "int64", False),
    ("onehot", "bool", False),
)
"""Label form, dtype of the labels, and whether they are a column, the plainest first."""
_ODD, _OF_TWO = 4, 3
"""How many forms are tried along further axes and in 16 bits, and how many with two classes: few are odd twice."""
_ALONE = 4
"""How many batches of the plainest forms are asked about one by one."""
_ENOUGH = 2 * 2 * len(_FORMS)
"""Refusals in the same words, of every form in both orders, after which the odd forms are no longer tried."""
Place = tuple[int, int]
"""An axis along which the classes may lie, and how many axes there are beside rows and classes."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A call that returned numbers.

    Parameters
    ----------
    how : dict
        Keys of the contract by which it was called: axis, order and arguments.
    form : tuple
        Of `_FORMS`.
    """

    how: dict[str, Any]
    form: tuple[str, str, bool]
    dtype: str
    m: int
    batch: Batch
    got: Floats


def answers_of(
    questions: Questions,
    calls: Iterable[dict[str, Any]],
    dtype: str,
    m: int,
    refusals: list[tuple[Batch, Outcome]],
    plainest: bool = False,
) -> Iterator[Answer]:
    """Yield the calls that return numbers, most usual first; ends early where one is explained.

    Parameters
    ----------
    questions : Questions
    calls : iterable of dict
        Keys of the contract by which the target may be called.
    dtype, m
        Of the scores, and how many classes they have.
    refusals : list
        The calls that return none are added to it.
    plainest : bool
        Whether no odd forms of labels are tried.
    """
    seen = False
    for how in calls:
        questions.learn(**how)
        batches = _batches(questions, dtype, m, rows_for(how["extra_axes"], m))
        for place, (form, batch) in enumerate(islice(batches, _ALONE if plainest else None), 1):
            outcome = questions.ask(batch)
            got = questions.read(getattr(outcome, questions.part))
            if got is None:
                refusals.append((batch, outcome))
                if place == _ALONE and not seen and _all_alike(refusals):
                    break  # before the odd forms, which are asked about together
                continue
            if not seen:
                require_repeatable(questions, batch, got)
            seen = True
            one = Answer(how, form, dtype, m, batch, got)
            explained = any(explanations(questions, each, None) for each in (one, *turned(questions.part, one)))
            yield one
            if explained:
                return


def _all_alike(refusals: list[tuple[Batch, Outcome]]) -> bool:
    """Return whether enough calls were refused in the words of the first: what they are given is not looked at."""
    words = {said(outcome) for _, outcome in (refusals[0], *refusals[-_ENOUGH:])}
    return len(refusals) >= _ENOUGH and len(words) == 1


def turned(part: str, one: Answer) -> list[Answer]:
    """Return an answer with its sign turned, where it may be a log-probability instead of a loss."""
    negative = part == "loss" and one.got.size > 0 and bool(np.all(np.isfinite(one.got) & (one.got < 0.0)))
    return [replace(one, got=-one.got)] if negative else []


def _batches(questions: Questions, dtype: str, m: int, n: int) -> Iterator[tuple[tuple[str, str, bool], Batch]]:
    """Yield each form of labels with scores that may be probabilities or log-probabilities.

    The plainest forms are asked about one by one, since an answer ends the search, and the others at once.
    """
    made = []
    usual = dtype in Contract().dtypes and n == rows_for(0, m)
    for form in _FORMS[:_OF_TWO] if m == 2 else _FORMS if usual else _FORMS[:_ODD]:
        for kind in ("probabilities", "log_probabilities"):
            questions.form, questions.label_dtype, questions.wide = form
            questions.dtype, questions.m = dtype, m
            # Log-probabilities that are off by a common offset, so that logits are told from them.
            rows = questions.rows(n, kind) - (0.5 if kind == "log_probabilities" else 0.0)
            made.append((form, questions.batch(rows, questions.labels(n))))
    for place, (form, batch) in enumerate(made):
        if place == _ALONE:
            questions.ask_all(batch for _, batch in made[_ALONE:])
        questions.form, questions.label_dtype, questions.wide = form
        yield form, batch


def rows_for(extra: int, m: int) -> int:
    """Return how many rows tell where they lie: sizes of 2, or of 3 beside two classes; no size is that of another."""
    return int((2 if m > 2 else 3) ** (extra + 1))


def require_repeatable(questions: Questions, batch: Batch, first: Floats) -> None:
    """Raise TargetError if the same call is answered differently."""
    second = questions.read(getattr(questions.ask_again(batch), questions.part))
    if second is None or not same(second, first, 0.0):
        raise TargetError(
            f"{questions.description.name} cannot be probed, since it answers the same call differently each time: "
            f"{shown(batch)} gave {answered(first)} and then {answered(second)}."
        )


def hypotheses(part: str, one: Answer) -> list[dict[str, Any]]:
    """Return what scores and reduction of an answer may be; what has a divisor is a sum."""
    kinds: list[dict[str, Any]] = [{"input": "logits"}, {"input": "probabilities"}, {"input": "log_probabilities"}]
    if part == "gradient":
        kinds += [
            {"input": "probabilities", "gradient_wrt": "probabilities"},
            {"input": "log_probabilities", "gradient_wrt": "log_probabilities"},
        ]
    reductions = ("mean", "sum", "none") if one.how.get("divisor") is None else ("sum",)
    found = [{**kind, "reduction": reduction} for kind in kinds for reduction in reductions]
    return [change for change in found if meant(change, one.batch)]


def explanations(questions: Questions, one: Answer, tolerance: float | None) -> list[dict[str, Any]]:
    """Return the changes of the contract that explain an answer."""
    if not np.all(np.isfinite(one.got)):
        return []
    limit = questions.tolerance(one.batch, tolerance)
    return [
        change for change in hypotheses(questions.part, one) if same(one.got, _predicted(questions, one, change), limit)
    ]


def _predicted(questions: Questions, one: Answer, change: dict[str, Any]) -> Floats:
    """Return what a change predicts, which is the same whatever the arguments are that do nothing yet."""
    places = one.how["extra_axes"], questions.contract.output
    key = (one.batch.label_form, identity(one.batch.scores), identity(one.batch.labels), *places, *change.items())
    if key not in questions.predictions:
        questions.predictions[key] = questions.predict(one.batch, **{**one.how, **change})
    return questions.predictions[key]


def meant(change: dict[str, Any], batch: Batch) -> bool:
    """Return whether scores can be what they are taken for."""
    values = batch.scores.astype(np.float64)
    if change["input"] == "probabilities":
        return bool(np.all(values >= 0))
    return change["input"] == "logits" or bool(np.all(values <= 0))
