"""Versions of packages, however they are spelled."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version


def release(version: str) -> str:
    """Return a version without what is local of it, in one spelling: a module may state "1-dev2" of "1.dev2"."""
    try:
        return Version(version).public
    except InvalidVersion:
        return version.partition("+")[0]
