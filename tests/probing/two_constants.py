"""Losses with two constants inside, of which neither explains an answer alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.probing.unseen import log_softmax

WEIGHTS = np.array([0.5, 2.0, 1.25])


def _smoothed(labels: Any, m: int) -> Any:
    return np.eye(m)[labels] * 0.9 + 0.1 / m


def smoothing_and_z_loss(z: Any, labels: Any) -> Any:
    """As language models have both."""
    logs = log_softmax(z)
    lse = (z - logs)[:, 0]
    return (-(_smoothed(labels, z.shape[1]) * logs).sum(axis=1) + 1e-4 * lse**2).mean()


def smoothing_and_eps(p: Any, t: Any) -> Any:
    """Every class has a share, and a constant in its logarithm."""
    return -((t * 0.9 + 0.1 / p.shape[1]) * np.log(p + 1e-8)).sum(axis=1).mean()


def smoothing_and_clip(p: Any, t: Any) -> Any:
    """The same with a clip from both sides."""
    return -((t * 0.9 + 0.1 / p.shape[1]) * np.log(np.clip(p, 1e-7, 1 - 1e-7))).sum(axis=1).mean()


def weights_and_smoothing(z: Any, labels: Any) -> Any:
    """A row carries the weight of its label."""
    logs = log_softmax(z)
    return (-(_smoothed(labels, z.shape[1]) * logs).sum(axis=1) * WEIGHTS[labels]).mean()


def weights_within_smoothing(z: Any, labels: Any) -> Any:
    """Each class carries its own."""
    logs = log_softmax(z)
    return -(_smoothed(labels, z.shape[1]) * logs * WEIGHTS).sum(axis=1).mean()


def weights_and_eps(p: Any, labels: Any) -> Any:
    """What the eps adds is no further digit of a weight."""
    return (-np.log(p[np.arange(len(labels)), labels] + 1e-9) * WEIGHTS[labels]).mean()


def weights_beside_an_argument(z: Any, labels: Any, label_smoothing: float = 0.0) -> Any:
    """Constant weights within a smoothing that the caller gives."""
    logs = log_softmax(z)
    t = np.eye(z.shape[1])[labels] * (1 - label_smoothing) + label_smoothing / z.shape[1]
    return -(t * logs * WEIGHTS).sum(axis=1).mean()


def over_the_weights(z: Any, labels: Any) -> Any:
    """A mean over the weights, of which only ratios show."""
    logs = log_softmax(z)
    weights = WEIGHTS[labels]
    return (-logs[np.arange(len(labels)), labels] * weights).sum() / weights.sum()
