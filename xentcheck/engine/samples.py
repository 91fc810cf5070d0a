"""How the error depends on what makes a batch hard: a few scalars of a few hundred batches, for the report's plots.

Of each range of the gap, of the offset and of the number of classes the worst batches are kept. Which these are does
not depend on the order in which batches come, so that parts of a search can be put together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from xentcheck.engine.grading import Graded
from xentcheck.properties.answer import Answer
from xentcheck.report.results import Points
from xentcheck.truth.allowance_model import output_format
from xentcheck.truth.conditions import Conditions
from xentcheck.truth.grades import FORMS

KEPT = 3


class Sample(NamedTuple):
    """One part of one answer; larger is worse."""

    ulp: float
    share: float
    gap: float
    offset: float
    classes: int
    rows: int
    grade: str
    bounds: tuple[float, ...]

    def ranges(self) -> tuple[tuple[str, int], ...]:
        """Return the three ranges that it lies in: of the gap and the offset a factor of 4, of the classes one of 2."""
        return ("gap", _range(self.gap)), ("offset", _range(self.offset)), ("classes", self.classes.bit_length())


class Samples:
    """The worst samples of one dtype in each range, by the part of the answer."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, int], list[Sample]] = {}

    def add(self, answer: Answer, part: str, graded: Graded) -> None:
        """Keep what is to be known of an answer, if it is among the worst."""
        index = graded.ulp.index
        gap, offset = _hardness(answer.truth.conditions, index[0] if index else None)
        sample = Sample(
            _rounded(graded.ulp.value),
            _rounded(graded.share.value),
            _rounded(gap),
            _rounded(offset),
            answer.batch.m,
            answer.batch.n,
            graded.grade,
            (math.inf,),  # no bounds are above these, and to know them costs as much as the allowances
        )
        if any(self._has_room(part, *place, sample) for place in sample.ranges()):
            unit = float(output_format(answer.problem, part).ulp(np.asarray(graded.ulp.exact or 0.5)))
            tights = answer.truth.tights
            bounds = tuple(_rounded(float(getattr(tights[form], part)[index]) / unit) for form in FORMS.values())
            self._keep(part, sample._replace(bounds=bounds))

    def update(self, other: Samples) -> None:
        """Take over the samples of another part of the search."""
        for (part, _, _), samples in other._kept.items():
            for sample in samples:
                self._keep(part, sample)

    def stated(self) -> list[list[Any]]:
        """Return the samples as JSON types; `of` gives them back."""
        each = {(part, sample) for (part, _, _), samples in self._kept.items() for sample in samples}
        return [[part, *sample] for part, sample in sorted(each)]

    @classmethod
    def of(cls, stated: Iterable[Sequence[Any]]) -> Samples:
        """Return the samples that `stated` stated."""
        found = cls()
        for part, *values, bounds in stated:
            found._keep(part, Sample._make([*values, tuple(bounds)]))
        return found

    def points(self) -> dict[str, Points]:
        """Return what the report states, by part."""
        found: dict[str, set[Sample]] = {}
        for (part, _, _), samples in self._kept.items():
            found.setdefault(part, set()).update(samples)
        return {part: _points(sorted(samples)) for part, samples in found.items()}

    def _has_room(self, part: str, axis: str, place: int, sample: Sample) -> bool:
        """Return whether a sample is among the worst of a range."""
        kept = self._kept.get((part, axis, place), [])
        return len(kept) < KEPT or sample > kept[-1]

    def _keep(self, part: str, sample: Sample) -> None:
        for axis, place in sample.ranges():
            kept = self._kept.setdefault((part, axis, place), [])
            if self._has_room(part, axis, place, sample) and sample not in kept:
                kept.append(sample)
                kept.sort(reverse=True)
                del kept[KEPT:]


def points(found: Iterable[tuple[str, Samples]]) -> dict[str, dict[str, Points]]:
    """Return the points of each dtype, over its label forms."""
    by_dtype: dict[str, Samples] = {}
    for dtype, samples in found:
        by_dtype.setdefault(dtype, Samples()).update(samples)
    return {dtype: stated for dtype, samples in by_dtype.items() if (stated := samples.points())}


def _hardness(on: Conditions, row: int | None) -> tuple[float, float]:
    """Return gap and offset of a row; of a loss that is one number for all rows, the largest of them."""
    rows = slice(None) if row is None else slice(row, row + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gaps = np.where(on.T[rows] > 0.0, on.gap[rows] / on.T[rows], 0.0)
    return float(np.nan_to_num(gaps, posinf=0.0).max(initial=0.0)), float(on.magnitude[rows].max(initial=0.0))


def _range(size: float) -> int:
    return min(max(math.frexp(size)[1], -8), 20) // 2


def _rounded(value: float) -> float:
    """Return a number to four digits, which is more than a plot shows; inf for nan."""
    return math.inf if math.isnan(value) else float(f"{value:.4g}")


def _points(samples: list[Sample]) -> Points:
    return Points(
        gap=tuple(one.gap for one in samples),
        offset=tuple(one.offset for one in samples),
        classes=tuple(one.classes for one in samples),
        rows=tuple(one.rows for one in samples),
        ulp=tuple(one.ulp for one in samples),
        share=tuple(one.share for one in samples),
        grade=tuple(one.grade for one in samples),
        bounds={name: tuple(one.bounds[place] for one in samples) for place, name in enumerate(FORMS)},
    )
