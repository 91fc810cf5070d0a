"""Pages in a real browser, where chromium is: they fit narrow and wide windows, in both themes, and load nothing."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path

import pytest

from xentcheck.report.report import Report

pytestmark = pytest.mark.slow

PROBE = """
<script>
const shown = [...document.querySelectorAll("body *")].filter(
  (one) => !one.closest(".scroll, pre, svg, .hidden") && one.getBoundingClientRect().right > innerWidth + 1);
const grades = document.querySelector("[aria-label='Grades by dtype']");
parent.document.title = JSON.stringify({
  width: innerWidth,
  scrolls: document.documentElement.scrollWidth,
  beyond: shown.map((one) => one.tagName + "." + one.className),
  background: getComputedStyle(document.querySelector(".xc")).backgroundColor,
  grades: grades.scrollWidth - grades.clientWidth,
  loaded: performance.getEntriesByType("resource").length,
});
</script>
"""


@pytest.fixture(params=["page", "notebook"])
def source(request: pytest.FixtureRequest, complete: Report) -> str:
    """A page with all that it can show, and its upper part alone."""
    if request.param == "page":
        return complete.to_html()
    return f'<!doctype html><html><body style="margin: 0">{complete._repr_html_()}</body></html>'


@pytest.mark.parametrize("width", [380, 800, 1400])
@pytest.mark.parametrize(("theme", "background"), [(1, "rgb(255, 255, 255)"), (0, "rgb(20, 23, 27)")])
def test_a_page_fits_its_window(
    chromium: str,
    source: str,
    tmp_path: Path,
    width: int,
    theme: int,
    background: str,
) -> None:
    """Nothing but what scrolls on its own is wider; colours are those of the theme; there was no request."""
    inner = html.escape(source.replace("</body>", f"{PROBE}</body>"))
    # In a frame, since a window of its own is never as narrow as that of a telephone.
    frame = f'<iframe srcdoc="{inner}" style="border: 0; width: {width}px; height: 900px"></iframe>'
    (tmp_path / "page.html").write_text(f"<!doctype html><title></title>{frame}", encoding="utf-8")
    words = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    words += ["--window-size=1500,1000", f"--blink-settings=preferredColorScheme={theme}"]
    done = subprocess.run(
        [chromium, *words, (tmp_path / "page.html").as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stdout
    seen = json.loads(html.unescape(title[1]))
    assert seen["width"] == width
    assert seen["scrolls"] == width
    assert seen["beyond"] == []
    assert seen["loaded"] == 0
    assert seen["grades"] == 0
    assert seen["background"] == background


JUPYTER = """
<style>
.jp-OutputArea-output dl, .jp-OutputArea-output dt, .jp-OutputArea-output dd { display: block; }
.jp-OutputArea-output dt { float: left; width: 20%; }
.jp-OutputArea-output dd { float: left; width: 80%; }
.jp-RenderedHTMLCommon table { font-size: 6px; }
:not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon th, :not(.jp-RenderedMarkdown).jp-RenderedHTMLCommon td {
  text-align: right; }
</style>
"""
LAID_OUT = """
<script>
const of = (name) => getComputedStyle(document.querySelector(".xc " + name));
document.title = JSON.stringify([of("dt").float, of("dd").float, of("td").textAlign, of("table").fontSize]);
</script>
"""


def test_a_notebook_does_not_lay_it_out_anew(chromium: str, complete: Report, tmp_path: Path) -> None:
    """JupyterLab has rules for lists and tables in outputs, by which a word stood in two letters a line."""
    block = f'<div class="jp-OutputArea-output jp-RenderedHTMLCommon">{complete._repr_html_()}</div>'
    (tmp_path / "page.html").write_text(f"<!doctype html><title></title>{JUPYTER}{block}{LAID_OUT}", encoding="utf-8")
    words = ["--headless", "--no-sandbox", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [chromium, *words, (tmp_path / "page.html").as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stdout
    assert json.loads(html.unescape(title[1])) == ["none", "none", "left", "16px"]
