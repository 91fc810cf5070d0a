"""From returned values to the mechanism: every hypothesis predicts them, and the one that hits is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from xentcheck.engine.causes.blocks import GROUPS as BLOCKS
from xentcheck.engine.causes.cancellation import (
    accumulated,
    approximate,
    cancelled,
    narrowed,
    precision,
    rounded_between,
)
from xentcheck.engine.causes.condition import condition
from xentcheck.engine.causes.differences import difference_quotients
from xentcheck.engine.causes.fitted import FITS
from xentcheck.engine.causes.formulas import GROUPS as FORMULAS
from xentcheck.engine.causes.gradients import GROUPS as GRADIENTS
from xentcheck.engine.causes.gradients import vanished
from xentcheck.engine.causes.guards import FIRST
from xentcheck.engine.causes.guards import GROUPS as GUARDS
from xentcheck.engine.causes.hessian import GROUPS as HESSIANS
from xentcheck.engine.causes.hessian import Curved
from xentcheck.engine.causes.joint import Candidate, candidates
from xentcheck.engine.causes.labels import GROUPS as LABELS
from xentcheck.engine.causes.labels import LATE as LABELS_LATE
from xentcheck.engine.causes.options import GROUPS as OPTIONS
from xentcheck.engine.causes.overflow import hidden, infinite_logs, numbers_for_infinity, range_lost, underflowed_logs
from xentcheck.engine.causes.reductions import GROUPS as REDUCTIONS
from xentcheck.engine.causes.reductions import LATE, truncated
from xentcheck.engine.causes.scores import GROUPS as SCORES
from xentcheck.engine.causes.scores import RARE
from xentcheck.engine.causes.seen import Group, Key, Seen, quiet
from xentcheck.engine.causes.soft_cap import GROUPS as SOFT_CAP


@dataclass(frozen=True)
class Cause:
    """A mistake that explains what was returned.

    Parameters
    ----------
    mechanism : str
        A short key, such as "mean_for_sum".
    sentence : str
        What is wrong and what to change, for someone who has not seen the code of xentcheck.
    """

    mechanism: str
    sentence: str


# Simpler and commoner mechanisms first: the order decides between those that predict the same values.
GROUPS: tuple[Group, ...] = (
    *REDUCTIONS,
    *FIRST,
    *LABELS,
    *OPTIONS,
    *SOFT_CAP,
    *GRADIENTS,
    *GUARDS,
    infinite_logs,
    numbers_for_infinity,
    cancelled,
    accumulated,
    rounded_between,
    range_lost,
    underflowed_logs,
    hidden,
    narrowed,
    vanished,
    *SCORES,
    *BLOCKS,
    *FORMULAS,
    *RARE,
    truncated,
    *LABELS_LATE,
    *LATE,
)
# What is cheap enough for batches of any size.
LABELLING: tuple[Group, ...] = (*REDUCTIONS, *LABELS, *OPTIONS)
# What may hold in some rows or classes alone.
PARTLY: tuple[Group, ...] = (vanished, *GRADIENTS, *REDUCTIONS, *GUARDS, *OPTIONS, *LABELS, *SCORES)
HINT = "a block, a buffer or an integer dtype may end there, or the shape may be a special case."
CONVINCING = 4  # batches explained, beyond which another explanation is not worth a word
LARGEST = 2**15  # entries; all groups take some 0.2 s for as many
LOOSE = {"narrowing", "cancellation", "exponentials_approximate", "finite_differences", "size_dependent"}
"""Mechanisms that predict no numbers, or only some of those that they give rise to."""


def common_cause(own: Sequence[Seen], others: Sequence[Seen] = ()) -> Cause | None:
    """Return the mechanism that explains a finding's own batches, and as much else of what the target answered.

    Parameters
    ----------
    own : sequence of Seen
        The minimal batch of the finding first.
    others : sequence of Seen
        Further answers on the same part, right and wrong ones.
    """
    own = [seen for seen in own if seen.wrong]
    if not own:
        return None
    largest = max(seen.model.z.size for seen in (*own, *others))
    if isinstance(own[0].model, Curved):
        found = candidates(own, others, HESSIANS)
        if found:
            return _cause(found)
        with quiet():
            rough = next(chain(*map(precision, own), approximate(own, own)), None)
        return None if rough is None else Cause(rough.mechanism, rough.sentence)
    found = candidates(own, others, GROUPS if largest <= LARGEST else LABELLING, FITS)
    limits = condition([*own, *others])
    wrong = len(own) + sum(seen.wrong for seen in others)
    # What explains few of the wrong answers is likely to have hit them by chance.
    if found and 2 * found[0].explained >= wrong:
        return _cause(found, limits if found[0].refuted else "")
    partial = candidates(own, others, PARTLY, partly=True) if any(seen.got.size > 1 for seen in own) else []
    if partial and 2 * partial[0].explained >= wrong:
        cause = _cause(partial)
        return Cause(cause.mechanism, f"In some rows or classes: {_within(cause.sentence)}")
    if found and not found[0].refuted:
        return _cause(found)
    with quiet():
        all_wrong = [*own, *(seen for seen in others if seen.wrong)]
        digits = chain(difference_quotients(all_wrong), *map(precision, own), approximate(own, all_wrong))
        for guess in digits:
            return Cause(guess.mechanism, guess.sentence)
    if limits:
        return Cause("size_dependent", f"Of the batches tried, only {limits} are answered wrongly: {HINT}")
    return _cause(found) if found else None


class Explanation:
    """What a mechanism that was named explains besides the answer that it was named from.

    Parameters
    ----------
    mechanism : str
    own : Seen
        The answer that it was named from.
    """

    def __init__(self, mechanism: str, own: Seen) -> None:
        self.mechanism = mechanism
        with quiet():
            fitted = [] if isinstance(own.model, Curved) else [group for fit in FITS for group in fit([own])]
            groups = dict(enumerate((*_groups(own), *fitted)))
            self._groups = {
                place: group
                for place, group in groups.items()
                if any(guess.mechanism == mechanism for _, guess in own.guesses({place: group}))
            }
        self._forms = self._matched(own)

    def _matched(self, seen: Seen) -> set[Key]:
        """Return the forms of the mechanism that predict an answer, or its wrong entries alone."""
        found = (key for partly in (False, True) for key in seen.matches(self._groups, partly))
        return {key for key in found if key[0] == self.mechanism}

    def covers(self, seen: Seen) -> bool:
        """Return whether the mechanism, with the constant that it was named with, predicts a wrong answer.

        One that predicts no numbers, such as a loss of digits, is taken to explain all that are finite as they should.
        """
        if self.mechanism in LOOSE:
            finite = np.isfinite(seen.got) == np.isfinite(seen.model.right)
            return self.mechanism == "size_dependent" or bool(finite.all())
        return bool(self._forms & self._matched(seen))


def _groups(seen: Seen) -> tuple[Group, ...]:
    if isinstance(seen.model, Curved):
        return HESSIANS
    return GROUPS if seen.got.size <= LARGEST else LABELLING


def _cause(found: Sequence[Candidate], limits: str = "") -> Cause:
    """Return the likeliest cause; where another one explains as much, the sentence says so."""
    best = found[0]
    sentence = best.match.guess.sentence
    if limits:
        sentence += f" Of the batches tried, only {limits} are answered wrongly."
    for other in found[1:]:
        alike = (other.explained, other.refuted) == (best.explained, best.refuted) and other.bits >= 0.95 * best.bits
        if alike and other.key[0] != best.key[0] and best.explained < CONVINCING:
            sentence += f" Another mistake is consistent with it too: {_within(other.match.guess.sentence)}"
            break
    return Cause(best.key[0], sentence)


def _within(sentence: str) -> str:
    """Return a sentence as it stands within another one."""
    return sentence[0].lower() + sentence[1:]
