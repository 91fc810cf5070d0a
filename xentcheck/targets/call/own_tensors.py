"""Targets that take tensors of a small framework of their own, which nobody has said anything of.

Their class is found where the loss was written. Tensors are made of numpy arrays, have one as `data` or `numpy()`, and
keep their gradient in `grad` after `backward()`, as in most frameworks that are written to learn how one works.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.targets.call.framework_functions import FunctionFramework
from xentcheck.targets.call.frameworks import ROOTS
from xentcheck.targets.call.trace import module_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NAMES = ("Tensor", "Variable", "Value", "Array", "Node")
_CALLED = ("__call__", "forward", "call", "loss")


class OwnTensors(FunctionFramework):
    """Targets that take tensors of a class of their own.

    Parameters
    ----------
    kind : type
    labels : bool
        Whether labels of integers are such tensors, too.
    """

    def __init__(self, kind: type, labels: bool = False) -> None:
        self.own = kind
        self._labels = labels
        self.name = module_of(kind).partition(".")[0] or kind.__name__

    def array(self, array: NDArray[Any]) -> Any:
        """Return numbers as a tensor, which has a gradient where its class asks whether.

        Labels of integers stay as they are where nobody says that they are tensors.
        """
        if array.dtype.kind in "biu":
            return self._tensor(array, False) if self._labels else array
        return self._leaf(array)

    def read(self, value: Any) -> Any:  # noqa: D102
        kept = getattr(value, "data", value)
        if not isinstance(kept, (np.ndarray, np.generic, float, int)) and hasattr(value, "numpy"):
            try:
                kept = value.numpy()
            except RuntimeError:  # as torch refuses what has a gradient
                kept = value.detach().numpy()
        return np.array(kept)

    def host(self, value: Any) -> Any:  # noqa: D102
        return self.read(value) if isinstance(value, self.own) else value

    def pull(self, loss: Callable[[Any], Any], scores: Any, upstream: NDArray[Any] | None) -> tuple[Any, Any]:  # noqa: D102
        leaf = self._leaf(self.read(scores))
        value = loss(leaf)
        host = self.read(value)
        factor = 1.0
        if host.size == 1:
            factor = 1.0 if upstream is None else float(np.asarray(upstream).reshape(-1)[0])
            value.backward()
        else:
            (value * self.cotangent(upstream, value)).sum().backward()
        if leaf.grad is None:
            raise TypeError("backward leaves no gradient in the scores")
        return value, factor * np.array(self.host(leaf.grad))

    def _leaf(self, array: NDArray[Any]) -> Any:
        return self._tensor(array, True)

    def _tensor(self, array: NDArray[Any], requires_grad: bool) -> Any:
        own = np.array(array, order="C")
        try:
            return self.own(own, requires_grad=requires_grad)
        except TypeError:
            return self.own(own)


def own_tensors(function: Callable[..., Any] | None) -> OwnTensors | None:
    """Return how tensors of its own reach a function; None where it was written beside no class of such.

    Parameters
    ----------
    function : callable or None
        A function, a method, or an object that can be called.
    """
    scope = _scope(function)
    root = str(scope.get("__name__", "")).partition(".")[0]
    if not scope or root in ROOTS or root == "xentcheck":
        return None
    package = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == root]
    for names in (scope, *(vars(module) for module in package if hasattr(module, "__dict__"))):
        for name in (*_NAMES, *(f"_{name}" for name in _NAMES)):
            kind = names.get(name)
            if isinstance(kind, type) and callable(getattr(kind, "backward", None)):
                # What a known framework has is presented by that.
                known = module_of(kind).partition(".")[0] in ROOTS
                return None if known else OwnTensors(kind, _both_are(function, kind))
    return None


def _both_are(function: Callable[..., Any] | None, kind: type) -> bool:
    """Whether the signature says that scores and labels are of a class."""
    for name in ("", *_CALLED):
        found = getattr(function, name, None) if name else function
        said = [note for place, note in getattr(found, "__annotations__", {}).items() if place != "return"]
        if len(said) >= 2:
            return all(note is kind or note == kind.__name__ for note in said[:2])
    return False


def _scope(function: Callable[..., Any] | None) -> dict[str, Any]:
    """Return the names of the module in which a function was written."""
    plain: Any = inspect.unwrap(function) if function is not None else None
    for name in ("", *_CALLED):
        found = getattr(type(plain), name, None) if name else plain
        scope = getattr(getattr(found, "__func__", found), "__globals__", None)
        if isinstance(scope, dict):
            return scope
    return {}
