"""Jax targets with planted behaviour."""

import jax
import jax.numpy as jnp
import numpy as np


def loss(z, y):
    z = jnp.asarray(z)
    return jnp.mean(jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, jnp.reshape(y, (-1, 1)), 1)[:, 0])


def untraceable(z, y):
    return loss(z, y) if float(z[0, 0]) < 100 else loss(z, y) * 2


def numpy_inside(z, y):
    return jnp.asarray(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), y]).mean()


def called_back(z, y):
    """A callback on the host takes labels that it was not handed: it raises there if they are traced."""

    def on_host(scores):
        scores = np.asarray(scores)
        return np.asarray(np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(scores)), np.asarray(y)])

    return jax.pure_callback(on_host, jax.ShapeDtypeStruct((len(z),), z.dtype), z).mean()


def one_hot_times(z, y):
    return -(jax.nn.one_hot(y, z.shape[1], dtype=z.dtype) * jax.nn.log_softmax(z)).sum(axis=1)


TRACED = []


def smoothed(z, y, smoothing=0.0):
    TRACED.append(isinstance(z, jax.core.Tracer))
    plain = loss(z, y)
    if not smoothing:
        return plain
    z = jnp.asarray(z)
    return (1 - smoothing) * plain + smoothing * jnp.mean(jax.nn.logsumexp(z, axis=1) - z.mean(axis=1))
