"""The waivers of one run: replayed before it, held against what it finds, and applied to its report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from xentcheck.engine.conclusion import CellRun
from xentcheck.engine.order import Order
from xentcheck.engine.overlooked import overlooked
from xentcheck.engine.replay import replayed
from xentcheck.report.report import Report
from xentcheck.report.waivers import Waiver, applied, holding, same_target
from xentcheck.targets import Host


@dataclass(frozen=True)
class Waiving:
    """The waivers that are about a target, and what their batches show of it.

    Parameters
    ----------
    waivers : sequence of Waiver
    valid : sequence of Waiver
        Those of them that hold for its version today.
    today : date
    replays : mapping
        See `replay.replayed`.
    """

    waivers: Sequence[Waiver] = ()
    valid: Sequence[Waiver] = ()
    today: date = date.min
    replays: Mapping[Waiver, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, waivers: Iterable[Waiver], host: Host) -> Waiving:
        """Return the waivers that are about the target of a host, replayed."""
        today, told = date.today(), host.description
        own = [waiver for waiver in waivers if same_target(waiver.target, told.name)]
        valid = holding(own, told.version, today)
        return cls(own, valid, today, replayed(valid, host))

    def look_beyond(self, done: Sequence[CellRun], orders: Sequence[Order], host: Host) -> None:
        """Add to the findings of cells what the waivers would hide."""
        if self.valid:
            for run, order in zip(done, orders, strict=False):
                run.findings += list(overlooked(run, order, host, self.valid))

    def applied(self, report: Report) -> Report:
        """Return a report with what is waived apart."""
        return applied(report, self.waivers, self.replays, self.today) if self.waivers else report


NO_WAIVERS = Waiving()
