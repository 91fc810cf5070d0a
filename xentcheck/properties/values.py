"""Laws on the numbers themselves: 1, 2, 12, 25, and the engine's own that every batch gets an answer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.properties.answer import Answer
from xentcheck.properties.case import Case
from xentcheck.properties.failed_call import failed_call
from xentcheck.properties.law import Violation, law
from xentcheck.truth.allowance_model import working_format
from xentcheck.truth.formats import FORMATS
from xentcheck.truth.problem import Problem


@law(
    0,
    "answers",
    "Every valid batch gets an answer: no exception, no crash, no hang.",
    sources="hypothesis 165, 3487",
    needs="any",
    asks=False,
)
def answers(case: Case) -> Iterator[Violation]:
    """The call returns; the refusal of an integer label dtype other than int64 is no finding."""
    failure = failed_call(case.answer)
    if case.answer.outcome.raised is None:
        case.looked()
    if failure is not None:
        yield failure


@law(
    1,
    "value",
    "The loss lies within its allowance of the certified value.",
    formula="|loss − L(z, y)| ≤ allowance, where L = log Σ_j exp(z_j) − z_y",
    sources="pytorch 11752, 38839; optax 1792; scipy 19521; keras 17634; mlx 4188; NNlib.jl 68",
    asks=False,
)
def value(case: Case) -> Iterator[Violation]:
    """Held element by element; tails are judged relatively where the contract's grade promises it."""
    broken = case.answer.violation("loss")
    if broken is not None:
        yield broken


@law(
    2,
    "gradient",
    "Every element of the gradient lies within its allowance of the certified value.",
    formula="|g_j − ∂L/∂z_j| ≤ allowance, where ∂L/∂z_j = softmax(z)_j − t_j",
    sources="Liger-Kernel 1298, 343; TransformerEngine 2139; pytorch 85791",
    needs="gradient",
    asks=False,
)
def gradient(case: Case) -> Iterator[Violation]:
    """Held element by element, rows whose targets do not sum to 1 included."""
    broken = case.answer.violation("gradient")
    if broken is not None:
        yield broken


@law(
    12,
    "finite",
    "A finite batch has a finite loss and gradient, unless the exact value is beyond the largest number.",
    formula="|z_j| < ∞ for all j, and |L| ≤ the largest number, imply |loss| < ∞ and |g_j| < ∞",
    sources="statsmodels 3635; pytorch 62897, 61523; Megatron-LM 5522; keras 23551",
    needs="any",
    asks=False,
)
def finite(case: Case) -> Iterator[Violation]:
    """Judged where no difference of two scores can overflow, even where no finite bound on the error exists."""
    answer = case.answer
    scores = case.batch.scores.astype(np.float64)
    largest = working_format(answer.problem).largest
    if not np.all(np.isfinite(scores)) or (scores.size and np.abs(scores).max() > largest / 4):
        return
    returned = [part for part in map(answer.numbers, case.want) if part is not None]
    if not returned or answer.truth.unspecified:
        return
    case.looked()
    if all(np.isfinite(part).all() for part in returned):
        return
    for part in case.want:
        broken = _nonfinite(answer, part, _room(answer))
        if broken is not None:
            yield broken


def _room(answer: Answer) -> float:
    """Return how large an exact value may be that no legitimate intermediate result carries beyond the range.

    A sum over rows or classes, a weight or a cotangent comes before the division. 16-bit formats are expected to
    do that in float32. Products with a soft cap are elementwise: where they may leave the format, there is no room.
    Nor is there where the square of a z-loss may leave the range, whatever it is multiplied by: 0 times inf is nan; nor
    where a quotient by the temperature may; nor where the loss of a row of weight 0 may be infinite; nor where m
    exponentials of 1 have a sum that is rounded to float16; nor where a given probability that counts is subnormal, and
    its logarithm infinite for code that flushes such numbers to 0.
    """
    problem = answer.problem
    if problem.contract.input == "probabilities" and problem.contract.boundary.exact and _flushed(problem):
        return 0.0
    if problem.m > working_format(problem).largest:
        return 0.0
    if problem.temperature is not None and _far_from_one(problem):
        return 0.0
    largest = max(problem.format.largest, FORMATS["float32"].largest)
    if problem.row_weights is not None and _hidden_infinity(problem):
        return 0.0
    if problem.contract.z_loss != 0.0 and np.abs(problem.scores).max(initial=0.0) > np.sqrt(largest) / 2:
        return 0.0
    factors = [float(problem.n), float(problem.m) if not problem.plain else 1.0]
    for given in (problem.class_weights, problem.row_weights, problem.upstream, problem.targets):
        if given is not None and given.size:
            factors.append(float(np.abs(given).max()))
    before = float(np.prod([max(factor, 1.0) for factor in factors]))
    if problem.soft_cap is not None and before * problem.soft_cap > problem.format.largest:
        return 0.0
    return min(problem.format.largest, largest / before)


