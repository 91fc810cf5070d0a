"""One row of the plane: z0 with all z1, both labels; asked of the target in two calls, and judged."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentcheck.campaign.exhaustive.bound import CELL, FAR, Bounds, Floats
from xentcheck.campaign.exhaustive.exact import Pairs, number
from xentcheck.campaign.exhaustive.pairs import PATTERNS
from xentcheck.campaign.exhaustive.subject import Subject
from xentcheck.campaign.exhaustive.tally import Tally
from xentcheck.truth.formats import Format

STRIP = 2**13
"""Pairs that are judged at a time: their numbers stay in cache."""
_EXPONENT = np.int64(0x7FF0000000000000)


class Returned(NamedTuple):
    """What the target answered for one label: as it came, and as numbers by element; see `Bounds`."""

    raw: NDArray[Any]
    sizes: Floats


class Strip(NamedTuple):
    """Neighbouring pairs of finite logits.

    Parameters
    ----------
    where : slice
        Their places in the answers.
    d : ndarray, shape (n,)
        |z1 - z0|
    ascending : bool
        Whether z1 is the larger one.
    bounds : Bounds
    """

    where: slice
    d: Floats
    ascending: bool
    bounds: Bounds


class Row:
    """All pairs whose z0 is at position i.

    Parameters
    ----------
    subject : Subject
    i : int
    tally : Tally
        Takes what is found.
    """

    def __init__(self, subject: Subject, i: int, tally: Tally) -> None:
        self.subject, self.i, self.tally = subject, i, tally
        self.columns = np.flatnonzero(subject.promised) if subject.promised[i] else np.empty(0, np.int64)
        """The positions of those z1 that are asked for."""
        self.answers: list[Returned | None] = []

    def judge(self) -> None:
        """Ask for and judge all pairs of the row."""
        columns, known = self.columns, self.subject.numbers
        for label in (0, 1):
            self.tally.count("undeclared", label, PATTERNS - len(columns))
        if not len(columns):
            return
        scores = known.rows(self.i, columns)
        self.answers = [self._ask(scores, label) for label in (0, 1)]
        special = columns
        if np.isfinite(known.values[self.i]):
            finite = slice(*(int(place) for place in np.searchsorted(columns, (known.finite.start, known.finite.stop))))
            self._judge_finite(finite)
            special = np.concatenate((columns[: finite.start], columns[finite.stop :]))
        if len(special):
            self._judge_special(special)

    def _ask(self, scores: NDArray[Any], label: int) -> Returned | None:
        """Return an answer, or None after it has been noted that there is none."""
        subject = self.subject
        answered = subject.answered(subject.batch(scores, label))
        if isinstance(answered, str):
            z0 = number(float(subject.numbers.values[self.i]))
            self.tally.unanswered(label, len(self.columns), {"said": answered, "first": z0, "label": label})
            return None
        raw, got = answered
        sizes = got[None] if subject.part == "loss" else np.stack((-got[:, label], got[:, 1 - label]))
        return Returned(raw, sizes)

    def _pairs(self, places: Any, label: int, returned: Returned) -> Pairs:
        columns = self.columns[places]
        return Pairs(np.full(len(columns), self.i), columns, label, returned.raw[places])

    def _judge_finite(self, finite: slice) -> None:
        """Judge the pairs of two finite logits, which are at these places of the answers."""
        known, bounded = self.subject.numbers, self.subject.bounded
        inside = bounded.stop - bounded.start if bounded.start <= self.i < bounded.stop else 0
        for label, returned in enumerate(self.answers):
            if returned is not None:
                self.tally.count("judged", label, inside)
                self.tally.count("unbounded", label, finite.stop - finite.start - inside)
        if not inside:
            return
        z0, z1 = known.values[self.i], known.values[bounded]
        d = np.abs(z1 - z0)
        close = np.flatnonzero(d < FAR)
        edges = (0, int(close[0]), int(np.searchsorted(z1, z0)), int(close[-1]) + 1, inside)
        shift = bounded.start - known.finite.start + finite.start
        for part, (start, stop) in enumerate(itertools.pairwise(edges)):
            bounds_of = self.subject.curve.near if part in (1, 2) else self.subject.curve.far
            for begin in range(start, stop, STRIP):
                end = min(begin + STRIP, stop)
                gaps = d[begin:end]
                strip = Strip(slice(begin + shift, end + shift), gaps, part >= 2, bounds_of(gaps))
                for label, returned in enumerate(self.answers):
                    if returned is not None:
                        self._judge_strip(strip, label, returned)

    def _judge_strip(self, strip: Strip, label: int, returned: Returned) -> None:
        """Judge neighbouring pairs by the bounds, and keep what these do not tell."""
        side = 0 if strip.ascending == (label == 1) else 1
        sizes, low = strip.bounds.sizes[side], strip.bounds.low[side]
        with np.errstate(all="ignore"):
            error = np.abs(returned.sizes[:, strip.where] - sizes)
            right = error <= low
            open_ = np.isinf(low[0])
            if not right.all():
                left = np.flatnonzero(~right.all(axis=0))
                self._judge_unclear(strip, side, label, returned, left)
                error[:, left] = 0.0
                open_[left] = False
            share = (error / low).max(axis=0)
            ulps = error / _ulp(sizes, self.subject.output)
        if open_.any():  # from some difference on there is no bound
            share[open_], ulps[:, open_] = -1.0, 0.0
            self.tally.count("judged", label, -int(open_.sum()))
            self.tally.count("unbounded", label, int(open_.sum()))
        first = int(self.columns[strip.where.start])
        kept = self.tally.shares[first : first + len(sizes)]
        np.maximum(kept, share, out=kept)
        # A share of the lower bound is more than one of the allowance, which `exact` has.
        for kind, values, scale in (("share", share, 1.0 - CELL), ("ulps", ulps, 1.0)):
            most = float(values.max()) * scale
            if self.tally.exceeds(kind, most):
                place = strip.where.start + int(values.argmax()) % len(sizes)
                self.tally.candidate(kind, most, self._pairs([place], label, returned))

    def _judge_unclear(self, strip: Strip, side: int, label: int, returned: Returned, left: NDArray[np.int64]) -> None:
        """Tell pairs that are clearly wrong from those that only `truth` can judge."""
        places = left + strip.where.start
        sizes = strip.bounds.sizes[side][left]
        error = np.abs(returned.sizes[:, places] - sizes)
        high = self.subject.curve.high(strip.d[left], side)
        # Where a result may be infinite, being so is not wrong.
        outside = ~(error <= high) & (sizes + high < self.subject.numbers.format.largest * (1.0 - 2.0**-20))
        wrong = outside.any(axis=0)
        if wrong.any():
            times = np.where(np.isfinite(error), error / high, np.inf).max(axis=0)
            self.tally.violated(self._pairs(places[wrong], label, returned), times[wrong])
        if not wrong.all():
            self.tally.doubt(self._pairs(places[~wrong], label, returned))

    def _judge_special(self, special: NDArray[np.int64]) -> None:
        """Judge pairs with a nan or an infinity that the contract declares.

        A nan, a +inf or nothing but -inf makes loss and gradient nan, which needs no more than a look; the others are
        left to `truth`.
        """
        z0, z1 = self.subject.numbers.values[self.i], self.subject.numbers.values[special]
        absent = np.isneginf(z0) & np.isneginf(z1)
        undefined = absent | np.isnan(z1) | np.isposinf(z1) | np.isnan(z0) | np.isposinf(z0)
        places = np.searchsorted(self.columns, special)
        for label, returned in enumerate(self.answers):
            if returned is None:
                continue
            self.tally.count("judged", label, len(special))
            self.tally.shares[special] = np.maximum(self.tally.shares[special], 0.0)
            missed = undefined & ~np.isnan(returned.sizes[:, places]).all(axis=0)
            if missed.any():
                pairs = self._pairs(places[missed], label, returned)
                self.tally.violated(pairs, np.full(len(pairs.first), np.inf))
            if not undefined.all():
                self.tally.doubt(self._pairs(places[~undefined], label, returned))


def _ulp(sizes: Floats, format_: Format) -> Floats:
    """Return the ulp of a format at each size; next to a power of 2 it may be that of the other side."""
    powers = (sizes.view(np.int64) & _EXPONENT).view(np.float64)
    powers *= 2.0 ** (1 - format_.precision)
    return np.maximum(powers, format_.smallest_subnormal, out=powers)
