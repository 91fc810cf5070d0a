"""Targets that start processes of many kinds, and then end in many ways, or do not."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time

import numpy as np

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(1000)", os.environ.get("XENTCHECK_TEST_TOKEN", "")]


def loss(scores, labels):
    z = np.asarray(scores, np.float64)
    top = z.max(axis=1, keepdims=True)
    rows = np.log(np.exp(z - top).sum(axis=1)) + top[:, 0] - z[np.arange(len(z)), labels]
    return scores.dtype.type(np.mean(rows)) if len(z) else scores.dtype.type(np.nan)


def _child():
    return subprocess.Popen(SLEEP).pid


def _session():
    return subprocess.Popen(SLEEP, start_new_session=True).pid


def _without_environment():
    return subprocess.Popen(SLEEP, start_new_session=True, env={}).pid


def _daemon():
    """Return the process id of a grandchild in a session of its own, whose parent has ended, once it sleeps.

    The pipe's ends are not inherited by another program: it ends when the grandchild has become one.
    """
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writing, str(os.getpid()).encode())
            os.execv(SLEEP[0], SLEEP)
        os._exit(0)
    os.wait()
    os.close(writing)
    with open(reading, encoding="utf-8") as told:
        return int(told.read())


def _copy():
    """Return the process id of a copy of this process, which ignores what can be ignored."""
    child = os.fork()
    if child == 0:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(1000)
    return child


def start_all():
    """Start processes of all kinds and tell their ids to whom reads the file that the test has named."""
    started = [start() for start in (_child, _session, _without_environment, _daemon, _copy)]
    with open(os.environ["XENTCHECK_TEST_FILE"], "w", encoding="utf-8") as file:
        file.write(" ".join(map(str, started)))


def hold():
    """Keep the interpreter's lock in C, for ever."""
    ctypes.PyDLL(None).sleep(1000)


def _ending(end):
    def target(scores, labels):
        start_all()
        end()
        return loss(scores, labels)

    return target


returns = _ending(lambda: None)
crashes = _ending(os.abort)
killed = _ending(lambda: os.kill(os.getpid(), signal.SIGKILL))
leaves = _ending(lambda: os._exit(3))
hangs = _ending(hold)
stopped = _ending(lambda: os.kill(os.getpid(), signal.SIGSTOP))
replaced = _ending(lambda: os.execv(SLEEP[0], SLEEP))
parent_killed = _ending(lambda: (os.kill(os.getppid(), signal.SIGKILL), hold()))
parent_stopped = _ending(lambda: (os.kill(os.getppid(), signal.SIGSTOP), hold()))
parent_asked = _ending(lambda: (os.kill(os.getppid(), signal.SIGTERM), hold()))


SEEN = []


def hangs_in_float32(scores, labels):
    SEEN.append(scores.dtype)
    if scores.dtype == np.float32 and len(SEEN) > 1:  # the first call of all is in that dtype
        start_all()
        hold()
    return loss(scores, labels)
