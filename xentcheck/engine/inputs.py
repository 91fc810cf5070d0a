"""The inputs of calls, on disk before the call is made: of a target that takes the machine with it, the last is known.

One file for each process and unit of work. It is emptied and removed when the unit is done, since all its inputs follow
from the plan then; what is left was written by a process that was ended in the midst of a call, or is in one now, and
then holds a lock on it. Each input is given to the operating system, so that it outlives the process; that it is on the
disk at a power cut is not promised, which would cost a millisecond or more a call.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from xentcheck.batches.batch import Batch
from xentcheck.batches.packing import pack, pack_array, unpack
from xentcheck.properties.case import Evaluator
from xentcheck.targets.outcome import Outcome

SUFFIX = ".inputs"


class Noting:
    """A host whose inputs are written to a file before they are given to the target."""

    def __init__(self, host: Evaluator, file: int) -> None:
        self._host = host
        self._file = file

    def evaluate(
        self,
        batch: Batch,
        want: tuple[str, ...],
        upstream: NDArray[Any] | None = None,
        vector: NDArray[Any] | None = None,
        tangent: NDArray[Any] | None = None,
        *,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Outcome:
        """Return what the target answers."""
        further = (("upstream", upstream), ("vector", vector), ("tangent", tangent))
        given = {name: pack_array(array) for name, array in further if array is not None}
        line = json.dumps({"want": list(want), "batch": pack(batch), **given}, separators=(",", ":"))
        try:
            os.write(self._file, line.encode() + b"\n")
        except OSError:  # a disk that is full must not end the judging
            os.ftruncate(self._file, 0)
        return self._host.evaluate(batch, want, upstream, vector, tangent, meanwhile=meanwhile)


@contextmanager
def noting(host: Evaluator, folder: str) -> Iterator[Evaluator]:
    """Give a host whose inputs are written to a folder; the host itself where there is no such folder."""
    if not os.path.isdir(folder):
        yield host
        return
    path = Path(folder) / f"{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}"
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield Noting(host, file)
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def last_inputs(folder: Path) -> Iterator[tuple[Path, Batch]]:
    """Yield the last input of each process that was ended in the midst of a unit, and the file that has it."""
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open("rb") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # its process is at work
            for line in reversed(stream.read().split(b"\n")):
                try:
                    yield path, unpack(json.loads(line)["batch"])
                    break
                except ValueError:  # not written whole
                    continue


def said_of(folder: Path) -> list[str]:
    """Return in sentences in which calls earlier processes were ended."""
    return [
        f"an earlier process was ended when the target was given {batch.n} x {batch.m} scores in {batch.dtype} "
        f"(family {batch.family}), or soon after: the last line of {path.name} is that input"
        for path, batch in last_inputs(folder)
    ]
