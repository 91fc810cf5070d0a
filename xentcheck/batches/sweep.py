"""The first batches of a run, always the same: gross bugs fall at once, and on something readable.

Search comes after. The plain batches come first; then options, single points and sizes take turns, so that
a mistake of any kind is met early.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, cycle, islice, zip_longest

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.covering import Row
from xentcheck.batches.design import design, usual_numbers
from xentcheck.batches.families import families
from xentcheck.batches.from_design import batch_of, dress
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.numbers import Floats, Seeded
from xentcheck.batches.shapes import TYPICAL, Shape, Sizes, admits, few_shapes, nearest, nearest_of, sizes_of, space_of
from xentcheck.batches.size_sweep import class_items, label_items, row_items
from xentcheck.batches.storage import digest
from xentcheck.batches.sweep_items import BY_HAND, Item, declared_items, own_items, plain_items, special_items
from xentcheck.contract import Contract
from xentcheck.contract.declaration import OPTIONS

_VARIED = {*OPTIONS, "soft rows", "label shape", "dense label dtype"} - {"ignore_index"}
"""Factors of the design that items take over; the labels of an item are its own."""
_LABEL_DTYPE = {"label dtype", "dense label dtype"}
_READABLE = 3
"""The first items, whose options are plain."""


def sweep(
    contract: Contract,
    dtype: str,
    label_form: str,
    *,
    sizes: str | Sizes = "quick",
    expensive_shapes: bool = False,
    dtypes: Sequence[str] | None = None,
) -> Iterator[Batch]:
    """Yield the first batches of a cell, no two alike, the first of shape (2, 3) where that is admitted.

    Parameters
    ----------
    contract : Contract
    dtype : {"float16", "bfloat16", "float32", "float64"}
    label_form : {"sparse", "onehot", "soft"}
    sizes : {"quick", "standard", "thorough"} or Sizes
    expensive_shapes : bool
        Whether the target compiles for each new shape; then the shapes are those of `few_shapes`.
    dtypes : sequence of str, optional
        Those of the run, among which the design of the options and the sizes are shared; all of the contract if not
        given.

    Raises
    ------
    BatchError
        Where the contract admits no shape, or a name does not exist.
    """
    space, chosen = InputSpace(contract, dtype, label_form), sizes_of(sizes)
    run = tuple(dict.fromkeys((*(dtypes or contract.dtypes), dtype)))
    cells = [(one, form) for one in run for form in contract.labels]
    shape = nearest_of(few_shapes(space), TYPICAL) if expensive_shapes else nearest(space, TYPICAL)
    rows = [
        (place, row)
        for place, row in enumerate(design(contract, run, shape, chosen.strength, few_graphs=expensive_shapes))
        if (row["dtype"], row["labels"]) == (dtype, label_form)
    ]
    share = max(chosen.by_hand // len(cells), chosen.fewest_by_hand)
    own = (dtype, label_form)
    plain = list(islice(plain_items(space), max(share // 3, chosen.fewest_by_hand)))
    special = [*special_items(space), *_one_of_each_family(space)]
    start = cells.index(own) * len(special) // len(cells)
    by_hand = (special[start:] + special[:start])[: share - len(plain)]
    every = max(len(cells) // 2, 1)  # what is declared comes in two cells at least
    plain += list(declared_items(space))[cells.index(own) % every :: every]
    classes: Iterable[Item] = ()
    counts: Iterable[Item] = ()
    if not expensive_shapes:
        alike = [cell for cell in cells if cell[1] == label_form]
        forms = cells if chosen.classes_once else alike
        numbers = _shared(label_items(space, chosen.name), own, alike)
        classes = chain(_shared(class_items(space, chosen.name), own, forms), numbers)
        counts = _shared(row_items(space, chosen.name), own, cells)
    dressing = cycle([row for _, row in rows] or [{}])
    streams: tuple[Iterable[Batch | None], ...] = (
        (batch_of(space, row, place, shape) for place, row in rows),
        _dressed(space, by_hand, dressing, expensive_shapes),
        _dressed(space, classes, dressing, expensive_shapes),
        _dressed(space, counts, dressing, expensive_shapes),
    )
    seen: set[str] = set()
    first = _dressed(space, plain, chain([{}] * _READABLE, dressing), expensive_shapes)
    alone = _dressed(space, own_items(space), cycle([{}]), expensive_shapes)  # each point by itself
    for batch in chain(first, alone, chain.from_iterable(zip_longest(*streams))):
        if batch is not None and (mark := digest(batch)) not in seen:
            seen.add(mark)
            yield batch


def _shared(found: Sequence[Item], own: tuple[str, str], cells: Sequence[tuple[str, str]]) -> Iterator[Item]:
    """Yield the items that fall to a cell, where each falls to one of several cells."""
    count = len(cells)
    for place, item in enumerate(found):
        # One further in each round, so that a cell does not get the same neighbour of each power of two.
        if (place + place // count) % count == cells.index(own):
            yield item


def _one_of_each_family(space: InputSpace) -> Iterator[Item]:
    """Yield a seeded batch of each family of which the sweep has none by hand."""
    for place, family in enumerate(families(space)):
        if family.emphasis == "scores" and family.name not in BY_HAND:
            source = Seeded(space, *((3, 5), (4, 3))[place % 2], seed=place)
            with np.errstate(all="ignore"):
                draft = family.make(source)
            yield Item(family.name, draft.scores, draft.labels, gives=family.gives)


def _dressed(
    space: InputSpace, found: Iterable[Item], dressing: Iterable[Row], expensive: bool
) -> Iterator[Batch | None]:
    """Yield the batches of items, every other one with the options of a row of the design; None for one left out."""
    for place, (item, row) in enumerate(zip(found, dressing, strict=False)):
        varied = {name: row[name] for name in row if name in _VARIED} if place % 2 else {}
        yield _batch(space, item, {**varied, **item.fixed}, place, expensive)


def _batch(space: InputSpace, item: Item, row: Row, place: int, expensive: bool) -> Batch | None:
    """Return the batch of an item, or None where its shape is its point and is not admitted."""
    wanted: Shape = item.scores.shape
    of_labels = not _LABEL_DTYPE.isdisjoint(item.fixed)
    shape = _of_few(space, TYPICAL if of_labels else wanted) if expensive else nearest(space, wanted)
    if item.needs_shape and shape != wanted:
        return None
    assert admits(space, shape)
    n, m = shape
    if n and not wanted[0]:
        return None
    dressed = space_of(space, shape) if expensive else space
    if dressed.few_graphs:
        row = {**row, **usual_numbers(dressed.contract, row, item.fixed)}
    rows = np.arange(n) % max(wanted[0], 1)
    scores = _with_classes(item, m)[rows]
    return dress(dressed, item.name, scores, item.labels[rows] % m, row, place, gives=item.gives)


def _of_few(space: InputSpace, wanted: Shape) -> Shape:
    """Return the nearest of `few_shapes` with no fewer rows, where there is one: the sum of fewer may not overflow."""
    found = few_shapes(space)
    return nearest_of(tuple(shape for shape in found if shape[0] >= wanted[0]) or found, wanted)


def _with_classes(item: Item, m: int) -> Floats:
    """Return the scores of an item with m classes: repeated, or with the mass of probabilities kept."""
    given = item.scores.shape[1]
    if item.gives != "probabilities":
        return item.scores[:, np.arange(m) % given]
    if m >= given:
        return np.pad(item.scores, ((0, 0), (0, m - given)))
    return np.column_stack([item.scores[:, : m - 1], item.scores[:, m - 1 :].sum(axis=1)])
