"""Batches as JSON, bit for bit, and their digest.

Floats are hex strings (`float.hex`), so that no reader rounds them; integers are numbers.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import BatchError, dtype_named
from xentcheck.batches.layout import LAYOUTS
from xentcheck.contract.declaration import OPTIONS
from xentcheck.truth.formats import FORMATS

UNLABELLED = "none"
"""The label form of a stored batch that was handed over without labels; those of 0 stand for them when it is read."""
_KEYS = ("scores", "labels", "label_form", "options", "layout", "family", "origin")


def to_mapping(batch: Batch, *, labelled: bool = True) -> dict[str, Any]:
    """Return a batch as JSON types, its labels if it is `labelled`; `from_mapping` gives it back bit for bit."""
    labels = {"labels": _array_to_mapping(batch.labels, batch.layout), "label_form": batch.label_form}
    return {
        "scores": _array_to_mapping(batch.scores, batch.layout),
        **(labels if labelled else {"label_form": UNLABELLED}),
        "options": {key: _option_to_plain(value) for key, value in batch.options.items()},
        "layout": batch.layout,
        "family": batch.family,
        **({"origin": batch.origin} if batch.origin else {}),
    }


def from_mapping(given: Mapping[str, Any]) -> Batch:
    """Return the batch of a mapping that `to_mapping` made, or a person wrote.

    Raises
    ------
    BatchError
        With one sentence, for anything that is not a batch.
    """
    if not isinstance(given, Mapping):
        raise BatchError(f"A batch is stored as a mapping, but got {type(given).__name__}.")
    for key in given:
        if key not in _KEYS:
            raise BatchError(f"A batch has no key {key!r}; its keys are {', '.join(_KEYS)}.")
    unlabelled = given.get("label_form") == UNLABELLED and "labels" not in given
    for key in ("scores",) if unlabelled else ("scores", "labels"):
        if key not in given:
            raise BatchError(f"The batch has no {key!r}.")
    scores = _array_from_mapping("scores", given["scores"])
    if unlabelled:
        given = {**given, "label_form": "sparse"}
        labels = np.zeros(scores.shape[:1], np.int64)
    else:
        labels = _array_from_mapping("labels", given["labels"])
    form = _word("label_form", given.get("label_form", "sparse"), ("sparse", "onehot", "soft"))
    layout = _word("layout", given.get("layout", "C"), LAYOUTS)
    if scores.dtype.name not in FORMATS or scores.ndim != 2:
        raise BatchError(f"scores must be floats of shape (n, m), but are {scores.dtype.name} of shape {scores.shape}.")
    n = scores.shape[0]
    wanted = ((n,), (n, 1)) if form == "sparse" else (scores.shape,)
    if labels.shape not in wanted:
        raise BatchError(f"{form} labels of scores {scores.shape} cannot have shape {labels.shape}.")
    options = given.get("options", {})
    if not isinstance(options, Mapping):
        raise BatchError(f"options must be a mapping, but is {type(options).__name__}.")
    read = {key: _option_from_plain(key, value, *scores.shape) for key, value in options.items()}
    origin = given.get("origin", "")
    if not isinstance(origin, str) or (origin and not re.fullmatch("[0-9a-f]{16}", origin)):
        raise BatchError(f"origin is {origin!r}, but must be a digest, 16 hex digits.")
    return Batch(scores, labels, form, read, layout, str(given.get("family", "given")), origin)


def digest(batch: Batch) -> str:
    """Return 16 hex digits of the SHA-256 of a batch's content.

    Content is dtype, shape and bytes (little-endian, C order) of scores and labels, label form, options and
    memory layout, and the origin where there is one; the family, which says only where the batch came from, is not.
    """
    content = hashlib.sha256(batch.origin.encode())
    head: dict[str, Any] = {"label_form": batch.label_form, "layout": batch.layout}
    head["options"] = {key: _option_to_plain(value) for key, value in batch.options.items()}
    for name, array in (("scores", batch.scores), ("labels", batch.labels)):
        head[name] = [array.dtype.name, list(array.shape)]
    content.update(json.dumps(head, sort_keys=True).encode())
    for array in (batch.scores, batch.labels):
        content.update(_bits(array).tobytes())
    return content.hexdigest()[:16]


def same_content(batch: Batch) -> tuple[object, ...]:
    """Return a key that batches of the same content share within a process; unlike the digest it is quick.

    The digest writes every class weight as text, which for a vocabulary takes longer than a loss of it.
    """
    options = {key: np.asarray(value) for key, value in sorted(batch.options.items())}
    arrays = {"scores": batch.scores, "labels": batch.labels, **options}
    content = hashlib.sha256()
    for array in arrays.values():
        content.update(array.tobytes())
    heads = tuple((name, array.dtype.name, array.shape) for name, array in arrays.items())
    return batch.label_form, batch.layout, batch.origin, heads, content.digest()


def _bits(array: NDArray[Any]) -> NDArray[Any]:
    """Return the bit patterns of an array as little-endian unsigned integers in C order."""
    size = array.dtype.itemsize
    return np.ascontiguousarray(array).view(f"u{size}").astype(f"<u{size}", copy=False)


def _as_float64(array: NDArray[Any]) -> NDArray[np.float64]:
    """Return an array as float64, quietly: numpy reports a signalling nan as invalid."""
    with np.errstate(invalid="ignore"):
        return array.astype(np.float64)


def _array_to_mapping(array: NDArray[Any], layout: str) -> dict[str, Any]:
    head = {"dtype": array.dtype.name, "shape": list(array.shape), "layout": layout}
    if array.dtype.name not in FORMATS:
        return {**head, "values": array.reshape(-1).tolist()}
    numbers = _as_float64(array).reshape(-1).tolist()
    bits = _bits(array).reshape(-1).tolist()
    plain_nan = int(_bits(np.full(1, np.nan).astype(array.dtype))[0])
    return {**head, "values": [_hex(value, bit, plain_nan) for value, bit in zip(numbers, bits, strict=True)]}


def _hex(value: float, bits: int, plain_nan: int) -> str:
    """Return a float in hex; a nan with another sign or payload than numpy's own carries its bits."""
    if math.isnan(value):
        return "nan" if bits == plain_nan else f"nan:{bits:#x}"
    return value.hex() if math.isfinite(value) else str(value)


