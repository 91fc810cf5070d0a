"""Covering arrays: rows in which every admissible pair, or triple, of levels occurs.

A mistake in how two options act together shows whatever the others are, so that rows in which all pairs occur
find it: a hundred rows where all combinations would be millions. Greedy, as AETG: D. M. Cohen et al.,
The AETG system, IEEE Transactions on Software Engineering 23 (1997); how levels that hide what other factors
do are credited with nothing else follows M. B. Cohen et al. on masking.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

Level = tuple[str, Hashable]
"""A factor and one of its values."""
Factors = tuple[tuple[str, tuple[Hashable, ...]], ...]
"""The factors by name, each with its values."""
Row = Mapping[str, Hashable]
"""One value of each factor."""


@lru_cache(maxsize=16)
def covering_rows(
    factors: Factors,
    strength: int,
    excluded: frozenset[frozenset[Level]],
    hiding: frozenset[Level] = frozenset(),
    dear: frozenset[str] = frozenset(),
    apart: frozenset[frozenset[str]] = frozenset(),
) -> tuple[Row, ...]:
    """Return rows in which each admissible tuple of levels of different factors occurs; always the same.

    Parameters
    ----------
    factors : tuple of (name, values)
    strength : int
        Of how many levels a tuple is: 2 for pairs, 3 for triples. With fewer factors, all their combinations.
    excluded : frozenset of sets of levels
        Levels that no row may have together. A tuple is admissible if some row can hold it.
    hiding : frozenset of levels
        Levels beside which the other factors do not show, such as that all rows are ignored. A row that has one
        counts only for the tuples of which it is part.
    dear : frozenset of str
        Names of factors of which each new combination costs something: of levels that cover anything, one is taken that
        occurs beside the others already.
    apart : frozenset of pairs of names
        Factors whose levels need not occur together: tuples that have both are left to chance.

    Returns
    -------
    tuple of mappings
        Those that cover most come first.
    """
    if not factors:
        return ({},)
    return tuple(_Search(factors, min(strength, len(factors)), excluded, hiding, dear, apart).rows())


class _Search:
    """A greedy search: each row begins with a tuple that is not covered, and takes what covers most beside it."""

    def __init__(
        self,
        factors: Factors,
        strength: int,
        excluded: Iterable[frozenset[Level]],
        hiding: Iterable[Level],
        dear: Collection[str],
        apart: Collection[frozenset[str]],
    ) -> None:
        self._levels: list[Level] = [(name, value) for name, values in factors for value in values]
        number = {level: place for place, level in enumerate(self._levels)}
        self._of_factor = [[number[name, value] for value in values] for name, values in factors]
        self._strength = strength
        self._hiding = {number[level] for level in hiding if level in number}
        self._barred: dict[int, list[frozenset[int]]] = {place: [] for place in range(len(self._levels))}
        for levels in excluded:
            if levels <= number.keys():
                together = frozenset(number[level] for level in levels)
                for one in together:
                    self._barred[one].append(together - {one})
        self._used = np.zeros(len(self._levels), np.int64)
        self._dear = {place for place, (name, _) in enumerate(self._levels) if name in dear}
        self._paid: list[set[int]] = []
        self._open = self._every_tuple(apart)

    def _every_tuple(self, apart: Collection[frozenset[str]]) -> NDArray[np.bool_]:
        """Return which tuples of levels are to be covered: an axis for each, symmetric in them."""
        names = [name for name, _ in self._levels]
        pairs = np.array([[one != two and frozenset({one, two}) not in apart for one in names] for two in names])
        wanted = np.ones((len(names),) * self._strength, bool)
        for axes in combinations(range(self._strength), 2):
            wanted &= pairs.reshape([len(names) if axis in axes else 1 for axis in range(self._strength)])
        return wanted

    def rows(self) -> Iterator[Row]:
        """Yield rows until nothing is left to cover."""
        while self._open.any():
            seed = self._most_open()
            row = self._completed(seed) if self._may_hold(seed) else None
            if row is None:
                self._close(seed, ())  # no row can hold it
                continue
            self._close(row, [level for level in row if level in self._hiding])
            self._close(seed, ())  # also where each row that holds it hides it
            self._used[row] += 1
            self._paid.append(self._dear.intersection(row))
            yield {self._levels[level][0]: self._levels[level][1] for level in sorted(row)}

    def _close(self, levels: list[int], hiding: Sequence[int]) -> None:
        """Count as covered the tuples of these levels, those that have all the hiding ones."""
        for axes in permutations(range(self._strength), len(hiding)):
            places = [levels] * self._strength
            for axis, level in zip(axes, hiding, strict=True):
                places[axis] = [level]
            self._open[np.ix_(*places)] = False

    def _most_open(self) -> list[int]:
        """Return a tuple that is not covered: the level that is in most of them, then the one most often beside it."""
        chosen: list[int] = []
        left = self._open
        for _ in range(self._strength):
            chosen.append(int(np.argmax(left.reshape(len(self._levels), -1).sum(axis=1))))
            left = left[chosen[-1]]
        return chosen

    def _may_hold(self, levels: list[int]) -> bool:
        return not any(together <= set(levels) for one in levels for together in self._barred[one])

    def _completed(self, chosen: list[int]) -> list[int] | None:
        """Return a row with the levels chosen and, of each other factor, what covers most; None if there is none."""
        taken = set(chosen)
        left = [self._allowed(levels, taken) for levels in self._of_factor if taken.isdisjoint(levels)]
        if not left:
            return chosen
        # A factor without a choice comes first, so that a dead end is seen at once.
        fewest = min(left, key=len)
        for level in self._best_first(fewest if len(fewest) < 2 else max(left, key=len), chosen):
            row = self._completed([*chosen, level])
            if row is not None:
                return row
        return None

    def _allowed(self, levels: list[int], taken: set[int]) -> list[int]:
        return [one for one in levels if not any(together <= taken for together in self._barred[one])]

    def _best_first(self, levels: list[int], chosen: list[int]) -> list[int]:
        """Return levels by how much they cover, of equals that used least first; hiding ones last, to hide no seed.

        Those that cost something come after those that cover anything and do not.
        """
        gain = {level: self._gain(level, chosen) for level in levels}
        return sorted(
            levels,
            key=lambda level: (
                level in self._hiding,
                not gain[level],
                self._costs(level, chosen),
                -gain[level],
                self._used[level],
            ),
        )

    def _costs(self, level: int, chosen: list[int]) -> bool:
        """Return whether a level makes a combination of dear factors that no row has yet."""
        if level not in self._dear:
            return False
        together = self._dear.intersection(chosen) | {level}
        return not any(together <= paid for paid in self._paid)

    def _gain(self, level: int, chosen: list[int]) -> int:
        """Return how many tuples a level would newly cover beside those chosen, in each order of their levels."""
        found = self._open[level]
        for hiding in self._hiding.intersection(chosen):
            if not found.ndim:
                return 0
            found = found[hiding]
        return int(found[np.ix_(*[chosen] * found.ndim)].sum())
