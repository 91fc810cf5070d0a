"""Calling asv and git."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from asv_bench.tools.errors import BrokenError
from asv_bench.tools.places import ROOT


def asv(*arguments: str, configuration: Path, environment: Mapping[str, str] | None = None, quiet: bool = False) -> int:
    """Run asv and return its exit status, which says little: see docs/benchmarks.md.

    Raises
    ------
    BrokenError
        If asv is not installed.
    """
    try:
        import asv as installed
    except ImportError:
        raise BrokenError('asv is not installed; use python -m pip install ".[bench]".') from None
    del installed
    command = [sys.executable, "-m", "asv", arguments[0], "--config", str(configuration), *arguments[1:]]
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=output, stderr=output, check=False
    ).returncode


def introduce(machine: str, configuration: Path) -> None:
    """Tell asv of this machine, without which it refuses to run."""
    asv("machine", "--yes", "--machine", machine, configuration=configuration, quiet=True)


def this_machine() -> str:
    """Return the name by which results of this machine go unless told otherwise."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", platform.node()) or "machine"


def git(*arguments: str) -> str:
    """Return what git prints; raises BrokenError where it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BrokenError(f"git {' '.join(arguments)} failed: {said}")
    return done.stdout.strip()


def commit(name: str) -> str:
    """Return the full hash of a commit; raises BrokenError where there is none of that name."""
    try:
        return git("rev-parse", "--verify", f"{name}^{{commit}}")
    except BrokenError:
        raise BrokenError(f"{name!r} names no commit of this repository; give a branch, a tag or a hash.") from None


def listed(commits: Sequence[str], folder: Path) -> str:
    """Write commits to a file and return the range by which asv reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "commits.txt"
    path.write_text("\n".join(commits) + "\n", encoding="utf-8")
    return f"HASHFILE:{path}"
