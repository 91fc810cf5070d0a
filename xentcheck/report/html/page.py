"""The page, and its upper part alone, from what `view` says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from xentcheck.contract.harmless import harmless
from xentcheck.report.results import ReportData

if TYPE_CHECKING:
    from jinja2 import Environment

OPEN = 6
"""Findings that are unfolded."""
_LONGEST = 20_000


class PageError(RuntimeError):
    """What a page is made with is not installed; the message is one sentence that says how to install it."""


@dataclass(frozen=True)
class Section:
    """The part of a page that is about one target."""

    anchor: str
    name: str
    verdict: str
    tone: str
    body: str


def require(*, drawing: bool = True) -> None:
    """Raise PageError where jinja2, or matplotlib for the plots, is not installed."""
    wanted = ("jinja2", "matplotlib") if drawing else ("jinja2",)
    if missing := [name for name in wanted if find_spec(name) is None]:
        raise PageError(
            f'The HTML report is made with {" and ".join(missing)}: python -m pip install "xentcheck[html]".'
        )


def page(report: ReportData) -> str:
    """Return the page of one report; raises PageError where what it takes is not installed."""
    return document([section(report, 1)], {})


def section(report: ReportData, place: int) -> Section:
    """Return the part of a page that is about one report, the `place`-th on the page."""
    from xentcheck.report.html.view import view

    require()
    seen = view(report, f"t{place}", drawing=True)
    body = templates().get_template("report.html.j2").render(view=seen, open=OPEN)
    return Section(seen.anchor, report.target.name, seen.verdict, seen.tone, body)


def document(sections: Sequence[Section], errors: Mapping[str, str]) -> str:
    """Return a page of several sections; `errors` tells by their names why other targets could not be judged."""
    title = f"{len(sections)} targets" if len(sections) != 1 else f"{sections[0].verdict}: {sections[0].name}"
    text = (
        templates()
        .get_template("page.html.j2")
        .render(title=f"{title} - xentcheck", sections=sections, errors=dict(errors))
    )
    return _lean(text)


def fragment(report: ReportData) -> str:
    """Return the upper part of the page, for a notebook; raises PageError where jinja2 is not installed."""
    from xentcheck.report.html.view import view

    require(drawing=False)
    return _lean(templates().get_template("fragment.html.j2").render(view=view(report, "xentcheck", drawing=False)))


@cache
def templates(package: str = __package__) -> Environment:
    """Return the templates of a package, and those here; what is put into them is escaped, control characters too."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(__package__)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    found.filters["formula"] = _formula
    found.filters["lines"] = _lines
    return found


def _shown(value: Any) -> Any:
    """Return what is put into a template with its control characters shown; markup of the templates as it is."""
    return harmless(value, _LONGEST) if type(value) is str else value


def _lines(text: str) -> Any:
    """Return several lines, escaped, as they are: a script, whose characters have been looked at line by line."""
    from markupsafe import escape

    return escape(text)


def _formula(text: str) -> Any:
    """Return a formula with its indices and exponents set low and high."""
    from markupsafe import Markup, escape

    lowered = re.sub(r"_(\w+)", r"<sub>\1</sub>", str(escape(text)))
    return Markup(re.sub(r"\^(\w)", r"<sup>\1</sup>", lowered))


def _lean(text: str) -> str:
    """Return a page without the empty lines that the statements of a template leave; those of scripts stay."""
    return re.sub(r"(<pre.*?</pre>)|\n\s*\n", lambda found: found[1] or "\n", text, flags=re.DOTALL)
