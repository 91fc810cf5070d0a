"""Tell whether a commit is slower, larger or less accurate than another.

Exit status: 0 it is not; 1 it is, and twice measured so; 2 a benchmark is broken, or nothing could be compared.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from asv_bench.tools import call, configuration, results, verdict
from asv_bench.tools.errors import BrokenError
from asv_bench.tools.places import SCRATCH
from asv_bench.tools.results import Measured


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("base", nargs="?", default="HEAD^", help="the commit to compare with (default: HEAD^)")
    parser.add_argument("head", nargs="?", default="HEAD", help="the commit in question (default: HEAD)")


def run(given: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    base, head = call.commit(given.base), call.commit(given.head)
    folder = SCRATCH / "gate"
    shutil.rmtree(folder, ignore_errors=True)
    before = measure(base, folder / "first-base")
    after = measure(head, folder / "first-head")
    if after.missing:
        raise BrokenError(f"{len(after.missing)} benchmarks are broken at {head[:8]}, the first is {after.missing[0]}.")
    if not verdict.compared(before, after):
        raise BrokenError(f"{base[:8]} and {head[:8]} have no figure in common; is {base[:8]} too old?")
    suspects = verdict.regressions(before, after)
    if suspects:
        print(f"asv_bench gate: {len(suspects)} figures look worse; measuring both commits again", flush=True)
    confirmed = confirm(suspects, base, head, folder) if suspects else []
    fresh = verdict.incomparable(before, after)
    if fresh:
        print(f"asv_bench gate: {len(fresh)} figures are new and have nothing to be compared with")
    for change in confirmed:
        print(f"asv_bench gate: WORSE: {change.sentence}")
    count = verdict.compared(before, after)
    print(f"asv_bench gate: {len(confirmed)} of {count} figures are worse at {head[:8]} than at {base[:8]}")
    return 1 if confirmed else 0


def confirm(suspects: list[verdict.Change], base: str, head: str, folder: Path) -> list[verdict.Change]:
    """Return those suspects that a second measurement, in the other order, finds again."""
    after = measure(head, folder / "second-head")
    before = measure(base, folder / "second-base")
    if after.missing:
        raise BrokenError(f"{after.missing[0]} was broken at {head[:8]} when it was measured again.")
    again = {change.what for change in verdict.regressions(before, after)}
    return [change for change in suspects if change.what in again]


def measure(commit: str, folder: Path) -> Measured:
    """Return the gate's figures for a commit, which asv builds and measures."""
    path = configuration.derived(folder)
    machine = call.this_machine()
    call.introduce(machine, path)
    chosen = [word for regex in verdict.BENCHMARKS for word in ("--bench", regex)]
    status = call.asv(
        "run",
        "--show-stderr",
        "--no-interleave-rounds",
        f"--machine={machine}",
        *chosen,
        call.listed([commit], folder),
        configuration=path,
    )
    measured = results.read(folder / "results", commit, verdict.BENCHMARKS)
    if not measured.values or all(value is None for value in measured.values.values()):
        raise BrokenError(f"asv measured nothing at {commit[:8]} (status {status}); see what it printed above.")
    sys.stdout.flush()
    return measured
