"""`xentcheck probe`: the contract of a callable that nobody documented, inferred from its answers."""

from __future__ import annotations

from xentcheck.probing.inference import Finding, Inference
from xentcheck.probing.run import infer, infer_undeclared
from xentcheck.probing.taking import taken
from xentcheck.probing.undeclared import probed

__all__ = ["Finding", "Inference", "infer", "infer_undeclared", "probed", "taken"]
