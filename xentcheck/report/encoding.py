"""From dataclasses to strict JSON and back.

JSON has no infinities and no nan. Python's own encoder writes them as tokens that other parsers refuse, so
they are written as the strings "inf", "-inf" and "nan", and read back as numbers wherever the field is one.
"""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar

from xentcheck.contract.harmless import harmless

T = TypeVar("T")
_NUMBERS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_PLAIN = {str: "a text", int: "an integer", bool: "true or false"}


def plain(value: Any) -> Any:
    """Return `value` as JSON types: dataclasses as objects, tuples as lists, numbers as numbers or strings."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, bool)):
        return value
    if hasattr(value, "item"):  # a number of numpy or ml_dtypes
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (int, float)):
        return value
    raise TypeError(f"A report holds no {type(value).__name__}.")


def text(value: Any) -> str:
    """Return strict JSON text, indented, with a final newline."""
    return json.dumps(value, allow_nan=False, indent=1, ensure_ascii=False) + "\n"


def parsed(source: str) -> dict[str, Any]:
    """Return the object that JSON text holds; raises ValueError otherwise, for the tokens NaN and Infinity too."""
    value = json.loads(source, parse_constant=_refuse)
    if not isinstance(value, dict):
        raise ValueError(f"A report is a JSON object, but this is a {type(value).__name__}.")
    return value


def build(cls: type[T], stated: Mapping[str, Any], where: str = "the report") -> T:
    """Return the dataclass `cls` from its JSON object; keys that it does not know are left out.

    Raises
    ------
    ValueError
        With one sentence, where a field is missing or of another type than it declares; `where` says what is read.
    """
    if not isinstance(stated, Mapping):
        raise _wrong(where, stated, "an object")
    known = _hints(cls)  # type: ignore[arg-type]
    for field in fields(cls):  # type: ignore[arg-type]
        required = field.default is MISSING and field.default_factory is MISSING
        if required and field.name not in stated:
            raise ValueError(f"The report is damaged: {where} has no {field.name!r}.")
    return cls(**{key: _read(known[key], value, f"{where}, {key}") for key, value in stated.items() if key in known})


def _wrong(where: str, value: Any, wanted: str) -> ValueError:
    return ValueError(f"The report is damaged: {where} is {harmless(repr(value), 60)}, but must be {wanted}.")


def _refuse(token: str) -> float:
    raise ValueError(f"{token} is not JSON.")


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _read(hint: Any, value: Any, where: str) -> Any:
    """Return a JSON value in the type that a field declares; raises ValueError where it is of another."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        if str in arguments and isinstance(value, str):
            return _NUMBERS.get(value, value)
        return _read(next(item for item in arguments if item not in (types.NoneType, str)), value, where)
    if hint is float:
        if (value not in _NUMBERS) if isinstance(value, str) else not _is_number(value):
            raise _wrong(where, value, "a number")
        return float(_NUMBERS[value] if isinstance(value, str) else value)
    if is_dataclass(hint):
        return build(typing.cast("type[Any]", hint), value, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise _wrong(where, value, "a list")
        if arguments[-1] is not Ellipsis and len(value) != len(arguments):
            raise _wrong(where, value, f"a list of {len(arguments)}")
        return tuple(_read(arguments[0], item, f"{where}[{place}]") for place, item in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise _wrong(where, value, "an object")
        return {key: _read(arguments[1], item, f"{where}, {key}") for key, item in value.items()}
    if hint in _PLAIN and (not isinstance(value, hint) or (hint is int and isinstance(value, bool))):
        raise _wrong(where, value, _PLAIN[hint])
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