def _array_from_mapping(name: str, given: Any) -> NDArray[Any]:
    if not isinstance(given, Mapping) or not {"dtype", "shape", "values"} <= set(given):
        raise BatchError(f"{name} must be a mapping with dtype, shape and values.")
    kind = dtype_named(given["dtype"]) if isinstance(given["dtype"], str) else None
    if kind is None:
        raise BatchError(f"The dtype of {name} is {given['dtype']!r}, but must be a name.")
    shape, values = given["shape"], given["values"]
    if not isinstance(shape, list | tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise BatchError(f"The shape of {name} is {shape!r}, but must be a list of sizes.")
    if not isinstance(values, list | tuple) or len(values) != math.prod(shape):
        raise BatchError(f"{name} of shape {list(shape)} needs {math.prod(shape)} values in one flat list.")
    read = _floats(name, values, kind) if kind.name in FORMATS else _integers(name, values, kind)
    return read.reshape(tuple(shape))


def _floats(name: str, values: Any, kind: np.dtype[Any]) -> NDArray[Any]:
    read = [_float(name, value) for value in values]
    with np.errstate(all="ignore"):
        array = np.array([value if isinstance(value, float) else np.nan for value in read], np.float64).astype(kind)
    bits = array.view(f"u{kind.itemsize}")
    for place, value in enumerate(read):
        if isinstance(value, int) and value < 2 ** (8 * kind.itemsize):
            bits[place] = value
    exact = _as_float64(array)
    for place, value in enumerate(read):
        same = np.isnan(exact[place]) if isinstance(value, int) or math.isnan(value) else exact[place] == value
        if not same or (isinstance(value, int) and int(bits[place]) != value):
            raise BatchError(f"{name} has {values[place]!r}, which {kind.name} does not hold exactly.")
    return array


def _float(name: str, value: Any) -> float | int:
    """Return the float of a hex string or a JSON number; the bits, as an int, of a "nan:0x..."."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    try:
        if isinstance(value, str) and value.startswith("nan:0x"):
            return int(value[6:], 16)
        return float.fromhex(value)
    except (TypeError, ValueError, OverflowError):
        raise BatchError(f"{name} has {value!r}, which is no hex float, inf, -inf or nan.") from None


def _integers(name: str, values: Any, kind: np.dtype[Any]) -> NDArray[Any]:
    for value in values:
        if type(value) is not int and not (kind == np.bool_ and type(value) is bool):
            raise BatchError(f"{name} has {value!r}, which is no integer.")
    try:
        return np.array(values, kind)
    except OverflowError:
        raise BatchError(f"{name} has a value that {kind.name} does not hold.") from None


def _option_to_plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _array_to_mapping(value, "C")
    value = value.item() if isinstance(value, np.generic) else value
    return value.hex() if isinstance(value, float) else value


def _option_from_plain(key: str, value: Any, n: int, m: int) -> Any:
    if key not in OPTIONS:
        raise BatchError(f"A batch has no option {key!r}; the options are {', '.join(OPTIONS)}.")
    option = OPTIONS[key]
    if option.kind in ("weights", "rows"):
        weights = _array_from_mapping(key, value)
        count = n if option.kind == "rows" else m
        if weights.shape != (count,):
            raise BatchError(f"{key} must have shape ({count},), but have {weights.shape}.")
        return weights
    if option.kind == "integer":
        if type(value) is not int:
            raise BatchError(f"{key} is {value!r}, but must be an integer.")
        return value
    number = _float(key, value)
    if isinstance(number, int) or not math.isfinite(number):
        raise BatchError(f"{key} is {value!r}, but must be a finite number.")
    if option.positive and number <= 0.0:
        raise BatchError(f"{key} is {value!r}, but must be positive.")
    return number


def _word(key: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise BatchError(f"{key} is {value!r}, but must be one of {', '.join(allowed)}.")
    return str(value)
