"""Other losses in the place of a cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model, dot
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.FORMULA)
def other_losses(model: Model) -> Iterator[Prediction]:
    """Yield losses that are mistaken for a softmax cross-entropy; each value with its divisions by m, 2 and without."""
    if model.part != "loss":
        return
    t, (log_p, p) = model.t, model.logs
    complement = np.log1p(-p)
    binary = -dot(t, log_p) - dot(1 - t, complement)
    text = (
        "The loss adds -(1 - t) log(1 - p) for every class, as for independent yes-or-no labels; "
        "the cross-entropy is -sum t log p."
    )
    yield from _scaled(model, "binary_cross_entropy", text, binary)
    if model.contract.input == "logits":
        text = "The loss is that of one sigmoid a class; the contract's is that of a softmax over the classes."
        yield from _scaled(model, "sigmoid_for_softmax", text, (np.logaddexp(0, model.z) - t * model.z).sum(axis=-1))
    text = "The loss is the squared error (p - t)**2; the cross-entropy is -sum t log p."
    yield from _scaled(model, "squared_error", text, ((p - t) ** 2).sum(axis=-1))
    text = "The loss is the absolute error |p - t|; the cross-entropy is -sum t log p."
    yield from _scaled(model, "absolute_error", text, np.abs(p - t).sum(axis=-1))
    text = "The logarithm is missing: the loss is -p_y; the cross-entropy is -log p_y."
    yield from _scaled(model, "logarithm_missing", text, -dot(t, p))
    text = "The logarithm is missing: the loss is 1 - p_y; the cross-entropy is -log p_y."
    yield from _scaled(model, "logarithm_missing", text, (t * (1 - p)).sum(axis=-1))
    text = "Targets and probabilities are swapped: the loss is -sum p log t; the cross-entropy is -sum t log p."
    yield from _scaled(model, "targets_and_probabilities_swapped", text, -dot(p, np.log(t)))
    text = "The entropy of p is returned, -sum p log p; the cross-entropy is -sum t log p."
    yield from _scaled(model, "entropy_of_p", text, -dot(p, log_p))
    entropy = -dot(t, np.log(t))
    text = "The entropy of the targets is subtracted: the loss is a Kullback-Leibler divergence."
    yield from _scaled(model, "kullback_leibler", text, -dot(t, log_p) - entropy)
    for gamma in (1.0, 2.0):
        text = f"The loss is weighted by (1 - p)**{gamma:g}, as a focal loss is; the cross-entropy is not."
        yield from _scaled(model, "focal", text, -dot(t * (1 - p) ** gamma, log_p))


@hypothesis(Rank.FORMULA)
def whole_rows(model: Model) -> Iterator[Prediction]:
    """Yield losses in which the labels play no part, or the sum over the rows is not a sum."""
    if model.part != "loss":
        return
    log_p, rows = model.logs[0], model.rows()
    text = "The loss is summed over all classes, whatever the label; take that of the label."
    yield from _scaled(model, "labels_ignored", text, -log_p.sum(axis=-1))
    if model.contract.input == "logits":
        text = "The loss is the log-sum-exp alone: the label's logit is not subtracted."
        yield from _scaled(model, "label_logit_missing", text, model.t.sum(axis=-1) * model.lse)
        text = "The label's logit is added to the log-sum-exp; subtract it."
        yield from _scaled(model, "label_logit_added", text, model.t.sum(axis=-1) * model.lse + dot(model.t, model.z))
        text = "The label's logit is counted twice: lse - 2 z_y; the loss is lse - z_y."
        yield from _scaled(
            model, "label_logit_twice", text, model.t.sum(axis=-1) * model.lse - 2 * dot(model.t, model.z)
        )
    if model.reduction != "none" and model.n > 1:
        for key, text, value in (
            ("maximum_of_rows", "The largest row is returned in place of the sum or mean.", rows.max()),
            ("minimum_of_rows", "The smallest row is returned in place of the sum or mean.", rows.min()),
            ("median_of_rows", "The median of the rows is returned in place of the sum or mean.", np.median(rows)),
        ):
            yield Prediction(key, text, np.asarray(value), 1.0)
        for block in (2**k for k in range(1, 11)):
            if block < model.n and model.reduction == "mean" and model.n % block:
                starts = range(0, model.n, block)
                value = np.mean([rows[i : i + block].mean() for i in starts])
                text = f"It is the mean of the means of blocks of {block} rows, though the last block is shorter."
                yield Prediction("mean_of_means", text, np.asarray(value), 1.0)
    if model.reduction == "none" and model.n > 1:
        for change, how in (
            (rows[::-1], "in reverse order"),
            (np.roll(rows, 1), "shifted by one"),
            (np.sort(rows), "sorted"),
        ):
            yield Prediction("rows_misplaced", f"The rows' losses come {how}.", model.finish(change))
    text = "The absolute value of the loss is returned."
    yield Prediction("absolute", text, np.abs(model.right))
    yield Prediction("clamped_at_zero", "Negative losses are raised to 0.", model.finish(np.maximum(rows, 0)))
    yield Prediction("exponential", "The exponential of the loss (the perplexity) is returned.", np.exp(model.right))
    for c in (1.0, 10.0, 100.0):
        yield Prediction("loss_limited", f"Losses above {c:g} are limited.", model.finish(np.minimum(rows, c)), 2.0)


def _scaled(model: Model, mechanism: str, sentence: str, rows: Floats) -> Iterator[Prediction]:
    kept = rows * model.problem.kept
    for name, divisor in (("", 1.0), (" It is divided by m besides.", float(model.m)), (" It is halved besides.", 2.0)):
        yield Prediction(mechanism, sentence + name, model.finish(kept / divisor), 2.0 if name else 1.0)
