"""Versions of packages, however they are spelled."""

from __future__ import annotations

from packaging.version import InvalidVersion, Version


def release(version: str) -> str:
    """Return a version without what is local of it, in one spelling: a module may state "1-dev2" of "1.dev2"."""
    try:
        return Version(version).public
    except InvalidVersion:
        return version.partition("+")[0]


def is_tried(version: str, tried: str) -> bool:
    """Return whether a version is the one that was tried, or from the first to the last of "1.0 to 1.2"."""
    first, _, last = map(release, tried.partition(" to "))
    if release(version) in (first, last):
        return True
    try:
        return bool(last) and Version(first) < Version(release(version)) < Version(last)
    except InvalidVersion:
        return False
