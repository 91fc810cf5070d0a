"""The units of work of a run: the shards of a cell, and its conclusion.

Each is a function of JSON types and an order, and gives JSON types, so that it can be done in any process, by any
executor, today or when a run is resumed. Where it is done in a process of an executor, that process keeps the target's
host until another target's is asked for.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xentcheck.batches.batch import Batch
from xentcheck.batches.packing import unpack
from xentcheck.contract.harmless import harmless
from xentcheck.engine.cell_result import CellResult, Tally
from xentcheck.engine.conclusion import conclude
from xentcheck.engine.corpus import mended
from xentcheck.engine.economy import Graph, graph_of
from xentcheck.engine.inputs import noting
from xentcheck.engine.merging import again_in, merged
from xentcheck.engine.minimise import finding
from xentcheck.engine.order import Opening, Order, Shard, capabilities_of, first_outcome, opened, swept
from xentcheck.engine.plan import Cell
from xentcheck.engine.search import CellSearch, Enough
from xentcheck.engine.shard_record import Record, from_record, to_record
from xentcheck.properties.law import Law
from xentcheck.properties.registry import choose
from xentcheck.report.finding import Finding
from xentcheck.targets import Host


def inapplicable(order: Order, host: Host) -> dict[str, str]:
    """Return the laws that say nothing about the cell, and why."""
    contract, cell = host.description.contract, order.cell
    capabilities = capabilities_of(host, order.costs, order.economy)
    silent = {law.name: law.silent(contract, capabilities, cell.dtype, cell.labels) for law in choose(order.laws)}
    return {name: why for name, why in silent.items() if why}


def judge_shard(
    order: Order,
    number: int,
    host: Host,
    on_batch: Callable[[CellResult], None] = lambda result: None,
    on_found: Callable[[Finding], None] = lambda found: None,
    note: Callable[[CellResult], None] = lambda partial: None,
) -> Record:
    """Judge the batches of a shard; return what came of it, for `merging`.

    Parameters
    ----------
    on_batch, on_found : callable
        Told of each batch judged, and of each law when it is first broken (the batch is not reduced then).
    note : callable
        Given what came of the shard so far when a law is first broken.
    """
    contract, capabilities = host.description.contract, capabilities_of(host, order.costs, order.economy)

    def on_violation(result: CellResult, tally: Tally) -> None:
        note(result)
        on_found(finding(tally.law, order.cell, tally.falls[0].violation, contract))
        stop(result)

    def stop(result: CellResult) -> None:
        # Before the first answer an exception may come from the call and not from the batch: go on until one does.
        broken = any(tally.falls for tally in result.tallies.values())
        if order.fail_fast and broken and (result.answered or result.deaths):
            raise Enough

    def on_each(result: CellResult) -> None:
        on_batch(result)
        stop(result)

    shard = order.shard(number)
    with noting(host, order.inputs) as evaluator:
        search = CellSearch(
            contract,
            capabilities,
            evaluator,
            _laws(order, host),
            order.cell,
            dtypes=order.dtypes,
            witnessed=-(-order.witnessed // order.shards),
            again=max(again_in(order), len(shard.replayed)),
            on_batch=on_each,
            on_violation=on_violation,
            turns=order.economy.turns,
            graphs=_graphs(order, host),
        )
        try:
            first = _first(order, shard, host)
            search.search(first, order.profile, shard.drawn, shard.seed)
            search.result.observations.update(mended(search.result, shard.replayed, first))
        except Exception as error:  # what was found stays
            search.result.fault = harmless(f"{type(error).__name__}: {error}", 500)
            search.result.trace = traceback.format_exc()
    return to_record(search.result)


def _first(order: Order, shard: Shard, host: Host) -> Sequence[Batch]:
    """Return the batches of a shard that are not drawn."""
    if shard.replayed:
        return [unpack(one["batch"]) for one in shard.replayed]
    few = capabilities_of(host, order.costs).expensive_shapes
    found = swept(host.description.contract, order.cell, order.profile, few, order.dtypes, order.economy)
    return found[shard.start : shard.stop]


def _graphs(order: Order, host: Host) -> frozenset[Graph] | None:
    """Return of which graphs batches may be drawn: those of the sweep, where each further one costs much."""
    if order.economy.graphs is None:
        return None
    contract, few = host.description.contract, capabilities_of(host, order.costs).expensive_shapes
    return frozenset(map(graph_of, swept(contract, order.cell, order.profile, few, order.dtypes, order.economy)))


def _laws(order: Order, host: Host) -> list[Law]:
    silent = inapplicable(order, host)
    return [law for law in choose(order.laws) if law.name not in silent]


def judge_shard_alone(order: Order, number: int) -> Record:
    """Judge a shard in a process of an executor."""
    with _one_at_a_time:
        return judge_shard(order, number, _kept_host(order))


def conclude_alone(order: Order, records: Mapping[int, Record], known: Record) -> Record:
    """Conclude a cell, of which the shards are done, in a process of an executor; see `conclusion.conclude`."""
    with _one_at_a_time:
        result = merged(order, {number: from_record(record) for number, record in records.items()})
        return conclude(order, result, known, _kept_host(order))


_one_at_a_time = threading.Lock()  # an executor's process may have threads, and a host answers one of them
_kept: list[tuple[Opening, Host]] = []


def open_alone(cell: Cell, *opening: Any) -> None:
    """Open the host of an `Order.opening` in a process of an executor, and ask it the first batch of a cell.

    So the target is imported, and what is compiled for a first call, for what is to come.
    """
    with _one_at_a_time:
        host = _host_of(opening)
        if cell.dtype not in host.description.unavailable_dtypes:
            first_outcome(host, cell)


def _kept_host(order: Order) -> Host:
    return _host_of(order.opening)


def _host_of(opening: Opening) -> Host:
    """Return the host of the last order if it was opened alike, or open another one."""
    if _kept:
        last, host = _kept[0]
        if last == opening:
            return host
        _kept.clear()
        host.close()
    host = opened(*opening)
    _kept.append((opening, host))
    return host
