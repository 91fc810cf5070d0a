"""Which call works: order of the arguments, axis, form of the labels, what the scores are, and the reduction."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.extra_axes import row_sizes, spread
from xentcheck.contract import Contract
from xentcheck.probing.answers import Answer, Place, answers_of, explanations, hypotheses, meant, turned
from xentcheck.probing.asking import identity
from xentcheck.probing.axis_of_one import told_beside, without_axes
from xentcheck.probing.compare import LOOSE, answered
from xentcheck.probing.constants import Constants, Fit, fitted, plainest
from xentcheck.probing.inference import Inference
from xentcheck.probing.names import stated_classes
from xentcheck.probing.nearly import nearly
from xentcheck.probing.questions import Questions
from xentcheck.probing.refused_rows import OFTEN, settle_repeats
from xentcheck.probing.show import said, shown
from xentcheck.probing.solvers import shows_constant
from xentcheck.targets import Outcome, TargetError

_ROWS_ALONE = ((-1, 0), (0, 0))
_ALONG_AXES = ((-1, 1), (1, 1), (1, 2), (-1, 2), (1, 3), (-1, 3), (0, 1))
"""Where classes may lie, and how many axes there are beside rows and classes: tokens before pixels."""
Rounds = Sequence[tuple[str, tuple[Place, ...]]]
ROUNDS: Rounds = (
    ("float64", _ROWS_ALONE),
    ("float32", _ROWS_ALONE),
    ("float64", _ALONG_AXES),
    ("float32", _ALONG_AXES),
    ("bfloat16", _ROWS_ALONE),
    ("float16", _ROWS_ALONE),
)
_CLASSES = (3, 2)
_MOST_CLASSES = 4096
_MOST_NAMED = 2
"""How many numbers in the words of refusals are tried as numbers of classes."""
_FEW = 3
"""How many readings of the arguments are tried with two classes, along axes and in 16 bits."""
Readings = Sequence[dict[str, Any]]
_ENTROPY = "; what returns the entropy of the scores alone is declared by output=entropy"
_OF_ONE_ROW = (
    "out of bounds for axis 0",
    "truth value of an array",
    "must be real number",
    "converted to Python scalar",
)
_ROWS = "; if it takes one row, write a function of all: [loss(z, y) for z, y in zip(scores, labels)]"


_NOTHING = "; if it keeps its result in its object, write a function of scores and labels that returns it from there"
_NO_ARRAYS = re.compile(r"'numpy.ndarray' object has no attribute|returned an? [A-Z]\w*, but a number")
_OTHERS = (
    "; if it takes no arrays but tensors of its own, or a dict a row, write a function of arrays that calls it, or say "
    "by xentcheck.Adapter how they are made, read and differentiated"
)


class UnansweredError(TargetError):
    """No call returned numbers.

    Parameters
    ----------
    message : str
    came : str
        What came of the most telling call.
    """

    def __init__(self, message: str, came: str) -> None:
        super().__init__(message)
        self.came = came


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
    for dtype, places, classes in _rounds([one for one in rounds if one[0] not in lacking], refusals, stated):
        sparse = dtype == "float32" and places is _ROWS_ALONE  # weights in float32 may refuse them, and no one-hot rows
        if classes is _CLASSES and any(
            np.all(np.isfinite(one.got)) and (one.form[0] == "sparse" or not sparse) for one in answers
        ):
            continue  # a narrower dtype would only be taken for more
        search = _Search(questions, inference, orders, readings, dtype, places, classes)
        losses: list[Answer] = []
        for step in search.steps():
            if step(answers, refusals):
                return answers
            if not answers and any(map(_is_tuple, refusals)):
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
        if not answers and any(map(_is_tuple, refusals)):
            break  # what is returned beside a loss is so by every call
    if not any(one.m == _CLASSES[0] for one in answers) and not any(map(_is_tuple, refusals)):
        questions.repeats = OFTEN
        search = _Search(questions, inference, orders, readings[:_FEW], "float64", _ROWS_ALONE, _CLASSES[:1])
        many: list[Answer] = []
        if any(step(many, []) for step in search.steps()):
            return many
        questions.repeats = 1
    if not answers:
        raise _unanswered(questions.description.name, refusals)
    return answers


def contradict_call(questions: Questions, inference: Inference, answers: Sequence[Answer]) -> None:
    """Contradict a target none of whose answers is explained, and say what the first of them nearly is."""
    one, near = nearly(questions, answers)
    _set(questions, one)
    inference.contradict(
        "input",
        f"{shown(one.batch)}: {answered(one.got)}, which is no cross-entropy of logits, probabilities or "
        f"log-probabilities, summed, averaged or one a row{near and ', '}{near}; logits and a "
        f"{questions.contract.reduction} would give {answered(questions.predict(one.batch))}.",
    )


def _rounds(
    rounds: Rounds, refusals: Sequence[tuple[Batch, Outcome]], stated: Sequence[int]
) -> Iterator[tuple[str, tuple[Place, ...], tuple[int, ...]]]:
    """Yield the rounds with few classes, then with as many as refusals name or the target's object was made for.

    As one of ten digits, or of a vocabulary.
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
    likely = (*stated, *(m for m, _ in named.most_common(_MOST_NAMED)))
    for m in dict.fromkeys(m for m in likely if max(_CLASSES) < m <= _MOST_CLASSES):
        for dtype, places in rounds[:2]:
            yield dtype, places, (m,)


