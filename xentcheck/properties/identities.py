"""Laws that are identities or inequalities of the mathematics: 7, 8, 10, 11, 13, 14, 15, 20."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.contract import Contract
from xentcheck.properties.answer import Answer, gradient_enclosure
from xentcheck.properties.bad_input import promises_refusal
from xentcheck.properties.case import Case
from xentcheck.properties.directions import cotangent
from xentcheck.properties.failed_call import failed_call
from xentcheck.properties.law import (
    Capabilities,
    Found,
    Violation,
    law,
    logits_only,
    of_labels,
    uncapped,
    uncapped_logits,
)
from xentcheck.targets.outcome import BACKWARD, OBSERVATIONS
from xentcheck.truth.formats import FORMATS


@law(
    7,
    "softmax-consistency",
    "The loss of probabilities softmax(z) is the loss of the logits z.",
    formula="loss_probabilities(softmax(z), y) = loss_logits(z, y)",
    sources="keras 6143, 17102; tensorflow 60113; keras 15271",
    needs="any",
    applies=uncapped,
)
def softmax_consistency(case: Case) -> Iterator[Found]:
    """Logits log p give back -log p_y, so a double softmax does not pass; likewise where probabilities go in."""
    batch, format_ = case.batch, FORMATS[case.batch.dtype]
    scores = batch.scores.astype(np.float64)
    if not scores.size or not np.all(np.isfinite(scores)) or np.abs(scores).max() > 1e3:
        return
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    kind = case.contract.input
    if kind != "logits" and promises_refusal(case.contract, "probabilities_not_stochastic"):
        return  # rounding may leave rows that the target promises to refuse
    if kind == "probabilities":
        other = np.exp(log_p)
        said = "with the softmax of the batch's values as probabilities"
    elif kind == "log_probabilities":
        other, said = log_p, "with the log_softmax of the batch's values as log-probabilities"
    elif case.random("softmax").random() < 0.5:
        other, said = log_p, "with each row's log_softmax as its logits"
    else:
        # Numbers that look like probabilities are logits all the same.
        other, said = np.exp(log_p), "with each row's softmax as its logits"
    yield case.check(batch.replace(scores=other.astype(format_.dtype)), said)


def _reduces(contract: Contract, capabilities: Capabilities) -> str:
    return "nothing is reduced" if contract.reduction == "none" else ""


@law(
    8,
    "reductions",
    "Repeating a batch doubles its sum and leaves its mean; the mean of nothing is as declared.",
    formula="sum([Z; Z]) = 2 sum(Z) and mean([Z; Z]) = mean(Z)",
    sources="pytorch 70348, 64572, 11551; Paddle 48663; burn 5568; Liger-Kernel 1338; transformers 34191",
    needs="any",
    applies=_reduces,
)
def reductions(case: Case) -> Iterator[Found]:
    """The batch twice over, and no rows at all where the contract says what their mean is."""
    batch = case.batch
    if not case.may_compile or (case.capabilities.expensive_shapes and batch.n > 4):
        return
    if 0 < batch.n <= 64:
        yield case.check(batch.rows(np.tile(np.arange(batch.n), 2)), "with the batch repeated twice")
    declared = case.contract.empty_mean != "unspecified" or case.contract.reduction == "sum"
    if declared and 0 < batch.n <= 3:
        yield case.check(batch.rows(slice(0, 0)), "with no rows")


@law(
    10,
    "gradient-row-sum",
    "Every row of the gradient with respect to the logits sums to 0 (with a z-loss: to 2 lambda lse; "
    "of p - t as a policy: to 1 - sum t).",
    formula="Σ_j g_j = 0, or 2 λ lse(z) with a z-loss, or 1 − Σ_j t_j where p − t is declared",
    sources="Liger-Kernel 343; TransformerEngine 2139",
    needs="gradient",
    applies=uncapped_logits,
    asks=False,
)
def gradient_row_sum(case: Case) -> Iterator[Violation]:
    """The row's sum, calculated exactly, against the exact one; the allowance is the sum of the elements'."""
    answer = case.answer
    got = answer.numbers("gradient")
    if got is None or not got.size or answer.truth.unspecified:
        return
    case.looked()
    if answer.clearly_right("gradient"):
        return  # where every element is within its allowance, so is their sum
    enclosure, allowed = gradient_enclosure(answer), answer.allowances.gradient
    low, high = enclosure.bounds()
    with np.errstate(invalid="ignore", over="ignore"):
        # fsum of (got - exact) is the sum's error; doing it on differences keeps huge scales from cancelling.
        middle = enclosure.hi + enclosure.lo
        excess = np.abs((got - middle).sum(axis=1)) - np.maximum(high - middle, middle - low).sum(axis=1)
        limit = allowed.sum(axis=1) * (1 + 2.0**-20) + got.shape[1] * 2.0**-50 * np.abs(got - middle).sum(axis=1)
        broken = np.isfinite(limit) & np.isfinite(excess) & (excess > limit)
    if not broken.any():
        return
    with np.errstate(invalid="ignore", over="ignore"):
        row = int(np.argmax(np.where(broken, excess / np.where(limit > 0, limit, 1), 0)))
    exact = float(middle[row].sum())
    yield Violation(
        f"row {row} of the gradient does not sum to {case.contract.sign * exact + 0.0:.3g}",
        case.batch,
        f"gradient[{row}, :]",
        got=float(got[row].sum()),
        bounds=(exact, exact),
        allowance=float(limit[row]),
        times=float(excess[row] / limit[row]) if limit[row] > 0 else np.inf,
        returned=got,
    )


def _plain_logits(contract: Contract, capabilities: Capabilities) -> str:
    if contract.input != "logits" or not contract.boundary.exact or contract.z_loss != 0.0:
        return "the law is about plain losses of logits"
    return "soft labels only" if contract.labels == ("soft",) else ""


@law(
    11,
    "gradient-sign",
    "The gradient is at most 0 at the label, at least 0 elsewhere, and nowhere larger than the loss's weight.",
    formula="−w ≤ g_y ≤ 0 and 0 ≤ g_j ≤ w for j ≠ y",
    sources="keras 17634; pytorch 152437; ml-cross-entropy 52",
    needs="gradient",
    labels=("sparse", "onehot"),
    applies=lambda contract, capabilities: of_labels(contract, capabilities) or _plain_logits(contract, capabilities),
    asks=False,
)
def gradient_sign(case: Case) -> Iterator[Violation]:
    """Signs beyond the allowance, and dead zones: zeros where the exact gradient is beyond it."""
    answer = case.answer
    got = answer.numbers("gradient")
    if got is None or not got.size:
        return
    if answer.truth.unspecified:
        return
    case.looked()
    if answer.clearly_right("gradient"):
        return
    enclosure, allowed = gradient_enclosure(answer), answer.allowances.gradient
    exact = enclosure.hi
    judged = np.isfinite(allowed) & np.isfinite(exact) & np.isfinite(got)
    wrong_sign = judged & (np.sign(got) * np.sign(exact) < 0) & (np.abs(got) > allowed) & (np.abs(exact) > 0)
    dead = judged & (got == 0) & (np.abs(exact) > 2 * allowed + 2 * enclosure.radius)
    for mask, title in ((wrong_sign, "has the wrong sign"), (dead, "is 0 where the loss still falls")):
        if mask.any():
            row, column = (int(i) for i in np.argwhere(mask)[np.argmax(np.abs(exact)[mask])])
            low, high = enclosure[row, column].bounds()
            yield Violation(
                f"the gradient {title}",
                case.batch,
                f"gradient[{row}, {column}]",
                got=float(got[row, column]),
                bounds=(float(low), float(high)),
                allowance=float(allowed[row, column]),
                times=float(abs(got[row, column] - exact[row, column]) / allowed[row, column]),
                returned=got,
            )


def _minus_infinity(contract: Contract, capabilities: Capabilities) -> str:
    if contract.input != "logits":
        return f"the input is {contract.input}"
    if "-inf" not in contract.nonfinite_kinds:
        return "the contract does not declare -inf"
    return uncapped(contract, capabilities)


@law(
    13,
    "minus-infinity",
    "A logit of -inf is a class that is not there.",
    formula="z_j = −∞ implies loss(z) = loss(z without j) and g_j = 0",
    sources="optax 896, 1762; jax 17117, 16208, 6811; pytorch 31829; mlx 2213; flash-attention 1930",
    needs="any",
    applies=_minus_infinity,
)
def minus_infinity(case: Case) -> Iterator[Found]:
    """One class that no row has as its label is masked; of an entropy, which has no labels, any class."""
    batch = case.batch
    unused = np.arange(batch.m) if case.contract.is_entropy else _classes_without_label(batch)
    if not unused.size or batch.m < 2:
        return
    column = int(unused[int(case.random("mask").integers(unused.size))])
    scores = batch.scores.copy()
    scores[:, column] = -np.inf
    yield case.check(batch.replace(scores=scores), f"with the logits of class {column} at -inf")


def _classes_without_label(batch: Batch) -> np.ndarray:
    """Return the classes that are no row's label and have no weight in any row."""
    if batch.label_form == "sparse":
        return np.setdiff1d(np.arange(batch.m), batch.labels.astype(np.int64))
    return np.flatnonzero(np.all(batch.labels.astype(np.float64) == 0, axis=0))


