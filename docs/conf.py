"""How Sphinx builds the documentation: ``python -m sphinx -W --keep-going -b html docs build/docs``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from xentcheck.version import __version__

project = "xentcheck"
author = "The xentcheck developers"
project_copyright = author
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "numpydoc", "sphinx_click"]

exclude_patterns = ["ecosystem", "_templates"]  # the first is made by `xentcheck survey`; see `with_ecosystem`
default_role = "code"  # one pair of backticks in a docstring is code, as everywhere else here
smartquotes = False  # "--json" is no dash with a word
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say it in the reader's words
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"xentcheck {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_js_files = ["accessible.js"]
templates_path = ["_templates"]
html_copy_source = False
html_show_sphinx = False


def as_code(_app: Any, _context: Any, lines: list[str]) -> None:
    r"""Make code of the examples in help texts; sphinx-click makes line blocks of what stands under ``\b``."""
    made: list[str] = []
    for line, before in zip(lines, ["", *lines], strict=False):
        if line.startswith("| ") and not before.startswith("| "):
            made += ["::", ""]
        made.append(line.replace("| ", "    ", 1) if line.startswith("| ") else line)
    lines[:] = made


def with_ecosystem(app: Any, exception: Exception | None) -> None:
    """Put the table of the survey beside the pages, as it is: it is a page already."""
    if exception is None and app.builder.format == "html":
        shutil.copytree(Path(app.srcdir, "ecosystem"), Path(app.outdir, "ecosystem"), dirs_exist_ok=True)


def setup(app: Any) -> None:
    """Register what is not in an extension."""
    app.connect("sphinx-click-process-description", as_code)
    app.connect("build-finished", with_ecosystem)
