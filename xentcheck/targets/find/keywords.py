"""Functions that take scores or labels by keyword alone, as many of jax do, called by place like all others."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


def by_place(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a callable whose first two needed arguments are given by place, even those that are keywords alone.

    Which of the two are the scores is then a matter of their order, as it is with any other function; what stands
    after them is given by its name. A function that takes two arguments by place is returned as it is.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return function
    stated = list(signature.parameters.values())
    placed = [one for one in stated if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    named = [one for one in stated if one.kind is one.KEYWORD_ONLY and one.default is one.empty][: 2 - len(placed)]
    if any(one.kind is one.VAR_POSITIONAL for one in stated) or len(placed) + len(named) != 2 or not named:
        return function

    @functools.wraps(function)
    def called(*given: Any, **options: Any) -> Any:
        count = len(placed)
        keywords = {one.name: given[count + place] for place, one in enumerate(named[: len(given) - count])}
        return function(*given[:count], **keywords, **options)

    first = [*placed, *(one.replace(kind=one.POSITIONAL_OR_KEYWORD) for one in named)]
    others = [one for one in stated if one.name not in {one.name for one in first}]
    called.__signature__ = signature.replace(parameters=[*first, *others])  # type: ignore[attr-defined]
    return called
