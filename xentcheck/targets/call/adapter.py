"""What has to be said of a framework so that its losses can be judged; the callables of a target are made of that."""

from __future__ import annotations

from dataclasses import dataclass
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
            array of the framework.
        contract : mapping, optional
            What the loss promises, without an order of arguments or an axis of its own.
        """

        def value(scores: NDArray[Any], labels: NDArray[Any], **options: Any) -> NDArray[Any]:
            return self.get(loss(self.put(scores), self.put(labels), **self._put_all(options)))

        def vjp(scores: NDArray[Any], labels: NDArray[Any], upstream: Any, **options: Any) -> NDArray[Any]:
            native, known = self.put(labels), self._put_all(options)
            cotangent = self.put(np.asarray(upstream).astype(scores.dtype))
            return self.get(self.vjp(lambda given: loss(given, native, **known), self.put(scores), cotangent))

        def gradient(scores: NDArray[Any], labels: NDArray[Any], **options: Any) -> NDArray[Any]:
            shape = np.shape(value(scores, labels, **options))
            return vjp(scores, labels, np.ones(shape), **options)

        return {"loss": value, "gradient": gradient, "vjp": vjp, "contract": dict(contract or {})}

    def _put_all(self, options: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.put(value) if isinstance(value, np.ndarray) else value for name, value in options.items()}
