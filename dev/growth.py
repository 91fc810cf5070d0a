"""Does the memory of the judge grow with the length of a run: ``python -m dev.growth --minutes 15``.

One long random run in this process, of which the resident memory is read after every batch (Linux). It takes more
when a larger batch comes than any before, and the allocator keeps some of it: so medians are compared, of each sixth of
the batches.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median

from xentcheck.engine.memory import Memory
from xentcheck.engine.progress import Silent
from xentcheck.engine.run import performed
from xentcheck.engine.run_plan import Options, planned
from xentcheck.targets import TargetSpecification, open_host

PARTS = 6


class Sampling(Silent):
    """Reads the resident memory of this process after each batch, and ends the run when its time is over."""

    def __init__(self, minutes: float) -> None:
        self.megabytes: list[float] = []
        self._end = time.monotonic() + 60 * minutes
        self._told = 0.0

    def advance(self, cell_name: str, done: int) -> None:
        """Read it."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        self.megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
        if time.monotonic() > self._told + 60.0:
            self._told = time.monotonic()
            print(f"{done:,} batches, {cell_name}: {self.megabytes[-1]:.0f} MB", flush=True)
        if time.monotonic() > self._end:
            raise KeyboardInterrupt


def main() -> None:
    """Run, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", nargs="?", default="reference")
    parser.add_argument("--profile", default="thorough")
    parser.add_argument("--dtypes", default="float32")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument(
        "--drawn-only", action="store_true", help="leave out the sweep, whose largest batches come first"
    )
    given = parser.parse_args()
    specification = TargetSpecification(loss=given.target)
    options = Options(given.profile, dtypes=tuple(given.dtypes.split(",")), rounds=1000)
    sampling = Sampling(given.minutes)
    with open_host(specification) as host:
        plan = planned(specification, options, host)
        swept = tuple(0 for _ in plan.cells) if given.drawn_only else plan.swept
        performed(replace(plan, swept=swept), host, Memory(), 1, None, sampling, time.perf_counter())
    found = sampling.megabytes
    print(f"{len(found):,} batches in {given.minutes:g} minutes; at most {max(found):.0f} MB after a batch")
    for start, stop in pairwise(len(found) * part // PARTS for part in range(PARTS + 1)):
        print(f"batches {start + 1:,} to {stop:,}: median {median(found[start:stop]):.1f} MB")


if __name__ == "__main__":
    main()
