"""A limit of the memory that a target's process may have."""

from __future__ import annotations

import re
import resource
import sys
from dataclasses import dataclass

from xentcheck.contract.harmless import harmless
from xentcheck.targets.errors import TargetError

_UNITS = {
    "": 1,
    "B": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("KMGT", 1)},
    **{f"{prefix}IB": 1024**power for power, prefix in enumerate("KMGT", 1)},
}
_LEAST = 200 * 1000**2  # bytes; Python and numpy alone have a quarter of that
_NEAR = 0.9  # the share of the limit from which a death is put down to it: nobody asks for memory byte by byte
_WORDS = re.compile(
    r"MemoryError|bad_alloc|(cannot|can't|failed to|unable to) allocate|out of memory|OutOfMemory|RESOURCE_EXHAUSTED",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class MemoryLimit:
    """What the private memory of each process of a target may come to.

    Parameters
    ----------
    size : int
        Bytes.
    said : str
        As the user gave it.
    """

    size: int
    said: str

    @property
    def reached(self) -> str:
        """The sentence that it was reached, without its end."""
        return f"the limit of memory, --memory {self.said}, was reached"

    def explains(self, words: str, most: int = 0) -> bool:
        """Whether an end or an exception is put down to the limit.

        Parameters
        ----------
        words : str
            An exception's kind and message, or what a process printed last.
        most : int
            The most memory that the process had, in bytes.
        """
        return most >= _NEAR * self.size or _WORDS.search(words) is not None


def memory_limit(given: int | str | None) -> MemoryLimit | None:
    """Return the limit that a number of bytes or a text such as "4GB" or "512MiB" states.

    Raises
    ------
    TargetError
        If it states none, or too little for any target, or this system keeps no process to it.
    """
    if given is None:
        return None
    said = harmless(str(given), 40)
    found = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?)\s*([a-z]*)\s*", said, re.IGNORECASE | re.ASCII)
    if isinstance(given, bool) or found is None or found.group(2).upper() not in _UNITS:
        raise TargetError(f"--memory is '{said}', but must be a size such as 4GB or 512MiB.")
    size = int(float(found.group(1)) * _UNITS[found.group(2).upper()])
    if size < _LEAST:
        raise TargetError(
            f"--memory is '{said}', {size:,} bytes, but must be at least 200MB, a quarter of it for Python and numpy."
        )
    if not sys.platform.startswith("linux"):
        raise TargetError(f"--memory needs Linux: {sys.platform} keeps no process to a limit of its memory.")
    return MemoryLimit(size, said)


def limit_memory(size: int | None) -> None:
    """Keep this process, and each that it starts, to so many bytes of private memory; None for no limit.

    Linux counts what can be written and belongs to one process alone: not code, not files, not what is shared
    or only reserved, so that frameworks that reserve much and use little are not in its way.
    """
    if size is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
