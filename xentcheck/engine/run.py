"""One run: a target, a contract and a profile in, a report out."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import closing, contextmanager
from pathlib import Path

from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.shapes import few_shapes
from xentcheck.contract import Contract
from xentcheck.contract.declaration import OPTIONS
from xentcheck.diagnosis import SecondHost
from xentcheck.engine.beside import Beside
from xentcheck.engine.cell_result import CellResult
from xentcheck.engine.conclusion import CellRun
from xentcheck.engine.corpus import read
from xentcheck.engine.grading import problem_of
from xentcheck.engine.line import with_lines
from xentcheck.engine.memory import Memory
from xentcheck.engine.order import capabilities_of, swept
from xentcheck.engine.plan import PROFILES, cells
from xentcheck.engine.progress import ProgressLike, Silent
from xentcheck.engine.reporting import report_of
from xentcheck.engine.run_directory import folder_of, opened
from xentcheck.engine.run_plan import Options, RunPlan, planned, several_processors
from xentcheck.engine.spread import Begun
from xentcheck.engine.units import open_alone
from xentcheck.engine.waiving import NO_WAIVERS, Waiving
from xentcheck.engine.witnessing import Witnessing
from xentcheck.engine.working import Working
from xentcheck.properties.registry import choose
from xentcheck.report.encoding import build, plain
from xentcheck.report.report import BrokenOffError, Report
from xentcheck.report.results import WitnessResult
from xentcheck.report.waivers import Waiver
from xentcheck.targets import Ahead, Host, TargetError, TargetSpecification, open_host
from xentcheck.targets.host.in_process import LocalHost

WITNESSES = "witnesses"
"""The name of a unit of a run that is no cell's; `beside` has the other."""


