"""Keras 3 on tensorflow."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
from xentcheck.targets.shims.keras_losses import categorical_crossentropy, require, sparse_categorical_crossentropy

require("tensorflow")
__all__ = ["categorical_crossentropy", "sparse_categorical_crossentropy"]
