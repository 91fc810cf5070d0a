"""What a finding's number should have been, by mpmath from the definition alone: nothing of `truth` is used.

The loss is written down once, as a function of numbers of any precision. Its derivatives are central differences of it,
at so many bits that what they leave out is nothing: with a step h of 2^-1400, which is below the smallest number, that
is of the size of h^2, and rounding at 4,000 bits is as far below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np

from xentcheck.contract import Contract
from xentcheck.report.finding import Finding
from xentcheck.report.returned import role

BITS = 4000
LARGEST = 4096
"""Numbers in a batch; larger ones take minutes."""
_EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
_STEP = mpmath.mpf(2) ** -1400
Row = Sequence[Any]


class NotVerifiableError(ValueError):
    """A finding that this method says nothing about; the message says why."""


def expected(finding: Finding, contract: Contract) -> Any:
    """Return the exact number that a finding is about, to some hundred digits.

    Parameters
    ----------
    finding : Finding
        Of a loss, a gradient, a Hessian-vector product or a derivative along a tangent.
    contract : Contract
        Of the target.

    Returns
    -------
    mpmath.mpf

    Raises
    ------
    NotVerifiableError
        If the finding is about no number, about infinities, or about a batch too large.
    """
    part, inside = role(finding.part), finding.part.rstrip("]").partition("[")[2]
    if part not in ("loss", "gradient", "hessian_vector", "jvp") or finding.certified is None:
        raise NotVerifiableError("it is about no number")
    question = _Question(finding, contract)
    at = [int(word) for word in re.findall(r"\d+", inside)]
    with mpmath.workprec(BITS):
        exact = _of_loss(question, part, at)
        return -exact if contract.output == "log_probability" else exact


def _of_loss(question: _Question, part: str, at: Sequence[int]) -> Any:
    if part in ("loss", "jvp"):
        if len(at) != (1 if question.contract.reduction == "none" else 0):
            raise NotVerifiableError("it is about no single loss")
        return question.loss(at) if part == "loss" else question.along(at)
    if len(at) != 2:
        raise NotVerifiableError("it is about a row of the gradient")
    row, column = at
    if part == "gradient":
        return question.slope(row, column) * question.factor(row)
    return question.second(row, column) * question.factor(row)


class _Question:
    def __init__(self, finding: Finding, contract: Contract) -> None:
        batch = finding.batch
        boundary = contract.boundary.read_in(_EPS.get(batch["scores"]["dtype"], 0.0))
        self.contract = replace(contract, boundary=boundary)
        self.upstream, self.vector, self.tangent = finding.upstream, finding.vector, finding.tangent
        self.scores = _exact(batch["scores"])
        if self.scores.size > LARGEST:
            raise NotVerifiableError(f"its batch has {self.scores.size} numbers, more than {LARGEST}")
        if not all(mpmath.isfinite(value) for value in self.scores.ravel()):
            raise NotVerifiableError("its scores are not finite")
        drawn = batch.get("options", {})
        self.option = {key: _option(drawn.get(key, getattr(contract, key))) for key in _OPTIONS}
        for key in contract.arguments:
            if key not in drawn:
                self.option[key] = None if key in _OR_NONE else 0.0
        weights = self.option["class_weights"]
        self.weights = None if weights is None else [mpmath.mpf(one) for one in weights]
        by_row = self.option["row_weights"]
        self.row_weights = [mpmath.mpf(1)] * len(self.scores) if by_row is None else [mpmath.mpf(v) for v in by_row]
        n, form = len(self.scores), batch.get("label_form", "sparse")
        if contract.is_entropy:
            self.labels: list[int] | None = [0] * n
        else:
            self.labels = [int(v) for v in batch["labels"]["values"]] if form == "sparse" else None
        self.targets = _exact(batch["labels"]) if self.labels is None else None
        ignored = self.option["ignore_index"]
        named = [self.labels is None or ignored is None or self.labels[i] != ignored for i in range(n)]
        self.kept = [named[i] and self.row_weights[i] != 0 for i in range(n)]

    def target(self, i: int) -> Row:
        """Return the labels of a row, as given or divided by their sum."""
        m = self.scores.shape[1]
        if self.targets is None:
            assert self.labels is not None
            return [mpmath.mpf(j == self.labels[i]) for j in range(m)]
        row = list(self.targets[i])
        total = mpmath.fsum(row)
        return [t / total for t in row] if self.contract.soft_rows == "renormalised" else row

    def label_weight(self, i: int) -> Any:
        if self.weights is None:
            return mpmath.mpf(1)
        shares = self.smoothed(i) if self.contract.smoothing_weights == "mean" else self.target(i)
        return mpmath.fsum(w * t for w, t in zip(self.weights, shares, strict=True))

    def smoothed(self, i: int) -> Row:
        """Return the labels of a row, smoothed."""
        t, m, eps = self.target(i), self.scores.shape[1], mpmath.mpf(float(self.option["label_smoothing"] or 0.0))
        if self.contract.smoothing_over == "all":
            return [(1 - eps) * value + eps / m for value in t]
        share = eps / (m - 1) if m > 1 else mpmath.mpf(0)
        return [(1 - eps) * value + (1 - value) * share for value in t]

    def coefficients(self, i: int) -> Row:
        """Return what each -log p is multiplied by: labels, smoothed, with weights."""
        c = self.smoothed(i)
        if self.weights is None:
            return c
        if self.contract.smoothing_weights == "class":
            return [w * value for w, value in zip(self.weights, c, strict=True)]
        return [self.label_weight(i) * value for value in c]

    def row_loss(self, i: int, scores: Row, boundary: bool = True) -> Any:
        """Return the loss of a row with these scores in the place of its own."""
        if not self.kept[i]:
            return mpmath.mpf(0)
        c = self.coefficients(i)
        if self.contract.input == "logits":
            logits = self.read(scores)
            p, lse = _softmax(logits)
        else:
            p = [mpmath.exp(s) for s in scores] if self.contract.input == "log_probabilities" else list(scores)
            if self.contract.boundary.normalise:
                total = mpmath.fsum(p)
                p = [value / total for value in p]
            lse = mpmath.mpf(0)
        if self.contract.is_entropy:
            return -mpmath.fsum(q * mpmath.log(q) for q in p if q != 0)
        value = mpmath.fsum(a * self.surprisal(q, boundary) for a, q in zip(c, p, strict=True) if a != 0)
        if boundary and self.contract.boundary.after:
            value += mpmath.fsum(c) * mpmath.log(mpmath.fsum(self.bounded(q) for q in p))
        return self.row_weights[i] * (value + mpmath.mpf(float(self.option["z_loss"] or 0.0)) * lse**2)

    def read(self, scores: Row) -> Row:
        """Return logits behind a soft cap and a temperature."""
        cap, temperature = self.option["soft_cap"], self.option["temperature"]
        if cap is not None:
            scores = [mpmath.mpf(float(cap)) * mpmath.tanh(s / mpmath.mpf(float(cap))) for s in scores]
        return scores if temperature is None else [s / mpmath.mpf(float(temperature)) for s in scores]

    def bounded(self, p: Any) -> Any:
        """Return a probability clipped as the contract says."""
        low, high = self.contract.boundary.clip or (0.0, 1.0)
        return min(max(p, mpmath.mpf(low)), mpmath.mpf(high))

    def surprisal(self, p: Any, boundary: bool) -> Any:
        edge = self.contract.boundary
        if boundary and edge.add is not None:
            p = p + mpmath.mpf(edge.add)
        if boundary and edge.clip is not None:
            p = self.bounded(p)
        return mpmath.inf if p == 0 else -mpmath.log(p)

    def loss(self, at: Sequence[int]) -> Any:
        if self.contract.reduction == "none":
            return self.row_loss(at[0], list(self.scores[at[0]]))
        rows = [self.row_loss(i, list(row)) for i, row in enumerate(self.scores)]
        return mpmath.fsum(rows) / self.divided_by(self.contract.reduction)

    def along(self, at: Sequence[int]) -> Any:
        """Return the derivative of the loss along the finding's tangent, reduced as the loss is."""
        if self.tangent is None:
            raise NotVerifiableError("the tangent is not known")
        tangents = np.asarray(self.tangent, np.float64)

        def row(i: int) -> Any:
            columns = [(j, mpmath.mpf(float(v))) for j, v in enumerate(tangents[i]) if v]
            return mpmath.fsum(v * self.slope(i, j) for j, v in columns)

        if self.contract.reduction == "none":
            return row(at[0])
        return mpmath.fsum(row(i) for i in range(len(self.scores))) / self.divided_by(self.contract.reduction)

    def divided_by(self, reduction: str) -> Any:
        """Return what the sum of the rows is divided by under a reduction."""
        if reduction == "mean":
            return self.divisor()
        return mpmath.mpf(float(self.option["divisor"] or 1.0)) if reduction == "sum" else 1

    def divisor(self) -> Any:
        over, n = self.contract.mean_over, len(self.scores)
        if over == "rows":
            total = mpmath.mpf(n)
        elif over == "kept":
            total = mpmath.mpf(sum(self.kept))
        else:
            total = mpmath.fsum(self.row_weights[i] * self.label_weight(i) for i in range(n) if self.kept[i])
        if total == 0:
            raise NotVerifiableError("its mean divides by 0")
        return total

    def factor(self, i: int) -> Any:
        """Return what the gradient of a row is multiplied by: the cotangent, over the divisor of a mean."""
        given = mpmath.mpf(1)
        if self.upstream is not None:
            each = np.ravel(np.asarray(self.upstream, np.float64))
            given = mpmath.mpf(float(each[i if each.size > 1 else 0]))
        return given / self.divided_by(self.contract.effective_gradient_reduction)

    def slope(self, i: int, j: int, along: Callable[[Row], Row] | None = None) -> Any:
        """Return the derivative of a row's loss, by one score or (if given) by a direction depending on the scores."""
        if self.contract.at_clipped:
            return self.at_clipped(i, j)
        direction = along or (lambda scores: self.direction(scores, j))
        value = _difference(lambda scores: self.promised(i, scores), list(self.scores[i]), direction)
        return value if self.contract.input == "logits" else value + self.missing(i) * self.probability(i, j)

    def at_clipped(self, i: int, j: int) -> Any:
        """Return an element of the ideal gradient of a row, taken at its clipped probabilities."""
        if not self.kept[i]:
            return mpmath.mpf(0)
        given = list(self.scores[i])
        b = [self.bounded(q) for q in (_softmax(given)[0] if self.contract.input == "logits" else given)]
        c = [self.row_weights[i] * value for value in self.coefficients(i)]
        if self.contract.gradient_wrt == "probabilities":
            return -c[j] / b[j] if c[j] != 0 else mpmath.mpf(0)
        return mpmath.fsum(c) * b[j] - c[j]

    def promised(self, i: int, scores: Row) -> Any:
        """Return what the gradient promised is the derivative of, at these scores: the row's loss, or nearly.

        p - t as a policy is that of the loss and of what the labels' sum lacks, times the log-sum-exp of the logits.
        """
        value = self.row_loss(i, scores, self.contract.gradient_of == "loss")
        lacking = self.missing(i) if self.contract.input == "logits" else 0
        return value if lacking == 0 else value + lacking * _softmax(self.read(scores))[1]

    def missing(self, i: int) -> Any:
        """Return the row's weight times 1 less its labels' sum, where the gradient is p - t as a policy; else 0."""
        policy = self.contract.p_minus_t and self.kept[i]
        return self.row_weights[i] * (1 - mpmath.fsum(self.smoothed(i))) if policy else mpmath.mpf(0)

    def probability(self, i: int, j: int) -> Any:
        """Return one of a row's probabilities, where these or their logarithms are given."""
        given = self.scores[i] if self.contract.input == "probabilities" else [mpmath.exp(s) for s in self.scores[i]]
        return given[j] / (mpmath.fsum(given) if self.contract.boundary.normalise else 1)

    def direction(self, scores: Row, j: int) -> Row:
        """Return how the scores move with the variable by which is differentiated."""
        wrt, given = self.contract.gradient_wrt, self.contract.input
        unit = [mpmath.mpf(k == j) for k in range(len(scores))]
        if wrt == given:
            return unit
        if (wrt, given) == ("logits", "probabilities"):
            return [p * (e - scores[j]) for p, e in zip(scores, unit, strict=True)]
        if (wrt, given) == ("logits", "log_probabilities"):
            return [e - mpmath.exp(scores[j]) for e in unit]
        raise NotVerifiableError(f"its gradient is by {wrt} where {given} are given")

    def second(self, i: int, j: int) -> Any:
        """Return an element of the Hessian of a row's loss times the finding's vector."""
        if self.vector is None or self.contract.gradient_wrt != self.contract.input:
            raise NotVerifiableError("it is about a second derivative by other variables than the scores")
        vector = [mpmath.mpf(float(value)) for value in np.asarray(self.vector, np.float64)[i]]

        def slope(scores: Row) -> Any:
            return _difference(lambda at: self.promised(i, at), scores, lambda at: self.direction(at, j))

        return _difference(slope, list(self.scores[i]), lambda _: vector)


