"""Frameworks that differentiate a function of arrays: how an array reaches each and comes back, and how to pull back.

To add one, write a class here of `array`, `read` and `pull`, and name it in `frameworks.py`.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.targets.call.framework import NumpyFramework, cotangent_like
from xentcheck.targets.call.trace import module_of
from xentcheck.targets.errors import TargetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Loss = Callable[[Any], Any]

_NO_DEVICE = "tinygrad has no device here that works ({}); its CPU needs clang on the path."


class FunctionFramework(NumpyFramework):
    """Targets that take arrays of a framework's own, made anew for each call and never changed.

    Attributes
    ----------
    name : str
        The package that the type of a result is from.
    module : str
        What is imported, and kept as `own`.
    """

    module = ""
    differentiates = True
    mutable = False

    def __init__(self) -> None:
        self.own: Any = importlib.import_module(self.module or self.name)

    def present(self, array: NDArray[Any]) -> tuple[Any, NDArray[Any]]:
        """Return an array of the framework's own, a copy in C order."""
        return self.array(np.array(array, order="C")), array

    def array(self, array: NDArray[Any]) -> Any:
        """Return a host array as one of the framework's own, in the same dtype."""
        raise NotImplementedError

    def read(self, value: Any) -> Any:
        """Return an array of the framework's own as a host array."""
        return np.asarray(value)

    def host(self, value: Any) -> Any:
        """Return a result, read where it is the framework's own."""
        return self.read(value) if module_of(type(value)).partition(".")[0] == self.name else value

    def finished(self, result: Any) -> Any:
        """Read a result, since some frameworks calculate nothing before."""
        return [self.host(one) for one in result] if isinstance(result, (tuple, list)) else self.host(result)

    def pull(self, loss: Loss, scores: Any, upstream: NDArray[Any] | None) -> tuple[Any, Any]:
        """Return the loss of scores, and its gradient times a cotangent; None stands for ones."""
        raise NotImplementedError

    def forward(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        position: int,
        options: dict[str, Any],
        upstream: NDArray[Any] | None,
    ) -> tuple[Any, Callable[[], Any]]:
        """Return the loss, and a function that returns its gradient; see `NumpyFramework.forward`."""

        def loss(scores: Any) -> Any:
            return function(*arguments[:position], scores, *arguments[position + 1 :], **options)

        value, gradient = self.pull(loss, arguments[position], upstream)
        return value, lambda: gradient

    def cotangent(self, upstream: NDArray[Any] | None, value: Any) -> Any:
        """Return the cotangent of a value as an array of the framework's own, in the dtype of the value."""
        host = np.asarray(self.host(value))
        shaped = np.ones(host.shape) if upstream is None else cotangent_like(upstream, host.shape)
        return self.array(shaped.astype(host.dtype))


class Autograd(FunctionFramework):
    """Targets written with autograd.numpy; the loss is pulled back by ``autograd.make_vjp``."""

    name = "autograd"
    mutable = True
    present = NumpyFramework.present

    def array(self, array: NDArray[Any]) -> Any:  # noqa: D102
        return array

    def pull(self, loss: Loss, scores: Any, upstream: NDArray[Any] | None) -> tuple[Any, Any]:  # noqa: D102
        back, value = self.own.make_vjp(loss)(scores)
        return value, back(self.cotangent(upstream, value))


class Mlx(FunctionFramework):
    """Targets that take arrays of mlx, on the CPU; ``mlx.core.vjp``."""

    name = "mlx"
    module = "mlx.core"

    def __init__(self) -> None:
        super().__init__()
        self.own.set_default_device(self.own.cpu)

    def array(self, array: NDArray[Any]) -> Any:  # noqa: D102
        if array.dtype.name == "bfloat16":
            return self.own.array(array.astype(np.float32)).astype(self.own.bfloat16)
        return self.own.array(array, dtype=getattr(self.own, array.dtype.name.rstrip("_"), None))

    def read(self, value: Any) -> Any:  # noqa: D102
        return as_bfloat16(value.astype(self.own.float32)) if value.dtype == self.own.bfloat16 else np.array(value)

    def pull(self, loss: Loss, scores: Any, upstream: NDArray[Any] | None) -> tuple[Any, Any]:  # noqa: D102
        value = loss(scores)
        return value, self.own.vjp(loss, [scores], [self.cotangent(upstream, value)])[1][0]


