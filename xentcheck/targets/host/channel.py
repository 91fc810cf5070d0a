"""Messages between xentcheck and a worker: a JSON header and raw arrays over one duplex file descriptor.

No pickle: what a worker sends is data, and a worker with another version of Python or numpy can read it.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PREFIX = struct.Struct("<II")
_ALIGNMENT = 16
_ALIVE_CHECK = 0.2  # seconds between looks whether the other side still runs


class ChannelClosedError(EOFError):
    """The other side has closed the channel, or has ended."""


class ChannelTimeoutError(TimeoutError):
    """The other side did not answer in time."""


def dtype_of(name: str) -> np.dtype[Any]:
    """Return the dtype of a name; those that numpy does not know are those of ml_dtypes."""
    try:
        return np.dtype(name)
    except TypeError:
        further: np.dtype[Any] = np.dtype(getattr(importlib.import_module("ml_dtypes"), name))
        return further


class Channel:
    """One end of a duplex channel.

    Parameters
    ----------
    descriptor : int
        A connected stream socket; the channel owns it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._poll = select.poll()

    def send(self, header: dict[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> None:
        """Send a header and arrays; raises ChannelClosedError if nobody will read them."""
        stated = [{"dtype": array.dtype.name, "shape": array.shape} for array in arrays]
        text = json.dumps({**header, "arrays": stated}).encode()
        text += b" " * (-len(text) % _ALIGNMENT)
        pieces = [text]
        for array in arrays:
            content = array.tobytes()
            pieces += [content, b"\0" * (-len(content) % _ALIGNMENT)]
        body = sum(map(len, pieces)) - len(text)
        waiting = memoryview(b"".join([_PREFIX.pack(len(text), body), *pieces]))
        while waiting:
            try:
                waiting = waiting[os.write(self._descriptor, waiting) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, None, None)
            except OSError as error:
                raise ChannelClosedError(str(error)) from None

    def receive(
        self, seconds: float | None = None, alive: Callable[[], bool] | None = None
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """Return the next header and its arrays.

        Parameters
        ----------
        seconds : float, optional
            How long to wait for the whole message; ChannelTimeoutError is raised after that.
        alive : callable, optional
            Asked now and then; where it says False and nothing more is to be read, ChannelClosedError is raised.
            A child of the other side may hold the channel open after the other side has died.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        length, body = _PREFIX.unpack(self._read(_PREFIX.size, deadline, alive).data)
        content = self._read(length + body, deadline, alive)
        header: dict[str, Any] = json.loads(bytes(content[:length]))
        arrays = []
        start = length
        for stated in header.pop("arrays"):
            dtype, shape = dtype_of(stated["dtype"]), tuple(stated["shape"])
            stop = start + dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            arrays.append(content[start:stop].view(dtype).reshape(shape))
            start = stop + -stop % _ALIGNMENT
        return header, arrays

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Close this end; again is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _read(self, size: int, deadline: float | None, alive: Callable[[], bool] | None) -> NDArray[np.uint8]:
        content = np.empty(size, np.uint8)
        waiting = content.data
        while waiting:
            try:
                count = os.readv(self._descriptor, [waiting])
            except BlockingIOError:
                self._wait(select.POLLIN, deadline, alive)
                continue
            except OSError as error:
                raise ChannelClosedError(str(error)) from None
            if count == 0:
                raise ChannelClosedError("the channel was closed")
            waiting = waiting[count:]
        return content

    def _wait(self, event: int, deadline: float | None, alive: Callable[[], bool] | None) -> None:
        """Return when the descriptor is ready, or raise."""
        self._poll.register(self._descriptor, event)
        while True:
            living = alive is None or alive()
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise ChannelTimeoutError("no answer in time")
            step = 0.0 if not living else _ALIVE_CHECK if left is None else min(left, _ALIVE_CHECK)
            if self._poll.poll(None if alive is None and left is None else 1000 * step):
                return
            if not living:
                raise ChannelClosedError("the other process has ended")
