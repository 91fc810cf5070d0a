"""From what was returned on several batches to the mistake that explains them together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from xentcheck.engine.causes.seen import Group, Key, Seen
from xentcheck.engine.causes.tolerance import BITS_FORGIVEN, LEAST_BITS, Match

Fit = Callable[[Sequence[Seen]], Iterator[Group]]
MOST_BITS = 64.0  # that one batch may contribute, so that a large batch does not outvote the others


@dataclass(frozen=True, eq=False)
class Candidate:
    """A mechanism that explains a finding's own batch.

    Parameters
    ----------
    key : (str, str)
        Mechanism and constant.
    match : Match
        On the smallest of the finding's own batches that it explains.
    explained : int
        Batches with a wrong answer that it explains.
    refuted : int
        Batches with a right answer for which it predicts a wrong one.
    bits : float
        Evidence of all batches explained.
    order : int
        Its place among the hypotheses, the simpler ones first.
    """

    key: Key
    match: Match
    explained: int
    refuted: int
    bits: float
    order: int


def candidates(
    own: Sequence[Seen], others: Sequence[Seen], groups: Sequence[Group], fits: Sequence[Fit] = ()
) -> list[Candidate]:
    """Return the mechanisms that explain a finding, the likeliest first.

    Parameters
    ----------
    own : sequence of Seen
        The batch of the finding, minimal, and that on which the law fell; the answers on both are wrong.
    others : sequence of Seen
        What else the target answered, rightly or wrongly.
    groups, fits
        The hypotheses, and those with a constant that is fitted to the values returned.

    Notes
    -----
    The one that explains most of the wrong answers is the likeliest, then the one that foretells the fewest of
    the right answers wrong, then the one with most evidence, then the simpler one.
    """
    wrong = [*own, *(seen for seen in others if seen.wrong)]
    right = [seen for seen in others if not seen.wrong]
    groups = [*groups, *(group for fit in fits for group in fit(wrong))]
    tables = [seen.matches(groups) for seen in wrong]
    order: dict[Key, int] = {}
    for table in tables:
        for key, match in table.items():
            order[key] = min(order.get(key, match.order), match.order)
    refuted = [seen.refuted(groups, order) for seen in right]
    found = []
    for key, place in order.items():
        mine = [table[key] for table in tables[: len(own)] if key in table]
        matches = [table[key] for table in tables if key in table]
        bits = sum(min(match.bits, MOST_BITS) for match in matches)
        if not mine or bits < _needed(matches):
            continue
        contradicted = sum(key in keys for keys in refuted)
        found.append(Candidate(key, mine[0], len(matches), contradicted, bits, place))
    return _ranked(found)


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

    def rank(one: Candidate) -> tuple[int, int, bool, int]:
        telling = one.bits >= min(0.95 * best, best - 2) or one.bits >= best
        return -one.explained, one.refuted, not telling, one.order

    return sorted(found, key=rank)
