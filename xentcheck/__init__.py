"""xentcheck tells whether a cross-entropy loss is right, how accurate it is and how fast, and proves what it says.

Everything is imported when it is first asked for: the process beside a target imports this package too, and must not
pay for, or be changed by, what it does not need.
"""

from __future__ import annotations

from xentcheck.version import __version__

# Not from `typing`, which imports `re`: `python -m xentcheck` has the working directory first on its path until
# `__main__` has taken it away, and would import a re.py there.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xentcheck import reference
    from xentcheck.api import check, probe
    from xentcheck.contract import Contract, ContractError
    from xentcheck.pytest_plugin import parametrize
    from xentcheck.report.report import FindingsError, Report
    from xentcheck.targets.call.adapter import Adapter
    from xentcheck.targets.errors import TargetError


__all__ = [
    "Adapter",
    "Contract",
    "ContractError",
    "FindingsError",
    "Report",
    "TargetError",
    "__version__",
    "check",
    "parametrize",
    "probe",
    "reference",
]

_HOMES = {
    "Adapter": "xentcheck.targets.call.adapter",
    "Contract": "xentcheck.contract",
    "ContractError": "xentcheck.contract",
    "FindingsError": "xentcheck.report.report",
    "Report": "xentcheck.report.report",
    "TargetError": "xentcheck.targets.errors",
    "check": "xentcheck.api",
    "probe": "xentcheck.api",
    "parametrize": "xentcheck.pytest_plugin",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    import importlib

    if name == "reference":
        return importlib.import_module("xentcheck.reference")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'xentcheck' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
