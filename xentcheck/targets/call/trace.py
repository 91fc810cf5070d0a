"""Where in the target an exception came from."""

from __future__ import annotations

import os
import re
import traceback
from typing import Any

from xentcheck.targets.outcome import Raised

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # all of `targets`
_FRAMES = re.compile(r"^[ \t]*(c\+\+ )?(backtrace|stack ?trace|traceback)\b[^\n]*$", re.IGNORECASE | re.MULTILINE)
"""The line with which libraries begin to list them."""
_SHIMS = os.path.join(_OURS, "shims", "")


def raised_by(error: BaseException, call: str) -> Raised:
    """Return what an exception says of itself; `call` is what was being done."""
    return Raised(kind_of(error), message_of(error), call, innermost(error))


def kind_of(error: BaseException) -> str:
    """Return the name of an exception's class."""
    return str(type.__dict__["__name__"].__get__(type(error)))  # whatever its metaclass says


def message_of(error: BaseException) -> str:
    """Return the text of an exception, whatever happens when it is read, without the frames that a library adds.

    They stand after what is said or, as in a traceback of Python, before it: there they are indented, and it is not.
    """
    try:
        text = str(error)
    except BaseException:
        return "its text cannot be had"
    frames = _FRAMES.search(text)
    if frames is None:
        return text
    below = text[frames.end() :].split("\n")
    first = next((place for place, line in enumerate(below) if line.strip() and not line[0].isspace()), len(below))
    return text[: frames.start()].strip() or ("\n".join(below[first:]).strip() if first > 1 else "") or text


def said_of(error: BaseException) -> str:
    """Return kind, message and place of an exception in one line, frames of this package counted."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{kind_of(error)}: {' '.join(message_of(error).split())[:300]}{place}"


def module_of(found: Any) -> str:
    """Return the name of the module that an object or a class says it is of, or "" where that is no name."""
    try:
        name = getattr(found, "__module__", None)
    except Exception:
        return ""
    return str(name) if isinstance(name, str) else ""


def innermost(error: BaseException) -> str:
    """Return "file:line in function" of the innermost frame outside this package, or ""."""
    where = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        path = frame.f_code.co_filename
        ours = _absolute(path).startswith(_OURS)
        if not ours or _absolute(path).startswith(_SHIMS):
            where = f"{shown_path(path)}:{line} in {frame.f_code.co_name}"
    return where


def shown_path(path: str) -> str:
    """Return a path as a reader wants it: relative to the current directory, or to where packages are installed."""
    _, installed, inside = path.rpartition(f"{os.sep}site-packages{os.sep}")
    if installed:
        return inside
    here = _absolute("") + os.sep
    return path[len(here) :] if path.startswith(here) else path


def _absolute(path: str) -> str:
    """Return a path from the root; as it is where the target has deleted the current directory."""
    try:
        return os.path.abspath(path)
    except OSError:
        return path
