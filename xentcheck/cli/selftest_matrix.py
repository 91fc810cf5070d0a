"""The matrix of the self-test, bug by law, for a terminal and for docs/zoo.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from xentcheck.properties.law import Law
from xentcheck.selftest.examination import Examined, First
from xentcheck.selftest.summary import Summary
from xentcheck.zoo import BUGS, RIGHT, Specimen

BY_HAND = "\n## From outside\n"


def columns(laws: Sequence[Law]) -> dict[str, str]:
    """Return a heading for each law: its number, with a letter where a number has several laws."""
    headings: dict[str, str] = {}
    for law in laws:
        same = [other.name for other in laws if other.number == law.number]
        headings[law.name] = str(law.number) + ("" if len(same) == 1 else "abcdef"[same.index(law.name)])
    return headings


def print_matrix(out: Console, done: Sequence[Examined], laws: Sequence[Law]) -> None:
    """Print a line for each specimen: first finding, mechanism, and the laws that it broke."""
    headings = columns(laws)
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold", show_edge=False)
    table.add_column("specimen", no_wrap=True)
    for heading in ("s", "batches", "minimal"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("named", no_wrap=True, max_width=24)
    table.add_column("laws broken")
    for one in done:
        if one.first is None:
            verdict = Text("survives", "bold red") if one.planted else Text("conforms", "dim")
            table.add_row(one.name, f"{one.seconds:.1f}", str(one.examples), "", verdict, "")
            continue
        first = one.first
        named = Text(first.mechanism or "-", "green" if one.named_rightly else "yellow")
        if not one.planted:
            named = Text("failed, and is right", "bold red")
        broken = " ".join(headings.get(law, law) for law in one.laws)
        minimal = f"{first.rows} x {first.classes}"
        table.add_row(one.name, f"{first.seconds:.2f}", str(first.examples), minimal, named, broken)
    out.print(table)
    out.print("Laws: " + ", ".join(f"{headings[law.name]} {law.name}" for law in laws), style="dim")


def figures(summary: Summary) -> list[str]:
    """Return the figures as lines."""
    lines = [
        f"{summary.found} of {summary.bugs} bugs found with {_seeds(summary)}, "
        f"{summary.found_in_quick} of them in quick"
    ]
    if summary.seconds_median is not None and summary.seconds_95 is not None:
        lines.append(
            f"time to the first finding: median {summary.seconds_median:.2f} s, "
            f"95th percentile {summary.seconds_95:.2f} s; batches: median {summary.examples_median:g}"
        )
        lines.append(f"minimal batch: median {summary.rows_median:g} rows and {summary.classes_median:g} classes")
        shares = (f"{100 * (share or 0):.0f} %" for share in (summary.named, summary.named_rightly))
        lines.append("mechanism named by the first finding: {}, and rightly: {}".format(*shares))
    lines.append(
        f"{len(summary.failed)} of {summary.right} right implementations failed in {summary.profile}, "
        f"with {_seeds(summary)}"
    )
    for said, names in (
        ("survived", summary.survivors),
        ("right, and failed", summary.failed),
        ("named otherwise than planted", summary.misnamed),
        ("found, but by none of the laws expected", summary.unexpected),
        ("laws that killed nothing", summary.idle),
    ):
        if names:
            lines.append(f"{said}: {', '.join(names)}")
    lines.append(f"{summary.seconds:.0f} s in all")
    return lines


def markdown(summary: Summary, done: Sequence[Examined], laws: Sequence[Law], first_only: bool) -> str:
    """Return docs/zoo.md: the figures, the matrix of the bugs, and the list of the right implementations.

    Parameters
    ----------
    first_only : bool
        Whether each bug was left as soon as a law that is expected to kill it had done so.
    """
    headings = columns(laws)
    broken: dict[str, set[str]] = {}
    first: dict[str, First | None] = {}
    for one in done:
        broken.setdefault(one.name, set()).update(one.laws)
        first.setdefault(one.name, one.first)
    lines = [
        "# The zoo",
        "",
        "Planted bugs and unusual but right implementations, with which the suite tests itself. This page is made by",
        f"`xentcheck self-test{' --first' if first_only else ''}{_unless_default(summary)} --markdown docs/zoo.md`,",
        f"here of version {summary.version}. Every specimen is a target too: `xentcheck check",
        "xentcheck.zoo.FILE:NAME`, with its contract. Seconds are those of the judging until the first finding.",
        *(["The laws of a bug are those that fell until one of those expected to kill it had."] if first_only else []),
        "",
        *(f"- {line}" for line in figures(summary)),
        "",
        "## Bugs, and the laws that kill them",
        "",
        "| law | name | bugs killed |",
        "| --- | --- | --- |",
    ]
    for law in laws:
        count = sum(law.name in broken.get(specimen.name, ()) for specimen in BUGS)
        lines.append(f"| {headings[law.name]} | {law.name} | {count} |")
    for module, specimens in _by_module(BUGS):
        lines += ["", f"### {module}", "", "| bug | what it does | stands for | first found by | s | laws |"]
        lines.append("| --- | --- | --- | --- | --- | --- |")
        for specimen in specimens:
            if specimen.name not in broken:
                continue
            found = first[specimen.name]
            by = f"{found.law}, {found.rows} x {found.classes}" if found else "**survives**"
            when = f"{found.seconds:.2f}" if found else ""
            numbers = " ".join(headings[law.name] for law in laws if law.name in broken[specimen.name])
            cells = (f"`{specimen.name}`", specimen.summary, specimen.thread, by, when, numbers)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    lines += ["", "## Right, and not failed"]
    for module, specimens in _by_module(RIGHT):
        lines += ["", f"### {module}", ""]
        lines += [f"- `{specimen.name}`: {specimen.summary}" for specimen in specimens]
    return "\n".join(lines) + "\n"


def by_hand(page: str) -> str:
    """Return what of an earlier page stays: the section on the bugs from outside, which a person writes."""
    _, heading, kept = page.partition(BY_HAND)
    return heading + kept


def _unless_default(summary: Summary) -> str:
    seeds = f" --seeds {summary.seeds}" if summary.seeds > 1 else ""
    return seeds + (f" --profile {summary.profile}" if summary.profile != "quick" else "")


def _by_module(specimens: Iterable[Specimen]) -> list[tuple[str, list[Specimen]]]:
    found: dict[str, list[Specimen]] = {}
    for specimen in specimens:
        found.setdefault(specimen.module, []).append(specimen)
    return list(found.items())


def _seeds(summary: Summary) -> str:
    return "one seed" if summary.seeds == 1 else f"each of {summary.seeds} seeds"
