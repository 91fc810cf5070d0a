"""The batches of the sweep that are chosen by hand, each with the error that it aims at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from xentcheck.batches.covering import Row
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.numbers import Floats, Labels

BY_HAND = ("plain", "ties", "common_offset", "confident_right", "confident_wrong", "stagnation", "sum_overflow")
"""Families of which `plain_items` or `special_items` has batches."""


@dataclass(frozen=True, eq=False)
class Item:
    """Scores and labels of a batch of the sweep, before they are fitted to an input space.

    Parameters
    ----------
    name : str
        What the batch is for; the family of the batch.
    scores : ndarray of float64, shape (n, m)
    labels : ndarray of int64, shape (n,)
    gives : {"logits", "probabilities"}
    fixed : mapping
        Levels of the design that are part of the point; what is not named is filled in by the sweep.
    needs_shape : bool
        Whether the batch has no point in another shape.
    """

    name: str
    scores: Floats
    labels: Labels
    gives: str = "logits"
    fixed: Row = field(default_factory=dict)
    needs_shape: bool = False


def _item(name: str, scores: Any, labels: Sequence[int] | Labels, **more: Any) -> Item:
    values = np.asarray(scores, np.float64)
    return Item(name, values.reshape(len(labels), -1), np.asarray(labels, np.int64), **more)


def plain_items(space: InputSpace) -> Iterator[Item]:
    """Yield what gross mistakes fall to, the plainest first."""
    if space.contract.input == "probabilities":
        yield from _probabilities(space)
    yield from _plain(space)


def own_items(space: InputSpace) -> Iterator[Item]:
    """Yield what this dtype, this form of labels or an option of it alone can show: part of every such cell.

    Sums above 65,504 and running sums that stop at 2,048 or 256; labels and counts that 16 bits round; class counts
    around 65,536; the integers in which labels come.
    """
    if space.dtype in ("float16", "bfloat16"):
        yield from _sixteen_bits(space)
    if space.label_form == "sparse":
        yield from _label_kinds(space)
    else:
        yield from _squares_of_integers()
    if space.label_form == "soft":
        # Labels that a cut-off takes for one-hot.
        rows = [[0.5, -1, 2, 4], [1, 0, -0.5, 3], [2, 2, -6, 1]]
        yield _item("nearly_one_hot", rows, [0, 1, 2], fixed={"soft rows": "nearly pure"})
        # A class far below the label's, of which a share that a cut-off drops is most of the loss.
        rows = [[70, -10, 0], [5, 60, -20], [-15, 3, 65], [75, -10, 2]]
        yield _item("tiny_shares", rows, [0, 1, 2, 0], fixed={"soft rows": "one tiny share"})
    if space.drawn("ignore_index") or space.constant_ignore_index is not None:
        rows = [[0.5, -1, 2], [1, 0, -0.5], [2, 2, 1], [0, 3, 1]]
        yield _item("some_ignored", rows, [0, 1, 2, 2], fixed={"ignored rows": "some"})
        if not space.empty_is_open or space.contract.mean_over == "rows":
            yield _item("all_ignored", rows[:2], [0, 1], fixed={"ignored rows": "all"})


def _sixteen_bits(space: InputSpace) -> Iterator[Item]:
    """Yield what is lost where 16 bits count, add or index."""
    whole = 2048 if space.dtype == "float16" else 256  # up to here each integer is held
    yield _item("ties", np.zeros((1, 2 * whole + 1)), [2 * whole])
    yield _item("ties", np.zeros((1, 65_537)), [65_536])
    if space.dtype == "float16":
        yield _item("loss_sum_overflow", [[30000, 0], [30000, 0], [0, 30000], [30000, 0]], [1, 1, 0, 1])
        # The sum is beyond the range, the mean is not, and its allowance is finite.
        yield _item("loss_sum_overflow", [[15000, 0]] * 6, [1] * 6)
    # The odd classes above `whole` are rounded to their neighbours; each has a loss of its own.
    classes = np.arange(whole + 3)
    rows = np.tile((classes % 7) / 2.0, (2, 1))
    yield _item("label_beyond_its_dtype", rows, [whole + 1, whole + 2], needs_shape=True, fixed={"soft rows": "pure"})
    yield _item("equal_rows", np.tile([0.5, -1.0, 2.0], (1025, 1)), [0] * 1025)
    yield from _sums(space)


def _sums(space: InputSpace) -> Iterator[Item]:
    """Yield a running sum that stagnates, and a sum of exponentials that overflows."""
    small = np.full((2, 257), math.log(0.99 * space.format.unit_roundoff))
    small[0, 0] = small[1, -1] = 0.0
    yield _item("stagnation", small, [0, 256])
    yield _item("sum_overflow", np.full((1, 64), math.log(space.largest / 64) + 0.5), [5])


def declared_items(space: InputSpace) -> Iterator[Item]:
    """Yield what not every contract takes: masks, infinities and nan, each alone in a row."""
    x, inf, nan = -np.inf, np.inf, np.nan
    if "-inf" in space.contract.nonfinite_kinds:
        yield _item("masked", [[0, x, 1], [x, 2, 0.5]], [0, 1])
        yield _item(
            "masked_but_some", [[x, x, x, x, 0], [0, x, x, x, x], [x, x, 1, x, x], [x, x, x, 1, 0]], [4, 0, 2, 3]
        )
    if "-inf" in space.contract.nonfinite:
        yield _item("masked_label", [[0, x, 1]], [1])
        yield _item("masked_everywhere", [[x, x], [0, 1]], [0, 1])
    if "+inf" in space.contract.nonfinite:
        yield _item("infinite", [[0, inf, 1]], [0])
        yield _item("infinite_label", [[0, inf, 1]], [1])
        if "-inf" in space.contract.nonfinite:
            yield _item("masked_label_beside_infinity", [[inf, x, 1]], [1])
    if "nan" in space.contract.nonfinite:
        yield _item("not_a_number", [[0, nan, 1], [1, 2, 0]], [0, 1])
        yield _item("not_a_number_label", [[0, nan, 1]], [1])
        if "-inf" in space.contract.nonfinite:
            yield _item("masked_label_beside_nan", [[nan, x, 1]], [1])


def special_items(space: InputSpace) -> Iterator[Item]:
    """Yield the small batches that each have one point."""
    yield from _sizes(space)
    yield from _edges(space)


def _probabilities(space: InputSpace) -> Iterator[Item]:
    """Yield rows of probabilities: readable ones, then exact 0 and 1 and the neighbours of both."""
    format_ = space.format
    u = format_.unit_roundoff
    worked = [[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]]
    yield _item("readable", worked, [0, 2], gives="probabilities")
    yield _item("uniform", [[0.5, 0.5]], [1], gives="probabilities")
    yield _item("readable", [*worked, [0.02, 0.9, 0.08]], [0, 1, 1], gives="probabilities")
    yield _item("perfect", [[1, 0, 0], [0, 1, 0]], [0, 1], gives="probabilities")
    yield _item("impossible", [[1, 0, 0]], [1], gives="probabilities")
    yield _item("near_one", [[1 - u, u], [2 * u, 1 - 2 * u]], [0, 1], gives="probabilities")
    smallest = [format_.smallest_subnormal, format_.smallest_normal, 1e-7, 1e-3]
    rows = [[1 - value, value] for value in smallest]
    yield _item("tiny", rows, [1] * len(rows), gives="probabilities")


def _plain(space: InputSpace) -> Iterator[Item]:
    """Yield what shows a sign, a divisor, a missing maximum or a lost row."""
    limit = space.exponential_limit
    yield _item("readable", [[0.5, -1, 2], [1, 0, -0.5]], [0, 2])
    yield _item("uniform", [[0, 0]], [0])
    yield _item("readable", [[1, 2, 3], [0, -1, 4], [-2, 0.5, 0.25]], [1, 0, 2])
    yield _item("large_scores", [[1000, 1001, 999], [-1000, -1001, -999]], [1, 1])
    yield _item("confident_right", [[40, 0], [0, 20]], [0, 1])
    yield _item("confident_wrong", [[1000, 0, 0]], [1])
    yield _item("confident_wrong", [[1.2 * limit, 0], [0, 0.9 * limit]], [1, 0])
    sizes = [size for size in (1e2, 1e4, 1e6, 1e8) if size < space.largest / 4]
    for size in sizes[-1:] + sizes[1:2]:
        yield _item("common_offset", [[size, size]], [1])
    yield _item(
        "common_offset",
        [[size - 1, size, size + 1] for size in (*sizes, -100, -1000)],
        [0, 1, 2, 1, 0, 2][: len(sizes) + 2],
    )


def _sizes(space: InputSpace) -> Iterator[Item]:
    """Yield none, one and two, first and last class, repeated labels, n = m, the label of the maximum."""
    yield _item("last_class", [[0, 1, -1, 2], [2, 0, 1, -1], [1, 1, 0, 3]], [3, 3, 3])
    yield _item("first_class", [[3, 1, 2], [-1, 0, 2], [0.5, 0.25, 4]], [0, 0, 0])
    yield _item("one_row", [[0.3, -0.7, 1.1, 0, 2.5]], [4], needs_shape=True)
    yield _item("one_class", [[3], [-2]], [0, 0], needs_shape=True)
    yield Item("no_rows", np.zeros((0, 3)), np.zeros(0, np.int64), needs_shape=True)
    grid = np.arange(25).reshape(5, 5) * 7 % 11
    yield _item("as_many_rows_as_classes", grid, np.argmax(grid, axis=1))


def _label_kinds(space: InputSpace) -> Iterator[Item]:
    """Yield the label dtypes at their limits."""
    random = np.random.Generator(np.random.PCG64(7))
    limits = ((128, "int8", [127, 0]), (256, "uint8", [255, 128]), (129, "uint8", [128, 1]), (200, "uint8", [199, 130]))
    for m, name, labels in (*limits, (257, "int64", [256, 255])):
        if m <= space.classes[1] and name in space.label_dtypes(m):
            scores = random.integers(-8, 9, (2, m)) / 2
            yield _item("label_dtype_at_its_limit", scores, labels, fixed={"label dtype": name})


def _squares_of_integers() -> Iterator[Item]:
    """Yield as many rows as classes with labels of integers, which may be read as class numbers, or by columns."""
    scores = [[0.5, -1, 2], [1, 0, -0.5], [3, 2, 1]]
    yield _item("square_of_integers", scores, [1, 0, 1], fixed={"dense label dtype": "int64", "soft rows": "pure"})
    yield _item(
        "square_of_integers", [[0, 2], [1, 0]], [0, 0], fixed={"dense label dtype": "uint8", "soft rows": "pure"}
    )


def _edges(space: InputSpace) -> Iterator[Item]:
    """Yield stagnating sums, ties, overflow of a sum, peaks in the last block and confident rows of every size."""
    many = {"float16": 2049, "bfloat16": 257}.get(space.dtype, 1025)
    yield _item("ties", np.zeros((2, 10)), [3, 9])
    yield _item("ties", np.zeros((1, many)), [many - 1])
    if space.dtype not in ("float16", "bfloat16"):
        yield from _sums(space)
    # The largest logit in the last block, which a maximum over whole blocks forgets.
    peak = 1.2 * space.exponential_limit
    for m in (9, 33, 129, 257):
        rows = np.zeros((2, m))
        rows[:, -1] = peak
        yield _item("peak_in_the_last_block", rows, [0, m - 1])
    yield _item("wide_gap", [[0.2 * space.largest, 0]], [1])
    yield _item("spread", [[0.45 * space.largest, 0, -0.45 * space.largest]], [0])
    # Where a series or a cut-off takes over from log(1 + s), or an exponential is dropped.
    for gap in (1.7, 4.3, 6.1, 7.9, 9.6, 12.3, 16.1, 20.9, 28.7, 37.3):
        yield _item("label_ahead", [[gap, 0], [0, gap + 0.31], [gap + 0.77, 0]], [0, 1, 0])
