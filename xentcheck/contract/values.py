"""What each value of a contract may be, the sentences said of those that may not, and its JSON form."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xentcheck.contract.harmless import harmless

_LONGEST_NAME = 100
DTYPES = ("float16", "bfloat16", "float32", "float64")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


class ContractError(ValueError):
    """A contract key or value that does not exist; the message is one sentence that says what is wanted."""

    def __init__(self, sentence: str) -> None:
        super().__init__(harmless(sentence))


@dataclass(frozen=True)
class Range:
    """The values that an argument may have: from low to high, an open end itself left out."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, (int, float)) and self.inside(value) == value

    def inside(self, value: float) -> float:
        """Return the value, or what is nearest to it: an end, or of an open one 1/128 of the range away from it."""
        step = (self.high - self.low) / 128
        if value < self.low or (self.low_open and value == self.low):
            return self.low + step * self.low_open
        if value > self.high or (self.high_open and value == self.high):
            return self.high - step * self.high_open
        return value

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value that is tried."""
        return self.inside(-math.inf), self.inside(math.inf)

    def __str__(self) -> str:
        low, high = (str(int(end)) if float(end).is_integer() else repr(end) for end in (self.low, self.high))
        return f"{'[('[self.low_open]}{low}, {high}{'])'[self.high_open]}"


@dataclass(frozen=True)
class Argument:
    """An option that the target takes as an argument of its call, by this name and with values of this range."""

    name: str
    range: Range | None = None

    def inside(self, value: float) -> float:
        """Return the value, or the nearest one that the argument may have."""
        return value if self.range is None else self.range.inside(value)


@dataclass(frozen=True)
class Boundary:
    """What is done to probabilities before the logarithm.

    Parameters
    ----------
    add : float or None
        log(p + add).
    clip : (float, float) or None
        log(clip(p, low, high)).
    normalise : bool
        Rows are divided by their sum first.
    after : bool
        Rows are divided by the sum of what the clip leaves: log(b / sum b), b = clip(p).
    of_dtype : bool
        log(clip(p, eps, 1 - eps)) with the eps of the dtype of the scores; see `read_in`.
    """

    add: float | None = None
    clip: tuple[float, float] | None = None
    normalise: bool = False
    of_dtype: bool = False
    after: bool = False

    @property
    def divides(self) -> bool:
        """Whether rows are divided by their sum, so that those of other sums than 1 have a meaning."""
        return self.normalise or self.after

    @property
    def exact(self) -> bool:
        """Whether the logarithm is of the probability itself."""
        return self.add is None and self.clip is None and not self.of_dtype

    def read_in(self, eps: float) -> Boundary:
        """Return the boundary in a dtype with this eps, the distance from 1 to the next larger number."""
        return replace(self, clip=(eps, 1.0 - eps), of_dtype=False) if self.of_dtype else self


EXACT = Boundary()


class OneOf:
    """Reads one of several words."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed

    def __call__(self, key: str, value: object) -> Any:
        """Return the word, or raise ContractError."""
        return one_of(key, value, self.allowed)


class ListOf:
    """Reads a list of words, or where there is a `word` for some of them, that."""

    def __init__(self, *allowed: str, word: str | None = None) -> None:
        self.allowed, self._word = allowed, word

    def __call__(self, key: str, value: object) -> str | tuple[str, ...]:
        """Return the words, or raise ContractError."""
        if self._word is not None and value == self._word:
            return self._word
        return list_of(key, value, self.allowed)


def one_of(key: str, value: object, allowed: Sequence[Any]) -> Any:
    """Return `value` if it is among `allowed`, else raise ContractError naming the nearest."""
    for item in allowed:
        if type(item) is type(value) and item == value:
            return item
    raise ContractError(f"{key} is {value!r}, but must be {_listed(allowed)}{_nearest(value, allowed)}.")


def list_of(key: str, value: object, allowed: Sequence[str] | None) -> tuple[str, ...]:
    """Return a tuple of distinct strings, each among `allowed`; a single string counts as a list of one."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Iterable) or isinstance(items, Mapping):
        raise ContractError(f"{key} is {value!r}, but must be a list.")
    chosen = list(dict.fromkeys(items))
    for item in chosen:
        if not isinstance(item, str):
            raise ContractError(f"{key} has {item!r}, but its items must be strings.")
        if allowed is not None:
            one_of(f"an item of {key}", item, allowed)
    return tuple(chosen)


def number(key: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Return a finite float in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ContractError(f"{key} is {value!r}, but must be a finite number.")
    if not low <= value <= high:
        raise ContractError(f"{key} is {value!r}, but must lie in [{low:g}, {high:g}].")
    return float(value)


def integer(key: str, value: object) -> int:
    """Return an int; a float or a bool is refused."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ContractError(f"{key} is {value!r}, but must be an integer.")
    return value


