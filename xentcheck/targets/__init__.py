"""The implementations under test: how they are named, found, called, and kept in a process of their own."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xentcheck.targets.description import TargetDescription
    from xentcheck.targets.errors import TargetError
    from xentcheck.targets.find.listing import Available, available
    from xentcheck.targets.host.open import Ahead, Host, import_ahead, open_host
    from xentcheck.targets.outcome import OBSERVATIONS, Outcome, Raised
    from xentcheck.targets.specification import TargetSpecification

__all__ = [
    "OBSERVATIONS",
    "Ahead",
    "Available",
    "Host",
    "Outcome",
    "Raised",
    "TargetDescription",
    "TargetError",
    "TargetSpecification",
    "available",
    "import_ahead",
    "open_host",
]

# Resolved when asked for: the worker imports this package too, and must not import what only its parent needs.
_HOMES = {
    "Ahead": "host.open",
    "Available": "find.listing",
    "available": "find.listing",
    "Host": "host.open",
    "OBSERVATIONS": "outcome",
    "Outcome": "outcome",
    "Raised": "outcome",
    "TargetDescription": "description",
    "TargetError": "errors",
    "TargetSpecification": "specification",
    "import_ahead": "host.open",
    "open_host": "host.open",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"xentcheck.targets.{_HOMES[name]}"), name)
