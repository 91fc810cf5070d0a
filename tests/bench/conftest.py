"""Targets to time, made of plain functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as File
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from xentcheck.bench.paths import Path
from xentcheck.targets.call.target import Functions, Target

Array = NDArray[Any]


def log_loss(logits: Array, labels: Array) -> Any:
    """Return the mean loss for either label form."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    lse = np.log(np.exp(shifted).sum(axis=1))
    if labels.ndim == 2:
        return (lse - (labels * shifted).sum(axis=1)).mean()
    return (lse - shifted[np.arange(len(shifted)), labels]).mean()


@pytest.fixture
def path() -> Callable[..., Path]:
    """Makes a path of functions."""

    def made(form: str = "sparse", contract: dict[str, Any] | None = None, **functions: Any) -> Path:
        given = functions or {"loss": log_loss}
        return Path(Target(Functions(**given), contract=contract or {}, name="mine"), form)

    return made


@pytest.fixture
def mine(tmp_path: File, monkeypatch: pytest.MonkeyPatch) -> File:
    """The current directory, with a file of losses."""
    (tmp_path / "mine.py").write_text(
        """
import os

import numpy as np


def loss(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(shifted)), labels]).mean()


def gradient(logits, labels):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    exponentials /= exponentials.sum(axis=1, keepdims=True)
    exponentials[np.arange(len(logits)), labels] -= 1
    return exponentials / len(logits)


def crash(logits, labels):
    os._exit(7)


def refuse(logits, labels):
    raise ValueError("too\\nfew")


class Dense:
    def loss(self, labels, probabilities):
        return -(labels * np.log(probabilities)).sum()

    def grad(self, labels, probabilities):
        return probabilities - labels
"""
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path
