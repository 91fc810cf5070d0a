"""The suite tests itself: which law kills which bug of the zoo, how soon, and that nothing right is failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from xentcheck.processes.pool import process_pool
from xentcheck.selftest.examination import Examined, examine_with_seeds
from xentcheck.zoo import BUGS, OUTSIDE, RIGHT, Specimen


def chosen(
    only: Sequence[str] = (), *, short: bool = False, outside: str = ""
) -> tuple[tuple[Specimen, ...], tuple[Specimen, ...]]:
    """Return the bugs and the right ones that are wanted.

    Parameters
    ----------
    only : sequence of str
        Names of specimens, or of files of the zoo such as "bugs_guards"; all where it is empty.
    short : bool
        Every twelfth bug and every fortieth right one alone.
    outside : str
        A set of bugs from outside, in place of the zoo.
    """
    bugs, right = (OUTSIDE[outside], ()) if outside else (BUGS, RIGHT)
    if short:
        bugs, right = bugs[::12], right[5::40]

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
    """Judge specimens with each of the seeds 0, 1, ...; in a pool of processes if `jobs` is above 1."""
    judge = partial(_examine, seeds=seeds, profile=profile, properties=properties, only_first=only_first)
    locations = [specimen.location for specimen in specimens]
    if jobs <= 1:
        for location in locations:
            yield from judge(location)
        return
    with process_pool(jobs) as pool:
        for done in pool.map(judge, locations):
            yield from done


def _examine(
    location: str, *, seeds: int, profile: str, properties: tuple[str, ...] | None, only_first: bool
) -> list[Examined]:
    """Judge the specimen at a location, which another process can be told."""
    specimen = next(found for found in (*BUGS, *RIGHT, *chain(*OUTSIDE.values())) if found.location == location)
    return examine_with_seeds(specimen, seeds, profile=profile, properties=properties, only_first=only_first)
