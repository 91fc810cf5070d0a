"""Arrays as Python source: short, readable, and exact to the last bit of every number."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.batches.extra_axes import spread
from xentcheck.report.arrays import decimal, numbers
from xentcheck.truth.formats import FORMATS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NESTED = 64
"""How many numbers are written row by row."""
_SHORT = 8
"""How many are written as they are, however often one of them is repeated."""
_LINE = 70
"""How many characters of rows stand in one line."""
_LAID_OUT = {
    "C": "",
    "F": "{0} = np.asfortranarray({0})  # by columns in memory, as a transposed array",
    "strided": (
        "# with gaps in memory, as a slice of a larger array\n"
        "gaps = np.zeros([2 * size for size in {0}.shape], {0}.dtype)[(slice(None, None, 2),) * {0}.ndim]\n"
        "gaps[...] = {0}\n"
        "{0} = gaps"
    ),
    "reversed": "# backwards in memory\nflip = (slice(None, None, -1),) * {0}.ndim\n{0} = {0}[flip].copy()[flip]",
    "readonly": "{0}.flags.writeable = False",
    "unaligned": "{0} = np.frombuffer(bytearray(1) + {0}.tobytes(), {0}.dtype, offset=1).reshape({0}.shape)"
    "  # off by a byte",
}
"""Memory layout to the statements that give it to the array {0}."""


def array_source(stored: Mapping[str, Any]) -> str:
    """Return an expression that makes a stored array, with `np`, `inf`, `nan` and `ml_dtypes` as its names.

    Floats are the shortest decimals that the dtype rounds back to the same number. A nan loses its payload.
    """
    dtype, shape, words = stored["dtype"], tuple(stored["shape"]), _words(stored)
    kind = "ml_dtypes.bfloat16" if dtype == "bfloat16" else "bool" if dtype == "bool" else f"np.{dtype}"
    if math.prod(shape) != len(words) or not words:
        return f"np.zeros({shape}, {kind})"
    if nested := nested_source(stored):
        return f"np.array({nested}, {kind})"
    row, runs = words[: math.prod(shape[1:])], [(word, len(list(group))) for word, group in groupby(words)]
    if len(runs) == 1:
        return f"np.full({shape}, {words[0]}, {kind})"
    if len(runs) * 4 < len(words):
        values, counts = _listed([word for word, _ in runs]), _listed([str(count) for _, count in runs])
        return f"np.repeat(np.array({values}, {kind}), {counts}).reshape({shape})"
    if words == row * shape[0]:
        return f"np.tile(np.array({_listed(row)}, {kind}), {(shape[0], 1)})"
    reshaped = "" if len(shape) == 1 else f".reshape({shape})"
    return f"np.array({_listed(words)}, {kind}){reshaped}"


def nested_source(stored: Mapping[str, Any], sizes: tuple[int, ...] = (), axis: int = -1) -> str:
    """Return a stored array as a nested list of numbers; "" where it is empty, or large, or has long runs.

    Parameters
    ----------
    stored : mapping
    sizes : tuple of int
        Over which its rows are spread, see `batches.extra_axes.spread`.
    axis : int
        Then that of the classes.
    """
    shape, words = tuple(stored["shape"]), _words(stored)
    if not 0 < len(words) == math.prod(shape) <= _NESTED or len(shape) not in (1, 2):
        return ""
    if len(words) > _SHORT and sum(1 for _ in groupby(words)) * 4 < len(words):
        return ""
    array = np.array(words, object).reshape(shape)
    if len(shape) == 2:
        array = spread(array, sizes or shape[:1], axis)
    elif len(sizes) > 1:
        array = array.reshape(sizes)
    return _nested(array, "")


def _nested(array: NDArray[Any], indent: str) -> str:
    """Return an array of words as a nested list: in a line where that is short, or one for each element."""
    if array.ndim == 1:
        return _listed(array.tolist())
    inner = [_nested(one, indent + "    ") for one in array]
    line = f"[{', '.join(inner)}]"
    if len(line) <= _LINE and "\n" not in line:
        return line
    return f"[\n{indent}    " + f",\n{indent}    ".join(inner) + f",\n{indent}]"


def option_source(value: Any) -> str:
    """Return an expression that makes a stored option: an array, a number in hex, or a JSON value."""
    if isinstance(value, Mapping) and "values" in value:
        return array_source(value)
    if isinstance(value, str):
        return repr(float.fromhex(value))
    return repr(value)


def keyword_source(value: Any) -> str:
    """Return an expression for an argument that the target is always called with."""
    return json.dumps(value) if isinstance(value, str) else repr(value)


def layout_source(name: str, layout: str, stored: Mapping[str, Any]) -> str:
    """Return the statement that lays the numpy array `name` out in memory; see `batches.layout.lay_out`."""
    if layout == "broadcast":
        rows, width = numbers(stored), math.prod(stored["shape"][1:])
        level = len(rows) > 0 and all(rows[place] == rows[place % width] for place in range(len(rows)))
        return f"{name} = np.broadcast_to({name}[:1].copy(), {name}.shape)" if level else ""
    return "" if layout == "F" and len(stored["shape"]) < 2 else _LAID_OUT[layout].format(name)


def _words(stored: Mapping[str, Any]) -> list[str]:
    dtype = stored["dtype"]
    return [decimal(item, dtype) if dtype in FORMATS else str(item) for item in numbers(stored)]


def _listed(words: list[str]) -> str:
    joined = ", ".join(words)
    if len(joined) < 90:
        return f"[{joined}]"
    return "[\n" + textwrap.indent(textwrap.fill(joined, 110), "    ") + "\n]"
