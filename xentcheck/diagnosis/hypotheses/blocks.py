"""Mistakes of implementations that take rows or classes in blocks: running sums, and means of means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import numpy as np

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Floats, Model
from xentcheck.diagnosis.prediction import Prediction

BLOCKS = tuple(2**k for k in range(10, 0, -1))  # larger blocks are commoner


@hypothesis(Rank.BLOCKS)
def running_softmax(model: Model) -> Iterator[Prediction]:
    """Yield online log-sum-exps whose running sum is not rescaled rightly."""
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
        if len(parts) > 2:
            text = (
                f"The running sum is rescaled at the second {size} alone; do so at every one that raises the maximum."
            )
            yield _online(model, "online_not_rescaled", text, parts, _once())


def _once() -> Callable[[Floats, Floats], Floats]:
    """Return what rescales a sum at the first two blocks, and not at those after them."""
    seen = count()
    return lambda old, new: np.exp(old - new) if next(seen) <= 1 else np.ones_like(old)


def _online(model: Model, mechanism: str, text: str, parts: list[Floats], rescale: object) -> Prediction:
    top = parts[0].max(axis=-1)
    total = np.zeros(model.n)
    for part in parts:
        new = np.maximum(top, part.max(axis=-1))
        total = total * rescale(top, new) + np.exp(part - new[:, None]).sum(axis=-1)  # type: ignore[operator]
        top = new
    return _by_lse(model, mechanism, text, top + np.log(total))


def _by_lse(model: Model, mechanism: str, text: str, lse: Floats) -> Prediction:
    top = model.z.max(axis=-1)
    log_p = (model.z - top[:, None]) - (lse - top)[:, None]
    return Prediction(mechanism, text, model.finish(model.rows(logs=model.with_guard(log_p))), 1.0, variant=text)


@hypothesis(Rank.BLOCKS)
def means_of_blocks(model: Model) -> Iterator[Prediction]:
    """Yield a mean that is the sum, or the mean, of the means of blocks of rows."""
    n, rows = model.n, model.rows()
    if model.reduction != "mean":
        return
    for block in BLOCKS:
        if block >= n:
            continue
        starts = range(0, n, block)
        text = f"It is the mean of the means of blocks of {block} rows, though the last block is shorter."
        if model.part == "loss":
            means = np.array([rows[start : start + block].mean() for start in starts])
            if n % block:
                yield Prediction("mean_of_means", text, np.asarray(means.mean()), 1.0, variant=text)
            text = f"The means of blocks of {block} rows are added up, and not divided by their number."
            yield Prediction("mean_times_chunks", text, np.asarray(means.sum()), 1.0, variant=text)
        elif n % block:
            share = np.array([min(block, n - start) for start in starts for _ in range(min(block, n - start))])
            value = model.right * (n / share / len(starts))[:, None]
            yield Prediction("mean_of_means", text, value, 1.0, variant=text)


@hypothesis(Rank.BLOCKS)
def means_of_parts(model: Model) -> Iterator[Prediction]:
    """Yield the mean of the means of two or more parts of the rows, as nearly equal as n allows, or the last longer."""
    n = model.n
    if model.reduction != "mean":
        return
    for parts in (2, 3, 4, 8):
        if parts > n or n % parts == 0:
            continue
        short, longer = n // parts, n % parts
        text = f"It is the mean of the means of {parts} parts of the rows, though they are not equally long."
        for sizes in (
            [short] * (parts - 1) + [short + longer],
            [short + 1] * longer + [short] * (parts - longer),
            [short] * (parts - longer) + [short + 1] * longer,
        ):
            share = n / (parts * np.repeat(sizes, sizes))
            rows = model.rows() * (share if model.part == "loss" else share[:, None])
            yield Prediction("mean_of_means", text, model.finish(rows), 1.0, variant=text)