def argument(key: str, value: object, limits: Range | None = None) -> Argument | None:
    """Return the Argument that `value` declares, or None if it declares a constant.

    Parameters
    ----------
    limits : Range, optional
        What the key may be; without it, a range is refused.
    """
    if isinstance(value, Argument):
        return value
    if not isinstance(value, Mapping):
        return None
    known_fields = {"argument", "range"} if limits else {"argument"}
    if not {"argument"} <= set(value) <= known_fields or not isinstance(value["argument"], str):
        ranged = ' or {"argument": NAME, "range": [LOWEST, HIGHEST]}' if limits else ""
        raise ContractError(f'{key} is {dict(value)!r}, but must be a constant or {{"argument": NAME}}{ranged}.')
    name = value["argument"]
    if not name.isidentifier() or len(name) > _LONGEST_NAME:
        raise ContractError(f"{key} is an argument of the name {name!r}, which no argument of a function can have.")
    return Argument(name, None if limits is None or "range" not in value else _range(key, value["range"], limits))


def _range(key: str, value: object, limits: Range) -> Range:
    """Return the Range of [low, high], or of the text "[low, high)" with its brackets."""
    brackets, ends = "[]", value
    try:
        if isinstance(value, str) and value[:1] in ("[", "(") and value[-1:] in ("]", ")"):
            brackets, ends = value[0] + value[-1], [float(end) for end in value[1:-1].split(",")]
        low, high = (number(key, end) for end in ends)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        wanted = '[lowest, highest], or "[lowest, highest)" where an end is left out, with lowest < highest'
        raise ContractError(f"{key}.range is {value!r}, but must be {wanted}.")
    found = Range(low, high, brackets[0] == "(", brackets[1] == ")")
    for end in found.ends:
        if end not in limits:
            raise ContractError(f"{key}.range is {value!r}, but {key} lies in {limits}.")
    return found


def boundary(key: str, value: object) -> Boundary:
    """Return the Boundary of "exact", {"add": eps}, {"clip": [low, high]} or {"clip": "eps"}, "normalise" beside it."""
    if isinstance(value, Boundary):
        return value
    if value == "exact":
        return Boundary()
    wanted = (
        '"exact", {"add": eps}, {"clip": [low, high]} or {"clip": "eps"}, each with "normalise": true or without, '
        'and a clip with "normalise": "after" too'
    )
    if not isinstance(value, Mapping) or not set(value) <= {"add", "clip", "normalise"} or not value:
        raise ContractError(f"{key} is {value!r}, but must be {wanted}.")
    if "add" in value and "clip" in value:
        raise ContractError(f"{key} has both add and clip, but must be {wanted}.")
    divided = value.get("normalise", False)
    after = divided == "after"
    if after and "clip" not in value:
        raise ContractError(f"{key}.normalise is 'after', but there is no clip that it could come after.")
    if not after and not isinstance(divided, bool):
        raise ContractError(f"{key}.normalise is {divided!r}, but must be true, false or, beside a clip, 'after'.")
    normalise = divided is True
    if "add" in value:
        return Boundary(add=number(f"{key}.add", value["add"], 0.0, 1.0), normalise=normalise)
    if "clip" in value:
        limits = value["clip"]
        if limits == "eps":
            return Boundary(normalise=normalise, of_dtype=True, after=after)
        if not isinstance(limits, Sequence) or isinstance(limits, str) or len(limits) != 2:
            raise ContractError(f'{key}.clip is {limits!r}, but must be [low, high] or "eps".')
        low = number(f"{key}.clip[0]", limits[0], 0.0, 1.0)
        high = number(f"{key}.clip[1]", limits[1], low, math.inf)
        if after and low == 0.0:
            raise ContractError(f"{key}.clip[0] is 0, but a row of zeros cannot be divided by its sum after the clip.")
        return Boundary(clip=(low, high), normalise=normalise, after=after)
    return Boundary(normalise=normalise)


def to_json(value: Any) -> Any:
    """Return the JSON form of a canonical value."""
    if isinstance(value, Argument):
        ranged = {} if value.range is None else {"range": _range_to_json(value.range)}
        return {"argument": value.name, **ranged}
    if not isinstance(value, Boundary):
        return list(value) if isinstance(value, tuple) else value
    stated: dict[str, Any] = {}
    if value.add is not None:
        stated["add"] = value.add
    if value.clip is not None:
        stated["clip"] = list(value.clip)
    if value.of_dtype:
        stated["clip"] = "eps"
    if value.normalise:
        stated["normalise"] = True
    if value.after:
        stated["normalise"] = "after"
    return stated or "exact"


def _range_to_json(values: Range) -> list[float] | str:
    return str(values) if values.low_open or values.high_open else [values.low, values.high]


def known(key: str, allowed: Sequence[str]) -> str:
    """Return `key` if it is one of the contract's keys, else raise ContractError naming the nearest."""
    if key in allowed:
        return key
    raise ContractError(
        f"There is no contract key {key!r}{_nearest(key, allowed)}; the keys are {', '.join(sorted(allowed))}."
    )


def _listed(allowed: Sequence[Any]) -> str:
    words = [repr(item) for item in allowed]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _nearest(value: object, allowed: Sequence[Any]) -> str:
    close = difflib.get_close_matches(str(value), [str(item) for item in allowed], n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
