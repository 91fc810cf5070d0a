"""What a call allocates."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["sparse", "onehot"])
@pytest.mark.parametrize(
    "shape", [(210_000, 10), (21_000, 100), (16_384, 128), (2100, 1000), (210, 10_007), (8, 262_144)]
)
def test_memory_beside_the_gradient_is_a_tenth_of_the_logits(shape, kind, dtype, calls):
    """There is no temporary as large as the logits, with one thread and with two."""
    n, m = shape
    z, y = np.ones(shape, dtype), np.arange(n) % m
    labels = y
    if kind == "onehot":
        labels = np.zeros(shape, dtype)
        labels[np.arange(n), y] = 1
    loss, _, both = calls(labels)
    for threads in (1, 2):
        assert peak(lambda t=threads: loss(z, labels, threads=t)) < 0.1 * z.nbytes
        assert peak(lambda t=threads: both(z, labels, threads=t)) < 1.1 * z.nbytes
        out = np.empty_like(z)
        assert peak(lambda t=threads, o=out: both(z, labels, out=o, threads=t)) < 0.1 * z.nbytes


def test_soft_labels_and_strided_logits_need_little_more(calls):
    """However their rows are given to the threads."""
    z, t = np.ones((2100, 2000), np.float32)[:, ::2], np.full((2100, 1000), 1e-3, np.float32)
    for threads in (1, 2):
        for logits, labels, part in ((z.copy(), t, 0.1), (z, t[:, 0].astype(int), 0.13)):
            assert peak(lambda n=threads, a=logits, b=labels: calls(b)[0](a, b, threads=n)) < part * z.nbytes


def peak(call):
    """Return how many bytes a call allocates at the most, what it returns included; the first one may compile."""
    call()
    tracemalloc.start()
    try:
        result = call()
        del result
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
