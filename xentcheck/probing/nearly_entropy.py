"""What a callable of the scores alone is that is nearly an entropy: by a constant in the logarithm, or a factor."""

from __future__ import annotations

from itertools import product

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.probing.compare import TOLERANCE, Floats, answered, same
from xentcheck.probing.digits import nice
from xentcheck.probing.inference import Inference
from xentcheck.probing.questions import Questions
from xentcheck.probing.show import shown_scores

REDUCTIONS = ("mean", "sum", "none")
_LARGEST = 1e-2
"""A constant in the logarithm is less."""
_BITS = 1.0 / float(np.log(2.0))


def nearly_entropy(questions: Questions, inference: Inference) -> bool:
    """Contradict an entropy that is one but for a constant, and say for which; return whether it is one.

    Parameters
    ----------
    questions : Questions
    inference : Inference
    """
    for dtype, axis in product(("float64", "float32"), (-1, 0)):
        questions.dtype = dtype
        questions.learn(output="entropy", axis=axis)
        if _added(questions, inference) or _multiplied(questions, inference):
            return True
    return False


def rows_alone(questions: Questions, n: int, kind: str) -> Batch:
    """Return ordinary rows of what scores may be, whose labels are not given."""
    return questions.batch(questions.rows(n, kind), (0,) * n)


def _added(questions: Questions, inference: Inference) -> bool:
    """Contradict -sum p log(p + eps) of probabilities, whose eps a row of one certain class shows."""
    certain = questions.batch([[1.0, *[0.0] * (questions.m - 1)]], (0,))
    alone, batch = questions.numbers(certain), rows_alone(questions, 2, "probabilities")
    got = questions.numbers(batch)
    if alone is None or alone.size != 1 or got is None:
        return False
    eps = nice(float(np.expm1(-alone.reshape(-1)[0])), "float32")
    if not 0.0 < eps < _LARGEST:
        return False
    p = batch.scores.astype(np.float64)
    for reduction in REDUCTIONS:
        rows = -(p * np.log(p + eps)).sum(axis=-1)
        if same(got, _reduced(rows, reduction), questions.tolerance(batch)):
            words = f"{shown_scores(batch)}: {answered(got)}"
            _tell(questions, inference, "probabilities", reduction, words)
            inference.contradict(
                "boundary",
                f"{shown_scores(certain)}: {answered(alone)}, as if {eps:g} were added to each probability in the "
                "logarithm, which a contract names of a cross-entropy and not of an entropy: leave out what is 0.",
            )
            return True
    return False


def _multiplied(questions: Questions, inference: Inference) -> bool:
    """Contradict an entropy times a number, as one in bits."""
    for kind, reduction in product(("logits", "probabilities"), REDUCTIONS):
        batches = [rows_alone(questions, n, kind) for n in questions.numbers_of_rows]
        ratios: list[Floats] = []
        for batch in batches:
            got, wanted = questions.numbers(batch), questions.predict(batch, input=kind, reduction=reduction)
            if got is None or got.shape != wanted.shape:
                break
            with np.errstate(all="ignore"):
                ratios.append((got / wanted).reshape(-1))
        if len(ratios) < len(batches) or not np.all(np.isfinite(found := np.hstack(ratios))):
            continue
        number, limit = nice(float(np.median(found)), "float32"), TOLERANCE["float32"]
        if number > 0 and np.all(np.abs(found - number) <= limit * number):
            words = f"{shown_scores(batches[0])}: {answered(questions.numbers(batches[0]))}"
            for key, value in (("output", "entropy"), ("input", kind), ("reduction", reduction)):
                inference.suppose(key, value, words)
            what = "in bits" if abs(number - _BITS) <= limit * number else f"times {number:g}"
            inference.contradict("input", f"{words}, which is the entropy of {kind}, {what}: one is in nats here.")
            return True
    return False


def _reduced(rows: Floats, reduction: str) -> Floats:
    if reduction == "none":
        return rows
    return np.asarray(rows.mean() if reduction == "mean" else rows.sum())


def _tell(questions: Questions, inference: Inference, kind: str, reduction: str, words: str) -> None:
    questions.learn(input=kind, reduction=reduction)
    inference.tell("output", "entropy", f"of the scores alone, all but a constant: {words}")
    inference.tell("axis", questions.contract.axis, f"scores of {questions.m} classes: {words}")
    inference.tell("input", kind, f"{words}, nearly as the entropy of {kind}")
    inference.tell("reduction", reduction, f"2 rows: {words}")
