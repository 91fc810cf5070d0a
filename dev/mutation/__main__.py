"""Mutation testing of the judge: a random sample of cosmic-ray's mutants, each tried on the tests that run its line.

`python -m dev.mutation` draws the sample from HEAD, or goes on with the session that it finds in `.mutation/`; see
docs/mutation.md. cosmic-ray knows the mutants, makes them and keeps the session. Its own way to try one, a command that
is the same for all, would run every test from a cold start. Here a process that has imported the libraries forks
one child a mutant, in a copy of the repository, and the child runs first what is likeliest to fail: the tests that run
the mutated line, those named after its module first, then the shorter ones.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from py_compile import PycInvalidationMode

from cosmic_ray.work_db import WorkDB, use_db

from dev.mutation.bearing import Bearing, survey
from dev.mutation.paths import COPY, FAILED, KEPT, ROOT, SECONDS, SESSION
from dev.mutation.sample import draw
from dev.mutation.trial import attempt, in_child

WARM = ("numpy", "scipy.special", "jax.numpy", "hypothesis", "flint", "rich.console", "click", "ml_dtypes")


def go_on(session: WorkDB, limit: float, again: list[str]) -> None:
    """Try what has no result yet; with test files given, the survivors once more, on these files alone."""
    bearing = Bearing()
    survivors = [item for item, result in session.completed_work_items if not result.is_killed]
    pending = survivors if again else session.pending_work_items
    for place, item in enumerate(sorted(pending, key=lambda item: item.job_id), 1):
        mutation, begin = item.mutations[0], time.monotonic()
        result = attempt(mutation, again or bearing.order(mutation, limit), limit)
        session.set_result(item.job_id, result)
        what = f"{mutation.module_path}:{mutation.start_pos[0]} {mutation.operator_name.partition('/')[2]}"
        print(f"{place}/{len(pending)} {time.monotonic() - begin:.1f} s {what}: {result.output}", flush=True)
        write(session)


def write(session: WorkDB) -> None:
    """Write the figures and the survivors, each with its change."""
    done = session.completed_work_items
    alive = [(item.mutations[0], result) for item, result in done if not result.is_killed]
    of = f"{(KEPT / 'commit').read_text()}: {len(done)} of {session.num_work_items} tried"
    parts = [f"{of}, {len(done) - len(alive)} killed, {len(alive)} survive"]
    for mutation, result in sorted(alive, key=lambda pair: (str(pair[0].module_path), pair[0].start_pos)):
        parts.append(f"{mutation.definition_name}: {result.output}\n{result.diff}")
    (KEPT / "survivors.txt").write_text("\n\n".join(parts))


def copied() -> None:
    """Copy what is committed."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    git = ["git", "-C", str(ROOT)]
    (KEPT / "commit").write_text(subprocess.check_output([*git, "rev-parse", "--short", "HEAD"], text=True).strip())
    archive = subprocess.Popen([*git, "archive", "HEAD"], stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", str(COPY)], stdin=archive.stdout, check=True)


def main() -> None:
    """Begin a session or go on with one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=300, help="mutants drawn; 300")
    parser.add_argument("--seed", type=int, default=10, help="of the draw; 10")
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="of processor time, after which no test of a mutant begins; 4"
    )
    parser.add_argument("--again", nargs="+", default=[], help="try the survivors on these files of the working tree")
    given = parser.parse_args()
    if not COPY.exists():
        copied()
    for name in given.again:
        shutil.copy(ROOT / name, COPY / name)
    os.chdir(COPY)
    os.environ.update(PYTHONPATH=str(COPY), PYTHONDONTWRITEBYTECODE="1")
    sys.path.insert(0, str(COPY))
    sys.dont_write_bytecode = True
    compileall.compile_dir(COPY, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the mutated module is put back
    for name in WARM:
        importlib.import_module(name)
    if not SECONDS.exists():
        print("all tests once, to see which lines each runs", flush=True)
        in_child(lambda: survey(given.seconds), 3600.0)
    if not SECONDS.exists():
        raise SystemExit(f"tests cannot be run: {KEPT / 'output'}")
    if FAILED.read_text():
        print(f"left out, since they fail without any mutant:\n{FAILED.read_text()}", end="", flush=True)
    if not SESSION.exists():
        draw(given.count, given.seed)
    with use_db(str(SESSION)) as session:
        go_on(session, given.seconds, given.again)
        write(session)
    print((KEPT / "survivors.txt").read_text().partition("\n")[0], f"listed in {KEPT / 'survivors.txt'}", sep="; ")


if __name__ == "__main__":
    main()
