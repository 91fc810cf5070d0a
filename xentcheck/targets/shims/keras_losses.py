"""The two losses of Keras 3 as functions; the backend is that which is set before this is imported."""

from __future__ import annotations

import os

from keras.losses import categorical_crossentropy, sparse_categorical_crossentropy

__all__ = ["categorical_crossentropy", "require", "sparse_categorical_crossentropy"]


def require(backend: str) -> None:
    """Raise RuntimeError if Keras was imported with another backend before."""
    from keras.config import backend as chosen

    if chosen() != backend:
        raise RuntimeError(
            f"Keras runs with the backend {chosen()}, not {backend}; judge one backend a process, with "
            f"KERAS_BACKEND={os.environ.get('KERAS_BACKEND', '')} unset"
        )
