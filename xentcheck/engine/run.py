"""One run: a target, a contract and a profile in, a report out."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Protocol

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.shapes import few_shapes
from xentcheck.batches.sweep import sweep
from xentcheck.engine.cell_run import CellRun, Order, capabilities_of, run_cell, run_cell_alone
from xentcheck.engine.compiling import seconds_of_a_new_shape
from xentcheck.engine.line import with_lines
from xentcheck.engine.plan import PROFILES, Cell, cells, drawn_in_each
from xentcheck.engine.reporting import report_of
from xentcheck.engine.search import CellResult
from xentcheck.engine.witnessing import Witnessing
from xentcheck.properties.case import Case
from xentcheck.properties.left_open import seen
from xentcheck.properties.registry import choose
from xentcheck.report.report import BrokenOffError, Report
from xentcheck.report.results import Finding
from xentcheck.targets import Host, TargetError, TargetSpecification, open_host


class ProgressLike(Protocol):
    """What a run tells while it goes on."""

    def start(self, total: int) -> None:
        """Begin a run of about `total` batches."""

    def advance(self, cell_name: str, done: int) -> None:
        """Tell how many batches have been judged in all."""

    def found(self, finding: Finding) -> None:
        """Tell of a law that is broken, as soon as it is; the batch is not reduced yet."""

    def stop(self) -> None:
        """End the run."""


class Silent:
    """Progress that tells nobody."""

    def start(self, total: int) -> None:
        """Do nothing."""

    def advance(self, cell_name: str, done: int) -> None:
        """Do nothing."""

    def found(self, finding: Finding) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


def check_target(
    specification: TargetSpecification,
    *,
    profile: str = "quick",
    seed: int = 0,
    properties: Iterable[str] | None = None,
    dtypes: Iterable[str] | None = None,
    jobs: int = 1,
    fail_fast: bool = False,
    time_limit: float = 10.0,
    first_time_limit: float = 120.0,
    progress: ProgressLike | None = None,
    lines: bool = False,
) -> Report:
    """Judge a target.

    Parameters
    ----------
    specification : TargetSpecification
        What to call, and the contract it is held to.
    profile : {"quick", "standard", "thorough"}
    seed : int
        Same version, target and seed: same batches, same verdict.
    properties : iterable of str, optional
        Names or numbers of the laws to judge by; all by default.
    dtypes : iterable of str, optional
        Those of the contract by default.
    jobs : int
        Processes over which the cells are spread.
    fail_fast : bool
        Stop at the first finding, reduced.
    time_limit : float
        Seconds that one call of the target may take when it is made again.
    first_time_limit : float
        Seconds that its import, and a call in which something may be compiled, may take.
    progress : optional
        Told how the run goes.
    lines : bool
        Whether the target is asked along a line through the batches of findings, for the HTML report.

    Raises
    ------
    TargetError, ContractError, UnknownPropertyError
        With one sentence that says what was given and what is wanted.
    BrokenOffError
        If xentcheck's own code fails, by itself or by what the target has done to it; with what was found until then.

    Notes
    -----
    Ctrl-C ends the run; the report holds what was found so far and says that it was interrupted.
    """
    if profile not in PROFILES:
        raise TargetError(f"The profile is {profile!r}, but must be {', '.join(PROFILES)}.")
    laws = tuple(law.name for law in choose(properties))
    told = progress or Silent()
    start = time.perf_counter()
    amount = PROFILES[profile]
    witnessing = Witnessing(amount.witnessed)
    done: list[CellRun] = []
    interrupted, broken_off = False, None
    with witnessing, open_host(specification, time_limit=time_limit, first_time_limit=first_time_limit) as host:
        description = host.description
        planned = cells(description.contract, dtypes)
        _require_usable(host, planned[0])
        dear = _dear_shapes(host, planned[0])
        orders = [
            Order(
                specification,
                cell,
                tuple(dict.fromkeys(one.dtype for one in planned)),
                laws,
                profile,
                seed,
                drawn_in_each(amount, len(planned)),
                -(-amount.witnessed // len(planned)),
                fail_fast,
                time_limit,
                first_time_limit,
                dear > 0.0,
            )
            for cell in planned
        ]
        try:
            for run in _runs(orders, host, jobs, told):
                done.append(run)
                interrupted = run.result.interrupted
                broken_off = run.result if run.result.fault else None
                if interrupted or broken_off or (fail_fast and run.findings):
                    break
                witnessing.add(run.result.problems)
            if not interrupted and not broken_off and not (fail_fast and any(run.findings for run in done)):
                _try_what_is_left_open(orders[0], [run.result for run in done])
        except KeyboardInterrupt:
            interrupted = True
        finally:
            told.stop()
        if dear and done:
            count = len(few_shapes(InputSpace(description.contract, planned[0].dtype, planned[0].labels)))
            said = f"each new shape costs {dear:.1g} s: batches were of {count} shapes, many of each"
            done[0].result.observations[f"{said}; the contract key shapes=many has others tried, too"] = 10**8
        if broken_off is None:
            _require_environment(description.name, [run.result for run in done])
        cut = interrupted or broken_off is not None
        witnesses = () if cut else witnessing.results()
    report = report_of(
        description, planned, done, witnesses, seed, profile, time.perf_counter() - start, interrupted=cut
    )
    if broken_off is not None:
        error = BrokenOffError(broken_off.fault, report)
        error.add_note(broken_off.trace)
        raise error
    return with_lines(report, orders[0]) if lines and report.findings and not cut else report


def _runs(orders: list[Order], host: Host, jobs: int, told: ProgressLike) -> Iterator[CellRun]:
    """Yield the run of each cell, in this process with the one host or spread over a pool."""
    told.start(_expected(orders, host))
    if jobs > 1 and len(orders) > 1:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(jobs, len(orders)), mp_context=context) as pool:
            judged = 0
            try:
                for order, run in zip(orders, pool.map(run_cell_alone, orders), strict=True):
                    judged += run.result.run
                    told.advance(str(order.cell), judged)
                    for found in run.findings:
                        told.found(found.finding)
                    yield run
            except KeyboardInterrupt:
                pool.shutdown(wait=False, cancel_futures=True)
                for child in multiprocessing.active_children():  # a signal to this process alone ends them, too
                    if child.pid is not None:
                        os.kill(child.pid, signal.SIGINT)
                raise
        return
    known: dict[str, list[Batch]] = {}
    judged = 0
    for order in orders:
        before = judged

        def on_batch(result: CellResult, before: int = before, name: str = str(order.cell)) -> None:
            told.advance(name, before + result.run)

        run = run_cell(order, host, known, on_batch, told.found)
        judged += run.result.run
        for name, batch in run.minimal.items():
            known.setdefault(name, []).append(batch)
        yield run


def _try_what_is_left_open(order: Order, results: list[CellResult]) -> None:
    """Observe what the target makes of bad input about which its contract says nothing.

    That is done in a process of its own, or last of all where the target exists in this process only: a target whose
    memory it spoils is wrong on no valid batch.
    """
    if not any(result.left_open for result in results):
        return
    try:
        with order.host() as host:
            for result in results:
                result.observations.update(seen(result.left_open, host))
    except Exception as error:  # it is an extra, and must not cost what was found
        results[0].observations[f"bad input that is not declared could not be tried: {error!r}"] += 1


def _expected(orders: list[Order], host: Host) -> int:
    """Return about how many batches a run has: the sweeps of the dtypes differ little, those of label forms do."""
    contract, shapes = host.description.contract, capabilities_of(host, orders[0].few_shapes).expensive_shapes
    alike = [order for order in orders if order.cell.dtype == orders[0].cell.dtype]
    count = 0
    for order in alike:
        dtype, form = order.cell.dtype, order.cell.labels
        swept = sweep(contract, dtype, form, sizes=order.profile, expensive_shapes=shapes, dtypes=order.dtypes)
        count += sum(1 for _ in swept) + order.examples
    return round(count * len(orders) / len(alike))


_ENVIRONMENT = re.compile(r"\b(cuda|gpus?|rocm|hip|xpu|tpu|drivers?|shared object|dll|library)\b", re.IGNORECASE)


def _require_environment(name: str, results: list[CellResult]) -> None:
    """Raise TargetError if no call returned, since the target cannot import something or lacks a device."""
    raised = next((result.raised for result in results if result.raised is not None), None)
    if raised is None or any(result.answered or result.deaths for result in results):
        return
    device = raised.kind in ("RuntimeError", "AssertionError", "OSError") and _ENVIRONMENT.search(raised.message)
    if device or raised.kind in ("ImportError", "ModuleNotFoundError"):
        place = f" ({raised.where})" if raised.where else ""
        raise TargetError(f"{name} does not run here: every call raises {raised.kind}: {raised.message}{place}.")


def _dear_shapes(host: Host, cell: Cell) -> float:
    """Return the seconds that a new shape has been measured to cost; 0.0 where it is cheap, or known or declared."""
    contract = host.description.contract
    if contract.shapes != "measured" or capabilities_of(host).expensive_shapes:
        return 0.0
    return seconds_of_a_new_shape(contract, host, cell)


def _require_usable(host: Host, cell: Cell) -> None:
    """Raise TargetError if the very call of the target fails, whatever the batch: its signature is another."""
    contract, capabilities = host.description.contract, capabilities_of(host)
    shapes = capabilities.expensive_shapes
    first = next(sweep(contract, cell.dtype, cell.labels, sizes="quick", expensive_shapes=shapes))
    raised = Case(contract, capabilities, host, first).answer.outcome.raised
    if raised is None or raised.kind != "TypeError" or raised.where or raised.call == "convert":
        return
    arguments = ["labels", "scores"] if contract.argument_order == "labels_first" else ["scores", "labels"]
    arguments += [f"{name}=..." for name in contract.arguments.values()]
    raise TargetError(
        f"{host.description.name} cannot be called as {raised.call}({', '.join(arguments)}): {raised.message}; "
        "say what it takes with --contract argument_order=labels_first or the option keys, or wrap it in a function."
    )
