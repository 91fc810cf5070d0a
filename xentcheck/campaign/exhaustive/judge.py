"""One row of the plane: z0 with all z1, both labels; asked of the target in two calls, and judged."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xentcheck.campaign.exhaustive.bound import FAR
from xentcheck.campaign.exhaustive.exact import Floats, Pairs, number
from xentcheck.campaign.exhaustive.pairs import PATTERNS
from xentcheck.campaign.exhaustive.subject import Subject
from xentcheck.campaign.exhaustive.tally import Tally
from xentcheck.properties.answer import Answer, Truth
from xentcheck.truth.allowance_model import output_format

STRIP = 2**13
"""Pairs that are judged at a time: their numbers stay in cache."""
_EXPONENT = np.int64(0x7FF0000000000000)


class Returned(NamedTuple):
    """An answer: as it came, and as numbers by element; see `Bounds`."""

    raw: NDArray[Any]
    sizes: Floats


class Strip(NamedTuple):
    """Neighbouring pairs of finite logits: how far apart they are, and whether z1 is the larger one."""

    where: slice
    d: Floats
    ascending: bool


def judge_row(subject: Subject, i: int, tally: Tally) -> None:
    """Ask for and judge all pairs whose z0 is at position i."""
    known, promised = subject.numbers, subject.numbers.declared(subject.contract)
    columns = np.flatnonzero(promised) if promised[i] else np.empty(0, np.int64)
    for label in (0, 1):
        tally.count("undeclared", label, PATTERNS - len(columns))
    if not len(columns):
        return
    scores = known.rows(i, columns)
    answers = [_asked(subject, scores, label, i, columns, tally) for label in (0, 1)]
    finite = slice(*np.searchsorted(columns, (known.finite.start, known.finite.stop)))
    if np.isfinite(known.values[i]):
        _judge_finite(subject, i, columns, finite, answers, tally)
        special = np.concatenate((columns[: finite.start], columns[finite.stop :]))
    else:
        special = columns
    if len(special):
        _judge_special(subject, i, columns, special, answers, tally)


def _asked(
    subject: Subject, scores: NDArray[Any], label: int, i: int, columns: NDArray[Any], tally: Tally
) -> Returned | None:
    """Return an answer, or None after it has been noted that there is none."""
    batch = subject.batch(scores, label)
    outcome = subject.ask(batch)
    answer = Answer(subject.contract, batch, outcome, Truth(subject.contract, batch, None, False))
    got, raw = answer.numbers(subject.part), getattr(outcome, subject.part)
    if outcome.raised is not None or got is None:
        raised = outcome.raised
        said = f"{raised.kind}: {raised.message}" if raised is not None else answer.malformed(subject.part)
        tally.count("unanswered", label, len(columns))
        if tally.trouble is None:
            tally.trouble = {"said": said or "no answer", "first": number(float(subject.numbers.values[i])), "label": label}
        return None
    if subject.part == "loss":
        return Returned(raw, got[None])
    return Returned(raw, np.stack((-got[:, label], got[:, 1 - label])))


def _judge_finite(
    subject: Subject,
    i: int,
    columns: NDArray[Any],
    finite: slice,
    answers: list[Returned | None],
    tally: Tally,
) -> None:
    """Judge the pairs of two finite logits."""
    known, bounded = subject.numbers, subject.bounded
    if not bounded.start <= i < bounded.stop:
        bounded = slice(bounded.start, bounded.start)
    inside = bounded.stop - bounded.start
    for label in (0, 1):
        if answers[label] is not None:
            tally.count("judged", label, inside)
            tally.count("unbounded", label, finite.stop - finite.start - inside)
    if not inside:
        return
    z0, z1 = known.values[i], known.values[bounded]
    d = np.abs(z1 - z0)
    close = np.flatnonzero(d < FAR)
    edges = (0, int(close[0]), int(np.searchsorted(z1, z0)), int(close[-1]) + 1, inside)
    shift = bounded.start - known.finite.start + finite.start  # from places in `bounded` to places in the answers
    for part, (start, stop) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        bounds_of = subject.curve.near if part in (1, 2) else subject.curve.far
        for begin in range(start, stop, STRIP):
            here = slice(begin, min(begin + STRIP, stop))
            bounds = bounds_of(d[here])
            strip = Strip(slice(here.start + shift, here.stop + shift), d[here], part >= 2)
            for label, returned in enumerate(answers):
                if returned is not None:
                    side = 0 if strip.ascending == (label == 1) else 1
                    _judge_strip(
                        subject, i, columns, strip, label, returned, side, bounds.sizes[side], bounds.low[side], tally
                    )


def _judge_strip(
    subject: Subject,
    i: int,
    columns: NDArray[Any],
    strip: Strip,
    label: int,
    returned: Returned,
    side: int,
    sizes: Floats,
    low: Floats,
    tally: Tally,
) -> None:
    """Judge neighbouring pairs by the bounds, and note what these do not tell."""
    where = strip.where
    with np.errstate(all="ignore"):
        error = np.abs(returned.sizes[:, where] - sizes)
        right = error <= low
        open_ = np.isinf(low[0])
        if not right.all():
            left = ~right.all(axis=0)
            _unclear(subject, i, columns, strip, label, returned, side, (sizes, error), left, tally)
            error[:, left] = 0.0
            open_ = open_ & ~left
        if open_[0] or open_[-1]:  # from some difference on there is no bound
            error[:, open_] = 0.0
            tally.count("judged", label, -int(open_.sum()))
            tally.count("unbounded", label, int(open_.sum()))
        share = (error / low).max(axis=0)
        ulps = error / _ulp(sizes, subject)
    places = slice(int(columns[where.start]), int(columns[where.stop - 1]) + 1)
    kept = tally.shares[places]
    np.maximum(kept, np.where(open_, kept, share) if open_[0] or open_[-1] else share, out=kept)
    for kind, values in (("share", share), ("ulps", ulps)):
        most = float(values.max())
        if tally.exceeds(kind, most):
            place = where.start + int(values.argmax()) % len(sizes)
            tally.candidate(kind, most, Pairs(np.array([i]), columns[[place]], label, returned.raw[[place]]))


def _ulp(sizes: Floats, subject: Subject) -> Floats:
    """Return the ulp of the output's format at each size, which is known to 2^-28: near a power of 2 it may be the other."""
    format_ = output_format(subject.curve.problem(np.zeros((1, 2)), 0))
    powers = (sizes.view(np.int64) & _EXPONENT).view(np.float64)
    powers *= 2.0 ** (1 - format_.precision)
    return np.maximum(powers, format_.smallest_subnormal, out=powers)


