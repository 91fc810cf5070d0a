"""The numbers of rows and classes that are drawn, and how often.

Class counts 2^k and 2^k +- 1 and block sizes +- 1 are where chunked and vectorised code goes wrong: pytorch 143644
(517 classes), 62897 and 63132 (only some lane widths). The time of a run goes with rows times classes, so large
shapes are rare.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from xentcheck.batches.input_space import BatchError, InputSpace
from xentcheck.batches.numbers import WIDEST

Shape = tuple[int, int]

TYPICAL: Shape = (4, 5)
"""The shape of the batches that a design of options makes, or the one nearest to it."""

_MIDDLE: tuple[Shape, ...] = (
    (3, 5),
    (2, 2),
    (4, 10),
    (1, 9),
    (7, 8),
    (8, 7),
    (9, 16),
    (10, 10),
    (1, 17),
    (5, 15),
    (17, 2),
    (16, 3),
    (2, 31),
    (3, 32),
    (1, 33),
    (33, 5),
    (2, 64),
    (1, 65),
    (5, 63),
    (32, 10),
    (3, 100),
    (2, 127),
    (1, 128),
    (2, 129),
    (65, 2),
)
_LARGE: tuple[Shape, ...] = (
    (1, 255),
    (2, 256),
    (3, 257),
    (63, 10),
    (64, 3),
    (128, 4),
    (129, 2),
    (1, 511),
    (1, 513),
    (2, 517),
    (1, 1000),
    (1, 1024),
    (1, 1025),
    (2, 1023),
    (257, 10),
    (1, 2049),
)
_RARE: tuple[Shape, ...] = ((1, 4097), (1, 4096), (513, 9), (33, 257), (5, 2047), (1025, 3))
_WHOLE_BATCH: tuple[Shape, ...] = ((64, 1000),)
_HUGE: tuple[Shape, ...] = ((1, 32768), (1, 32769), (2049, 17), (4097, 5))
_COLOSSAL: tuple[Shape, ...] = ((1, 65535), (1, 65537), (4097, 33), (65537, 2), (256, 1000), (2, 131073))

_FEW: tuple[Shape, ...] = ((2, 3), (1, 2), (3, 5), (1, 1), (4, 8), (33, 10), (3, 257), (1, 1025))


@dataclass(frozen=True)
class Sizes:
    """How large batches get.

    Parameters
    ----------
    name : str
    most_rows, most_classes : int
        Of a small batch, which is drawn number by number.
    small_share : int
        Of 10 batches, those that are small.
    weighted : tuple of (int, shapes)
        How many times each shape of a group stands in the palette of large batches.
    strength : int
        Of how many levels the combinations are that the sweep covers: pairs or triples.
    by_hand, fewest_by_hand : int
        Batches of the sweep that are made by hand: in all, shared by the cells, and in each cell at least.
    classes_once : bool
        Whether the sweep has each class count once, or once in each label form.
    """

    name: str
    most_rows: int
    most_classes: int
    small_share: int
    weighted: tuple[tuple[int, tuple[Shape, ...]], ...]
    strength: int = 2
    by_hand: int = 84
    fewest_by_hand: int = 4
    classes_once: bool = True


QUICK = Sizes("quick", 6, WIDEST, 6, ((12, _MIDDLE), (5, _LARGE), (1, _RARE), (1, _WHOLE_BATCH)))
STANDARD = Sizes(
    "standard",
    6,
    WIDEST,
    6,
    ((40, _MIDDLE), (18, _LARGE), (4, _RARE), (2, _WHOLE_BATCH), (1, _HUGE)),
    strength=3,
    by_hand=300,
    fewest_by_hand=30,
    classes_once=False,
)
THOROUGH = Sizes(
    "thorough",
    6,
    WIDEST,
    5,
    ((20, _MIDDLE), (14, _LARGE), (4, _RARE), (4, _WHOLE_BATCH), (2, _HUGE), (1, _COLOSSAL)),
    strength=3,
    by_hand=4800,
    fewest_by_hand=100,
    classes_once=False,
)
PROFILES = {sizes.name: sizes for sizes in (QUICK, STANDARD, THOROUGH)}
_SMALL_CLASSES = (2, 3, 4, 5, 1, 8, 3, 2, 6, 7)


def sizes_of(sizes: str | Sizes) -> Sizes:
    """Return the sizes of a profile's name; raises BatchError for a name that does not exist."""
    if isinstance(sizes, Sizes):
        return sizes
    if sizes not in PROFILES:
        raise BatchError(f"There are no sizes {sizes!r}; they are {', '.join(PROFILES)}.")
    return PROFILES[sizes]


def admits(space: InputSpace, shape: Shape) -> bool:
    """Return whether a shape lies in the contract's domain and its labels have a dtype."""
    (fewest, most), (lowest, highest) = space.rows, space.classes
    return fewest <= shape[0] <= most and lowest <= shape[1] <= highest


def small_shapes(space: InputSpace, sizes: Sizes) -> tuple[tuple[int, int], tuple[int, ...]]:
    """Return (fewest, most) rows and the class counts of small batches; no class count if none is admitted."""
    (fewest, most), (lowest, highest) = space.rows, space.classes
    rows = (fewest, int(min(most, max(sizes.most_rows, fewest))))
    counts = tuple(m for m in _SMALL_CLASSES if lowest <= m <= min(highest, sizes.most_classes))
    return rows, counts if rows[0] <= sizes.most_rows else ()


def large_shapes(space: InputSpace, sizes: Sizes) -> tuple[Shape, ...]:
    """Return the shapes of large batches, each as often as it is to be drawn, the smallest first."""
    found = [shape for times, group in sizes.weighted for shape in group * times if admits(space, shape)]
    return tuple(sorted(found, key=lambda shape: shape[0] * shape[1])) or (nearest(space, (3, 5)),)


def few_shapes(space: InputSpace) -> tuple[Shape, ...]:
    """Return at most eight shapes, for a target that compiles anew for each; the smallest first."""
    found = [shape for shape in _FEW if admits(space, shape)]
    return tuple(found) or (nearest(space, (2, 3)),)


def asked_everything(space: InputSpace, shape: Shape, label_dtype: str) -> bool:
    """Return whether all functions of a target are to be compiled: at some of `few_shapes`, for common labels."""
    plain = space.label_dtypes(shape[1]) if space.label_form == "sparse" else space.dense_label_dtypes
    return shape in few_shapes(space)[::2] and label_dtype == plain[0]


def space_of(space: InputSpace, shape: Shape) -> InputSpace:
    """Return the space of one of `few_shapes`: one of them has every dtype of labels and every number as an option.

    A target compiles each shape anew for each of these.
    """
    return replace(space, few_graphs=shape != nearest_of(few_shapes(space), TYPICAL))


def nearest_of(shapes: tuple[Shape, ...], wanted: Shape) -> Shape:
    """Return the shape whose rows and classes are nearest in ratio."""
    target = np.log1p(np.asarray(wanted, np.float64))
    return min(shapes, key=lambda shape: float(np.abs(np.log1p(np.asarray(shape, np.float64)) - target).sum()))


def nearest(space: InputSpace, shape: Shape) -> Shape:
    """Return the admitted shape that is nearest to a shape."""
    (fewest, most), (lowest, highest) = space.rows, space.classes
    return int(min(max(shape[0], fewest), most)), int(min(max(shape[1], lowest), highest))