def _hidden_infinity(problem: Problem) -> bool:
    """Return whether the loss of a row of weight 0 may be infinite: where code multiplies, 0 times inf is nan."""
    assert problem.row_weights is not None
    scores = problem.scores[problem.row_weights == 0.0]
    if problem.contract.input == "probabilities":
        return bool((scores == 0.0).any())
    return bool(np.abs(scores).max(initial=0.0) > working_format(problem).largest / 4.0)


def _flushed(problem: Problem) -> bool:
    """Return whether a given probability that counts, divided by its row's sum where that is declared, is subnormal."""
    p = problem.scores
    if problem.contract.boundary.normalise:
        total = p.sum(axis=1, keepdims=True)
        p = p / np.where(total == 0.0, 1.0, total)
    if problem.labels is not None and problem.smoothing == 0.0 and not problem.contract.is_entropy:
        p = p[np.arange(problem.n), problem.labels][problem.kept]
    elif problem.targets is not None and problem.smoothing == 0.0:
        p = p[problem.targets != 0.0]
    return bool(((p > 0.0) & (p < working_format(problem).smallest_normal)).any())


def _far_from_one(problem: Problem) -> bool:
    """Return whether the quotients by a temperature, in the square of a z-loss too, may leave the range."""
    T = problem.temperature or 1.0
    format_ = working_format(problem)
    largest = np.sqrt(format_.largest) if problem.contract.z_loss != 0.0 else format_.largest
    beside = 1.0 if problem.upstream is None else max(1.0, float(np.abs(problem.upstream).max(initial=0.0)))
    reach = max(float(np.abs(problem.scores).max(initial=0.0)), beside)
    normal = format_.smallest_normal
    return bool(normal > T or T * normal > 1.0 or reach > T * (largest / 4.0) or reach > largest / 4.0)


def _nonfinite(answer: Answer, part: str, largest: float) -> Violation | None:
    """Return the first element that is not finite although its exact value is below `largest`, or None."""
    got = answer.numbers(part)
    enclosure = getattr(answer.enclosed, part)
    if got is None or enclosure is None:
        return None
    low, high = enclosure.bounds()
    reach = np.maximum(np.abs(low), np.abs(high))
    # A sum of rows may overflow on its way although the total would just fit: one part in 64 is left for that.
    wrong = ~np.isfinite(got) & np.isfinite(reach) & (reach < largest * (1 - 2.0**-6))
    if not wrong.any():
        return None
    index = tuple(int(i) for i in np.argwhere(wrong)[0]) if got.ndim else ()
    where = f"[{', '.join(map(str, index))}]" if index else ""
    return Violation(
        f"the {answer.contract.spoken(part)} is {answer.contract.sign * got[index]} on a finite batch",
        answer.batch,
        part + where,
        got=float(got[index]),
        bounds=(float(low[index]), float(high[index])),
        returned=got,
    )


@law(
    25,
    "precision",
    "The result has the declared dtype, and none narrower than the input's.",
    formula="dtype(loss) is as declared, and unit roundoff(loss) ≤ unit roundoff(z)",
    sources="pytorch 55657, 61523; executorch 20089; jax 40409",
    needs="any",
    asks=False,
)
def precision(case: Case) -> Iterator[Violation]:
    """Dtypes only: what long sums lose is law 1's."""
    declared = case.contract.output_dtype
    own = FORMATS[case.batch.dtype]
    for part in case.want:
        returned = getattr(case.answer.outcome, part)
        if returned is None or case.answer.numbers(part) is None:
            continue
        case.looked()
        name, spoken = returned.dtype.name, case.contract.spoken(part)
        if returned.dtype.kind in "iu":
            if case.batch.n == 0 and returned.ndim == 0:
                continue  # sum(()), the integer 0, is as good a sum of nothing as 0.0
            yield Violation(f"the {spoken} is of integer dtype {name}", case.batch, part, got=name)
        elif declared == "any":
            if FORMATS[name].precision < own.precision if name in FORMATS else False:
                yield Violation(
                    f"the {spoken} is {name}, narrower than the {case.batch.dtype} input", case.batch, part, got=name
                )
        elif part != "loss" and declared != "same" and name == case.batch.dtype:
            continue  # as autograd returns it
        elif name != (wanted := case.batch.dtype if declared == "same" else declared):
            yield Violation(f"the {spoken} is {name}, but the contract says {wanted}", case.batch, part, got=name)
