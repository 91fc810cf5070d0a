"""neuralnetlib's losses, which are instances that are called."""

from __future__ import annotations

from neuralnetlib.losses import CategoricalCrossentropy, SparseCategoricalCrossentropy

categorical, sparse = CategoricalCrossentropy().__call__, SparseCategoricalCrossentropy().__call__
