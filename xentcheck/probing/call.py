"""Which call works: order of the arguments, axis, form of the labels, what the scores are, and the reduction."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.probing.answers import Answer, Place, turned
from xentcheck.probing.asking import identity
from xentcheck.probing.compare import answered
from xentcheck.probing.implied import implied_classes
from xentcheck.probing.inference import Inference
from xentcheck.probing.moved import moved
from xentcheck.probing.names import stated_classes
from xentcheck.probing.nearly import nearly, times
from xentcheck.probing.questions import Questions
from xentcheck.probing.refused_rows import OFTEN
from xentcheck.probing.search import FEW, ROWS_ALONE, Readings, Search
from xentcheck.probing.settling import take
from xentcheck.probing.show import said, shown
from xentcheck.probing.unanswered import unanswered
from xentcheck.targets import Outcome

_ALONG_AXES = ((-1, 1), (1, 1), (1, 2), (-1, 2), (1, 3), (-1, 3), (0, 1))
"""Where classes may lie, and how many axes there are beside rows and classes: tokens before pixels."""
Rounds = Sequence[tuple[str, tuple[Place, ...]]]
ROUNDS: Rounds = (
    ("float64", ROWS_ALONE),
    ("float32", ROWS_ALONE),
    ("float64", _ALONG_AXES),
    ("float32", _ALONG_AXES),
    ("bfloat16", ROWS_ALONE),
    ("float16", ROWS_ALONE),
)
_CLASSES = (3, 2)
_NO_OTHER_OBJECT = re.compile(r"'\S+' object is not callable|ndarray' object has no attribute")
_MORE = re.compile(r"returned a (tuple of|dict\b)")
_MOST_CLASSES = 4096
_FIRST = 4
"""How many different answers are looked at for what they nearly are, before any constant is solved for."""
_MOST_NAMED = 2
"""How many numbers in the words of refusals are tried as numbers of classes."""


def find_call(
    questions: Questions,
    inference: Inference,
    orders: tuple[str, str],
    readings: Readings = ({},),
    rounds: Rounds = ROUNDS,
) -> list[Answer]:
    """Find the call that works and what its answers are; return the answers to the calls that were tried.

    Where none of them is explained by a convention, nothing is told of the input: `contradict_call` says so.

    Parameters
    ----------
    questions : Questions
    inference : Inference
    orders : tuple of str
        Both orders of scores and labels, the likelier one first.
    readings : sequence of dict
        Keys of the contract that say what the further arguments of the call are, the likeliest first.
    rounds : sequence of (str, tuple)
        Dtypes of the scores and where classes and rows may lie, of `ROUNDS`.

    Raises
    ------
    UnansweredError
        If no call returns numbers.
    """
    answers: list[Answer] = []
    refusals: list[tuple[Batch, Outcome]] = []
    lacking = questions.description.unavailable_dtypes
    stated = stated_classes(questions.host.settings())
    tried = [one for one in rounds if one[0] not in lacking]
    for dtype, places, classes in _rounds(tried, refusals, stated, partial(implied_classes, questions, answers)):
        sparse = dtype == "float32" and places is ROWS_ALONE  # weights in float32 may refuse them, and no one-hot rows
        if classes is _CLASSES and any(
            np.all(np.isfinite(one.got)) and (one.form[0] == "sparse" or not sparse) for one in answers
        ):
            continue  # a narrower dtype would only be taken for more
        search = Search(questions, inference, orders, readings, dtype, places, classes)
        losses: list[Answer] = []
        for step in search.steps():
            if step(answers, refusals) or _is_nearly(questions, answers):
                return answers
            if not answers and any(map(_has_more, refusals)):
                break
            below = next((one for one in answers if turned(questions.part, one)), None)
            if below is None:
                continue
            questions.learn(output="log_probability")
            if step(losses, refusals):
                came = f"{shown(below.batch)}: {answered(below.got)}"
                why = f"{came}, minus a loss; what is compared below is the loss, minus what came back"
                inference.tell("output", "log_probability", why)
                return losses
            questions.learn(output="loss")
        if not answers and (any(map(_has_more, refusals)) or _takes_no_arrays(refusals)):
            break  # what is returned beside a loss is so by every call, and arrays are arrays along all axes
    settled = any(map(_has_more, refusals)) or _takes_no_arrays(refusals)
    if not any(one.m == _CLASSES[0] for one in answers) and not settled:
        questions.repeats = OFTEN
        search = Search(questions, inference, orders, readings[:FEW], "float64", ROWS_ALONE, _CLASSES[:1])
        many: list[Answer] = []
        if any(step(many, []) for step in search.steps()):
            return many
        questions.repeats = 1
    if not answers:
        raise unanswered(questions.description.name, refusals)
    return answers


def _is_nearly(questions: Questions, answers: Sequence[Answer]) -> bool:
    """Return whether answers are a cross-entropy but for one thing, so that no constant explains them better."""
    first = _plain(answers)[:_FIRST]
    return bool(first) and nearly(questions, first)[1] != ""


def _plain(answers: Sequence[Answer]) -> list[Answer]:
    """Return different answers of finite numbers, those to the plainest labels first.

    A column of labels spreads over what it is not meant for, and a dtype of its own changes nothing.
    """
    finite = [one for one in answers if np.all(np.isfinite(one.got))]
    finite.sort(key=lambda one: (one.form[2], one.form[1] != ""))
    found = {(identity(one.got), identity(one.batch.scores)): one for one in reversed(finite)}
    return [one for one in finite if found[identity(one.got), identity(one.batch.scores)] is one]


def contradict_call(questions: Questions, inference: Inference, answers: Sequence[Answer]) -> None:
    """Contradict a target none of whose answers is explained, and say what the first of them nearly is."""
    one, near = nearly(questions, _plain(answers) or answers)
    near = near or times(questions, _plain(answers)) or moved(questions, _plain(answers))
    take(questions, one)
    inference.contradict(
        "input",
        f"{shown(one.batch)}: {answered(one.got)}, which is no cross-entropy of logits, probabilities or "
        f"log-probabilities, summed, averaged or one a row{near and ', '}{near}; logits and a "
        f"{questions.contract.reduction} would give {answered(questions.predict(one.batch))}.",
    )


def _rounds(
    rounds: Rounds,
    refusals: Sequence[tuple[Batch, Outcome]],
    stated: Sequence[int],
    implied: Callable[[], Sequence[int]],
) -> Iterator[tuple[str, tuple[Place, ...], tuple[int, ...]]]:
    """Yield the rounds with few classes, then with as many as the target's object was made for or refusals name.

    As one of ten digits, or of a vocabulary; or with as many as are implied by the answers.
    """
    for dtype, places in rounds:
        yield dtype, places, _CLASSES
    named = Counter(
        int(word)
        for _, outcome in refusals
        if outcome.raised is not None
        for word in set(re.findall(r"(?<![\w.])\d{1,4}(?![\w.])", outcome.raised.message))
        if max(_CLASSES) < int(word) <= _MOST_CLASSES
    )
    likely = (*stated, *(m for m, _ in named.most_common(_MOST_NAMED)), *implied())
    for m in dict.fromkeys(m for m in likely if max(_CLASSES) < m <= _MOST_CLASSES):
        for dtype, places in rounds[: 4 if m in stated else 2]:
            yield dtype, places, (m,)


def _takes_no_arrays(refusals: Sequence[tuple[Batch, Outcome]]) -> bool:
    """Return whether every call was refused in the same words, because an array is no object of some other kind."""
    words = {said(outcome) for _, outcome in refusals}
    return len(words) == 1 and _NO_OTHER_OBJECT.search(next(iter(words))) is not None


def _has_more(refusal: tuple[Batch, Outcome]) -> bool:
    """Return whether a call came back with a loss and something else."""
    raised = refusal[1].raised
    return raised is not None and raised.call == "convert" and _MORE.search(raised.message) is not None
