"""Mistakes about label smoothing, class weights and the z-loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def smoothing(model: Model) -> Iterator[Prediction]:
    """Yield other readings of label smoothing."""
    eps, m, base = model.problem.smoothing, model.m, model.targets
    if not eps:
        if "label_smoothing" in model.contract.arguments:
            text = "The smoothing is swapped: the label's share is eps and the uniform part has 1 - eps."
            yield _from(model, "smoothing_swapped", text, model.coefficients(smoothing=1.0))
        return
    text = f"The label smoothing of {eps:g} has no effect."
    yield from _either(model, "smoothing_ignored", text, model.coefficients(smoothing=0.0))
    other = "others" if model.contract.smoothing_over == "all" else "all"
    readings = {
        "all": f"eps / m to all m = {m} classes",
        "others": f"eps / (m - 1) to the m - 1 = {m - 1} other classes",
    }
    text = f"The smoothing gives {readings[other]}, but the contract says {readings[model.contract.smoothing_over]}."
    yield _from(model, f"smoothing_over_{other}", text, model.coefficients(over=other))
    twice = model.coefficients(model.coefficients(unweighted=True, all_rows=True))
    yield _from(model, "smoothing_twice", "The label smoothing is applied twice.", twice)
    weighted = model.coefficients(smoothing=0.0)
    uniform = model.t - (1 - eps) * weighted
    text = "Label smoothing adds the uniform part, but the label's own share is not reduced to 1 - eps."
    yield from _either(model, "smoothing_without_1_minus_eps", text, weighted + uniform)
    text = "Label smoothing reduces the label's share to 1 - eps, but the uniform part is missing."
    yield from _either(model, "smoothing_uniform_missing", text, (1 - eps) * weighted)
    text = "The uniform part of the label smoothing is a sum over the classes where it is to be a mean: divide by m."
    yield from _either(model, "smoothing_not_divided", text, (1 - eps) * weighted + m * uniform)
    text = "The uniform part of the label smoothing is subtracted; add it."
    yield from _either(model, "smoothing_sign", text, (1 - eps) * weighted - uniform)
    if m > 1:
        text = "The label's own class gets a share of the other classes, too: the smoothed row sums to more than 1."
        shared = base * (1 - eps) + eps / (m - 1)
        yield from _either(model, "smoothing_label_share", text, model.coefficients(shared, smoothing=0.0))
    others = base * (1 - eps) + (1 - base) * eps / m
    text = "The label's own class misses its share eps / m: the smoothed row does not sum to 1."
    yield from _either(model, "smoothing_label_share", text, model.coefficients(others, smoothing=0.0))
    text = "The uniform part of the label smoothing is divided by another number of classes: {}."
    for said, count in (("m - 1", m - 1), ("m + 1", m + 1), ("n", model.n), ("2", 2)):
        if count and count != m:
            changed = (1 - eps) * weighted + uniform * (m / count)
            yield from _either(model, "smoothing_not_divided", text.format(said), changed)
    if not model.problem.kept.all():
        text = "The uniform part of the label smoothing is added in the ignored rows too."
        ignored = np.where(model.problem.kept[:, None], 0.0, model.coefficients(np.zeros_like(base), all_rows=True))
        yield from _either(model, "ignored_rows_used", text, model.t + ignored)
        if model.reduction == "mean" and model.divisor and model.contract.mean_over == "kept":
            text = "The uniform part of the label smoothing is a mean over all rows, the ignored ones included."
            everywhere = (uniform + ignored) * (model.divisor / model.n)
            yield from _either(model, "ignored_rows_used", text, (1 - eps) * weighted + everywhere)
    text = "The smoothing is swapped: the label's share is eps and the uniform part has 1 - eps."
    yield _from(model, "smoothing_swapped", text, model.coefficients(smoothing=1 - eps))
    yield _from(
        model,
        "smoothing_weights",
        "The class weights enter the smoothing in the other way (by label, by class).",
        model.coefficients(weigh="class" if model.contract.smoothing_weights == "label" else "label"),
    )


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def weights(model: Model) -> Iterator[Prediction]:
    """Yield other uses of the class weights."""
    w, m, n = model.problem.class_weights, model.m, model.n
    if w is None:
        return
    mean = model.reduction == "mean" and model.contract.mean_over == "weights"

    def rows_weighted(mechanism: str, sentence: str, per_row: Floats) -> Iterator[Prediction]:
        t = model.coefficients(unweighted=True) * per_row[:, None]
        yield Prediction(mechanism, sentence, model.finish(model.rows(t)))
        if mean:
            total = float((per_row * model.problem.kept).sum())
            yield Prediction(mechanism, sentence, model.finish(model.rows(t), divisor=total))

    yield from rows_weighted("weights_ignored", "The class weights have no effect.", np.ones(n))
    text = "Each row has the weight of the class with the highest score; take that of its label."
    yield from rows_weighted("weight_of_wrong_class", text, w[model.z.argmax(axis=-1)])
    text = "All rows have the factor of the first row, which is 0 if that one is ignored; take each row's own."
    yield from rows_weighted("weight_of_wrong_class", text, np.full(n, model.row_weights[0] if n else 1.0))
    if model.labels is not None:
        y = model.labels
        text = "Each row has the weight of a class beside its label: an index into the weights is one off."
        yield from rows_weighted("weight_of_wrong_class", text, w[(y + 1) % m])
        yield from rows_weighted("weight_of_wrong_class", text, w[(y - 1) % m])
        text = "All rows have the weight of the first row's label; take that of each row's own."
        yield from rows_weighted("weight_of_wrong_class", text, np.full(n, w[y[0]]))
        text = "The weights are indexed by the row's number; index them by the row's label."
        yield from rows_weighted("weight_by_row_number", text, w[np.arange(n) % m])
        yield from rows_weighted("weights_reversed", "The weights are taken in reverse order.", w[::-1][y])
    for key, text, other in (
        ("weights_normalised", "The weights are divided by their sum; use them as they are.", w / w.sum()),
        ("weights_normalised", "The weights are divided by their mean; use them as they are.", w / w.mean()),
        ("weights_normalised", "The weights are divided by the largest; use them as they are.", w / w.max()),
        ("weights_squared", "The weights are applied twice.", w**2),
        ("weights_inverted", "The scores' loss is divided by the weights, not multiplied.", 1 / w),
        ("weights_square_root", "The square roots of the weights are used.", np.sqrt(w)),
        ("weights_truncated", "The weights are cut down to integers; keep them floating-point.", np.trunc(w)),
        ("weights_truncated", "The weights are rounded to integers; keep them floating-point.", np.rint(w)),
        ("weights_truncated", "The weights are taken as yes or no; use their values.", (w != 0).astype(np.float64)),
        (
            "zero_weight_as_one",
            "A weight of 0 counts as no weight given, which is 1; it is 0.",
            np.where(w == 0, 1.0, w),
        ),
        ("weights_limited", "Weights above 1 are limited to 1.", np.minimum(w, 1.0)),
        ("weights_limited", "Weights below 1 are raised to 1.", np.maximum(w, 1.0)),
        ("weights_shifted", "1 is added to the weights.", w + 1),
        (
            "weights_exponential",
            "A softmax is applied to the weights.",
            np.exp(w - w.max()) / np.exp(w - w.max()).sum(),
        ),
    ):
        yield from _weighted(model, key, text, other)
    for size in (2, 4, 8, 10, 16, 32, 64, 100, 128, 256):
        if size < m:
            for how, other in (("repeat", np.resize(w[:size], m)), ("are 1", np.where(np.arange(m) < size, w, 1.0))):
                text = f"After the first {size} classes the weights {how}."
                yield from _weighted(model, "weights_repeat", text, other)
    yield from _weighted(model, "weight_of_wrong_class", "All classes have the weight of the first.", np.full(m, w[0]))
    yield from _weighted(model, "weight_of_wrong_class", "All classes have the mean weight.", np.full(m, w.mean()))
    if model.contract.input == "logits":
        plain = model.coefficients(unweighted=True)
        text = "The weight multiplies only the label's logit and not the log-sum-exp: multiply the whole row's loss."
        if model.part == "loss":
            yield Prediction(
                "weight_on_logit_only",
                text,
                model.finish(plain.sum(axis=-1) * model.lse - (model.t * model.z).sum(axis=-1)),
            )
        else:
            yield Prediction(
                "weight_on_logit_only",
                text,
                model.finish(plain.sum(axis=-1, keepdims=True) * model.softmax[1] - model.t),
            )
        text = "The weights multiply the classes' scores; they are to multiply the loss of each row."
        if model.part == "loss":
            z = model.z * w
            shift = z - z.max(axis=-1, keepdims=True)
            log_p = shift - np.log(np.exp(shift).sum(axis=-1, keepdims=True))
            yield Prediction("weights_on_scores", text, model.finish(model.rows(plain, (log_p, np.exp(log_p)))))


def _weighted(model: Model, mechanism: str, sentence: str, w: Floats) -> Iterator[Prediction]:
    """Yield what other weights give, with the divisor of the right ones and with their own."""
    rows = model.rows(model.coefficients(weights=w))
    yield Prediction(mechanism, sentence, model.finish(rows))
    if model.reduction == "mean" and model.contract.mean_over == "weights":
        total = float((model.targets @ w * model.problem.kept).sum())
        yield Prediction(mechanism, sentence, model.finish(rows, divisor=total))


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def z_loss(model: Model) -> Iterator[Prediction]:
    """Yield other readings of the auxiliary term z_loss * lse**2."""
    amount = model.problem.z_loss
    if not amount:
        return
    yield Prediction("z_loss_missing", "The z-loss is missing.", model.finish(model.rows(z_loss=0.0)))
    for key, text, factor in (
        ("z_loss_doubled", "The z-loss is counted twice: it is z_loss * lse**2, without a factor.", 2.0),
        ("z_loss_halved", "The z-loss is halved: it is z_loss * lse**2, and its derivative 2 z_loss lse p.", 0.5),
        ("z_loss_sign", "The z-loss is subtracted; add it.", -1.0),
        ("z_loss_squared", "The coefficient of the z-loss is squared.", amount),
    ):
        yield Prediction(key, text, model.finish(model.rows(z_loss=amount * factor)))
    bare = model.rows(z_loss=0.0)
    kept = model.problem.kept
    if model.part == "loss":
        text = "The z-loss is linear in the log-sum-exp; it is z_loss * lse**2."
        yield Prediction("z_loss_not_squared", text, model.finish(bare + amount * model.lse * kept))
        reduced, extra = model.finish(bare), (amount * kept * model.lse**2).sum()
        if model.reduction != "none":
            text = "The z-loss has another reduction than the loss beside it (sum for mean or mean for sum)."
            for scale in (1.0, 1 / max(model.n, 1)):
                yield Prediction("z_loss_reduction", text, reduced + extra * scale)
            text = "The z-loss is that of the mean log-sum-exp, not the mean of the squares."
            yield Prediction("z_loss_reduction", text, reduced + amount * (model.lse * kept).mean() ** 2)
        text = "The z-loss is that of the shifted logits: the maximum is missing from its log-sum-exp."
        yield Prediction("z_loss_shifted", text, model.finish(bare + amount * model.log_sum**2 * kept))
        text = "The z-loss is applied to the ignored rows too."
        yield Prediction("z_loss_ignored_rows", text, model.finish(bare + amount * model.lse**2))
    else:
        text = "The gradient of the z-loss lacks its factor lse: it is 2 z_loss lse p."
        yield Prediction("z_loss_gradient", text, model.finish(bare + (2 * amount * kept)[:, None] * model.softmax[1]))
        text = "The z-loss is that of the shifted logits: the maximum is missing from its log-sum-exp."
        shifted = (2 * amount * model.log_sum * kept)[:, None] * model.softmax[1]
        yield Prediction("z_loss_shifted", text, model.finish(bare + shifted))
        text = "The gradient of the z-loss is applied to the ignored rows too."
        everywhere = (2 * amount * model.lse)[:, None] * model.softmax[1]
        yield Prediction("z_loss_ignored_rows", text, model.finish(bare + everywhere))
        text = "The gradient of the z-loss lacks its factor p: it is 2 z_loss lse p."
        yield Prediction("z_loss_gradient", text, model.finish(bare + (2 * amount * kept * model.lse)[:, None]))


def _either(model: Model, mechanism: str, sentence: str, t: Floats) -> Iterator[Prediction]:
    """Yield what other coefficients give, and what they give where only those subtracted from p are wrong."""
    yield _from(model, mechanism, sentence, t)
    if model.part == "gradient" and model.contract.gradient_wrt == "logits" and model.contract.boundary.exact:
        rows = model.t.sum(axis=-1, keepdims=True) * model.logs[1] - t
        extra = model.penalty() if model.problem.z_loss else 0.0
        yield Prediction(mechanism, sentence, model.finish(rows + extra))


def _from(model: Model, mechanism: str, sentence: str, t: Floats) -> Prediction:
    return Prediction(mechanism, sentence, model.finish(model.rows(t)))
