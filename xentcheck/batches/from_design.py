"""From scores and a row of the design to a batch: options, labels and memory as the row names them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch, one_hot
from xentcheck.batches.covering import Row
from xentcheck.batches.design import LEFT_OUT, SIGNED, families_of, index_of
from xentcheck.batches.drawn_options import admitted, as_row_weights, ignore_index
from xentcheck.batches.families import FAMILIES
from xentcheck.batches.families_probabilities import tenths, to_input
from xentcheck.batches.from_family import fit, settle
from xentcheck.batches.input_space import InputSpace, dtype_named, holds
from xentcheck.batches.labels import in_dtype
from xentcheck.batches.numbers import Floats, Labels, Seeded
from xentcheck.batches.shapes import Shape
from xentcheck.contract.declaration import OPTIONS


class _WithLabels(Seeded):
    """Seeded numbers with labels that are given."""

    def __init__(self, space: InputSpace, shape: Shape, seed: int, classes: Labels) -> None:
        super().__init__(space, *shape, seed)
        self._classes = classes

    def labels(self) -> Labels:
        """Return the labels given, shape (n,)."""
        return self._classes


def batch_of(space: InputSpace, row: Row, place: int, shape: Shape) -> Batch:
    """Return the batch of a row of the design: few rows, their labels distinct where there are classes enough.

    Parameters
    ----------
    space : InputSpace
    row : mapping
        Levels of `design.design`.
    place : int
        Of the row: families of a kind take turns, and so do labels and the rows ignored.
    shape : (int, int)
    """
    n, m = shape
    counted = np.arange(m)
    index = _index(space, row, m)
    if index is not None and m > 1:
        counted = counted[counted != index]
    classes = counted[(place + np.arange(n)) % counted.size]
    names = families_of(space, str(row["scores"]))
    family = FAMILIES[names[place % len(names)]]
    with np.errstate(all="ignore"):
        draft = family.make(_WithLabels(space, shape, place, classes))
    return dress(space, family.name, draft.scores, classes, row, place, gives=family.gives)


def dress(
    space: InputSpace, name: str, scores: Floats, classes: Labels, row: Row, place: int = 0, *, gives: str = "logits"
) -> Batch:
    """Return a batch of scores, shape (n, m), and a class for each row with what a row of the design says of the rest.

    Parameters
    ----------
    row : mapping
        Levels by factor; a factor that is missing has its plainest level.
    place : int
        Of the batch, by which rows and classes take turns in being ignored or without weight.
    gives : {"logits", "probabilities"}
        What the scores are.
    """
    n, m = scores.shape
    layout = str(row.get("layout", "C"))
    with np.errstate(all="ignore"):
        fitted = fit(space, to_input(scores, gives, space))
    if layout == "broadcast" and n:
        fitted = np.repeat(fitted[:1], n, axis=0)
    ignored = _ignored(str(row.get("ignored rows", "none")), n, place)
    options = _options(space, row, m, classes, ignored, place)
    if space.label_form == "sparse":
        labels = _sparse(space, row, classes, ignored, ignore_index(space, options), m)
    elif space.label_form == "onehot":
        labels = in_dtype(space, one_hot(classes, m, np.float64), _dense_dtype(space, row))
    else:
        rows = _soft(space, str(row.get("soft rows", "mixed")), classes, m, place)
        labels = in_dtype(space, rows, _dense_dtype(space, row))
    return settle(space, Batch(fitted, labels, space.label_form, options, layout, name), classes)


def _index(space: InputSpace, row: Row, m: int) -> int | None:
    level = row.get("ignore_index", LEFT_OUT)
    return space.constant_ignore_index if level == LEFT_OUT else index_of(level, m)


def _ignored(level: str, n: int, place: int) -> NDArray[np.bool_]:
    """Return the rows ignored: a third of them, the first among them or the last, but never all of several."""
    if level == "some":
        return np.asarray((np.arange(n) + place) % 3 == n % 3 if n > 3 else np.arange(n) == place % max(n, 1))
    return np.full(n, level == "all")


def _sparse(
    space: InputSpace, row: Row, classes: Labels, ignored: NDArray[np.bool_], index: int | None, m: int
) -> NDArray[Any]:
    """Return sparse labels in the dtype and shape of the row, ignored rows carrying the ignored label."""
    names = space.label_dtypes(m, index if ignored.any() else None)
    wanted = row.get("label dtype")
    name = str(wanted) if wanted in names else names[0]
    if index is not None and holds(name, index):
        classes = np.where(ignored, index, classes)
    labels: NDArray[Any] = classes.astype(dtype_named(name))
    shapes = space.contract.label_shapes
    wanted = row.get("label shape")
    return labels[:, None] if (wanted if wanted in shapes else shapes[0]) == "(n,1)" else labels


def _dense_dtype(space: InputSpace, row: Row) -> str:
    wanted = str(row.get("dense label dtype", "same"))
    name = space.dtype if wanted == "same" else wanted
    return name if name in space.dense_label_dtypes else space.dense_label_dtypes[0]


TINY_SHARES = (1e-5, 1e-7, 1e-10, 1e-12)
"""Shares of a class that a cut-off takes for none."""


def _soft(space: InputSpace, level: str, classes: Labels, m: int, place: int) -> Floats:
    """Return soft rows, shape (n, m); those not pure spread half of each row, or little, over few classes, anywhere."""
    pure: Floats = one_hot(classes, m, np.float64)
    if level == "pure" or not classes.size:
        return pure
    if level == "uniform":
        return np.full_like(pure, 1 / m)
    if level == "one tiny share":
        share = np.resize(TINY_SHARES if space.format.precision > 24 else TINY_SHARES[:2], classes.size)[:, None]
        return (1 - share) * pure + share * np.roll(pure, 1, axis=1)
    spread = tenths(Seeded(space, classes.size, m, place))
    if level == "nearly pure":
        share = np.resize([0.005, 0.0005], classes.size)[:, None]
        return (1 - share) * pure + share * spread
    mixed: Floats = 0.5 * (pure + np.stack([np.roll(one, 3 * k + place) for k, one in enumerate(spread)]))
    if level == "sums":
        mixed *= np.resize([2.0, 0.5, 3.0, 0.1], classes.size)[:, None]
    if level == "a zero row":
        mixed[place % classes.size] = 0.0
    return mixed


def _options(
    space: InputSpace, row: Row, m: int, classes: Labels, ignored: NDArray[np.bool_], place: int
) -> dict[str, Any]:
    """Return the options drawn, by contract key."""
    options: dict[str, Any] = {}
    kept = classes[~ignored]
    for key, declared in space.contract.drawn.items():
        option = OPTIONS[key]
        level = row.get(key, option.plain)
        if level == LEFT_OUT:
            continue
        if option.kind == "weights":
            options[key] = _weights(str(level), m, kept).astype(space.format.dtype)
        elif option.kind == "rows":
            options[key] = as_row_weights(space, _row_weights(str(level), ignored, place))
        else:
            options[key] = option.value_of(declared, level, space.at(m, place))
    return admitted(space, m, options, place, {"ignore_index"} if ignored.any() else ())


def _weights(level: str, m: int, kept: Labels) -> Floats:
    """Return class weights, shape (m,), no block of them like the next.

    With zeros, one class of those that count has none, if another one is left, and so have classes without rows.
    """
    places = np.arange(m)
    if level == "ones":
        return np.ones(m)
    if level == "spread":
        return np.asarray(10.0 ** ((5 * places + places // 16) % 7 - 3), np.float64)
    weights: Floats = 0.25 + ((3 * places + places // 16) % 13) / 4
    if level == SIGNED:
        weights = np.where((places + places // 16) % 2 == 0, -weights, weights)
    if level == "zeros":
        present = np.unique(kept)
        without = np.setdiff1d(places, present)[::2]
        weights[without] = 0.0
        if present.size > 1:
            weights[present[-1]] = 0.0
        elif not present.size:
            weights[0] = 1.0
    return weights


def _row_weights(level: str, ignored: NDArray[np.bool_], place: int) -> Floats:
    """Return row weights, shape (n,), no block of them like the next.

    With zeros, every second row that counts has none, if another one is left; spread, one row.
    """
    weights = _weights("distinct" if level == "zeros" else level, ignored.size, np.zeros(0, np.int64))
    kept = np.flatnonzero(~ignored)
    without = kept[place % 2 :: 2] if level == "zeros" else kept[place % max(kept.size, 1) :][:1]
    if level in ("zeros", "spread") and without.size < kept.size:
        weights[without] = 0.0
    return weights
