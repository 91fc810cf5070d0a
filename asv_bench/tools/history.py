"""Measure the commits of main that have no results yet, newest first, and keep the figures in asv_bench/results.

Exit status: 0 all were measured; 1 some benchmarks failed, as those do which an old commit lacks; 2 nothing was done.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from asv_bench.tools import call, configuration
from asv_bench.tools.errors import BrokenError
from asv_bench.tools.places import CONFIGURATION, ROOT, SCRATCH


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("commits", nargs="*", help="which (default: all of the first-parent history of main)")
    parser.add_argument("--machine", default=call.this_machine(), help="under which name (default: this host's)")
    parser.add_argument("--newest", type=int, metavar="N", help="at most N commits (default: all)")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="only every K-th commit (default: 1)")
    parser.add_argument(
        "--bench",
        action="append",
        default=[],
        metavar="REGEX",
        help="only these benchmarks, and again: of the commits named, or of those that have results",
    )
    parser.add_argument(
        "--with",
        action="append",
        default=[],
        dest="peers",
        metavar="NAME==VERSION",
        help="an optional package to install too: torch==2.13.0 has a curve among the peers, numba==0.68.1 compiles",
    )


def run(given: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    content = configuration.read()
    branch = content["branches"][0]
    commits = [call.commit(name) for name in given.commits]
    commits = commits or call.git("rev-list", "--first-parent", branch).split()
    results = ROOT / content["results_dir"] / given.machine
    if given.bench:
        left = (commits if given.commits else known(commits, results))[:: given.every][: given.newest]
    else:
        left = missing(commits, results, given.every, given.newest)
    if not left:
        print(f"asv_bench history: {'no' if given.bench else 'every'} chosen commit has results of {given.machine}")
        return 0
    path = beside(given.peers, SCRATCH / "history") if given.peers else CONFIGURATION
    fewer = "name some, or use --newest N or --every K, for fewer"
    print(f"asv_bench history: {len(left)} commits on {given.machine}, up to minutes each; {fewer}", flush=True)
    call.introduce(given.machine, path)
    chosen = [word for regex in given.bench for word in ("--bench", regex)]
    status = call.asv(
        "run",
        "--no-interleave-rounds",
        f"--machine={given.machine}",
        *chosen,
        call.listed(left, SCRATCH / "history"),
        configuration=path,
    )
    if status not in (0, 2):  # asv's own 2 is a benchmark that failed
        raise BrokenError(f"asv ended with status {status}; see what it printed above.")
    return 1 if status else 0


def beside(packages: Sequence[str], folder: Path) -> Path:
    """Write a configuration by which packages are installed too; its results are the kept ones. Return its path."""
    content = configuration.read()
    matrix = content["matrix"]
    for package in packages:
        name, _, version = package.partition("==")
        if not (name and version):
            raise BrokenError(f"--with is {package!r}, but must name a package and its version: torch==2.13.0.")
        matrix["req"][name] = [version]
    return configuration.derived(folder, matrix=matrix, results_dir=str(ROOT / content["results_dir"]))


def missing(commits: list[str], folder: Path, every: int = 1, newest: int | None = None) -> list[str]:
    """Return the commits, given newest first, that a machine's folder has no results of."""
    measured = set(known(commits, folder))
    return [commit for commit in commits[::every] if commit not in measured][:newest]


def known(commits: list[str], folder: Path) -> list[str]:
    """Return the commits that it has results of."""
    measured = {path.name[:8] for path in folder.glob("????????-*.json")}
    return [commit for commit in commits if commit[:8] in measured]