@law(
    14,
    "gibbs",
    "The loss is at least the entropy of the labels, which is at least 0.",
    formula="−Σ_j t_j log p_j ≥ −Σ_j t_j log t_j ≥ 0",
    sources="pytorch 134771, 152437; tensorflow 60113; thinc",
    applies=_plain_logits,
)
def gibbs(case: Case) -> Iterator[Found]:
    """A loss below 0 beyond its allowance; for soft labels, the batch z = log t where equality holds."""
    negative = _negative(case)
    if negative is not None:
        yield negative
    if case.contract.soft_cap is not None or case.contract.temperature is not None:
        return  # the loss is the entropy where c tanh(z / c), or z / T, is log t
    if case.batch.label_form == "soft" and case.batch.n and np.all(case.batch.labels.astype(np.float64) > 0):
        scores = np.log(case.batch.labels.astype(np.float64)).astype(case.batch.scores.dtype)
        yield case.check(case.batch.replace(scores=scores), "with the logits log t, where the loss is the entropy")


def _negative(case: Case) -> Violation | None:
    """Return the first loss below 0 by more than its allowance, or None."""
    answer = case.answer
    got = answer.numbers("loss")
    if got is None or not got.size or answer.truth.unspecified:
        return None
    case.looked()
    if answer.clearly_right("loss"):
        return None
    allowed = answer.allowances.loss
    with np.errstate(invalid="ignore"):
        # Smoothing over the others leaves a target above 1 a coefficient below 0, and maybe such a loss.
        below = np.isfinite(allowed) & (got < -allowed) & (answer.allowances.loss_estimate >= 0)
    if not below.any():
        return None
    index = tuple(int(i) for i in np.argwhere(below)[0]) if got.ndim else ()
    enclosure = answer.enclosed.loss
    low, high = (enclosure[index] if index else enclosure).bounds()
    return Violation(
        "the log-probability is positive"
        if case.contract.sign < 0
        else f"the {case.contract.spoken('loss')} is negative",
        case.batch,
        f"loss[{index[0]}]" if index else "loss",
        got=float(got[index]),
        bounds=(float(low), float(high)),
        allowance=float(allowed[index]),
        times=float(abs(got[index] - float(low)) / allowed[index]) if allowed[index] else np.inf,
        returned=got,
    )


