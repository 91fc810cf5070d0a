"""A loss and its gradient put together from parts, any of which a hypothesis may replace.

The values are float64 and carry no proof; they only have to tell one mistake from another. The loss of a row is
-sum_j t_j log p_j and its gradient by the logits T p - t, with t the coefficients (labels, smoothing and weights
together) and T their sum, or the weight of the row where the contract says that the gradient is p - t. Of an entropy
t is p, whatever p has become, and the gradient p (-log p - H).
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.contract import Boundary
from xentcheck.truth.problem import Problem

Floats = NDArray[np.float64]
Logs = tuple[Floats, Floats]


def log_softmax(z: NDArray[Any], axis: int | None = -1) -> Floats:
    """Return log_softmax(z) in the dtype of z with the sum of the non-maximal terms kept apart (log1p form)."""
    d = z - z.max(axis=axis, keepdims=True)
    e = np.exp(d)
    if axis == -1:
        top = z.argmax(axis=-1)[:, None]
        np.put_along_axis(e, top, 0, axis=-1)
        return np.asarray(d - np.log1p(e.sum(axis=-1, keepdims=True)))
    return np.asarray(d - np.log(e.sum(axis=axis, keepdims=True)))


def logsumexp(z: Floats) -> Floats:
    """Return the log-sum-exp of each row, shape (n,)."""
    top = z.max(axis=-1)
    return np.asarray(top + np.log(np.exp(z - top[:, None]).sum(axis=-1)))


def dot(t: Floats, x: Floats) -> Floats:
    """Return the row sums of t * x, where a coefficient 0 silences even an infinite x."""
    return np.asarray(np.where(t == 0, 0.0, t * x).sum(axis=-1))


def one_hot(labels: NDArray[Any], m: int) -> Floats:
    """Return rows of zeros with a one at each label that lies in [0, m), shape (n, m)."""
    return np.asarray(labels.reshape(-1, 1) == np.arange(m), np.float64)


class Model:
    """The right values of a problem, and what they become when a part is replaced.

    Parameters
    ----------
    problem : Problem
    part : {"loss", "gradient"}

    Attributes
    ----------
    derived : str
        The part that a model of something made of the gradient is about, else "".
    """

    derived = ""

    def __init__(self, problem: Problem, part: str) -> None:
        self.problem = problem
        self.contract = problem.contract
        self.part = part
        self.raw = problem.scores
        cap = problem.soft_cap
        self.capped: Floats = self.raw if cap is None else np.asarray(cap * np.tanh(self.raw / cap))
        self.temperature = 1.0 if problem.temperature is None else problem.temperature
        self.z: Floats = np.asarray(self.capped / self.temperature)
        self.n, self.m = problem.n, problem.m
        self.u = problem.format.unit_roundoff
        self.reduction = self.contract.reduction if part == "loss" else self.contract.effective_gradient_reduction

    @cached_property
    def labels(self) -> NDArray[np.int64] | None:
        """The labels, those of one-hot rows included; None for soft rows."""
        if self.problem.labels is not None:
            return self.problem.labels
        dense = self.targets
        one = bool(np.all((dense == 0) | (dense == 1)) and np.all(dense.sum(axis=-1) == 1))
        return dense.argmax(axis=-1) if one else None

    @cached_property
    def targets(self) -> Floats:
        """The labels as rows of coefficients before smoothing and weights, shape (n, m)."""
        if self.problem.targets is None:
            assert self.problem.labels is not None
            return one_hot(self.problem.labels, self.m)
        dense = self.problem.targets
        renormalised = self.contract.soft_rows == "renormalised"
        return np.asarray(dense / dense.sum(axis=-1, keepdims=True) if renormalised else dense, np.float64)

    def coefficients(
        self,
        base: Floats | None = None,
        *,
        weights: Floats | None = None,
        unweighted: bool = False,
        smoothing: float | None = None,
        over: str | None = None,
        weigh: str | None = None,
        by_row: Floats | None = None,
        all_rows: bool = False,
    ) -> Floats:
        """Return t, shape (n, m): base rows, smoothed, weighted, with the ignored rows 0; of an entropy p itself."""
        if self.contract.is_entropy:
            return self.unguarded[1]
        base = self.targets if base is None else base
        w = None if unweighted else self.problem.class_weights if weights is None else weights
        eps = self.problem.smoothing if smoothing is None else smoothing
        t = base
        if eps:
            others = (over or self.contract.smoothing_over) == "others"
            if not others:
                t = (1 - eps) * base + eps / self.m
            elif self.m > 1:
                t = (1 - eps) * base + eps * (1 - base) / (self.m - 1)
        if w is not None:
            by = weigh or self.contract.smoothing_weights
            t = t * w if by == "class" else t * ((t if by == "mean" else base) @ w)[:, None]
        t = t * (self.own_weights if by_row is None else by_row)[:, None]
        return np.asarray(t if all_rows else t * self.problem.kept[:, None], np.float64)

    @cached_property
    def t(self) -> Floats:
        """The right coefficients."""
        return self.coefficients()

    @cached_property
    def own_weights(self) -> Floats:
        """The weights that are given of the rows, ones where there are none, shape (n,)."""
        v = self.problem.row_weights
        return np.ones(self.n) if v is None else v

    @cached_property
    def row_weights(self) -> Floats:
        """The weight of each row's class times that of the row, 0 for ignored rows, shape (n,)."""
        w, base = self.problem.class_weights, self.targets
        if self.contract.smoothing_weights == "mean":
            base = self.coefficients(unweighted=True, by_row=np.ones(self.n), all_rows=True)
        return np.asarray(self.problem.kept * self.own_weights * (1.0 if w is None else base @ w), np.float64)

    def divisor_of(self, reduction: str, over: str | None = None) -> float:
        """Return what the sum of the rows is divided by."""
        if reduction != "mean":
            return (self.problem.divisor or 1.0) if reduction == "sum" else 1.0
        over = over or self.contract.mean_over
        return float({"rows": self.n, "kept": self.problem.kept.sum(), "weights": self.row_weights.sum()}[over])

    @cached_property
    def divisor(self) -> float:
        """The right divisor."""
        return self.divisor_of(self.reduction)

    @cached_property
    def softmax(self) -> Logs:
        """log_softmax and softmax of the scores taken as logits, each (n, m)."""
        log_p = log_softmax(self.z)
        return log_p, np.exp(log_p)

    @cached_property
    def lse(self) -> Floats:
        """Log-sum-exp of each row of scores, shape (n,)."""
        top = self.z.max(axis=-1)
        return np.asarray(top + self.log_sum)

    @cached_property
    def log_sum(self) -> Floats:
        """The logarithm of each row's sum of exp(z - max), shape (n,): what `lse` is above the maximum, undisturbed."""
        return np.asarray(-self.softmax[0].max(axis=-1))

    @cached_property
    def unguarded(self) -> Logs:
        """Log p and p before the contract's boundary is applied, rows renormalised where it says so."""
        kind = self.contract.input
        if kind == "logits":
            return self.softmax
        if kind == "log_probabilities":
            return self.softmax if self.contract.boundary.normalise else (self.z, np.exp(self.z))
        p = self.z / self.z.sum(axis=-1, keepdims=True) if self.contract.boundary.normalise else self.z
        return np.log(p), p

    def guard(self, boundary: Boundary, logs: Logs | None = None) -> Floats:
        """Return log p after a boundary, whose constants are read in the problem's dtype."""
        log_p, p = logs or self.unguarded
        read = np.float32 if self.problem.format.is_half else self.problem.format.dtype.type
        if boundary.add is not None:
            eps = float(read(boundary.add))
            # log1p keeps the digits of a log p near 0, which p + eps has lost.
            return np.asarray(np.where(p > eps, log_p + np.log1p(eps / p), np.log(p + eps)))
        if boundary.clip is not None:
            low, high = boundary.clip
            held = np.clip(p, float(read(low)), float(read(high)))
            if boundary.after:
                return np.asarray(np.log(held / held.sum(axis=-1, keepdims=True)))
            return np.asarray(np.where(held == p, log_p, np.log(held)))
        return log_p

    def rounded_guard(self, boundary: Boundary) -> Floats:
        """Return log p after a constant is added in the problem's dtype: near p = 1 the sum keeps few of its digits."""
        own = self.problem.format.dtype.type
        raised = self.unguarded[1].astype(own) + own(boundary.add)
        return np.asarray(np.log(raised.astype(np.float64)))

    @cached_property
    def logs(self) -> Logs:
        """The right log p, guarded as declared, and the p of the gradient."""
        return self.guard(self.contract.boundary), self.unguarded[1]

    def with_guard(self, log_p: Floats) -> Logs:
        """Return other log p guarded as declared, and their p, in the place of `logs`."""
        p = np.exp(log_p)
        return self.guard(self.contract.boundary, (log_p, p)), p

    def penalty(self, z_loss: float | None = None) -> Floats:
        """Return z_loss lse**2 for each kept row (loss), or its gradient 2 z_loss lse p."""
        amount = self.problem.z_loss if z_loss is None else z_loss
        scale = amount * self.problem.kept * self.own_weights
        counts = scale != 0
        if self.part == "loss":
            return np.asarray(np.where(counts, scale * self.lse**2, 0.0))
        return np.asarray(np.where(counts[:, None], (2 * scale * self.lse)[:, None] * self.softmax[1], 0.0))

    def slope(self, t: Floats, p: Floats, boundary: Boundary | None = None, wrt: str | None = None) -> Floats:
        """Return the gradient of each row's loss, shape (n, m); a boundary means: of the guarded loss.

        That of a row that does not count is 0, whatever its scores hold.
        """
        silent = (t == 0).all(axis=-1, keepdims=True) & (self.factor_of_p(t) == 0)
        return np.where(silent, 0.0, self._slope(t, p, boundary, wrt))

    def _slope(self, t: Floats, p: Floats, boundary: Boundary | None, wrt: str | None) -> Floats:
        wrt = wrt or self.contract.gradient_wrt
        guarded = boundary is not None and not boundary.exact
        if wrt == "logits" and not guarded:
            return ideal_slope(t, p, self.factor_of_p(t))
        by_p = np.where(t == 0, 0.0, -t / p)
        if boundary is not None and boundary.add is not None:
            by_p = -t / (p + boundary.add)
        elif boundary is not None and boundary.clip is not None:
            low, high = boundary.clip
            shared = t.sum(axis=-1, keepdims=True) / np.clip(p, low, high).sum(axis=-1, keepdims=True)
            by_p = np.where((p < low) | (p > high), 0.0, by_p + shared if boundary.after else by_p)
        if wrt == "logits":
            return np.asarray(p * (by_p - dot(p, by_p)[:, None]))
        if wrt == "log_probabilities":
            own = p * by_p if guarded else -t
            return np.asarray(own - p * own.sum(axis=-1, keepdims=True) if self.contract.boundary.normalise else own)
        if self.contract.boundary.normalise:  # p is the row divided by its sum, and the sum depends on every entry
            total = self.z.sum(axis=-1, keepdims=True) if self.contract.input == "probabilities" else 1.0
            return np.asarray((by_p - dot(p, by_p)[:, None]) / total)
        return np.asarray(by_p)

    def own_slope(self, t: Floats, p: Floats) -> Floats:
        """Return the gradient of each row that the contract promises, shape (n, m)."""
        if self.contract.at_clipped and self.contract.gradient_wrt == "logits":
            return np.where(t.any(axis=-1, keepdims=True), self.factor_of_p(t) * self.seen(p) - t, 0.0)
        return self.slope(t, self.seen(p), self.contract.boundary if self.contract.gradient_of == "loss" else None)

    def seen(self, p: Floats) -> Floats:
        """Return the probabilities at which the gradient is taken: clipped ones where that is promised."""
        clip = self.contract.boundary.clip if self.contract.at_clipped else None
        return p if clip is None else np.clip(p, *clip)

    def factor_of_p(self, t: Floats) -> Floats:
        """Return the factor of p in the ideal gradient by the logits, shape (n, 1): sum t, or the row's own weight."""
        if self.contract.p_minus_t:
            return np.asarray(self.problem.kept * self.own_weights, np.float64)[:, None]
        return np.asarray(t.sum(axis=-1, keepdims=True))

    def rows(self, t: Floats | None = None, logs: Logs | None = None, z_loss: float | None = None) -> Floats:
        """Return the loss (n,) or the gradient (n, m) of each row before the reduction."""
        log_p, p = logs or self.logs
        if self.contract.is_entropy:
            return self.entropies(log_p, p)
        t = self.t if t is None else t
        rows = -dot(t, log_p) if self.part == "loss" else self.own_slope(t, p)
        use = self.problem.z_loss if z_loss is None else z_loss
        if self.part == "gradient" and self.contract.gradient_wrt != "logits":
            return rows
        return rows + self.penalty(use) if use else rows

    def entropies(self, log_p: Floats, p: Floats) -> Floats:
        """Return the entropy (n,) or its gradient (n, m) of each row."""
        if self.part == "loss":
            return -dot(p, log_p)
        surprisal = np.where(p == 0, 0.0, -log_p)
        if self.contract.gradient_wrt == "logits":
            return np.asarray(p * (surprisal - dot(p, surprisal)[:, None]))
        if not self.contract.boundary.normalise:
            return np.asarray(surprisal - 1)
        return np.asarray((surprisal - dot(p, surprisal)[:, None]) / self.z.sum(axis=-1, keepdims=True))

    def finish(
        self,
        rows: Floats,
        divisor: float | None = None,
        upstream: Floats | float | None = None,
        slope: Floats | float | None = None,
    ) -> Floats:
        """Return the rows reduced as the contract says; a gradient times the upstream one and the logits' slope."""
        divisor = self.divisor if divisor is None else divisor
        scale = np.float64(1.0) / np.float64(divisor)
        if self.part == "loss":
            if divisor == 0 and self.contract.empty_mean == "zero":
                return np.asarray(0.0)
            return np.asarray(rows * scale if self.reduction == "none" else rows.sum() * scale)
        if divisor == 0:  # no row is kept: nothing depends on the scores
            return np.zeros_like(rows)
        rows = rows * (self.capping if slope is None else slope)
        up = self.problem.upstream if upstream is None else upstream
        up = np.asarray(1.0 if up is None else up)
        return np.asarray(rows * scale * (up.reshape(-1, 1) if up.ndim else up))

    @cached_property
    def capping(self) -> Floats | float:
        """The derivative of the logits by the scores: that of the soft cap, over the temperature."""
        cap = self.problem.soft_cap
        slope = 1.0 if cap is None else np.asarray(1.0 - np.tanh(self.raw / cap) ** 2)
        return slope / self.temperature if self.contract.gradient_wrt == "logits" else slope

    @cached_property
    def right(self) -> Floats:
        """The right value of the part."""
        return self.finish(self.rows())


def ideal_slope(t: Floats, p: Floats, total: Floats) -> Floats:
    """Return T p - t, in the complement form where p is near 1 and the difference would cancel.

    Where p does not sum to 1, as after a constant was added to its divisor, the difference is what there is.
    """
    g: Floats = total * p - t
    if p.shape[1] and p.shape[0]:
        top = p.argmax(axis=-1)[:, None]
        at = np.take_along_axis(p, top, -1)
        off_t, off_p = t.copy(), p.copy()
        np.put_along_axis(off_t, top, 0, -1)
        np.put_along_axis(off_p, top, 0, -1)
        full = off_p.sum(axis=-1, keepdims=True) + at
        near = (at > 0.5) & (np.abs(full - 1) < (p.shape[1] + 16) * 2.0**-52)
        over = total - t.sum(axis=-1, keepdims=True)
        complement = off_t.sum(axis=-1, keepdims=True) + over - total * off_p.sum(axis=-1, keepdims=True)
        np.put_along_axis(g, top, np.where(near, complement, np.take_along_axis(g, top, -1)), -1)
    return g
