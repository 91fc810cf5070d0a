"""What asv has written about one commit."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Measured:
    """The figures of one commit.

    Parameters
    ----------
    values : dict
        (benchmark, its parameters as text) to a number, or to None where there is none: the benchmark failed, or
        gave nan.
    """

    values: dict[tuple[str, tuple[str, ...]], float | None] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """What should have a number and has none, as asv names it."""
        return [f"{name}({', '.join(given)})" for (name, given), value in self.values.items() if value is None]


def read(folder: Path, commit: str, chosen: Sequence[str] = ()) -> Measured:
    """Return what is in the results folder about a commit, on whatever machine; nothing where there is no file.

    Parameters
    ----------
    folder : Path
    commit : str
        The full hash.
    chosen : sequence of str
        The regular expressions by which asv was told which benchmarks to run; none for all. Of these, one for which
        asv has written nothing counts as missing.
    """
    measured = Measured()
    listing = folder / "benchmarks.json"
    if not listing.exists():
        return measured
    known = {
        name: found
        for name, found in _load(listing).items()
        if isinstance(found, dict) and (not chosen or any(re.search(regex, name) for regex in chosen))
    }
    for name, found in known.items():
        measured.values.update({(name, given): None for given in _combinations(found["params"])})
    for path in sorted(folder.glob(f"*/{commit[:8]}-*.json")):
        content = _load(path)
        columns = content["result_columns"]
        for name, row in content["results"].items():
            if name in known and row is not None:
                record = dict(zip(columns, row, strict=False))
                measured.values.update(_row(name, record.get("result"), record["params"]))
    return measured


def _row(name: str, values: list[Any] | None, parameters: list[list[str]]) -> dict[Any, float | None]:
    combinations = _combinations(parameters)
    numbers = values or [None] * len(combinations)
    return {(name, given): _number(value) for given, value in zip(combinations, numbers, strict=False)}


def _combinations(parameters: list[list[str]]) -> list[tuple[str, ...]]:
    return list(itertools.product(*parameters))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _load(path: Path) -> dict[str, Any]:
    with path.open(encoding="utf-8") as stream:
        content: dict[str, Any] = json.load(stream)
    return content
