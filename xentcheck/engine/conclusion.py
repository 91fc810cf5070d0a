"""From what came of the search of a cell to its findings: reduced, named, with a reproducer; once for each cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace

from xentcheck.batches.batch import Batch
from xentcheck.batches.packing import pack, unpack
from xentcheck.batches.storage import same_content
from xentcheck.contract.harmless import harmless
from xentcheck.diagnosis import Cause, Diagnosis, Observation, SecondHost, observed
from xentcheck.engine.cell_result import CellResult, Fall
from xentcheck.engine.economy import Compiled
from xentcheck.engine.further import Further, Shown
from xentcheck.engine.inputs import noting
from xentcheck.engine.minimise import Asked, finding, minimise
from xentcheck.engine.order import Order, capabilities_of, swept
from xentcheck.engine.plan import PROFILES
from xentcheck.engine.promises import weaker_promise
from xentcheck.engine.purse import Purse
from xentcheck.engine.recalled import FRESH, Remembering
from xentcheck.engine.roots import Found, shown_mechanism, whose_gradient_is_right
from xentcheck.engine.search import CellSearch
from xentcheck.engine.shard_record import Record
from xentcheck.properties.case import Case
from xentcheck.properties.law import Violation
from xentcheck.report.encoding import build, plain
from xentcheck.report.finding import Finding
from xentcheck.report.reproducer import script
from xentcheck.targets import Host
from xentcheck.targets.host.in_process import LocalHost

_OTHERS = 3
"""Minimal batches of other laws that are tried of a slow target before a fall of a law is reduced."""


@dataclass
class CellRun:
    """What came of a cell."""

    result: CellResult
    findings: list[Found] = field(default_factory=list)
    inapplicable: dict[str, str] = field(default_factory=dict)


def conclude(order: Order, result: CellResult, known: Record, host: Host, second: SecondHost | None = None) -> Record:
    """Return the findings of a cell as JSON types; `concluded` reads them.

    After Ctrl-C nothing is reduced, so that the end is near.

    Parameters
    ----------
    order : Order
    result : CellResult
    known : mapping
        Minimal batches of the first cell of the run that has findings, by the law's name: the "minimal" of its record.
        They are tried before any reduction. Of that one cell alone, so that the others do not wait for each other.
    host : Host
    second : SecondHost, optional
        That of the run, in which no bad input has been tried yet; by default one is opened where it is needed.
    """
    before, deaths = Counter(result.observations), result.deaths
    fallen = [tally for tally in result.tallies.values() if tally.falls]
    with Conclusion.of(order, result, known, host, second) as conclusion:
        for tally in fallen:
            conclusion.first(tally.falls[0])
        for tally in fallen if not (result.interrupted or result.fault) else ():
            if not conclusion.spent:
                conclusion.further(tally.falls)
        found = conclusion.all_reported()
    return {
        "findings": [[plain(one.finding), one.mechanism, one.promise, one.event, one.suspected] for one in found],
        "minimal": {law: pack(batch) for law, batch in conclusion.minimal.items()},
        "observations": dict(result.observations - before),
        "deaths": result.deaths - deaths,
    }


def concluded(result: CellResult, record: Record) -> CellRun:
    """Return what came of a cell, with its findings as `conclude` stated them."""
    result.observations.update(record["observations"])
    result.deaths += record["deaths"]
    findings = [
        Found(build(Finding, stated), mechanism, promise, tuple(event), *suspected)
        for stated, mechanism, promise, event, *suspected in record["findings"]
    ]
    return CellRun(result, findings)


def _may_be_asked(result: CellResult) -> bool:
    """Return whether a target may be asked for more when its search is over: not after Ctrl-C, a death or a fault."""
    return not (result.interrupted or result.deaths or result.fault)


def _diagnosis(
    search: CellSearch, order: Order, host: Host, second: SecondHost, case_of: Callable[[Batch], Case]
) -> Diagnosis:
    """Return what names the mechanisms of the cell's findings, and may ask the target for it."""
    result = search.result
    if not _may_be_asked(result):
        return Diagnosis(search.contract, search.case, ask=False)
    first: Iterable[Batch] = search.sweep(order.profile)
    if search.capabilities.expensive_shapes or order.economy.saves:  # those that have been judged alone
        found = _afforded(order, search)
        most = order.economy.concluding
        first = found[: result.run if most is None else min(result.run, most // 8)]

    # Another process costs the import of the target's framework.
    times = None if isinstance(host, LocalHost) else int(host.description.framework == "numpy")
    return Diagnosis(search.contract, case_of, first, second, times, fresh=search.case)


def _afforded(order: Order, search: CellSearch) -> tuple[Batch, ...]:
    """Return the sweep of the cell, as far as it was afforded."""
    few = search.capabilities.expensive_shapes
    return swept(search.contract, order.cell, order.profile, few, order.dtypes, order.economy)


@dataclass
class Conclusion:
    """Makes findings of the falls of a cell: reduced, named and with a reproducer."""

    search: CellSearch
    order: Order
    host: Host
    diagnosis: Diagnosis
    known: dict[str, Batch]
    known_case: Callable[..., Case]
    compiled: Compiled | None = None
    purse: Purse | None = None
    minimal: dict[str, Batch] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)

    @classmethod
    @contextmanager
    def of(
        cls, order: Order, result: CellResult, known: Record, host: Host, second: SecondHost | None = None
    ) -> Iterator[Conclusion]:
        """Give the conclusion of a cell, in which nothing is reported yet; the parameters are those of `conclude`."""
        minimal = {law: unpack(packed) for law, packed in known.items()}
        own = closing(SecondHost(order.host)) if second is None else nullcontext(second)
        with noting(host, order.inputs) as evaluator, own as beside:
            capabilities = capabilities_of(host, order.costs, order.economy)
            saving, contract = order.economy, host.description.contract
            left = saving.again if minimal else saving.concluding
            purse = None if left is None else Purse(evaluator, left)
            search = CellSearch.over(result, contract, capabilities, purse or evaluator, order.dtypes)
            case_of = search.case
            if purse is not None or capabilities.expensive_calls:
                remembering = Remembering(purse or evaluator)
                case_of = CellSearch.over(result, contract, capabilities, remembering, order.dtypes).case
            compiled = None if order.economy.graphs is None else Compiled(_afforded(order, search))
            diagnosis = _diagnosis(search, order, host, beside, case_of)
            yield cls(search, order, host, diagnosis, minimal, case_of, compiled, purse)

    @property
    def spent(self) -> bool:
        """Whether the target is not to be asked any more than it has to be."""
        return self.purse is not None and self.purse.empty

    def first(self, fall: Fall) -> None:
        """Report how a law was first broken."""
        others = {same_content(batch): batch for batch in self.minimal.values()} if self.purse is not None else {}
        smallest = self.minimised(fall, others=list(others.values())[:_OTHERS])
        made = self.named(fall, *smallest)
        if made.minimal:
            self.minimal[fall.law.name] = made.violation.batch
        self.shown.append(made)

    def further(self, falls: Sequence[Fall]) -> None:
        """Report how a law is broken by a mistake that no finding shows yet."""
        Further(self.search.contract, self.shown, self.reduced).look_for(falls)

    def all_reported(self) -> list[Found]:
        """Return all findings, each with its root cause."""
        places: Counter[str] = Counter()
        found = []
        for shown in self.shown:
            places[shown.law.name] += 1
            found.append(self.reported(shown, places[shown.law.name]))
        by = dict(zip(self.shown, found, strict=True))
        return [replace(by[whose_gradient_is_right(shown, self.shown)], finding=by[shown].finding) for shown in by]

    def reduced(self, fall: Fall, excused: Callable[[Violation], bool] = lambda violation: False) -> Shown:
        """Return what a fall shows on the smallest batch found, with its cause."""
        return self.named(fall, *self.minimised(fall, excused))

    def named(self, fall: Fall, smallest: Fall, minimal: bool, cause: bool = True) -> Shown:
        """Return what a fall shows on the smallest batch found for it, with its cause if that is asked for."""
        again = minimal or self.search.result.interrupted
        found = self._cause(fall, smallest.violation, again) if cause else None
        return Shown(self.search.contract, smallest, minimal, found)

    def minimised(
        self,
        fall: Fall,
        excused: Callable[[Violation], bool] = lambda violation: False,
        asked: Asked | None = None,
        others: Sequence[Batch] = (),
    ) -> tuple[Fall, bool]:
        """Return how the smallest batch found breaks the law, and whether it was reduced; see `minimise`.

        Minimal batches of `others`, of laws of the same cell, are tried first.
        """
        if self.search.result.interrupted:
            return fall, False
        known = [self.known[fall.law.name]] if fall.law.name in self.known else []
        known += others
        try:
            budget = PROFILES[self.order.profile].reductions
            if self.purse is not None:
                budget = min(budget, self.purse.for_a_reduction)
            admits: Callable[[Batch], bool] | None = None if self.compiled is None else self.compiled.admits
            if self.purse is not None:
                admits = self.purse.sparing(admits)
            case_of = self.search.case if fall.law.name == FRESH else self.known_case
            return minimise(fall, case_of, budget, known, self.search.contract, excused, asked, admits)
        except Exception as error:
            self._own_fault("reducing a finding", error)
            return fall, False

    def _cause(self, fall: Fall, violation: Violation, again: bool) -> Cause | None:
        try:
            asks = self.diagnosis if not self.spent else Diagnosis(self.search.contract, self.known_case, ask=False)
            return asks.cause(fall.law, violation, fall.violation, again)
        except Exception as error:  # a name is an extra, and must not cost the finding
            self._own_fault("naming the cause of a finding", error)
            return None

    def observed(self, violation: Violation) -> Observation | None:
        """Return the numbers that a violation shows, or None."""
        return observed(self.search.contract, violation)

    def reported(self, shown: Shown, place: int) -> Found:
        """Return the finding that shows a mistake, the `place`-th of its law, with its root cause."""
        contract, violation = self.search.contract, shown.violation
        made = finding(shown.law, self.order.cell, violation, contract, shown.minimal, shown.cause, shown.asked)
        made, promise = replace(made, place=place), ""
        try:
            kept = weaker_promise(violation, contract, self.known_case) if _may_be_asked(self.search.result) else None
            if kept is not None:
                promise, line = kept
                made = replace(made, detail=(*made.detail, line))
        except Exception as error:
            self._own_fault("looking for a promise that the target keeps", error)
        try:
            told, stated = self.host.description, self.order.specification
            source = script(stated, contract, made, framework=told.framework, by_method=told.by_method)
            made = replace(made, reproducer=source)
        except Exception as error:
            self._own_fault("writing the reproducer of a finding", error)
        mechanism = shown_mechanism(shown, self.shown)
        return Found(made, mechanism, promise, (*shown.kind, str(place)), shown.suspected)

    def _own_fault(self, doing: str, error: Exception) -> None:
        """Report a fault of xentcheck's own beside what was found, which it must not cost."""
        self.search.result.observations[f"a fault of xentcheck in {doing}: {harmless(repr(error), 300)}"] += 1
