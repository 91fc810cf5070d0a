"""Losses with two constants inside, of which neither explains an answer alone; with three where it says so."""

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


def temperature_and_smoothing(z: Any, labels: Any) -> Any:
    """Logits over a temperature, the share over all classes."""
    return -(_smoothed(labels, z.shape[1]) * log_softmax(z / 0.7)).sum(axis=1).mean()


def temperature_and_smoothing_over_the_others(z: Any, labels: Any) -> Any:
    """The same with the share over the others, which three classes alone do not tell."""
    t = np.full(z.shape, 0.1 / (z.shape[1] - 1))
    t[np.arange(len(labels)), labels] = 0.9
    return -(t * log_softmax(z / 0.7)).sum(axis=1).mean()


def temperature_and_z_loss(z: Any, labels: Any) -> Any:
    """One loss a row."""
    return _with_z_loss(z / 2.0, labels, 1e-3)


def cap_and_z_loss(z: Any, labels: Any) -> Any:
    """As language models have both; ordinary logits hardly show the cap."""
    return _with_z_loss(30.0 * np.tanh(z / 30.0), labels, 1e-4).mean()


def cap_and_smoothing(z: Any, labels: Any) -> Any:
    """A sum."""
    return -(_smoothed(labels, z.shape[1]) * log_softmax(15.0 * np.tanh(z / 15.0))).sum()


def _with_z_loss(z: Any, labels: Any, amount: float) -> Any:
    logs = log_softmax(z)
    return amount * (z - logs)[:, 0] ** 2 - logs[np.arange(len(labels)), labels]


def smoothing_over_the_weights(z: Any, labels: Any) -> Any:
    """Smoothed rows carry the weight of their label, by which the mean divides."""
    losses = -(_smoothed(labels, z.shape[1]) * log_softmax(z)).sum(axis=1)
    return (losses * WEIGHTS[labels]).sum() / WEIGHTS[labels].sum()


def smoothing_within_the_weights(z: Any, labels: Any) -> Any:
    """As CrossEntropyLoss of torch: each class carries its own, and the mean divides by those of the labels."""
    return -(_smoothed(labels, z.shape[1]) * log_softmax(z) * WEIGHTS).sum() / WEIGHTS[labels].sum()


def smoothing_by_the_mean_weight(z: Any, labels: Any) -> Any:
    """As paddle: rows carry the mean weight under the smoothed label, by which the mean divides."""
    t = _smoothed(labels, z.shape[1])
    weights = (t * WEIGHTS).sum(axis=1)
    return (-(t * log_softmax(z)).sum(axis=1) * weights).sum() / weights.sum()


def _kept(z: Any, labels: Any, padding: int) -> Any:
    """Return losses with their weights, and the weights, of the rows that do not have one label."""
    keep = labels != padding
    weights = WEIGHTS[labels][keep]
    return -log_softmax(z)[keep, labels[keep]] * weights, weights


def weights_and_padding(z: Any, labels: Any) -> Any:
    """A mean over the weights of what is no padding, the class 1."""
    losses, weights = _kept(z, labels, 1)
    with np.errstate(all="ignore"):
        return losses.sum() / weights.sum()


def weights_and_padding_over_the_kept(z: Any, labels: Any) -> Any:
    """A mean over their number; padding is class 0."""
    losses, _ = _kept(z, labels, 0)
    with np.errstate(all="ignore"):
        return losses.sum() / np.float64(losses.size)


def weights_and_padding_summed(z: Any, labels: Any) -> Any:
    """A sum, which a weight of 0 would give, too, but for a row of nan."""
    return _kept(z, labels, 0)[0].sum()
