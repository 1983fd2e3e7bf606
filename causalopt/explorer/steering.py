"""Who steers m: the shares of its regulation, as a table and as strokes, and all m in a ranking."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from causalopt.discovery.optimizers import find_optimizers
from causalopt.discovery.shares import steering_shares
from causalopt.drawing.strokes import Strokes, read_strokes
from causalopt.explorer.charts import numbers
from causalopt.explorer.setting import Setting, can_differ, first_nodes, variable_of
from causalopt.ground.errors import QueryError
from causalopt.model.interface import Model
from causalopt.model.staging import has_own_steps

if TYPE_CHECKING:
    import xarray as xr

_UNSURE = (
    "The quadrature has not converged: the shares miss {missing:.3g} nat of the total. A shorter "
    "run, or another m, may be told."
)


def can_be_steered(model: Model) -> bool:
    """Whether shares can be asked for: of numbers alone, in steps of their own, with a loop of two.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> can_be_steered(System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35}))
    True
    >>> can_be_steered(System({T: T / 2, R: R - 0.1 * T}, start={T: 10, R: 35}))
    False
    """
    if not model.has_time or not has_own_steps(model):
        return False
    if not all(map(can_differ, first_nodes(model))):
        return False
    try:
        model.check_numbers("shares")
    except QueryError:  # arrays, and functions of them
        return False
    return any(len(part) > 1 for part in nx.strongly_connected_components(model.graph))


def shares_of(setting: Setting) -> dict[str, object]:
    """The shares of the regulation of m, the largest first, and the strokes that show them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that it has not converged is told below
        found = steering_shares(setting.W, variable_of(setting.m), edges=True)
    total, converged = found["total"].item(), bool(found.attrs["converged"])
    pairs = zip(map(str, found["variable"].values), found["share"].values.tolist(), strict=True)
    rows = [{"variable": name, "share": share} for name, share in pairs]
    return {
        "m": setting.model.name_of(variable_of(setting.m)),
        "total": total,
        "rows": sorted(rows, key=lambda row: -float(row["share"])),
        "strokes": strokes_content(read_strokes(found, setting.model, setting.model.graph)),
        "note": "" if converged else _UNSURE.format(missing=found["missing"].item()),
    }


def strokes_content(strokes: Strokes) -> dict[str, object]:
    """The look of what has a share: nodes by name, arrows by those of both ends."""
    nodes = {name: _look(strokes.outline(name)) for name in strokes.nodes}
    arrows = [
        {"source": source, "target": target, **_look(strokes.arrow(source, target))}
        for source, target in strokes.arrows
    ]
    return {"nodes": nodes, "arrows": arrows}


def ranking_of(setting: Setting) -> dict[str, object]:
    """Each variable on a loop and the part that regulates it, the strongest first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        found = find_optimizers(setting.W)
    ranks = [found.data.sel(rank=rank) for rank in found.data["rank"].values]
    return {"rows": [_ranked(row) for row in ranks], "note": found.limits}


def _ranked(row: xr.Dataset) -> dict[str, object]:
    m, unnamed = str(row["m"].item()), "nobody" if row["converged"] else "unknown"
    names = ("op2", "total", "chance", "authority", "back")
    # Where nobody regulates m there is no authority: the page draws a dash.
    values = numbers(np.array([row[name].item() for name in names]))
    told = dict(zip(names, values, strict=True))
    return {"m": m, "n": f"{m}[0]", "A": _members(row), "unnamed": unnamed, **told}


def _members(row: xr.Dataset) -> list[str]:
    """The variables of A: those with the largest shares, as many as its text names."""
    names = [str(name) for name in row["variable"].values[(-row["share"].values).argsort()]]
    text = str(row["A"].item())
    return next((names[:k] for k in range(len(names) + 1) if ", ".join(names[:k]) == text), [])


def _look(look: Mapping[str, str]) -> dict[str, object]:
    """A look of the printed pictures for the page: how wide, which colour, dashed or not."""
    dashed = "dashed" in look.get("style", "").split(",")
    return {
        "width": float(look.get("penwidth", 0)),
        "colour": look.get("color", ""),
        "dashed": dashed,
    }
