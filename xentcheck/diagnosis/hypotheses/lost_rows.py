"""Mistakes that leave rows out: of a partial block, beyond a number, of a class, or taken for ignored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from xentcheck.diagnosis.hypotheses.register import Rank, hypothesis
from xentcheck.diagnosis.loss_model import Model
from xentcheck.diagnosis.prediction import Prediction

BLOCKS = tuple(2**k for k in range(13, 1, -1))  # larger blocks are commoner
FEWEST_BEFORE_ONE = 64  # a last row alone is lost for many a reason, unless it is the first beyond a block


@hypothesis(Rank.LABELS, quick=True, partly=True)
def last_rows_lost(model: Model) -> Iterator[Prediction]:
    """Yield what is left where the last rows, which do not fill a block, do not take part."""
    n = model.n
    index = np.arange(n)
    for block in BLOCKS:
        whole = n // block * block
        if 0 < whole < (n if block >= FEWEST_BEFORE_ONE or whole == block else n - 1):
            text = f"The last rows, which do not fill a block of {block}, are left out; treat the partial block too."
            for guess in _without(model, "last_chunk_dropped", text, index >= whole, 1.0):
                yield replace(guess, variant=text)


@hypothesis(Rank.LABELS, quick=True)
def rows_beyond_a_block(model: Model) -> Iterator[Prediction]:
    """Yield what is left where one block alone is worked on: with less than two it is what the last rows leave."""
    for block in BLOCKS:
        if model.n > block:
            text = f"The rows beyond the first {block} are left out."
            for guess in _without(model, "rows_beyond_a_limit", text, np.arange(model.n) >= block, 1.0):
                yield replace(guess, variant=text)


@hypothesis(Rank.LABELS, quick=True)
def last_row_of_a_rest(model: Model) -> Iterator[Prediction]:
    """Yield what is left where the loop over the rows that fill no block ends one early: twice as many show it."""
    index = np.arange(model.n)
    for block in BLOCKS:
        if model.n > block and model.n % block:
            text = f"The last of the rows that do not fill a block of {block} is left out: the loop ends one early."
            for guess in _without(model, "last_chunk_dropped", text, index == model.n - 1, 1.0):
                yield replace(guess, variant=text)


@hypothesis(Rank.LABELS, quick=True)
def row_numbers_wrapped(model: Model) -> Iterator[Prediction]:
    """Yield a loss of the first rows over and over, where their numbers wrap round in a narrow dtype."""
    if model.part != "loss":
        return
    for name, limit in (("uint8", 2**8), ("uint16", 2**16)):
        if model.n > limit:
            text = f"The numbers of the rows wrap round in {name}: row {limit} is row 0 once more."
            yield Prediction("rows_wrapped", text, model.finish(model.rows()[np.arange(model.n) % limit]), variant=name)


@hypothesis(Rank.BLOCKS, quick=True)
def rows_of_padding(model: Model) -> Iterator[Prediction]:
    """Yield a reduction in which rows take part that fill a block up, or that count in the divisor alone."""
    if model.part != "loss" or model.reduction == "none" or model.contract.input != "logits" or not model.n:
        return
    for block in BLOCKS:
        more = -model.n % block
        if not more:
            continue
        each = more * np.log(model.m)
        text = f"Rows that do not exist, which fill a block of {block}, take part with logits that are all equal."
        for divisor in (model.divisor, model.divisor + more) if model.reduction == "mean" else (model.divisor,):
            value = model.finish(np.append(model.rows(), each), divisor=divisor)
            yield Prediction("phantom_rows", text, value, 1.0, variant=f"{block} {divisor == model.divisor}")
        if model.reduction == "mean":
            text = f"The divisor of the mean counts rows that do not exist, which fill a block of {block}."
            value = model.finish(model.rows(), divisor=model.divisor + more)
            yield Prediction("phantom_rows", text, value, 1.0, variant=f"{block} divisor")


@hypothesis(Rank.RARE)
def rows_lost_by_label(model: Model) -> Iterator[Prediction]:
    """Yield what is left where rows of certain labels do not take part."""
    if model.labels is not None:
        for c, which in ((0, "0"), (model.m - 1, "m - 1")):
            text = f"The rows of class {which} are left out, as if they were padding."
            yield from _without(model, "rows_left_out", text, model.labels == c)
        classes = np.unique(model.labels)
        for c in classes[:64] if model.n <= 64 else ():
            text = f"The rows of class {c} are left out."
            for guess in _without(model, "rows_left_out", text, model.labels == c, 2.0):
                yield replace(guess, variant=f"class {c}")


def taken_for_ignored(model: Model, labels: NDArray[np.int64] | None) -> Iterator[Prediction]:
    """Yield what is left without the class that the ignored label is where it wraps round."""
    declared = model.contract.ignore_index
    index = -100 if "ignore_index" in model.contract.arguments else declared
    if not isinstance(index, int) or labels is None:
        return
    for name, limit in (("uint8", 2**8), ("uint16", 2**16)):
        c = index % limit
        if c != index:
            text = f"The rows of class {c} are left out: the ignored label {index} is {c} in {name}; compare in int64."
            yield from _without(model, "ignored_label_wrapped", text, labels == c)


def _without(
    model: Model, mechanism: str, sentence: str, lost: NDArray[np.bool_], bits: float = 0.0
) -> Iterator[Prediction]:
    """Yield what is left without some rows, with the right divisor and with that of the rows left."""
    rows = model.rows()
    left = np.where(lost if rows.ndim == 1 else lost[:, None], 0.0, rows)
    yield Prediction(mechanism, sentence, model.finish(left), bits)
    count = model.divisor - float(lost.sum())
    if model.reduction == "mean" and count > 0:
        yield Prediction(mechanism, sentence, model.finish(left, divisor=count), bits)
