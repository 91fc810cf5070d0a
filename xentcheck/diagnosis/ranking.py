"""From what was returned on several batches to the mistake that explains them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from xentcheck.diagnosis.loss_model import Floats
from xentcheck.diagnosis.matching import BITS_FORGIVEN, LEAST_BITS, Match, distance
from xentcheck.diagnosis.observation import Fit, Group, Key, Observation, Place, quiet

FALLEN_BEHIND = 3  # batches by which a mechanism may explain fewer than another, to be looked for in the next one
SAME = 2.0**-24  # of the largest number: what two formulas for one thing may differ by, one of them in float32
MOST_BITS = 64.0  # that one batch may contribute, so that a large batch does not outvote the others


@dataclass(frozen=True, eq=False)
class Candidate:
    """A mechanism that explains a finding's own batch.

    Parameters
    ----------
    key : (str, str)
        Mechanism and form.
    match : Match
        On the smallest of the finding's own batches that it explains.
    explained : int
        Batches with a wrong answer that it explains.
    refuted : int
        Batches with a right answer for which it predicts a wrong one.
    bits : float
        Evidence of all batches explained.
    different : int
        How many different answers that tell something (`Observation.evidence`) it explains.
    values : tuple of ndarray or None
        What it predicts for each wrong answer; None where it does not explain that.
    """

    key: Key
    match: Match
    explained: int
    refuted: int
    bits: float
    different: int = 0
    values: tuple[Floats | None, ...] = ()

    def rivals(self, other: Candidate) -> bool:
        """Return whether another one explains as much with as much evidence, and no right answer refutes it."""
        return not other.refuted and other.explained >= self.explained and other.bits >= 0.95 * self.bits

    def foretells_as(self, other: Candidate) -> bool:
        """Return whether another one predicts the same numbers for the same wrong answers: it is but another name."""
        return all(_same(*pair) for pair in zip(self.values, other.values, strict=True))


def _same(one: Floats | None, other: Floats | None) -> bool:
    if one is None or other is None:
        return one is other
    size = np.abs(one[np.isfinite(one)]).max(initial=0.0)
    return bool(np.all(distance(one, other) <= SAME * size))


def candidates(
    own: Sequence[Observation],
    others: Sequence[Observation],
    groups: Sequence[Group],
    fits: Sequence[Fit] = (),
    *,
    partly: bool = False,
) -> list[Candidate]:
    """Return the mechanisms that explain a finding, the likeliest first.

    Parameters
    ----------
    own : sequence of Observation
        The batch of the finding, minimal, and that on which the law fell; the answers on both are wrong.
    others : sequence of Observation
        What else the target answered, rightly or wrongly.
    groups, fits
        The hypotheses, and those with a constant that is fitted to the values returned.
    partly : bool
        Whether a mistake need explain no more than the wrong entries of each answer.

    Notes
    -----
    The one that explains most of the wrong answers is the likeliest, then the one that foretells the fewest of
    the right answers wrong, then the one with most evidence, then the simpler one.
    """
    wrong = [seen for seen in others if seen.wrong]
    right = [seen for seen in others if not seen.wrong]
    places: dict[int, Group] = dict(enumerate(groups))
    found = _compared(own, wrong, right, places, partly)
    if fits and (not found or found[0].refuted or found[0].explained < len(own) + len(wrong)):
        with quiet():
            fitted = [group for fit in fits for group in fit([*own, *wrong])]
        late = dict(enumerate(fitted, len(groups)))
        of_fits = _compared(own, wrong, right, late, partly)
        # A constant always fits the batch that it was fitted to.
        found = _ranked([*found, *(one for one in of_fits if 2 * one.explained > len(own) + len(wrong))])
    return found


def _compared(
    own: Sequence[Observation],
    wrong: Sequence[Observation],
    right: Sequence[Observation],
    groups: dict[int, Group],
    partly: bool,
) -> list[Candidate]:
    """Return the candidates of some groups; what the finding's own batches do not show is not looked for in others."""
    tables = [seen.matches(groups, partly) for seen in own]
    keys: dict[Key, Place] = {}
    for table in tables:
        for key, match in table.items():
            keys[key] = min(keys.get(key, match.order), match.order)
    for seen in wrong:
        explained = {key: sum(key in table for table in tables) for key in keys}
        most = max(explained.values(), default=0)
        hopeful = {place for key, (place, _) in keys.items() if explained[key] >= most - FALLEN_BEHIND}
        tables.append(seen.matches({place: groups[place] for place in hopeful}, partly))
    found = []
    answers = [seen.evidence for seen in (*own, *wrong)]
    for key, order in keys.items():
        matches = [table[key] for table in tables if key in table]
        different = {got for got, table in zip(answers, tables, strict=True) if key in table and got}
        bits = sum(min(match.bits, MOST_BITS) for match in matches)
        if bits >= _needed(matches):
            values = tuple(table[key].value if key in table else None for table in tables)
            found.append(Candidate(key, matches[0].at(order), len(matches), 0, bits, len(different), values))
    if not found:
        return []
    most = max(one.explained for one in found)
    tied = {one.key: one for one in found if one.explained == most}
    worth = {place: groups[place] for place in {one.match.order[0] for one in tied.values()}}
    refuted = [] if partly else [seen.refuted(worth, tied) for seen in right]
    for key, one in tied.items():
        count = sum(key in keys for keys in refuted)
        tied[key] = replace(one, refuted=count)
    return _ranked([*tied.values(), *(one for one in found if one.explained < most)])


def _needed(matches: Sequence[Match]) -> float:
    """Return the evidence that a mechanism needs at least: more for a constant that was looked for or fitted."""
    guess = matches[0].guess
    fitted = guess.free * max(match.largest for match in matches)
    return LEAST_BITS + guess.bits + fitted - (BITS_FORGIVEN if guess.exact else 0.0)


def _ranked(found: list[Candidate]) -> list[Candidate]:
    """Return the candidates, the likeliest first."""
    if not found:
        return []
    most = max(one.explained for one in found)
    fewest = min(one.refuted for one in found if one.explained == most)
    best = max(one.bits for one in found if one.explained == most and one.refuted == fewest)

    def rank(one: Candidate) -> tuple[int, int, bool, Place]:
        telling = one.bits >= min(0.95 * best, best - 2) or one.bits >= best
        return -one.explained, one.refuted, not telling, one.match.order

    return sorted(found, key=rank)
