"""The arrays of a finding in a script, as somebody who uses the framework would write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xentcheck.contract.declaration import OPTIONS
from xentcheck.report import arrays, literals
from xentcheck.report.finding import Finding
from xentcheck.report.idioms import IDIOMS, Idiom
from xentcheck.report.reproducer_parts import along_axes, axes_of, direction_of

if TYPE_CHECKING:
    from xentcheck.contract import Contract

TAKEN = {"allowance", "direction", "error", "flip", "gaps", "got", "high", "inf", "labels", "low", "nan", "np"}
TAKEN |= {"returned", "scores", "times", "upstream", "z"}
TAKEN |= {name for idiom in IDIOMS.values() for name in re.findall(r"(?:import|as) (\w+)", idiom.imports)}
"""Names that a script gives to something of its own."""


class Arrays:
    """The arrays of a finding's batch as expressions of a framework's own; `lines` are what has to come before."""

    def __init__(self, idiom: Idiom, contract: Contract, finding: Finding) -> None:
        self._idiom, self._contract, self._finding = idiom, contract, finding
        layout = finding.batch.get("layout", "C")
        self._layout = layout if layout in idiom.layouts else "C"
        self.lines: list[str] = []

    def scores(self) -> str:
        """Return the scores."""
        return self._laid_out("scores", self._finding.batch["scores"])

    def labels(self) -> str:
        """Return the labels, "" where the target takes none."""
        batch = self._finding.batch
        sparse = batch.get("label_form", "sparse") == "sparse"
        return self._laid_out("labels", batch["labels"], sparse=sparse) if arrays.labelled(batch) else ""

    def options(self) -> dict[str, str]:
        """Return the options by the names of their arguments; arrays have lines of their own."""
        found = dict[str, str]()
        for key, value in self._finding.batch.get("options", {}).items():
            name = self._contract.arguments.get(key, key)
            if not isinstance(value, Mapping):
                found[name] = literals.option_source(value)
                continue
            source = self._made(value, by_rows=OPTIONS[key].kind == "rows")
            found[name] = source
            if name.isidentifier() and name not in TAKEN:
                self.lines.append(f"{name} = {source}")
                found[name] = name
        return found

    def direction(self) -> str:
        """Return the array along which a derivative was asked for, "" for none."""
        values, scores = direction_of(self._finding)[0], self._finding.batch["scores"]
        if values is None:
            return ""
        array = np.array(values, np.float64)
        return self._made({**scores, "values": [float(one).hex() for one in array.reshape(-1)]}, by_rows=True)

    def _made(self, stored: Mapping[str, Any], *, by_rows: bool, sparse: bool = False) -> str:
        """Return the expression of an array whose layout in memory is none of the target's business."""
        batch, shape = self._finding.batch, stored["shape"]
        sizes, axis = axes_of(self._contract, batch, shape, sparse=sparse) if by_rows else ((), -1)
        nested = literals.nested_source(stored, sizes, axis)
        if nested and self._idiom.array and stored["dtype"] != "bool":
            return self._idiom.array.format(values=nested, dtype=stored["dtype"])
        if nested and len(sizes) > 1 and stored["dtype"] not in ("bool", "bfloat16"):
            return self._wrapped(f"np.array({nested}, np.{stored['dtype']})", stored["dtype"])
        source = literals.array_source(stored)
        shaped = along_axes(source, self._contract, batch, shape, sparse=sparse) if by_rows else source
        return self._wrapped(shaped, stored["dtype"])

    def _laid_out(self, name: str, stored: Mapping[str, Any], *, sparse: bool = False) -> str:
        statement = literals.layout_source(name, self._layout, stored)
        if not statement:
            return self._made(stored, by_rows=True, sparse=sparse)
        source = literals.array_source(stored)
        shaped = along_axes(source, self._contract, self._finding.batch, stored["shape"], sparse=sparse)
        self.lines += [f"{name} = {shaped}", statement]
        return self._wrapped(name, stored["dtype"])

    def _wrapped(self, source: str, dtype: str) -> str:
        half = dtype == "bfloat16" and self._idiom.wrap_bfloat16
        return (self._idiom.wrap_bfloat16 if half else self._idiom.wrap).format(array=source, dtype=dtype)
