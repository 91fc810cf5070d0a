"""What has to be said of a framework so that its losses can be judged; the callables of a target are made of that."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Adapter:
    """A framework with arrays of its own, which differentiates functions.

    Parameters
    ----------
    put : callable
        Makes an array of the framework of a numpy array, of whatever dtype and memory layout; a copy of its own.
    get : callable
        Makes a numpy array of one of the framework.
    vjp : callable
        Called with a function of the scores alone that returns the loss, with the scores, and with a cotangent of the
        loss's shape, all as the framework has them; returns the gradient by the scores of their product.

    Examples
    --------
    For a framework whose arrays keep their gradient::

        def vjp(loss, scores, upstream):
            leaf = scores.with_gradient()
            loss(leaf).backward(upstream)
            return leaf.gradient


        CROSS_ENTROPY = Adapter(put=Tensor, get=Tensor.numpy, vjp=vjp).target(cross_entropy)
    """

    put: Callable[[NDArray[Any]], Any]
    get: Callable[[Any], NDArray[Any]]
    vjp: Callable[[Callable[[Any], Any], Any, Any], Any]

    def target(self, loss: Callable[..., Any], contract: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return a target, as a registration or an entry point names it.

        Parameters
        ----------
        loss : callable
            Called with scores, labels and the options by name, arrays as the framework has them; returns the loss as an
            array of the framework. `xentcheck probe` reads in its signature what options there may be.
        contract : mapping, optional
            What the loss promises. That the labels come first has to stand here, for `xentcheck probe`, too.
        """
        declared = dict(contract or {})
        position = 1 if declared.get("argument_order") == "labels_first" else 0

        def value(*arrays: NDArray[Any], **options: Any) -> NDArray[Any]:
            return self.get(loss(*map(self.put, arrays), **self._put_all(options)))

        def vjp(*arrays: Any, **options: Any) -> NDArray[Any]:
            *given, upstream = arrays
            cotangent = self.put(np.asarray(upstream).astype(given[position].dtype))
            native, known = [self.put(one) for one in given], self._put_all(options)

            def of_scores(scores: Any) -> Any:
                return loss(*native[:position], scores, *native[position + 1 :], **known)

            return self.get(self.vjp(of_scores, native[position], cotangent))

        def gradient(*arrays: NDArray[Any], **options: Any) -> NDArray[Any]:
            shape = np.shape(value(*arrays, **options))
            return vjp(*arrays, np.ones(shape), **options)

        with suppress(ValueError, TypeError):
            value.__signature__ = signature(loss)  # type: ignore[attr-defined]
        return {"loss": value, "gradient": gradient, "vjp": vjp, "contract": declared}

    def _put_all(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.put(value) if isinstance(value, np.ndarray) else value for name, value in options.items()}
