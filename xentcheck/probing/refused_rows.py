"""Numbers of rows that are refused, as a batch of one: each row is given several times then, and that is said."""

from __future__ import annotations

from collections.abc import Iterator

from xentcheck.batches.batch import Batch
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import said

OFTEN = 12
"""How often rows are given to what answers no few of them: a multiple of most numbers that it may want."""
_REPEATS = (2, 3, 4, 8, OFTEN)
_MOST_ROWS = 8


def settle_repeats(questions: Questions) -> None:
    """Have each row given as often as it takes that none of the ordinary batches is refused, if that helps."""
    questions.repeats = 1
    if not any(_refused(questions, batch) for batch in _ordinary(questions)):
        return
    for questions.repeats in _REPEATS:
        if not any(_refused(questions, batch) for batch in _ordinary(questions)):
            return
    questions.repeats = 1


def note_refused_rows(questions: Questions, inference: Inference) -> None:
    """Say how many rows are refused, where each is given several times because of it."""
    repeats, questions.repeats = questions.repeats, 1
    batches = {n: questions.plain(n) for n in range(1, _MOST_ROWS + 1)} if repeats > 1 else {}
    questions.repeats = repeats
    questions.ask_all(batches.values())
    refused = {n: said(questions.ask(batch)) for n, batch in batches.items() if _refused(questions, batch)}
    if refused:
        first = next(iter(refused))
        answered = [n for n in batches if n not in refused]
        inference.notes.append(
            f"Of 1 to {_MOST_ROWS} ordinary rows {_numbers(list(refused))} are refused ({first}: {refused[first]}), "
            f"and {_numbers(answered)} answered: all that is told is of batches in which each row is there {repeats} "
            "times."
        )


def _numbers(found: list[int]) -> str:
    return ", ".join(map(str, found)) or "none"


def _ordinary(questions: Questions) -> Iterator[Batch]:
    return (questions.plain(n) for n in questions.numbers_of_rows)


def _refused(questions: Questions, batch: Batch) -> bool:
    outcome = questions.ask(batch)
    return outcome.raised is not None and not outcome.died
