"""The calls with scores of one dtype, and classes and rows along some axes: which of them is explained, and by what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.probing.answers import Answer, Place, answers_of, explanations
from xentcheck.probing.asking import identity
from xentcheck.probing.compare import LOOSE
from xentcheck.probing.constants import plainest
from xentcheck.probing.hidden import uncounted
from xentcheck.probing.inference import Inference
from xentcheck.probing.names import stated_classes
from xentcheck.probing.questions import Questions
from xentcheck.probing.refused_rows import settle_repeats
from xentcheck.probing.settling import settle, settle_with_constant, settle_without_axis, take, tell_with_constants
from xentcheck.probing.solvers import shows_constant
from xentcheck.targets import Outcome

ROWS_ALONE = ((-1, 0), (0, 0))
FEW = 3
"""How many readings of the arguments are tried with two classes, along axes and in 16 bits."""
Readings = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Search:
    """The calls with scores of a dtype, and classes and rows along some axes."""

    questions: Questions
    inference: Inference
    orders: tuple[str, str]
    readings: Readings
    dtype: str
    places: tuple[Place, ...]
    classes: tuple[int, ...]

    def steps(self) -> list[Callable[[list[Answer], list[tuple[Batch, Outcome]]], bool]]:
        """Return what is tried in turn: a constant that one answer shows comes before odd labels and fewer classes."""
        first, *fewer = (partial(self.by_call, m) for m in self.classes)
        shown_by_one, any_other = (partial(self.by_constant, shows) for shows in (True, False))
        own = self.by_constant_of_its_classes
        if self.classes[0] in stated_classes(self.questions.host.settings()):  # an object made for so many
            return [self.by_constant_of_the_plainest, first, shown_by_one, own, *fewer, any_other, own]
        return [self.by_constant_of_the_plainest, first, shown_by_one, *fewer, any_other, own]

    def by_constant_of_the_plainest(self, _answers: object, _refusals: object) -> bool:
        """Return whether an answer to the plainest labels by the likeliest call shows a constant that explains it.

        All further labels and calls may cost a compilation each.
        """
        m, usual = self.classes[0], self.places is ROWS_ALONE and self.dtype in Contract().dtypes
        if not usual:
            return False
        found = list(answers_of(self.questions, self._calls(m)[:1], self.dtype, m, [], plainest=True))
        if not found or any(explanations(self.questions, one, None) for one in found):
            return False  # which is found once more
        return self.by_constant(True, found, None)

    def by_call(
        self, m: int, answers: list[Answer], refusals: list[tuple[Batch, Outcome]], again: Readings = ()
    ) -> bool:
        """Return whether a call with m classes is explained; answers and refusals are added to those given.

        What was answered is tried `again` without the classes whose rows do not count.
        """
        questions = self.questions
        found = list(answers_of(questions, again or self._calls(m), self.dtype, m, refusals))
        answers += found
        if any(settle(questions, self.inference, one, None) for one in found):
            return True
        # Fewer classes are a limit, and need a better match; so does a column of labels where others are answered.
        plain = [one for one in found if not one.form[2]] or found
        if m > 2 and any(settle(questions, self.inference, one, LOOSE) for one in plain):
            return True
        without_axis = (
            settle_without_axis(questions, self.inference, one, partial(settle, tolerance=tolerance))
            for tolerance in ((None, LOOSE) if m > 2 else (None,))
            for one in found
        )
        if questions.part == "loss" and any(without_axis):
            return True
        # The label that its object names may count, and another one not.
        avoided = uncounted(questions, found)
        if again or not found or m <= 2 or avoided == questions.avoided.intersection(range(m)):
            return False
        questions.avoided = avoided
        hows = {repr(one.how): one.how for one in found}
        return self.by_call(m, answers, refusals, again=list(hows.values()))

    def by_constant(self, shows: bool, answers: list[Answer], _refusals: object) -> bool:
        """Return whether an answer is explained by a constant that is built in, where answers depend on the batch.

        With `shows` no more is asked about than answers that are linear in a constant which somebody may have written.
        """
        # Positive rows may be all that scores are but log-probabilities, for which alone negative ones are taken.
        own = [one for one in answers if one.m == self.classes[0] and one.dtype == self.dtype]
        plain = different([one for one in own if one.batch.scores.min() > 0])
        plain += different([one for one in own if one.batch.scores.max() < 0])
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
        take(self.questions, chosen.answer)
        self.questions.learn(**chosen.change)
        settle_repeats(self.questions)
        tell_with_constants(self.questions, self.inference, chosen)
        return True

    def _settle_anew(self, one: Answer) -> bool:
        """Return whether an answer is explained by a constant; the same answer to the same batch is tried once.

        Whatever the dtype of the labels is, and whether they are a column: neither makes a constant of none.
        """
        how = tuple(one.how[key] for key in ("axis", "extra_axes", "argument_order"))
        labels = one.batch.labels.astype(np.float64)
        labels = labels.reshape(-1) if one.form[0] == "sparse" else labels
        of = self.questions.contract.output, one.form[0]
        key = (*how, *of, identity(one.got), identity(one.batch.scores), identity(labels))
        if key in self.questions.unexplained:
            return False
        self.questions.unexplained.add(key)
        return settle_with_constant(self.questions, self.inference, one) or settle_without_axis(
            self.questions, self.inference, one, settle_with_constant
        )

    def _calls(self, m: int) -> list[dict[str, Any]]:
        """Return the keys by which the target may be called, the likeliest first."""
        usual = m == self.classes[0] and self.places is ROWS_ALONE and self.dtype in Contract().dtypes
        return [
            {**reading, "axis": axis, "extra_axes": extra, "argument_order": order}
            for reading in (self.readings if usual else self.readings[:FEW])
            for axis, extra in self.places
            for order in self.orders
        ]


def different(answers: Sequence[Answer]) -> list[Answer]:
    """Return answers without those that are the same for the same batch, as under another reading of an argument."""
    found = {(identity(one.got), identity(one.batch.scores), identity(one.batch.labels)): one for one in answers[::-1]}
    return list(found.values())[::-1]
