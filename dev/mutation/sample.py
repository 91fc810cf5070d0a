"""A random sample of the mutants that cosmic-ray can make."""

from __future__ import annotations

import ast
import random
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from attrs import evolve
from cosmic_ray.commands.init import init
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import MutationSpec, WorkItem

from dev.mutation.paths import ROOMS, SESSION

# Bit operations in place of sums raise whatever the numbers are; `is` in place of == mostly changes nothing.
TRIVIAL = re.compile(r"_(RShift|LShift|BitOr|BitAnd|BitXor)$|_(Eq|NotEq)_(Is|IsNot)$|_(Is|IsNot)_(Eq|NotEq|LtE?|GtE?)$")


class Items(list[WorkItem]):
    """What `init` fills, in place of a database."""

    add_work_items = list.extend


@cache
def annotations(path: str) -> tuple[tuple[int, int, int, int], ...]:
    """Return where a module's annotations are, which are never evaluated: a mutant of one is no other program."""
    nodes = list(ast.walk(ast.parse(Path(path).read_text())))
    found = [getattr(node, name, None) for node in nodes for name in ("annotation", "returns")]
    return tuple((p.lineno, p.col_offset, p.end_lineno, p.end_col_offset) for p in found if p is not None)


def draw(count: int, seed: int) -> None:
    """Make the session: a random sample of the places that can be mutated, and of each place one mutant."""
    places = defaultdict(list)
    everything = Items()
    init(sorted(path for room in ROOMS for path in Path(room).glob("*.py")), everything, {})
    for item in everything:
        mutation = item.mutations[0]
        if not TRIVIAL.search(mutation.operator_name) and not _annotates(mutation):
            places[str(mutation.module_path), *mutation.start_pos].append(item)
    chance = random.Random(seed)
    drawn = [chance.choice(sorted(places[place], key=_kind)) for place in chance.sample(sorted(places), count)]
    kept = [evolve(item, job_id=f"{number:04}") for number, item in enumerate(drawn) if not _unpacks(item.mutations[0])]
    with use_db(str(SESSION)) as session:
        session.add_work_items(kept)
    print(f"{len(kept)} of {len(places)} places, with {sum(map(len, places.values()))} mutants, drawn with seed {seed}")


def _kind(item: WorkItem) -> tuple[str, int]:
    return item.mutations[0].operator_name, item.mutations[0].occurrence


def _unpacks(mutation: MutationSpec) -> bool:
    """Return whether an operator is none: the stars of an argument, a call or a display, of which no Python is made."""
    if "BinaryOperator" not in mutation.operator_name:
        return False
    (line, column), lines = mutation.start_pos, mutation.module_path.read_text().splitlines()
    return "\n".join([*lines[: line - 1], lines[line - 1][:column]]).rstrip()[-1] in "({[,"


def _annotates(mutation: MutationSpec) -> bool:
    (line, column), (last, end) = mutation.start_pos, mutation.end_pos
    spans = annotations(str(mutation.module_path))
    return any((a, b) <= (line, column) and (last, end) <= (c, d) for a, b, c, d in spans)
