"""Batches of the sizes at which chunked, vectorised and narrow code goes wrong, with data that shows it.

Block sizes of kernels are powers of two, and some round decimal numbers. One more than a block leaves a last block of
one, one less a block that is not full: pytorch 143644 (517 classes), 62897 and 63132 (only some lane widths).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.numbers import Floats, Labels
from xentcheck.batches.shapes import Shape, admits
from xentcheck.batches.sweep_items import Item

_DECIMAL = (100, 500, 1000)
_OTHERS = (48, 96, 192, 384, 517, 768, 1536, 10_000, 50_257)
"""Multiples of a power of two by 3, an odd remainder after whole vectors, round numbers, a vocabulary."""
_UINT16 = 65_536
_BEYOND = 8_194
"""More than a block of 8,192 classes, in a row whose maximum is the last one, or of rows. Not many more: losses that
take ``np.eye(m)`` have half a gigabyte of it then."""
_LIMITS = (("int16", 32_768), ("uint16", _UINT16))
"""Label dtypes and the class counts that exhaust them; the narrower ones are among the items by hand."""


def class_counts(profile: str) -> tuple[int, ...]:
    """Return the class counts of a profile, rising: 2^k and its neighbours, blocks and their neighbours.

    4096 is whole blocks of every size up to it, as 4097 is one more.
    """
    if profile == "quick":
        powers = [2**k + 1 for k in range(2, 13)] + [2**k for k in (*range(3, 11), 12)]
        return tuple(sorted({*powers, 31, 255, 517, 1001, _BEYOND}))
    powers = [2**k + step for k in range(2, 17) for step in (-1, 0, 1)]
    blocks = [size + step for size in _DECIMAL for step in (-1, 0, 1)]
    more = (100_003, 131_071, 131_072, 131_073) if profile == "thorough" else ()
    return tuple(sorted({*powers, *blocks, *_OTHERS, _BEYOND, *more}))


def row_counts(profile: str) -> tuple[int, ...]:
    """Return the row counts of a profile, rising: 1, 2, 2^k and its neighbours, blocks and their neighbours."""
    if profile == "quick":
        powers = [2**k + 1 for k in range(2, 13)] + [2**k for k in (*range(4, 9), 12)]
        return tuple(sorted({*powers, 1, 2, 255, 1001, _BEYOND}))
    highest = 17 if profile == "thorough" else 13
    powers = [2**k + step for k in range(2, highest) for step in (-1, 0, 1)]
    blocks = [size + step for size in _DECIMAL for step in (-1, 0, 1)]
    return tuple(
        sorted({*(n for n in powers if profile == "thorough" or n <= 4097), *blocks, 1, 2, 48, 96, 517, _BEYOND})
    )


def _both(profile: str) -> tuple[Shape, ...]:
    """Return shapes with more than a block of rows and of classes, the smallest first.

    Where there are as many rows as classes, each class is a label: a wrong one among all is found.
    """
    shapes = [(17, 65), (65, 33), (33, 257), (260, 257)]
    if profile != "quick":
        shapes += [(520, 517), (257, 33), (9, 1025), (130, 130), (64, 1000), (1025, 65), (7, 4099)]
    if profile == "thorough":
        shapes += [(4097, 33), (513, 517), (16385, 9), (8, 262_144), (65_536, 128)]
    return tuple(shapes)


def class_items(space: InputSpace, profile: str) -> list[Item]:
    """Return a batch of one or few rows for each class count of a profile that an input space admits."""
    return _items(space, [(3 if m <= 1025 else 1, m) for m in class_counts(profile)])


def label_items(space: InputSpace, profile: str) -> list[Item]:
    """Return class counts that exhaust a dtype of class numbers, or their offsets, or wrap the ignored label round."""
    found: list[Item] = []
    if space.label_form == "sparse":
        narrow = [(m, m - 1, dtype) for dtype, m in _LIMITS if profile != "quick"]
        bits_of = [(bits, label) for bits, label in _alike(space) if bits == 8 or profile != "quick"]
        alike = [(2**bits + 1, label, "int64") for bits, label in bits_of]
        alike += [(2**bits, label, f"uint{bits}") for bits, label in bits_of]  # what torch makes of -100 there
        found += [
            _item(space, (2, m), label, dtype)
            for m, label, dtype in (*alike, *narrow)
            if admits(space, (2, m)) and dtype in space.label_dtypes(m)
        ]
        # 16 bits hold the class, but not where its logit lies in a row, at 4 or 8 bytes each.
        if admits(space, (1, _BEYOND)) and _has_room(space, _BEYOND) and "int16" in space.label_dtypes(_BEYOND):
            found.append(_item(space, (1, _BEYOND), _BEYOND - 1, "int16"))
        beyond = _UINT16 + 1  # a class that 16 bits do not number, as files of tokens in uint16 have them
        wide = profile != "quick" and admits(space, (1, beyond)) and _has_room(space, beyond)
        if wide and "int64" in space.label_dtypes(beyond):
            found.append(_item(space, (1, beyond), _UINT16, "int64"))
    return found


def _alike(space: InputSpace) -> Iterator[tuple[int, int]]:
    """Yield 8 or 16 bits and the class that is the ignored label in so many: -100 is 156 in 8."""
    index = -100 if space.drawn("ignore_index") else space.constant_ignore_index
    if index is not None:
        yield from ((bits, index % 2**bits) for bits in (8, 16) if index != index % 2**bits)


def row_items(space: InputSpace, profile: str) -> list[Item]:
    """Return a batch of few classes for each row count of a profile, and batches with many of both."""
    counted = [(n, (3, 2, 5)[n % 3] if n < 1025 else 2) for n in row_counts(profile)]
    return _items(space, counted + list(_both(profile)))


def _items(space: InputSpace, shapes: Iterable[Shape]) -> list[Item]:
    return [_item(space, shape) for shape in shapes if admits(space, shape) and _has_room(space, shape[1])]


def _has_room(space: InputSpace, m: int) -> bool:
    """Return whether m probabilities that must be positive leave room for another one beside them."""
    positive = space.positive and space.contract.input == "probabilities"
    return not positive or m * space.format.smallest_normal < 0.1


def _item(space: InputSpace, shape: Shape, label: int | None = None, dtype: str = "") -> Item:
    scores, labels = telling(space, *shape)
    fixed = {"ignored rows": "some"} if shape[0] > 3 else {}
    if label is not None:
        labels[-1] = label
        fixed |= {"label dtype": dtype}
    return Item("size", scores, labels, needs_shape=True, fixed=fixed)


def telling(space: InputSpace, n: int, m: int) -> tuple[Floats, Labels]:
    """Return scores, shape (n, m), and labels that show what is lost at the end of a block, of classes or of rows.

    Three kinds of rows take turns. In the first the classes beside each power of two and the last ones hold as
    much of the probability as all others; in the second the last class is the maximum, so far above that exp
    overflows without it; in the third the scores rise, each class a new maximum, after a first block that is
    masked where that is allowed. As many rows as classes or more are all of the first kind. Those beside each power of
    two, and the last ones, have large losses. Where there are as many rows as classes, each class is a label, whose
    score is lower than most others.
    """
    random = np.random.Generator(np.random.PCG64([n, m]))
    scores = random.standard_normal((n, m))
    kind = (np.arange(n) + m) % 3 if n <= 3 or m > max(n, 5) else np.zeros(n, np.int64)
    edges = _edges(m)
    scores[np.ix_(kind == 0, edges)] += np.log(max(m / edges.size, 1.0))
    scores[kind == 1, -1] = 1.2 * space.exponential_limit if space.contract.input == "logits" else 8.0
    rising = np.linspace(0.0, 20.0, m)
    if m > 64 and _may_mask(space):
        rising[:32] = -np.inf
    scores[kind == 2] = 0.1 * scores[kind == 2] + rising
    # The last class, the first one, and the first of the last block or that before it: 4095 is no number of float16.
    last_block = min(2 ** int(np.log2(max(m - 1, 1))), m - 1)
    labels = np.choose(kind, [m - 1, 0, last_block - (last_block == m - 1 > 0)]).astype(np.int64)
    if n > 3:
        labels = random.permutation(n) % m if n >= m > 5 else (labels + np.arange(n) // 3) % m
        labels[scores[np.arange(n), labels] == -np.inf] = m - 1
        if n >= m > 5:
            scores[np.arange(n), labels] -= 12.0
        marked = _edges(n)
        least = np.where(np.isfinite(scores), scores, 0.0).min(axis=1)
        scores[marked, labels[marked]] = least[marked] - 12.0
    return scores, labels


def _edges(count: int) -> NDArray[np.int64]:
    """Return the places beside each power of two, and the last two."""
    powers = 2 ** np.arange(19)
    places = np.unique(np.concatenate([powers - 1, powers, [count - 2, count - 1]]))
    return places[(places >= 0) & (places < count)].astype(np.int64)


def _may_mask(space: InputSpace) -> bool:
    """Return whether -inf may stand in a row without making its loss infinite."""
    declared = "-inf" in space.contract.nonfinite_kinds and (space.contract.masks_off_label or not space.positive)
    return declared and space.contract.label_smoothing == 0.0
