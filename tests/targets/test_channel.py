"""Arrays on the channel of a worker: in the stream when small, through the shared file when large."""

import os
import socket
import threading

import ml_dtypes
import numpy as np
import pytest

from xentcheck.targets.host.channel import Channel, ChannelGarbledError
from xentcheck.targets.host.shared_file import SharedFile

LARGE = 2**16  # bytes


@pytest.fixture
def ends():
    """Two ends of one channel, with one file."""
    one, other = socket.socketpair()
    shared = SharedFile.create()
    shared.hand_over(one)
    taken = SharedFile.taken_from(other.fileno())
    first, second = Channel(one.detach(), shared), Channel(other.detach(), taken)
    yield first, second, shared
    first.close()
    second.close()


def passed(ends, arrays, header=None):
    """Send arrays from the first end, and return what the second has received."""
    sender = threading.Thread(target=ends[0].send, args=(header or {}, arrays))
    sender.start()
    received = ends[1].receive(60.0)
    sender.join()
    return received


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int64", "bool", "uint8"])
@pytest.mark.parametrize("size", [0, 1, LARGE - 1, LARGE, LARGE + 1])
def test_arrays_arrive_bit_by_bit(ends, dtype, size):
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    content = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 256, size * kind.itemsize, np.uint8)
    header, (array, other) = passed(ends, [content.view(kind), np.arange(3)], {"a": [1]})
    assert header == {"a": [1]}
    assert array.dtype == kind
    assert array.shape == (size,)
    assert array.tobytes() == content.tobytes()
    assert other.tolist() == [0, 1, 2]


def test_large_arrays_of_any_layout_arrive_as_they_read(ends):
    scores = np.arange(300.0 * 200).reshape(300, 200)
    given = [scores.T, scores[::2, ::-1], np.broadcast_to(1.5, (100, 100)), np.array(2.5), np.asfortranarray(scores)]
    _, arrays = passed(ends, given)
    assert all(np.array_equal(one, other) for one, other in zip(given, arrays, strict=True))


def test_a_message_after_a_longer_one_has_nothing_of_it(ends):
    passed(ends, [np.full(10**5, 7.0)])
    _, (array,) = passed(ends, [np.full(10**4, 3.0)])
    assert array.tolist() == [3.0] * 10**4


def test_large_arrays_do_not_take_the_stream(ends):
    """A socket that nobody reads takes some 200 kB; a message of 8 MB is sent all the same."""
    ends[0].send({}, [np.ones(10**6)], 60.0)
    assert ends[1].receive(60.0)[1][0].sum() == 10**6


def test_the_stream_takes_what_the_file_cannot(ends):
    ends[2].close()
    _, (array,) = passed(ends, [np.ones(10**5)])
    assert array.sum() == 10**5


def test_a_file_that_was_shortened_is_told(ends):
    ends[0].send({}, [np.ones(10**5)])
    os.ftruncate(ends[2].descriptor, 1000)
    with pytest.raises(ChannelGarbledError):
        ends[1].receive(60.0)


def test_what_is_sent_inline_is_not_lost_to_what_is_sent_next(ends):
    """Two large messages before the first is read: in the file, the second would lie over the first."""

    def send_both():
        for number in (1.0, 2.0):
            ends[0].send({}, [np.full(LARGE // 8, number)], inline=True)

    sender = threading.Thread(target=send_both)
    sender.start()
    sender.join(1.0)  # where the stream takes both at once they are sent; else the rest is when it is read
    for number in (1.0, 2.0):
        (array,) = ends[1].receive(60.0)[1]
        assert array.tolist() == [number] * (LARGE // 8)
    sender.join()
