"""Probabilities and their logarithms from each kind of scores, in forms in which nothing cancels.

Throughout, q = e / S with e >= 0: exp(z_j - max z) for logits, exp(log p_j) for log-probabilities, p_j for
probabilities; S is the row's sum, or 1 where probabilities are taken as they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth.real import Floats, Real

R = TypeVar("R", bound=Real)
Columns = NDArray[np.int64]


class Scores(ABC, Generic[R]):
    """The rows of one block; every method takes columns (n, k), or None for all of them."""

    e: R
    S: R | None

    def probability(self, columns: Columns | None = None, times: R | None = None) -> R:
        """Return q, multiplied by `times` of shape (n, 1): the product with 1/S is one number a row."""
        e = self.e if columns is None else self.e.at(columns)
        factor = times
        if self.S is not None:
            factor = self.S.reciprocal() if times is None else times / self.S
        return e if factor is None else e * factor

    @abstractmethod
    def surprisal(self, columns: Columns | None = None) -> R:
        """Return -log q."""

    @abstractmethod
    def complement(self, label: Columns) -> R:
        """Return 1 - q at the label (n, 1), accurate relative to itself."""


class Logits(Scores[R]):
    """q = softmax(z), z the scores or the scores / T.

    With s the sum of e without one maximum, which is 1: S = 1 + s, -log q_j = log1p(s) + (M - z_j).

    Parameters
    ----------
    scores : ndarray of float64, shape (n, m)
        In [-inf, inf), with a finite maximum in each row. Where z_j = -inf, q_j is exactly 0 and -log q_j is not set.
    temperature : float or None
        T > 0; None stands for 1.
    """

    def __init__(self, scores: Floats, real: type[R], temperature: float | None = None) -> None:
        self._cool(real, temperature)
        top = scores.argmax(-1)[:, None]
        M = np.take_along_axis(scores, top, -1)
        finite = scores > -np.inf
        masked = not finite.all()
        d = real.exact(np.where(finite, scores, M) if masked else scores) - real.exact(M)
        self._sum_up(d, M, top, finite if masked else None)

    def _cool(self, real: type[R], temperature: float | None) -> None:
        self.coldness: R | None = None  # 1 / T, shape (1, 1)
        if temperature is not None:
            self.coldness = real.exact(np.full((1, 1), temperature)).reciprocal()

    def _sum_up(self, d: R, M: R | Floats, top: Columns, finite: NDArray[np.bool_] | None) -> None:
        """Set what follows from the differences to the maximum M, which stands at `top`; `finite` None: everywhere.

        Both are divided by the temperature here: after the subtraction, so that no common offset costs digits.
        """
        if self.coldness is not None:
            d, M = d * self.coldness, self.coldness * M
        self.d, self.M, self.top = d, M, top
        e = d.exp()
        if finite is not None:
            e = e.where(finite, 0.0)
        e.put(top, 0.0)
        self.s: R = e.sum()
        e.put(top, 1.0)
        self.e = e
        self.S: R = self.s + 1.0
        self.l: R = self.s.log1p()

    def surprisal(self, columns: Columns | None = None) -> R:
        """Return -log q."""
        return self.l - (self.d if columns is None else self.d.at(columns))

    def complement(self, label: Columns) -> R:
        """Return 1 - q at the label (n, 1), accurate relative to itself."""
        rest = (self.s - self.e.at(label)) + 1.0
        return self.s.where(label == self.top, rest) / self.S

    def log_sum(self) -> R:
        """Return log of the sum of exp(z); shape (n, 1)."""
        return self.l + self.M

    def by_scores(self, gradient: R, columns: Columns | None = None) -> R:
        """Return the derivatives by the scores as given, of those by the logits at chosen columns or at all."""
        return gradient if self.coldness is None else gradient * self.coldness


class SoftCapped(Logits[R]):
    """q = softmax(s / T) with s_j = c tanh(z_j / c), which rises with z_j.

    Parameters
    ----------
    scores : ndarray of float64, shape (n, m)
        Not nan; s_j = +-c where z_j = +-inf.
    cap : float
        c > 0.
    temperature : float or None
        T > 0; None stands for 1.

    Attributes
    ----------
    slope : Real, shape (n, m)
        d s_j / d z_j = 1 - tanh(z_j / c)^2 = 4 E / (1 + E)^2 with E = exp(-2 |z_j| / c), in which nothing cancels.
    """

    def __init__(self, scores: Floats, cap: float, real: type[R], temperature: float | None = None) -> None:
        self._cool(real, temperature)
        finite, negative = np.isfinite(scores), scores < 0
        x = real.exact(np.where(finite, np.abs(scores), 0.0)) / real.exact(np.full((1, 1), cap))
        E = (x * -2.0).exp()
        slope, size = E * 4.0 / ((E + 1.0) * (E + 1.0)), x.tanh()
        if not finite.all():
            slope, size = slope.where(finite, 0.0), size.where(finite, 1.0)
        self.slope = slope
        size = size * cap
        s = (-size).where(negative, size)
        top = scores.argmax(-1)[:, None]
        M = s.at(top)
        d = s - M
        d.put(top, 0.0)
        self._sum_up(d, M, top, None)

    def by_scores(self, gradient: R, columns: Columns | None = None) -> R:
        """Return the derivatives by the scores as given, of those by the logits at chosen columns or at all."""
        return super().by_scores(gradient * (self.slope if columns is None else self.slope.at(columns)))


class Probabilities(Scores[R]):
    """q = p, or p / sum p.

    Parameters
    ----------
    scores : ndarray of float64, shape (n, m)
        Finite.
    normalise : bool
    """

    def __init__(self, scores: Floats, normalise: bool, real: type[R]) -> None:
        self.real = real
        self.e = real.exact(scores)
        self.S = self.e.sum() if normalise else None

    def surprisal(self, columns: Columns | None = None) -> R:
        """Return -log q."""
        return -self.probability(columns).log()

    def complement(self, label: Columns) -> R:
        """Return 1 - q at the label (n, 1), accurate relative to itself."""
        if self.S is None:
            return 1.0 - self.e.at(label)
        others = self.e.spread(self.e.shape)
        others.put(label, 0.0)
        return others.sum() / self.S


class LogProbabilities(Probabilities[R]):
    """q = exp(lp), or exp(lp) / sum exp(lp).

    Parameters
    ----------
    scores : ndarray of float64, shape (n, m)
        In [-inf, inf). Where lp_j = -inf, q_j is exactly 0 and -log q_j is not set.
    normalise : bool
    """

    def __init__(self, scores: Floats, normalise: bool, real: type[R]) -> None:
        finite = scores > -np.inf
        self.real = real
        self.lp = real.exact(np.where(finite, scores, 0.0))
        self.e = self.lp.exp()
        if not finite.all():
            self.e = self.e.where(finite, 0.0)
        self.S = self.e.sum() if normalise else None

    def surprisal(self, columns: Columns | None = None) -> R:
        """Return -log q."""
        plain = -(self.lp if columns is None else self.lp.at(columns))
        return plain if self.S is None else plain + self.S.log()


def read_scores(
    kind: str,
    scores: Floats,
    normalise: bool,
    real: type[R],
    cap: float | None = None,
    temperature: float | None = None,
) -> Scores[R]:
    """Return the block of scores of a contract's input: "logits", "probabilities" or "log_probabilities"."""
    if kind == "logits":
        return Logits(scores, real, temperature) if cap is None else SoftCapped(scores, cap, real, temperature)
    return (Probabilities if kind == "probabilities" else LogProbabilities)(scores, normalise, real)
