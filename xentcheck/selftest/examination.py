"""One specimen of the zoo under judgement: what is found first, and which laws it breaks."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace

from xentcheck.diagnosis import STRICT, Diagnosis, SecondHost
from xentcheck.engine.cell_result import CellResult, Tally
from xentcheck.engine.minimise import minimise
from xentcheck.engine.order import capabilities_of
from xentcheck.engine.plan import PROFILES, cells, drawn_in_each
from xentcheck.engine.search import CellSearch, Enough
from xentcheck.properties.law import Law
from xentcheck.properties.registry import choose
from xentcheck.report import returned
from xentcheck.targets import Host, open_host
from xentcheck.zoo import Specimen


@dataclass(frozen=True)
class First:
    """The first finding on a specimen.

    Parameters
    ----------
    law, cell, title : str
    seconds : float
        From the beginning of the judging, the host being open.
    examples : int
        Batches judged until then, the last one included.
    rows, classes : int
        Of the minimal batch.
    mechanism : str
        As named from the minimal batch, or "".
    batch : mapping
        The minimal batch, as `batches.storage.to_mapping` gives it.
    profile : str
        The one in which it was found.
    in_sweep : bool
        Whether the batch is one of the sweep, which is the same for every seed.
    part, got, certified, allowance, times
        As in a Finding.
    """

    law: str
    cell: str
    title: str
    seconds: float
    examples: int
    rows: int
    classes: int
    mechanism: str
    batch: dict[str, object]
    profile: str
    in_sweep: bool
    part: str = ""
    got: object = None
    certified: tuple[float, float] | None = None
    allowance: float | None = None
    times: float | None = None


@dataclass(frozen=True)
class Examined:
    """What the suite made of one specimen with one seed.

    Parameters
    ----------
    name : str
    planted : bool
        Whether it is a bug.
    seed : int
    mechanism, akin
        As the specimen states.
    first : First or None
    laws : tuple of str
        Every law that it broke, in the order in which they fell.
    examples : int
    seconds : float
        Of the whole search.
    """

    name: str
    planted: bool
    seed: int
    mechanism: str
    akin: tuple[str, ...]
    first: First | None
    laws: tuple[str, ...]
    examples: int
    seconds: float

    @property
    def named_rightly(self) -> bool:
        """Whether the first finding names the planted mechanism."""
        return self.first is not None and self.first.mechanism in (self.mechanism, *self.akin)


@dataclass(frozen=True)
class _Fall:
    """A law that fell: in which search, on what, and when."""

    search: CellSearch
    tally: Tally
    profile: str
    in_sweep: bool
    seconds: float
    examples: int


@dataclass
class _Search:
    """The cells of one specimen, searched one after the other; a law that fell is not asked again."""

    specimen: Specimen
    host: Host
    seed: int
    laws: tuple[Law, ...]
    only_first: bool
    start: float = field(default_factory=time.perf_counter)
    examples: int = 0
    fallen: dict[str, _Fall] = field(default_factory=dict)

    def run(self, profile: str, *, with_sweep: bool = True) -> None:
        """Search all cells."""
        contract, capabilities = self.host.description.contract, capabilities_of(self.host)
        planned = cells(contract)
        drawn, swept = drawn_in_each(PROFILES[profile], len(planned)), None if with_sweep else 0
        for cell in planned:
            laws = [
                law
                for law in self.laws
                if law.name not in self.fallen and not law.silent(contract, capabilities, cell.dtype, cell.labels)
            ]
            before = self.examples

            def on_batch(result: CellResult, before: int = before) -> None:
                self.examples = before + result.run
                if self._enough():
                    raise Enough

            search = CellSearch(contract, capabilities, self.host, laws, cell, on_batch=on_batch)
            search.on_violation = lambda result, tally, search=search: self._fell(search, tally, profile)  # type: ignore[misc]
            search.run(profile, drawn, zlib.crc32(f"{self.seed} {cell}".encode()), swept=swept)
            if search.result.interrupted:  # what a part of the zoo comes to says nothing of the whole
                raise KeyboardInterrupt
            if self._enough():
                return

    def _fell(self, search: CellSearch, tally: Tally, profile: str) -> None:
        # The batch on which it fell is counted when all laws have judged it.
        seconds = time.perf_counter() - self.start
        fall = _Fall(search, tally, profile, not search.result.drawing, seconds, self.examples + 1)
        self.fallen[tally.law.name] = fall

    def _enough(self) -> bool:
        """Return whether one of the laws that are expected to fall has fallen, and no more is asked for."""
        expected = {law.name for law in self.laws if law.name in self.specimen.law}
        return self.only_first and bool(self.fallen and (not expected or expected & self.fallen.keys()))


def examine(
    specimen: Specimen,
    *,
    profile: str = "quick",
    seed: int = 0,
    properties: Iterable[str] | None = None,
    only_first: bool = False,
    with_sweep: bool = True,
) -> Examined:
    """Judge a specimen in this process: a bug in quick, and in standard too where it survives that.

    Parameters
    ----------
    specimen : Specimen
    profile : {"quick", "standard", "thorough"}
        How much is tried to fail a right one.
    seed : int
    properties : iterable of str, optional
        Names or numbers of the laws to judge by.
    only_first : bool
        Whether to stop as soon as one of the laws that are expected to kill a bug has done so.
    with_sweep : bool
        Whether the deterministic sweep is judged, and not only what is drawn.
    """
    STRICT.set(True)
    planted = bool(specimen.mechanism)
    with open_host(specimen.specification()) as host:
        search = _Search(specimen, host, seed, choose(properties), only_first)
        for chosen in ("quick", "standard") if planted else (profile,):
            if not search.fallen:
                search.run(chosen, with_sweep=with_sweep)
        seconds = time.perf_counter() - search.start
        first = _first(search) if search.fallen else None
    return Examined(
        specimen.name,
        planted,
        seed,
        specimen.mechanism,
        specimen.akin,
        first,
        tuple(search.fallen),
        search.examples,
        seconds,
    )


def examine_with_seeds(
    specimen: Specimen,
    seeds: int,
    *,
    profile: str = "quick",
    properties: Iterable[str] | None = None,
    only_first: bool = False,
) -> list[Examined]:
    """Judge a specimen with each of the seeds 0, 1, ...

    A seed changes what is drawn and not the sweep. So the sweep is judged with the first seed alone, and a bug that
    falls in it falls alike with every seed: that is noted without judging it again.
    """
    wanted = None if properties is None else tuple(properties)
    done = [examine(specimen, profile=profile, properties=wanted, only_first=only_first)]
    first = done[0].first
    for seed in range(1, seeds):
        if first is not None and first.in_sweep:
            done.append(replace(done[0], seed=seed))
        else:
            bug = done[0].planted
            done.append(
                examine(specimen, profile=profile, seed=seed, properties=wanted, only_first=True, with_sweep=bug)
            )
    return done


def _first(search: _Search) -> First:
    """Return the first finding, on its minimal batch."""
    name, fall = next(iter(search.fallen.items()))
    tally, contract = fall.tally, search.host.description.contract
    broken = tally.falls[0]
    smallest, again = minimise(broken, fall.search.case, PROFILES[fall.profile].reductions, [], contract)
    violation = smallest.violation
    with closing(SecondHost(lambda: open_host(search.specimen.specification()))) as second:
        diagnosis = Diagnosis(contract, fall.search.case, fall.search.sweep(fall.profile), second)
        cause = diagnosis.cause(tally.law, violation, broken.violation, again)
    return First(
        law=name,
        cell=str(fall.search.result.cell),
        title=violation.title,
        seconds=fall.seconds,
        examples=fall.examples,
        rows=violation.batch.n,
        classes=violation.batch.m,
        mechanism=cause.mechanism if cause is not None and cause.shown else "",
        batch=returned.given(contract, violation.batch),
        profile=fall.profile,
        in_sweep=fall.in_sweep,
        part=returned.element(contract, violation.part),
        got=returned.number(contract, violation.got),
        certified=returned.interval(contract, violation.certified),
        allowance=violation.allowance,
        times=violation.times,
    )
