"""How Sphinx builds the site: make docs."""

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "causalopt"
author = "the causalopt developers"
copyright = author
version = release = importlib.metadata.version("causalopt")

extensions = ["myst_parser", "sphinx.ext.autodoc", "mathml", "gallery", "reference"]
exclude_patterns = ["_build", "_ext"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
smartquotes = False  # l'' is a second derivative

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = "causalopt"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
