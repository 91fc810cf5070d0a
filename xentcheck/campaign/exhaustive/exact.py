"""Pairs judged as `xentcheck check` judges a row: by enclosures, allowances and proofs of `truth`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.campaign.exhaustive.subject import Subject
from xentcheck.properties.answer import Answer
from xentcheck.properties.batch_truth import Truth
from xentcheck.report.returned import interval
from xentcheck.targets.outcome import Outcome
from xentcheck.truth.certify import certify

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs with one label, and what the target answered.

    Parameters
    ----------
    first, second : ndarray of int, shape (n,)
        Positions of z0 and z1.
    label : int
    got : ndarray, shape (n,) or (n, 2)
    """

    first: NDArray[Any]
    second: NDArray[Any]
    label: int
    got: NDArray[Any]

    def only(self, chosen: Any) -> Pairs:
        """Return some of them."""
        return Pairs(self.first[chosen], self.second[chosen], self.label, self.got[chosen])


@dataclass(frozen=True, eq=False)
class Judged:
    """What is proved of pairs, each array of shape (n,).

    Parameters
    ----------
    failed, bounded : ndarray of bool
        Whether an element is outside its allowance; whether there is an allowance for any.
    ulps, share : ndarray of float64
        The largest error of an element in ulp of the exact value and over its allowance; 0 where nothing is judged.
    undecided : int
        See `Held`.
    """

    failed: NDArray[np.bool_]
    bounded: NDArray[np.bool_]
    ulps: Floats
    share: Floats
    undecided: int


def judge(subject: Subject, pairs: Pairs) -> Judged:
    """Return what the laws of value and gradient say of each pair."""
    return judge_rows(subject, subject.numbers.rows(pairs.first, pairs.second), pairs.label, pairs.got)


def judge_rows(subject: Subject, scores: NDArray[Any], label: int, got: NDArray[Any]) -> Judged:
    """Return what the laws of value and gradient say of each row of logits, shape (n, m), all with one label."""
    answer = _answer(subject, scores, label, got)
    held = answer.held(subject.part)
    assert held is not None
    n, enclosure = len(scores), getattr(answer.enclosed, subject.part)
    allowed = held.allowance.reshape(n, -1)
    judged = allowed < np.inf
    error = held.error.reshape(n, -1)
    exact = np.where(np.isfinite(enclosure.hi), enclosure.hi, 0.0).reshape(n, -1)
    known = judged & np.isfinite(error)
    with np.errstate(all="ignore"):
        ulps = np.where(known, error / subject.output.ulp(exact), 0.0)
        share = np.where(known & (error > 0.0), error / allowed, 0.0)
    failed = held.failed.reshape(n, -1)
    share = np.where(failed, held.times.reshape(n, -1), np.minimum(share, 1.0))
    some = np.asarray(failed.any(axis=1)), np.asarray(judged.any(axis=1))
    return Judged(*some, ulps.max(axis=1), share.max(axis=1), held.undecided)


def described(subject: Subject, pairs: Pairs) -> dict[str, Any]:
    """Return one pair with its positions, and what `described_row` says of it."""
    scores = subject.numbers.rows(pairs.first, pairs.second)
    positions = [int(pairs.first[0]), int(pairs.second[0])]
    return {"positions": positions, **described_row(subject, scores, pairs.label, pairs.got)}


def described_row(subject: Subject, scores: NDArray[Any], label: int, got: NDArray[Any]) -> dict[str, Any]:
    """Return one row and what is certified of the element whose share of its allowance is largest, in JSON types."""
    answer = _answer(subject, scores, label, got)
    held = answer.held(subject.part)
    assert held is not None
    enclosure = getattr(answer.enclosed, subject.part)
    with np.errstate(all="ignore"):
        shares = np.where(held.failed, held.times, np.minimum(held.error / held.allowance, 1.0))
        shares = np.where((held.error > 0.0) & (held.allowance < np.inf), shares, 0.0)
    index = tuple(int(k) for k in np.unravel_index(int(np.argmax(shares)), shares.shape))
    exact = float(enclosure.hi[index])
    step = float(subject.output.ulp(np.array(exact if math.isfinite(exact) else 0.0)))
    certified = certify(answer.problem, subject.part, index)
    returned, error = float(held.got[index]), float(held.error[index])
    return {
        "bits": [f"0x{bits:04x}" for bits in scores[0].view(np.uint16).tolist()],
        "logits": [number(float(value)) for value in scores[0].astype(np.float64)],
        "label": label,
        "element": index[1] if len(index) > 1 else None,
        "got": number(subject.contract.sign * returned),
        "certified": [number(bound) for bound in interval(subject.contract, certified) or ()],
        "allowance": number(float(held.allowance[index])),
        "ulps": number(error / step),
        "share": number(float(shares[index])),
        "failed": bool(held.failed[index]),
    }


def number(value: float) -> float | str:
    """Return a number as JSON has it; what JSON has not, as a text."""
    return value if math.isfinite(value) else str(value)


def _answer(subject: Subject, scores: NDArray[Any], label: int, got: NDArray[Any]) -> Answer:
    batch = subject.batch(scores, label)
    truth = Truth(subject.contract, batch, None, subject.part == "gradient")
    outcome = Outcome(loss=got) if subject.part == "loss" else Outcome(gradient=got)
    return Answer(subject.contract, batch, outcome, truth)
