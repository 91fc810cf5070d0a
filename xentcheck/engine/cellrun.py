"""One cell from search to findings; the unit that is spread over processes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

from xentcheck.batches.batch import Batch
from xentcheck.engine.minimise import finding, minimise
from xentcheck.engine.naming import Naming
from xentcheck.engine.plan import PROFILES, Cell
from xentcheck.engine.promises import narrower_compute
from xentcheck.engine.search import CellResult, CellSearch, Enough, Tally
from xentcheck.properties.law import Capabilities
from xentcheck.properties.registry import choose
from xentcheck.report.model import Finding
from xentcheck.report.reproducer import script
from xentcheck.targets import Host, TargetSpecification, open_host
from xentcheck.targets.local import LocalHost


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
    few_shapes: bool = False

    def host(self) -> Host:
        """Open a host of the target."""
        return open_host(self.specification, time_limit=self.time_limit, first_time_limit=self.first_time_limit)


@dataclass
class CellRun:
    """What came of a cell."""

    result: CellResult
    findings: list[Finding]
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
        assert tally.violation is not None
        on_found(finding(tally.law, order.cell, tally.violation))
        stop(result)

    def stop(result: CellResult) -> None:
        # Before the first answer an exception may come from the call and not from the batch: go on until one does.
        broken = any(tally.violation is not None for tally in result.tallies.values())
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
        on_batch=on_each,
        on_violation=on_violation,
    )
    # The seed of a cell depends on nothing but the run's seed and the cell's name: jobs and order do not matter.
    search.run(order.profile, order.examples, zlib.crc32(f"{order.seed} {order.cell}".encode()))
    done = CellRun(search.result, [], {}, inapplicable)
    naming = _naming(search, order, host)
    for tally in search.result.tallies.values():
        if tally.violation is not None:
            _conclude(done, tally, search, order, host, naming, known)
    return done


def _naming(search: CellSearch, order: Order, host: Host) -> Naming:
    """Return what names the mechanisms of the cell's findings, and may ask the target for it."""
    result = search.result
    if result.interrupted or result.deaths:
        return Naming(search.contract, search.case, ask=False)
    # Where each new shape is compiled, those that have been judged alone.
    first = islice(search.sweep(order.profile), result.run if search.capabilities.expensive_shapes else None)

    # Another process costs the import of the target's framework.
    times = None if isinstance(host, LocalHost) else int(host.description.framework == "numpy")
    return Naming(search.contract, search.case, first, order.host, times)


def _conclude(
    done: CellRun,
    tally: Tally,
    search: CellSearch,
    order: Order,
    host: Host,
    naming: Naming,
    known: dict[str, list[Batch]],
) -> None:
    """Reduce one violation and note the finding."""
    name, contract = tally.law.name, host.description.contract
    assert tally.violation is not None
    violation, minimal = tally.violation, False
    if not done.result.interrupted:
        budget = PROFILES[order.profile].reductions
        try:
            violation, minimal = minimise(tally, search.case, budget, known.get(name, []), contract)
        except Exception as error:
            _own_fault(search, "reducing a finding", error)
    if minimal:
        done.minimal[name] = violation.batch
    again = minimal or done.result.interrupted
    cause = None
    try:
        cause = naming.cause(tally.law, violation, tally.violation, again)
    except Exception as error:  # a name is an extra, and must not cost the finding
        _own_fault(search, "naming the cause of a finding", error)
    made = finding(tally.law, order.cell, violation, minimal, cause)
    try:
        made = replace(made, detail=(*made.detail, *narrower_compute(violation, contract, search.case)))
    except Exception as error:
        _own_fault(search, "looking for a promise that the target keeps", error)
    try:
        source = script(order.specification, contract, made, framework=host.description.framework)
    except Exception as error:
        _own_fault(search, "writing the reproducer of a finding", error)
        source = ""
    done.findings.append(replace(made, reproducer=source))


def _own_fault(search: CellSearch, doing: str, error: Exception) -> None:
    """Report a fault of xentcheck's own beside what was found, which it must not cost."""
    search.result.observations[f"a fault of xentcheck in {doing}: {error!r}"] += 1


def run_cell_alone(order: Order) -> CellRun:
    """Run a cell with a host of its own, in a process of a pool."""
    with order.host() as host:
        return run_cell(order, host, {})
