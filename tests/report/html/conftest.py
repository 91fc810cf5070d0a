"""A page taken apart, and reports with all that a page can show."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from xentcheck.report.finding import Line
from xentcheck.report.report import Report
from xentcheck.report.results import Points

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """The elements of a page; raises AssertionError where they are not nested as they must be.

    `elements` has the name and the attributes of each, `text` what a reader sees outside of pictures and styles.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    @property
    def text(self) -> str:
        """One line for each piece of text."""
        return "\n".join(self.words)

    def all(self, name: str, **wanted: str) -> list[dict[str, str | None]]:
        """Return the attributes of the elements of a name that have those wanted; class_ stands for class."""
        named = {key.rstrip("_").replace("_", "-"): value for key, value in wanted.items()}
        found = [attributes for element, attributes in self.elements if element == name]
        return [one for one in found if all(one.get(key) == value for key, value in named.items())]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "svg" in self._open or tag in VOID, tag
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        if {"style", "svg"} & set(self._open) or not data.strip():
            return
        text = " ".join(data.split()) if "pre" not in self._open else data.strip()
        self.words.append(text)
        level = next((tag for tag in self._open if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit()), None)
        if level is not None:
            self.headings.append((int(level[1]), text))


@pytest.fixture
def taken_apart() -> Callable[[str], Page]:
    """The class that takes a page apart."""
    return Page


@pytest.fixture
def complete(violating: Report) -> Report:
    """A report of a target that violates, with points and lines to draw."""
    points = Points(
        gap=(0.0, 1.5, 20.0, 1e300),
        offset=(0.0, 4.0, 1e8, 1e300),
        classes=(1, 2, 3000, 5),
        rows=(1, 2, 3, 4),
        ulp=(0.0, 0.5, math.inf, 1e12),
        share=(0.0, 0.25, math.inf, 1.0),
        grade=("A*", "B+", "fail", "C"),
        bounds={"B+": (1.0, 2.0, 3.0, math.inf), "B": (2.0, 3.0, 4.0, math.inf), "C": (2.0, 30.0, 1e9, math.inf)},
    )
    t = tuple(place / 10 - 1.0 for place in range(41))
    exact = tuple(math.log1p(math.exp(-value)) for value in t)
    wrong = [math.nan if value > 2 else 1.5 if value > 1 else 1.0 for value in t]
    line = Line(
        direction="all scores times t",
        at=1.0,
        t=t,
        loss=tuple(one * factor for one, factor in zip(exact, wrong, strict=True)),
        certified_loss=exact,
        allowance=tuple(1e-3 for _ in t),
        slope=tuple(-1.0 for _ in t),
        certified_slope=tuple(-1 / (1 + math.exp(value)) for value in t),
        of_loss=True,
    )
    first, *others = violating.findings
    return dataclasses.replace(
        violating,
        samples={"float32": {"loss": points}, "bfloat16": {"gradient": points, "loss": Points()}},
        findings=(dataclasses.replace(first, line=line), *others),
    )
