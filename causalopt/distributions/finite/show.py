"""A distribution as the tables that the posts print: text, LaTeX and HTML, labels escaped."""

from __future__ import annotations

import html as _html
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

import numpy as np
import sympy
from sympy import Expr

from causalopt.distributions.finite.states import Variables, state_of
from causalopt.ground.letters import visible
from causalopt.ground.masses import Masses
from causalopt.ground.types import Ints
from causalopt.language.words import tex

#: What a cell shows: a mass, or text where there is none.
Cell: TypeAlias = "Expr | float | str"

#: A larger table is cut to its first states with mass, listed one a line.
LARGEST = 400


@dataclass(frozen=True)
class Grid:
    """Cells to print: the last variable in columns, the joint values of the others in rows.

    ``corner`` names the variables, those in rows first.
    """

    corner: str
    columns: list[str]
    rows: list[str]
    cells: list[list[Cell]]


def text(variables: Variables, states: Ints, masses: Masses) -> str:
    """Plain text, columns aligned to the right."""
    grid = _grid(variables, states, masses)
    table = [["", *grid.columns]]
    table += [[r, *map(_short, c)] for r, c in zip(grid.rows, grid.cells, strict=True)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        padded = [row[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(padded).rstrip() if grid.rows != [""] else "  ".join(padded[1:]))
    return "\n".join(lines)


def latex(variables: Variables, states: Ints, masses: Masses) -> str:
    """A LaTeX array; labels stand in text mode."""
    grid = _grid(variables, states, masses)
    head = " & ".join(["", *map(tex, grid.columns)])
    body = [
        " & ".join([tex(row), *map(sympy.latex, cells)])
        for row, cells in zip(grid.rows, grid.cells, strict=True)
    ]
    form = "c|" + "c" * len(grid.columns)
    return f"$\\begin{{array}}{{{form}}}{head} \\\\ \\hline " + r" \\ ".join(body) + "\\end{array}$"


def html(variables: Variables, states: Ints, masses: Masses) -> str:
    """An HTML table: variables by their names, masses as fractions, or with six digits."""
    grid = _grid(variables, states, masses)
    head = "".join(f"<th>{_name(words)}</th>" for words in (grid.corner, *grid.columns))
    body = "".join(
        f"<tr><th>{_name(row)}</th>{''.join(f'<td>{_typeset(c)}</td>' for c in cells)}</tr>"
        for row, cells in zip(grid.rows, grid.cells, strict=True)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _name(words: str) -> str:
    return _html.escape(visible(words))


def _typeset(mass: Cell) -> str:
    if isinstance(mass, sympy.Expr) and not mass.is_Integer:
        return f"<math>{sympy.mathml(mass, printer='presentation')}</math>"
    return _html.escape(_short(mass))


def _grid(variables: Variables, states: Ints, masses: Masses) -> Grid:
    *before, last = variables
    # As Python's integers, since the number of joint states may pass 2**63.
    size = int(np.prod([v.size for v in before], dtype=object)) * last.size
    if size > LARGEST:
        return _list(variables, states, masses)
    rows = list(map(" ".join, product(*(v.domain.names for v in before))))
    if len(set(rows)) < len(rows):
        # Blanks inside names: "a b", "c" beside "a", "b c".
        rows = [" ".join(map(repr, values)) for values in product(*(v.values for v in before))]
    mass_of = dict(zip(states.tolist(), masses, strict=True))
    starts = range(0, size, last.size)
    cells = [[mass_of.get(start + j, 0) for j in range(last.size)] for start in starts]
    names = " ".join(map(str, before))
    corner = f"{names} \\ {last}" if before else str(last)
    return Grid(corner, list(last.domain.names), rows, cells)


def _list(variables: Variables, states: Ints, masses: Masses) -> Grid:
    rows = [state_of(variables, state) for state in states[:20]]
    cells: list[list[Cell]] = [[mass] for mass in masses[:20]]
    if states.size > 20:
        rows.append(f"... {states.size - 20} more")
        cells.append([""])
    return Grid(" ".join(map(str, variables)), ["mass"], rows, cells)


def _short(mass: Cell) -> str:
    return f"{mass:.6g}" if isinstance(mass, float) else str(mass)
