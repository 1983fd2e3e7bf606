"""Comp and Op for every single variable as A, in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.scaled import Ratio, Scaled
from causalopt.ground.types import Bools, Floats
from causalopt.language.symbols import Nodes
from causalopt.language.words import listed
from causalopt.linearisation.gates import GatedNudge
from causalopt.linearisation.world import Linear, linearised
from causalopt.measures.question import Question, nodes_as_text
from causalopt.measures.record import Measure
from causalopt.measures.response.answers import answer
from causalopt.measures.response.every_unit import of_units, parts_of_arrays
from causalopt.measures.response.everywhere import measure_named
from causalopt.measures.response.sharing import touched
from causalopt.model.interface import Model, as_model
from causalopt.model.world import World
from causalopt.runs.labels import together

if TYPE_CHECKING:
    import xarray as xr

# So many parts go side by side.
_SIDE_BY_SIDE = 16
# Below this part of the largest difference in a row, digits of m may be lost.
_SMALLEST = 1e-250


def every_A(
    of: Model | World[Model],
    n: Nodes,
    m: Nodes,
    *,
    among: Sequence[Nodes] | Nodes | None = None,
    measure: str = "op",
    steps: int | None = None,
    along: object = None,
    read: object = None,
    first_order: bool = False,
) -> xr.DataArray:
    """Comp(A; n, m) or Op(A; n, m) for each single variable as A, in one pass.

    ``among`` are the parts, each a variable, a list of them, or nodes of a network; every variable
    but those of n and m if it is left out. ``n``, ``m`` and ``steps`` are those of ``comp``, and so
    are the numbers: a world is linearised once, and the parts are held side by side, so that
    another A costs no compiling. ``measure`` is "op" (nats) or "comp".

    Where there are arrays, ``among=h`` are the entries of the array h, each by itself, or a list
    of parts of one array; ``along`` and ``read`` are those of ``comp``. With ``first_order``, Op is
    what the first touch of a gate at each unit does, from one pass back through the run for all of
    them (``unit_shares`` has the formula): it orders units nearly as Op does, at the cost of some
    runs, where Op itself costs one for each unit.

    Returns an array with a dim ``A`` and, where m is over time, its rows. Raises ``QueryError``
    as ``comp`` does, and ``EvaluationError`` where a derivative that matters is not there.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R, fan = variables("T R fan")
    >>> room = System(
    ...     {T: R - 25, R: R - 0.1 * T - 0.2 * fan, fan: R / 9}, start={T: 0, R: 25, fan: 0}
    ... )
    >>> every_A(room, n=R[0], m=R[20]).to_series().round(3).to_dict()
    {'T': 2.457, 'fan': 0.638}
    """
    import xarray as xr

    chosen = measure_named(measure)
    checks.switch(first_order, "first_order")
    in_parts = parts_of_arrays(among)
    if in_parts:
        first = Question(of, in_parts[0], n, m, steps=steps, along=along, read=read)
        if first_order:
            return touched(first, in_parts, chosen)
        return of_units(first, in_parts, chosen)
    if first_order:
        raise QueryError("first_order is of the units of an array: name it, among=h.")
    parts = _parts(of, n, m, among, steps)
    questions = {
        name: Question(of, part, n, m, steps=steps, along=along, read=read)
        for name, part in parts.items()
    }
    asked = next(iter(questions.values()))
    whole = linearised(asked.base)
    held = [_members(whole, question) for question in questions.values()]
    values, is_rough = _measured(asked, whole, held, chosen)
    for place, question in enumerate(questions.values()):
        if is_rough[place]:
            # Beside what is far larger digits may be lost: each tangent by itself keeps them.
            values[place] = answer(question, chosen, "auto").values
    attrs = {**chosen.attributes(), "n": nodes_as_text(n), "m": nodes_as_text(m)}
    if not asked.over_rows:
        return xr.DataArray(values[:, 0], {"A": list(parts)}, ["A"], chosen.name, attrs)
    axis = asked.model.axis(asked.rows)
    array = xr.DataArray(values, {"A": list(parts)}, ["A", axis.dim], chosen.name, attrs)
    return array.assign_coords(together({}, axis))


def _parts(
    of: Model | World[Model],
    n: Nodes,
    m: Nodes,
    among: Sequence[Nodes] | Nodes | None,
    steps: int | None,
) -> dict[str, Nodes]:
    """The parts by their names: those given, or every variable but those of n and m."""
    if among is not None:
        given = checks.as_list(among, "among", "[T, [a, b]]")
        if not given:
            raise QueryError("among is empty: name a part, or leave it out, for every variable.")
        return {nodes_as_text(part): part for part in given}
    model = of.model if isinstance(of, World) else as_model(of)
    base = of if isinstance(of, World) else World(model, model.run_length(steps, [m, n]))
    whole = linearised(base)
    stretches = [s for nodes in (n, m) for s in model.select(nodes, base.steps)]
    own = {whole.place_of(stretch.key) for stretch in stretches}
    places = [p for p in range(len(whole.members)) if whole.declared[p] and p not in own]
    if not places:
        raise QueryError("There is no variable besides those of n and m: nothing can be held.")
    return {whole.names[place]: whole.nodes_of(place) for place in places}


def _members(whole: Linear, question: Question) -> frozenset[int]:
    """The members that a question holds; they are held whole."""
    if whole.named_in_part(question.held) is not None:
        raise QueryError(
            f"{nodes_as_text(question.A)} is a part of a variable: every_A holds variables whole. "
            "Ask comp or op about it."
        )
    keys = {stretch.key for stretch in question.held}
    for several in question.model.jumping:
        part = several & keys
        if part and part != several:
            raise QueryError(
                f"An event sets {listed(sorted(several, key=str))} at one moment, and of these "
                f"{listed(sorted(part, key=str))} would be held alone: hold all of them, or none, "
                "with among=[...], a list of parts."
            )
    return frozenset(whole.place_of(key) for key in keys)


def _measured(
    asked: Question, whole: Linear, held: Sequence[frozenset[int]], measure: Measure
) -> tuple[Floats, Bools]:
    """The measure of every part, (parts, rows), and which parts have to be asked by themselves."""
    source = asked.place_of_n
    begin, end = whole.place_of(source.key), whole.place_of(asked.key_of_m)
    path = whole.between(begin, end)
    members = np.array(sorted(path - {begin, end}), dtype=np.int64)
    # A network has all of its nodes in one row.
    in_time = asked.base.steps is not None
    rows = range(asked.rows[0], asked.rows[-1] + 1) if in_time else range(1)
    nudges = np.zeros((rows.stop, 2))
    nudges[source.start, 1] = 1.0
    watched = [whole.keys.index(key) for key in (asked.key_of_m, source.key)]
    nudged = GatedNudge(whole.among(path), np.array(watched, dtype=np.int64), rows, nudges, members)
    values, is_rough = np.empty((len(held), len(rows))), np.zeros(len(held), dtype=np.bool_)
    for low in range(0, len(held), _SIDE_BY_SIDE):
        some = held[low : low + _SIDE_BY_SIDE]
        weights = np.ones((len(members), len(some) + 1))
        for lane, part in enumerate(some, start=1):
            weights[np.isin(members, list(part)), lane] = 0.0
        at = nudged.course(weights)
        mantissas, powers = at.mantissas[:, 0], at.powers
        sides = [Scaled(mantissas[:, j], powers[:, j]) for j in range(len(some) + 1)]
        for place, y in enumerate(sides[1:]):
            values[low + place] = measure.function(Ratio.of(sides[0], y))
            is_rough[low + place] = at.is_rough or (_are_small(sides[0]) | _are_small(y)).any()
    return values, is_rough


def _are_small(numbers: Scaled) -> Bools:
    """Where a difference at m is so far below others in its row that its digits may be lost."""
    small: Bools = (numbers.mantissa != 0.0) & (np.abs(numbers.mantissa) < _SMALLEST)
    return small
