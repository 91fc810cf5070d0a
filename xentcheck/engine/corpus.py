"""A corpus: the minimal batches of findings in a folder, one a file, which later runs judge before all others.

A file says which target broke which law on its batch. It is written whole or not at all, under a name that its content
gives, so that folders are merged by copying files, and any number of runs may share one. A batch is tried on every
target whose contract admits it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xentcheck.batches.batch import Batch
from xentcheck.batches.input_space import InputSpace
from xentcheck.batches.packing import pack
from xentcheck.batches.storage import digest, from_mapping
from xentcheck.batches.validity import objection
from xentcheck.contract import Contract
from xentcheck.contract.harmless import harmless
from xentcheck.engine.cell_result import CellResult
from xentcheck.engine.plan import Cell
from xentcheck.engine.search import LARGEST_KEPT
from xentcheck.report import encoding
from xentcheck.report.files import write_whole
from xentcheck.report.finding import Finding
from xentcheck.report.results import ReportData

SCHEMA = "xentcheck-corpus/1"
Replay = Mapping[str, Any]
"""A batch to be judged again, as JSON types: "batch", packed, and "laws", which this target has broken on it."""


@dataclass(frozen=True)
class Entry:
    """What a file of a corpus says: a target broke a law on a batch."""

    target: str
    law: str
    batch: Batch


def read(folder: Path) -> tuple[list[Entry], list[str]]:
    """Return what a corpus holds, in the order of the names of its files, and in sentences what had to be left out."""
    entries, damaged = [], []
    for file in sorted(folder.glob("*.json")):
        try:
            entries.append(_entry(encoding.parsed(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            damaged.append(harmless(file.name))
    if not damaged:
        return entries, []
    rest = f" and {len(damaged) - 1:,} others" if len(damaged) > 1 else ""
    return entries, [f"{damaged[0]}{rest} in {harmless(str(folder))} cannot be read as batches of a corpus: left out"]


def _entry(stated: Mapping[str, Any]) -> Entry:
    batch = from_mapping(stated["batch"])
    if stated["schema"] != SCHEMA or stated["digest"] != digest(batch):
        raise ValueError
    return Entry(str(stated["target"]), str(stated["law"]), batch)


def keep(folder: Path, report: ReportData) -> int:
    """Add the reduced batches of a report's findings to a corpus; return how many are new. Raises OSError."""
    new = 0
    for finding in (one for root in report.findings for one in (root, *root.also) if one.minimal):
        stated = _stated(finding, report.target.name)
        try:
            batch = from_mapping(stated["batch"])
        except ValueError:
            continue  # bad input, which the law makes of any batch
        name = f"{finding.property}-{finding.dtype}-{finding.labels}-{digest(batch)}.json"
        if not (folder / name).exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / name, encoding.text({**stated, "digest": digest(batch)}))
            new += 1
    return new


def _stated(finding: Finding, target: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "target": target,
        "law": finding.property,
        "title": finding.title,
        "batch": finding.batch if finding.derived_from is None else finding.derived_from,
    }


def replays(entries: Sequence[Entry], target: str, contract: Contract, cell: Cell) -> tuple[Replay, ...]:
    """Return what is to be judged again in a cell, each batch once, those first that this target has failed."""
    space = InputSpace(contract, cell.dtype, cell.labels)
    found: dict[str, dict[str, Any]] = {}
    for entry in sorted(entries, key=lambda entry: entry.target != target):
        batch, own = entry.batch, entry.target == target
        if (batch.dtype, batch.label_form) == (cell.dtype, cell.labels) and not objection(space, batch):
            found.setdefault(digest(batch), {"batch": pack(batch), "laws": []})
            if own:
                found[digest(batch)]["laws"].append(entry.law)
    return tuple(found.values())


def mended(result: CellResult, replayed: Sequence[Replay], batches: Sequence[Batch]) -> Iterator[str]:
    """Say of which laws that this target broke on batches judged again it broke them on none of these any more.

    Parameters
    ----------
    result : CellResult
        Of a search of the batches and of nothing else.
    replayed, batches
        What was judged again, and its batches as the search was given them.
    """
    whole = len(batches) if not (result.left or result.interrupted) else result.run - 1  # the last one was broken off
    held: Counter[str] = Counter()
    for one, batch in zip(replayed[:whole], batches, strict=False):
        for name in one["laws"] if batch.scores.size <= LARGEST_KEPT else ():
            tally = result.tallies.get(name)
            if tally is not None and not any(fall.batch.scores is batch.scores for fall in tally.falls):
                held[name] += 1
    for name, count in held.items():
        law = result.tallies[name].law
        kept = (
            "a batch of the corpus no longer breaks" if count == 1 else f"{count} batches of the corpus no longer break"
        )
        yield f"mended: {kept} law {law.number} ({name}, {result.cell})"
