"""Shards: how a cell is cut, what is recorded of a shard, and that a merge depends on nothing but what was judged."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xentcheck.batches.batch import Batch
from xentcheck.batches.packing import pack, unpack
from xentcheck.batches.storage import digest
from xentcheck.batches.sweep import sweep
from xentcheck.contract import Contract
from xentcheck.engine.cell_result import FATAL_LIMIT, CellResult
from xentcheck.engine.memory import Memory, shard_name
from xentcheck.engine.merging import AGAIN, merged, missing
from xentcheck.engine.order import SHARD, Order, capabilities_of, swept
from xentcheck.engine.progress import Silent
from xentcheck.engine.run_plan import Options, planned
from xentcheck.engine.shard_record import Record, from_record, to_record
from xentcheck.engine.units import judge_shard
from xentcheck.engine.working import Working
from xentcheck.targets import TargetSpecification, open_host

LOSSES = Path(__file__).with_name("losses.py")


def order(name: str, **options: Any) -> Order:
    """Return what is to be done in float64 for a function of losses.py."""
    specification = TargetSpecification(loss=f"{LOSSES}:{name}")
    chosen = Options(properties=("answers", "value", "determinism"), dtypes=("float64",), **options)
    with open_host(specification) as host:
        return planned(specification, chosen, host).orders()[0]


@pytest.fixture(scope="module")
def searched() -> tuple[Order, dict[int, Record]]:
    """All shards of a target that is wrong, judged each by itself."""
    one = order("summed")
    with one.host() as host:
        return one, {number: judge_shard(one, number, host) for number in range(one.shards)}


def without_times(result: CellResult) -> Record:
    """Return a result as JSON types without what differs from run to run."""
    stated = to_record(result)
    for tally in stated["tallies"]:
        tally.pop("seconds")
    return stated


def results(records: dict[int, Record]) -> dict[int, CellResult]:
    """Return what records tell, after a way through JSON text."""
    return {number: from_record(json.loads(json.dumps(record))) for number, record in records.items()}


@pytest.mark.parametrize(("count", "drawn"), [(1, 0), (40, 0), (41, 0), (96, 12), (250, 300), (3, 2000), (0, 5)])
def test_shards_have_each_batch_once(count: int, drawn: int) -> None:
    """In the order of the sweep, none much larger than another, and those that draw with seeds of their own."""
    one = replace(order_of_nothing(), swept=count, drawn=drawn)
    shards = [one.shard(number) for number in range(one.shards)]
    places = [place for shard in shards for place in range(shard.start, shard.stop)]
    assert places == list(range(count))
    assert sum(shard.drawn for shard in shards) == drawn
    assert {shard.stop - shard.start + shard.drawn <= SHARD for shard in shards} == {True}
    drawing = [shard.seed for shard in shards if shard.drawn]
    assert len(set(drawing)) == len(drawing)


def order_of_nothing() -> Order:
    """Return an order whose target is not needed."""
    from xentcheck.engine.plan import Cell

    target = TargetSpecification(loss="reference")
    return Order(target, ".", Cell("float64", "sparse"), ("float64",), (), "quick", 0, 1, 0, 5, False, 1.0, 1.0, None)


def test_all_shards_judge_what_one_search_does(searched: tuple[Order, dict[int, Record]]) -> None:
    """Each batch of the sweep is judged once, in its order, before what is drawn."""
    one, records = searched
    with one.host() as host:
        contract, few = host.description.contract, capabilities_of(host).expensive_shapes
    assert list(map(digest, swept(contract, one.cell, "quick", few, one.dtypes))) == list(
        map(digest, sweep(contract, "float64", "sparse", dtypes=one.dtypes))
    )
    cell = merged(one, results(records))
    assert (cell.run + cell.skipped, cell.planned) == (one.planned, one.planned)
    assert cell.tallies["value"].falls[0].batch.scores.shape == (2, 3)


def test_a_record_gives_back_what_it_was_given(searched: tuple[Order, dict[int, Record]]) -> None:
    """Batches bit for bit, numbers exactly, falls on the same batch still on the same one."""
    for record in searched[1].values():
        text = json.dumps(record)
        assert json.dumps(to_record(from_record(json.loads(text)))) == text
    tally = from_record(searched[1][0]).tallies["value"]
    assert tally.falls[0].batch is tally.falls[0].violation.batch
    assert isinstance(tally.falls[0].violation.got, float)


def test_the_order_of_the_shards_and_doubled_ones_do_not_matter(searched: tuple[Order, dict[int, Record]]) -> None:
    """Merged in any order of arrival, some of them judged again by another process."""
    one, records = searched
    wanted = without_times(merged(one, results(records)))
    chance = random.Random(1)
    numbers = list(records)
    with one.host() as host:
        again = judge_shard(one, 1, host)
    for _ in range(5):
        chance.shuffle(numbers)
        doubled = {**{number: records[number] for number in numbers}, 1: again}
        assert without_times(merged(one, results(doubled))) == wanted


def test_a_missing_shard_is_asked_for_and_counts_as_skipped(searched: tuple[Order, dict[int, Record]]) -> None:
    """It is never taken for judged."""
    one, records = searched
    done = results(records)
    assert missing(one, done) is None
    lost = done.pop(1)
    assert missing(one, done) == 1
    assert merged(one, done).skipped == merged(one, results(records)).skipped + lost.run


def test_further_falls_are_those_of_the_first_batches(searched: tuple[Order, dict[int, Record]]) -> None:
    """As many as are looked through, of shards in their order."""
    one, records = searched
    tally = merged(one, results(records)).tallies["value"]
    assert 0 < tally.again <= AGAIN
    assert len({id(fall.batch) for fall in tally.falls}) == tally.again + 1
    assert tally.examples == from_record(records[0]).tallies["value"].examples


@pytest.mark.parametrize("change", [{"left": True}, {"fault": "x"}, {"interrupted": True}, {"deaths": FATAL_LIMIT}])
def test_what_comes_after_a_cell_was_left_is_not_looked_at(
    searched: tuple[Order, dict[int, Record]], change: dict[str, Any]
) -> None:
    """Whether another process has judged it by then or not."""
    one, records = searched
    first = {**records[0], **change}
    alone = merged(one, results({0: first}))
    assert missing(one, results({0: first})) is None
    assert without_times(merged(one, results({**records, 0: first}))) == without_times(alone)
    assert alone.skipped == one.planned - alone.run


def test_deaths_of_several_shards_leave_a_cell() -> None:
    """One each, and the third is the last."""
    one = replace(order_of_nothing(), swept=200)
    dying = {number: CellResult(one.cell, planned=40, run=40, deaths=1) for number in range(one.shards)}
    cell = merged(one, dying)
    assert (cell.deaths, cell.run) == (FATAL_LIMIT, 40 * FATAL_LIMIT)
    assert missing(one, {number: dying[number] for number in range(FATAL_LIMIT)}) is None


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_batches_are_packed_bit_for_bit(dtype: str) -> None:
    """Payloads of nan, layouts, options of all kinds, and labels that no contract admits."""
    contract = Contract(
        dtypes=[dtype],
        labels=["sparse", "soft"],
        class_weights={"argument": "weight"},
        label_smoothing={"argument": "smoothing"},
        ignore_index={"argument": "ignore"},
        nonfinite=["-inf", "+inf", "nan"],
    )
    for form in ("sparse", "soft"):
        for batch in sweep(contract, dtype, form):
            same(batch, unpack(json.loads(json.dumps(pack(batch)))))
    bad = Batch(np.zeros((2, 3), batch.scores.dtype), np.array([[0.5], [np.inf]]), "sparse")
    same(bad, unpack(pack(bad)))


def same(one: Batch, other: Batch) -> None:
    """Hold two batches to be equal in every bit."""
    for name in ("scores", "labels"):
        array, again = getattr(one, name), getattr(other, name)
        assert (array.dtype, array.shape, array.tobytes()) == (again.dtype, again.shape, again.tobytes())
    assert (one.label_form, one.layout, one.family, set(one.options)) == (
        other.label_form,
        other.layout,
        other.family,
        set(other.options),
    )
    for key, value in one.options.items():
        assert type(value) is type(other.options[key])
        assert np.asarray(value).tobytes() == np.asarray(other.options[key]).tobytes()


@pytest.mark.slow
def test_no_record_is_kept_of_a_shard_that_is_merged() -> None:
    """In one process, so that a long run takes no more memory than a short one; of the journal's, too."""
    one = order("loss")
    memory = Memory()
    with one.host() as host:
        (run,) = Working([one], host, memory, Silent()).in_turn()
        assert (run.result.run, memory.records) == (one.planned, {})
        shards = [(0, number) for number in range(one.shards)]
        assert Working([one], host, memory, Silent()).judge(shards, None, 1) == []
    assert memory.records == {}


def test_after_ctrl_c_there_is_what_was_found_of_every_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of them, too, where the search in other processes had not come to its end."""
    one = order("loss")
    with one.host() as host:
        memory = Memory({shard_name(0, 0): judge_shard(one, 0, host)})
        working = Working([one], host, memory, Silent())

        def interrupted(spread: object, results: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(working, "_search", interrupted)
        (run,) = working.spread(None, 1)
    assert 0 < run.result.run < one.planned
