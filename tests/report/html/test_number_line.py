"""The number line: in order, within its width, and in words."""

from __future__ import annotations

import math

import pytest

from xentcheck.report.finding import Finding
from xentcheck.report.html.number_line import number_line

LN2 = (0.6931471805599453, 0.6931471805599454)


def finding(got: float | str | None, certified: tuple[float, float] | None, allowance: float | None) -> Finding:
    """Return a finding with these numbers."""
    return Finding("value", 1, "law", "float64", "sparse", "wrong", got=got, certified=certified, allowance=allowance)


@pytest.mark.parametrize(
    ("got", "certified", "allowance"),
    [
        (0.0, LN2, 1e-7),
        (1.0, LN2, 0.25),
        (-math.inf, LN2, 1e-7),
        (math.inf, LN2, 0.0),
        (0.0, (3.7200759760208356e-44, 3.720075976020836e-44), 1.4e-57),
        (5e-324, (0.0, 0.0), 0.0),
        (0.6931471805599457, LN2, 1e-16),
        (0.5, LN2, math.inf),
        (0.5, LN2, None),
    ],
)
def test_the_places_are_in_order(got: float, certified: tuple[float, float], allowance: float) -> None:
    """Got is on its own side of what is allowed, and all are on the line."""
    line = number_line(finding(got, certified, allowance))
    assert line is not None
    assert 0 <= min(line.got, line.low) <= max(line.got, line.high) <= 100
    assert line.low <= line.certified <= line.high
    assert line.got < line.low if got < certified[0] else line.got > line.high
    assert line.beyond == math.isinf(got)
    assert ("below" in line.words) == (got < certified[0])


def test_numbers_that_differ_in_their_last_digits_are_apart() -> None:
    """Two ulp are drawn as a length, and the digits tell them apart."""
    line = number_line(finding(0.6931471805599457, LN2, 1e-16))
    assert line is not None
    assert line.got - line.high > 20
    assert line.got_text == "0.6931471805599457"
    assert line.certified_text == "0.6931471805599454"
    assert "3.33e-16 above the certified interval, 3.33 allowances" in line.words


@pytest.mark.parametrize(
    ("got", "certified"),
    [
        ("ValueError", LN2),
        (None, LN2),
        (math.nan, LN2),
        (1.0, None),
        (1.0, (math.nan, math.nan)),
        (1.0, (math.inf, math.inf)),
        (-1.7e308, (1.7e308, 1.7e308)),
    ],
)
def test_where_there_is_nothing_to_draw_there_is_no_line(
    got: float | str | None, certified: tuple[float, float] | None
) -> None:
    """Words, nan, and exact values or distances that are not finite."""
    assert number_line(finding(got, certified, 1e-9)) is None
