"""Where in the target an exception came from."""

from __future__ import annotations

import os
import traceback

from xentcheck.targets.outcome import Raised

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LONGEST_MESSAGE = 2000


def raised_by(error: BaseException, call: str) -> Raised:
    """Return what an exception says of itself; `call` is what was being done."""
    try:
        message = str(error)
    except BaseException:  # whatever the target's exception raises when it is read
        message = "its text cannot be had"
    return Raised(type(error).__name__, message[:_LONGEST_MESSAGE], call, innermost(error))


def innermost(error: BaseException) -> str:
    """Return "file:line in function" of the innermost frame outside this package, or ""."""
    where = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = frame.f_code.co_filename
        if not os.path.abspath(path).startswith(_OURS) or os.path.basename(path).startswith("shim_"):
            where = f"{shown_path(path)}:{line} in {frame.f_code.co_name}"
    return where


def shown_path(path: str) -> str:
    """Return a path as a reader wants it: relative to the current directory, or to where packages are installed."""
    _, installed, inside = path.rpartition(f"{os.sep}site-packages{os.sep}")
    if installed:
        return inside
    here = os.getcwd() + os.sep
    return path[len(here) :] if path.startswith(here) else path