def _unclear(
    subject: Subject,
    i: int,
    columns: NDArray[Any],
    strip: Strip,
    label: int,
    returned: Returned,
    side: int,
    seen: tuple[Floats, Floats],
    left: NDArray[np.bool_],
    tally: Tally,
) -> None:
    """Tell pairs that are clearly wrong from those that only `truth` can judge."""
    which = np.flatnonzero(left)
    sizes, error = seen[0][which], seen[1][:, which]
    high = subject.curve.high(strip.d[which], side)
    # Where a result may be infinite, being so is not wrong.
    outside = ~(error <= high) & (np.abs(sizes) + high < subject.numbers.format.largest * (1.0 - 2.0**-20))
    wrong = outside.any(axis=0)
    places = which + strip.where.start
    pairs = Pairs(np.full(len(which), i), columns[places], label, returned.raw[places])
    if wrong.any():
        times = np.where(np.isfinite(error), error / high, np.inf).max(axis=0)
        tally.violated(pairs.only(wrong), times[wrong])
    if not wrong.all():
        tally.doubt(pairs.only(~wrong))


def _judge_special(
    subject: Subject,
    i: int,
    columns: NDArray[Any],
    special: NDArray[Any],
    answers: list[Returned | None],
    tally: Tally,
) -> None:
    """Judge pairs with a nan or an infinity that the contract declares.

    A nan, a +inf or nothing but -inf makes loss and gradient nan, which needs no more than a look; the others are left
    to `truth`.
    """
    z0, z1 = subject.numbers.values[i], subject.numbers.values[special]
    absent = np.isneginf(z0) & np.isneginf(z1)
    undefined = absent | np.isnan(z1) | np.isposinf(z1) | bool(np.isnan(z0) or np.isposinf(z0))
    places = np.searchsorted(columns, special)
    for label, returned in enumerate(answers):
        if returned is None:
            continue
        tally.count("judged", label, len(special))
        pairs = Pairs(np.full(len(special), i), special, label, returned.raw[places])
        missed = undefined & ~np.isnan(returned.sizes[:, places]).all(axis=0)
        if missed.any():
            tally.violated(pairs.only(missed), np.full(int(missed.sum()), np.inf))
        if not undefined.all():
            tally.doubt(pairs.only(~undefined))
        tally.shares[special] = np.maximum(tally.shares[special], 0.0)
