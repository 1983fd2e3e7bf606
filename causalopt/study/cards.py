"""What a notebook shows of a thing: its equations and numbers, typeset, beside its graph.

Mathematics is MathML, which notebooks and pages made of them draw without a script.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sympy import Expr

from causalopt.ground.letters import visible_lines
from causalopt.language import typeset
from causalopt.model.showing import starts_shown
from causalopt.study.pages import mathematics

if TYPE_CHECKING:
    from causalopt.distributions.real.affine import Box, Gaussian
    from causalopt.distributions.spread import Entropy
    from causalopt.measures.split.strength import AdjustedStrength, Strength
    from causalopt.model.interface import Model
    from causalopt.model.network import Network
    from causalopt.model.system import System
    from causalopt.model.world import World
    from causalopt.study.record import Study

# Equations are aligned at their signs.
_STYLE = (
    "<style>.causalopt-card .formula{margin:.4rem 0;overflow:auto hidden}"
    ".causalopt-card .formula>math{display:math;width:max-content}"
    ".causalopt-card .formula>math>mrow>mtable>mtr>mtd{padding:.2em 0;text-align:left}"
    ".causalopt-card .formula>math>mrow>mtable>mtr>mtd:first-child{text-align:right}"
    ".causalopt-card td,.causalopt-card th{text-align:left}</style>"
)
_BESIDE = "display:flex;flex-wrap:wrap;gap:1rem 2rem;align-items:flex-start"
_PICTURE = "flex:1 1 24rem;min-width:0"
# Longer formulas are easier to read as they are declared; longer lists are cut.
_LONGEST, _MOST = 4000, 20
_SVG = re.compile(r"<svg\b.*</svg>", re.DOTALL)


def system_card(system: System, picture: str | None) -> str:
    """A system: equations, start values and parameters, beside its template."""
    told = [_equations(system), _values("Start", starts_shown(system.start)), _parameters(system)]
    return beside(told, picture)


def network_card(network: Network, picture: str | None) -> str:
    """A network: a line a node, its formula or the value of a root, beside its graph."""
    return beside([_equations(network), _parameters(network)], picture)


def world_card(world: World[Model], picture: str | None) -> str:
    """A world: how many steps, and what is done to which nodes, below the worlds side by side."""
    return _card(_framed(picture) + _formula(world._repr_latex_()))


def strength_card(strength: Strength) -> str:
    """An optimizing strength, and the two entropies whose difference it is."""
    rows = [("optimizing strength", _number(strength.value)), *_entropies(strength)]
    return _table(_split_words(strength), rows, strength.unit)


def adjusted_card(adjusted: AdjustedStrength) -> str:
    """An adjusted strength: the strength, less the information that the parts began with."""
    strength = adjusted.strength
    rows = [
        ("adjusted optimizing strength", _number(adjusted.value)),
        ("optimizing strength", _number(strength.value)),
        *_entropies(strength),
        ("mutual information at the start", _number(adjusted.information)),
    ]
    return _table(_split_words(strength), rows, strength.unit)


def law_card(law: Gaussian | Box) -> str:
    """A distribution of real variables, as the law that it is."""
    return _card(_formula(law._repr_latex_()))


def study_card(study: Study) -> str:
    """A study: where it is from, its system, and what it holds; nothing is run."""
    head = f"<strong>{_text(study.title)}</strong><br><small>{_text(study.source)}</small>"
    system = "" if study.system is None else _equations(study.system)
    experiments = [(_text(e.title), _text(", ".join(e.figures))) for e in study.experiments]
    claims = [
        (_text(c.statement), "as stated" if c.published is True else _text(f"{c.published}"))
        for c in study.claims
    ]
    run = f"<p><code>causalopt run {_text(study.name)}</code></p>"
    parts = [
        _rows("experiment", "figures", experiments),
        _rows("claim", "published", claims),
        f"<p>{len(study.derivations)} derivations</p>" if study.derivations else "",
    ]
    return _card(f"<p>{head}</p>{system}{''.join(parts)}{run}")


def beside(told: Iterable[str], picture: str | None) -> str:
    """Words on the left and a picture on the right; below one another where there is no room."""
    told_first = f"<div>{''.join(told)}</div>{_framed(picture)}"
    return _card(f'<div style="{_BESIDE}">{told_first}</div>')


def scaled(svg: str) -> str:
    """A picture for the inside of a page: never wider than what holds it.

    >>> scaled('<?xml version="1.0"?><svg width="900pt" height="90pt"></svg>')
    '<svg style="max-width:100%;height:auto" width="900pt" height="90pt"></svg>'
    """
    inside = _SVG.search(svg)
    drawing = inside[0] if inside else ""
    return drawing.replace("<svg", '<svg style="max-width:100%;height:auto"', 1)


def _card(inside: str) -> str:
    return f'<div class="causalopt-card">{_STYLE}{inside}</div>'


def _framed(picture: str | None) -> str:
    return "" if picture is None else f'<div style="{_PICTURE}">{scaled(picture)}</div>'


def _equations(model: System | Network) -> str:
    """What is declared, as mathematics; where that is too long to be read, as text."""
    latex = model._repr_latex_()
    return _formula(latex) if len(latex) <= _LONGEST else f"<pre>{_text(repr(model))}</pre>"


def _parameters(model: System | Network) -> str:
    return _values("Parameters", {str(p): value for p, value in model.parameters.items()})


def _values(title: str, values: Mapping[str, object]) -> str:
    if not values:
        return ""
    shown = list(values.items())[:_MOST]
    rows = [(typeset.name(name), _latex(value)) for name, value in shown]
    if len(values) > _MOST:
        rows.append((r"\vdots\;", rf"\;\text{{{len(values) - _MOST} more}}"))
    return f"<div><small>{title}</small>{_formula(typeset.aligned(rows))}</div>"


def _latex(value: object) -> str:
    if isinstance(value, Expr):
        return typeset.latex(value)
    return typeset.number(value) if isinstance(value, float | int) else typeset.name(value)


def _formula(latex: str) -> str:
    return f'<div class="formula">{mathematics(latex.strip("$"), "block")}</div>'


def _entropies(strength: Strength) -> list[tuple[str, str]]:
    return [
        ("entropy later, the parts made independent", _number(strength.decorrelated)),
        ("entropy later, as the parts are", _number(strength.correlated)),
    ]


def _split_words(strength: Strength) -> str:
    steps = "1 step" if strength.steps == 1 else f"{strength.steps} steps"
    return f"{strength.split}, {steps}"


def _number(value: Entropy) -> str:
    """A number as it is, and by its digits where it is a formula."""
    import sympy

    if not isinstance(value, sympy.Expr):
        return _text(f"{value:.10g}" if isinstance(value, float) else f"{value}")
    shown = mathematics(typeset.latex(value), "inline")
    told = value.is_Rational or value.free_symbols
    return shown if told else f"{shown} ≈ {float(value):.6g}"


def _table(title: str, rows: Iterable[tuple[str, str]], unit: str) -> str:
    body = "".join(
        f"<tr><th>{name}</th><td>{value}</td><td>{_text(unit)}</td></tr>" for name, value in rows
    )
    return _card(f"<table><caption>{_text(title)}</caption>{body}</table>")


def _rows(first: str, second: str, rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    body = "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in rows)
    return f"<table><tr><th>{first}</th><th>{second}</th></tr>{body}</table>"


def _text(words: str) -> str:
    return html.escape(visible_lines(words))
