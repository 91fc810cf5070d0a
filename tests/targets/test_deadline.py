"""A process that is kept from a processor by others is waited for longer; one that hangs is not."""

import os
import socket
import sys
import tempfile
import time

import pytest

from xentcheck.processes.supervised import Supervised
from xentcheck.processes.waiting import kept_away, waits
from xentcheck.targets.host.channel import Channel, ChannelTimeoutError
from xentcheck.targets.host.deadline import Deadline


@pytest.fixture
def clock(monkeypatch):
    """The seconds that have passed, to be set."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_what_was_waited_for_a_processor_does_not_count(clock):
    """Counted from the first look, when there was nothing yet."""
    waited = [7.0]
    deadline = Deadline(10.0, lambda: {"1": waited[0], "2": 3.0})
    assert deadline.left() == 10.0
    deadline.looked()
    clock[0], waited[0] = 111.0, 10.0
    assert deadline.left() == pytest.approx(2.0)
    deadline.looked()  # which counts once
    clock[0] = 114.0
    assert deadline.left() == pytest.approx(-1.0)


@pytest.mark.parametrize(("seconds", "most"), [(10.0, 40.0), (100.0, 120.0)])
def test_it_is_put_off_only_so_far(clock, seconds, most):
    """By four times the limit, or two minutes: what hangs on a busy machine is noticed there."""
    deadline = Deadline(seconds, lambda: {"1": clock[0]})
    deadline.looked()
    clock[0] += seconds + most - 1.0
    assert deadline.left() == pytest.approx(1.0)
    clock[0] += 2.0
    assert deadline.left() == pytest.approx(-1.0)


def test_without_a_limit_or_an_excuse(clock):
    """There is no end, or a fixed one."""
    assert Deadline(None, lambda: {"1": 5.0}).left() is None
    deadline = Deadline(3.0)
    deadline.looked()
    clock[0] += 4.0
    assert deadline.left() == pytest.approx(-1.0)


@pytest.mark.parametrize("kept_away", [True, False])
def test_an_answer_that_comes_late(clock, kept_away):
    """It is taken where the other side had no processor, and not waited for where it had one."""
    one, other = socket.socketpair()
    ours, theirs = Channel(one.detach()), Channel(other.detach())
    asked = []

    def waits():
        asked.append(clock[0])
        if kept_away and len(asked) == 3:  # well after the limit
            theirs.send({"answer": 1})
        return {"1": clock[0] if kept_away else 5.0}

    def alive():
        clock[0] += 0.2
        return True

    try:
        if kept_away:
            assert ours.receive(0.3, alive, waits)[0]["answer"] == 1
        else:
            with pytest.raises(ChannelTimeoutError):
                ours.receive(0.3, alive, waits)
        assert len(asked) == 2 + kept_away
    finally:
        ours.close()
        theirs.close()


def longest(running):
    return kept_away({}, running.waits())


def test_threads_are_counted_each_for_itself():
    """One that has begun since has waited from its beginning; one that has ended does not count."""
    assert kept_away({"1": 5.0, "2": 1.0}, {"1": 5.5, "2": 3.0, "3": 0.25}) == 2.0
    assert kept_away({"1": 5.0}, {}) == 0.0
    assert kept_away({}, {"3": 0.25}) == 0.25


@pytest.mark.skipif(not os.path.exists("/proc/self/schedstat"), reason="only Linux tells")
def test_a_process_beside_another_on_one_processor_has_waited():
    """About half of the time."""
    processor = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, {{{processor}}}); os.fork()\nwhile True: pass"
    with tempfile.TemporaryFile() as output:
        running = Supervised([sys.executable, "-c", code], output.fileno(), os.environ, output)
        try:
            until = time.monotonic() + 20.0
            while min(longest(running), kept_away({}, running.works())) < 0.3 and time.monotonic() < until:
                time.sleep(0.1)
            assert longest(running) >= 0.3
            assert kept_away({}, running.works()) >= 0.3
        finally:
            running.end()


@pytest.mark.skipif(not os.path.exists(f"/proc/self/task/{os.getpid()}/children"), reason="only Linux tells")
def test_what_a_process_waits_for_may_have_had_no_processor():
    """Two that it has started share one processor, as compilers do on a busy machine, while it sleeps itself."""
    processor = min(os.sched_getaffinity(0))
    code = f"""
import os, time
for _ in "ab":
    if not os.fork():
        os.sched_setaffinity(0, {{{processor}}})
        while True: pass
while True: time.sleep(1)
"""
    with tempfile.TemporaryFile() as output:
        running = Supervised([sys.executable, "-c", code], output.fileno(), os.environ, output)
        try:
            until = time.monotonic() + 20.0
            while longest(running) < 0.3 and time.monotonic() < until:
                time.sleep(0.1)
            assert longest(running) >= 0.3
            assert kept_away({}, waits(running.pid)) < 0.3
            assert kept_away({}, running.works()) < 0.3
        finally:
            running.end()