class MyGrad(FunctionFramework):
    """Targets that take tensors of mygrad; ``Tensor.backward``."""

    name = "mygrad"

    def array(self, array: NDArray[Any]) -> Any:  # noqa: D102
        return self.own.tensor(array) if array.dtype.kind == "f" else array

    def read(self, value: Any) -> Any:  # noqa: D102
        return getattr(value, "data", value)

    def pull(self, loss: Loss, scores: Any, upstream: NDArray[Any] | None) -> tuple[Any, Any]:  # noqa: D102
        leaf = self.own.tensor(scores.data)
        value = loss(leaf)
        answer = np.array(value.data)
        value.backward(self.cotangent(upstream, value).data)
        return answer, leaf.grad


class Paddle(FunctionFramework):
    """Targets that take tensors of paddle, on the CPU; ``paddle.grad``."""

    name = "paddle"

    def __init__(self) -> None:
        super().__init__()
        self.own.set_device("cpu")

    def array(self, array: NDArray[Any]) -> Any:  # noqa: D102
        if array.dtype.name == "bfloat16":
            return self.own.to_tensor(array.astype(np.float32)).astype("bfloat16")
        return self.own.to_tensor(array)

    def read(self, value: Any) -> Any:  # noqa: D102
        return as_bfloat16(value.astype("float32")) if value.dtype == self.own.bfloat16 else value.numpy()

    def pull(self, loss: Loss, scores: Any, upstream: NDArray[Any] | None) -> tuple[Any, Any]:  # noqa: D102
        leaf = scores.detach()
        leaf.stop_gradient = False
        value = loss(leaf)
        return value, self.own.grad(value, leaf, self.cotangent(upstream, value))[0]


class TensorFlow(FunctionFramework):
    """Targets that take tensors of tensorflow, run eagerly; ``GradientTape``."""

    name = "tensorflow"

    def __init__(self) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        super().__init__()

    def array(self, array: NDArray[Any]) -> Any:  # noqa: D102
        return self.own.constant(array)

    def read(self, value: Any) -> Any:  # noqa: D102
        return self.own.convert_to_tensor(value).numpy()

    def pull(self, loss: Loss, scores: Any, upstream: NDArray[Any] | None) -> tuple[Any, Any]:  # noqa: D102
        with self.own.GradientTape() as tape:
            tape.watch(scores)
            value = loss(scores)
        return value, tape.gradient(value, scores, self.cotangent(upstream, value))


class TinyGrad(FunctionFramework):
    """Targets that take tensors of tinygrad, on the CPU; ``Tensor.gradient``."""

    name = "tinygrad"

    def __init__(self) -> None:
        os.environ.setdefault("DEV", "CPU")
        super().__init__()
        try:
            self.own.Device[self.own.Device.DEFAULT]
        except Exception as error:  # which tinygrad keeps for the first calculation: no mistake of any loss
            raise TargetError(_NO_DEVICE.format(" ".join(str(error).split()).rstrip("."))) from None
        # Its pool for compiling starts a process anew for every 16 kernels, which costs more than these do.
        parallel = getattr(importlib.import_module("tinygrad.helpers"), "PARALLEL", None)
        if parallel is not None and "PARALLEL" not in os.environ:
            parallel.value = 0

    def array(self, array: NDArray[Any]) -> Any:  # noqa: D102
        if array.dtype.name == "bfloat16":
            return self.own.Tensor(array.astype(np.float32)).cast("bfloat16").contiguous().realize()
        return self.own.Tensor(array)

    def read(self, value: Any) -> Any:  # noqa: D102
        return as_bfloat16(value.cast("float32").numpy()) if "bfloat16" in str(value.dtype) else value.numpy()

    def pull(self, loss: Loss, scores: Any, upstream: NDArray[Any] | None) -> tuple[Any, Any]:  # noqa: D102
        value = loss(scores)
        shaped = np.ones(value.shape) if upstream is None else cotangent_like(upstream, value.shape)
        host = shaped.astype(value.dtype.fmt) if value.dtype.fmt else as_bfloat16(shaped)  # as `struct` names a format
        gradient = value.gradient(scores, gradient=self.array(host))[0]
        self.own.Tensor.realize(value, gradient)  # together: what they share is calculated once
        return value, gradient


BY_NAME = {one.name: one for one in (Autograd, Mlx, MyGrad, Paddle, TensorFlow, TinyGrad)}


def as_bfloat16(value: Any) -> NDArray[Any]:
    """Return numbers that are bfloat16's in a wider dtype as an array of that dtype."""
    return np.asarray(value).astype(importlib.import_module("ml_dtypes").bfloat16)
