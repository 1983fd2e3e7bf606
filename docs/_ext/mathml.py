"""Formulas as MathML, which browsers draw without a script and without the network."""

from __future__ import annotations

import html
import importlib.resources
import re
import shutil
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.errors import SphinxError

#: Brackets that grow need a font made for mathematics, which a reader may not have.
FONT = "STIXTwoMath-Regular.ttf"


def formula(latex: str, *, block: bool = False) -> str:
    r"""The MathML of a formula.

    >>> "<msup>" in formula("x^2")
    True
    """
    try:
        return str(tex2mathml(latex, as_block=block))
    except MathError as error:
        raise SphinxError(f"the formula {latex!r} cannot be set: {error}") from None


def in_html(text: str) -> str:
    r"""HTML in which each \(...\) has become MathML."""
    return re.sub(
        r"\\\((.*?)\\\)", lambda found: formula(html.unescape(found[1])), text, flags=re.DOTALL
    )


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(formula(node.astext()))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.math_block) -> None:
    mathematics = formula(node.astext(), block=True)
    writer.body.append(f'<div class="formula">{mathematics}</div>\n')
    raise nodes.SkipNode


def _copy_font(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        font = importlib.resources.files("ziamath") / "fonts" / FONT
        with importlib.resources.as_file(font) as file:
            shutil.copyfile(file, Path(app.outdir) / "_static" / FONT)


def setup(app: Sphinx) -> dict[str, Any]:
    """Make this the renderer of formulas."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("build-finished", _copy_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
