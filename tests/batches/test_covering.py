"""Covering arrays: every admissible tuple of levels occurs, nothing excluded does."""

from __future__ import annotations

from itertools import combinations, product

import pytest

from xentcheck.batches.covering import Factors, covering_rows

FACTORS: Factors = (("a", (0, 1, 2)), ("b", ("x", "y")), ("c", (0.0, 0.5)), ("d", (True, False)), ("e", (1, 2, 3, 4)))
EXCLUDED = frozenset({frozenset({("a", 0), ("b", "x")}), frozenset({("a", 1), ("c", 0.5), ("d", True)})})


def tuples(rows, strength):
    """Return all tuples of levels that occur in rows."""
    return {frozenset(found) for row in rows for found in combinations(row.items(), strength)}


def admissible(strength):
    """Return the tuples that occur in any combination of all levels that excludes nothing."""
    names = [name for name, _ in FACTORS]
    every = [dict(zip(names, levels, strict=True)) for levels in product(*(levels for _, levels in FACTORS))]
    return tuples([row for row in every if not any(barred <= row.items() for barred in EXCLUDED)], strength)


@pytest.mark.parametrize(("strength", "most"), [(1, 5), (2, 16), (3, 48)])
def test_each_admissible_tuple_occurs_and_no_other(strength: int, most: int) -> None:
    """Compared with a list of all combinations; with not many more rows than the two or three longest factors need."""
    rows = covering_rows(FACTORS, strength, EXCLUDED)
    assert tuples(rows, strength) == admissible(strength)
    assert all(list(row) == [name for name, _ in FACTORS] for row in rows)
    assert not any(barred <= row.items() for row in rows for barred in EXCLUDED)
    assert len(rows) <= most


def test_rows_that_cover_most_come_first() -> None:
    """Half of the rows cover three quarters of the pairs."""
    rows = covering_rows(FACTORS, 2, EXCLUDED)
    assert len(tuples(rows[: len(rows) // 2], 2)) > 0.75 * len(tuples(rows, 2))


def test_beside_a_hiding_level_nothing_else_counts() -> None:
    """Every pair without the hiding level occurs in a row without it, and every pair with it occurs."""
    hiding = ("a", 2)
    rows = covering_rows(FACTORS, 2, EXCLUDED, frozenset({hiding}))
    seen = tuples([row for row in rows if row["a"] != 2], 2)
    assert {pair for pair in admissible(2) if hiding not in pair} <= seen
    assert tuples(rows, 2) == admissible(2)


def test_two_hiding_levels_of_one_row_hide_each_other() -> None:
    """With triples too, a tuple counts only in a row whose hiding levels are all part of it, if there is such a row."""
    hiding = frozenset({("a", 2), ("e", 4)})
    rows = covering_rows(FACTORS, 3, EXCLUDED, hiding)
    counted = {
        frozenset(found) for row in rows for found in combinations(row.items(), 3) if hiding & row.items() <= set(found)
    }
    beside_a_hiding_one_alone = frozenset({("b", "x"), ("c", 0.5), ("d", True)})
    assert counted == admissible(3) - {beside_a_hiding_one_alone}


def test_a_level_that_no_row_can_hold_is_left_out() -> None:
    """What is excluded with every level of another factor never occurs, and the search ends."""
    rows = covering_rows(
        (("a", (0, 1)), ("b", (0, 1)), ("c", (0, 1))),
        2,
        frozenset({frozenset({("a", 0), ("b", 0)}), frozenset({("a", 0), ("b", 1)})}),
    )
    assert {row["a"] for row in rows} == {1}
    assert {row["b"] for row in rows} == {row["c"] for row in rows} == {0, 1}


def test_fewer_factors_than_the_strength() -> None:
    """One factor gives its levels, and none gives one empty row or nothing."""
    assert [row["a"] for row in covering_rows((("a", (0, 1)),), 3, frozenset())] == [0, 1]
    assert all(not row for row in covering_rows((), 2, frozenset()))


def test_of_dear_factors_few_combinations_occur() -> None:
    """Every pair all the same but of those apart, in about as many rows; else nearly every row has one of its own."""
    factors: Factors = (
        ("dtype", (16, 32, 64)),
        ("labels", tuple("abcdefgh")),
        ("number", (0.0, 0.1, 0.5, 1.0)),
        ("layout", tuple("vwxyz")),
        ("scores", tuple("lmnop")),
    )
    dear = frozenset({"dtype", "labels", "number"})
    apart = frozenset({"labels", "number"})
    plain = covering_rows(factors, 2, frozenset())
    paired = covering_rows(factors, 2, frozenset(), frozenset(), dear)
    spared = covering_rows(factors, 2, frozenset(), frozenset(), dear, frozenset({apart}))
    assert tuples(plain, 2) == tuples(paired, 2)
    assert {pair for pair in tuples(plain, 2) - tuples(spared, 2) if {name for name, _ in pair} != apart} == set()
    assert max(len(paired), len(spared)) <= 1.1 * len(plain)

    def combinations_of(rows):
        return {tuple(row[name] for name in sorted(dear)) for row in rows}

    assert len(combinations_of(paired)) < 0.9 * len(combinations_of(plain))
    assert len(combinations_of(spared)) <= 25 < 8 * 4 <= len(combinations_of(paired))
