"""Families of moderate logits: what plain, shifted and summed code loses on ordinary inputs.

The numbers in brackets count the sixteen kinds of worst inputs, of which each has a family (a test holds that).
"""

from __future__ import annotations

import numpy as np

from xentcheck.batches.family import Draft, family, others, with_label
from xentcheck.batches.numbers import Numbers


@family()
def plain(numbers: Numbers) -> Draft:
    """Return moderate logits of both signs: gross errors, such as a sign, a divisor or a wrong axis."""
    return Draft(numbers.normal(), numbers.labels())


@family()
def exact_grid(numbers: Numbers) -> Draft:
    """Return multiples of 1/8 up to 8 in size: permutations and shifts by powers of two are exact [16]."""
    eighths = (0, 8, -8, 4, -4, 16, -16, *range(-64, 65))
    return Draft(numbers.pick(eighths) / 8, numbers.labels())


@family()
def ties(numbers: Numbers) -> Draft:
    """Return rows of equal logits [5].

    With m classes the loss is log m. A 16-bit running sum of ones stops at 257 (bfloat16) or 2049 (float16):
    executorch 20089, pytorch 61523.
    """
    equal = numbers.pick((0, 1, -1, 2, -3, 10, -50, 50), rows=True)
    return Draft(np.repeat(equal, numbers.m, axis=1), numbers.labels())


@family()
def confident_right(numbers: Numbers) -> Draft:
    """Return rows whose label leads by up to 1.2 times the gap at which exp underflows [1].

    The loss is about exp(-gap): log of a rounded sum gives 0 from a gap of 17 (float32) or 37 (float64) on.
    scipy 19521, jax 40384.
    """
    scores, labels = numbers.normal(), numbers.labels()
    lead = numbers.between(0.0, 1.2 * numbers.space.exponential_limit, rows=True)
    return Draft(with_label(scores, labels, scores.max(axis=1, keepdims=True) + lead), labels)


@family()
def confident_wrong(numbers: Numbers) -> Draft:
    """Return rows whose label trails until its probability underflows: log(softmax) gives inf [1, 10]."""
    scores, labels = numbers.normal(), numbers.labels()
    limit = numbers.space.exponential_limit
    behind = numbers.pick((1, 2, 10, 20, 50, 100, 1000, limit, 1.1 * limit, 0.8 * limit), rows=True)
    return Draft(with_label(scores, labels, scores.min(axis=1, keepdims=True) - behind), labels)


@family()
def label_probability_near_one(numbers: Numbers) -> Draft:
    """Return rows with p_y of 0.9 to 1 - u, where p_y - 1 and log(p_y) cancel [2]."""
    scores, labels = numbers.normal(), numbers.labels()
    u = numbers.space.format.unit_roundoff
    wanted = numbers.pick((0.9, 0.99, 0.999, 1 - u, 1 - 4 * u), rows=True)
    rest = np.logaddexp.reduce(others(scores, labels), axis=1, keepdims=True)
    placed = np.where(np.isfinite(rest), rest, 0.0) + np.log(wanted / (1 - wanted))
    return Draft(with_label(scores, labels, placed), labels)


@family()
def common_offset(numbers: Numbers) -> Draft:
    """Return rows shifted by up to 1e8 [3].

    logsumexp(z) - z_y loses u times the offset, and a sum without the maximum subtracted overflows.
    pytorch 11752, 38839; optax 1792; mlx 4188.
    """
    largest = numbers.space.largest
    sizes = (10, 100, 64, 1000, 1e4, 2.0**20, 1e6, 1e8)
    signed = [sign * size for size in sizes if size < largest / 4 for sign in (1, -1)] or [0]
    spread = numbers.pick((1, 0, 1, 3), rows=True)
    return Draft(numbers.normal() * spread + numbers.pick(signed, rows=True), numbers.labels())


@family()
def beyond_exponential_range(numbers: Numbers) -> Draft:
    """Return rows near +-log of the largest number, where exp(z) without a shift overflows or all underflow.

    statsmodels 3635; pytorch 62897, 63132; Megatron-LM 5522.
    """
    limit = numbers.space.exponential_limit
    sign = numbers.pick((1, -1), rows=True)
    return Draft(3 * numbers.normal() + sign * numbers.between(limit, 1.4 * limit, rows=True), numbers.labels())


@family()
def ramps(numbers: Numbers) -> Draft:
    """Return sorted rows, rising or falling: each class is a new maximum for an online algorithm, or none is.

    The label is the last class, the first or any other.
    """
    rising = np.sort(3 * numbers.normal(), axis=1)
    falls = numbers.pick((0, 1), rows=True) == 1
    where = numbers.pick((0, 1, 2), rows=True)[:, 0]
    labels = np.choose(
        where.astype(np.int64), [np.full(numbers.n, numbers.m - 1), np.zeros(numbers.n, np.int64), numbers.labels()]
    )
    return Draft(np.where(falls, rising[:, ::-1], rising), labels.astype(np.int64))


@family()
def losses_of_4_to_40(numbers: Numbers) -> Draft:
    """Return rows with losses of 4 to 40, where a bfloat16 loss has steps of 1/32 to 1/4 [7].

    pytorch 111484: a loss of log(64) that came back as 4.219.
    """
    scores, labels = numbers.normal(), numbers.labels()
    behind = numbers.between(4.0, 40.0, rows=True)
    return Draft(with_label(scores, labels, scores.max(axis=1, keepdims=True) - behind), labels)


@family(emphasis="reduction")
def reductions(numbers: Numbers) -> Draft:
    """Return plain logits for unusual labels and options [14].

    All rows ignored, an ignored label inside the range, zero and widely spread weights with smoothing, label
    rows of zeros. pytorch 70348, 64572, 73205; Paddle 48663; iree 24228.
    """
    return Draft(numbers.normal(), numbers.labels())


@family(emphasis="layout")
def layouts(numbers: Numbers) -> Draft:
    """Return plain logits in every memory layout but the plain one [15]: wrong strides and silent writes."""
    return Draft(numbers.normal(), numbers.labels())
