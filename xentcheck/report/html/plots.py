"""The plots of a report: how large errors are where, and loss and slope along a line through a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xentcheck.report.finding import Line
from xentcheck.report.html import svg
from xentcheck.report.html.svg import Plot
from xentcheck.report.results import Points

Floats = NDArray[np.float64]
_MARKS = {
    "A*": ("o", svg.BEST),
    "A": (".", svg.BEST),
    "B+": ("^", svg.RELATIVE),
    "B": ("s", svg.SHIFTED),
    "C": ("D", svg.LOOSE),
    "fail": ("x", svg.FAIL),
}
_DASHES = {"B+": "-.", "B": "-", "C": "--"}
AXES = {
    "gap": "gap: largest logit − the label's",
    "offset": "offset: largest size of a score",
    "classes": "number of classes",
}
_PROBABILITIES = {"gap": "−log p of the label", "offset": "largest size of a score"}
LOWEST, HIGHEST = 2.0**-6, 1e9
"""Where the axis of ulp ends; what is beyond is drawn at its end."""
NEAREST, FARTHEST = 2.0**-5, 1e9
"""Where the axes of gap and offset end, likewise: a gap of 0 is drawn at the left end."""


def error_plot(points: Points, axis: str, noun: str, part: str, dtype: str, prefix: str) -> Plot:
    """Return the errors of a part of the answers against one of AXES, with the bounds of the grades.

    Parameters
    ----------
    points : Points
    axis : {"gap", "offset", "classes"}
    noun : str
        What the scores are: the contract's `input`.
    part, dtype : str
        What the points are of.
    prefix : str
        Of the ids in the picture.
    """
    x = np.clip(np.array(getattr(points, axis), np.float64), NEAREST, FARTHEST)
    ulp = np.array(points.ulp, np.float64)
    name = AXES[axis] if noun == "logits" else _PROBABILITIES.get(axis, AXES[axis])

    def draw(axes: Any) -> None:
        axes.set(xlabel=name, ylabel="error in ulp")
        bound_curves(axes, x, points)
        for grade, (marker, colour) in _MARKS.items():
            here = np.array([one == grade for one in points.grade], bool)
            if here.any():
                at, y = np.log10(x[here]), _height(ulp[here])
                axes.plot(
                    at,
                    y,
                    marker,
                    color=colour,
                    markersize=4,
                    alpha=0.75,
                    label=grade if grade == "fail" else f"grade {grade}",
                )
        axes.set_ylim(math.log10(LOWEST) - 0.2, max(float(_height(ulp).max(initial=0.0)), 3.0) + 0.5)
        _in_powers(axes.xaxis, 2 if axis == "classes" else 10)
        _in_powers(axes.yaxis, 10)
        _finish(axes, 4)

    failed = points.grade.count("fail")
    worst = int(np.argmax(ulp))
    amount = "any number of" if math.isinf(ulp[worst]) else f"{ulp[worst]:.3g}"
    words = (
        f"Error of the {part} in {dtype} against the {axis}: the worst of {len(ulp)} batches has {amount} ulp where "
        f"the {axis} is {getattr(points, axis)[worst]:.3g}; {failed or 'none'} of them failed."
    )
    return Plot(svg.drawn(draw, prefix), words, f"{part}, {dtype}: error against {axis}")


def bound_curves(axes: Any, x: Floats, points: Points) -> None:
    """Draw the bound of each grade: for A* and A the same everywhere, for the others the median in each range of x."""
    for ulps, dashes in ((0.5, ":"), (1.0, (0, (1, 3)))):
        axes.axhline(math.log10(ulps), color=svg.BEST, linestyle=dashes, linewidth=1)
    for grade, values in points.bounds.items():
        at, bound = medians(x, np.array(values, np.float64))
        style = {"color": _MARKS.get(grade, ("", svg.MUTED))[1], "linestyle": _DASHES.get(grade, ":"), "linewidth": 1.4}
        axes.plot(np.log10(at), _height(bound), label=f"bound {grade}", **style)


def _height(ulp: Floats) -> Floats:
    return np.log10(np.clip(ulp, LOWEST, HIGHEST))


def _in_powers(axis: Any, base: int) -> None:
    """Label an axis of decimal logarithms with powers; matplotlib's own logarithmic axis overflows beyond 1e300."""
    low, high = axis.get_view_interval() / math.log10(base)
    step = max(1, -(-math.floor(high - low) // 6))
    powers = [power for power in range(math.ceil(low), math.floor(high) + 1) if power % step == 0]
    axis.set_ticks(
        [power * math.log10(base) for power in powers],
        labels=[f"1e{power}" if base == 10 and abs(power) > 3 else f"{float(base) ** power:g}" for power in powers],
    )


def _finish(axes: Any, columns: int) -> None:
    axes.grid()
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.04), ncols=columns, handletextpad=0.3, columnspacing=1.0)