@law(
    15,
    "vjp-linearity",
    "The gradient is linear in the upstream gradient: non-uniform, negative and zero ones included.",
    formula="vjp(a u + b v) = a vjp(u) + b vjp(v)",
    sources="TransformerEngine 2139; Liger-Kernel 1298; pytorch 113708",
    needs="vjp",
)
def vjp_linearity(case: Case) -> Iterator[Found]:
    """One cotangent, twice.

    The second time finds what scales the gradient that it keeps. Answers that differ within the allowance are none.
    """
    shape = (case.batch.n,) if case.contract.effective_gradient_reduction == "none" else ()
    upstream = cotangent(case.random("vjp"), shape, case.batch.scores.dtype)
    if case.batch.n == 0 or not case.may_compile:
        return
    answer, again = (case.ask(case.batch, upstream=np.asarray(upstream), want=("gradient",)) for _ in range(2))
    yield case.judge(answer, f"with the upstream gradient {np.asarray(upstream).tolist()}")
    yield _unlike(case, answer, again, f"with the upstream gradient {np.asarray(upstream).tolist()} again")
    yield _overwritten(case, answer, upstream)


def _overwritten(case: Case, answer: Answer, upstream: NDArray[Any]) -> Iterator[Violation]:
    """Yield what a backward pass overwrites only where the upstream gradient is not one: a product in place, say."""
    for seen in answer.outcome.observations:
        if seen in BACKWARD and seen not in case.answer.outcome.observations:
            yield Violation(OBSERVATIONS[seen], case.batch, got=seen, upstream=upstream.tolist())


