"""Whether a run that was repeated came to the same, and what differs in what it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xentcheck.report.finding import each_alone, identifier
from xentcheck.report.results import ReportData


@dataclass(frozen=True)
class Repetition:
    """A stored report and the run that repeats it.

    Parameters
    ----------
    same : tuple of str
        What is the same.
    other : tuple of str
        What is not, with what it was and is.
    surroundings : tuple of str
        What else differs: versions, the machine.
    """

    same: tuple[str, ...]
    other: tuple[str, ...]
    surroundings: tuple[str, ...]

    @property
    def alike(self) -> bool:
        """Whether verdict, batches, findings and grades are the same."""
        return not self.other


def repetition(before: ReportData, after: ReportData) -> Repetition:
    """Return what a stored report and the run that repeats it have in common."""
    facts = [
        ("verdict", before.verdict, after.verdict),
        ("batches", before.digest[:16], after.digest[:16]),
        ("findings", _findings(before), _findings(after)),
        ("grades", _grades(before), _grades(after)),
    ]
    same = tuple(name if name == "grades" else f"{name} ({was or 'none'})" for name, was, now in facts if was == now)
    other = tuple(f"{name}: was {was or 'none'}, is {now or 'none'}" for name, was, now in facts if was != now)
    return Repetition(same, other, tuple(_surroundings(before, after)))


def _findings(report: ReportData) -> str:
    return ", ".join(sorted(identifier(one) for one in each_alone((*report.findings, *report.waived))))


def _grades(report: ReportData) -> str:
    graded = [(dtype, part, grade.grade) for dtype, parts in report.grades.items() for part, grade in parts.items()]
    return ", ".join(map(" ".join, sorted(graded)))


def _surroundings(before: ReportData, after: ReportData) -> Iterator[str]:
    one, other = before.environment, after.environment
    stated = [
        ("xentcheck", before.xentcheck, after.xentcheck),
        ("target", before.target.version, after.target.version),
        ("Python", one.python, other.python),
        ("platform", one.platform, other.platform),
        ("cpu", one.cpu, other.cpu),
    ]
    names = dict.fromkeys((*one.packages, *other.packages))
    stated += [(name, one.packages.get(name, ""), other.packages.get(name, "")) for name in names]
    yield from (f"{name}: was {was or 'unknown'}, is {now or 'unknown'}" for name, was, now in stated if was != now)
