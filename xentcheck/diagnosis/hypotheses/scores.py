"""Mistakes about the scores: what they are taken for, along which axis, and how many classes there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Logs, Model, dot, log_softmax
from xentcheck.diagnosis.prediction import Prediction

BLOCKS = tuple(2**k for k in range(10, 1, -1))  # larger blocks are commoner


def _soft(z: NDArray[Any], axis: int | None = -1) -> Logs:
    log_p = log_softmax(z, axis)
    return log_p, np.exp(log_p)


@hypothesis(Rank.SCORES, partly=True)
def wrong_axis(model: Model) -> Iterator[Prediction]:
    """Yield a softmax over the rows or over the whole batch."""
    if model.contract.input != "logits":
        return
    text = "The softmax runs over the rows (axis 0); it is to run over the classes (the last axis)."
    yield _by(model, "wrong_axis", text, _soft(model.z, 0))
    if model.n < 2:
        return
    text = "The softmax runs over the whole batch; it is to run over the classes of each row."
    yield _by(model, "softmax_over_batch", text, _soft(model.z, None))
    if model.n == model.m:
        text = "The scores are transposed: rows are taken for classes."
        yield _by(model, "wrong_axis", text, _soft(np.ascontiguousarray(model.z.T)))
    text = "The scores are reshaped, not transposed, from (m, n) to (n, m), which mixes the rows."
    yield _by(model, "reshaped_scores", text, _soft(np.ascontiguousarray(model.z.T).reshape(model.z.shape)))
    text = "The sum of exponentials runs over the whole batch; it is to run over the classes of each row."
    top = model.z.max(axis=-1, keepdims=True)
    d = model.z - top
    log_p = d - np.log(np.exp(d).sum())
    yield _by(model, "softmax_over_batch", text, (log_p, np.exp(log_p)))
    log_p = d - np.log(np.exp(d).sum(axis=0, keepdims=True))
    text = "The sum of exponentials runs over the rows (axis 0); it is to run over the classes."
    yield _by(model, "wrong_axis", text, (log_p, np.exp(log_p)))
    for other, how in ((np.roll(model.z, 1, 0), "the row above"), (model.z[::-1], "the rows in reverse order")):
        yield _by(model, "scores_misaligned", f"Each row is given the scores of {how}.", _soft(other))


@hypothesis(Rank.SCORES, partly=True)
def taken_for(model: Model) -> Iterator[Prediction]:
    """Yield scores of one kind taken for another, and softmaxes applied once too often."""
    z, kind = model.z, model.contract.input
    if kind == "logits":
        p = model.softmax[1]
        text = "A softmax is applied twice: the logits go through softmax before a loss that applies it again."
        yield _by(model, "double_softmax", text, _soft(p))
        if model.part == "gradient":
            inner = _soft(p)[1]
            g = model.t.sum(axis=-1, keepdims=True) * inner - model.t
            yield Prediction("double_softmax", text, model.finish(p * (g - dot(p, g)[:, None])))
        text = "The logits are taken for probabilities: their logarithm is used without a softmax."
        yield _by(model, "logits_as_probabilities", text, (np.log(z), z))
        if model.part == "loss":
            text = "The loss is that of the label's logit alone, -z_y: the log-sum-exp is missing."
            yield _by(model, "log_sum_exp_missing", text, (z, z))
        text = "log(1 + p) is used in place of log p."
        yield _by(model, "log1p_of_p", text, (np.log1p(model.softmax[1]), model.softmax[1]))
        text = "The negative logits are used: the softmax is that of -z."
        yield _by(model, "logits_negated", text, _soft(-z))
        text = "Each logit goes through a sigmoid, and its logarithm is used without a softmax."
        yield _by(model, "sigmoid_for_softmax", text, (-np.logaddexp(0, -z), 1 / (1 + np.exp(-z))))
        for factor in (2.0, 0.5, 10.0, 0.1, np.sqrt(model.m), 1 / np.sqrt(model.m)):
            text = f"The logits are multiplied by {factor:.4g} before the softmax (a temperature)."
            yield _by(model, "temperature", text, _soft(z * factor), 2.0)
            if model.part == "gradient":
                g = model.slope(model.t, _soft(z * factor)[1])
                yield Prediction("temperature", text, model.finish(g * factor), 2.0)
        return
    if kind == "probabilities":
        text = "A softmax is applied to probabilities; the contract's input is probabilities, so take their logarithm."
        yield _by(model, "softmax_of_probabilities", text, _soft(z))
        text = "The probabilities are taken for log-probabilities: the logarithm is missing."
        yield _by(model, "logarithm_missing", text, (z, z))
        text = "The probabilities are divided by their sum first, which the contract does not say."
        p = z / z.sum(axis=-1, keepdims=True)
        yield _by(model, "renormalised", text, (model.guard(model.contract.boundary, (np.log(p), p)), p))
        text = "The probabilities are not divided by their sum, as the contract says."
        yield _by(model, "not_renormalised", text, (model.guard(model.contract.boundary, (np.log(z), z)), z))
        if model.n > 1:
            text = "The probabilities are divided by the sum over the rows (axis 0); divide over the classes."
            p = z / z.sum(axis=0, keepdims=True)
            yield _by(model, "wrong_axis", text, (np.log(p), p))
        text = "log(1 + p) is used in place of log p."
        yield _by(model, "log1p_of_p", text, (np.log1p(z), z))
        return
    text = "A softmax is applied to log-probabilities, which renormalises them."
    yield _by(model, "renormalised", text, _soft(z))
    text = "The log-probabilities are taken for probabilities: a logarithm is taken once more."
    yield _by(model, "logarithm_twice", text, (np.log(z), z))
    yield _by(
        model, "logarithm_missing", "Probabilities are used where log-probabilities are meant.", (np.exp(z), np.exp(z))
    )


@hypothesis(Rank.SCORES, partly=True)
def class_count(model: Model) -> Iterator[Prediction]:
    """Yield log-sum-exps over too few or too many classes."""
    if model.contract.input != "logits":
        return
    z, m = model.z, model.m
    index = np.arange(m)

    def over(mechanism: str, sentence: str, use: NDArray[np.bool_], bits: float = 0.0, variant: str = "") -> Prediction:
        """Prediction that the log-sum-exp runs over the classes used only; where used is none it is left at 0."""
        masked = np.where(use, z, -np.inf)
        top = masked.max(axis=-1, keepdims=True)
        log_p = (z - top) - np.log(np.exp(masked - top).sum(axis=-1, keepdims=True))
        return _by(model, mechanism, sentence, (log_p, np.where(use, np.exp(log_p), 0.0)), bits, variant)

    if m > 1:
        yield over("last_class_dropped", "The last class is left out of the log-sum-exp.", index < m - 1)
        yield over("first_class_dropped", "The first class is left out of the log-sum-exp.", index > 0)
        if model.labels is not None:
            text = "The label's own class is left out of the log-sum-exp: only the other classes are summed."
            yield over("label_left_out", text, index != model.labels[:, None])
            text = "Only as many classes take part as the labels of the batch have: m is taken from the largest label."
            yield over("classes_from_labels", text, index <= model.labels.max(initial=0))
        text = "The class of the highest score is left out of the log-sum-exp."
        yield over("maximum_left_out", text, index != z.argmax(axis=-1)[:, None])
    for block in BLOCKS:
        whole = m // block * block
        if 0 < whole < m:
            text = f"The last classes, which do not fill a block of {block}, are left out; treat the partial block too."
            yield over("last_chunk_dropped", text, index < whole, 1.0, f"{block}")
        if whole < m < 2**17 and m % block:
            text = (
                f"Classes that do not exist, which fill a block of {block}, take part with logit 0; set them to -inf."
            )
            yield _phantom(model, text, block - m % block, f"{block}")
        if m % block:
            for logit in (-100.0, -1e3, -1e4, -1e9):
                text = f"Classes that fill a block of {block} take part with logit {logit:g}, which is not low enough."
                yield _phantom(model, text, block - m % block, f"{block} {logit}", logit)
        if block < m:
            text = f"Only the first block of {block} classes takes part."
            yield over("only_first_chunk", text, index < block, 1.0, f"{block}")
            yield over(
                "only_last_chunk",
                f"Only the last block of {block} classes takes part.",
                index >= (m - 1) // block * block,
                1.0,
                f"{block}",
            )
    yield _phantom(model, "One class too many takes part, with logit 0.", 1)
    text = "The largest logit is used for the log-sum-exp: the log of the sum is missing."
    top = z.max(axis=-1, keepdims=True)
    if model.part == "loss":
        yield _by(model, "maximum_for_lse", text, (z - top, z))
    text = "The log-sum-exp has lost the maximum that was subtracted; add it again."
    lse = model.lse[:, None] - top
    yield _by(model, "maximum_not_added_back", text, (z - lse, np.exp(z - lse)))
    text = "The exponentials are averaged over the classes, not summed: log m is missing from the loss."
    log_p = model.softmax[0] + np.log(m)
    yield _by(model, "mean_of_exponentials", text, (log_p, np.exp(log_p)))


@hypothesis(Rank.SCORES, partly=True)
def dropped_terms(model: Model) -> Iterator[Prediction]:
    """Yield a sum of exponentials that leaves out the small ones."""
    if model.contract.input != "logits":
        return
    d = model.z - model.z.max(axis=-1, keepdims=True)
    for limit in (
        5.0,
        8.0,
        10.0,
        12.0,
        15.0,
        16.0,
        18.0,
        20.0,
        23.0,
        25.0,
        30.0,
        32.0,
        36.0,
        40.0,
        50.0,
        64.0,
        80.0,
        87.0,
    ):
        if np.any(d < -limit):
            e = np.where(d < -limit, 0.0, np.exp(d))
            s = e.sum(axis=-1, keepdims=True)
            text = f"Exponentials below exp(-{limit:g}) are left out of the sum."
            yield _by(model, "exponentials_dropped", text, (d - np.log(s), e / s), 1.0, text)
    top = (d == 0).sum(axis=-1, keepdims=True)
    if np.any(top > 1):
        s = np.exp(d).sum(axis=-1, keepdims=True) - top + 1
        text = "Where several logits share the maximum one of them alone counts in the sum; count each."
        yield _by(model, "ties_counted_once", text, (d - np.log(s), np.exp(d) / s))
    for least in (1e-2, 2.0**-8, 1e-3, 2.0**-10, 2.0**-12, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12):
        p = model.softmax[1]
        if model.part == "gradient" and np.any((p > 0) & (p < least)):
            text = f"Probabilities below {least:g} count as 0 in the gradient."
            rows = model.t.sum(axis=-1, keepdims=True) * np.where(p < least, 0.0, p) - model.t
            yield Prediction("small_entries_dropped", text, model.finish(rows), 1.0, variant=text)
            text = f"Entries of the gradient below {least:g} in size are set to 0."
            rows = model.rows()
            rows = np.where(np.abs(rows) < least, 0.0, rows)
            yield Prediction("small_entries_dropped", text, model.finish(rows), 1.0, variant=text)


@hypothesis(Rank.RARE)
def terms_repeated(model: Model) -> Iterator[Prediction]:
    """Yield log-sum-exps with a term too many."""
    if model.contract.input != "logits":
        return
    z = model.z
    top = z.max(axis=-1, keepdims=True)
    for text, extra in (
        ("The last class is counted twice.", z[:, -1:]),
        ("The maximum is counted twice.", z.max(axis=-1, keepdims=True)),
    ):
        log_p = (z - top) - np.logaddexp(model.log_sum[:, None], extra - top)
        yield _by(model, "class_counted_twice", text, (log_p, np.exp(log_p)))
    lse = model.lse[:, None] + top
    yield _by(
        model, "maximum_added_twice", "The maximum is added twice to the log-sum-exp.", (z - lse, np.exp(z - lse))
    )


def _phantom(model: Model, sentence: str, count: int, variant: str = "", logit: float = 0.0) -> Prediction:
    top = model.z.max(axis=-1)
    log_s = np.logaddexp(model.log_sum, np.log(count) + logit - top)
    log_p = (model.z - top[:, None]) - log_s[:, None]
    return _by(model, "phantom_class", sentence, (log_p, np.exp(log_p)), 1.0, variant)


def _by(model: Model, mechanism: str, sentence: str, logs: Logs, bits: float = 0.0, variant: str = "") -> Prediction:
    return Prediction(mechanism, sentence, model.finish(model.rows(logs=logs)), bits, variant=variant)
