"""The adapter of a framework, by name."""

from __future__ import annotations

import sys

from xentcheck.targets.call.framework import NumpyFramework

FRAMEWORKS = ("torch", "jax", "autograd", "mlx", "mygrad", "paddle", "tensorflow", "tinygrad")
"""Those that are imported when they are first needed."""
ROOTS = {**{name: name for name in FRAMEWORKS}, "jaxlib": "jax"}
"""The framework whose arrays are of a type that a package defines."""


def framework_named(name: str) -> NumpyFramework:
    """Return the adapter of "numpy" or of one of `FRAMEWORKS`, which imports that."""
    if name == "torch":
        from xentcheck.targets.call.framework_torch import TorchFramework

        return TorchFramework()
    if name == "jax":
        from xentcheck.targets.call.framework_jax import JaxFramework

        return JaxFramework()
    if name in FRAMEWORKS:
        from xentcheck.targets.call import framework_functions

        return framework_functions.BY_NAME[name]()
    return NumpyFramework()


def imported() -> list[str]:
    """Return the frameworks that the target has imported, those that are most used first."""
    return [name for name in FRAMEWORKS if name in sys.modules]
