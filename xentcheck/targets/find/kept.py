"""Gradients as layers of networks have them: of what the loss was asked for last, and kept in the object."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from xentcheck.targets.errors import TargetError

_ANY_NUMBER = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_UPSTREAM = ("dout", "dy", "dl", "gy", "grad", "grad_output", "grad_out", "gradient", "upstream", "delta", "dloss")
"""What a backward calls the derivative by the loss, where that is all it takes: it is given as 1."""
_KEPT = ("dinputs", "dinput", "grad_input", "dx", "gradient", "grad")
"""Where a backward that returns nothing leaves its result: `dinputs` in a book that many networks follow."""


def gradient_of(loss: Callable[..., Any] | None, gradient: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a gradient of scores and labels, whatever the method of an object takes and returns.

    Parameters
    ----------
    loss, gradient : callable
        The methods of one object. A gradient that takes nothing, or one argument that its loss takes by the same name,
        mostly the labels, is that of the last loss, which is asked for first, as is one that takes the derivative by
        the loss, as `dout`, alone; one that returns None leaves the gradient in its object.
    name : str
        How messages call the gradient.

    Raises
    ------
    TargetError
        If the gradient can be called neither with scores and labels, nor with one of them, nor without arguments.
    """
    whole = _takes(gradient, 2)
    again = None if whole or loss is None else _place_of_what_is_given_again(loss, gradient)
    upstream = not whole and again is None and _takes_upstream(gradient)
    kept = not whole and loss is not None and (again is not None or upstream or _takes(gradient, 0))
    if not kept and not whole:
        raise TargetError(
            f"{name} takes {_said(gradient)}, and neither scores and labels nor nothing; give a function of scores and "
            f"labels by --gradient, or name the loss alone: {name.rpartition('.')[0]}{_loss_name(loss)}."
        )

    @functools.wraps(gradient)
    def called(*given: Any, **options: Any) -> Any:
        if kept and loss is not None:
            value = loss(*given, **options)
            one = np.ones(np.shape(value))[()]
            returned = gradient(*([one] if upstream else [] if again is None else [given[again]]))
        else:
            returned = gradient(*given, **options)
        return _left_in(owner) if returned is None else returned

    if kept and loss is not None:
        called.__signature__ = inspect.signature(loss)  # type: ignore[attr-defined]
    owner = getattr(gradient, "__self__", None)
    return gradient if owner is None and not kept else called


def _takes(function: Callable[..., Any], count: int) -> bool:
    """Return whether so many arguments can be given by place, and with 0 whether none is needed.

    Options come by name. True where a callable tells nobody its signature.
    """
    try:
        stated = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return True
    if count == 0:
        return all(one.default is not one.empty or one.kind in _ANY_NUMBER for one in stated)
    by_place = [one for one in stated if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return len(by_place) >= count or any(one.kind is one.VAR_POSITIONAL for one in stated)


def _takes_upstream(gradient: Callable[..., Any]) -> bool:
    """Return whether a gradient takes the derivative by the loss, and needs it, and nothing else."""
    try:
        needed = [one for one in inspect.signature(gradient).parameters.values() if one.default is one.empty]
    except (TypeError, ValueError):
        return False
    return len(needed) == 1 and needed[0].kind not in _ANY_NUMBER and needed[0].name.lower() in _UPSTREAM


def _place_of_what_is_given_again(loss: Callable[..., Any], gradient: Callable[..., Any]) -> int | None:
    """Return which argument of the loss is the only one that a gradient needs, by its name; None where none is."""
    try:
        needed = [one for one in inspect.signature(gradient).parameters.values() if one.default is one.empty]
        places = list(inspect.signature(loss).parameters)[:2]
    except (TypeError, ValueError):
        return None
    return places.index(needed[0].name) if len(needed) == 1 and needed[0].name in places else None


def _left_in(owner: Any) -> Any:
    return next((found for name in _KEPT if (found := _numbers(owner, name)) is not None), None)


def _numbers(owner: Any, name: str) -> Any:
    found = getattr(owner, name, None)
    return found if hasattr(found, "shape") else None


def _said(function: Callable[..., Any]) -> str:
    return f"({', '.join(inspect.signature(function).parameters)})"


def _loss_name(loss: Callable[..., Any] | None) -> str:
    name = getattr(loss, "__name__", "")
    return f".{name}" if name else ""