@dataclass(frozen=True)
class _Search:
    """The calls with scores of a dtype, and classes and rows along some axes."""

    questions: Questions
    inference: Inference
    orders: tuple[str, str]
    readings: Readings
    dtype: str
    places: tuple[Place, ...]
    classes: tuple[int, ...]

    def steps(self) -> list[Callable[[list[Answer], list[tuple[Batch, Outcome]]], bool]]:
        """Return what is tried in turn: a constant that one answer shows comes before fewer classes."""
        first, *fewer = (partial(self.by_call, m) for m in self.classes)
        shown_by_one, any_other = (partial(self.by_constant, shows) for shows in (True, False))
        if self.classes[0] in stated_classes(self.questions.host.settings()):  # an object made for so many
            return [first, shown_by_one, self.by_constant_of_its_classes, *fewer, any_other]
        return [first, shown_by_one, *fewer, any_other, self.by_constant_of_its_classes]

    def by_call(self, m: int, answers: list[Answer], refusals: list[tuple[Batch, Outcome]]) -> bool:
        """Return whether a call with m classes is explained; answers and refusals are added to those given."""
        questions = self.questions
        found = list(answers_of(questions, self._calls(m), self.dtype, m, refusals))
        answers += found
        if any(_settle(questions, self.inference, one, None) for one in found):
            return True
        # Fewer classes are a limit, and need a better match; so does a column of labels where others are answered.
        plain = [one for one in found if not one.form[2]] or found
        if m > 2 and any(_settle(questions, self.inference, one, LOOSE) for one in plain):
            return True
        return questions.part == "loss" and any(_settle_without_axis(questions, self.inference, one) for one in found)

    def by_constant(self, shows: bool, answers: list[Answer], _refusals: object) -> bool:
        """Return whether an answer is explained by a constant that is built in, where answers depend on the batch.

        With `shows` no more is asked about than answers that are linear in a constant which somebody may have written.
        """
        # Positive rows may be all that scores are but log-probabilities, for which alone negative ones are taken.
        own = [one for one in answers if one.m == self.classes[0] and one.dtype == self.dtype]
        plain = _different([one for one in own if one.batch.scores.min() > 0])
        plain += _different([one for one in own if one.batch.scores.max() < 0])
        varied = len({one.got.tobytes() for one in own}) > 1
        if not varied or self.dtype not in Contract().dtypes:
            return False
        plain = [one for one in plain if not shows or shows_constant(self.questions, one)]
        return any(self._settle_anew(one) for one in plain)

    def by_constant_of_its_classes(self, _answers: object, _refusals: object) -> bool:
        """Return whether an answer is explained by a constant that explains none of another number of classes."""
        own = (self.classes[0], self.dtype, self.questions.contract.output)
        found = [one for one in self.questions.narrowly if (one.answer.m, one.answer.dtype, one.output) == own]
        if not found:
            return False
        constants = plainest([one.constants for one in found])
        chosen = next(one for one in found if one.constants is constants)
        self.questions.narrow = True
        _set(self.questions, chosen.answer)
        self.questions.learn(**chosen.change)
        settle_repeats(self.questions)
        _tell_with_constants(self.questions, self.inference, chosen)
        return True

    def _settle_anew(self, one: Answer) -> bool:
        """Return whether an answer is explained by a constant; the same answer to the same batch is tried once."""
        how = tuple(one.how[key] for key in ("axis", "extra_axes", "argument_order"))
        output = self.questions.contract.output
        key = (*how, output, one.form, identity(one.got), identity(one.batch.scores), identity(one.batch.labels))
        if key in self.questions.unexplained:
            return False
        self.questions.unexplained.add(key)
        return _settle_with_constant(self.questions, self.inference, one)

    def _calls(self, m: int) -> list[dict[str, Any]]:
        """Return the keys by which the target may be called, the likeliest first."""
        usual = m == self.classes[0] and self.places is _ROWS_ALONE and self.dtype in Contract().dtypes
        return [
            {**reading, "axis": axis, "extra_axes": extra, "argument_order": order}
            for reading in (self.readings if usual else self.readings[:_FEW])
            for axis, extra in self.places
            for order in self.orders
        ]


