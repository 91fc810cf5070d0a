"""The arguments that a target's call takes, read from its signature in the process in which it lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xentcheck.targets.parameter import Parameter

_CALLED_WITHIN = ("forward", "call", "construct")
"""Methods that a call of an object hands its arguments to, in torch, keras and mindspore."""

_LARGEST = 2**20
"""Of a label that somebody writes into code, as the size of a vocabulary."""


def parameters_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Return the arguments of a callable, without those that only collect others; () where it has no signature.

    A call that hands whatever it is given to a method, as that of a torch module to its `forward`, has the arguments of
    that method.
    """
    import inspect  # slow to import, and hardly ever asked for

    try:
        stated = inspect.signature(function).parameters.values()
        collected = bool(stated) and all(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in stated)
        inner = next((getattr(function, name) for name in _CALLED_WITHIN if hasattr(function, name)), None)
        if collected and callable(inner):
            stated = inspect.signature(inner).parameters.values()
    except (ValueError, TypeError):
        return ()
    return tuple(
        Parameter(
            one.name,
            required=one.default is one.empty,
            by_name=one.kind is not one.POSITIONAL_ONLY,
            default="" if one.default is one.empty else _written(one.default),
        )
        for one in stated
        if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    )


def settings_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Return what the object whose method or call a callable is was made with: its constructor's arguments by name.

    As a default an argument has what the object keeps by its name, or else what its constructor's signature states;
    one of which neither is there is left out.
    """
    import inspect  # as above

    inner = inspect.unwrap(function)
    made = getattr(inner, "__self__", inner)
    if inspect.isroutine(made) or inspect.ismodule(made) or inspect.isclass(made):
        return ()
    try:
        stated = inspect.signature(type(made)).parameters.values()
    except (ValueError, TypeError):
        return ()
    kept = {one.name: getattr(made, one.name, one.default) for one in stated}
    return tuple(
        Parameter(name, required=False, by_name=True, default=_written(value))
        for name, value in kept.items()
        if value is not inspect.Parameter.empty
    )


def numbers_in(function: Callable[..., Any]) -> tuple[int, ...]:
    """Return the whole numbers that somebody wrote into the code of a callable, or of what a call of it hands over to.

    As a label of padding.
    """
    import inspect  # as above

    inner = inspect.unwrap(function)
    called = (inner, *(getattr(inner, name, None) for name in _CALLED_WITHIN))
    codes = (getattr(getattr(one, "__func__", one), "__code__", None) for one in called)
    written = (value for code in codes for value in getattr(code, "co_consts", ()))
    return tuple(dict.fromkeys(value for value in written if type(value) is int and abs(value) < _LARGEST))


def _written(default: object) -> str:
    try:
        return repr(default)
    except Exception:
        return "?"
