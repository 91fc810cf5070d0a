"""The Hypothesis strategy of batches.

A batch is drawn from few choices: its family, its shape, one string of bytes for each row (or a seed), one
string for everything else. That is cheap, drops rows when it shrinks, and each byte shrinks to something plain.
"""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.families import families
from xentcheck.batches.family import Family
from xentcheck.batches.from_family import EXTRA_BYTES, batch_of_family
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.numbers import ROW_BYTES, WIDEST, Coded, Seeded
from xentcheck.batches.shapes import Shape, Sizes, few_shapes, large_shapes, sizes_of, small_shapes, space_of
from xentcheck.contract import Contract

Codes = NDArray[np.uint8]

_ROW = st.binary(min_size=ROW_BYTES, max_size=ROW_BYTES)
_EXTRA = st.binary(min_size=EXTRA_BYTES, max_size=EXTRA_BYTES)
_SEEDS = st.integers(0, 2**32 - 1)
_SCALES = st.sampled_from((1.0, 0.1, 10.0, 50.0))
_TENTH = st.integers(0, 9)


def batches(
    contract: Contract, dtype: str, label_form: str, *, sizes: str | Sizes = "quick", expensive_shapes: bool = False
) -> st.SearchStrategy[Batch]:
    """Return a strategy of batches that a contract admits.

    Parameters
    ----------
    contract : Contract
    dtype : {"float16", "bfloat16", "float32", "float64"}
        The dtype of the scores.
    label_form : {"sparse", "onehot", "soft"}
    sizes : {"quick", "standard", "thorough"} or Sizes
    expensive_shapes : bool
        Whether the target compiles for each new shape; then at most eight shapes are drawn.

    Raises
    ------
    BatchError
        Where the contract admits no shape, or a name does not exist.
    """
    space = InputSpace(contract, dtype, label_form)
    chosen = sizes_of(sizes)
    if expensive_shapes:
        return _of_few_shapes(space)
    return _of_any_shape(space, chosen)


def _codes(text: bytes) -> Codes:
    return np.frombuffer(text, np.uint8)


def _of_any_shape(space: InputSpace, sizes: Sizes) -> st.SearchStrategy[Batch]:
    (fewest, most), counts = small_shapes(space, sizes)
    rows = st.lists(_ROW, min_size=fewest, max_size=most)
    suited = st.sampled_from(families(space))
    large = st.sampled_from(large_shapes(space, sizes))
    classes = st.sampled_from(counts or (0,))

    @st.composite
    def draw_batch(draw: st.DrawFn) -> Batch:
        family, extra = draw(suited), _codes(draw(_EXTRA))
        if counts:
            # Drawn for a large batch too: it can then shrink to a small one by a change of one choice.
            m, codes = draw(classes), _codes(b"".join(draw(rows))).reshape(-1, ROW_BYTES)
            if draw(_TENTH) < sizes.small_share:
                return batch_of_family(space, family, Coded(space, m, codes), extra)
        return _seeded(draw, space, family, draw(large), extra)

    return draw_batch()


def _of_few_shapes(space: InputSpace) -> st.SearchStrategy[Batch]:
    admitted = few_shapes(space)
    shapes = st.sampled_from(admitted)
    spaces = {shape: space_of(space, shape) for shape in admitted}
    suited = st.sampled_from(families(space))
    rows = {n: st.lists(_ROW, min_size=n, max_size=n) for n, m in admitted if n <= 6 and m <= WIDEST}

    @st.composite
    def draw_batch(draw: st.DrawFn) -> Batch:
        family, extra, (n, m) = draw(suited), _codes(draw(_EXTRA)), draw(shapes)
        if n in rows and m <= WIDEST:
            codes = _codes(b"".join(draw(rows[n]))).reshape(-1, ROW_BYTES)
            if draw(_TENTH) < 7:
                return batch_of_family(spaces[n, m], family, Coded(space, m, codes), extra)
        return _seeded(draw, spaces[n, m], family, (n, m), extra)

    return draw_batch()


def _seeded(draw: st.DrawFn, space: InputSpace, family: Family, shape: Shape, extra: Codes) -> Batch:
    """Return a batch of a seed and a scale."""
    return batch_of_family(space, family, Seeded(space, *shape, draw(_SEEDS), draw(_SCALES)), extra)
