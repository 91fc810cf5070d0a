"""A file in memory that xentcheck and a worker share, for arrays that are large.

It is read and written and never mapped: a target that shortens a mapped file would end the process that looks at it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DESCRIPTOR = 4  # bytes of a descriptor in such a message


class SharedFile:
    """One side's hold of the file.

    Parameters
    ----------
    descriptor : int
        The file, open for reading and writing; it is closed with this object.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def create(cls) -> SharedFile:
        """Return a new file without a name; where the system has none in memory, in the directory for such files."""
        if hasattr(os, "memfd_create"):
            return cls(os.memfd_create("xentcheck"))
        import tempfile  # it imports `random`, of which a target may have one of its own

        with tempfile.TemporaryFile() as file:
            return cls(os.dup(file.fileno()))

    def hand_over(self, connection: socket.socket) -> None:
        """Give the other end of a connection a hold of the file: the first thing that it reads."""
        socket.send_fds(connection, [b"f"], [self.descriptor])

    @classmethod
    def taken_from(cls, descriptor: int) -> SharedFile:
        """Return the file that has been handed over to a connection, which stays open."""
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            _, given, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(_DESCRIPTOR))
        taken = int.from_bytes(given[0][2][:_DESCRIPTOR], sys.byteorder)
        os.set_inheritable(taken, False)
        return cls(taken)

    def write(self, arrays: Sequence[NDArray[Any]], alignment: int) -> None:
        """Write arrays one after the other from the beginning on, each at a multiple of `alignment` bytes."""
        start = 0
        for array in arrays:
            content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            done = 0
            while done < len(content):
                done += os.pwrite(self.descriptor, content[done:].data, start + done)
            start += len(content) + -len(content) % alignment

    def read(self, size: int) -> NDArray[np.uint8]:
        """Return the first bytes, fewer where the file is shorter."""
        content = np.empty(min(size, os.fstat(self.descriptor).st_size), np.uint8)
        done = 0
        while done < len(content):
            count = os.preadv(self.descriptor, [content[done:].data], done)
            if count == 0:
                break
            done += count
        return content[:done]

    def close(self) -> None:
        """Close this side's hold; again is harmless."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