def medians(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the medians of x and y in each range of a factor of 4 of x, where y has any that is finite."""
    known = np.isfinite(y)
    x, y = x[known], y[known]
    ranges = np.clip(np.frexp(x)[1], -8, 40) // 2
    places = np.unique(ranges)
    middle = [(float(np.median(x[ranges == one])), float(np.median(y[ranges == one]))) for one in places]
    ordered = sorted(middle)
    return np.array([at for at, _ in ordered]), np.array([bound for _, bound in ordered])


def line_plots(line: Line, prefix: str, name: str = "loss") -> list[Plot]:
    """Return the plot of the loss, called `name`, along a line and, where the target has a gradient, of the slope."""
    t = np.array(line.t)
    loss, exact, allowed = (_drawable(values) for values in (line.loss, line.certified_loss, line.allowance))

    def losses(axes: Any) -> None:
        judged = np.isfinite(exact) & np.isfinite(allowed)
        low, high = (np.where(judged, exact + sign * np.where(judged, allowed, 0.0), 0.0) for sign in (-1.0, 1.0))
        style = {"color": svg.ALLOWED, "alpha": 0.35, "linewidth": 0}
        axes.fill_between(t, low, high, where=judged, label="allowed", **style)
        _curves(axes, t, {"exact": exact, "target": loss}, line)
        axes.set_ylabel(name)

    plots = [
        Plot(
            svg.drawn(losses, f"{prefix}-loss"),
            f"The {name} along {line.direction}. {_apart(t, loss, exact, allowed)}",
            f"{name}, {line.direction}",
        )
    ]
    if line.slope:
        found = {"exact": _drawable(line.certified_slope), "target": _drawable(line.slope)}
        if line.of_loss:
            found["differences of the target's losses"] = differences(t, loss)

        def slopes(axes: Any) -> None:
            _curves(axes, t, found, line)
            axes.set_ylabel("slope of the loss")

        words = f"The slope of the loss along {line.direction}, as the gradient has it, beside the exact one."
        plots.append(Plot(svg.drawn(slopes, f"{prefix}-slope"), words, f"gradient, {line.direction}"))
    return plots


def _drawable(values: Sequence[float]) -> Floats:
    """Return values with those beyond 1e200 at that: matplotlib's own arithmetic overflows."""
    given = np.array(values, np.float64)
    return np.where(np.isfinite(given), np.clip(given, -1e200, 1e200), given)


def differences(t: Floats, loss: Floats) -> Floats:
    """Return central differences of losses at equally spaced t; nan at the ends, and beside what is not finite."""
    found = np.full(t.shape, np.nan)
    with np.errstate(all="ignore"):
        found[1:-1] = (loss[2:] - loss[:-2]) / (t[2:] - t[:-2])
    return np.where(np.isfinite(found), found, np.nan)


_STYLES: dict[str, dict[str, Any]] = {
    "exact": {"color": svg.TRUTH, "linestyle": "-", "linewidth": 1.2},
    "target": {"color": svg.TARGET, "linestyle": "none", "marker": "o", "markersize": 3.2},
    "differences of the target's losses": {
        "color": svg.DIFFERENCES, "linestyle": "none", "marker": "+", "markersize": 5,
    },
}  # fmt: skip


def _curves(axes: Any, t: Floats, found: dict[str, Floats], line: Line) -> None:
    axes.axvline(line.at, color=svg.MUTED, linestyle=":", linewidth=1)
    low, high = _reach([found["exact"], found["target"]], int(np.argmin(np.abs(t - line.at))))
    for name, values in found.items():
        known = np.isfinite(values)
        axes.plot(t[known], np.clip(values[known], low, high), label=name.partition(" of")[0], **_STYLES[name])
    lost = ~np.isfinite(found["target"]) & np.isfinite(found["exact"])
    if lost.any():
        style = {"color": svg.FAIL, "marker": "x", "linestyle": "none", "markersize": 5}
        axes.plot(t[lost], np.full(int(lost.sum()), high), label="target: no number", **style)
    axes.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    axes.set_xlabel(f"t: {line.direction}")
    _finish(axes, 3)


def _reach(found: Sequence[Floats], at: int) -> tuple[float, float]:
    """Return the range of an axis: all of the exact values, and as much of the target's as leaves these legible."""
    exact, got = found
    known = exact[np.isfinite(exact)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    here = [value for value in (got[at],) if np.isfinite(value)]
    low, high = min([low, *here]), max([high, *here])
    room = max(high - low, 1e-3 * max(abs(low), abs(high)), 1e-12)
    others = np.clip(got[np.isfinite(got)], low - room, high + room)
    low, high = min([low, *others.tolist()]), max([high, *others.tolist()])
    return (low, high) if high > low else (low - room, high + room)


def _apart(t: Floats, got: Floats, exact: Floats, allowed: Floats) -> str:
    """Return where the target leaves what is allowed, in words."""
    judged = np.isfinite(exact) & np.isfinite(allowed)
    with np.errstate(invalid="ignore"):
        wrong = judged & ~(np.abs(got - exact) <= allowed)
    if not wrong.any():
        return f"The target is within the allowance at all of {int(judged.sum())} points."
    first, last = float(t[wrong].min()), float(t[wrong].max())
    count = f"{int(wrong.sum())} of {int(judged.sum())} points"
    return f"The target is outside the allowance at {count}, with t from {first:.3g} to {last:.3g}."