def _unlike(case: Case, first: Answer, second: Answer, title: str) -> Iterator[Violation]:
    """Yield what is wrong with a second answer to one question, unless it is the first one bit for bit."""
    one, two = first.numbers("gradient"), second.numbers("gradient")
    if one is None or two is None or one.tobytes() != two.tobytes():
        right = failed_call(first) is None and first.violation("gradient") is None
        yield from case.judge(second, title) if right else ()


@law(
    20,
    "uniform",
    "With equal logits the loss is log m, and raising the label's logit lowers it.",
    formula="z_1 = … = z_m implies L = log m, and ∂L/∂z_y < 0",
    sources="optax 1792; pytorch 143644, 62897; executorch 20089; pytorch 55657",
    needs="any",
    labels=("sparse",),
    applies=logits_only,
)
def uniform(case: Case) -> Iterator[Found]:
    """Equal logits at a number of classes around a power of two, at 0 and at a large negative offset.

    Or nearly equal ones, whose loss is not log m: what is simpler for equal logits shows where it is taken too early.
    """
    batch, format_ = case.batch, FORMATS[case.batch.dtype]
    random = case.random("uniform")
    if batch.n == 0:
        return
    classes = batch.m
    if not case.capabilities.expensive_shapes and not isinstance(case.contract.class_weights, tuple):
        classes = int(random.choice([batch.m, 3, 4, 5, 15, 16, 17, 31, 33, 63, 65, 127, 129, 255, 257]))
    level = float(random.choice([0.0, -1024.0, 7.0])) if format_.largest > 1e5 else float(random.choice([0.0, -512.0]))
    labels = batch.labels.astype(np.int64)
    kept = (labels >= 0) & (labels < batch.m)
    labels = np.where(kept & (labels >= classes), classes - 1, labels)
    if not np.all(kept):
        return
    options = dict(batch.options)
    if options.get("class_weights") is not None:
        options["class_weights"] = np.ones(classes, np.asarray(options["class_weights"]).dtype)
    flat = batch.replace(
        scores=np.full((batch.n, classes), level).astype(format_.dtype),
        labels=labels.astype(batch.labels.dtype),
        options=options,
    )
    if random.random() < 0.5:
        yield case.check(flat, f"with {classes} equal logits of {level:g}")
        return
    step = 2.0**-14 if level == 0.0 and random.random() < 0.5 else 1.0
    peaked = flat.scores.copy()
    np.put_along_axis(peaked, labels.reshape(-1, 1), np.asarray(level + step).astype(format_.dtype), axis=1)
    yield case.check(flat.replace(scores=peaked), f"with {classes} equal logits, the label's raised by {step:g}")
