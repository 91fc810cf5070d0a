"""The model of arithmetic behind the allowances: which errors each operation of an algorithm may make.

docs/bounds.md derives every formula in these symbols and says what each constant covers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from xentcheck.truth.conditions import Conditions
from xentcheck.truth.formats import FORMATS, Format
from xentcheck.truth.problem import Problem

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Arithmetic:
    """Unit roundoffs, ranges and the constants of one family of allowances.

    Parameters
    ----------
    u, u_sum : float
        Unit roundoff of elementwise operations and of accumulation: they differ for 16-bit formats.
    u_input, u_output : float
        Unit roundoff of a conversion of the scores to a narrower working dtype, and of the result to a narrower
        output dtype; 0 where there is none.
    eta, eta_output : float
        The absolute error of an operation that underflows, in the working and in the output dtype.
    normal, normal_output : float
        The smallest normal number of the working and of the output dtype: below it, and only there, a rounded result
        may lose eta or eta_output.
    largest, largest_sum, largest_output : float
        The largest finite number elementwise, in accumulation and in the output.
    k_exp, k_log, k_tanh : float
        exp, log and tanh are accurate to this many ulp: a relative error of 2 k u.
    shift : float
        Rounding errors of z - M, in units of u |z - M|: 1 for the natural form, 3 with base 2 or FMA.
    gap : float
        The same for the term M - z_y of the loss.
    spare : float
        Further roundings of the row loss, in units of u.
    branch : float
        |d| counts this often in the gradient exp(log_softmax).
    quotient : float
        Spare roundings of a probability, in units of u.
    exact_maximum : bool
        Whether exp(0) is exactly 1 at the maximum.
    log_softmax : bool
        Whether -log(softmax), with its relative error of the logarithm, is among the algorithms.
    relative : bool
        The log1p form: the error of the row sum is relative to s, not to S.
    lse : float
        Rounding errors of the size u |logsumexp| (class C); 0 where results do not change with a shift.
    tree : bool
        Class C by repeated logaddexp: one rounding of the size of the largest intermediate at each level.
    """

    u: float
    u_sum: float
    u_input: float
    u_output: float
    eta: float
    eta_output: float
    normal: float
    normal_output: float
    largest: float
    largest_sum: float
    largest_output: float
    k_exp: float
    k_log: float
    k_tanh: float
    shift: float
    gap: float
    spare: float
    branch: float
    quotient: float
    exact_maximum: bool
    log_softmax: bool
    relative: bool = False
    lse: float = 0.0
    tree: bool = False

    def exp_error(self, on: Conditions) -> Floats | float:
        """Error of the exponentials in the row sum relative to S, in units of u, shape (n,) or one for all rows."""
        return 2.0 * self.k_exp * on.q if self.exact_maximum else 2.0 * self.k_exp

    def first_order(self, on: Conditions) -> Floats:
        """The relative error whose square is neglected at first order, shape (n,); no bound beyond 1/4."""
        h = on.problem.m - 1
        return self.u * (self.shift * on.D + 2.0 * self.k_exp + 2.0 * self.k_log + 4.0) + self.u_sum * h

    def leaves_range(self, on: Conditions) -> Flags:
        """Rows whose differences, in units of log 2 at that, may overflow: |z - M| log2 e < 3/4 of the largest else.

        Those under a soft cap c, too, where 1/c may be flushed to zero, or c is beyond the largest number. Those
        with a temperature T where z - M may overflow before it is divided, or T or 1/T is no normal number. Those
        whose sum of exponentials is beyond the largest number of the elementwise format, to which it is rounded.
        """
        beyond: Flags = (on.magnitude > self.largest / 4.0) | (on.S * (1.0 + self.first_order(on)) > self.largest)
        cap, T = on.problem.soft_cap, on.problem.temperature
        if T is not None:
            beyond = beyond | (on.magnitude * T > self.largest / 4.0) | (self.normal > T) | (T * self.normal > 1.0)
        return beyond if cap is None else beyond | (cap * self.eta > 0.25)

    def inflation(self, on: Conditions) -> Floats:
        """The factor that covers the terms of second order, shape (n,)."""
        return 1.0 / (1.0 - 2.0 * np.minimum(self.first_order(on), 0.25))

    def row_sum(self, on: Conditions) -> float:
        """Relative error of the sum over the classes in any order."""
        return self.u_sum * (on.problem.m - 1)

    def vanishing(self, on: Conditions, *, quotients: bool = False) -> Floats | float:
        """How many of a row's exponentials, or of their quotients by S, may underflow, shape (n,) or one for all.

        Those below 8 eta: their errors are far from a factor of 8 where there is a bound at all. In the wide formats
        it is all of them, since no number of them matters.
        """
        if on.problem.m * self.eta < self.u * 2.0**-20:
            return float(on.problem.m)
        numbers = on.p if quotients else np.exp(on.d)
        return np.asarray(((numbers < 8.0 * self.eta) & np.isfinite(on.d)).sum(axis=1), np.float64)

    def stored(self, value: Floats, error: Floats, roundings: float | Floats = 1.0) -> Floats:
        """What it costs to round a value, known to within `error`, to a narrower output dtype; 0 where it is not."""
        size = np.abs(value)
        underflows = np.where(size - error < self.normal_output, self.eta_output, 0.0)
        return np.asarray(self.u_output * roundings * (size + error) + underflows)

    def batch_sum(self, on: Conditions, *, weights: bool = False) -> float:
        """Relative error of a sum over the rows, or of all their terms at once, in any order, to second order.

        The terms are those of the loss: its products, and in each row log S of a softmax, a z-loss, and in class C the
        maximum, one of which a row has been added already. Or they are those of the sum of the `weights`: one a row,
        unless targets or their mean are.
        """
        problem, beside = on.problem, max(on.problem.n - 1, 0)
        products = max(beside, on.coefficients.terms - 1)
        if weights:
            single = problem.targets is None and problem.contract.smoothing_weights != "mean"
            error = self.u_sum * (beside if single else products)
        else:
            parts = (on.softmax and problem.contract.boundary.exact, on.z_loss != 0.0, self.lse != 0.0)
            error = self.u_sum * (products + sum(parts) * beside)
        return error / (1.0 - error) if error <= 0.25 else np.inf


def conforming(problem: Problem, accuracy: str, part: str = "loss") -> Arithmetic:
    """Return the constants that no legitimate algorithm of this accuracy exceeds: k_exp = 6, k_log = 4, any order."""
    return _conforming(problem.format, output_format(problem, part), problem.contract.compute, accuracy)


@cache
def _conforming(given: Format, result: Format, declared: str | None, accuracy: str) -> Arithmetic:
    model = _arithmetic(given, result, declared, flushes=True)
    if accuracy == "C":
        return replace(model, lse=4.0, tree=True)
    if accuracy == "B+":
        return replace(model, relative=True, exact_maximum=True, log_softmax=False)
    return model


def known(problem: Problem, grade: str, part: str = "loss") -> Arithmetic:
    """Return the constants of the grade "R", "B" or "C": the plain form, k_exp = k_log = 4, subnormals kept."""
    return _known(problem.format, output_format(problem, part), problem.contract.compute, grade)


@cache
def _known(given: Format, result: Format, declared: str | None, grade: str) -> Arithmetic:
    model = _arithmetic(given, result, declared, flushes=False)
    model = replace(
        model,
        k_exp=4.0,
        k_tanh=min(model.k_tanh, 4.0),
        shift=1.0,
        gap=1.0,
        # A sum in float32 of 16-bit numbers is rounded to 16 bits once, its logarithm perhaps too.
        spare=2.0 if model.u > model.u_sum else 0.0,
        branch=2.0,
        quotient=0.0,
        exact_maximum=True,
        log_softmax=False,
    )
    return replace(model, relative=grade == "R", lse=1.0 if grade == "C" else 0.0)


def output_format(problem: Problem, part: str = "loss") -> Format:
    """Return the format of a part of the result: the declared one, or else that of the scores.

    A declared one is that of the loss. Frameworks return derivatives in the format of the scores: one that came back
    so, where that is the narrower, is judged by it.
    """
    if problem.gradient_as_scores and part not in ("rows", "loss", "jvp"):
        return problem.format
    return FORMATS.get(problem.contract.output_dtype, problem.format)


def working_format(problem: Problem) -> Format:
    """Return the format that elementwise operations are expected in: by default never narrower than float32."""
    return _working(problem.format, problem.contract.compute)


def _working(given: Format, declared: str | None) -> Format:
    if declared is None:
        return FORMATS["float32"] if given.is_half else given
    return given if declared == "same" else FORMATS[declared]


def _arithmetic(given: Format, result: Format, declared: str | None, flushes: bool) -> Arithmetic:
    working = _working(given, declared)
    # "same" rounds each result to 16 bits, and sums in float32; a 16-bit dtype that is named sums in itself, too.
    summing = FORMATS["float32"] if working.is_half and declared == "same" else working
    narrows = result.precision < working.precision

    def smallest(format_: Format) -> float:
        return format_.smallest_normal if flushes else format_.smallest_subnormal

    return Arithmetic(
        u=working.unit_roundoff,
        u_sum=summing.unit_roundoff,
        u_input=working.unit_roundoff if working.precision < given.precision else 0.0,
        u_output=result.unit_roundoff if narrows else 0.0,
        eta=smallest(working),
        eta_output=smallest(result) if narrows else 0.0,
        normal=working.smallest_normal,
        normal_output=result.smallest_normal if narrows else 0.0,
        largest=working.largest,
        largest_sum=summing.largest,
        largest_output=result.largest,
        k_exp=6.0,
        k_log=4.0,
        # expm1(2x)/(expm1(2x) + 2) is within k_exp ulp and three roundings; 16-bit functions are float32 ones, rounded.
        k_tanh=2.0 if working.is_half else 8.0,
        shift=3.0,
        gap=4.0,
        spare=2.0,
        branch=3.0,
        quotient=4.0,
        exact_maximum=False,
        log_softmax=True,
    )


def lse_error(on: Conditions, by: Arithmetic) -> Floats:
    """Absolute error that logsumexp - z_y or exp(z - logsumexp) adds, shape (n,): 0 unless in class C."""
    largest = np.maximum(on.magnitude, np.abs(on.lse))
    tree = (by.row_sum(on) + 4.0 * by.u) * largest if by.tree else 0.0
    return by.lse * by.u * np.abs(on.lse) + tree


def vague(on: Conditions, by: Arithmetic) -> Flags:
    """Rows whose probabilities may be off by more than a factor of e, beyond which nothing is derived, shape (n,).

    As exp(z - logsumexp), whose exponent is off by the error of the latter, or of logits in a narrower working dtype.
    """
    found = np.zeros(on.problem.n, bool)
    if on.softmax and by.lse:
        found |= (by.u * np.abs(on.lse) > 0.25) | (lse_error(on, by) > 1.0)
    if on.softmax and by.u_input:
        found |= 2.0 * by.u_input * on.magnitude > 1.0
    return found


def coefficient_error(on: Conditions, by: Arithmetic, summed: bool = True) -> Floats | None:
    """Absolute errors of the computed coefficients c, shape (n, m); None where each is a given number.

    Smoothing: 5 u c + 2 eps u t (1 - eps is rounded relative to 1), and for eps/(m - 1) over the others two more
    numbers of the size of eps t/(m - 1). Renormalised rows: (h + 2) u. Weights of a soft row: (h + 1) u. A
    coefficient below eta may be flushed to 0, the weight of a sparse label among them. Targets that are converted to a
    dtype that does not hold them move, and in class C so do those that are read back from their logarithms. Where they
    are not `summed` over the classes, a narrower dtype of theirs costs nothing for that.
    """
    chosen, problem, contract = on.coefficients, on.problem, on.problem.contract
    if chosen.c is None or chosen.t is None:
        gone = flushed(on, by)
        return on.sizes * gone[:, None] if gone.any() else None
    c, t, smoothing = np.abs(chosen.c), np.abs(chosen.t), problem.smoothing
    # Labels of a narrower dtype meet each other, and constants, in that.
    u, rows = max(by.u, problem.label_roundoff), max(by.row_sum(on), problem.label_roundoff * (problem.m - 1))
    relative = 0.0
    if smoothing:
        relative += 5.0 * u
    if problem.targets is not None and contract.soft_rows == "renormalised":
        relative += rows + 2.0 * u
    several = rows + u if problem.label_roundoff and summed else 0.0
    if problem.row_weights is not None:
        relative += by.u
    if problem.class_weights is not None:
        relative += by.u
        several += rows if contract.smoothing_weights == "label" and problem.targets is not None else 0.0
    error: Floats = c * (relative + several * on.coefficients.several[:, None])
    if contract.smoothing_weights == "mean":
        error += c * mean_weight_error(on, by)[:, None]
    if smoothing:
        share = smoothing / max(problem.m - 1, 1) if contract.smoothing_over == "others" else 0.0
        error += t * (2.0 * u * smoothing + (rows + 8.0 * u) * share)
    if chosen.rounding is not None:
        error += chosen.rounding
    read_back = label_error(on, by)
    if read_back is not None:
        error += c * read_back
    scale = 1.0 if problem.class_weights is None else max(1.0, float(np.abs(problem.class_weights).max(initial=0.0)))
    tiny = (c > 0.0) & (c < by.eta * (scale * on.enlarged[..., None]))
    return error + np.where(tiny, c, 0.0) if tiny.any() else error


def label_error(on: Conditions, by: Arithmetic) -> Floats | None:
    """Relative errors of soft labels as exp(log_softmax(log t)), shape (n, m); None unless in class C.

    u [(2 k_log + 2) |log t| + (4 k_log + 3) H + 4 k_exp] + u_sum h with H the entropy of the row's labels, as the
    parameters of a distribution are kept; and |1 - sum t|, since their sum, which is nearly 1, is divided by.
    """
    problem, contract = on.problem, on.problem.contract
    plain = problem.class_weights is None and not problem.smoothing and contract.soft_rows == "normalised"
    if not (by.lse and plain) or problem.targets is None:
        return None
    t = problem.targets
    logs = np.abs(np.log(t, out=np.zeros_like(t), where=t > 0.0))
    unit = (2.0 * by.k_log + 2.0) * logs + (4.0 * by.k_log + 3.0) * (t * logs).sum(axis=1, keepdims=True)
    relative = by.u * (unit + 4.0 * by.k_exp) + by.row_sum(on) + np.abs(1.0 - t.sum(axis=1, keepdims=True))
    return np.where(on.coefficients.several[:, None], relative + relative * relative, 0.0)


def flushed(on: Conditions, by: Arithmetic) -> Flags:
    """Rows of which a weight, of the class, of the row, or their product, may be flushed to 0, shape (n,)."""
    v, weight = on.problem.row_weights, np.abs(on.coefficients.weight)
    if v is None:
        return (weight > 0.0) & (weight < by.eta)
    # The one is flushed before it is multiplied by the other.
    of_class = weight / np.where(v == 0.0, 1.0, v)
    return (weight > 0.0) & (weight < by.eta * np.maximum(on.enlarged, of_class))


def mean_weight_error(on: Conditions, by: Arithmetic) -> Floats:
    """Relative error of the mean weight of each row under its smoothed label, sum w_j t'_j, shape (n,).

    (h + 1) u of the sum and its products, and what `coefficient_error` says of each t': 5 u, (h + 2) u where rows are
    renormalised, and 2 eps u t, which is relative to sum w_j t_j. Smoothing over the others: (h + 8) u eps/(m - 1) t.
    """
    chosen, problem, contract = on.coefficients, on.problem, on.problem.contract
    if problem.class_weights is None or chosen.t is None or not problem.smoothing:
        return np.zeros(problem.n)
    u, rows = max(by.u, problem.label_roundoff), max(by.row_sum(on), problem.label_roundoff * (problem.m - 1))
    share = problem.smoothing / max(problem.m - 1, 1) if contract.smoothing_over == "others" else 0.0
    v = 1.0 if problem.row_weights is None else problem.row_weights
    counts = chosen.weight > 0.0
    weight = np.where(counts, chosen.weight, 1.0)
    # c.t is the weight of the row times t: its sum with w, over the square of the weight, is sum w t / sum w t'.
    label = np.where(counts, (np.abs(chosen.t) @ problem.class_weights) / weight * v / weight, 0.0)
    relative = rows + 6.0 * u + (rows + 2.0 * u if contract.soft_rows == "renormalised" else 0.0)
    return np.asarray(relative + (2.0 * u * problem.smoothing + (rows + 8.0 * u) * share) * label)
