"""Which callables a located object offers: a function, a class, an instance, or a mapping of further locations."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields
from types import FunctionType
from typing import Any

from xentcheck.targets.call.frameworks import ROOTS
from xentcheck.targets.call.target import Functions
from xentcheck.targets.call.trace import module_of
from xentcheck.targets.errors import TargetError
from xentcheck.targets.find.kept import gradient_of
from xentcheck.targets.find.keywords import by_place
from xentcheck.targets.find.locate import instance_of, needs_instance

ROLES = tuple(field.name for field in fields(Functions))
_GRADIENTS = ("gradient", "grad", "backward")
_CALL = "__call__"
_FURTHER = ("value_and_gradient", "hessian_vector", "vjp", "jvp")


def understand(found: Any, name: str, reduction: str = "mean") -> Functions:
    """Return the callables of what a loss was named by.

    Parameters
    ----------
    found : object
        A function; a class or instance with a method `loss`, or `forward` or `calculate`, and possibly `gradient`,
        `grad` or `backward`; any other callable. A class is instantiated, without arguments, where a method
        needs that.
    name : str
        How messages call it.
    reduction : str
        The contract's: where there are both `forward` and `calculate`, the first gives the loss of each row and
        is the loss for "none", and the second gives the reduced one.

    Raises
    ------
    TargetError
    """
    applied = _autograd_function(found)
    if applied is not None:
        return Functions(loss=applied)
    methods = {"loss": _loss_method(found, reduction), "gradient": _first(found, _GRADIENTS, inherited=False)}
    # The rules of a custom_jvp of jax, which it has as an attribute, take primals and tangents.
    further = () if module_of(type(found)).partition(".")[0] == "jax" else _FURTHER
    methods.update((role, _first(found, (role,))) for role in further)
    named = {role: method for role, method in methods.items() if method is not None}
    if not named:
        return Functions(loss=by_place(function_of(found, name)))
    if isinstance(found, type) and any(needs_instance(found, method) for method in named.values()):
        found = instance_of(found, name)
    functions = {
        role: by_place(function_of(found if method == _CALL else getattr(found, method), f"{name}.{method}"))
        for role, method in named.items()
    }
    if "gradient" in functions:
        asked = functions.get("loss")
        functions["gradient"] = gradient_of(asked, functions["gradient"], f"{name}.{methods['gradient']}")
    return Functions(**functions)


def function_of(found: Any, name: str) -> Callable[..., Any]:
    """Return an object that can be called, or raise TargetError."""
    if isinstance(found, type) or not callable(found):
        what = "a class without loss, forward or calculate" if isinstance(found, type) else f"{type(found).__name__}"
        methods = [
            one for one in dir(found) if isinstance(found, type) and not one.startswith("_") and _has(found, one)
        ]
        advice = f"one of its methods, such as {name}.{_likeliest(methods)}" if methods else "a function"
        raise TargetError(f"{name} is {what}, which cannot be called with scores and labels; name {advice}.")
    function: Callable[..., Any] = found
    return function


def _likeliest(methods: list[str]) -> str:
    """Return the method that a loss is the likeliest to be."""
    return next((one for word in ("loss", "entropy", "forward", "call") for one in methods if word in one), methods[0])


def _loss_method(found: Any, reduction: str) -> str | None:
    per_row = reduction == "none" and _has(found, "forward")
    if _has(found, "loss") and not _only_holds(found, "loss"):
        return "loss"
    if _has(found, "calculate"):
        return "forward" if per_row else "calculate"
    # Before `forward`, since calling a torch module runs its hooks too and calling its forward does not.
    if _CALL in dir(found):
        return _CALL
    return _first(found, ("forward",))


def _only_holds(found: Any, name: str) -> bool:
    """Return whether an instance that is called itself has a name for what it calls within, as by self.loss = ...

    No method of its class, that is; a function may have been given one to be found by.
    """
    of_no_class = isinstance(found, (type, FunctionType)) or hasattr(type(found), name)
    return not of_no_class and _CALL in dir(type(found))


def _first(found: Any, names: tuple[str, ...], inherited: bool = True) -> str | None:
    """Return the first of these names that is a method; with `inherited` one that a framework's base class has, too.

    The `backward` of each layer of paddle refuses every call.
    """
    return next(
        (name for name in names if _has(found, name) and (inherited or not _is_of_framework(found, name))), None
    )


def _is_of_framework(found: Any, name: str) -> bool:
    of_class = getattr(found if isinstance(found, type) else type(found), name, None)
    return module_of(of_class).partition(".")[0] in ROOTS


def _has(found: Any, name: str) -> bool:
    return callable(getattr(found, name, None))


def _autograd_function(found: Any) -> Any:
    """Return what calls a torch autograd function, whose own `forward` wants a context."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(found, type):
        return None
    return found.apply if issubclass(found, torch.autograd.Function) else None  # type: ignore[attr-defined]
