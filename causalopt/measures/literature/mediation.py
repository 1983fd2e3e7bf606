"""Effects of n on m: total, direct, and through A, whose ratio Comp is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.scaled import Ratio
from causalopt.ground.types import Array
from causalopt.language.symbols import Nodes, Quantity
from causalopt.measures.question import Question
from causalopt.measures.record import Measure
from causalopt.measures.response.answers import both_sides, labelled, responses
from causalopt.measures.response.compression import COMP
from causalopt.measures.response.of_arrays import is_of_arrays
from causalopt.model.interface import Model
from causalopt.model.world import World
from causalopt.runs.keeping import Keep
from causalopt.runs.masking import Masked
from causalopt.runs.sweeps import Draws, Over

if TYPE_CHECKING:
    import xarray as xr

_WORDS = {
    "total": "total effect",
    "direct": "natural direct effect",
    "through": "effect through A",
}


def effects(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Nodes,
    *,
    steps: int | None = None,
    delta: float | None = None,
    over: Over | None = None,
    draws: Draws | None = None,
    keep: Keep = "all",
    backend: str = "auto",
) -> xr.Dataset:
    """How much m moves by a nudge at n: in all, past A, and through A.

        total = dx_m / dn,  direct = dy_m / dn,  through = total - direct,  Comp = total / direct

    X is the world with n nudged; in Y the mediators A keep the values that they had without the
    nudge, which is Pearl's natural direct effect. So Comp is a ratio of effects, and where A
    compresses, ``through`` has the sign against ``direct``. In the unit of m by that of n;
    ``comp`` has none.

    Parameters and errors are those of ``comp``. With ``delta`` the nudge is finite, and effects are
    (x_m - w_m) / delta and (y_m - w_m) / delta. Effects that floats cannot hold come out as 0 or
    infinite, where ``comp`` stays exact.

    Traps: ``through`` is total - direct, not what moves if A alone answers (Pearl's natural
    indirect effect), which is the same in linear systems only. One nudge, one start.

    Source: Pearl 2001, "Direct and indirect effects", UAI.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.network import Network
    >>> u, A, m = variables("u A m")
    >>> steered = Network({A: 3 * u, m: 4 * u - A}, start={u: 1})
    >>> found = effects(steered, A, u, m)
    >>> [found[name].item() for name in ("total", "direct", "through", "comp")]
    [1.0, 4.0, -3.0, 0.25]
    """
    import xarray as xr

    asked = Question(of, A, n, m, steps=steps, over=over, draws=draws, delta=delta, keep=keep)
    if is_of_arrays(asked):
        raise QueryError(
            "effects are of numbers, and n or m holds an array: ask op for the ratio, or make a "
            "node of what is wanted of it, by a function."
        )
    unit = _unit(asked)
    taken = next((dim for dim in asked.sweep.dims if dim in _WORDS), None)
    if taken is not None:
        raise QueryError(
            f"What is swept is called {taken}, as one of the effects is: declare it by another "
            f'name, such as "{taken}_".'
        )

    def shown(name: str, values: Array) -> xr.DataArray:
        measure = Measure(name, _WORDS[name], unit, 0.0, Ratio.value)
        array = labelled(asked, measure, Masked(values if asked.over_rows else values[0]))
        return array.drop_attrs().assign_attrs(units=unit, long_name=_WORDS[name])

    both = both_sides(asked, backend, asked.place.series)
    total, direct = (side / (asked.by or 1.0) for side in both)
    with np.errstate(invalid="ignore", over="ignore"):
        through = total - direct
    comp = responses(asked, COMP, backend, [asked.place.series])[0]
    columns = {"total": total, "direct": direct, "through": through}
    data = xr.Dataset({name: shown(name, values) for name, values in columns.items()})
    data["comp"] = labelled(asked, COMP, Masked(comp if asked.over_rows else comp[0]))
    return data.assign_attrs(asked.arguments())


def _unit(asked: Question) -> str:
    """The unit of m by that of n."""
    keys = (asked.place.series, asked.place_of_n.key)
    above, below = (key.unit if isinstance(key, Quantity) else "" for key in keys)
    if above == below:
        return "1"
    return f"{above or '1'}/{below}" if below else above