def _difference(function: Callable[[Row], Any], scores: Row, direction: Callable[[Row], Row]) -> Any:
    d = direction(scores)
    above = function([s + _STEP * v for s, v in zip(scores, d, strict=True)])
    below = function([s - _STEP * v for s, v in zip(scores, d, strict=True)])
    if not (mpmath.isfinite(above) and mpmath.isfinite(below)):
        raise NotVerifiableError("its loss is infinite")
    return (above - below) / (2 * _STEP)


def _softmax(logits: Row) -> tuple[Row, Any]:
    top = max(logits)
    e = [mpmath.exp(z - top) for z in logits]
    total = mpmath.fsum(e)
    return [value / total for value in e], top + mpmath.log(total)


def _exact(stored: Mapping[str, Any]) -> Any:
    values = [float.fromhex(item) if isinstance(item, str) else item for item in stored["values"]]
    return np.array([mpmath.mpf(value) for value in values], object).reshape(stored["shape"])


def _option(value: Any) -> Any:
    """Return an option as a number, a list of numbers, or None, of how a batch stores it."""
    if isinstance(value, Mapping):
        return None if "argument" in value else list(_exact(value))
    return float.fromhex(value) if isinstance(value, str) else value


_OPTIONS = (
    "class_weights",
    "row_weights",
    "label_smoothing",
    "z_loss",
    "ignore_index",
    "soft_cap",
    "temperature",
    "divisor",
)
_OR_NONE = ("class_weights", "row_weights", "ignore_index", "soft_cap", "temperature", "divisor")
