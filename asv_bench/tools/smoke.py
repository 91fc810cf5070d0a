"""Run every benchmark once, with the xentcheck that is installed beside asv.

Exit status: 0 every benchmark gave a number; 1 one is n/a, nan or failed, or asv would ignore a configuration key.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence

from asv_bench.tools import call, configuration, results
from asv_bench.tools.places import SCRATCH


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--bench", action="append", default=[], metavar="REGEX", help="only these benchmarks")


def run(given: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    folder = SCRATCH / "smoke"
    shutil.rmtree(folder, ignore_errors=True)
    path = configuration.derived(folder)
    machine = call.this_machine()
    call.introduce(machine, path)
    head = call.commit("HEAD")
    chosen = [word for regex in given.bench for word in ("--bench", regex)]
    status = call.asv(
        "run",
        f"--environment=existing:{sys.executable}",
        "--quick",
        "--show-stderr",
        f"--machine={machine}",
        f"--set-commit-hash={head}",
        *chosen,
        configuration=path,
        environment={"XENTCHECK_BENCH_SMOKE": "1"},
    )
    complaints = faults(results.read(folder / "results", head, given.bench), status, whole=not given.bench)
    for complaint in complaints:
        print(f"asv_bench smoke: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


def faults(measured: results.Measured, status: int = 0, whole: bool = True) -> Sequence[str]:
    """Return what is wrong with a run in which every benchmark should have given a number.

    Parameters
    ----------
    measured : Measured
    status : int
        The exit status of asv.
    whole : bool
        Whether all benchmarks were run, so that each threshold should have one to watch.
    """
    content = configuration.read()
    complaints = [f"asv does not know the key {key!r} of asv.conf.json" for key in configuration.unknown_keys(content)]
    if not measured.values:
        return [*complaints, "no benchmark was run"]
    names = {name for name, _ in measured.values}
    if whole:
        idle = configuration.idle_thresholds(content, names)
        complaints += [f"no benchmark is watched by the threshold {pattern!r}" for pattern in idle]
    complaints += [f"{name} gave no number" for name in measured.missing]
    if status and not complaints:
        complaints.append(f"asv ended with status {status}")
    return complaints
