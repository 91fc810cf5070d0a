"""One cell from search to findings; the unit that is spread over processes."""

from __future__ import annotations

import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from xentcheck.batches.batch import Batch
from xentcheck.contract.harmless import harmless
from xentcheck.diagnosis import Cause, Diagnosis
from xentcheck.engine.further import Further, Shown
from xentcheck.engine.minimise import finding, minimise
from xentcheck.engine.plan import PROFILES, Cell
from xentcheck.engine.promises import weaker_promise
from xentcheck.engine.roots import Found, shown_mechanism
from xentcheck.engine.search import CellResult, CellSearch, Enough, Fall, Tally
from xentcheck.properties.law import Capabilities, Violation
from xentcheck.properties.registry import choose
from xentcheck.report.reproducer import script
from xentcheck.report.results import Finding
from xentcheck.targets import Host, TargetSpecification, open_host
from xentcheck.targets.host.in_process import LocalHost

AGAIN = 24  # batches on which a law that has fallen is broken again, looked through for another mistake


@dataclass(frozen=True)
class Order:
    """What is to be done in a cell; it can be sent to another process.

    Parameters
    ----------
    specification : TargetSpecification
    cell : Cell
    dtypes : tuple of str
        Those of the whole run, among which the sweep is shared.
    laws : tuple of str
        Names of the laws to judge by.
    profile : str
    seed : int
    examples, witnessed : int
        Batches to draw, and batches to keep for the witnesses.
    fail_fast : bool
    time_limit, first_time_limit : float
        Seconds a call, and one in which something may be compiled.
    memory : int or str or None
        What the target's process may have; see `open_host`.
    few_shapes : bool
        Whether each new shape has been measured to be compiled.
    """

    specification: TargetSpecification
    cell: Cell
    dtypes: tuple[str, ...]
    laws: tuple[str, ...]
    profile: str
    seed: int
    examples: int
    witnessed: int
    fail_fast: bool
    time_limit: float
    first_time_limit: float
    memory: int | str | None
    few_shapes: bool = False

    def host(self) -> Host:
        """Open a host of the target."""
        return open_host(
            self.specification,
            time_limit=self.time_limit,
            first_time_limit=self.first_time_limit,
            memory=self.memory,
        )


@dataclass
class CellRun:
    """What came of a cell."""

    result: CellResult
    findings: list[Found]
    minimal: dict[str, Batch]
    inapplicable: dict[str, str]


def capabilities_of(host: Host, few_shapes: bool = False) -> Capabilities:
    """Return what laws need to know of a target, of which shapes may have been measured to be expensive."""
    told = host.description
    shapes = told.contract.shapes
    few = told.expensive_shapes or few_shapes if shapes == "measured" else shapes == "few"
    return Capabilities(told.has_loss, told.has_gradient, told.has_vjp, few, told.has_hessian_vector)


def run_cell(
    order: Order,
    host: Host,
    known: dict[str, list[Batch]],
    on_batch: Callable[[CellResult], None] = lambda result: None,
    on_found: Callable[[Finding], None] = lambda found: None,
) -> CellRun:
    """Search a cell and reduce what breaks; after Ctrl-C nothing is reduced, so that the end is near.

    Parameters
    ----------
    known : dict
        Minimal batches found in other cells, by the law's name; tried before any reduction.
    on_batch, on_found : callable
        Told of each batch judged, and of each law when it is first broken (the batch is not reduced then).
    """
    contract = host.description.contract
    capabilities = capabilities_of(host, order.few_shapes)
    laws = choose(order.laws)
    inapplicable = {
        law.name: why
        for law in laws
        if (why := law.silent(contract, capabilities, order.cell.dtype, order.cell.labels))
    }

    def on_violation(result: CellResult, tally: Tally) -> None:
        on_found(finding(tally.law, order.cell, tally.falls[0].violation))
        stop(result)

    def stop(result: CellResult) -> None:
        # Before the first answer an exception may come from the call and not from the batch: go on until one does.
        broken = any(tally.falls for tally in result.tallies.values())
        if order.fail_fast and broken and (result.answered or result.deaths):
            raise Enough

    def on_each(result: CellResult) -> None:
        on_batch(result)
        stop(result)

    search = CellSearch(
        contract,
        capabilities,
        host,
        [law for law in laws if law.name not in inapplicable],
        order.cell,
        dtypes=order.dtypes,
        keep_problems=order.witnessed,
        again=0 if order.fail_fast else AGAIN,
        on_batch=on_each,
        on_violation=on_violation,
    )
    # The seed of a cell depends on nothing but the run's seed and the cell's name: jobs and order do not matter.
    try:
        search.run(order.profile, order.examples, zlib.crc32(f"{order.seed} {order.cell}".encode()))
    except Exception as error:  # what was found stays
        search.result.fault = harmless(f"{type(error).__name__}: {error}", 500)
        search.result.trace = traceback.format_exc()
    done = CellRun(search.result, [], {}, inapplicable)
    conclusion = _Conclusion(done, search, order, host, _diagnosis(search, order, host), known)
    fallen = [tally for tally in search.result.tallies.values() if tally.falls]
    for tally in fallen:
        conclusion.first(tally.falls[0])
    for tally in fallen if not (search.result.interrupted or search.result.fault) else ():
        conclusion.further(tally.falls)
    conclusion.report()
    return done


