"""Comp and Op for every part of an array as A: all parts in one compiled run, A as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.scaled import Ratio, Scaled
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Array, Bools
from causalopt.language.parts import PartOf
from causalopt.language.subspaces import Chosen
from causalopt.language.symbols import Nodes, Parameter, Variable
from causalopt.measures.question import Question, names_of, nodes_as_text
from causalopt.measures.record import Measure
from causalopt.measures.response.of_arrays import ArrayQuestion, is_of_arrays
from causalopt.runs.labels import in_single, together
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.sweeps import Sweep, SweptAxis

if TYPE_CHECKING:
    import xarray as xr

# The number of the part that is held, as an input of the run.
_NUMBER = Parameter("number of the part")


def parts_of_arrays(among: object) -> list[Nodes]:
    """The parts of arrays that are named: an array stands for its entries; none for other nodes."""
    shape = getattr(getattr(among, "domain", None), "shape", ())
    if isinstance(among, Variable) and shape:
        places = (place if len(place) > 1 else place[0] for place in np.ndindex(*shape))
        return [among.part[place] for place in places]
    given = among if isinstance(among, list | tuple) else [among]
    return list(given) if any(isinstance(part, PartOf) for part in given) else []


def of_units(asked: Question, parts: Sequence[Nodes], measure: Measure) -> xr.DataArray:
    """The measure with each of some parts of one array as A, along the dim ``A``.

    ``asked`` is the question about the first of them.
    """
    import xarray as xr

    owner, masks = checked_parts(asked, parts)
    if is_moved(asked, owner):
        # Each part is held without the difference in it: another one for each.
        values = np.stack([_alone(replace(asked, A=part), measure) for part in parts])
    else:
        values = _together(
            asked,
            PartOf(owner, Chosen(masks.shape[1:], _NUMBER, Tensor(masks))),
            len(parts),
            measure,
        )
    coords = {"A": names_of(parts)}
    attrs = {**measure.attributes(), **asked.arguments(), "A": "each part"}
    attrs |= in_single(asked.model)
    if not asked.over_rows:
        return xr.DataArray(values, coords, ["A"], measure.name, attrs)
    rows = asked.model.axis(asked.rows)
    array = xr.DataArray(values, coords, ["A", rows.dim], measure.name, attrs)
    return array.assign_coords(together({}, rows))


def _together(asked: Question, part: PartOf, count: int, measure: Measure) -> Array:
    """The measure of every part, (parts,) or (parts, rows), held side by side by their number."""
    (W, X, _), whole = asked.worlds(), ArrayQuestion(asked)
    Y = X.clamp(part, to=W)

    def measured(numbers: list[Scaled]) -> Array:
        if is_of_arrays(asked):
            return whole.values(numbers, measure)
        return measure.function(Ratio.of(*numbers))

    wants = [Want(world, asked.key_of_m, tangent=True) for world in (X, Y)]
    axis = SweptAxis(_NUMBER, _NUMBER, np.arange(count, dtype=np.float64))
    values = simulate(wants, asked.rows, Sweep((axis,)), "jax", measured)
    values = values.reshape(-1, *values.shape[-2:])
    if len(values) > 1:
        raise QueryError("every_A asks about one number: name one direction, along=v, and read=u.")
    table: Array = values[0].T if asked.over_rows else values[0, 0]
    return table


def _alone(asked: Question, measure: Measure) -> Array:
    """The measure of one part."""
    values = ArrayQuestion(asked).answer(measure, "jax")
    if "direction" in values.dims:
        raise QueryError("every_A asks about one number: name one direction, along=v, and read=u.")
    found: Array = values.values
    return found


def checked_parts(asked: Question, parts: Sequence[Nodes]) -> tuple[Variable, Bools]:
    """The array that parts are of, and the entries of each: none of them where n or m is."""
    owner, masks = masks_of(parts)
    if owner in (asked.place_of_n.key, asked.key_of_m):
        for part in parts[1:]:
            replace(asked, A=part)  # which is checked as any question is
    return owner, masks


def is_moved(asked: Question, owner: Variable) -> bool:
    """Whether a difference is made at an array, at n or by the world that is asked about."""
    _, X, _ = asked.worlds()
    return any(t.shift is not None for key, course in X.effects if key == owner for t in course)


def masks_of(parts: Sequence[Nodes]) -> tuple[Variable, Bools]:
    """The array that some parts are of, and the entries of each, (parts, *shape)."""
    owners, masks = [], []
    for part in parts:
        if not isinstance(part, PartOf) or not isinstance(part.nodes, Variable):
            raise QueryError(
                f"among names {nodes_as_text(part)}, which is no part of an array at all steps: "
                "write parts such as h.part[3] alone, or variables alone."
            )
        owners.append(part.nodes)
        masks.append(part.subspace.mask_of(part))
    if len(set(owners)) > 1:
        raise QueryError(
            f"among names parts of {owners[0]} and of {next(o for o in owners if o != owners[0])}: "
            "ask about one array at a time."
        )
    return owners[0], np.stack(masks)
