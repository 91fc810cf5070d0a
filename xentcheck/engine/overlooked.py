"""What would be taken for a finding that is waived: other batches that break a law of which all findings are.

A run shows each mistake once. Where no mechanism is known, nothing tells two wrong numbers apart, and the first stands
for all; that will do while it is a finding, but a waiver would hide the others with it. So of a law that is waived in a
cell, every further batch that broke it there, and that no mechanism which is shown explains, is reduced on its own, and
is a finding unless it is waived, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from xentcheck.engine.conclusion import CellRun, Conclusion
from xentcheck.engine.further import Shown
from xentcheck.engine.order import Order
from xentcheck.engine.roots import Found
from xentcheck.engine.search import Fall
from xentcheck.report.results import Finding
from xentcheck.report.waivers import Waiver
from xentcheck.targets import Host


def overlooked(run: CellRun, order: Order, host: Host, waivers: Sequence[Waiver]) -> Iterator[Found]:
    """Yield the findings of a cell that its waivers would hide, and those of them that are waived for their batch.

    Parameters
    ----------
    run : CellRun
        What came of the cell.
    order : Order
    host : Host
    waivers : sequence of Waiver
        Those that hold, of this target.
    """
    if run.result.interrupted or run.result.fault or run.result.deaths:
        return
    found = [one.finding for one in run.findings]
    for name, tally in run.result.tallies.items():
        own = [finding for finding in found if finding.property == name]
        if own and len(tally.falls) > 1 and all(_waived(one, waivers) for one in own):
            yield from _beyond(tally.falls, own, run, order, host, waivers)


def _waived(finding: Finding, waivers: Sequence[Waiver]) -> bool:
    return any(waiver.is_of(finding) for waiver in waivers)


def _beyond(
    falls: Sequence[Fall], own: Sequence[Finding], run: CellRun, order: Order, host: Host, waivers: Sequence[Waiver]
) -> Iterator[Found]:
    with Conclusion.of(order, run.result, {}, host) as conclusion:
        conclusion.first(falls[0])
        conclusion.further(falls)
        known: list[Shown] = [shown for shown in conclusion.shown if shown.told]
        seen = {finding.digest for finding in own}
        place = len(own)
        for fall in falls[1:]:
            if _explained(fall, known, conclusion):
                continue
            shown = conclusion.reduced(fall)
            made = conclusion.reported(shown, place + 1)
            by = [waiver for waiver in waivers if waiver.is_of(made.finding)]
            known_by_mechanism = by and all(waiver.digest != made.finding.digest for waiver in by)
            if made.finding.digest in seen or known_by_mechanism:
                continue
            seen.add(made.finding.digest)
            place += 1
            yield replace(made, event=(*shown.kind, "beside what is waived"))


def _explained(fall: Fall, known: Sequence[Shown], conclusion: Conclusion) -> bool:
    seen = conclusion.observed(fall.violation)
    return seen is not None and any(shown.covers(seen) for shown in known)
