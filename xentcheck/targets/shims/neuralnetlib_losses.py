"""neuralnetlib's losses, whose derivatives are methods of another name."""

from __future__ import annotations

from neuralnetlib.losses import CategoricalCrossentropy, SparseCategoricalCrossentropy

_CATEGORICAL, _SPARSE = CategoricalCrossentropy(), SparseCategoricalCrossentropy()
categorical, categorical_gradient = _CATEGORICAL.__call__, _CATEGORICAL.derivative
sparse, sparse_gradient = _SPARSE.__call__, _SPARSE.derivative
