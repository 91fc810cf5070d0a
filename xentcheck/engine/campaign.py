"""A run in pieces, over a directory: planned once, its shards judged by whoever has time, then merged into a report.

All that a process does is told by the plan and its share, so that the jobs of a matrix, or of any batch system, can be
the engine. Each writes a journal file of its own: where they share no disk, the directories are copied into one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from xentcheck.contract import Contract
from xentcheck.engine.cell_result import CellResult
from xentcheck.engine.coverage import Counts, add, with_what_is_missing
from xentcheck.engine.journal import Journal
from xentcheck.engine.memory import shard_name
from xentcheck.engine.merging import found_in, missing
from xentcheck.engine.order import Order
from xentcheck.engine.progress import ProgressLike, Silent
from xentcheck.engine.run import performed
from xentcheck.engine.run_directory import PLAN, folder_of, mark, opened, plan_of, read
from xentcheck.engine.run_plan import Options, RunPlan, planned
from xentcheck.engine.shard_record import from_record
from xentcheck.engine.waiving import Waiving
from xentcheck.engine.working import Working, in_order
from xentcheck.report.report import Report
from xentcheck.report.waivers import Waiver
from xentcheck.targets import Host, TargetError, TargetSpecification, open_host


def plan(directory: str, specification: TargetSpecification, options: Options) -> tuple[int, int]:
    """Plan the run of a target in a directory; return how many shards it has, and how many batches of a corpus."""
    with _host(specification, options) as host:
        made, journal = opened(
            folder_of(directory, specification), planned(specification, options, host), host.description
        )
    journal.close()
    orders = made.orders()
    return sum(order.shards for order in orders), sum(len(order.replayed) for order in orders)


def folders(directory: str) -> list[Path]:
    """Return the folders of the targets planned in a directory; raises TargetError where there are none."""
    found = sorted(file.parent for file in Path(directory).glob(f"*/{PLAN}"))
    if not found:
        raise TargetError(
            f"Nothing is planned in {directory}; `xentcheck campaign plan {directory} TARGET...` does that."
        )
    return found


def run(folder: Path, share: tuple[int, int], jobs: int = 1, told: ProgressLike | None = None) -> list[str]:
    """Judge the i-th of n shares of a run, as far as it is not done; return in sentences what is not done for a fault.

    Parameters
    ----------
    folder : Path
    share : (int, int)
        i and n; i from 1 on.
    jobs : int
    told : optional
        Told how the run goes.
    """
    number, count = share
    progress = told or Silent()
    with _opened(folder) as (made, host, journal):
        orders = made.orders(str(folder))
        mine = in_order(orders)[number - 1 :: count]
        progress.start(sum(orders[cell].shard(number).planned for cell, number in mine))
        try:
            faults = Working(orders, host, journal, progress).judge(mine, None, jobs)
        finally:
            progress.stop()
        return [*faults, *journal.remarks]


def merge(folder: Path, told: ProgressLike | None = None, waivers: Iterable[Waiver] = ()) -> Report:
    """Return the report of a run of which all shards are done; findings are reduced here, and waivers applied.

    Parameters
    ----------
    folder : Path
    told : optional
        Told how the run goes.
    waivers : iterable of Waiver
        What is known and accepted, of this target and others.

    Raises
    ------
    TargetError
        If shards are not done.
    """
    start = time.perf_counter()
    state = status(folder)
    if state.left:
        raise TargetError(
            f"{state.left} of {state.shards} shards in {folder} are not judged yet; "
            f"`xentcheck campaign run {folder.parent}` judges them."
        )
    with _opened(folder) as (made, host, journal):
        waiving = Waiving.of(waivers, host)
        return performed(made, host, journal, 1, None, told or Silent(), start, waiving=waiving)


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Parameters
    ----------
    name : str
        The target.
    shards, left : int
        All shards, and those that are still to be judged; where a cell was left, its later ones are not.
    batches, run : int
        Batches planned, and judged.
    broken : tuple of str
        The laws that were found broken so far.
    remarks : tuple of str
        What is to be said of the journal.
    coverage : dict
        What was tried; see `ReportData.coverage`.
    """

    name: str
    shards: int
    left: int
    batches: int
    run: int
    broken: tuple[str, ...]
    remarks: tuple[str, ...]
    coverage: dict[str, dict[str, int]]


def status(folder: Path) -> Status:
    """Return how far a run is; the target is not needed for it."""
    stated = read(folder)
    made, journal = plan_of(stated), Journal(folder, mark(stated))
    orders = made.orders()
    left = run_ = 0
    broken: dict[str, None] = {}
    tried: Counts = {}
    for cell, order in enumerate(orders):
        done = _done(cell, order, journal)
        for result in done.values():
            add(tried, result.coverage)
        run_ += sum(result.run for result in done.values())
        broken.update(dict.fromkeys(fall.law.name for result in done.values() for fall in found_in(result)))
        while (number := missing(order, done)) is not None:
            left += 1
            done[number] = CellResult(order.cell)
    return Status(
        stated["target"]["name"],
        sum(order.shards for order in orders),
        left,
        sum(order.planned for order in orders),
        run_,
        tuple(broken),
        tuple(journal.remarks),
        with_what_is_missing(tried, Contract.from_mapping(stated["contract"]), made.cells),
    )


def _done(cell: int, order: Order, journal: Journal) -> dict[int, CellResult]:
    names = {number: shard_name(cell, number) for number in range(order.shards)}
    return {number: from_record(journal.records[name]) for number, name in names.items() if name in journal.records}


def _host(specification: TargetSpecification, limits: Options | RunPlan, directory: str | None = None) -> Host:
    return open_host(
        specification,
        time_limit=limits.time_limit,
        first_time_limit=limits.first_time_limit,
        memory=limits.memory,
        directory=directory,
    )


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[RunPlan, Host, Journal]]:
    """Open the plan, the target and the journal of a folder; the target has to be the one that was planned."""
    made = plan_of(read(folder))
    if not os.path.isdir(made.directory):  # planned on another machine
        made = replace(made, directory=os.getcwd())
    with _host(made.specification, made, made.directory) as host:
        _, journal = opened(folder, made, host.description)
        with closing(journal):
            yield made, host, journal
