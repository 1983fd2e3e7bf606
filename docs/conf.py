"""How Sphinx builds the site: make docs."""

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "causalopt"
author = "the causalopt developers"
copyright = author
about = importlib.metadata.metadata("causalopt")
version = release = about["Version"]

extensions = [
    "myst_parser", "sphinx.ext.autodoc", "mathml", "gallery", "explored", "reference", "desiderata",
]  # fmt: skip
# Some models alone, for a quick look at the rest: sphinx -D gallery_models=pit,lorenz ...
gallery_models = []
exclude_patterns = ["_build", "_ext"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 3
#: Where the project lives, as the package itself says it.
LINKS = dict(line.split(", ", 1) for line in about.get_all("Project-URL") or ())
myst_substitutions = {
    "release": release,
    "repository": f"The repository is <{LINKS['Repository']}>."
    if "Repository" in LINKS
    else "The package names no repository on the web: its source archive has all of it, the tests "
    "and these pages too.",
}
smartquotes = False  # l'' is a second derivative

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_typehints = "both"  # in the signature, and in the list of parameters
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"causalopt {release}"
html_js_files = ["copy.js"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
