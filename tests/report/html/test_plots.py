"""What the plots show, and how they get into the page."""

from __future__ import annotations

import dataclasses
import math
import re
import warnings

import numpy as np
import pytest

from xentcheck.report.finding import Line
from xentcheck.report.html import plots
from xentcheck.report.report import Report
from xentcheck.report.results import Points


@pytest.fixture
def points(complete: Report) -> Points:
    """Points with a gap of 0, an offset near the largest number, and an infinite error."""
    return complete.samples["float32"]["loss"]


@pytest.fixture
def line(complete: Report) -> Line:
    """A line along which the target is wrong, and then no number."""
    found = complete.findings[0].line
    assert found is not None
    return found


@pytest.mark.parametrize("axis", plots.AXES)
def test_every_point_has_its_mark(points: Points, axis: str) -> None:
    """One for each grade, in the colours of the page's two themes and no others."""
    plot = plots.error_plot(points, axis, "logits", "loss", "float32", "p")
    for grade in ("grade A*", "grade B+", "grade C", "fail", "bound B+", "bound B", "bound C"):
        assert f">{grade}</text>" in plot.svg
    assert not re.search(r"#[0-9a-f]{6}\b", plot.svg)
    assert set(re.findall(r"var\(--xc-([\w-]+)\)", plot.svg)) >= {"ink", "best", "relative", "loose", "fail"}
    assert "nan" not in plot.svg
    assert "inf" not in plot.svg


def test_every_id_has_the_prefix(points: Points) -> None:
    """And none is there that nothing refers to, so that pictures do not meet each other's."""
    svg = plots.error_plot(points, "gap", "logits", "loss", "float32", "mine").svg
    ids = re.findall(r'\bid="([^"]*)"', svg)
    assert ids
    assert all(name.startswith("mine-") for name in ids)
    assert set(ids) == set(re.findall(r'(?:href="|url\()#([^")]+)', svg))


def test_the_axes_of_probabilities_are_named_so(points: Points) -> None:
    """There is no gap of logits."""
    assert "log p of the label" in plots.error_plot(points, "gap", "probabilities", "loss", "float32", "p").svg
    assert "largest logit" in plots.error_plot(points, "gap", "logits", "loss", "float32", "p").svg


def test_the_bound_in_a_range_is_the_median() -> None:
    """Of those that are finite, at the median of their places, in order."""
    x = np.array([1.0, 16.0, 17.0, 18.0, 1.1, 300.0])
    y = np.array([5.0, 1.0, 9.0, 2.0, 7.0, np.inf])
    at, bound = plots.medians(x, y)
    assert at == pytest.approx([1.05, 17.0])
    assert bound.tolist() == [6.0, 2.0]


def test_the_plots_of_a_line(line: Line) -> None:
    """Loss and slope; where the target gives no number, that is marked; words say where it is not allowed."""
    loss, slope = plots.line_plots(line, "p")
    assert ">target: no number</text>" in loss.svg
    assert ">allowed</text>" in loss.svg
    assert ">differences</text>" in slope.svg
    assert loss.words.endswith("outside the allowance at 20 of 41 points, with t from 1.1 to 3.")
    apart = dataclasses.replace(line, of_loss=False)
    assert ">differences</text>" not in plots.line_plots(apart, "p")[1].svg
    assert len(plots.line_plots(dataclasses.replace(line, slope=(), certified_slope=()), "p")) == 1


def test_a_right_target_is_told_to_be_right(line: Line) -> None:
    """The words say at how many points."""
    right = dataclasses.replace(line, loss=line.certified_loss)
    assert plots.line_plots(right, "p")[0].words.endswith("within the allowance at all of 41 points.")


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e308, -1e308, 0.0])
def test_lines_of_any_numbers_are_drawn(line: Line, value: float) -> None:
    """Without a warning, whatever the target returns, and whether or not there is an exact value."""
    same = tuple(value for _ in line.t)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for changed in (
            dataclasses.replace(line, loss=same, slope=same),
            dataclasses.replace(line, loss=same, certified_loss=same, allowance=same, slope=same, certified_slope=same),
        ):
            for plot in plots.line_plots(changed, "p"):
                assert plot.svg.startswith("<svg viewBox")


def test_differences_are_those_of_the_neighbours() -> None:
    """nan at the ends and beside what is not finite."""
    t = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    found = plots.differences(t, np.array([0.0, 1.0, 4.0, 9.0, np.inf, 25.0]))
    assert found[1:3].tolist() == [2.0, 4.0]
    assert np.isnan(found[[0, 3, 4, 5]]).tolist() == [True, True, False, True]
