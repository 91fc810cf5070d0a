"""No process that a target has started outlives its end, and none of ours outlives the judge."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.hostile.living import FILE, HERE, TOKEN, all_ended, living
from xentcheck.batches.batch import Batch
from xentcheck.targets import TargetError, TargetSpecification, open_host
from xentcheck.targets.outcome import Outcome

pytestmark = pytest.mark.skipif(not HERE, reason="there is no /proc to look processes up in")
TARGETS = Path(__file__).with_name("targets")
BATCH = Batch(np.zeros((2, 3), np.float32), np.array([0, 1]))
KINDS = 5  # of processes that a target starts
FEW = ("--properties", "answers", "--contract", 'domain={"rows":[1,2],"classes":[2,3]}')
MAIN = (
    "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
    "from xentcheck.cli import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """What is in the environment of all processes that a test starts; those that are left are killed after it."""
    value = uuid.uuid4().hex
    monkeypatch.setenv(TOKEN, value)
    monkeypatch.setenv(FILE, str(tmp_path / "started"))
    yield value
    for process in living(value):
        os.kill(process, signal.SIGKILL)


def outcome_of(name: str) -> Outcome:
    """Return the outcome of a call that starts processes, after the call that follows it."""
    limits = {"time_limit": 0.5, "first_time_limit": 3.0}
    with open_host(TargetSpecification(f"{TARGETS / 'processes.py'}:{name}"), **limits) as host:
        host.ready()
        outcome = host.evaluate(BATCH)
        started = Path(os.environ[FILE]).read_text(encoding="utf-8").split()
        assert len(set(started)) == KINDS
        return outcome


@pytest.mark.parametrize(
    ("name", "died"),
    [
        ("returns", ""),
        ("crashes", "killed by signal 6 (SIGABRT)"),
        ("killed", "killed by signal 9 (SIGKILL)"),
        ("leaves", "exit status 3"),
        ("hangs", "no answer within 3 s"),
        ("stopped", "no answer within 3 s"),
        ("replaced", "the process replaced itself by another program: "),
        ("parent_killed", "killed by signal 9 (SIGKILL)"),
        ("parent_stopped", "no answer within 3 s"),
        ("parent_asked", "killed by signal 9 (SIGKILL)"),
    ],
)
def test_nothing_is_left_of_what_a_target_started(token: str, name: str, died: str) -> None:
    """Children, in sessions of their own or without an environment, daemons and forked copies are gone at once."""
    assert outcome_of(name).died.startswith(died)
    # Where the supervisor itself was killed, nothing tells of a process without its mark any more.
    left = living(token)
    assert len(left) == (1 if name == "parent_killed" else 0), left


def test_a_worker_ends_with_its_supervisor(token: str) -> None:
    """Whoever ended that: there may be no judge any more to clear up after it."""
    with open_host(TargetSpecification(f"{TARGETS / 'processes.py'}:loss")) as host:
        host.ready()
        assert len(living(token)) == 2
        os.kill(host._process._running._running.pid, signal.SIGKILL)  # type: ignore[attr-defined]
        assert all_ended(token) == {}


def test_an_import_that_hangs_in_c_ends_within_its_limit(token: str) -> None:
    """And it is said how long it was waited for."""
    location = f"{TARGETS / 'import_hangs.py'}:loss"
    with (
        pytest.raises(TargetError, match=r"ended before it was ready \(no answer within 1 s\).*--time-limit of"),
        open_host(TargetSpecification(location), time_limit=0.5, first_time_limit=1.0) as host,
    ):
        host.ready()
    assert living(token) == {}


def run_until_it_hangs(*words: str, cwd: Path) -> subprocess.Popen[bytes]:
    """Start the command line and return once a target has started its processes and hangs."""
    os.mkfifo(os.environ[FILE])
    reading = os.open(os.environ[FILE], os.O_RDONLY | os.O_NONBLOCK)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", MAIN, *words]
    with open(cwd / "output", "wb") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    waiting = select.poll()
    waiting.register(reading, select.POLLIN)
    came = waiting.poll(120_000)
    os.close(reading)
    if not came:
        running.kill()
        running.wait()
    assert came, (cwd / "output").read_text()
    return running


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_nothing_outlives_the_judge(token: str, tmp_path: Path, number: signal.Signals, jobs: str) -> None:
    """Workers in a call that holds the interpreter's lock, what they started, pool and jax: all end with the judge."""
    location = f"{TARGETS / 'processes.py'}:hangs_in_float32"
    running = run_until_it_hangs("check", location, *FEW, "--jobs", jobs, cwd=tmp_path)
    before = "\n".join(living(token).values())
    running.send_signal(number)
    running.wait(60)
    assert all_ended(token) == {}
    # Else it would be no wonder.
    assert before.count("targets.host.worker") >= int(jobs)
    assert before.count("multiprocessing.spawn") == (2 if jobs == "2" else 0)
    assert before.count("witnesses.jax_process") == 1
    assert before.count("time.sleep(1000)") >= KINDS - 1  # a second worker may have begun, too


@pytest.mark.slow
def test_nothing_outlives_a_self_test_that_is_killed(token: str, tmp_path: Path) -> None:
    """Its processes need not have begun with their work."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    words = [sys.executable, "-c", MAIN, "self-test", "--jobs", "2"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as running:
        until = time.monotonic() + 60
        while (told := "\n".join(living(token).values())).count("multiprocessing.spawn") < 2:
            assert time.monotonic() < until, told
        running.kill()
    assert all_ended(token) == {}
