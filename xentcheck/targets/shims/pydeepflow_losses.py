"""pydeepflow's categorical loss, on its CPU device."""

from __future__ import annotations

from typing import Any

from pydeepflow import losses
from pydeepflow.device import Device

_DEVICE = Device(use_gpu=False)


def loss(labels: Any, probabilities: Any) -> Any:
    """Return the mean loss."""
    return losses.categorical_crossentropy(labels, probabilities, _DEVICE)


def gradient(labels: Any, probabilities: Any) -> Any:
    """Return the derivative of the sum."""
    return losses.categorical_crossentropy_derivative(labels, probabilities, _DEVICE)