def _may_be_asked(result: CellResult) -> bool:
    """Return whether a target may be asked for more when its search is over: not after Ctrl-C, a death or a fault."""
    return not (result.interrupted or result.deaths or result.fault)


def _diagnosis(search: CellSearch, order: Order, host: Host) -> Diagnosis:
    """Return what names the mechanisms of the cell's findings, and may ask the target for it."""
    result = search.result
    if not _may_be_asked(result):
        return Diagnosis(search.contract, search.case, ask=False)
    # Where each new shape is compiled, those that have been judged alone.
    first = islice(search.sweep(order.profile), result.run if search.capabilities.expensive_shapes else None)

    # Another process costs the import of the target's framework.
    times = None if isinstance(host, LocalHost) else int(host.description.framework == "numpy")
    return Diagnosis(search.contract, search.case, first, order.host, times)


@dataclass
class _Conclusion:
    """Makes findings of the falls of a cell: reduced, named and with a reproducer."""

    done: CellRun
    search: CellSearch
    order: Order
    host: Host
    diagnosis: Diagnosis
    known: dict[str, list[Batch]]
    shown: list[Shown] = field(default_factory=list)

    def first(self, fall: Fall) -> None:
        """Report how a law was first broken."""
        made = self._reduced(fall)
        if made.minimal:
            self.done.minimal[fall.law.name] = made.violation.batch
        self.shown.append(made)

    def further(self, falls: Sequence[Fall]) -> None:
        """Report how a law is broken by a mistake that no finding shows yet."""
        Further(self.search.contract, self.shown, self._reduced).look_for(falls)

    def report(self) -> None:
        """Note all findings, each with its root cause."""
        places: Counter[str] = Counter()
        for shown in self.shown:
            places[shown.law.name] += 1
            self._report(shown, places[shown.law.name])

    def _reduced(self, fall: Fall, excused: Callable[[Violation], bool] = lambda violation: False) -> Shown:
        """Return what a fall shows on the smallest batch found, with its cause."""
        violation, minimal = self._minimised(fall, excused)
        cause = self._cause(fall, violation, minimal or self.done.result.interrupted)
        return Shown(self.search.contract, fall, violation, minimal, cause)

    def _minimised(self, fall: Fall, excused: Callable[[Violation], bool]) -> tuple[Violation, bool]:
        """Return a violation on the smallest batch found, and whether it was reduced."""
        if self.done.result.interrupted:
            return fall.violation, False
        known = self.known.get(fall.law.name, [])
        try:
            budget = PROFILES[self.order.profile].reductions
            return minimise(fall, self.search.case, budget, known, self.search.contract, excused)
        except Exception as error:
            self._own_fault("reducing a finding", error)
            return fall.violation, False

    def _cause(self, fall: Fall, violation: Violation, again: bool) -> Cause | None:
        try:
            return self.diagnosis.cause(fall.law, violation, fall.violation, again)
        except Exception as error:  # a name is an extra, and must not cost the finding
            self._own_fault("naming the cause of a finding", error)
            return None

    def _report(self, shown: Shown, place: int) -> None:
        contract, violation = self.search.contract, shown.violation
        made = finding(shown.law, self.order.cell, violation, shown.minimal, shown.cause)
        made, promise = replace(made, place=place), ""
        try:
            kept = weaker_promise(violation, contract, self.search.case) if _may_be_asked(self.done.result) else None
            if kept is not None:
                promise, line = kept
                made = replace(made, detail=(*made.detail, line))
        except Exception as error:
            self._own_fault("looking for a promise that the target keeps", error)
        try:
            framework = self.host.description.framework
            made = replace(made, reproducer=script(self.order.specification, contract, made, framework=framework))
        except Exception as error:
            self._own_fault("writing the reproducer of a finding", error)
        self.done.findings.append(Found(made, shown_mechanism(shown, self.shown), promise, (*shown.kind, str(place))))

    def _own_fault(self, doing: str, error: Exception) -> None:
        """Report a fault of xentcheck's own beside what was found, which it must not cost."""
        self.search.result.observations[f"a fault of xentcheck in {doing}: {harmless(repr(error), 300)}"] += 1


def run_cell_alone(order: Order) -> CellRun:
    """Run a cell with a host of its own, in a process of a pool."""
    with order.host() as host:
        return run_cell(order, host, {})
