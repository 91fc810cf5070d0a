"""Mistakes about the z-loss, z_loss * lse**2, and its gradient 2 z_loss lse p."""

from __future__ import annotations

from collections.abc import Iterator

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction


@hypothesis(Rank.OPTIONS, quick=True, partly=True)
def z_loss(model: Model) -> Iterator[Prediction]:
    """Yield other readings of the auxiliary term z_loss * lse**2."""
    amount = model.problem.z_loss
    if not amount:
        return
    yield Prediction("z_loss_missing", "The z-loss is missing.", model.finish(model.rows(z_loss=0.0)))
    text = "The z-loss is halved: it is z_loss * lse**2, and its derivative 2 z_loss lse p."
    yield Prediction("z_loss_halved", text, model.finish(model.rows(z_loss=amount / 2)))
    bare = model.rows(z_loss=0.0)
    kept = model.problem.kept
    if model.part == "loss":
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
        text = "The z-loss is that of the shifted logits: the maximum is missing from its log-sum-exp."
        shifted = (2 * amount * model.log_sum * kept)[:, None] * model.softmax[1]
        yield Prediction("z_loss_shifted", text, model.finish(bare + shifted))
        text = "The gradient of the z-loss is applied to the ignored rows too."
        everywhere = (2 * amount * model.lse)[:, None] * model.softmax[1]
        yield Prediction("z_loss_ignored_rows", text, model.finish(bare + everywhere))
