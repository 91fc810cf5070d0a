"""What each value of a contract may be, and the sentences said of those that may not."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class ContractError(ValueError):
    """A contract key or value that does not exist; the message is one sentence that says what is wanted."""


@dataclass(frozen=True)
class Argument:
    """An option that the target takes as an argument of its call, by this name."""

    name: str


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
    """

    add: float | None = None
    clip: tuple[float, float] | None = None
    normalise: bool = False

    @property
    def exact(self) -> bool:
        """Whether the logarithm is of the probability itself."""
        return self.add is None and self.clip is None


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


def boolean(key: str, value: object) -> bool:
    """Return a bool, true or false and nothing else."""
    if not isinstance(value, bool):
        raise ContractError(f"{key} is {value!r}, but must be true or false.")
    return value


def argument(key: str, value: object) -> Argument | None:
    """Return the Argument that `value` declares, or None if it declares a constant."""
    if isinstance(value, Argument):
        return value
    if not isinstance(value, Mapping):
        return None
    if set(value) != {"argument"} or not isinstance(value["argument"], str):
        raise ContractError(f'{key} is {dict(value)!r}, but must be a constant or {{"argument": NAME}}.')
    return Argument(value["argument"])


def boundary(key: str, value: object) -> Boundary:
    """Return the Boundary of "exact", {"add": eps} or {"clip": [low, high]}, each with "normalise" or not."""
    if isinstance(value, Boundary):
        return value
    if value == "exact":
        return Boundary()
    wanted = '"exact", {"add": eps} or {"clip": [low, high]}, each with "normalise": true or without'
    if not isinstance(value, Mapping) or not set(value) <= {"add", "clip", "normalise"} or not value:
        raise ContractError(f"{key} is {value!r}, but must be {wanted}.")
    if "add" in value and "clip" in value:
        raise ContractError(f"{key} has both add and clip, but must be {wanted}.")
    normalise = boolean(f"{key}.normalise", value.get("normalise", False))
    if "add" in value:
        return Boundary(add=number(f"{key}.add", value["add"], 0.0, 1.0), normalise=normalise)
    if "clip" in value:
        limits = value["clip"]
        if not isinstance(limits, Sequence) or isinstance(limits, str) or len(limits) != 2:
            raise ContractError(f"{key}.clip is {limits!r}, but must be [low, high].")
        low = number(f"{key}.clip[0]", limits[0], 0.0, 1.0)
        high = number(f"{key}.clip[1]", limits[1], low, math.inf)
        return Boundary(clip=(low, high), normalise=normalise)
    return Boundary(normalise=normalise)


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
