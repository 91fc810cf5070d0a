"""How arrays reach a target and how it is differentiated; this one is for targets that take numpy arrays.

A framework is imported only by its own adapter, and its adapter only where the target asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class NumpyFramework:
    """Targets that take numpy arrays.

    Attributes
    ----------
    name : str
    differentiates : bool
        Whether `forward` is offered.
    differentiates_twice : bool
        Whether `hessian_vector` is, too.
    differentiates_forward : bool
        Whether `jvp` is, too.
    mutable : bool
        Whether results and inputs can be overwritten, so that sharing memory matters.
    noticed : tuple of str
        What the last pull showed of the backward pass beside a gradient, among `outcome.OBSERVATIONS`.
    """

    name = "numpy"
    differentiates = False
    differentiates_twice = False
    differentiates_forward = False
    mutable = True
    noticed: tuple[str, ...] = ()

    def present(self, array: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        """Return what the target is given for a host array, and the memory to watch."""
        return array, array

    def host(self, value: Any) -> Any:
        """Return a result as something that `convert.host_array` reads."""
        return value

    def finished(self, result: Any) -> Any:
        """Return a result, one or several, once it is calculated."""
        return result

    def call(self, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call a function of the target."""
        return function(*arguments, **options)

    def call_alone(self, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call a loss of which nobody wants a gradient, as one does who evaluates a model."""
        return self.call(function, arguments, options)

    def forward(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        position: int,
        options: dict[str, Any],
        upstream: NDArray[Any] | None,
    ) -> tuple[Any, Callable[[], Any]]:
        """Return the loss, and a function that returns its gradient.

        Parameters
        ----------
        arguments : tuple
            As `present` made them.
        position : int
            Which of them are the scores.
        upstream : ndarray or None
            The cotangent, in the shape of the loss; None stands for ones.
        """
        raise NotImplementedError

    def hessian_vector(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        position: int,
        options: dict[str, Any],
        along: Any,
    ) -> Any:
        """Return the second derivative of the sum of the losses, times a vector.

        Parameters
        ----------
        along : array
            As `present` made it, in the shape of the scores.
        """
        raise NotImplementedError

    def jvp(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        position: int,
        options: dict[str, Any],
        along: Any,
    ) -> Any:
        """Return the derivative of the loss along a tangent, by forward mode; as `hessian_vector` is called."""
        raise NotImplementedError


def cotangent_like(upstream: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a cotangent in the shape of the loss; (n,) and (n, 1), or () and (1,), stand for each other."""
    given = np.asarray(upstream)
    if given.size != int(np.prod(shape, dtype=np.int64)):
        raise ValueError(f"the loss has shape {shape}, to which a cotangent of shape {given.shape} does not belong")
    return given.reshape(shape)
