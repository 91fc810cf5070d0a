"""Independent, uncertified calculations that are held against the enclosures.

A witness is never the judge. It returns values; the engine knows the radius within which they ought to be right, and
a `WitnessTally` counts how many are. A disagreement is a fault of the witness or of xentcheck, and is reported as such.

This package imports neither jax nor scipy until one of their functions is called.
"""

from __future__ import annotations

from xentcheck.witnesses.differences import (
    directional,
    dyadic_direction,
    dyadic_scores,
    inner,
)
from xentcheck.witnesses.jax_autodiff import jax_loss_and_gradient, run_in_process
from xentcheck.witnesses.report import WitnessTally
from xentcheck.witnesses.scipy_log_softmax import scipy_loss_and_gradient

__all__ = [
    "WitnessTally",
    "directional",
    "dyadic_direction",
    "dyadic_scores",
    "inner",
    "jax_loss_and_gradient",
    "run_in_process",
    "scipy_loss_and_gradient",
]
