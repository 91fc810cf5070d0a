"""How Sphinx builds the documentation: ``python -m sphinx -W --keep-going -b html docs build/docs``."""

from xentcheck.version import __version__

project = "xentcheck"
author = "The xentcheck developers"
project_copyright = author
release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "numpydoc", "sphinx_click"]

default_role = "code"  # one pair of backticks in a docstring is code, as everywhere else here
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say it in the reader's words
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"xentcheck {release}"
html_static_path = ["_static"]
html_css_files = ["wide_tables.css"]
html_copy_source = False
html_show_sphinx = False
