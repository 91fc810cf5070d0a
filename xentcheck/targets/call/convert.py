"""Whatever a target returns, as a host array."""

from __future__ import annotations

import importlib
import sys
from array import array as array_of_numbers
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = "biufc"
_LARGEST = 2**28  # bytes: no batch has an answer that is half as large


class NotAnArrayError(TypeError):
    """A value that cannot be read as an array of numbers; the message says what it is."""


def host_array(value: Any) -> NDArray[Any]:
    """Return a value as an array of numbers in its own dtype and native byte order, without a copy where possible.

    A Python float counts as float64, an int as int64, a bool as bool; lists of numbers, memory views, arrays of the
    standard library, torch tensors (detached) and whatever offers ``__array__`` are read. A tuple of several is
    refused, since a second number beside a loss of two rows would pass for the second row's. So is a masked array with
    entries that are masked: what lies beneath the mask is not what its reader gets.

    Raises
    ------
    NotAnArrayError
    """
    if isinstance(value, (np.ndarray, bool, int, float, complex, np.generic)):
        if isinstance(value, np.ma.MaskedArray) and np.ma.getmaskarray(value).any():
            raise NotAnArrayError("returned a masked array with entries that are masked, but numbers are wanted")
        array = np.asarray(value)
    elif value is None:
        raise NotAnArrayError("returned None, but a number or an array is wanted")
    elif isinstance(value, (str, bytes)):
        raise NotAnArrayError(f"returned the text {value[:40]!r}, but a number or an array is wanted")
    elif is_tensor(value):
        array = _of_tensor(value)
    elif isinstance(value, (list, tuple)):
        array = _of_sequence(value)
    elif hasattr(value, "__array__") or isinstance(value, (memoryview, array_of_numbers)):
        array = _guarded(value)
    else:
        raise NotAnArrayError(f"returned {_a(type(value).__name__)}, but a number or an array is wanted")
    if array.dtype.kind not in _NUMBERS and not _is_short_float(array.dtype):
        raise NotAnArrayError(f"returned an array of dtype {array.dtype}, but numbers are wanted")
    if array.nbytes > _LARGEST:
        raise NotAnArrayError(f"returned an array of shape {array.shape}, larger than any loss or gradient asked for")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def is_tensor(value: Any) -> bool:
    """Whether a value is a torch tensor; torch is not imported to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def _is_short_float(dtype: np.dtype[Any]) -> bool:
    """Whether this is one of the floats of ml_dtypes, such as bfloat16, whose kind is "V"."""
    return bool(dtype.type.__module__.partition(".")[0] == "ml_dtypes")


def _of_tensor(tensor: Any) -> NDArray[Any]:
    torch = sys.modules["torch"]
    if tensor.device.type != "cpu":
        raise NotAnArrayError(
            f"returned a tensor on the device {str(tensor.device)!r}, whose values this process cannot read; "
            "a tensor on the CPU is wanted"
        )
    if tensor.layout is not torch.strided:
        raise NotAnArrayError(f"returned a tensor of layout {tensor.layout}, but a dense one is wanted")
    plain = tensor.detach().resolve_conj().resolve_neg()
    if plain.dtype is torch.bfloat16:
        # Torch hands numpy no bfloat16, but the same 16 bits as an integer.
        bits: NDArray[Any] = plain.view(torch.int16).numpy()
        return bits.view(importlib.import_module("ml_dtypes").bfloat16)
    return _guarded(plain)


def _of_sequence(value: Any) -> NDArray[Any]:
    if isinstance(value, tuple) and len(value) > 1:  # a loss and something else, and not one number a row
        raise NotAnArrayError(
            f"returned a tuple of {len(value)}: {', '.join(map(_described, value))}; a pair of loss and gradient is "
            "given by --value-and-gradient, and what else is beside a loss is left out by a function around it"
        )
    if any(is_tensor(item) for item in value):
        return _guarded([host_array(item) for item in value])
    return _guarded(value)


def _shape(item: Any) -> Any:
    """Return the shape of one of several values returned, or its type where it has none."""
    shape = getattr(item, "shape", () if isinstance(item, (bool, int, float, complex)) else type(item))
    return tuple(shape) if isinstance(shape, (tuple, list)) else shape


def _described(item: Any) -> str:
    shape = _shape(item)
    if isinstance(shape, type):
        return "None" if item is None else _a(shape.__name__)
    return f"an array of shape {shape}" if shape else "a number"


def _guarded(value: Any) -> NDArray[Any]:
    try:
        return np.asarray(value)
    except Exception as error:
        raise NotAnArrayError(f"returned {_a(type(value).__name__)} that is no array ({_first_line(error)})") from error


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _a(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
