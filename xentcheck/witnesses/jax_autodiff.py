"""jax autodiff in float64 as a witness: jitted, one compilation for each bucket of shapes, never eager.

A new shape costs jax half a second to a second, a jitted call less than a millisecond, an eager value_and_grad seven.
So rows of all batches are gathered by their number of classes, rounded up to a few sizes, and sent in blocks of one
height for each of these, padded.

The radius of these values is the tight allowance of grade B with k_e = k_l = 2 (XLA's float64 exp was seen to be within
1.65 ulp) and h = m - 1, with the smallest *normal* number for eta, since XLA flushes subnormals to zero.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.witnesses.compilation_cache import default_cache_directory, use_cache
from xentcheck.witnesses.rows import answerable

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]

CLASS_BUCKETS = (4, 16, 128, 1024, 32768)
HEIGHT, HEIGHT_IF_WIDE = 64, 8  # rows of a block, of up to 1024 classes and of more


def jax_loss_and_gradient(batches: Sequence[Pair]) -> list[Pair]:
    """Return the loss of each row and its gradient for many batches.

    Parameters
    ----------
    batches : sequence of (scores, targets)
        Logits and dense labels, both float64 of shape (n, m); shapes may differ from batch to batch.

    Returns
    -------
    list of (losses, gradient)
        float64 of shapes (n,) and (n, m). Rows without a finite maximum are nan, see `rows.answerable`.

    Notes
    -----
    Runs in this process. Nothing of jax's configuration changes: float64 is enabled for the call only.
    """
    answers = [(np.full(len(scores), np.nan), np.full(scores.shape, np.nan)) for scores, _ in batches]
    waiting: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, (scores, _) in enumerate(batches):
        waiting[_class_bucket(scores.shape[1])] += [(number, int(row)) for row in np.flatnonzero(answerable(scores))]
    for width, places in waiting.items():
        height = _height(width)
        for start in range(0, len(places), height):
            _answer(batches, answers, places[start : start + height], width)
    return answers


def usual() -> list[Pair]:
    """Return batches that have jax imported and the shapes compiled that nearly every run needs."""
    return [(np.zeros((1, m)), np.full((1, m), 1.0 / m)) for m in CLASS_BUCKETS if _height(m) == HEIGHT]


def run_in_process(batches: Sequence[Pair], cache_directory: str | Path | None = None) -> list[Pair]:
    """Configure this process for jax alone, then return `jax_loss_and_gradient(batches)`.

    Meant for a process of xentcheck's own, such as that of a `ProcessPoolExecutor` with the start method "spawn". It
    sets what a user's process should not have set for it: jax's platform (the CPU), its silence, and the
    persistent compilation cache.

    Parameters
    ----------
    cache_directory : path, optional
        Where compilations are kept; by default `compilation_cache.default_cache_directory()`. A directory that cannot
        be written is done without.
    """
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    use_cache(Path(cache_directory) if cache_directory is not None else default_cache_directory())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return jax_loss_and_gradient(batches)


def _answer(batches: Sequence[Pair], answers: list[Pair], places: list[tuple[int, int]], width: int) -> None:
    """Fill in the answers to the rows at `places` (batch, row), all at most `width` classes wide."""
    height = _height(width)
    # Padding: a class more is one of logit -inf and weight 0; a row more is a row of zeros that weighs nothing.
    z, t, weights = np.zeros((height, width)), np.zeros((height, width)), np.zeros(height)
    for line, (number, row) in enumerate(places):
        scores, targets = batches[number]
        m = scores.shape[1]
        z[line, :m], z[line, m:], t[line, :m], weights[line] = scores[row], -np.inf, targets[row], 1.0
    losses, gradient = _compiled_call(z, t, weights)
    for line, (number, row) in enumerate(places):
        answers[number][0][row] = losses[line]
        answers[number][1][row] = gradient[line, : batches[number][0].shape[1]]


def _class_bucket(m: int) -> int:
    """Return the number of classes to which m is padded."""
    return next((size for size in CLASS_BUCKETS if size >= m), 1 << (m - 1).bit_length())


def _height(width: int) -> int:
    """Return the number of rows to which a block of so many classes is padded."""
    return HEIGHT if width <= 1024 else HEIGHT_IF_WIDE


def _compiled_call(z: Floats, t: Floats, weights: Floats) -> Pair:
    """Return row losses and gradient of one padded block as numpy arrays."""
    with _float64():
        (_, losses), gradient = _value_and_gradient()(z, t, weights)
        return np.asarray(losses), np.asarray(gradient)


def _float64() -> Any:
    """Return the context in which jax computes in float64; its name moved out of jax.experimental."""
    import jax

    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    import jax.experimental

    return jax.experimental.enable_x64()


@functools.cache
def _value_and_gradient() -> Callable[..., Any]:
    """Return the jitted function of (z, t, weights) that gives ((sum, losses), gradient)."""
    import jax
    import jax.numpy as jnp

    def summed(z: Any, t: Any, weights: Any) -> tuple[Any, Any]:
        present = z > -jnp.inf
        maximum = jax.lax.stop_gradient(jnp.max(z, axis=1, keepdims=True))
        # Masked before exp as well as after it. The derivative of a `where` multiplies that of the branch not taken by
        # zero, so an infinity in there would become nan as soon as the compiler chose another form of it.
        shifted = jnp.where(present, z - maximum, 0.0)
        exponentials = jnp.where(present, jnp.exp(shifted), 0.0)
        gaps = jnp.where(t > 0, maximum - z, 0.0)
        losses = jnp.sum(t, axis=1) * jnp.log(jnp.sum(exponentials, axis=1)) + jnp.sum(t * gaps, axis=1)
        # A weight of 0 leaves a padded row out of the sum, and its losses are finite, so 0 times them is 0.
        return jnp.sum(jnp.where(weights > 0, weights * losses, 0.0)), losses

    return jax.jit(jax.value_and_grad(summed, has_aux=True))  # type: ignore[no-any-return]
