"""Messages between xentcheck and a worker: a JSON header and raw arrays over one duplex file descriptor.

No pickle: what a worker sends is data, and a worker with another version of Python or numpy can read it. The target
lives in the same process and may write here, too, so that nothing is taken for a message that is not exactly one.

Large arrays go beside the stream, through a file that both sides hold (`shared_file.py`): a socket takes them in pieces
of some 200 kB, with a change of process after each.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import select
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.targets.host.deadline import Deadline
from xentcheck.targets.host.shared_file import SharedFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PREFIX = struct.Struct("<4sII")
_MARK = b"xent"
_LONGEST_HEADER, _LONGEST_BODY = 2**24, 2**30  # bytes
_ALIGNMENT = 16
_LARGE = 2**16  # bytes from which the arrays of a message go beside the stream
_ALIVE_CHECK = 0.2  # seconds between looks whether the other side still runs


class ChannelClosedError(EOFError):
    """The other side has closed the channel, or has ended."""


class ChannelTimeoutError(TimeoutError):
    """The other side did not answer in time."""


class ChannelGarbledError(ChannelClosedError):
    """What came is no message, so that nothing more can be read; the text says in a few words why."""


@lru_cache(maxsize=64)
def _name(dtype: np.dtype[Any]) -> str:
    """Return the name of a dtype, which numpy puts together anew each time."""
    return dtype.name


def dtype_of(name: str) -> np.dtype[Any]:
    """Return the dtype of numbers of a name; those that numpy does not know are those of ml_dtypes."""
    known: np.dtype[Any]
    try:
        known = np.dtype(name)
    except TypeError:
        known = np.dtype(getattr(importlib.import_module("ml_dtypes"), name))
    if known.kind not in "biufc" and not known.type.__module__.startswith("ml_dtypes"):
        raise TypeError(f"{name} is no dtype of numbers")
    return known


class Channel:
    """One end of a duplex channel.

    Parameters
    ----------
    descriptor : int
        A connected stream socket; the channel owns it.
    shared : SharedFile, optional
        For large arrays; the channel owns it, too. Both ends write to its beginning, so that a message with arrays must
        have been read before an answer to it is sent.
    """

    def __init__(self, descriptor: int, shared: SharedFile | None = None) -> None:
        self._descriptor = descriptor
        self._shared = shared
        os.set_blocking(descriptor, False)
        self._poll = select.poll()
        self._owner = os.getpid()

    def send(
        self,
        header: dict[str, Any],
        arrays: Sequence[NDArray[Any]] = (),
        seconds: float | None = None,
        alive: Callable[[], bool] | None = None,
        inline: bool = False,
    ) -> None:
        """Send a header and arrays; raises ChannelClosedError if nobody will read them.

        What is sent `inline` does not go beside the stream: before what was sent so has been read, more can be sent.

        A process that was forked from the channel's owner has no say here: there it is raised, too. For the other
        parameters see `receive`.
        """
        if os.getpid() != self._owner:
            raise ChannelClosedError("the channel belongs to another process")
        deadline = Deadline(seconds)
        stated = [{"dtype": _name(array.dtype), "shape": array.shape} for array in arrays]
        aside = not inline and self._put_aside(arrays)
        pieces: list[bytes] = []
        for array in () if aside else arrays:
            pieces += [array.tobytes(), b"\0" * (-array.nbytes % _ALIGNMENT)]
        text = json.dumps({**header, "arrays": stated, "aside": aside}).encode()
        text += b" " * (-len(text) % _ALIGNMENT)
        body = sum(map(len, pieces))
        waiting = memoryview(b"".join([_PREFIX.pack(_MARK, len(text), body), text, *pieces]))
        while waiting:
            try:
                waiting = waiting[os.write(self._descriptor, waiting) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, deadline, alive)
            except OSError as error:
                raise ChannelClosedError(str(error)) from None

    def receive(
        self,
        seconds: float | None = None,
        alive: Callable[[], bool] | None = None,
        waits: Callable[[], Mapping[str, float]] | None = None,
    ) -> tuple[dict[str, Any], list[NDArray[Any]]]:
        """Return the next header and its arrays.

        Parameters
        ----------
        seconds : float, optional
            How long to wait for the whole message; ChannelTimeoutError is raised after that.
        alive : callable, optional
            Asked now and then; where it says False and nothing more is to be read, ChannelClosedError is raised.
            A child of the other side may hold the channel open after the other side has died.
        waits : callable, optional
            For how long the other side has waited for a processor: that does not count, see `Deadline`.

        Raises
        ------
        ChannelTimeoutError, ChannelClosedError
        ChannelGarbledError
            If what came is no message, or a larger one than any that is meant.
        """
        deadline = Deadline(seconds, waits)
        mark, length, body = _PREFIX.unpack(self._read(_PREFIX.size, deadline, alive).data)
        if mark != _MARK:
            raise ChannelGarbledError("it does not begin as a message does")
        if length > _LONGEST_HEADER or body > _LONGEST_BODY:
            raise ChannelGarbledError("it announces more than any answer has")
        content = self._read(length + body, deadline, alive)
        return _message(content[:length], content[length:], self._shared)

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._descriptor

    def close(self) -> None:
        """Close this end; again is harmless."""
        if self._shared is not None:
            self._shared.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _put_aside(self, arrays: Sequence[NDArray[Any]]) -> bool:
        """Write arrays to the shared file if they are large, and return whether they are there."""
        if self._shared is None or sum(array.nbytes for array in arrays) < _LARGE:
            return False
        try:
            self._shared.write(arrays, _ALIGNMENT)
        except OSError:  # a limit of the size of files, or the target has closed it; the stream takes them as well
            return False
        return True

    def _read(self, size: int, deadline: Deadline, alive: Callable[[], bool] | None) -> NDArray[np.uint8]:
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

    def _wait(self, event: int, deadline: Deadline, alive: Callable[[], bool] | None) -> None:
        """Return when the descriptor is ready, or raise."""
        self._poll.register(self._descriptor, event)
        living = True
        while True:
            left = deadline.left()
            late = left is not None and left <= 0
            step = 0.0 if late or not living else _ALIVE_CHECK if left is None else min(left, _ALIVE_CHECK)
            if self._poll.poll(None if alive is None and left is None else 1000 * step):
                return  # in time, or while this process itself was kept from looking
            if late:
                raise ChannelTimeoutError("no answer in time")
            if not living:
                raise ChannelClosedError("the other process has ended")
            deadline.looked()
            living = alive is None or alive()


def _message(
    text: NDArray[np.uint8], body: NDArray[np.uint8], shared: SharedFile | None
) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """Return the header and the arrays of a message; raises ChannelGarbledError."""
    arrays = []
    try:
        header: dict[str, Any] = json.loads(bytes(text))
        stated = [(dtype_of(one["dtype"]), tuple(one["shape"])) for one in header.pop("arrays")]
        sizes = [dtype.itemsize * math.prod(shape) for dtype, shape in stated]
        if header.pop("aside", False) and shared is not None:
            body = shared.read(min(_LONGEST_BODY, sum(size + -size % _ALIGNMENT for size in sizes)))
        start = 0
        for (dtype, shape), size in zip(stated, sizes):  # noqa: B905 (Python 3.9 has no strict)
            if min(shape, default=0) < 0 or start + size > len(body):
                raise ValueError(f"no array of shape {shape} is there")
            arrays.append(body[start : start + size].view(dtype).reshape(shape))
            start += size + -size % _ALIGNMENT
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, ImportError):
        raise ChannelGarbledError("it cannot be read") from None
    return header, arrays
