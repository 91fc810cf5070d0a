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


class JaxFramework(NumpyFramework):
    """Targets that take whatever jax does; with 64-bit numbers enabled around each call.

    A function is compiled (``jax.jit``); one that cannot be traced is called as it is.
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
        static, traced = _separated(options)

        def called(arguments: Any, traced: Any) -> Any:
            return function(*arguments, **static, **traced)

        return self._run(("call", function, *static.items()), called, arguments, traced)

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
        static, traced = _separated(options)

        def pulled(arguments: Any, traced: Any, upstream: Any) -> Any:
            loss = self._by_scores(function, arguments, position, {**static, **traced})
            value, pull = jax.vjp(loss, jax.numpy.asarray(arguments[position]))
            shape, dtype = value.shape, value.dtype
            cotangent = jax.numpy.ones(shape, dtype) if upstream is None else upstream.reshape(shape).astype(dtype)
            return value, pull(cotangent)[0]

        if upstream is not None:
            upstream = np.asarray(upstream)
        key = ("forward", function, position, upstream is None, *static.items())
        value, gradient = self._run(key, pulled, arguments, traced, upstream)
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
        static, traced = _separated(options)

        def pushed(arguments: Any, traced: Any, along: Any) -> Any:
            loss = self._by_scores(function, arguments, position, {**static, **traced})
            slope = jax.grad(lambda scores: loss(scores).sum())
            return jax.jvp(slope, (jax.numpy.asarray(arguments[position]),), (jax.numpy.asarray(along),))[1]

        return self._run(("hessian_vector", function, position, *static.items()), pushed, arguments, traced, along)

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
        static, traced = _separated(options)

        def pushed(arguments: Any, traced: Any, along: Any) -> Any:
            loss = self._by_scores(function, arguments, position, {**static, **traced})
            return jax.jvp(loss, (jax.numpy.asarray(arguments[position]),), (jax.numpy.asarray(along),))[1]

        return self._run(("jvp", function, position, *static.items()), pushed, arguments, traced, along)

    def _by_scores(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], position: int, options: dict[str, Any]
    ) -> Callable[[Any], Any]:
        """Return the loss as a function of the scores alone."""

        def loss(scores: Any) -> Any:
            given = (*arguments[:position], scores, *arguments[position + 1 :])
            return self._jax.numpy.asarray(function(*given, **options))

        return loss

    def _run(self, key: Any, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of ours compiled, or as it is if jax cannot trace the target."""
        jax = self._jax
        with self._in_64_bits():
            if key in self._untraceable:
                return function(*arguments)
            if key not in self._compiled:
                self._compiled[key] = jax.jit(function)
            try:
                return self._compiled[key](*arguments)
            except (jax.errors.JAXTypeError, jax.errors.JAXIndexError):
                answer = function(*arguments)
                self._untraceable.add(key)
                return answer

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


def _separated(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options that select code, and those that are numbers."""
    static = {name: value for name, value in options.items() if isinstance(value, _STATIC)}
    return static, {name: value for name, value in options.items() if name not in static}
