"""`xentcheck probe`: the contract of a callable that nobody documented, inferred from its answers."""

from __future__ import annotations

from xentcheck.probing.inference import Finding, Inference
from xentcheck.probing.run import infer

__all__ = ["Finding", "Inference", "infer"]
