"""Arrays as Python source: short, readable, and exact to the last bit of every number."""

from __future__ import annotations

import inspect
import math
import textwrap
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from xentcheck.batches import layout
from xentcheck.report.arrays import decimal, numbers
from xentcheck.truth.formats import FORMATS


def array_source(stored: Mapping[str, Any]) -> str:
    """Return an expression that makes a stored array, with `np`, `inf`, `nan` and `ml_dtypes` as its names.

    Floats are the shortest decimals that the dtype rounds back to the same number. A nan loses its payload.
    """
    dtype, shape = stored["dtype"], tuple(stored["shape"])
    words = [decimal(item, dtype) if dtype in FORMATS else str(item) for item in numbers(stored)]
    kind = "ml_dtypes.bfloat16" if dtype == "bfloat16" else "bool" if dtype == "bool" else f"np.{dtype}"
    runs = [(word, len(list(group))) for word, group in groupby(words)]
    if math.prod(shape) != len(words) or not words:
        return f"np.zeros({shape}, {kind})"
    if len(runs) * 4 < len(words):
        values, counts = _listed([word for word, _ in runs]), _listed([str(count) for _, count in runs])
        return f"np.repeat(np.array({values}, {kind}), {counts}).reshape({shape})"
    if len(shape) == 2 and len(words) <= 64:
        width = shape[1]
        rows = [f"[{', '.join(words[row * width : (row + 1) * width])}]" for row in range(shape[0])]
        inner = rows[0] if len(rows) == 1 else "\n    " + ",\n    ".join(rows) + ",\n"
        return f"np.array([{inner}], {kind})"
    reshaped = "" if len(shape) == 1 else f".reshape({shape})"
    return f"np.array({_listed(words)}, {kind}){reshaped}"


def option_source(value: Any) -> str:
    """Return an expression that makes a stored option: an array, a number in hex, or a JSON value."""
    if isinstance(value, Mapping) and "values" in value:
        return array_source(value)
    if isinstance(value, str):
        return repr(float.fromhex(value))
    return repr(value)


def layout_source() -> str:
    """Return the source of the function that lays an array out in memory, to stand in a script of its own."""
    lines = inspect.getsource(layout.lay_out)
    return f"LAYOUTS = {layout.LAYOUTS!r}\n\n\n{lines}"


def _listed(words: list[str]) -> str:
    joined = ", ".join(words)
    if len(joined) < 90:
        return f"[{joined}]"
    return "[\n" + textwrap.indent(textwrap.fill(joined, 110), "    ") + "\n]"
