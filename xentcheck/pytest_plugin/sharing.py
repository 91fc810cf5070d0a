"""Work that is done once in a run, also where xdist spreads the tests over processes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path


class Once:
    """Texts that are made when they are first asked for.

    Parameters
    ----------
    folder : Path or None
        Where the processes of a run leave them for each other; None where there is one process.

    Notes
    -----
    The tests of a target may come to any worker, with every ``--dist``. The first that needs a text makes it under a
    lock, and the others wait for it. A process that dies at it leaves its mark, so that no other dies the same way.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}

    def text(self, key: str, make: Callable[[], str]) -> str:
        """Return the text of a key; raises RuntimeError if another process ended while it made that."""
        if key not in self._known:
            self._known[key] = make() if self._folder is None else _shared(self._folder, key, make)
        return self._known[key]


def _shared(folder: Path, key: str, make: Callable[[], str]) -> str:
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    begun, done = folder / f"{name}.begun", folder / f"{name}.done"
    with FileLock(folder / f"{name}.lock"):
        if done.exists():
            return done.read_text(encoding="utf-8")
        if begun.exists():
            raise RuntimeError("The process that called it ended before it was done.")
        begun.touch()
        try:
            text = make()
            done.write_text(text, encoding="utf-8")
        finally:
            begun.unlink()
        return text
