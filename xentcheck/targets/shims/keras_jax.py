"""Keras 3 on jax."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"
from xentcheck.targets.shims.keras_losses import categorical_crossentropy, require, sparse_categorical_crossentropy

require("jax")
__all__ = ["categorical_crossentropy", "sparse_categorical_crossentropy"]
