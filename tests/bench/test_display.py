"""Tables and charts."""

from __future__ import annotations

from pathlib import Path

import pytest

from xentcheck.bench.chart import chart
from xentcheck.bench.figures import Case, Figure, Result, Spread
from xentcheck.bench.table import remarks, table, title


def result(classes: int, milliseconds: float, **changes: object) -> Result:
    """Return a result with one figure."""
    seconds = Spread(milliseconds / 1000, milliseconds / 2000, milliseconds / 500)
    ratio = Spread(1.25, 1.2, 1.3)
    figure = Figure("mine", "sparse", seconds, seconds.low, 1.0, ratio, None, 2.0, **changes)  # type: ignore[arg-type]
    return Result(Case("classes", 10, classes, "float32", "both"), (figure,))


def test_a_table() -> None:
    """Sizes, times, ratios with their spread, cores and memory, in columns; no trailing blanks."""
    text = table([result(10, 0.5), result(1000, 123.4)])
    assert text.splitlines() == [
        "n x m    target  labels  ms a call    over reference  over other labels  cores  memory",
        "10x10    mine    sparse        0.5  1.25 (1.20-1.30)                  -    1.0    2.00",
        "10x1000  mine    sparse        123  1.25 (1.20-1.30)                  -    1.0    2.00",
    ]
    assert title(result(10, 1.0)) == "loss and gradient by classes, 10 rows, float32"


def test_remarks_are_said_once() -> None:
    """What is left out, what a target does, what cannot be known."""
    one = Result(
        result(10, 1.0, note="overwrites its scores").case, result(10, 1.0, note="x").figures, {"b": "has no y"}
    )
    unseen = Figure("torch", "sparse", Spread(1.0, 1.0, 1.0), 1.0, 1.0)
    said = remarks([one, one, Result(one.case, (unseen,))])
    assert said[:2] == ["b has no y, and is left out.", "mine: x."]
    assert len(said) == 3
    assert said[2].startswith("Memory is known of numpy code only")


def test_a_chart() -> None:
    """The least time is at the bottom and the most classes at the right, below them the axis and the legend."""
    lines = chart([result(10, 1.0), result(1000, 1.0)]).splitlines()
    assert lines[0] == "ns per score"
    assert lines[1].startswith("   1e+04 |a")
    assert lines[12].endswith("a")
    assert lines[14].split() == ["10", "1000", "classes"]
    assert lines[-1].strip() == "a  mine, sparse"


def test_one_size_makes_no_chart() -> None:
    """There is no line through one point; equal times make one all the same."""
    assert chart([result(10, 1.0)]) == ""
    assert "a" in chart([result(10, 1.0), result(20, 2.0)])


@pytest.mark.needs("matplotlib")
def test_a_picture(tmp_path: Path) -> None:
    """Written in the format of its suffix, where matplotlib is there."""
    from xentcheck.bench.picture import draw

    draw(tmp_path / "times.svg", [[result(10, 1.0), result(100, 2.0)]])
    assert "<svg" in (tmp_path / "times.svg").read_text()
