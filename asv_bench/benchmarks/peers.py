"""Loss and gradient of sparse labels by other libraries, each in the way that its documentation shows."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from .data import Inputs

PEERS = tuple(name for name in ("scipy", "jax", "torch") if find_spec(name) is not None)


def prepared(peer: str, given: Inputs) -> Callable[[], object]:
    """Return a call that gives the mean loss and its gradient; conversions are done beforehand."""
    return {"scipy": _scipy, "jax": _jax, "torch": _torch}[peer](given)


def _scipy(given: Inputs) -> Callable[[], object]:
    from scipy.special import log_softmax

    rows = np.arange(len(given.logits))

    def call() -> object:
        logarithms = log_softmax(given.logits, axis=1)
        loss = -logarithms[rows, given.labels].mean()
        gradient = np.exp(logarithms, out=logarithms)
        gradient[rows, given.labels] -= 1
        gradient /= len(rows)
        return loss, gradient

    return call


def _jax(given: Inputs) -> Callable[[], object]:
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)

    def loss(logits, labels):
        chosen = jax.numpy.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
        return -chosen.mean()

    both = jax.jit(jax.value_and_grad(loss))
    logits, labels = jax.numpy.asarray(given.logits), jax.numpy.asarray(given.labels)
    return lambda: jax.block_until_ready(both(logits, labels))


def _torch(given: Inputs) -> Callable[[], object]:
    import torch

    logits, labels = torch.from_numpy(given.logits.copy()).requires_grad_(True), torch.from_numpy(given.labels)

    def call() -> object:
        loss = torch.nn.functional.cross_entropy(logits, labels)
        return loss, torch.autograd.grad(loss, logits)[0]

    return call
