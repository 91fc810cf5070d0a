"""`xentcheck probe`: the contract of a callable that nobody documented, inferred from its answers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xentcheck.probing.begin import infer, infer_undeclared
    from xentcheck.probing.inference import Finding, Inference
    from xentcheck.probing.taking import taken
    from xentcheck.probing.undeclared import probed

__all__ = ["Finding", "Inference", "infer", "infer_undeclared", "probed", "taken"]

# Resolved when asked for: a target's process is started before what judges its answers is imported.
_HOMES = {
    "Finding": "inference",
    "Inference": "inference",
    "infer": "begin",
    "infer_undeclared": "begin",
    "probed": "undeclared",
    "taken": "taking",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"xentcheck.probing.{_HOMES[name]}"), name)
