"""The suite tests itself: which law kills which bug of the zoo, how soon, and that nothing right is failed."""

from __future__ import annotations

import multiprocessing
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from xentcheck.batches.storage import to_mapping
from xentcheck.batches.sweep import sweep
from xentcheck.engine.cellrun import capabilities_of
from xentcheck.engine.minimise import minimise
from xentcheck.engine.naming import Naming
from xentcheck.engine.plan import PROFILES, Cell, cells, in_each
from xentcheck.engine.search import CellResult, CellSearch, Enough, Tally
from xentcheck.properties.law import Law
from xentcheck.properties.registry import choose
from xentcheck.targets import Host, open_host
from xentcheck.zoo import BUGS, RIGHT, Specimen


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


@dataclass
class _Search:
    """The cells of one specimen, searched one after the other; a law that fell is not asked again."""

    specimen: Specimen
    host: Host
    profile: str
    seed: int
    laws: tuple[Law, ...]
    only_first: bool
    start: float = field(default_factory=time.perf_counter)
    examples: int = 0
    fallen: dict[str, tuple[CellSearch, Tally, float, int]] = field(default_factory=dict)

    def run(self) -> None:
        contract, capabilities = self.host.description.contract, capabilities_of(self.host)
        planned = cells(contract)
        amount = PROFILES[self.profile]
        sweep, examples = in_each(amount, len(planned))
        for cell in planned:
            laws = [law for law in self.laws if law.name not in self.fallen and not law.applies(contract, capabilities)]
            before = self.examples

            def on_batch(result: CellResult, before: int = before) -> None:
                self.examples = before + result.run

            search = CellSearch(contract, capabilities, self.host, laws, cell, on_batch=on_batch)
            search.on_violation = lambda result, tally, search=search: self._fell(search, tally)  # type: ignore[misc]
            search.run(self.profile, sweep, examples, zlib.crc32(f"{self.seed} {cell}".encode()))
            if self.only_first and self.fallen:
                return

    def _fell(self, search: CellSearch, tally: Tally) -> None:
        # The batch on which it fell is counted when all laws have judged it.
        self.fallen[tally.law.name] = (search, tally, time.perf_counter() - self.start, self.examples + 1)
        if self.only_first:
            raise Enough


def examine(
    specimen: Specimen,
    *,
    profile: str = "quick",
    seed: int = 0,
    properties: Iterable[str] | None = None,
    only_first: bool = False,
) -> Examined:
    """Judge a specimen in this process.

    Parameters
    ----------
    specimen : Specimen
    profile : {"quick", "standard", "thorough"}
    seed : int
    properties : iterable of str, optional
        Names or numbers of the laws to judge by.
    only_first : bool
        Whether the first finding is enough.
    """
    with open_host(specimen.specification()) as host:
        search = _Search(specimen, host, profile, seed, choose(properties), only_first)
        search.run()
        seconds = time.perf_counter() - search.start
        first = _first(search) if search.fallen else None
    return Examined(
        specimen.name,
        bool(specimen.mechanism),
        seed,
        specimen.mechanism,
        specimen.akin,
        first,
        tuple(search.fallen),
        search.examples,
        seconds,
    )


def _first(search: _Search) -> First:
    """Return the first finding, on its minimal batch."""
    name, (cell_search, tally, seconds, examples) = next(iter(search.fallen.items()))
    contract = search.host.description.contract
    violation, again = minimise(tally, cell_search.case, PROFILES[search.profile].reductions, [], contract)
    cell: Cell = cell_search.result.cell
    naming = Naming(
        contract,
        cell_search.case,
        sweep(contract, cell.dtype, cell.labels, sizes=search.profile),
        lambda: open_host(search.specimen.specification()),
    )
    assert tally.violation is not None
    cause = naming.cause(tally.law, violation, tally.violation, again)
    return First(
        law=name,
        cell=str(cell),
        title=violation.title,
        seconds=seconds,
        examples=examples,
        rows=violation.batch.n,
        classes=violation.batch.m,
        mechanism=cause.mechanism if cause is not None else "",
        batch=to_mapping(violation.batch),
        part=violation.part,
        got=violation.got,
        certified=violation.certified,
        allowance=violation.allowance,
        times=violation.times,
    )


def _examine(name: str, profile: str, seed: int, properties: tuple[str, ...] | None, only_first: bool) -> Examined:
    specimen = next(found for found in (*BUGS, *RIGHT) if found.name == name)
    return examine(specimen, profile=profile, seed=seed, properties=properties, only_first=only_first)


def chosen(only: Sequence[str] = (), *, short: bool = False) -> tuple[tuple[Specimen, ...], tuple[Specimen, ...]]:
    """Return the bugs and the right ones that are wanted.

    Parameters
    ----------
    only : sequence of str
        Names of specimens, or of files of the zoo such as "bugs_guards"; all where it is empty.
    short : bool
        Every twelfth bug and every fortieth right one alone.
    """
    bugs, right = (BUGS[::12], RIGHT[5::40]) if short else (BUGS, RIGHT)

    def wanted(specimen: Specimen) -> bool:
        return not only or specimen.name in only or specimen.module.rpartition(".")[2] in only

    return tuple(filter(wanted, bugs)), tuple(filter(wanted, right))


def examine_all(
    specimens: Iterable[Specimen],
    *,
    profile: str = "quick",
    seeds: int = 1,
    properties: tuple[str, ...] | None = None,
    only_first: bool = False,
    jobs: int = 1,
) -> Iterator[Examined]:
    """Judge specimens with each of the seeds 0, 1, ...; in a pool of processes if `jobs` is above 1.

    With the seeds above 0 the first finding is enough: what they are for is a search that is not lucky.
    """
    orders = [
        (specimen.name, profile, seed, properties, only_first or seed > 0)
        for specimen in specimens
        for seed in range(seeds)
    ]
    if jobs <= 1:
        for order in orders:
            yield _examine(*order)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(_examine, *zip(*orders, strict=True))
