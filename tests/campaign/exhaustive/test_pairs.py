"""The numbering covers each pair exactly once, in the order of numbers."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from xentcheck.campaign.exhaustive import plan
from xentcheck.campaign.exhaustive.pairs import PAIRS, PATTERNS, numbers, position_of
from xentcheck.contract import Contract

DTYPES = {"float16": np.dtype(np.float16), "bfloat16": np.dtype(ml_dtypes.bfloat16)}


@pytest.mark.parametrize(("name", "finite"), [("float16", 63488), ("bfloat16", 65280)])
def test_every_pattern_has_one_position(name: str, finite: int) -> None:
    """Nan, -inf, the finite numbers ascending with -0 before +0, +inf, nan."""
    known = numbers(name)
    assert sorted(known.patterns.tolist()) == list(range(PATTERNS))
    assert [position_of(int(pattern)) for pattern in known.patterns[::97]] == list(range(0, PATTERNS, 97))
    assert [position_of(pattern) for pattern in (0x8000, 0x0000)] == [PATTERNS // 2 - 1, PATTERNS // 2]
    values = known.values[known.finite]
    assert len(values) == finite
    assert np.isfinite(values).all()
    assert (np.diff(values) >= 0).all()
    assert (np.diff(values) == 0).sum() == 1
    assert [known.values[known.finite.start - 1], known.values[known.finite.stop]] == [-np.inf, np.inf]
    assert np.isnan(known.values).sum() == PATTERNS - finite - 2


@pytest.mark.parametrize("name", DTYPES)
def test_rows_hold_the_patterns_of_their_positions(name: str) -> None:
    """Bit by bit, nan included."""
    known = numbers(name)
    second = np.array([0, 5, 32767, 32768, 65535])
    rows = known.rows(40000, second)
    assert rows.dtype == DTYPES[name]
    assert rows.view(np.uint16).tolist() == [[int(known.patterns[40000]), int(known.patterns[j])] for j in second]


def test_units_of_work_cover_each_pair_once() -> None:
    """Every position of z0 is in one unit, and each unit takes all z1."""
    units = plan({"loss": "reference"}, {"format": "float16", "part": "loss"})
    positions = [i for unit in units for i in range(unit["first"], unit["first"] + unit["rows"])]
    assert sorted(positions) == list(range(PATTERNS))
    assert len(positions) * PATTERNS == PAIRS


@pytest.mark.parametrize(
    ("declared", "count"), [([], 63488), (["-inf"], 63489), (["nan"], 65534), (["-inf", "+inf", "nan"], 65536)]
)
def test_what_is_promised(declared: list[str], count: int) -> None:
    """Finite numbers, and those that `nonfinite` lists."""
    assert numbers("float16").declared(Contract(nonfinite=declared)).sum() == count
