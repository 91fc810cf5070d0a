"""What is measured: the reference of whatever commit is installed.

Names are looked up when they are called. A commit that lacks one raises NotImplementedError in the benchmarks that
want it, and in no other.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

Function = Callable[..., Any]

COMPILED = find_spec("numba") is not None
"""Whether the reference can be asked for `compiled=True`."""


@cache
def named(module: str, *names: str) -> Function:
    """Return the first of some attributes that a module of this commit has."""
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise NotImplementedError(f"{module} cannot be imported: {error}") from error
    for name in names:
        if hasattr(found, name):
            return getattr(found, name)
    raise NotImplementedError(f"{module} has none of {', '.join(names)}")


def loss(form: str) -> Function:
    """Return the loss for labels of a form, "sparse" or "onehot"."""
    return named("xentcheck.reference", f"{form}_loss")


def gradient(form: str) -> Function:
    """Return the gradient for labels of a form."""
    return named("xentcheck.reference", f"{form}_gradient")


@cache
def loss_and_gradient(form: str) -> Function:
    """Return what gives both for labels of a form: in one call where the commit offers that, else in two."""
    try:
        return named("xentcheck.reference", f"{form}_loss_and_gradient", f"{form}_value_and_gradient")
    except NotImplementedError:
        first, second = loss(form), gradient(form)
    return lambda *arguments, **options: (first(*arguments, **options), second(*arguments, **options))
