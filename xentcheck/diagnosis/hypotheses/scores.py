"""Mistakes about the scores: what they are taken for, along which axis, and how many classes there are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Logs, Model, dot, log_softmax
from xentcheck.diagnosis.prediction import Prediction

BLOCKS = tuple(2**k for k in range(16, 1, -1))  # larger blocks are commoner
_PADDED = 1024
"""The largest block that is filled up with classes that do not exist."""


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
        turned = _soft(np.ascontiguousarray(model.z.T))
        yield _by(model, "wrong_axis", text, turned)
        if model.part == "gradient":  # by autograd it is that by the scores as they were given
            yield Prediction("wrong_axis", text, model.finish(model.rows(logs=turned)).T)
    text = "The sum of exponentials runs over the whole batch; it is to run over the classes of each row."
    top = model.z.max(axis=-1, keepdims=True)
    d = model.z - top
    log_p = d - np.log(np.exp(d).sum())
    yield _by(model, "softmax_over_batch", text, (log_p, np.exp(log_p)))
    log_p = d - np.log(np.exp(d).sum(axis=0, keepdims=True))
    text = "The sum of exponentials runs over the rows (axis 0); it is to run over the classes."
    yield _by(model, "wrong_axis", text, (log_p, np.exp(log_p)))


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
            g = model.factor_of_p(model.t) * inner - model.t
            yield Prediction("double_softmax", text, model.finish(p * (g - dot(p, g)[:, None])))
        text = "The logits are taken for probabilities: their logarithm is used without a softmax."
        yield _by(model, "logits_as_probabilities", text, (np.log(z), z))
        return
    if kind == "probabilities":
        text = "A softmax is applied to probabilities; the contract's input is probabilities, so take their logarithm."
        yield _by(model, "softmax_of_probabilities", text, _soft(z))
        text = "The probabilities are divided by their sum first, which the contract does not say."
        p = z / z.sum(axis=-1, keepdims=True)
        yield _by(model, "renormalised", text, (model.guard(model.contract.boundary, (np.log(p), p)), p))
        text = "The probabilities are not divided by their sum, as the contract says."
        yield _by(model, "not_renormalised", text, (model.guard(model.contract.boundary, (np.log(z), z)), z))
        return
    text = "A softmax is applied to log-probabilities, which renormalises them."
    yield _by(model, "renormalised", text, _soft(z))


@hypothesis(Rank.SCORES, partly=True)
def class_count(model: Model) -> Iterator[Prediction]:
    """Yield log-sum-exps over too few or too many classes."""
    if model.contract.input != "logits":
        return
    m = model.m
    for block in BLOCKS:
        whole = m // block * block
        if 0 < whole < m:
            text = f"The last classes, which do not fill a block of {block}, are left out; treat the partial block too."
            yield _of_first(model, "last_chunk_dropped", text, whole, f"{block}")
        if block < m:  # else what is beyond it is taken for a last block
            text = f"Only the first block of {block} classes takes part."
            yield _of_first(model, "only_first_chunk", text, block)
        if block > _PADDED:
            continue
        if whole < m < 2**17 and m % block:
            text = (
                f"Classes that do not exist, which fill a block of {block}, take part with logit 0; set them to -inf."
            )
            yield _phantom(model, text, block - m % block, f"{block}")
        if m % block:
            for logit in (-100.0, -1e3, -1e4, -1e9):
                text = f"Classes that fill a block of {block} take part with logit {logit:g}, which is not low enough."
                yield _phantom(model, text, block - m % block, f"{block} {logit}", logit)
    if m > 2 and m % 2:
        text = "The last class is left out where their number is odd: they are taken in pairs."
        yield _of_first(model, "last_chunk_dropped", text, m - 1, "2")
    yield _phantom(model, "One class too many takes part, with logit 0.", 1)


@hypothesis(Rank.SCORES, partly=True)
def overlapping_tail(model: Model) -> Iterator[Prediction]:
    """Yield log-sum-exps in which a last block that is not full is filled up with the classes before it."""
    if model.contract.input != "logits":
        return
    top = model.z.max(axis=-1, keepdims=True)
    e = np.exp(model.z - top)
    for block in BLOCKS:
        whole = model.m // block * block
        if 0 < whole < model.m:
            text = (
                f"The last {block} classes are taken as a block where their number is no multiple of it, and those of "
                "them that are in the block before, too, count twice."
            )
            s = e[:, :whole].sum(axis=-1, keepdims=True) + e[:, -block:].sum(axis=-1, keepdims=True)
            yield _by(model, "tail_counted_twice", text, ((model.z - top) - np.log(s), e / s), 1.0, f"{block}")


@hypothesis(Rank.SCORES, partly=True)
def dropped_terms(model: Model) -> Iterator[Prediction]:
    """Yield a sum of exponentials that leaves out the small ones."""
    if model.contract.input != "logits":
        return
    d = model.z - model.z.max(axis=-1, keepdims=True)
    for limit in (5, 8, 10, 12, 15, 16, 18, 20, 23, 25, 30, 32, 36, 40, 50, 64, 80, 87):
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
    p = model.softmax[1]
    for least in (1e-2, 2.0**-8, 1e-3, 2.0**-10, 2.0**-12, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 1e-12):
        if model.part == "gradient" and np.any((p > 0) & (p < least)):  # else p counts as missing there
            text = f"Probabilities below {least:g} count as 0 in the gradient."
            rows = model.factor_of_p(model.t) * np.where(p < least, 0.0, p) - model.t
            yield Prediction("small_entries_dropped", text, model.finish(rows), 1.0, variant=text)
        if model.part == "gradient" and np.any((model.right != 0) & (np.abs(model.right) < least)):
            text = f"Entries of the gradient below {least:g} are set to 0, whatever their sign."
            flushed = np.where(np.abs(model.right) < least, 0.0, model.right)
            yield Prediction("small_entries_dropped", text, flushed, 1.0, variant=text)


def _of_first(model: Model, mechanism: str, sentence: str, count: int, variant: str = "") -> Prediction:
    """Return the guess that the log-sum-exp runs over the first classes only."""
    z = model.z
    top = z[:, :count].max(axis=-1, keepdims=True)
    log_p = (z - top) - np.log(np.exp(z[:, :count] - top).sum(axis=-1, keepdims=True))
    p = np.where(np.arange(model.m) < count, np.exp(log_p), 0.0)
    return _by(model, mechanism, sentence, (log_p, p), 1.0, variant or f"{count}")


def _phantom(model: Model, sentence: str, count: int, variant: str = "", logit: float = 0.0) -> Prediction:
    top = model.z.max(axis=-1)
    log_s = np.logaddexp(model.log_sum, np.log(count) + logit - top)
    log_p = (model.z - top[:, None]) - log_s[:, None]
    return _by(model, "phantom_class", sentence, (log_p, np.exp(log_p)), 1.0, variant)


def _by(model: Model, mechanism: str, sentence: str, logs: Logs, bits: float = 0.0, variant: str = "") -> Prediction:
    return Prediction(mechanism, sentence, model.finish(model.rows(logs=logs)), bits, variant=variant)
