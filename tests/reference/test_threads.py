"""Threads: when there are several, what they refuse, and what they leave alone."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from xentcheck import reference
from xentcheck.reference import blocks

INF, NAN = np.inf, np.nan


def test_large_inputs_share_their_rows_among_threads(monkeypatch, given):
    """Unasked, and to the same bits; small ones do not. So do the pieces of a row that is long enough alone."""
    begun = []
    submit = blocks._submit
    monkeypatch.setattr(blocks, "_submit", lambda count, *others: begun.append(count) or submit(count, *others))
    monkeypatch.setattr(blocks, "_processors", lambda: 3)
    for kind in ("sparse", "soft"):
        for shape, expected in (((1100, 1000), [2]), ((1, 1_000_003), [2, 2]), ((9, 100_000), [2]), ((60, 1000), [])):
            z, labels = given(kind, *shape, np.float32)
            begun.clear()
            loss, gradient = reference.loss_and_gradient(z, labels)
            assert begun == expected
            one = reference.loss_and_gradient(z, labels, threads=1)
            assert loss == one[0]
            np.testing.assert_array_equal(gradient, one[1])


def test_a_pool_that_cannot_start_is_done_without(monkeypatch, given):
    """As at the interpreter's end; and the child of a fork starts threads of its own."""
    z, y = given("sparse", 600, 1000, np.float32)
    expected = reference.loss(z, y, threads=1)
    stopped = blocks.ThreadPoolExecutor(1)
    stopped.shutdown()
    monkeypatch.setattr(blocks._KEPT, "executor", lambda size: stopped)
    assert reference.loss(z, y, threads=2) == expected
    monkeypatch.undo()
    blocks._KEPT.forget()
    assert reference.loss(z, y, threads=2) == expected


@pytest.mark.parametrize("threads", [0, -1])
def test_less_than_one_thread_is_refused(threads):
    """Whatever the size."""
    for n in (0, 1, 600):
        with pytest.raises(ValueError, match=f"threads is {threads}, but must be at least 1"):
            reference.loss(np.zeros((n, 1000), np.float32), np.zeros(n, int), threads=threads)


def test_what_a_thread_refuses_is_raised():
    """A label that is wrong in one block is named as it is in one row."""
    z, t = np.zeros((300, 1000), np.float32), np.zeros((300, 1000), np.float32)
    t[:, 0] = 1
    for bad in (-1.0, NAN, INF):
        t[298, 0], t[298, 7] = 1, bad
        with pytest.raises(ValueError, match=rf"labels\[298, 7\] is {bad}, but must be finite and not negative"):
            reference.loss_and_gradient(z, t, threads=4)
        t[298] = 0
        t[298, 7] = bad
        with pytest.raises(ValueError, match=rf"labels\[298, 7\] is {bad}"):
            reference.loss(z, t, threads=4)


def test_every_thread_is_quiet():
    """No thread warns, whichever comes first."""
    meeting = threading.Barrier(2)

    def task(number, scratch):
        meeting.wait(60)
        np.subtract(np.array([INF]), np.array([INF]))

    with np.errstate(all="ignore"):
        blocks.share(task, 2, 2, 1000)


def test_settings_of_numpy_are_left_alone():
    """Also after an error: how it treats overflow, and the length of its buffer."""
    z, t = np.zeros((2, 1000), np.float32), np.zeros((2, 1000))
    before = np.geterr(), np.getbufsize()
    with np.errstate(all="raise"):
        inside = np.geterr(), np.getbufsize()
        reference.loss_and_gradient(z, t, threads=2)
        t[1, 1] = -1
        with pytest.raises(ValueError, match="not negative"):
            reference.loss_and_gradient(z, t)
        assert (np.geterr(), np.getbufsize()) == inside
    assert (np.geterr(), np.getbufsize()) == before
