"""Keras 3 on torch."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"
from xentcheck.targets.shims.keras_losses import categorical_crossentropy, require, sparse_categorical_crossentropy

require("torch")
__all__ = ["categorical_crossentropy", "sparse_categorical_crossentropy"]
