"""What docs/_static adds to furo's pages for a keyboard and a screen reader, in a real browser where chromium is."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path

import pytest

STATIC = Path(__file__).parent.parent / "docs" / "_static"
PAGE = """<!doctype html><title></title><style>div, pre { width: 100px; overflow: auto; }</style>
<aside class="sidebar-drawer"><p class="caption" role="heading">Guides</p></aside>
<aside class="toc-drawer"></aside>
<div class="content">
<pre id="long">xentcheck check mine.py:loss --gradient mine.py:gradient</pre><pre id="short">x</pre>
<div class="table-wrapper" id="wide"><table><td style="min-width: 300px">x</td></table></div>
<div class="table-wrapper" id="narrow"><table><td>x</td></table></div>
</div>
<script>%s</script>
<script>
window.addEventListener("load", () => setTimeout(() => {
  document.title = JSON.stringify({
    stops: [...document.querySelectorAll("[tabindex='0']")].map((one) => one.id),
    named: [...document.querySelectorAll("aside")].map((one) => one.getAttribute("aria-label")),
    levels: [...document.querySelectorAll("[role=heading]")].map((one) => one.getAttribute("aria-level")),
  });
}));
</script>"""


@pytest.mark.slow
def test_what_scrolls_can_be_reached_and_parts_have_names(chromium: str, tmp_path: Path) -> None:
    """Only what scrolls is a stop of the Tab key; headings have a level, and no two parts the same name."""
    (tmp_path / "page.html").write_text(PAGE % (STATIC / "accessible.js").read_text("utf-8"), encoding="utf-8")
    words = ["--headless", "--no-sandbox", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom"]
    done = subprocess.run(
        [chromium, *words, (tmp_path / "page.html").as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stdout
    seen = json.loads(html.unescape(title[1]))
    assert seen == {"stops": ["long", "wide"], "named": ["All pages", "On this page"], "levels": ["2"]}
