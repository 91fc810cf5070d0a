"""Targets that take torch tensors, differentiated by autograd."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.targets.call.framework import NumpyFramework, cotangent_like
from xentcheck.targets.call.torch_backward import pulled_back

if TYPE_CHECKING:
    from numpy.typing import NDArray


class NotDifferentiableError(RuntimeError):
    """A loss through which the framework finds no way back to the scores."""


class TorchFramework(NumpyFramework):
    """Targets that take torch tensors."""

    name = "torch"
    differentiates = differentiates_twice = differentiates_forward = True

    def __init__(self) -> None:
        self._torch: Any = importlib.import_module("torch")

    def present(self, array: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        """Return a tensor of an array, sharing its memory and layout where torch can, and the memory to watch.

        A tensor has no negative strides, is never read-only, and starts at a multiple of its item size: such
        layouts are copied. Rows repeated by a zero stride stay so.
        """
        if array.ndim > 1 and array.strides[0] == 0 and array.shape[0] > 1:
            row = np.array(array[:1], order="C")
            return self._tensor(row).expand(array.shape), np.broadcast_to(row, array.shape)
        if min(array.strides, default=0) < 0 or not (array.flags.aligned and array.flags.writeable):
            array = np.array(array, order="C")
        return self._tensor(array), array

    def _tensor(self, array: NDArray[Any]) -> Any:
        if array.dtype.name == "bfloat16":
            # Torch reads no bfloat16 of numpy's, but the same 16 bits as an integer.
            return self._torch.from_numpy(array.view(np.int16)).view(self._torch.bfloat16)
        return self._torch.from_numpy(array)

    def call_alone(self, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call a loss under ``torch.no_grad()``; a loss that differentiates something itself refuses that.

        It is then called as it is: such a refusal is no wrong number, and nobody has promised that there is none.
        """
        try:
            with self._torch.no_grad():
                return self.call(function, arguments, options)
        except RuntimeError as error:
            if "does not require grad" not in str(error):
                raise
        return self.call(function, arguments, options)

    def forward(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        position: int,
        options: dict[str, Any],
        upstream: NDArray[Any] | None,
    ) -> tuple[Any, Callable[[], Any]]:
        """Return the loss, and a function that returns its gradient by autograd; see `NumpyFramework.forward`."""
        torch = self._torch
        leaf = arguments[position].detach().requires_grad_(True)

        def loss(scores: Any) -> Any:
            return function(*arguments[:position], scores, *arguments[position + 1 :], **options)

        value = loss(leaf)

        def pull() -> Any:
            if not isinstance(value, torch.Tensor) or not value.requires_grad:
                raise NotDifferentiableError("the loss returned does not depend on the scores by autograd")
            gradient, self.noticed = pulled_back(torch, value, leaf, lambda: self._cotangent(upstream, value), loss)
            return gradient

        return value, pull

    def _cotangent(self, upstream: NDArray[Any] | None, value: Any) -> Any:
        """Return an upstream gradient that lies in memory as autograd may hand it on, not all of it in one piece.

        The backward pass of `loss.sum()` gives one number in the place of all, with strides of 0, and that of
        `loss[::2]` one with gaps. What lies in the gaps here is nan.
        """
        torch = self._torch
        if upstream is None:
            return torch.ones((), dtype=value.dtype).expand(value.shape)
        shaped = torch.from_numpy(cotangent_like(upstream, tuple(value.shape)).astype(np.float64)).to(value.dtype)
        return torch.stack([shaped, torch.full_like(shaped, torch.nan)], -1)[..., 0] if shaped.ndim else shaped

    def hessian_vector(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        position: int,
        options: dict[str, Any],
        along: Any,
    ) -> Any:
        """Return the Hessian-vector product by a double backward pass; see `NumpyFramework.hessian_vector`."""
        torch = self._torch
        leaf = arguments[position].detach().requires_grad_(True)
        value = function(*arguments[:position], leaf, *arguments[position + 1 :], **options)
        if not isinstance(value, torch.Tensor) or not value.requires_grad:
            raise NotDifferentiableError("the loss returned does not depend on the scores by autograd")
        slope = torch.autograd.grad(value, leaf, torch.ones_like(value), create_graph=True)[0]
        if not slope.requires_grad:
            raise NotDifferentiableError("the gradient does not depend on the scores by autograd")
        return torch.autograd.grad(slope, leaf, along)[0]

    def jvp(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        position: int,
        options: dict[str, Any],
        along: Any,
    ) -> Any:
        """Return the derivative along a tangent by dual numbers; see `NumpyFramework.jvp`.

        Not by ``torch.func.jvp``, which takes no `torch.autograd.Function` in the older of its two styles.
        """
        torch, forward_ad = self._torch, self._forward_ad
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(arguments[position].detach(), along)
            value = function(*arguments[:position], dual, *arguments[position + 1 :], **options)
            tangent = forward_ad.unpack_dual(value).tangent if isinstance(value, torch.Tensor) else None
            if tangent is None:
                raise NotDifferentiableError("the loss returned does not depend on the scores by forward mode")
            return tangent

    @cached_property
    def _forward_ad(self) -> Any:
        """The module of dual numbers, once torch has compiled formulas for it, by a function that it deprecates."""
        forward_ad: Any = importlib.import_module("torch.autograd.forward_ad")
        with warnings.catch_warnings(), forward_ad.dual_level():
            warnings.simplefilter("ignore", DeprecationWarning)
            forward_ad.make_dual(self._torch.ones(1), self._torch.ones(1))
        return forward_ad
