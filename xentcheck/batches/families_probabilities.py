"""Families of probabilities: exact ends, eps and clip constants, rows that do not sum to 1 [13]."""

from __future__ import annotations

import numpy as np

from xentcheck.batches.family import Draft, family, others, with_label
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.numbers import Floats, Labels, Numbers


def tenths(numbers: Numbers) -> Floats:
    """Return rows of probabilities in tenths; codes of 0 give [0.8, 0.1, 0.1].

    Each class after the first takes some of what is left and the first class keeps the rest, so that a row
    stays one while single entries of it shrink.
    """
    wanted = numbers.pick((1, 2, 3, 0, 5, 4, 1, 0, 2, 10))
    wanted[:, 0] = 0
    before = np.minimum(np.cumsum(wanted, axis=1), 10)
    taken = np.diff(before, axis=1, prepend=0.0)
    taken[:, 0] = 10 - before[:, -1]
    return taken / 10


def _pair(numbers: Numbers, probability: Floats, labels: Labels) -> Floats:
    """Return rows with `probability`, shape (n, 1), at the label and the rest at the class after it."""
    rows = np.zeros((numbers.n, numbers.m))
    if numbers.m == 1:
        return np.ones_like(rows)
    rows = with_label(rows, (labels + 1) % numbers.m, 1 - probability)
    return with_label(rows, labels, probability)


@family(gives="probabilities")
def probabilities_in_tenths(numbers: Numbers) -> Draft:
    """Return rows of short decimals: gross errors in a form that a person can check by hand."""
    return Draft(tenths(numbers), numbers.labels())


@family(gives="probabilities")
def probability_ends(numbers: Numbers) -> Draft:
    """Return p_y of exactly 0 and 1, 1 - u, u, subnormal and smallest normal.

    log(0), 0 log 0, eps and clip constants show here. keras 377, 17634; tensorflow 60113; scikit-learn 24315.
    """
    format_ = numbers.space.format
    u = format_.unit_roundoff
    tiny = (format_.smallest_subnormal, 5 * format_.smallest_subnormal, format_.smallest_normal)
    ends = (1.0, 0.5, 0.0, 1 - u, 1 - 2 * u, u, 2 * u, *tiny)
    labels = numbers.labels()
    return Draft(_pair(numbers, numbers.pick(ends, rows=True), labels), labels)


@family(gives="probabilities")
def probability_at_constants(numbers: Numbers) -> Draft:
    """Return p_y within two steps of the eps or the clip limits, and of those commonly chosen.

    1 - 1e-7 is 1 in float16; in float32 the limit is 1 - 1.19e-7: constants round away.
    """
    format_ = numbers.space.format
    boundary, u = numbers.space.contract.boundary.read_in(format_.eps), format_.unit_roundoff
    declared = [boundary.add] if boundary.add else list(boundary.clip or ())
    constants = [value for value in (*declared, 1e-7, 1e-15, 1e-12, 2.0**-52) if 0 < value < 1]
    value = numbers.pick([side for one in constants for side in (one, 1 - one)], rows=True)
    steps = numbers.pick((0, 1, -1, 2, -2, 20, -20), rows=True)
    labels = numbers.labels()
    return Draft(_pair(numbers, np.clip(value * (1 + 2 * u * steps), 0, 1), labels), labels)


@family(gives="probabilities", applies=lambda space: not space.stochastic)
def rows_not_summing_to_one(numbers: Numbers) -> Draft:
    """Return rows of another sum, some near 1, for a target that divides by it. scikit-learn 24515, keras 17102."""
    factor = numbers.pick((2, 0.5, 1.004, 0.9, 1.1, 0.9995, 3, 0.125, 1), rows=True)
    return Draft(tenths(numbers) * factor, numbers.labels())


def to_input(scores: Floats, gives: str, space: InputSpace) -> Floats:
    """Return the scores as the contract's input: logits as they are, else softmax or log_softmax of them.

    The log_softmax is -log1p(s) at the maximum, s the sum of the other exponentials, so that a confident row
    keeps its information. Rows that have none (all -inf, or +inf) become uniform.
    """
    if gives == space.contract.input:
        return scores
    top = np.argmax(scores, axis=1)
    difference = scores - scores[np.arange(top.size), top][:, None]
    difference = np.where(np.isnan(difference) & ~np.isnan(scores), 0.0, difference)
    exponential = np.exp(difference)
    rest = np.exp(others(difference, top)).sum(axis=1, keepdims=True)
    if space.contract.input == "probabilities":
        return np.asarray(exponential / (1 + rest), np.float64)
    return np.asarray(difference - np.log1p(rest), np.float64)
