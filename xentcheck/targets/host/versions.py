"""Which versions are installed, or loaded, in the interpreter that asks."""

from __future__ import annotations

import os
import sys

_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")


def installed_version(package: str) -> str:
    """Return the version of an installed package, or ""."""
    if not package:
        return ""
    import importlib.metadata  # slow to import, and a worker beside its own kind can do without

    try:
        return importlib.metadata.version(package)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return ""


def loaded_versions(*packages: str) -> dict[str, str]:
    """Return the versions of the installed packages that are loaded now, as they state them or were installed.

    Parameters
    ----------
    *packages : str
        Those that are told even if they are not loaded; "" is passed over.
    """
    stated = dict.fromkeys(packages, "")
    for name, module in list(sys.modules.items()):
        known = getattr(module, "__dict__", {})
        version, file = known.get("__version__"), known.get("__file__")
        if "." not in name and isinstance(file, str) and any(place in file for place in _INSTALLED):
            stated[name] = version if isinstance(version, str) else ""
    found = {
        name: version or installed_version(name)
        for name, version in stated.items()
        if name[:1] != "_" and name != "xentcheck"
    }
    return {name: version for name, version in found.items() if version}
