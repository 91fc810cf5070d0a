"""Forms of the loss that torch and jax differentiate, by the means of xentcheck's own adapters."""

from __future__ import annotations

import numpy as np
import pytest

from xentcheck.targets.call.convert import host_array
from xentcheck.targets.call.frameworks import framework_named


def of_torch(derivative):
    """Return losses a row by name, and a function that gives "hessian_vector" or "jvp" of one of them."""
    import torch
    import torch.nn.functional as functional

    def at(z, y):
        return z.gather(1, y[:, None])[:, 0]

    def through_maximum(z, y):
        d = z - z.amax(1, keepdim=True)
        return d.exp().sum(1).log() - at(d, y)

    losses = {
        "cross_entropy": lambda z, y: functional.cross_entropy(z, y, reduction="none"),
        "log_softmax": lambda z, y: -at(torch.log_softmax(z, 1), y),
        "log of softmax": lambda z, y: -at(torch.softmax(z, 1), y).log(),
        "maximum": through_maximum,
        "logsumexp": lambda z, y: torch.logsumexp(z, 1) - at(z, y),
    }
    return losses, _along("torch", derivative)


def of_jax(derivative):
    """Return the same of jax."""
    import jax
    import jax.numpy as jnp

    def at(z, y):
        return jnp.take_along_axis(z, y[:, None], 1)[:, 0]

    losses = {
        "log_softmax": lambda z, y: -at(jax.nn.log_softmax(z), y),
        "log of softmax": lambda z, y: -jnp.log(at(jax.nn.softmax(z), y)),
        "logsumexp": lambda z, y: jax.nn.logsumexp(z, 1) - at(z, y),
    }
    return losses, _along("jax", derivative)


def _along(name, derivative):
    framework = framework_named(name)

    def along(f, z, y, v):
        z, y, v = (framework.present(np.array(array))[0] for array in (z, y, v))
        return host_array(getattr(framework, derivative)(f, (z, y), 0, {}, v))

    return along


FRAMEWORKS = [
    pytest.param(of_torch, marks=pytest.mark.needs("torch")),
    pytest.param(of_jax, marks=pytest.mark.needs("jax")),
]
