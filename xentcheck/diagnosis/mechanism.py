"""From returned values to the mechanism: every hypothesis predicts them, and the one that hits is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, takewhile

import numpy as np

from xentcheck.diagnosis.cause import Cause
from xentcheck.diagnosis.hypotheses.cancellation import approximate, precision
from xentcheck.diagnosis.hypotheses.differences import difference_quotients
from xentcheck.diagnosis.hypotheses.register import fits, hypotheses
from xentcheck.diagnosis.limits import SPECIAL, known, limits
from xentcheck.diagnosis.observation import Group, Key, Observation, key_of, quiet
from xentcheck.diagnosis.prediction import Prediction
from xentcheck.diagnosis.ranking import Candidate, candidates

HINT = "a block, a buffer or an integer dtype may end there, or the shape may be a special case."
SEVERAL = 3  # answers that have lost the same digits, to show where
ONE_SIDED = 8  # errors of one sign, which rounding gives by one chance in 128
CONVINCING = 4  # batches explained, beyond which another explanation is not worth a word
LARGEST = 2**15  # entries; all groups take some 0.2 s for as many
LOOSE = {"narrowing", "cancellation", "exponentials_approximate", "finite_differences", "size_dependent"}
"""Mechanisms that predict no numbers, or only some of those that they give rise to."""


def likely_cause(own: Sequence[Observation], others: Sequence[Observation] = ()) -> Cause | None:
    """Return the mechanism of a finding if it is shown, else the suspicion and what is known; see `common_cause`."""
    cause = common_cause(own, others)
    if cause is not None and cause.shown and own[0].wrong:  # what is told is told of the batch that is shown
        return cause
    said = known([*own, *others])
    if cause is None:
        return Cause("", "", shown=False, known=said) if said else None
    return replace(cause, shown=False, known=said)


def common_cause(own: Sequence[Observation], others: Sequence[Observation] = ()) -> Cause | None:
    """Return the mechanism that explains a finding's own batches, and as much else of what the target answered.

    Parameters
    ----------
    own : sequence of Observation
        The minimal batch of the finding first.
    others : sequence of Observation
        Further answers on the same part, right and wrong ones.
    """
    own = [seen for seen in own if seen.wrong]
    if not own:
        return None
    groups = _groups(*own, *others)
    if own[0].model.derived:
        found = candidates(own, others, groups)
        if found:
            return _cause(found, len(own) + sum(seen.wrong for seen in others))
        with quiet():
            rough = next(chain(*map(precision, own), approximate(own, own)), None)
        return None if rough is None else Cause(rough.mechanism, rough.sentence, shown=False)
    found = candidates(own, others, groups, fits())
    where = limits([*own, *others])
    wrong = len(own) + sum(seen.wrong for seen in others)
    # What explains few of the wrong answers is likely to have hit them by chance.
    if found and 2 * found[0].explained >= wrong:
        return _cause(found, wrong, where if found[0].refuted else "")
    in_part = [one.predictions for one in hypotheses() if one.partly]
    partial = candidates(own, others, in_part, partly=True) if any(seen.got.size > 1 for seen in own) else []
    if partial and 2 * partial[0].explained >= wrong:
        cause = _cause(partial, wrong, "" if where in SPECIAL else where, partly=True)
        return replace(cause, sentence=f"In some rows or classes: {_within(cause.sentence)}")
    if found and not found[0].refuted:
        return _cause(found, wrong)
    with quiet():
        digits = _lost_digits(own, [*own, *(seen for seen in others if seen.wrong)], _finer(others))
    if digits is not None:
        return digits
    if where:
        said = f"Of the batches tried, only {where} are answered wrongly: {HINT}"
        return Cause("size_dependent", said, shown=where not in SPECIAL)
    return _cause(found, wrong) if found else None


def _lost_digits(own: Sequence[Observation], wrong: Sequence[Observation], finer: int) -> Cause | None:
    """Return how digits are lost: by a difference quotient, in a narrower dtype, or in a way that is not known.

    The first looks at many entries itself; the second is shown where most of the wrong answers have lost the same, and
    not more right ones have digits that 16 bits do not hold.
    """
    for guess in difference_quotients(wrong):
        return Cause(guess.mechanism, guess.sentence)
    for guess in chain(*map(precision, own)):
        if _one_sided(wrong):  # rounding errs to both sides
            return Cause(guess.mechanism, guess.sentence, shown=False)
        often = sum(any(other.mechanism == guess.mechanism for other in precision(seen)) for seen in wrong)
        shown = often >= SEVERAL and 3 * often >= 2 * len(wrong) and finer <= len(wrong)
        return Cause(guess.mechanism, guess.sentence, shown)
    for guess in approximate(own, wrong):
        return Cause(guess.mechanism, guess.sentence, shown=False)
    return None


def _finer(others: Sequence[Observation]) -> int:
    """Return how many answers to 16-bit batches are right to six bits more than their dtype has, and not of it.

    Arithmetic in 16 bits gives one of 64 of these by chance.
    """
    count = 0
    for seen in others:
        right, u = seen.model.right, seen.model.u
        if seen.model.problem.format.is_half and not seen.wrong and np.isfinite(right).all() and right.size:
            tight = seen.allowed <= u * np.abs(right) / 64
            narrow = right.astype(seen.model.problem.format.dtype).astype(np.float64)
            count += bool(np.all(tight) and np.any(np.abs(narrow - right) > u * np.abs(right) / 32))
    return count


def _one_sided(wrong: Sequence[Observation]) -> bool:
    """Return whether many wrong losses are all too large, or all too small: rounding would have erred to both sides."""
    off = [seen.got - seen.model.right for seen in wrong if seen.model.part == "loss" and seen.wrong]
    errors = np.concatenate([one[abs(one) > 0] for one in map(np.atleast_1d, off)]) if off else np.empty(0)
    return errors.size >= ONE_SIDED and bool((errors > 0).all() or (errors < 0).all())


class Explanation:
    """What a mechanism that was named explains besides the answer that it was named from.

    Parameters
    ----------
    mechanism : str
    own : Observation
        The answer that it was named from.
    """

    def __init__(self, mechanism: str, own: Observation) -> None:
        self.mechanism = mechanism
        with quiet():
            fitted = [] if own.model.derived else [group for fit in fits() for group in fit([own])]
            groups = dict(enumerate((*_groups(own), *fitted)))
            self._groups = {
                place: group
                for place, group in groups.items()
                if any(guess.mechanism == mechanism for _, guess in own.guesses({place: group}))
            }
        self._forms = self._matched(own)

    def _matched(self, seen: Observation) -> set[Key]:
        """Return the forms of the mechanism that predict an answer, or its wrong entries alone."""
        found = (key for partly in (False, True) for key in seen.matches(self._groups, partly))
        return {key for key in found if key[0] == self.mechanism}

    def covers(self, seen: Observation) -> bool:
        """Return whether the mechanism, with the constant that it was named with, predicts a wrong answer.

        One that predicts no numbers, such as a loss of digits, is taken to explain all that are finite as they should.
        """
        if self.mechanism in LOOSE:
            finite = np.isfinite(seen.got) == np.isfinite(seen.model.right)
            return self.mechanism == "size_dependent" or bool(finite.all())
        if not self._forms:
            return False
        with quiet():
            guesses = (guess for _, guess in seen.guesses(self._groups) if guess.mechanism == self.mechanism)
            return any(_accounts(guess, seen) for guess in guesses if key_of(guess) in self._forms)


def _accounts(guess: Prediction, seen: Observation) -> bool:
    """Return whether a guess predicts an answer, or its wrong entries alone, however little beyond their allowance."""
    answer = seen.returned
    return any(answer.matched(guess, partly=partly) for partly in (False, True)) or answer.agrees(guess)


def _groups(*observations: Observation) -> tuple[Group, ...]:
    """Return the hypotheses about a part, those that take the time left out where a batch is large."""
    part = observations[0].model.derived
    large = max(seen.model.z.size for seen in observations) > LARGEST and not part
    return tuple(one.predictions for one in hypotheses() if one.part == part and (one.quick or not large))


def _cause(found: Sequence[Candidate], wrong: int, limits: str = "", *, partly: bool = False) -> Cause:
    """Return the likeliest cause; where another one explains as much, the sentence says so.

    It is shown if it explains two wrong answers that differ, most of all that there are, more than any rival does, and
    foretells no right answer wrongly. A rival that predicts the same numbers in many ways is but another name, unless
    the numbers are those of a part of each answer: a zero there has many a reason.
    Forms of the mechanism that explain as much are told as alternatives.
    """
    best = found[0]
    tied = [one for one in found[1:] if best.rivals(one)]
    forms = [one.match.guess.sentence for one in tied if one.key[0] == best.key[0] and not best.refuted]
    sentence = _either([best.match.guess.sentence, *forms])
    if limits:
        sentence += f" Of the batches tried, only {limits} are answered wrongly."
    for other in found[1:]:
        alike = (other.explained, other.refuted) == (best.explained, best.refuted) and other.bits >= 0.95 * best.bits
        if alike and other.key[0] != best.key[0] and best.explained < CONVINCING:
            sentence += f" Another mistake is consistent with it too: {_within(other.match.guess.sentence)}"
            break
    often = not partly and best.explained >= CONVINCING and best.different >= SEVERAL
    better = all(one.key[0] == best.key[0] or (often and one.foretells_as(best)) for one in tied)
    shown = best.different >= 2 and 3 * best.explained >= 2 * wrong and not best.refuted and better
    return Cause(best.key[0], sentence, shown, foretold=best.explained >= wrong and not (best.refuted or partly))


def _either(sentences: Sequence[str]) -> str:
    """Return one sentence that says what all do, and the words in which they differ as alternatives."""
    # One that goes on where another ends says less surely what that one says.
    sentences = [one for one in dict.fromkeys(sentences) if not any(one.startswith(f"{it[:-1]},") for it in sentences)]
    words = [sentence.removesuffix(".").split() for sentence in sentences]
    start = _alike(words)
    end = _alike([each[: start - 1 if start else None : -1] for each in words])
    if 2 * (start + end) < len(words[0]):
        return " Or: ".join(dict.fromkeys(sentences))
    differing = dict.fromkeys(" ".join(each[start : len(each) - end]) for each in words)
    between = [] if "" in differing else [" or ".join(differing)]
    return f"{' '.join([*words[0][:start], *between, *words[0][len(words[0]) - end :]])}."


def _alike(words: Sequence[Sequence[str]]) -> int:
    """Return with how many equal words all begin."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False)))


def _within(sentence: str) -> str:
    """Return a sentence as it stands within another one."""
    return sentence[0].lower() + sentence[1:]
