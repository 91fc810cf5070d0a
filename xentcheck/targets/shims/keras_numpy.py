"""Keras 3 on numpy."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "numpy"
from xentcheck.targets.shims.keras_losses import categorical_crossentropy, require, sparse_categorical_crossentropy

require("numpy")
__all__ = ["categorical_crossentropy", "sparse_categorical_crossentropy"]
