"""What came of a shard, as JSON types: what a process sends, a journal holds, and a merge reads.

Numbers are exact and batches bit for bit, so that whoever reads a record knows all that the process knew that made it.
Python's JSON writes a float in the digits that read back as the same float.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from xentcheck.batches.batch import Batch
from xentcheck.batches.packing import pack, pack_array, unpack, unpack_array
from xentcheck.engine.cell_result import CellResult, Fall, Tally
from xentcheck.engine.grading import Graded, Met
from xentcheck.engine.plan import Cell
from xentcheck.engine.samples import Samples
from xentcheck.properties.law import Violation
from xentcheck.properties.left_open import LeftOpen
from xentcheck.properties.registry import choose
from xentcheck.targets.outcome import Raised

Record = dict[str, Any]
_PLAIN = ("planned", "run", "skipped", "deaths", "answered", "digest", "left", "interrupted", "fault", "trace", "lost")


class _Batches:
    """Batches of a record, each of which is held once, however often it is named."""

    def __init__(self) -> None:
        self.packed: list[Record] = []
        self._known: dict[int, tuple[int, Batch]] = {}

    def __call__(self, batch: Batch) -> int:
        if id(batch) not in self._known:
            self._known[id(batch)] = (len(self.packed), batch)
            self.packed.append(pack(batch))
        return self._known[id(batch)][0]


def to_record(result: CellResult) -> Record:
    """Return the result of a shard as JSON types; `from_record` gives it back."""
    at = _Batches()
    raised = result.raised
    return {
        "cell": [result.cell.dtype, result.cell.labels],
        **{name: getattr(result, name) for name in _PLAIN},
        "raised": None if raised is None else {one.name: getattr(raised, one.name) for one in fields(raised)},
        "observations": dict(result.observations),
        "coverage": {aspect: dict(levels) for aspect, levels in result.coverage.items()},
        "tallies": [_of_tally(tally, at) for tally in result.tallies.values()],
        "grades": {part: _of_graded(graded, at) for part, graded in result.grades.items()},
        "samples": result.samples.stated(),
        "witnessed": [at(batch) for batch in result.witnessed],
        "left_open": [[one.kind, at(one.batch), one.what] for one in result.left_open],
        "batches": at.packed,
    }


def from_record(record: Record) -> CellResult:
    """Return the result that `to_record` was given."""
    batches = [unpack(packed) for packed in record["batches"]]
    return CellResult(
        cell=Cell(*record["cell"]),
        **{name: record[name] for name in _PLAIN},
        raised=None if record["raised"] is None else Raised(**record["raised"]),
        observations=Counter(record["observations"]),
        coverage={aspect: Counter(levels) for aspect, levels in record["coverage"].items()},
        tallies={stated["law"]: _tally(stated, batches) for stated in record["tallies"]},
        grades={part: _graded(stated, batches) for part, stated in record["grades"].items()},
        samples=Samples.of(record["samples"]),
        witnessed=[batches[place] for place in record["witnessed"]],
        left_open=[LeftOpen(kind, batches[place], what) for kind, place, what in record["left_open"]],
    )


def _of_tally(tally: Tally, at: _Batches) -> Record:
    return {
        "law": tally.law.name,
        "examples": tally.examples,
        "seconds": tally.seconds,
        "again": tally.again,
        "falls": [{"batch": at(fall.batch), "violation": _of_violation(fall.violation, at)} for fall in tally.falls],
    }


def _tally(stated: Record, batches: list[Batch]) -> Tally:
    (law,) = choose([stated["law"]])
    falls = [Fall(law, _violation(one["violation"], batches), batches[one["batch"]]) for one in stated["falls"]]
    return Tally(law, stated["examples"], stated["seconds"], falls, stated["again"])


def _of_violation(violation: Violation, at: _Batches) -> Record:
    stated = {
        one.name: _of_value(getattr(violation, one.name))
        for one in fields(violation)
        if one.name not in ("batch", "bounds")
    }
    return {**stated, "batch": at(violation.batch), "bounds": _of_value(violation.certified)}


def _violation(stated: Record, batches: list[Batch]) -> Violation:
    return Violation(**{**{name: _value(value) for name, value in stated.items()}, "batch": batches[stated["batch"]]})


def _of_value(value: Any) -> Any:
    """Return a field of a violation: text, a number, nested lists or a tuple of numbers, or an array."""
    if isinstance(value, np.ndarray):
        return {"array": pack_array(value)}
    if isinstance(value, tuple):
        return {"tuple": [_of_value(item) for item in value]}
    if isinstance(value, list):
        return [_of_value(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return {"float": value.hex()} if isinstance(value, float) else value


def _value(stated: Any) -> Any:
    if isinstance(stated, list):
        return [_value(item) for item in stated]
    if not isinstance(stated, Mapping):
        return stated
    if "array" in stated:
        return unpack_array(stated["array"])
    return tuple(map(_value, stated["tuple"])) if "tuple" in stated else float.fromhex(stated["float"])


def _of_graded(graded: Graded, at: _Batches) -> Record:
    def met(one: Met) -> list[Any]:
        return [_of_value(one.value), list(one.index), at(one.batch), _of_value(one.got), _of_value(one.exact)]

    return {
        "grade": graded.grade,
        "note": bool(graded.note),
        "largest": [met(one) for one in (graded.ulp, graded.error, graded.share)],
    }


def _graded(stated: Record, batches: list[Batch]) -> Graded:
    largest = [
        Met(_value(value), tuple(index), batches[place], _value(got), _value(exact))
        for value, index, place, got, exact in stated["largest"]
    ]
    return Graded(stated["grade"], stated["note"], *largest)
