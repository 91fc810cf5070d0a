"""Which of the later falls of a law show another mistake than those already reported: each is to be told once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from xentcheck.contract import Contract
from xentcheck.diagnosis import UNSTEADY, Cause, Explanation, Observation, observed
from xentcheck.engine.cell_result import Fall
from xentcheck.engine.violation_kind import WRONG_NUMBER, Kind, kind_of
from xentcheck.properties.law import Law, Violation

MOST = 3  # findings of one law in one cell
TRIED = 3  # falls that are reduced in search of them


class Shown:
    """A mistake that a finding of the cell shows.

    Parameters
    ----------
    contract : Contract
    fall : Fall
        How the smallest batch found breaks the law.
    minimal : bool
        Whether the batch was reduced.
    cause : Cause or None
    """

    def __init__(self, contract: Contract, fall: Fall, minimal: bool, cause: Cause | None) -> None:
        self.law = fall.law
        self.violation = fall.violation
        self.asked = fall.batch
        self.minimal = minimal
        self.cause = cause
        self.kind: Kind = kind_of(fall.violation)
        self.mechanism = "" if cause is None else cause.mechanism
        self.told = cause is not None and cause.shown
        self.suspected = self.mechanism if cause is not None and cause.foretold and not cause.shown else ""
        self._contract = contract

    @cached_property
    def observation(self) -> Observation | None:
        """The numbers returned, or None."""
        return observed(self._contract, self.violation)

    @cached_property
    def explanation(self) -> Explanation | None:
        """What its mechanism explains."""
        return (
            Explanation(self.mechanism, self.observation) if self.mechanism and self.observation is not None else None
        )

    def covers(self, other: Observation) -> bool:
        """Return whether its mechanism explains another wrong answer."""
        return self.explanation is not None and self.explanation.covers(other)


class Further:
    """Looks for falls that no mistake shown so far explains.

    Parameters
    ----------
    contract : Contract
    shown : list of Shown
        The findings of the cell, of all laws; what is found is added.
    reduced : callable
        From a fall, and a function that says of a violation whether it is explained, to what the smallest batch shows.
    """

    def __init__(
        self,
        contract: Contract,
        shown: list[Shown],
        reduced: Callable[[Fall, Callable[[Violation], bool]], Shown],
    ) -> None:
        self._contract = contract
        self._shown = shown
        self._reduced = reduced
        self._observations: dict[Violation, Observation | None] = {}

    def look_for(self, falls: Sequence[Fall]) -> None:
        """Add what shows another mistake: where something else happened first, then other numbers.

        Parameters
        ----------
        falls : sequence of Fall
            Of one law in one cell, the first one reported already.
        """
        left = [fall for fall in falls if not self._explained(fall.law, fall.violation)]
        tried = 0
        for fall in sorted(left, key=lambda fall: kind_of(fall.violation) in self._kinds(fall.law)):
            if tried == TRIED or len(self._kinds(fall.law)) == MOST:
                return
            if tried and self._explained(fall.law, fall.violation):  # by one that was found just now
                continue
            tried += 1
            made = self._reduced(fall, lambda violation, law=fall.law: self._explained(law, violation))  # type: ignore[misc]
            if made.minimal and self._is_new(made) and self._explains_another(made, fall, left):
                self._shown.append(made)

    def _observed(self, violation: Violation) -> Observation | None:
        if violation not in self._observations:
            self._observations[violation] = observed(self._contract, violation)
        return self._observations[violation]

    def _kinds(self, law: Law) -> list[Kind]:
        return [one.kind for one in self._shown if one.law is law]

    def _explained(self, law: Law, violation: Violation) -> bool:
        """Return whether a mistake that is shown already accounts for a violation, or may well do so."""
        kind = kind_of(violation)
        if "ended" in kind.what:
            return True  # every death costs a process
        if violation.returned is None:
            return kind in [one.kind for one in self._shown]
        if kind.what != WRONG_NUMBER and (kind.what.endswith("for a finite number") or kind in self._kinds(law)):
            return True  # whatever is wrong may overflow at last; law 12 tells of what does
        if UNSTEADY & {one.mechanism for one in self._shown}:
            return True
        found = self._observed(violation)
        return found is None or any(one.covers(found) for one in self._shown)

    def _is_new(self, made: Shown) -> bool:
        """Return whether a reduced violation shows a mistake that no finding of the cell shows.

        Where no cause is suspected, only what happened can tell: nothing but another sort of value is another mistake.
        A mechanism that explains the numbers of an earlier finding, too, is a better name for that one.
        """
        if made.observation is None or not made.mechanism:
            return made.kind not in self._kinds(made.law)
        if any(made.mechanism == one.mechanism for one in self._shown):
            return False
        return not any(one.observation is not None and made.covers(one.observation) for one in self._shown)

    def _explains_another(self, made: Shown, fall: Fall, left: Sequence[Fall]) -> bool:
        """Return whether a mechanism of wrong numbers explains a second one, if there is one that is unexplained."""
        if made.kind.what != WRONG_NUMBER or made.explanation is None:
            return True
        others = [self._observed(one.violation) for one in left if one is not fall]
        found = [one for one in others if one is not None and one.model.part == made.violation.part.partition("[")[0]]
        return not found or any(made.covers(one) for one in found)
