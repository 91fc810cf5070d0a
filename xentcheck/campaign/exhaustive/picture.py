"""The map of an exhaustive campaign as a picture, where matplotlib is installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xentcheck.campaign.exhaustive.pairs import PATTERNS, numbers

_EXPONENTS = {"float16": (-10, -5, 0, 5, 10, 15), "bfloat16": (-100, -50, 0, 50, 100)}


def draw(path: Path, result: Mapping[str, Any], title: str) -> None:
    """Draw the largest share of its allowance that an error has in each cell of the plane, and write it to a file.

    Grey: nothing judged. Red: outside the allowance. The axes are in the order of bit patterns, in which a binade is
    as long as any other.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    width = next((len(row) for row in result["map"] if row is not None), 1)
    cells = np.array([[np.nan] * width if row is None else row for row in result["map"]], np.float64)
    shares = Normalize(0.0, 1.0)
    colours = ScalarMappable(shares, "viridis")
    colours.cmap = colours.get_cmap().with_extremes(over="red", bad="0.8")
    figure = Figure(figsize=(7.5, 6.6), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(
        np.ma.masked_invalid(cells),
        origin="lower",
        extent=(0, PATTERNS, 0, PATTERNS),
        norm=shares,
        cmap=colours.cmap,
        interpolation="nearest",
    )
    places, names = _ticks(result["format"])
    axes.set_xticks(places, names, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(places, names, fontsize=8)
    axes.set(xlabel="z1", ylabel="z0")
    axes.set_title(title, fontsize=10, loc="left")
    extend = "max" if np.nanmax(cells, initial=0.0) > 1.0 else "neither"
    figure.colorbar(colours, ax=axes, label="largest error in the cell, of its allowance", extend=extend)
    figure.savefig(path, dpi=150)


def _ticks(name: str) -> tuple[list[int], list[str]]:
    """Return places on the axes, and the numbers that are there."""
    known = numbers(name)
    ascending = known.values[known.finite]
    chosen = [sign * 2.0**exponent for sign in (-1.0, 1.0) for exponent in _EXPONENTS[name]]
    places = [int(np.searchsorted(ascending, value)) + known.finite.start for value in chosen]
    names = [f"{'−' if sign < 0 else ''}$2^{{{exponent}}}$" for sign in (-1, 1) for exponent in _EXPONENTS[name]]
    return [*places, PATTERNS // 2], [*names, "0"]
