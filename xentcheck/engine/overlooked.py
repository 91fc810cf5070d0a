"""What would be taken for a finding that is waived: other batches that break a law of which all findings are.

A run shows each mistake once. Where no mechanism is known, nothing tells two wrong numbers apart, and the first stands
for all; that will do while it is a finding, but a waiver would hide the others with it. So of a law that is waived in a
cell, every further batch that broke it there, and that no mechanism which is shown explains, is reduced on its own, to
none that such a mechanism explains, and is a finding unless it is waived, too. What comes down to a batch that is known
is reduced again, in another way (`another_way.py`).

That is most of what a waiver costs. The cause of a batch is named last of all, and only where the batch is not known: a
batch that is waived needs none. Reductions of one law end among the same small batches, and ask of each once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from xentcheck.batches.storage import from_mapping
from xentcheck.diagnosis import Cause
from xentcheck.engine.another_way import AnotherWay
from xentcheck.engine.cell_result import Fall
from xentcheck.engine.conclusion import CellRun, Conclusion
from xentcheck.engine.further import Shown
from xentcheck.engine.minimise import Asked, finding
from xentcheck.engine.order import Order
from xentcheck.engine.roots import Found
from xentcheck.engine.violation_kind import kind_of
from xentcheck.properties.law import Violation
from xentcheck.report.finding import Finding
from xentcheck.report.returned import role
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
    hiding = []
    for name, tally in run.result.tallies.items():
        own = [finding for finding in found if finding.property == name]
        if own and len(tally.falls) > 1 and all(_waived(one, waivers) for one in own):
            hiding.append((tally.falls, own))
    if not hiding:
        return
    with Conclusion.of(order, run.result, {}, host) as conclusion:
        named = [one for one in found if one.mechanism and isinstance(one.got, float)]
        conclusion.shown += [shown for one in named if (shown := _told(one, run, conclusion))]
        for falls, own in hiding:
            yield from _beyond(falls, own, conclusion, waivers)


def _waived(finding: Finding, waivers: Sequence[Waiver]) -> bool:
    return any(waiver.is_of(finding) for waiver in waivers)


def _told(known: Finding, run: CellRun, conclusion: Conclusion) -> Shown | None:
    """Return what a finding with a mechanism shows, by asking the target for its batch; None if that passes now."""
    law, batch = run.result.tallies[known.property].law, from_mapping(known.derived_from or known.batch)
    for violation in law.judge(conclusion.search.case(batch)):
        kind = kind_of(violation)
        if (kind.what, kind.part) == (known.event, role(known.part)):
            cause = Cause(known.mechanism, known.cause)
            return Shown(conclusion.search.contract, Fall(law, violation, batch), known.minimal, cause)
    return None


def _beyond(
    falls: Sequence[Fall], own: Sequence[Finding], conclusion: Conclusion, waivers: Sequence[Waiver]
) -> Iterator[Found]:
    known = tuple(conclusion.shown)
    seen = {finding.digest for finding in own}
    place = len(own)
    asked: Asked = {}

    def explained(violation: Violation) -> bool:
        observation = conclusion.observed(violation)
        return observation is not None and any(shown.covers(observation) for shown in known)

    another = AnotherWay(conclusion, explained)

    def plain(smallest: Fall, minimal: bool) -> Finding:
        return finding(smallest.law, conclusion.order.cell, smallest.violation, conclusion.search.contract, minimal)

    def ends(fall: Fall) -> Iterator[tuple[Fall, bool]]:
        smallest, minimal = conclusion.minimised(fall, explained, asked)
        yield smallest, minimal
        if plain(smallest, minimal).digest in seen:
            yield from another.ends(fall, smallest)

    for fall in falls[1:]:
        if explained(fall.violation):
            continue
        for smallest, minimal in ends(fall):
            reached = plain(smallest, minimal)
            if reached.digest in seen:
                continue
            accepted = any(waiver.digest == reached.digest and waiver.is_of(reached) for waiver in waivers)
            shown = conclusion.named(fall, smallest, minimal, cause=not accepted)
            made = conclusion.reported(shown, place + 1)
            by = [waiver for waiver in waivers if waiver.is_of(made.finding)]
            if by and all(waiver.digest != made.finding.digest for waiver in by):
                continue  # its mechanism is waived
            seen.add(made.finding.digest)
            place += 1
            yield replace(made, event=(*shown.kind, "beside what is waived"))
