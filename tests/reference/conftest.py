"""The reference as it comes, and with its rows compiled; batches for it."""

from __future__ import annotations

import functools
import types

import numpy as np
import pytest

import xentcheck.reference
from xentcheck.reference import cut, rows


@pytest.fixture(params=["numpy", pytest.param("compiled", marks=pytest.mark.needs("numba"))])
def reference(request):
    """The public functions of logits: by numpy, and by numba where that is asked for."""
    names = [
        f"{form}{part}" for form in ("", "sparse_", "onehot_") for part in ("loss", "gradient", "loss_and_gradient")
    ]
    options = {"compiled": True} if request.param == "compiled" else {}
    return types.SimpleNamespace(
        **{name: functools.partial(getattr(xentcheck.reference, name), **options) for name in names}
    )


@pytest.fixture
def calls(reference):
    """Return the loss, the gradient, and both for labels of some form."""

    def calls(labels):
        form = "sparse" if labels.ndim == 1 else "onehot"
        return [getattr(reference, f"{form}_{part}") for part in ("loss", "gradient", "loss_and_gradient")]

    return calls


@pytest.fixture
def given():
    """Return logits, and labels of a kind: "sparse", "onehot", "soft", "weighted" or "mixed"."""
    return _given


@pytest.fixture
def dense_labels():
    """Return dense labels of a kind for some classes."""
    return _dense


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 256 numbers of float32 and 128 of float64, pieces of 128, strips of 64, runs of 32, groups of 8."""
    monkeypatch.setattr(cut, "BLOCK", 2**10)
    monkeypatch.setattr(cut, "PIECE", 2**7)
    monkeypatch.setattr(cut, "STRIP", 2**6)
    monkeypatch.setattr(cut, "GROUP", 2**3)
    monkeypatch.setattr(rows, "RUN", 2**5)


def _logits(rng, n, m, dtype):
    """Return rows of several kinds: spread, confident, at an offset, tied, with huge gaps."""
    z = rng.standard_normal((n, m)) * np.exp(rng.uniform(-3, 4, (n, 1)))
    z[1::5] += rng.choice([-1e4, 1e6])
    z[2::5, -1] += 40.0
    z[3::5] = np.round(z[3::5])
    z[4::5] *= 1e3
    return z.astype(dtype)


def _dense(rng, kind, y, n, m, dtype):
    """Return labels of one kind."""
    t = np.zeros((n, m), dtype)
    t[np.arange(n), y] = 1
    soft = rng.dirichlet(np.ones(m), n).astype(dtype) if m > 1 else t
    if kind == "soft":
        return soft
    if kind == "weighted":
        return t * rng.uniform(0.1, 3.0, (n, 1)).astype(dtype)
    if kind == "mixed":
        t[::3], t[1::4] = soft[::3], 0
    return t


def _given(kind, n, m, dtype, seed=0):
    """Return logits and labels of a kind."""
    rng = np.random.default_rng([seed, n, m])
    z, y = _logits(rng, n, m, dtype), rng.integers(m, size=n)
    y[2::5] = m - 1
    return z, y if kind == "sparse" else _dense(rng, kind, y, n, m, dtype)
