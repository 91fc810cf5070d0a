"""What is known of one key of the contract, said in one record.

A key is a field of the contract whose record stands beside its name, type and default (`keys_*.py`). Checking, JSON,
the tables of docs/contract.md, the levels of the covering design, what is drawn and what the reducer tries are read off
the record; what a key means for loss and gradient is mathematics, and written by hand in `truth`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Literal, NamedTuple

from xentcheck.contract.values import Argument, to_json


class At(NamedTuple):
    """What the values of an option may depend on.

    Parameters
    ----------
    m : int
        The number of classes.
    unit_roundoff : float
        Of the dtype of the scores.
    normal_exponent : int
        That of its smallest normal number.
    place : int
        Of a batch in its list: values that one level stands for take turns.
    """

    m: int
    unit_roundoff: float = 2.0**-24
    normal_exponent: int = -126
    place: int = 0


LOWEST, HIGHEST = "lowest", "highest"
"""Levels of an argument with a range: its ends."""


def _number(level: Hashable, at: At) -> Any:
    return float(str(level))


@dataclass(frozen=True)
class Option:
    """How the suite varies a key that is an argument of the target's call; it is passed by keyword.

    Parameters
    ----------
    kind : {"number", "integer", "weights", "rows"}
        A number of any size, a label, a number a class, or a number a row. The last two are passed as fresh arrays, in
        the dtype of the scores where the contract does not say another.
    levels : tuple
        Those of the covering design.
    plain : hashable
        The level where the design does not vary the option.
    value : callable
        From a level to the value that it stands for. Of weights the batch decides, see `batches/from_design.py`.
    drawn : callable
        The values that Hypothesis chooses from, the plainest first.
    simpler : tuple of float
        What the reducer puts in its place, the simplest first, up to the value itself.
    positive : bool
        Whether a stored value has to be above 0.
    """

    kind: Literal["number", "integer", "weights", "rows"]
    levels: tuple[Hashable, ...]
    plain: Hashable
    value: Callable[[Hashable, At], Any] = _number
    drawn: Callable[[At], tuple[Any, ...]] = lambda at: ()
    simpler: tuple[float, ...] = ()
    positive: bool = False

    def levels_of(self, declared: Argument) -> tuple[Hashable, ...]:
        """Return the levels of an argument: under a range, those within it and those of its ends."""
        if declared.range is None:
            return self.levels
        values = {level: self.value(level, At(2)) for level in self.levels}
        kept = tuple(level for level, value in values.items() if value in declared.range)
        lowest, highest = declared.range.ends
        ends = ((LOWEST, lowest), (HIGHEST, highest))
        return (*kept, *(level for level, end in ends if end not in [values[one] for one in kept]))

    def value_of(self, declared: Argument, level: Hashable, at: At) -> Any:
        """Return the value of an argument that a level stands for, or the nearest one of its range."""
        if declared.range is None:
            return self.value(level, at)
        if level in (LOWEST, HIGHEST):
            return declared.range.ends[level == HIGHEST]
        return declared.inside(self.value(level, at))

    def drawn_of(self, declared: Argument, at: At) -> tuple[Any, ...]:
        """Return the values of an argument that Hypothesis chooses from: under a range, its ends among them."""
        values = self.drawn(at)
        if declared.range is None:
            return values
        return tuple(dict.fromkeys([value for value in values if value in declared.range] + [*declared.range.ends]))


@dataclass(frozen=True)
class Key:
    """One key of the contract.

    Parameters
    ----------
    read : callable
        Key and given value to the canonical value; raises ContractError with one sentence.
    meaning, example : str
        Two columns of its row in docs/contract.md.
    words : str
        Another one: the values in words. "" for those that `read` lists.
    to_json : callable
        A canonical value to its JSON form.
    of_logits : str
        What the key does to logits, for one that no other input may have beside a value; else "".
    option : Option or None
        Where the key may be an argument of the target's call.
    name : str
        That of the field.
    default : object
    """

    read: Callable[[str, Any], Any]
    meaning: str
    example: str
    words: str = ""
    to_json: Callable[[Any], Any] = to_json
    of_logits: str = ""
    option: Option | None = None
    name: str = ""
    default: Any = None


def key(default: Any, read: Callable[[str, Any], Any], *, meaning: str, example: str, **more: Any) -> Any:
    """Return the field of a contract with its default and its record, a Key of the other arguments."""
    return field(default=default, metadata={"key": Key(read, meaning, example, default=default, **more)})


def records(group: type) -> tuple[Key, ...]:
    """Return the records of a dataclass of keys, in the order of its fields."""
    return tuple(_record(one) for one in fields(group))


def _record(one: Field[Any]) -> Key:
    record: Key = one.metadata["key"]
    listed = getattr(record.read, "allowed", ())
    return replace(record, name=one.name, words=record.words or ", ".join(f"`{word}`" for word in listed))
