"""Basin stability: the share of starts from which a system comes to a target and stays there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

import numpy as np
import sympy
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean, BooleanAtom, BooleanFunction

from causalopt.backends.evaluation import evaluate
from causalopt.ground.checks import as_list, is_single, shown, whole
from causalopt.ground.errors import QueryError, UndefinedError, nearest
from causalopt.ground.types import Bools, Floats
from causalopt.language.domains import Value, domain_of
from causalopt.language.finite_variables import Finite
from causalopt.language.symbols import Label, Variable
from causalopt.measures.literature.finite_worlds import Requirement
from causalopt.model.system import System
from causalopt.model.world import World
from causalopt.runs.results import run
from causalopt.runs.sweeps import Draws, Grid, chains_asked

if TYPE_CHECKING:
    import xarray as xr

NEEDS = Requirement("basin_stability", "comp or op, which ask a network")

#: Starts: the values of each node.
Axes: TypeAlias = dict[Label, Sequence[Value] | Floats]

#: Where it is to end: {R: "warm"}, {R: ["warm", "hot"]}, {R: (24.5, 25.5)}, or a condition.
Goal: TypeAlias = Mapping[Variable, object] | Boolean

# Each start whose run fails costs some runs of its own.
_MOST_LOST = 500
# So many numbers are kept at a time.
_MOST_NUMBERS = 20_000_000


def basin_stability(
    of: System | World[System],
    target: Goal,
    *,
    over: Grid,
    steps: int,
    stay: int | None = None,
    draws: Draws | None = None,
    backend: str = "auto",
) -> xr.DataArray:
    """The share of starts that are in the target after some steps, and stay in it.

        S = #{starts: in the target at each step from ``steps`` to ``steps + stay``} / #{starts}

    ``target`` says where: {R: "warm"}, {R: ["warm", "hot"]}, {R: (24.5, 25.5)}, both ends
    included, or a condition such as Abs(R - 25) <= 0.5. ``over`` gives the starts, all
    combinations of {T[0]: ..., R[0]: ...}, and ``draws`` a number of chains of the noise for
    each. ``stay`` is as long as ``steps`` unless it is said; 0 asks for the end alone. In a world
    of named values without chance, what stays for as many steps as there are states stays for good.

    Returns an array without dims (no unit, from 0 to 1); ``attrs`` has ``starts``, their number,
    ``lost``, how many of them leave the finite numbers, which do not count as staying, and
    ``error``, sqrt(S (1 - S) / starts), the standard error if the starts are drawn at random.

    Traps: it depends on which starts are asked about and how they are weighed, and needs a target.
    A stone that lies in it has the most. What is far from the target and on its way counts as lost.

    Raises ``QueryError`` for a target that no value meets by its kind, and for a network, and
    ``EvaluationError`` where more than 500 starts leave the finite numbers.

    Source: Menck, Heitzig, Marwan and Kurths 2013, "How basin stability complements the
    linear-stability paradigm", Nature Physics 9; Flint 2020, "The ground of optimization".

    >>> from causalopt.language.symbols import variables
    >>> (x,) = variables("x")
    >>> from sympy import tanh
    >>> two_wells = System({x: tanh(2 * x)}, start={x: 1})
    >>> basin_stability(two_wells, {x: (0.5, 1.5)}, over={x[0]: [-2, -1, 1, 2]}, steps=20).item()
    0.5
    """
    import xarray as xr

    length = whole(steps, "steps", 1)
    more = length if stay is None else whole(stay, "stay", 0)
    world = _world(of, length + more)
    conditions = _conditions(world.model, target)
    kept = [v[length : length + more + 1] for v in _variables(conditions, world.model)]

    def stays(starts: Grid) -> Bools:
        data = run(world, over=starts, draws=draws, keep=kept, backend=backend)
        return cast(Bools, _held(data, conditions, world.model).all(axis=0))

    chains = 1 if draws is None else len(chains_asked(draws))
    parts = _parts(over, (more + 1) * len(conditions) * chains)
    pieces = [_Count.of(stays, part, chains) for part in parts]
    inside, total, lost = (sum(column) for column in zip(*pieces, strict=True))
    share = inside / total
    attrs = {
        "units": "1",
        "long_name": "basin stability",
        "symbol": "S_B",
        "starts": total,
        "lost": lost,
        "error": float(np.sqrt(share * (1 - share) / total)),
    }
    return xr.DataArray(share, name="basin_stability", attrs=attrs)


def _world(of: System | World[System], steps: int) -> World[System]:
    """The world that is run, long enough to see whether it stays."""
    if not isinstance(of, World):
        return NEEDS.system(of).world(steps)
    NEEDS.system(of.model)
    if of.steps is None or of.steps < steps:
        raise QueryError(
            f"This world has {of.steps} steps, and {steps} are needed to see whether it stays: "
            f"make it with world(steps={steps}), or write a shorter stay."
        )
    return of


class _Count(NamedTuple):
    """Starts that stay, all starts, and those from which a run leaves the finite numbers."""

    inside: int
    total: int
    lost: int

    @classmethod
    def of(cls, stays: Callable[[Grid], Bools], starts: Axes, chains: int) -> _Count:
        """The counts of some starts; where a run fails, of each half of them, down to those alone.

        Raises ``EvaluationError`` where too many fail one by one.
        """
        waiting, inside, total, lost = [starts], 0, 0, 0
        while waiting:
            some = waiting.pop()
            try:
                held = stays(some)
            except UndefinedError:
                longest = max(some, key=lambda target: len(some[target]))
                middle = len(some[longest]) // 2
                if middle:
                    values = some[longest]
                    waiting += [{**some, longest: v} for v in (values[:middle], values[middle:])]
                    continue
                total, lost = total + chains, lost + chains
                if lost > _MOST_LOST * chains:
                    raise
                continue
            inside, total = inside + int(held.sum()), total + held.size
        return cls(inside, total, lost)


#: A condition, or for one variable the values or the ends of what is inside.
Condition = tuple[Variable | None, object]


def _conditions(system: System, target: Goal) -> list[Condition]:
    """What has to hold, one by one."""
    if isinstance(target, Boolean) and not _is_condition(target):
        raise QueryError(
            f"target is {target}, and a variable is no condition by itself: write a range, such as "
            "{x: (0, 1)}, or a condition such as Abs(x - 25) <= 0.5."
        )
    if isinstance(target, Boolean):
        symbols = sorted(target.free_symbols, key=str)
        unknown = [s for s in symbols if s not in system.variables or isinstance(s, Finite)]
        if unknown or not symbols:
            raise QueryError(
                f"target is {target}: write a condition on variables of the system that have "
                f"numbers, or name values, such as {{{system.variables[0]}: ...}}."
            )
        return [(None, target)]
    if not isinstance(target, Mapping) or not target:
        raise QueryError(
            f"target is {shown(target)}: write {{R: 'warm'}}, {{R: (24.5, 25.5)}}, or a condition "
            "such as Abs(R - 25) <= 0.5."
        )
    conditions: list[Condition] = []
    for variable, values in target.items():
        if variable not in system.variables:
            known = nearest(variable, system.variables)
            raise QueryError(f"target names {shown(variable)}, no variable of the system.{known}")
        several = (
            [values] if is_single(values) else as_list(values, f"target[{variable}]", "(low, high)")
        )
        numbers = domain_of(variable).codes(several, f"target[{variable}]")
        if not isinstance(variable, Finite) and (len(numbers) != 2 or numbers[0] > numbers[1]):
            raise QueryError(
                f"target[{variable}] is {shown(values)}: write its two ends, (low, high)."
            )
        conditions.append((variable, numbers))
    return conditions


def _is_condition(given: object) -> bool:
    """Whether it is made of what is true or false alone, and not of variables in their place."""
    if isinstance(given, BooleanFunction):
        return all(map(_is_condition, given.args))
    return isinstance(given, Relational | BooleanAtom)


def _variables(conditions: list[Condition], system: System) -> list[Variable]:
    """The variables that the conditions speak of."""
    spoken: dict[Variable, None] = {}
    for variable, what in conditions:
        names = [variable] if variable is not None else getattr(what, "free_symbols", ())
        spoken |= {v: None for v in system.variables if v in names}
    return list(spoken)


def _held(data: xr.Dataset, conditions: list[Condition], system: System) -> Bools:
    """Whether all conditions hold, (rows, *starts)."""
    columns = {v: data[v.name].values[0] for v in _variables(conditions, system)}
    held: list[Bools] = []
    for variable, what in conditions:
        if variable is None:
            (number,) = evaluate([sympy.Piecewise((1, what), (0, True))], columns)
            held.append(number == 1)
        elif isinstance(variable, Finite):
            held.append(np.isin(columns[variable], np.asarray(what)))
        else:
            low, high = np.asarray(what)
            held.append((low <= columns[variable]) & (columns[variable] <= high))
    return cast(Bools, np.logical_and.reduce(held))


def _parts(over: Grid, numbers: int) -> Iterator[Axes]:
    """The starts, in pieces whose results fit: cut along the first axis."""
    if not isinstance(over, Mapping) or not over:
        raise QueryError(
            "over names no starts: write over={R[0]: np.linspace(5, 45, 401)}, the share of which "
            "is asked."
        )
    axes = {target: domain_of(target).codes(v, f"over[{target}]") for target, v in over.items()}
    for target, values in axes.items():
        if not len(values):
            raise QueryError(f"over[{target}] is empty: name one or more starts, {target}: [...].")
    first, *rest = axes.items()
    others = int(np.prod([len(values) for _, values in rest], dtype=np.int64))
    size = max(1, _MOST_NUMBERS // max(1, numbers * others))
    for low in range(0, len(first[1]), size):
        piece: Floats = first[1][low : low + size]
        named = {first[0]: piece, **dict(rest)}
        yield {target: domain_of(target).values_of(values) for target, values in named.items()}
