"""jax in a process of its own: its import, its compilations and its settings stay out of the judge's process.

Frames go over the standard streams: eight bytes of length, then an npz archive with the arrays in order.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.processes.boot import command
from xentcheck.processes.parentage import end_with_parent

Pair = tuple[NDArray[Any], NDArray[Any]]


class JaxProcess:
    """A process that answers for `jax_autodiff.jax_loss_and_gradient`; the first question starts it, if nobody has."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process, if it is not there, and return it."""
        if self._process is None:
            self._process = subprocess.Popen(
                command("xentcheck.witnesses.jax_process", os.getpid()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def answer(self, batches: Sequence[Pair]) -> list[Pair]:
        """Return losses and gradient of each (scores, targets); raises OSError where the process has ended."""
        process = self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        write(process.stdin, batches)
        answered = read(process.stdout)
        if answered is None:
            raise OSError("the process ended")
        return answered

    def close(self) -> None:
        """End the process; again is harmless."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def write(stream: IO[bytes], pairs: Sequence[Pair]) -> None:
    """Write one frame of pairs of arrays."""
    archive = io.BytesIO()
    np.savez(archive, *(array for pair in pairs for array in pair))
    content = archive.getvalue()
    stream.write(len(content).to_bytes(8, "little") + content)
    stream.flush()


def read(stream: IO[bytes]) -> list[Pair] | None:
    """Return the pairs of one frame, or None where the stream has ended."""
    size = int.from_bytes(stream.read(8), "little")
    content = stream.read(size)
    if size == 0 or len(content) < size:
        return None
    with np.load(io.BytesIO(content)) as archive:
        arrays = [archive[f"arr_{position}"] for position in range(len(archive.files))]
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def main(parent: int) -> None:
    """Answer frames until the standard input ends, or the process that sends them does."""
    end_with_parent(parent)
    from xentcheck.witnesses.jax_autodiff import run_in_process

    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what jax or a plugin prints must not come between the frames
        while (batches := read(sys.stdin.buffer)) is not None:
            write(out, run_in_process(batches))
