"""The tables of the terminal report: laws, grades and witnesses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from xentcheck.report import arrays, returned
from xentcheck.report.results import Grade, PropertyResult, ReportData, WitnessResult

OBSERVED = 12
_RETURNS = " the target returns "
_WORDS = {"passed": "held", "failed": "BROKEN", "waived": "waived", "skipped": "skipped", "not-applicable": "-"}
_STYLES = {"passed": "green", "failed": "bold red", "waived": "yellow", "skipped": "yellow", "not-applicable": "dim"}
_ORDER = ("failed", "waived", "skipped", "passed", "not-applicable")
_GRADE_STYLES = {"fail": "bold red", "C": "yellow"}


def title(out: Console, text: str, note: str = "") -> None:
    """Print the heading of a section."""
    out.print()
    out.print(Text.assemble((text, "bold"), (f"  {note}" if note else "", "dim")))


def hanging(out: Console, lead: str, text: str, style: str = "") -> None:
    """Print `text` after `lead`, its further lines under its first."""
    grid = Table.grid(padding=0)
    grid.add_column(width=len(lead), no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(lead, "dim"), Text(text, style))
    out.print(grid)


def laws(report: ReportData, out: Console) -> None:
    """Print one line a law: where it held and where not, and on how many batches it was judged."""
    if not report.properties:
        return
    dtypes = list(dict.fromkeys(law.dtype for law in report.properties))
    title(out, "Laws")
    rows = columned([("", "right"), ("", "left"), *((dtype, "left") for dtype in dtypes), ("batches", "right")])
    for group in by_law(report.properties):
        cells = [_cell([law for law in group if law.dtype == dtype]) for dtype in dtypes]
        rows.add_row(str(group[0].number), group[0].name, *cells, f"{sum(law.examples for law in group):,}")
    out.print(Padding(rows, (0, 0, 0, 2)))
    for why, names in unjudged(report.properties).items():
        hanging(out, "  not judged: ", f"{', '.join(names)}: {why}", "dim")


def by_law(results: Sequence[PropertyResult]) -> Iterator[list[PropertyResult]]:
    """Yield the results of each law that applies anywhere, by number and name."""
    for _, name in sorted({(law.number, law.name) for law in results}):
        group = [law for law in results if law.name == name]
        if any(law.status != "not-applicable" for law in group):
            yield group


def grades(report: ReportData, out: Console) -> None:
    """Print the grades of loss and gradient in each dtype, with the largest errors known and their inputs."""
    if not report.grades:
        return
    title(out, "Accuracy", "largest errors known, lower bounds of the true largest; share: of the allowance")
    rows = columned([("", "left"), ("", "left"), ("grade", "left"), ("at least", "left"), ("at", "left")])
    for dtype, parts in report.grades.items():
        for part, grade in parts.items():
            name = returned.spoken(report.target.contract, part)
            lead = (dtype, name, Text(grade.grade, _GRADE_STYLES.get(grade.grade, "green")))
            for said, place in errors(part, grade).items() or (("", ""),):
                rows.add_row(*lead, Text(place), Text(said))
                lead = ("", "", Text(""))
            if grade.note:
                rows.add_row("", "", "", "", Text(grade.note, "dim"))
    out.print(Padding(rows, (0, 0, 0, 2)))


def errors(part: str, grade: Grade) -> dict[str, str]:
    """Return the largest errors by the element that gives them: share, absolute, ulp, those of one element together."""
    stated = [] if grade.max_ulp is None else [(f"{figures(grade.max_ulp)} ulp", grade.witness, grade.part)]
    if grade.max_error is not None:
        unit = " nats" if part == "loss" else " absolute"
        stated.insert(0, (f"{grade.max_error.value:.1e}{unit}", grade.max_error.witness, grade.max_error.part))
    if grade.max_share is not None:
        share = grade.max_share.value
        text = f"share {100 * share:.0f} %" if share <= 1 else f"{figures(share)} allowances"
        stated.insert(0, (text, grade.max_share.witness, grade.max_share.part))
    found: dict[str, str] = {}
    for text, witness, element in stated:
        where = "" if witness is None else arrays.one_line(witness, 52)
        said = f"{element} of {where}" if element and where else where
        found[said] = f"{found[said]}, {text}" if said in found else text
    return found


def witness_line(witness: WitnessResult) -> str:
    """Return how far a witness agrees with the enclosures, in one line."""
    if not witness.compared:
        return f"{witness.name}: nothing compared" + (f" ({witness.note})" if witness.note else "")
    agreed = "all" if witness.agreed == witness.compared else f"{witness.agreed:,}"
    text = (
        f"{witness.name}: {witness.compared:,} compared, {agreed} agreed, worst {figures(witness.worst)} of its radius"
    )
    return text + (f" ({witness.note})" if witness.note else "")


def gathered(observations: Sequence[str]) -> list[str]:
    """Return observations with those that differ only in what is returned as one, and no more than OBSERVED."""
    groups: dict[str, list[str]] = {}
    for line in observations:
        lead, _, returned = line.partition(_RETURNS)
        groups.setdefault(lead, []).append(returned)
    lines = [lead + (_RETURNS if answers[0] else "") + _listed(answers) for lead, answers in groups.items()]
    rest = len(lines) - OBSERVED
    return lines if rest <= 0 else [*lines[:OBSERVED], f"... {rest:,} more, in the JSON report"]


def _listed(answers: Sequence[str]) -> str:
    """Return "a finite number, or nan"; of many answers the first, and how many others there are."""
    first, *others = answers
    further = [f", or {len(others):,} other answers"] if len(others) > 2 else [f", or {one}" for one in others]
    return first + "".join(further)


def columned(columns: Iterable[tuple[str, str]]) -> Table:
    """Return a table without lines, of columns with these headers that lie to the "left" or the "right"."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for header, side in columns:
        grid.add_column(header, justify="right" if side == "right" else "left", overflow="fold")
    return grid


def statuses(group: Sequence[PropertyResult]) -> list[tuple[str, str]]:
    """Return the statuses of one law in one dtype with their words: one where all label forms agree, else each."""
    found = [status for status in _ORDER if any(law.status == status for law in group)]
    if len(found) > 1 and found[-1] == "not-applicable":
        found.pop()
    words = []
    for status in found:
        forms = [law.labels for law in group if law.status == status]
        suffix = f" {'+'.join(forms)}" if len(found) > 1 else ""
        words.append((status, f"{_WORDS[status]}{suffix}"))
    return words


def _cell(group: list[PropertyResult]) -> Text:
    text = Text()
    for status, words in statuses(group):
        text.append(", " if text.plain else "").append(words, _STYLES[status])
    return text


def unjudged(results: Iterable[PropertyResult]) -> dict[str, list[str]]:
    """Return the reasons why laws were not judged, each with the names of its laws."""
    reasons: dict[str, list[str]] = {}
    for law in results:
        if law.status in ("skipped", "not-applicable") and law.why:
            names = reasons.setdefault(law.why, [])
            if law.name not in names:
                names.append(law.name)
    return reasons


def figures(value: float) -> str:
    """Return a figure a person can compare: two decimals while it is small, then powers of ten."""
    return f"{value:.2f}" if abs(value) < 1000 else f"{value:.1e}"