def check_target(
    specification: TargetSpecification,
    *,
    profile: str = "quick",
    seed: int = 0,
    properties: Iterable[str] | None = None,
    dtypes: Iterable[str] | None = None,
    jobs: int | None = None,
    fail_fast: bool = False,
    time_limit: float = 10.0,
    first_time_limit: float = 120.0,
    memory: int | str | None = None,
    progress: ProgressLike | None = None,
    executor: Executor | None = None,
    resume: str | os.PathLike[str] | None = None,
    corpus: str | os.PathLike[str] | None = None,
    lines: bool = False,
    waivers: Iterable[Waiver] = (),
    ahead: Ahead | None = None,
) -> Report:
    """Judge a target.

    Parameters
    ----------
    specification : TargetSpecification
        What to call, and the contract it is held to.
    progress : ProgressLike, optional
        Told how the run goes.
    profile, seed, properties, dtypes, jobs, fail_fast, time_limit, first_time_limit, memory, executor, resume, lines
        As for `xentcheck.check`, which hands them on.
    corpus : path, optional
        A folder with batches that broke laws before: they are judged first. It is only read; see `corpus.keep`.
    waivers : iterable of Waiver
        What is known and accepted, of this target and others. Where one holds for it, `fail_fast` does not end its run:
        a finding that is waived would do so.
    ahead : Ahead, optional
        A process in which the target has been imported, as by `import_ahead`.

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
    entries, said = ([], []) if corpus is None else read(Path(corpus))
    laws = tuple(law.name for law in choose(properties))
    start = time.perf_counter()
    opening = open_host(
        specification, time_limit=time_limit, first_time_limit=first_time_limit, memory=memory, ahead=ahead
    )
    with opening as host:
        waiving = Waiving.of(waivers, host)
        chosen = Options(
            profile,
            seed,
            laws,
            None if dtypes is None else tuple(dtypes),
            fail_fast and not waiving.valid,
            time_limit,
            first_time_limit,
            memory,
            corpus=tuple(entries),
        )
        told = progress or Silent()
        if resume is None:
            kept = Memory()
            kept.remarks += said
            with _begun(specification, chosen, host, jobs, executor) as begun:
                plan = planned(specification, chosen, host)
                return performed(plan, host, kept, jobs, executor, told, start, lines, waiving, begun)
        plan = planned(specification, chosen, host)
        plan, journal = opened(folder_of(resume, specification), plan, host.description)
        journal.remarks += said
        with closing(journal):
            return performed(plan, host, journal, jobs, executor, told, start, lines, waiving)


def performed(
    plan: RunPlan,
    host: Host,
    memory: Memory,
    jobs: int | None,
    executor: Executor | None,
    told: ProgressLike,
    start: float,
    lines: bool = False,
    waiving: Waiving = NO_WAIVERS,
    begun: Begun | None = None,
) -> Report:
    """Do what a plan says and is not done yet, and return the report; raises as `check_target` does."""
    orders, contract = plan.orders(memory.folder), host.description.contract
    done: list[CellRun] = []
    interrupted = False
    told.start(sum(order.planned for order in orders))
    with Witnessing(PROFILES[plan.profile].witnessed) as witnessing, closing(SecondHost(orders[0].host)) as second:
        beside = Beside(host, second, memory, plan.economy)

        def on_batch(result: CellResult) -> None:
            if not (plan.fail_fast or isinstance(host, LocalHost)):
                beside.begin([result])

        working = Working(orders, host, memory, told, second, on_batch)
        if not plan.fail_fast and WITNESSES not in memory.records:
            witnessing.begin()
        try:
            for run in _runs(working, plan, host, jobs, executor, begun):
                done.append(run)
                interrupted |= run.result.interrupted
                if plan.fail_fast and run.findings:
                    break
                if len(done) == len(orders) - 1 and not interrupted:
                    beside.begin([one.result for one in done])
                if not (run.result.interrupted or run.result.fault or WITNESSES in memory.records):
                    witnessing.add([problem_of(contract, batch) for batch in run.result.witnessed])
            hurried = plan.fail_fast and any(run.findings for run in done)
            if not interrupted and not hurried and not any(run.result.fault for run in done):
                waiving.look_beyond(done, orders, host)
                beside.observe([run.result for run in done])
        except KeyboardInterrupt:
            interrupted = True
        finally:
            told.stop()
        broken_off = next((run.result for run in done if run.result.fault), None)
        if done:
            done[0].result.observations.update(dict.fromkeys(_economies(plan, host), 10**8))
        if broken_off is None:
            _require_environment(host.description.name, [run.result for run in done])
        for remark in memory.remarks if done else ():
            done[0].result.observations[remark] = 10**8
        lost = [sentence for run in done for sentence in run.result.lost]
        cut = interrupted or broken_off is not None or bool(lost)
        witnesses = () if cut else _witnesses(witnessing, memory)
    report = report_of(
        host.description,
        plan.cells,
        done,
        witnesses,
        plan.seed,
        plan.profile,
        time.perf_counter() - start,
        left_out=_left_out(plan, host),
        interrupted=cut,
    )
    if broken_off is not None:
        error = BrokenOffError(broken_off.fault, report)
        error.add_note(broken_off.trace)
        raise error
    if lost:
        raise BrokenOffError("; ".join(lost), report)
    report = waiving.applied(report)
    return with_lines(report, orders[0]) if lines and report.findings and not cut else report


@contextmanager
def _begun(
    specification: TargetSpecification, chosen: Options, host: Host, jobs: int | None, executor: Executor | None
) -> Iterator[Begun | None]:
    """Give the second process where it is certain to be wanted: it imports and compiles while the first does."""
    if executor is not None or jobs is not None or chosen.fail_fast or isinstance(host, LocalHost):
        yield None
        return
    contract = host.description.contract
    every = cells(contract, chosen.dtypes)
    if contract.shapes != "few" or len(every) < 2 or not several_processors():
        yield None
        return
    begun = Begun(1)
    opening = specification, os.getcwd(), chosen.time_limit, chosen.first_time_limit, chosen.memory
    begun.executor.submit(open_alone, every[-1], *opening)  # which is searched there first
    try:
        yield begun
    except BaseException:
        begun.kill()
        raise
    finally:
        begun.executor.shutdown(wait=False, cancel_futures=True)


def _runs(
    working: Working, plan: RunPlan, host: Host, jobs: int | None, executor: Executor | None, begun: Begun | None
) -> Iterator[CellRun]:
    """Return what comes of the cells, done as is asked for; where nothing is, two processes may share them."""
    if executor is None and jobs is None and plan.two_processes and not isinstance(host, LocalHost):
        return working.spread(None, 1, here=True, begun=begun)
    return working.in_turn() if jobs in (None, 1) and executor is None else working.spread(executor, jobs or 1)


def _witnesses(witnessing: Witnessing, memory: Memory) -> tuple[WitnessResult, ...]:
    """Return what the witnesses say, or have said."""
    if WITNESSES not in memory.records:
        memory.keep(WITNESSES, {"said": [plain(one) for one in witnessing.results()]})
    return tuple(build(WitnessResult, stated) for stated in memory.records[WITNESSES]["said"])


_ENVIRONMENT = re.compile(r"\b(cuda|gpus?|rocm|hip|xpu|tpu|drivers?|shared object|dll|library)\b", re.IGNORECASE)


def _economies(plan: RunPlan, host: Host) -> list[str]:
    """Return sentences on what was not tried because the target's calls cost much."""
    found, contract = [], host.description.contract
    if plan.profile == "quick" and capabilities_of(host, plan.costs).expensive_shapes and len(_varied(contract)) > 1:
        said = f"what may be compiled anew ({', '.join(_varied(contract))}) was varied one by one"
        found.append(f"{said}, and not each with each; --profile standard has all pairs, and triples")
    if plan.costs.new_shape and contract.shapes == "measured" and not host.description.expensive_shapes:
        count = len(few_shapes(InputSpace(contract, plan.cells[0].dtype, plan.cells[0].labels)))
        said = f"each new shape costs {plan.costs.new_shape:.1g} s: batches were of {count} shapes, many of each"
        found.append(f"{said}; the contract key shapes=many has others tried, too")
    if plan.economy.few_layouts:
        said = f"what is compiled costs {plan.costs.compiling:.1g} s: inputs lay in one piece, or in one other layout"
        found.append(f"{said} of each dtype; --profile standard tries all")
    if plan.costs.call and plan.economy.turns > 1:
        said = f"a call takes {plan.costs.call:.1g} s: laws that make further calls took turns, each on one batch in"
        found.append(f"{said} {plan.economy.turns:g}; the contract key calls=many has each ask on every batch")
    if left := _left_out(plan, host):
        said = f"so dear a target gets {sum(plan.swept)} batches of quick's sweep, and {left} others were not tried"
        found.append(f"{said}; --profile standard tries them")
    return found


