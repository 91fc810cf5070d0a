"""Targets written with jax, compiled, and differentiated by jax."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.targets.call.framework import NumpyFramework, cotangent_like

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Arguments of these types select code; jax cannot trace them.
_STATIC = (str, bool, type(None))

_UNCOMPILED = (3, 5)
"""The sizes of scores, rising and without those of 1, of which some are asked as the target is written: one of the few
shapes that targets of jax get, since each operation alone is compiled for each shape, too."""


class JaxFramework(NumpyFramework):
    """Targets that take whatever jax does; with 64-bit numbers enabled around each call.

    A function is compiled (``jax.jit``), with numbers of 0 fixed where these keep it from being traced, as in
    ``if label_smoothing:``; one that cannot be traced at all is called as it is. So are loss and gradient of scores of
    one shape that are infinite, or probabilities of 0: what XLA makes of a whole program is not what its operations
    give one by one. It takes a product with one-hot rows for a selection, for example, so that 0 * -inf is 0.
    """

    name = "jax"
    differentiates = differentiates_twice = differentiates_forward = True
    mutable = False

    def __init__(self) -> None:
        self._jax: Any = importlib.import_module("jax")
        self._compiled: dict[Any, Callable[..., Any]] = {}
        self._untraceable: set[Any] = set()

    def finished(self, result: Any) -> Any:
        """Wait for what jax calculates in the background."""
        return self._jax.block_until_ready(result)

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call a function, compiled where it can be."""

        def called(options: dict[str, Any], arguments: Any) -> Any:
            return function(*arguments, **options)

        as_written = _is_uncompiled(max(arguments, key=np.size, default=()))
        return self._run(("call", function), called, options, arguments, as_written=as_written)

    def forward(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        position: int,
        options: dict[str, Any],
        upstream: NDArray[Any] | None,
    ) -> tuple[Any, Callable[[], Any]]:
        """Return the loss, and a function that returns its gradient by ``jax.vjp``; see `NumpyFramework.forward`."""
        jax = self._jax

        def pulled(options: dict[str, Any], arguments: Any, upstream: Any) -> Any:
            loss = self._by_scores(function, arguments, position, options)
            value, pull = jax.vjp(loss, jax.numpy.asarray(arguments[position]))
            shape, dtype = value.shape, value.dtype
            cotangent = jax.numpy.ones(shape, dtype) if upstream is None else upstream.reshape(shape).astype(dtype)
            return value, pull(cotangent)[0]

        if upstream is not None:
            upstream = np.asarray(upstream)
        key = ("forward", function, position, upstream is None)
        as_written = _is_uncompiled(arguments[position])
        value, gradient = self._run(key, pulled, options, arguments, upstream, as_written=as_written)
        if upstream is not None:
            cotangent_like(upstream, value.shape)
        return value, lambda: gradient

    def hessian_vector(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        position: int,
        options: dict[str, Any],
        along: Any,
    ) -> Any:
        """Return the Hessian-vector product, forward over reverse; see `NumpyFramework.hessian_vector`."""
        jax = self._jax

        def pushed(options: dict[str, Any], arguments: Any, along: Any) -> Any:
            loss = self._by_scores(function, arguments, position, options)
            slope = jax.grad(lambda scores: loss(scores).sum())
            return jax.jvp(slope, (jax.numpy.asarray(arguments[position]),), (jax.numpy.asarray(along),))[1]

        return self._run(("hessian_vector", function, position), pushed, options, arguments, along)

    def jvp(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        position: int,
        options: dict[str, Any],
        along: Any,
    ) -> Any:
        """Return the derivative along a tangent by ``jax.jvp``; see `NumpyFramework.jvp`."""
        jax = self._jax

        def pushed(options: dict[str, Any], arguments: Any, along: Any) -> Any:
            loss = self._by_scores(function, arguments, position, options)
            return jax.jvp(loss, (jax.numpy.asarray(arguments[position]),), (jax.numpy.asarray(along),))[1]

        return self._run(("jvp", function, position), pushed, options, arguments, along)

    def _by_scores(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], position: int, options: dict[str, Any]
    ) -> Callable[[Any], Any]:
        """Return the loss as a function of the scores alone."""

        def loss(scores: Any) -> Any:
            given = (*arguments[:position], scores, *arguments[position + 1 :])
            return self._jax.numpy.asarray(function(*given, **options))

        return loss

    def _run(
        self,
        key: Any,
        function: Callable[..., Any],
        options: dict[str, Any],
        *arguments: Any,
        as_written: bool = False,
    ) -> Any:
        """Call a function of ours with options and arguments: compiled, or as it is if jax cannot trace the target."""
        jax = self._jax
        failed = []
        with self._in_64_bits():
            if as_written:
                return function(*jax.tree_util.tree_map(self._own, (options, *arguments)))
            for static, traced in _separations(options):
                named = (*key, *static.items())
                if named in self._untraceable:
                    continue
                if named not in self._compiled:
                    self._compiled[named] = jax.jit(_fixed(function, static))
                try:
                    answer = self._compiled[named](traced, *arguments)
                except (jax.errors.JAXTypeError, jax.errors.JAXIndexError, RuntimeError):
                    # A callback on the host raises a RuntimeError, whatever came of it there.
                    failed.append(named)
                else:
                    self._untraceable.update(failed)
                    return answer
            answer = function(options, *arguments)
            self._untraceable.update(failed)
            return answer

    def _own(self, value: Any) -> Any:
        """Return an array of jax's in the place of one of numpy's."""
        return self._jax.numpy.asarray(value) if isinstance(value, np.ndarray) else value

    def _in_64_bits(self) -> AbstractContextManager[Any]:
        jax = self._jax
        if jax.config.jax_enable_x64:
            return nullcontext()
        # The older releases have it elsewhere.
        enable = getattr(jax, "enable_x64", None)
        if enable is None:
            enable = importlib.import_module("jax.experimental").enable_x64
        manager: AbstractContextManager[Any] = enable(True)
        return manager


def _is_uncompiled(scores: Any) -> bool:
    """Whether scores are some for which the target is called as it is written."""
    if tuple(sorted(size for size in np.shape(scores) if size != 1)) != _UNCOMPILED:
        return False
    values = np.asarray(scores)
    return bool(np.isinf(values).any() or (values.min() == 0 and 0 < values.max() <= 1))


def _separations(options: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return options as those that select code, and numbers to be traced; then with numbers of 0 among the former."""
    static: dict[str, Any] = {name: value for name, value in options.items() if isinstance(value, _STATIC)}
    off = {name: value for name, value in options.items() if isinstance(value, (int, float)) and not value}
    found = [static, {**static, **off}] if off.keys() - static.keys() else [static]
    return [(one, {name: value for name, value in options.items() if name not in one}) for one in found]


def _fixed(function: Callable[..., Any], static: dict[str, Any]) -> Callable[..., Any]:
    """Return a function of numbers to be traced and arguments, for some options that select code."""
    return lambda traced, *arguments: function({**static, **traced}, *arguments)