def _different(answers: list[Answer]) -> list[Answer]:
    """Return answers without those that are the same for the same batch, as under another reading of an argument."""
    found = {(identity(one.got), identity(one.batch.scores), identity(one.batch.labels)): one for one in answers[::-1]}
    return list(found.values())[::-1]


def _set(questions: Questions, one: Answer) -> None:
    questions.form, questions.label_dtype, questions.wide = one.form
    questions.dtype, questions.m = one.dtype, one.m
    questions.learn(**one.how)


def _settle(questions: Questions, inference: Inference, one: Answer, tolerance: float | None) -> bool:
    found = explanations(questions, one, tolerance)
    if not found:
        return False
    _set(questions, one)
    questions.learn(**found[0])
    settle_repeats(questions)
    _tell(questions, inference, one, found)
    return True


def _settle_without_axis(questions: Questions, inference: Inference, one: Answer) -> bool:
    """Explain an answer by one that has an axis of 1 less, which each later answer is taken for."""
    for axis, plain in without_axes(one):
        if _settle(questions, inference, plain, None):
            questions.axis_of_one = axis
            inference.notes.append(told_beside(one, plain))
            return True
    return False


def _settle_with_constant(questions: Questions, inference: Inference, one: Answer) -> bool:
    """Explain an answer by scores, a reduction and one constant."""
    if not np.all(np.isfinite(one.got)):
        return False
    before = questions.contract
    _set(questions, one)
    settle_repeats(questions)
    for change in hypotheses(questions.part, one):
        elsewhere = one.batch.scores.min() < 0 and change["input"] != "log_probabilities"
        if elsewhere or questions.predict(one.batch, **change).shape != one.got.shape:
            continue
        questions.learn(**change)
        narrow: list[Constants] = []
        constants = fitted(questions, one.batch, narrow) or _fitted_to_float32(questions, one.batch)
        if constants is not None:
            _tell_with_constants(questions, inference, Fit(one, change, constants, questions.contract.output))
            return True
        questions.narrowly += [Fit(one, change, found, questions.contract.output) for found in narrow]
    questions.repeats = 1
    questions.learn(**before.as_mapping())
    return False


def _tell_with_constants(questions: Questions, inference: Inference, found: Fit) -> None:
    _tell(questions, inference, found.answer, [found.change])
    questions.learn(**found.constants.changes)
    for key, value in found.constants.changes.items():
        inference.tell(key, value, found.constants.evidence)


def _fitted_to_float32(questions: Questions, batch: Batch) -> Constants | None:
    """Return constants that explain what is answered in float32, where float64 is calculated in part in that."""
    if questions.dtype != "float64":
        return None
    questions.dtype = "float32"
    try:
        return fitted(questions, batch)
    finally:
        questions.dtype = "float64"


