"""The charts as a picture, where matplotlib is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from xentcheck.bench.chart import series
from xentcheck.bench.figures import Result
from xentcheck.bench.table import title

SUFFIXES = (".png", ".svg", ".pdf")


def available() -> bool:
    """Whether matplotlib is there; it is not imported."""
    return find_spec("matplotlib") is not None


def draw(path: Path, charts: Sequence[Sequence[Result]]) -> None:
    """Draw each series of results in an axes of its own, and write them to one file."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(7.0, 3.6 * len(charts)), layout="constrained")
    for place, results in enumerate(charts):
        axes = picture.add_subplot(len(charts), 1, place + 1)
        for label, points in series(results).items():
            dashes = "--" if label.endswith("one-hot") else "-"
            axes.plot([x for x, _ in points], [y for _, y in points], dashes, marker="o", markersize=4, label=label)
        axes.set(xscale="log", yscale="log", xlabel=results[0].case.sweep, ylabel="ns per score")
        axes.set_title(title(results[0]), fontsize=10, loc="left")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    picture.savefig(path, dpi=150)
