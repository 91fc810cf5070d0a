"""Figures of matplotlib as SVG in a page: in its colours and fonts, alike each time, with ids of their own."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

INK, MUTED, PAPER = "#010101", "#020202", "#030303"
TARGET, TRUTH, DIFFERENCES, ALLOWED = "#040404", "#050505", "#060606", "#070707"
BEST, RELATIVE, SHIFTED, LOOSE, FAIL = "#080808", "#090909", "#0a0a0a", "#0b0b0b", "#0c0c0c"
_VARIABLES = {
    INK: "ink", MUTED: "muted", PAPER: "paper", TARGET: "target", TRUTH: "ink", DIFFERENCES: "differences",
    ALLOWED: "allowed", BEST: "best", RELATIVE: "relative", SHIFTED: "shifted", LOOSE: "loose", FAIL: "fail",
}  # fmt: skip
"""Colours that matplotlib writes, and the variables of the style sheet that they stand for: it has two themes."""
SIZE = (4.4, 3.1)


@dataclass(frozen=True)
class Plot:
    """A figure: its SVG, what it shows in words for those who do not see it, and what stands beneath it."""

    svg: str
    words: str
    caption: str


@contextmanager
def plain_style() -> Iterator[None]:
    """Draw as matplotlib does out of the box, whatever the user's own settings are, in the colours of the page."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "svg.fonttype": "none",
                "font.size": 9,
                "text.color": INK,
                "axes.labelcolor": INK,
                "axes.edgecolor": MUTED,
                "axes.facecolor": "none",
                "figure.facecolor": "none",
                "axes.spines.top": False,
                "axes.spines.right": False,
                "xtick.color": INK,
                "ytick.color": INK,
                "grid.color": MUTED,
                "grid.alpha": 0.25,
                "legend.fontsize": 8,
                "legend.frameon": False,
                "axes.unicode_minus": True,
            }
        )
        yield


def drawn(draw: Callable[[Any], None], prefix: str) -> str:
    """Return the SVG of what `draw` draws into axes; `prefix` makes its ids unique within a page."""
    from matplotlib.figure import Figure

    with plain_style():
        figure = Figure(figsize=SIZE)
        figure.subplots_adjust(left=0.15, right=0.98, bottom=0.15, top=0.84)  # a layout engine draws all of it twice
        draw(figure.add_subplot())
        stream = io.StringIO()
        figure.savefig(stream, format="svg")
    return _inline(stream.getvalue(), prefix)


def _inline(source: str, prefix: str) -> str:
    """Return a document of matplotlib as an element of a page."""
    svg = source[source.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)  # with the date
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'<svg\s+width="[^"]*"\s+height="[^"]*"', "<svg", re.sub(r"<svg[^>]*>", _bare, svg, count=1))
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:href=", "href=")
    # Ids, some of them random, are numbered as they are first used.
    used = dict.fromkeys(re.findall(r'(?:href="|url\()#([\w.-]+)', svg))
    names = {name: f"{prefix}-{place}" for place, name in enumerate(used)}
    svg = re.sub(r' id="([\w.-]+)"', lambda found: f' id="{names[found[1]]}"' if found[1] in names else "", svg)
    svg = re.sub(r'(href="|url\()#([\w.-]+)', lambda found: f"{found[1]}#{names[found[2]]}", svg)
    svg = re.sub(r"(\d\.\d\d)\d+", r"\1", svg)  # hundredths of a point
    for colour, name in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--xc-{name})")
    # Glyphs are the browser's: the page's font.
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r"font-family: [^;\"]*;\s*", "", svg)
    return re.sub(r"\s*\n\s*", "\n", svg).strip()


def _bare(tag: re.Match[str]) -> str:
    view = re.search(r'viewBox="[^"]*"', tag.group())
    return f'<svg {view.group() if view else ""} aria-hidden="true" focusable="false">'
