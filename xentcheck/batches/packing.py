"""Batches packed for a record of the engine: quick and exact, and of bad input too, which `storage` refuses to read.

Arrays are their bytes, little-endian and in C order, in base64. What people read and keep is `storage`'s form.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.truth.formats import FORMATS


def pack(batch: Batch) -> dict[str, Any]:
    """Return a batch as JSON types; `unpack` gives it back bit for bit."""
    return {
        "scores": pack_array(batch.scores),
        "labels": pack_array(batch.labels),
        "label_form": batch.label_form,
        "options": {key: _packed_option(value) for key, value in batch.options.items()},
        "layout": batch.layout,
        "family": batch.family,
    }


def unpack(packed: Mapping[str, Any]) -> Batch:
    """Return the batch that `pack` was given."""
    return Batch(
        scores=unpack_array(packed["scores"]),
        labels=unpack_array(packed["labels"]),
        label_form=packed["label_form"],
        options={key: _option(value) for key, value in packed["options"].items()},
        layout=packed["layout"],
        family=packed["family"],
    )


def pack_array(array: NDArray[Any]) -> list[Any]:
    """Return dtype, shape and content of an array of numbers."""
    size = array.dtype.itemsize
    bits = np.ascontiguousarray(array).reshape(-1).view(f"u{size}").astype(f"<u{size}", copy=False)
    return [array.dtype.name, list(array.shape), base64.b64encode(bits.tobytes()).decode("ascii")]


def unpack_array(packed: Sequence[Any]) -> NDArray[Any]:
    """Return the array that `pack_array` was given; it may be written to."""
    name, shape, content = packed
    kind = FORMATS[name].dtype if name in FORMATS else np.dtype(name)
    bits = np.frombuffer(base64.b64decode(content), f"<u{kind.itemsize}").astype(f"u{kind.itemsize}")
    return bits.view(kind).reshape(tuple(shape))


def _packed_option(value: Any) -> Any:
    """Return an option: an array, the hex string of a float, or an int; numpy's scalars keep their dtype."""
    if isinstance(value, (np.ndarray, np.generic)):
        return {"array": pack_array(np.asarray(value)), "scalar": isinstance(value, np.generic)}
    return value.hex() if isinstance(value, float) else value


def _option(packed: Any) -> Any:
    if isinstance(packed, dict):
        array = unpack_array(packed["array"])
        return array[()] if packed["scalar"] else array
    return float.fromhex(packed) if isinstance(packed, str) else packed