def _tell(questions: Questions, inference: Inference, one: Answer, found: list[dict[str, Any]]) -> None:
    """Write down what one answer shows."""
    chosen = found[0]
    evidence = f"{shown(one.batch)}: {answered(one.got)}"
    others = [
        f"{change['input']}, {change['reduction']}: {answered(questions.predict(one.batch, **change))}"
        for change in ({**chosen, "input": kind} for kind in ("logits", "probabilities", "log_probabilities"))
        if change["input"] != chosen["input"] and meant(change, one.batch)
    ][:1]
    inference.tell("argument_order", one.how["argument_order"], f"the call that is answered so: {evidence}")
    where = f"scores of shape {_given_shape(one)} and labels for {one.batch.n} rows"
    inference.tell("axis", one.how["axis"], where)
    if one.how["extra_axes"]:
        inference.tell("extra_axes", one.how["extra_axes"], f"{where}; rows alone are refused")
    inference.tell("input", chosen["input"], f"{evidence}, as of {chosen['input']} ({'; '.join(others)})")
    also = tuple(change["reduction"] for change in found[1:] if change["input"] == chosen["input"])
    same_gradient = " (the gradient is the same, so that they cannot be told apart)" if also else ""
    as_it = "" if chosen["reduction"] == "none" else f", as the {chosen['reduction']} gives"
    told = f"{one.batch.n} rows give {answered(one.got)}{as_it}{same_gradient}"
    inference.tell("reduction", chosen["reduction"], told, also)
    if chosen["input"] != "logits":
        _require_no_guess(questions, inference)
    if questions.part == "gradient":
        inference.tell("gradient_wrt", chosen.get("gradient_wrt", "logits"), evidence)


def _require_no_guess(questions: Questions, inference: Inference) -> None:
    """Contradict a target that takes rows for logits where they cannot be what they are taken for."""
    batch = questions.batch(questions.rows(2, "logits"), questions.labels(2))
    if questions.agrees(batch, input="logits", gradient_wrt="logits"):
        inference.contradict(
            "input",
            f"{shown(batch)}: {questions.came(batch)}, as of logits; rows that sum to 1 are answered as "
            f"{questions.contract.input}, so that what the scores are is guessed.",
        )


def _is_tuple(refusal: tuple[Batch, Outcome]) -> bool:
    """Return whether a call came back with a loss and something else."""
    raised = refusal[1].raised
    return raised is not None and raised.call == "convert" and "returned a tuple of" in raised.message


def _given_shape(one: Answer) -> tuple[int, ...]:
    sizes = row_sizes((one.how["extra_axes"],), one.batch.n, one.batch.m)
    return spread(one.batch.scores, sizes, one.how["axis"]).shape


def _unanswered(name: str, refusals: list[tuple[Batch, Outcome]]) -> UnansweredError:
    # What came back and cannot be read says more than a call that was perhaps not meant.
    came_back = (one for one in refusals if one[1].raised is not None and one[1].raised.call == "convert")
    batch, outcome = next(came_back, refusals[0])
    came = said(outcome).rstrip(". ")
    where = f" ({outcome.raised.where})" if outcome.raised is not None and outcome.raised.where else ""
    told = f"for {shown(batch)} came {came}{where}"
    if all(other.raised is not None and other.raised.call == "convert" for _, other in refusals):
        return UnansweredError(f"{name} cannot be probed: {said(outcome)}.", told)
    tried = " or ".join(map(str, dict.fromkeys(one.m for one, _ in refusals)))
    advice = _ENTROPY if "positional argument" in came and "missing" not in came else ""
    advice = _OTHERS if _NO_ARRAYS.search(came) else advice
    advice = _NOTHING if "returned None" in came else advice
    advice = _ROWS if any(mark in came for mark in _OF_ONE_ROW) else advice
    return UnansweredError(
        f"{name} cannot be probed, since none of {len(refusals)} calls with labels and scores of {tried} classes "
        f"returned numbers; {told}{advice}.",
        told,
    )