def _left_out(plan: RunPlan, host: Host) -> int:
    """Return how many batches the sweeps of the cells have that are not tried."""
    if not plan.economy.saves:
        return 0
    contract, few = host.description.contract, capabilities_of(host, plan.costs).expensive_shapes
    whole = (swept(contract, cell, plan.profile, few, plan.dtypes) for cell in plan.cells)
    return sum(map(len, whole)) - sum(plan.swept)


def _varied(contract: Contract) -> list[str]:
    """Return what is varied in the calls of a target, each value of which may be compiled."""
    numbers = [key for key in contract.drawn if OPTIONS[key].kind in ("number", "integer")]
    return ["the dtype of labels", *numbers]


def _require_environment(name: str, results: list[CellResult]) -> None:
    """Raise TargetError if no call returned, since the target cannot import something or lacks a device."""
    raised = next((result.raised for result in results if result.raised is not None), None)
    if raised is None or any(result.answered or result.deaths for result in results):
        return
    device = raised.kind in ("RuntimeError", "AssertionError", "OSError") and _ENVIRONMENT.search(raised.message)
    if device or raised.kind in ("ImportError", "ModuleNotFoundError"):
        place = f" ({raised.where})" if raised.where else ""
        raise TargetError(f"{name} does not run here: every call raises {raised.kind}: {raised.message}{place}.")
