"""What is found of some rows of the plane of pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xentcheck.campaign.exhaustive import exact
from xentcheck.campaign.exhaustive.exact import Floats, Pairs
from xentcheck.campaign.exhaustive.pairs import PATTERNS
from xentcheck.campaign.exhaustive.subject import Subject

CELLS = 512
"""Cells of the map along each axis."""
SIDE = PATTERNS // CELLS
"""Positions along the side of a cell of the map."""
SHOWN = 5
"""Violations that are described, the first in the order of pairs."""
COUNTS = ("judged", "unbounded", "undeclared", "unanswered", "undecided", "violations", "exactly")
_HELD_BACK = 2**16
_MOST = 1e300


@dataclass
class Tally:
    """Counts, the worst pairs and the largest shares of the allowance, over rows of the plane.

    Parameters
    ----------
    subject : Subject
    counts : dict
        For each of COUNTS the pairs with label 0 and with label 1. Every pair is one of the first four; "undecided" and
        "violations" are judged, too, and "exactly" counts those that the fast bounds left to `truth`.
    shares : ndarray of float64, shape (65536,)
        Over the rows, the largest share of the allowance by position of z1; -1 where nothing is judged.
    """

    subject: Subject
    counts: dict[str, list[int]] = field(default_factory=lambda: {name: [0, 0] for name in COUNTS})
    shares: Floats = field(default_factory=lambda: np.full(PATTERNS, -1.0))
    trouble: dict[str, Any] | None = None
    _worst: dict[str, tuple[float, Pairs]] = field(default_factory=dict)
    _wrong: list[Pairs] = field(default_factory=list)
    _doubts: list[Pairs] = field(default_factory=list)
    _waiting: int = 0

    def count(self, name: str, label: int, pairs: int) -> None:
        """Add to a count."""
        self.counts[name][label] += int(pairs)

    def unanswered(self, label: int, pairs: int, trouble: dict[str, Any]) -> None:
        """Count pairs for which no answer came, and keep the first reason."""
        self.count("unanswered", label, pairs)
        self.trouble = self.trouble or trouble

    def candidate(self, kind: str, value: float, pair: Pairs) -> None:
        """Keep a pair if its error, in ulp or as a share of its allowance, is the largest so far."""
        if kind not in self._worst or value > self._worst[kind][0]:
            self._worst[kind] = (value, pair)

    def exceeds(self, kind: str, value: float) -> bool:
        """Return whether a value would be the largest so far."""
        return kind not in self._worst or value > self._worst[kind][0]

    def violated(self, pairs: Pairs, share: Floats) -> None:
        """Take pairs for violations, with how many allowances they are away."""
        self.count("violations", pairs.label, len(share))
        np.maximum.at(self.shares, pairs.second, np.minimum(share, _MOST))
        self._wrong.append(pairs.only(slice(SHOWN)))
        k = int(np.argmax(share))
        self.candidate("share", float(share[k]), pairs.only([k]))

    def doubt(self, pairs: Pairs) -> None:
        """Keep pairs, counted as judged, that are to be judged by `truth`."""
        self._doubts.append(pairs)
        self._waiting += len(pairs.first)
        if self._waiting > _HELD_BACK:
            self.settle()

    def settle(self) -> None:
        """Judge by `truth` what has been kept for that."""
        for pairs in _gathered(self._doubts):
            found = exact.judge(self.subject, pairs)
            label = pairs.label
            self.count("exactly", label, len(pairs.first))
            self.count("undecided", label, found.undecided)
            self.count("judged", label, -int((~found.bounded).sum()))
            self.count("unbounded", label, int((~found.bounded).sum()))
            passed = found.bounded & ~found.failed
            np.maximum.at(self.shares, pairs.second[passed], found.share[passed])
            for kind, values in (("ulps", found.ulps), ("share", np.where(passed, found.share, 0.0))):
                k = int(np.argmax(values))
                if values[k] > 0.0:
                    self.candidate(kind, float(values[k]), pairs.only([k]))
            if found.failed.any():
                self.violated(pairs.only(found.failed), found.share[found.failed])
        self._doubts.clear()
        self._waiting = 0

    def result(self) -> dict[str, Any]:
        """Return everything in JSON types.

        Raises
        ------
        ArithmeticError
            If `truth` does not say of a violation described what the fast bounds said.
        """
        self.settle()
        ones = [pairs.only([k]) for pairs in self._wrong for k in range(len(pairs.first))]
        ones.sort(key=lambda one: (int(one.first[0]), int(one.second[0]), one.label))
        examples = [exact.described(self.subject, one) for one in ones[:SHOWN]]
        if not all(example["failed"] for example in examples):
            raise ArithmeticError("a pair that the fast bound proved wrong is right by the enclosure")
        largest = self.shares.reshape(CELLS, SIDE).max(axis=1)
        return {
            "counts": self.counts,
            "worst": {kind: exact.described(self.subject, pair) for kind, (_, pair) in self._worst.items()},
            "examples": examples,
            "trouble": self.trouble,
            "shares": [None if share < 0.0 else float(f"{share:.4g}") for share in largest],
        }


def _gathered(doubts: list[Pairs]) -> Iterator[Pairs]:
    """Yield pairs that were kept one row after the other, put together by label."""
    for label in (0, 1):
        chosen = [pairs for pairs in doubts if pairs.label == label]
        if chosen:
            yield Pairs(
                np.concatenate([pairs.first for pairs in chosen]),
                np.concatenate([pairs.second for pairs in chosen]),
                label,
                np.concatenate([pairs.got for pairs in chosen]),
            )
