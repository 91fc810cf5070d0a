"""The multiclass logistic loss of jaxopt, which is of one row."""

from __future__ import annotations

import jax
from jaxopt.loss import multiclass_logistic_loss

each = jax.vmap(multiclass_logistic_loss)
"""Labels first; the loss of each row."""
