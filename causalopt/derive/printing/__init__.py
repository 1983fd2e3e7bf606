"""A page in print: as text, LaTeX and HTML."""
