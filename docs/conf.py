"""Sphinx reads this; `python3 run.py docs` starts it."""

from importlib.metadata import version as version_of

project = "trimtab"
author = "the trimtab authors"
release = version = version_of("trimtab")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"trimtab {release}"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]
