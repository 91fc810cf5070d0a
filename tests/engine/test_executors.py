"""The search on engines that others made: a Dask cluster, loky, MPI; each reports what this process does alone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import xentcheck
from xentcheck.engine.cluster import cluster
from xentcheck.engine.progress import Silent
from xentcheck.engine.run import check_target
from xentcheck.targets import TargetError, TargetSpecification

LOSSES = Path(__file__).with_name("losses.py")
SMALL = {"properties": ["value", "answers"], "dtypes": ["float64"]}
SUMMED = TargetSpecification(loss=f"{LOSSES}:summed")
WITNESSES = True


def without_times(stated: dict[str, Any]) -> dict[str, Any]:
    """Return a report without what differs from run to run."""
    stated.pop("seconds")
    for result in stated["properties"]:
        result.pop("seconds")
    return stated


@cache
def alone() -> dict[str, Any]:
    """Return the report of this process alone."""
    return without_times(check_target(SUMMED, **SMALL).as_mapping())


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [2, 3])
def test_local_processes(jobs: int) -> None:
    """A single cell is shared by them."""
    assert without_times(check_target(SUMMED, **SMALL, jobs=jobs).as_mapping()) == alone()


@contextmanager
def two_workers() -> Iterator[tuple[Any, Any]]:
    """Give a Dask cluster of two worker processes on loopback, and a client of it."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
        ) as made,
        Client(made, set_as_default=False) as client,
    ):
        yield made, client


@pytest.mark.slow
@pytest.mark.needs("distributed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_dask_cluster_of_which_a_worker_is_killed() -> None:
    """In the middle of the run; what it was judging is judged again."""
    with two_workers() as (made, client):
        victims = list(client.run(os.getpid).values())

        class Killing(Silent):
            def advance(self, cell_name: str, done: int) -> None:
                if len(victims) == 2:
                    os.kill(victims.pop(), signal.SIGKILL)

        with cluster(made.scheduler_address) as executor:
            report = check_target(SUMMED, **SMALL, executor=executor, progress=Killing())
        assert len(victims) == 1
        assert without_times(report.as_mapping()) == alone()


@pytest.mark.slow
@pytest.mark.needs("distributed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_command_line_takes_a_scheduler() -> None:
    """By its address, in a process of its own."""
    with two_workers() as (made, _):
        words = ["check", f"{LOSSES}:summed", "--properties", "value,answers", "--dtypes", "float64"]
        command = [sys.executable, "-m", "xentcheck", *words, "--scheduler", made.scheduler_address]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 1, ran.stderr
    assert f"{alone()['counts']['run']} of {alone()['counts']['planned']} batches judged" in ran.stdout


@pytest.mark.needs("distributed")
def test_a_scheduler_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within seconds, and not after the default of half a minute."""
    monkeypatch.setattr("xentcheck.engine.cluster.PATIENCE", "1 s")
    with (
        pytest.raises(TargetError, match=r"No Dask scheduler answers at tcp://"),
        cluster("tcp://127.0.0.1:9"),
    ):
        pass


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for other extras."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(TargetError, match="its extra dask"), cluster("tcp://127.0.0.1:9"):
        pass


@pytest.mark.slow
@pytest.mark.needs("loky")
def test_loky() -> None:
    """Its pool starts processes afresh, too, and has a way of its own to pickle."""
    from loky import ProcessPoolExecutor

    with ProcessPoolExecutor(2) as executor:
        report = xentcheck.check(f"{LOSSES}:summed", **SMALL, executor=executor)
    assert without_times(report.as_mapping()) == alone()


MPI = """
import json, sys
from mpi4py.futures import MPIPoolExecutor
import xentcheck

if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        report = xentcheck.check(sys.argv[1], properties=["value", "answers"], dtypes=["float64"], executor=executor)
    print(report.to_json())
"""


@pytest.mark.slow
@pytest.mark.needs("mpi4py")
def test_mpi(tmp_path: Path) -> None:
    """A process that MPI has started is the worker; mpiexec comes with the wheel of mpich, or with the system."""
    from xentcheck.report.report import Report

    script = tmp_path / "with_mpi.py"
    script.write_text(MPI, encoding="utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    mpiexec = shutil.which("mpiexec", path=path)
    assert mpiexec is not None, "mpi4py is installed, but mpiexec is not: install mpich"
    command = [mpiexec, "-n", "2", sys.executable, "-m", "mpi4py.futures", str(script), f"{LOSSES}:summed"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert without_times(Report.from_json(ran.stdout).as_mapping()) == alone()
