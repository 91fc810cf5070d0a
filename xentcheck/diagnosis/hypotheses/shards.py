"""Mistakes of implementations whose classes are spread over several devices, each with a shard of equal size."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model
from xentcheck.diagnosis.prediction import Prediction

SHARDS = (2, 4, 8)


@hypothesis(Rank.BLOCKS)
def sums_of_shards(model: Model) -> Iterator[Prediction]:
    """Yield log-sum-exps of which the shards are not put together rightly."""
    if model.contract.input != "logits":
        return
    z, m = model.z, model.m
    for shards in SHARDS:
        size = m // shards
        for cuts in ([size * k for k in range(1, shards)], [-(-m // shards) * k for k in range(1, shards)]):
            parts = [part for part in np.split(z, cuts, axis=1) if part.shape[1]]
            if len(parts) < shards:
                continue
            tops = np.stack([part.max(axis=1) for part in parts], axis=1)
            sums = np.stack([np.exp(part - part.max(axis=1, keepdims=True)).sum(axis=1) for part in parts], axis=1)
            text = (
                f"The sums of {shards} shards of the classes are added, each with a maximum of its own; rescale them."
            )
            yield _by_lse(model, text, tops.max(axis=1) + np.log(sums.sum(axis=1)))
            text = f"The log-sum-exp is that of one of {shards} shards of the classes, the one of the largest logit."
            largest = tops.argmax(axis=1)[:, None]
            yield _by_lse(model, text, tops.max(axis=1) + np.log(np.take_along_axis(sums, largest, 1)[:, 0]))


@hypothesis(Rank.BLOCKS)
def label_between_shards(model: Model) -> Iterator[Prediction]:
    """Yield losses without the label's logit where the label is the first class of the second shard: > for >=."""
    y, m, t = model.labels, model.m, model.t
    if y is None or model.part != "loss" or model.contract.input != "logits":
        return
    for shards in SHARDS:
        for rounded, start in (("down", m // shards), ("up", -(-m // shards))):
            if not 0 < start < m or m < shards or not (y == start).any():
                continue
            text = (
                f"The label's logit is not subtracted at the first class beyond the first of {shards} shards: >= it is."
            )
            top = model.z.max(axis=-1)
            for name, shift, lse in (("shifted", top, model.log_sum), ("plain", np.zeros(model.n), model.lse)):
                at_label = (t * (model.z - shift[:, None])).sum(axis=-1)
                rows = t.sum(axis=-1) * lse - np.where(y == start, 0.0, at_label)
                yield Prediction(
                    "label_between_shards", text, model.finish(rows), 2.0, variant=f"{shards} {rounded} {name}"
                )


@hypothesis(Rank.BLOCKS)
def label_of_shards(model: Model) -> Iterator[Prediction]:
    """Yield losses of which the label's logit is that of a shard by itself, or of several shards at once."""
    y, m, z, t = model.labels, model.m, model.z, model.t
    if y is None or model.part != "loss" or model.contract.input != "logits":
        return
    each, total = np.arange(model.n), t.sum(axis=-1)
    for shards in SHARDS:
        for size in sorted({m // shards, -(-m // shards)}):
            starts = [size * k for k in range(shards) if size * k < m]
            if not size or len(starts) < shards:
                continue
            parts = np.split(z, starts[1:], axis=1)
            own = np.minimum(y // size, shards - 1)
            tops = np.stack([part.max(axis=1) for part in parts], axis=1)
            sums = np.stack([np.exp(part - part.max(axis=1, keepdims=True)).sum(axis=1) for part in parts], axis=1)
            text = (
                f"Each of {shards} shards of the classes subtracts a maximum of its own, from its exponentials and "
                "from the label's logit; subtract that of all."
            )
            rows = total * (np.log(sums.sum(axis=1)) - (z[each, y] - tops[each, own]))
            yield Prediction("shards_not_combined", text, model.finish(rows), 1.0, variant=text)
            text = (
                f"Each of {shards} shards of the classes in which the label is not adds the logit of its first class; "
                "that is to be 0 there."
            )
            d = z - z.max(axis=-1, keepdims=True)
            firsts = d[:, starts].sum(axis=1) - d[each, np.asarray(starts)[own]]
            rows = total * (model.log_sum - d[each, y] - firsts)
            yield Prediction("label_in_other_shards", text, model.finish(rows), 1.0, variant=text)


def _by_lse(model: Model, text: str, lse: Floats) -> Prediction:
    top = model.z.max(axis=-1, keepdims=True)
    log_p = (model.z - top) - (lse[:, None] - top)
    return Prediction(
        "shards_not_combined", text, model.finish(model.rows(logs=model.with_guard(log_p))), 1.0, variant=text
    )
