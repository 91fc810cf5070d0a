"""What a worker's messages say, taken for data: whatever is not exactly what is meant is refused."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from xentcheck.contract.harmless import harmless
from xentcheck.targets.find.interpreter import Interpreter
from xentcheck.targets.host.channel import ChannelGarbledError
from xentcheck.targets.outcome import OBSERVATIONS, PARTS, Outcome, Raised

_MOST_PACKAGES, _LONGEST = 1000, 100
_WORDS = ("kind", "message", "call", "where")
_STATED = {
    **dict.fromkeys(("name", "location", "version", "package", "framework"), str),
    **dict.fromkeys(("has_loss", "has_gradient", "has_vjp", "has_hessian_vector", "has_jvp"), bool),
    **dict.fromkeys(("expensive_shapes", "by_method"), bool),
    "contract": dict,
}


class WorkerFaultError(RuntimeError):
    """A fault of xentcheck's own code beside the target, for which the target may have given cause."""


class DamagedError(RuntimeError):
    """The target has taken away what the code beside it stands on."""


def outcome_of(header: Mapping[str, Any], arrays: Sequence[NDArray[Any]]) -> Outcome:
    """Return the outcome that an answer states.

    Raises
    ------
    ChannelGarbledError
    WorkerFaultError
        If the answer is that xentcheck's own code failed there.
    DamagedError
        If it failed for want of what the target has taken away.
    """
    if header.get("damage"):
        raise DamagedError(f"{harmless(_text(header['damage']))} ({harmless(_text(header.get('failure')))})")
    if "failure" in header:
        raise WorkerFaultError(_text(header["failure"]))
    parts, observations = _among(header.get("parts"), PARTS), _among(header.get("observations"), OBSERVATIONS)
    raised = header.get("raised")
    if len(arrays) != len(parts):
        raise ChannelGarbledError("it is no answer")
    if raised is not None:
        if not isinstance(raised, dict) or set(raised) != set(_WORDS):
            raise ChannelGarbledError("it states no exception")
        raised = Raised(**{word: _text(raised[word]) for word in _WORDS})
    results: dict[str, Any] = dict(zip(parts, arrays, strict=True))
    return Outcome(**results, raised=raised, observations=observations)


def stated_in(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description that a header holds; see `Target.stated`; raises ChannelGarbledError."""
    stated = header.get("description")
    if not isinstance(stated, dict) or {key: type(value) for key, value in stated.items()} != _STATED:
        raise ChannelGarbledError("it is no description of a target")
    return stated


def interpreter_in(header: Mapping[str, Any], path: str) -> Interpreter | None:
    """Return the interpreter at a path that a header describes; None where the path is ""; raises ChannelGarbledError.

    What it says of its versions is shown in reports, and of `ml_dtypes` believed.
    """
    if not path:
        return None
    stated = header.get("interpreter")
    packages = stated.get("packages") if isinstance(stated, dict) else None
    if not isinstance(stated, dict) or not isinstance(packages, dict) or len(packages) > _MOST_PACKAGES:
        raise ChannelGarbledError("it describes no interpreter")
    shown = {harmless(name, _LONGEST): harmless(_text(version), _LONGEST) for name, version in packages.items()}
    return Interpreter(path, harmless(_text(stated.get("python")), _LONGEST), shown)


def changed_processor(header: Mapping[str, Any]) -> list[str]:
    """Return what importing the target has changed of the processor's state; raises ChannelGarbledError."""
    states = header.get("processor")
    if not isinstance(states, list) or [type(one) for one in states] != [bool, bool]:
        raise ChannelGarbledError("it states no state of the processor")
    return [name for name, fine in zip(("rounding-changed", "flushing-changed"), states, strict=True) if not fine]


def _among(words: Any, known: Container[str]) -> tuple[str, ...]:
    """Return words if each is one of those known, and none is there twice."""
    if not isinstance(words, list) or not all(isinstance(word, str) and word in known for word in words):
        raise ChannelGarbledError("it is no answer")
    if len(set(words)) < len(words):
        raise ChannelGarbledError("it says something twice")
    return tuple(words)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ChannelGarbledError("it has something else for a text")
    return value
