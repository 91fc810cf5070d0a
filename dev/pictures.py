"""The pictures of the README, of a loss of the tutorial: ``python -m dev.pictures``; needs a chromium on the path.

They show what is judged when this is called: the findings as a terminal has them, as SVG by rich, and the upper part of
the page.
"""

from __future__ import annotations

import io
import re
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console

import xentcheck
from xentcheck.report.terminal import findings_text

ROOT = Path(__file__).parents[1]
HOME = ROOT / "docs" / "_static"
LOSS = "examples/tutorial/1_first_try/mine.py:loss"


def main() -> None:
    """Judge the loss and make the pictures."""
    report = xentcheck.check(LOSS, dtypes=["float32"])
    out = Console(record=True, width=100, highlight=False, markup=False, emoji=False, file=io.StringIO())
    out.print(findings_text(report).strip())
    drawn = out.export_svg(title=f"xentcheck check {LOSS} --dtypes float32")
    without_fonts = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # they would be fetched from elsewhere
    (HOME / "terminal.svg").write_text(without_fonts, encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        report.save(page)
        command = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--window-size=1100,1250"]
        subprocess.run([*command, f"--screenshot={HOME / 'page.png'}", page.as_uri()], check=True, capture_output=True)


if __name__ == "__main__":
    main()
