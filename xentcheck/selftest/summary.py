"""The figures of a self-test: what was found, how soon, what was named, what was failed wrongly."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from xentcheck.selftest.examination import Examined

SCHEMA = "xentcheck-self-test/1"
LEAST_IN_QUICK = 0.95
"""The share of the bugs that must need no more than the quick profile."""


@dataclass(frozen=True)
class Summary:
    """The figures of a self-test.

    Parameters
    ----------
    version : str
    profile : str
        In which the right ones were judged.
    seeds : int
    bugs, found, found_in_quick : int
        Bugs judged, those found with each of the seeds, and those of them that needed no more than quick.
    survivors : tuple of str
        Bugs that survived with one of the seeds.
    seconds_median, seconds_95 : float or None
        From the beginning of the judging to the first finding.
    examples_median : float or None
        Batches judged until then.
    rows_median, classes_median : float or None
        Of the minimal batch.
    named, named_rightly : float or None
        The shares of the found bugs whose first finding names a mechanism, and of those with the planted one.
    misnamed : tuple of str
        Bugs whose first finding tells another mechanism than the planted one, and which.
    unexpected : tuple of str
        Bugs that none of the laws killed that were expected to.
    right, seconds : int, float
        Right implementations judged; seconds in all.
    failed : tuple of str
        Right implementations that were failed.
    idle : tuple of str
        Laws that killed nothing.
    """

    version: str
    profile: str
    seeds: int
    bugs: int
    found: int
    found_in_quick: int
    survivors: tuple[str, ...]
    seconds_median: float | None
    seconds_95: float | None
    examples_median: float | None
    rows_median: float | None
    classes_median: float | None
    named: float | None
    named_rightly: float | None
    misnamed: tuple[str, ...]
    unexpected: tuple[str, ...]
    right: int
    failed: tuple[str, ...]
    idle: tuple[str, ...]
    seconds: float

    @property
    def fails(self) -> bool:
        """Whether the suite has failed its own test."""
        late = self.found_in_quick < LEAST_IN_QUICK * self.bugs
        return bool(late or self.failed or self.idle or self.survivors)


def summarise(
    done: Sequence[Examined],
    *,
    version: str,
    profile: str,
    seeds: int,
    laws: Sequence[str],
    expected: dict[str, tuple[str, ...]],
    seconds: float,
) -> Summary:
    """Return the figures of what was examined.

    Parameters
    ----------
    laws : sequence of str
        Those that must have killed something; none where only a part of the zoo was judged.
    expected : dict
        For each bug, the laws of which one at least is expected to have killed it.
    """
    bugs = [one for one in done if one.planted]
    firsts = [one.first for one in bugs if one.first is not None]
    times = sorted(first.seconds for first in firsts)
    killed = {law for one in bugs for law in one.laws}
    names = dict.fromkeys(one.name for one in bugs)
    survivors = tuple(dict.fromkeys(one.name for one in bugs if one.first is None))
    late = {one.name for one in bugs if one.first is None or one.first.profile != "quick"}
    by_name: dict[str, set[str]] = {}
    for one in bugs:
        by_name.setdefault(one.name, set()).update(one.laws)
    return Summary(
        version=version,
        profile=profile,
        seeds=seeds,
        bugs=len(names),
        found=len(names) - len(survivors),
        found_in_quick=len(names.keys() - late),
        survivors=survivors,
        seconds_median=_median(times),
        seconds_95=times[min(len(times) - 1, int(0.95 * len(times)))] if times else None,
        examples_median=_median([first.examples for first in firsts]),
        rows_median=_median([first.rows for first in firsts]),
        classes_median=_median([first.classes for first in firsts]),
        named=sum(bool(first.mechanism) for first in firsts) / len(firsts) if firsts else None,
        named_rightly=sum(one.named_rightly for one in bugs) / len(firsts) if firsts else None,
        misnamed=tuple(
            dict.fromkeys(
                f"{one.name}: {one.first.mechanism}"
                for one in bugs
                if one.first is not None and one.first.mechanism and not one.named_rightly
            )
        ),
        unexpected=tuple(
            name
            for name, wanted in expected.items()
            if name in names and name not in survivors and not by_name[name] & set(wanted)
        ),
        right=len({one.name for one in done if not one.planted}),
        failed=tuple(dict.fromkeys(one.name for one in done if not one.planted and one.first is not None)),
        idle=tuple(law for law in laws if law not in killed),
        seconds=seconds,
    )


def as_mapping(summary: Summary, done: Sequence[Examined]) -> dict[str, Any]:
    """Return figures and results as JSON types."""
    return {"schema": SCHEMA, "summary": asdict(summary), "specimens": [asdict(one) for one in done]}


def _median(values: Sequence[float]) -> float | None:
    return float(statistics.median(values)) if values else None
