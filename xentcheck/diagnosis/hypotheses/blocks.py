"""Mistakes of implementations that take rows or classes in blocks: running sums, shards, partial last blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model, logsumexp, one_hot
from xentcheck.diagnosis.prediction import Prediction

BLOCKS = tuple(2**k for k in range(10, 0, -1))  # larger blocks are commoner


def borders(count: int) -> Iterator[tuple[int, str, int]]:
    """Yield block size, which block is meant, and where it ends or begins, for blocks that split `count` in two."""
    for block in BLOCKS:
        if block < count:
            whole, last = count // block * block, (count - 1) // block * block
            if whole < count:
                yield block, "after the last whole block", whole
            if last != whole or whole == count:
                yield block, "of the last block", last
            if block not in (whole, last):
                yield block, "after the first block", block


@hypothesis(Rank.BLOCKS)
def running_softmax(model: Model) -> Iterator[Prediction]:
    """Yield online and sharded log-sum-exps that are put together wrongly."""
    if model.contract.input != "logits":
        return
    z = model.z
    for block in BLOCKS:
        if block >= model.m:
            continue
        parts = [z[:, start : start + block] for start in range(0, model.m, block)]
        size = f"block of {block}"
        text = f"When a later {size} raises the maximum, the running sum is not rescaled by exp(old - new)."
        yield _online(model, "online_not_rescaled", text, parts, lambda old, new: np.ones_like(old))
        text = f"When a later {size} raises the maximum, the running sum is rescaled by exp(new - old), the wrong way."
        yield _online(model, "online_not_rescaled", text, parts, lambda old, new: np.exp(new - old))
        text = f"When a later {size} raises the maximum, the running sum is lost: only what comes after it counts."
        yield _online(model, "online_not_rescaled", text, parts, lambda old, new: np.where(new > old, 0.0, 1.0))
        text = f"The running maximum is not raised by a later {size}: its exponentials overflow."
        yield _with(model, "online_not_rescaled", text, z[:, :block].max(axis=-1), z)
        shards = np.stack([logsumexp(part) for part in parts])
        for mechanism, said, lse in (
            ("maximum_for_lse", "the largest of them is taken", shards.max(axis=0)),
            ("mean_of_exponentials", "their mean is taken", shards.mean(axis=0)),
            ("shards_added", "they are added", shards.sum(axis=0)),
            (
                "mean_of_exponentials",
                "the mean of their exponentials is taken",
                np.logaddexp.reduce(shards, axis=0) - np.log(len(parts)),
            ),
        ):
            text = f"The log-sum-exps of the shards of {block} classes are put together wrongly: {said}."
            yield _by_lse(model, mechanism, text + " Use logaddexp.", lse)


def _online(model: Model, mechanism: str, text: str, parts: list[Floats], rescale: object) -> Prediction:
    top = parts[0].max(axis=-1)
    total = np.zeros(model.n)
    for part in parts:
        new = np.maximum(top, part.max(axis=-1))
        total = total * rescale(top, new) + np.exp(part - new[:, None]).sum(axis=-1)  # type: ignore[operator]
        top = new
    return _by_lse(model, mechanism, text, top + np.log(total))


def _with(model: Model, mechanism: str, text: str, shift: Floats, z: Floats) -> Prediction:
    return _by_lse(model, mechanism, text, shift + np.log(np.exp(z - shift[:, None]).sum(axis=-1)))


def _by_lse(model: Model, mechanism: str, text: str, lse: Floats) -> Prediction:
    top = model.z.max(axis=-1)
    log_p = (model.z - top[:, None]) - (lse - top)[:, None]
    return Prediction(mechanism, text, model.finish(model.rows(logs=(log_p, np.exp(log_p)))), 1.0, variant=text)


@hypothesis(Rank.BLOCKS)
def labels_in_blocks(model: Model) -> Iterator[Prediction]:
    """Yield labels that a later block of classes does not find, or finds in the wrong place."""
    y = model.labels
    if y is None or model.contract.input != "logits":
        return
    d = model.z - model.z.max(axis=-1, keepdims=True)
    lse, log_s = model.lse, model.log_sum
    for block, which, border in borders(model.m):
        later = y >= border
        if not later.any():
            continue
        found = np.where(later[:, None], 0.0, model.t)
        text = f"A label {which} of {block} classes is not found: its logit counts as 0."
        said = f"label not found {which} {block}"
        if model.part == "loss":
            total = model.t.sum(axis=-1)
            for rows in (total * lse - (found * model.z).sum(-1), total * log_s - (found * d).sum(-1)):
                yield Prediction("label_logit_missing", text, model.finish(rows), 1.0, variant=said)
            text = f"The rows whose label is {which} of {block} classes cost nothing."
            yield Prediction("label_logit_missing", text, model.finish(np.where(later, 0.0, model.rows())), 1.0)
        else:
            text = f"The target is not subtracted at labels {which} of {block} classes."
            rows = model.t.sum(axis=-1, keepdims=True) * model.softmax[1] - found
            yield Prediction("gradient_p_only", text, model.finish(rows), 1.0, variant=said)
    for block in BLOCKS:
        if block < model.m:
            for change, how in (
                (y % block, "counted from the beginning of its block, and read from the first"),
                (np.where(y >= block, (y + 1) % model.m, y), "one too high after the first block"),
                (np.where(y >= block, y - 1, y), "one too low after the first block"),
            ):
                text = f"With blocks of {block} classes, a label is {how}."
                t = model.coefficients(one_hot(change, model.m))
                key = "off_by_one_label" if "one too" in how else "label_not_offset"
                yield Prediction(key, text, model.finish(model.rows(t)), 1.0, variant=text)


@hypothesis(Rank.BLOCKS)
def unwritten(model: Model) -> Iterator[Prediction]:
    """Yield gradients of which a block of classes or rows is not written, and losses of which rows are not."""
    if model.part == "gradient":
        for block, which, border in borders(model.m):
            text = f"The gradient of the classes {which} of {block} is not written: it is 0."
            value = np.where(np.arange(model.m) >= border, 0.0, model.right)
            yield Prediction("chunk_not_written", text, value, 1.0, variant=f"classes {which} {block}")
            text = f"Of the classes {which} of {block} only the target is written."
            value = np.where(np.arange(model.m) >= border, model.finish(-model.t), model.right)
            yield Prediction("chunk_not_written", text, value, 1.0, variant=f"p of classes {which} {block}")


@hypothesis(Rank.BLOCKS)
def rows_in_blocks(model: Model) -> Iterator[Prediction]:
    """Yield reductions block by block of rows, and rows of the last block in other places."""
    n, rows = model.n, model.rows()
    for block in BLOCKS:
        if block >= n:
            continue
        starts = range(0, n, block)
        if model.reduction == "mean" and model.part == "loss":
            means = np.array([rows[start : start + block].mean() for start in starts])
            text = f"The means of blocks of {block} rows are added up, and not divided by their number."
            yield Prediction("mean_times_chunks", text, np.asarray(means.sum()), 1.0, variant=text)
            text = f"The sum is divided by the {block} rows of a block, not by all."
            yield Prediction("chunk_divisor", text, np.asarray(rows.sum() / block), 1.0, variant=text)
            text = f"The loss is that of the last block of {block} rows alone: each block replaces the one before."
            last = rows[(n - 1) // block * block :]
            yield Prediction("only_last_chunk", text, np.asarray(last.mean()), 1.0, variant=text)
            yield Prediction("only_last_chunk", text, np.asarray(last.sum() / n), 1.0, variant=text + "n")
        if n % block and (model.part == "gradient" or model.reduction == "none"):
            moved = model.right.copy()
            tail = n % block
            moved[-tail:] = model.right[n - block : n - block + tail]
            text = f"The last rows, which do not fill a block of {block}, are taken from too early a row."
            yield Prediction("rows_misplaced", text, moved, 1.0, variant=text)
        if model.part == "gradient" and model.reduction == "mean":
            share = np.array([min(block, n - start) for start in starts for _ in range(min(block, n - start))])
            text = f"Each row's gradient is divided by the rows of its block of {block}, not by all."
            yield Prediction("chunk_divisor", text, model.right * (n / share)[:, None], 1.0, variant=text)
            text = f"Each row's gradient is that of the mean of the means of blocks of {block} rows."
            value = model.right * (n / share / len(starts))[:, None]
            yield Prediction("mean_of_means", text, value, 1.0, variant=text)
