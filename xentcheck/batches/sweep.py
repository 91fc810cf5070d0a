"""The first batches of a run, always the same: gross bugs fall at once, and on something readable.

Search comes after. The order is from the plainest batch to the largest one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xentcheck.batches.assemble import EXTRA_BYTES, assemble
from xentcheck.batches.batch import Batch
from xentcheck.batches.families import families
from xentcheck.batches.family import Draft, Family
from xentcheck.batches.numbers import Floats, Seeded
from xentcheck.batches.setting import Setting
from xentcheck.batches.shapes import Shape, Sizes, admits, few_shapes, nearest, sizes_of
from xentcheck.batches.storage import digest
from xentcheck.batches.sweep_items import BY_HAND, Item, items, large_items
from xentcheck.contract import Contract


def sweep(
    contract: Contract, dtype: str, label_form: str, *, sizes: str | Sizes = "quick", expensive_shapes: bool = False
) -> Iterator[Batch]:
    """Yield the first batches of a run: some forty, no two alike, the first of shape (2, 3) where that is admitted.

    Parameters
    ----------
    contract : Contract
    dtype : {"float16", "bfloat16", "float32", "float64"}
    label_form : {"sparse", "onehot", "soft"}
    sizes : {"quick", "standard", "thorough"} or Sizes
    expensive_shapes : bool
        Whether the target compiles for each new shape; then the shapes are those of `few_shapes`.

    Raises
    ------
    BatchError
        Where the contract admits no shape, or a name does not exist.
    """
    setting = Setting(contract, dtype, label_form)
    seen: set[str] = set()
    for place, item in enumerate((*items(setting), *_one_of_each_family(setting), *large_items(sizes_of(sizes).name))):
        batch = _batch(setting, item, place, expensive_shapes)
        if batch is None:
            continue
        mark = digest(batch)
        if mark not in seen:
            seen.add(mark)
            yield batch


def _one_of_each_family(setting: Setting) -> Iterator[Item]:
    """Yield a seeded batch of each family of which the sweep has none by hand."""
    for place, family in enumerate(families(setting)):
        if family.emphasis == "scores" and family.name not in BY_HAND:
            source = Seeded(setting, *((3, 5), (4, 3))[place % 2], seed=place)
            with np.errstate(all="ignore"):
                draft = family.make(source)
            yield Item(family.name, draft.scores, draft.labels, gives=family.gives)


def _batch(setting: Setting, item: Item, place: int, expensive: bool) -> Batch | None:
    """Return the batch of an item, or None where its shape is its point and is not admitted."""
    wanted: Shape = item.scores.shape
    shape = _nearest_of(few_shapes(setting), wanted) if expensive else nearest(setting, wanted)
    if item.needs_shape and shape != wanted:
        return None
    assert admits(setting, shape)
    n, m = shape
    if n and not wanted[0]:
        return None
    rows = np.arange(n) % max(wanted[0], 1)
    scores = _with_classes(item, m)[rows]
    family = Family(item.name, lambda numbers: Draft(scores.copy(), item.labels[rows] % m), gives=item.gives)
    return assemble(setting, family, Seeded(setting, n, m, seed=place), _codes(item, place))


def _with_classes(item: Item, m: int) -> Floats:
    """Return the scores of an item with m classes: repeated, or with the mass of probabilities kept."""
    given = item.scores.shape[1]
    if item.gives != "probabilities":
        return item.scores[:, np.arange(m) % given]
    if m >= given:
        return np.pad(item.scores, ((0, 0), (0, m - given)))
    return np.column_stack([item.scores[:, : m - 1], item.scores[:, m - 1 :].sum(axis=1)])


def _codes(item: Item, place: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Return the codes of an item: options plain in the first three batches, then each batch has others."""
    codes = np.zeros(EXTRA_BYTES, np.uint8)
    codes[:4] = (item.layout, item.label_dtype, item.label_shape, item.ignoring)
    if place > 2:
        codes[4:] = (np.arange(EXTRA_BYTES - 4) * 5 + place * 7) % 251
        codes[4:7] = (place % 8, place % 5, place % 6)
        codes[2] = codes[2] or place % 2
        codes[3] = codes[3] or place % 4
    return codes


def _nearest_of(shapes: tuple[Shape, ...], wanted: Shape) -> Shape:
    """Return the shape whose rows and classes are nearest in ratio."""
    target = np.log1p(np.asarray(wanted, np.float64))
    return min(shapes, key=lambda shape: float(np.abs(np.log1p(np.asarray(shape, np.float64)) - target).sum()))
