"""The adapter of a framework, by name."""

from __future__ import annotations

from xentcheck.targets.call.framework import NumpyFramework

FRAMEWORKS = ("torch", "jax")
"""Those that are imported when they are first needed."""


def framework_named(name: str) -> NumpyFramework:
    """Return the adapter "numpy", "torch" or "jax"; the last two import their framework."""
    if name == "torch":
        from xentcheck.targets.call.framework_torch import TorchFramework

        return TorchFramework()
    if name == "jax":
        from xentcheck.targets.call.framework_jax import JaxFramework

        return JaxFramework()
    return NumpyFramework()
