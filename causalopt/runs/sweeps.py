"""Sweeps: start values and parameters that take many values in one vectorised run."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sympy import Expr, Symbol

from causalopt.ground import checks
from causalopt.ground.errors import NotAtPointsError, QueryError
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.readonly import ReadOnly
from causalopt.ground.types import Floats, Ints
from causalopt.language.data import is_given
from causalopt.language.domains import Coded, domain_of
from causalopt.language.naming import DIMS, apart
from causalopt.language.symbols import Label, Noise, Parameter
from causalopt.language.words import listed
from causalopt.model.interface import Model
from causalopt.model.selection import Stretch
from causalopt.model.world import M, World
from causalopt.plan.draws import DrawnChains

#: What takes many values: nodes and parameters, each by a list or array of them. There is a point
#: for all of each with all of the others.
Grid = Mapping[Label, object]

#: A grid; or a list of points, each of which has one value of each of them.
Over = Grid | Sequence[Mapping[Label, object]]

#: How many chains of the noise are run, from the first on; or, as a range, which ones.
Draws = int | range

# So many chains there are: their numbers are a coordinate of results, and floats tell these apart.
_CHAINS = 2**53

# What arrays of measures are called: in a file, an array and its coordinates share their names.
_RESULTS = ("comp", "op", "optimizing_power", "failed")

#: The input that stands for the number of a chain of draws.
DRAW = Symbol("draw")


# The bytes that a chain takes besides what is computed of it, as measured: its number, where it
# stands in the order of chains, what is put beside it in a result.
_FOR_CHAIN = 100


@dataclass(frozen=True, eq=False)
class SweptAxis:
    """One swept node or parameter: what it is, the input it becomes, and its values (k,)."""

    target: Label
    input: Symbol
    values: Floats

    @functools.cached_property
    def chains(self) -> DrawnChains:
        """Which chains of draws its values are the numbers of."""
        return DrawnChains(self.values.astype(np.int64))


@dataclass(frozen=True)
class Sweep:
    """The product of all axes. Points are counted with the last axis running fastest.

    Where ``paired``, the axes are of one length and run together: point i is the i-th of each.
    ``arrays`` are inputs that have one value at all points.
    """

    axes: tuple[SweptAxis, ...] = ()
    paired: bool = False
    taken: frozenset[str] = frozenset()  #: names in results that no swept target has
    arrays: Mapping[Symbol, Coded] = ReadOnly({})

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The dim of each axis, as the user wrote its target: ``R[0]`` or ``k``.

        What is printed alike, or like something else in a result, is told by its kind too.
        """
        targets = [axis.target for axis in self.axes if axis.input != DRAW]
        return (*apart(targets, self.taken), *("draw" for a in self.axes if a.input == DRAW))

    @property
    def dims(self) -> tuple[str, ...]:
        """The dims of a result: one for each axis, or one for all where they run together."""
        return apart(["point"], self.taken) if self.paired else self.names

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values on each axis."""
        sizes = tuple(len(axis.values) for axis in self.axes)
        return sizes[:1] if self.paired else sizes

    @property
    def points(self) -> int | None:
        """The number of points, None where nothing is swept."""
        return math.prod(self.shape) if self.axes else None

    @property
    def drawn(self) -> int:
        """The number of chains of draws; one where they are not swept."""
        chains = next((axis.values for axis in self.axes if axis.input == DRAW), np.zeros(1))
        return len(np.unique(chains)) if self.paired else len(chains)

    def inputs(self) -> dict[object, Floats]:
        """For each swept input, its value at every point."""
        if self.paired or len(self.axes) == 1:
            return {axis.input: axis.values for axis in self.axes}
        # The last axis runs fastest, so that a result is reshaped without being moved.
        grids = np.meshgrid(*(axis.values for axis in self.axes), indexing="ij")
        return {a.input: g.reshape(-1) for a, g in zip(self.axes, grids, strict=True)}

    def chains(self) -> DrawnChains | None:
        """Which chain of draws each point belongs to: chain 0 where draws are not swept."""
        if self.points is None:
            return None
        # Questions that sweep draws alone share their axis, and so its chains.
        if len(self.axes) == 1 and self.axes[0].input == DRAW:
            return self.axes[0].chains
        drawn = self.inputs().get(DRAW)
        return DrawnChains(
            np.zeros(self.points, np.int64) if drawn is None else drawn.astype(np.int64)
        )

    def applied(self, world: World[M]) -> World[M]:
        """The world with its swept nodes as inputs."""
        for axis in self.axes:
            if not isinstance(axis.target, Parameter) and axis.input != DRAW:
                world = world.swept(axis.target, axis.input)
        return world

    def only(self, point: int) -> Sweep:
        """One point of this sweep, as a sweep of its own."""
        return self.some([point])

    def some(self, points: Sequence[int] | Ints) -> Sweep:
        """Some points of this sweep, as a sweep of its own."""
        inputs = self.inputs()
        axes = tuple(replace(a, values=inputs[a.input][points]) for a in self.axes)
        return replace(self, axes=axes, paired=True)

    def checked(self, parameter: Label, formula: Expr, values: Floats) -> Floats:
        """What a formula gives a parameter at each point, if it is finite and may be so."""
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise NotAtPointsError(
                f"{parameter} = {formula} is no finite real number{self.describe(int(bad[0]))}.",
                bad.tolist(),
            )
        stray = domain_of(parameter).strays(values)
        if stray is not None:
            point, fact = stray
            raise NotAtPointsError(
                f"{parameter} = {formula} is {values.flat[point]:g}{self.describe(point)}, and is "
                f"assumed to be {fact}.",
                [point],
            )
        return values

    def describe(self, point: int) -> str:
        """Where a point of the sweep lies, to say in a message; empty where nothing is swept."""
        if not self.axes:
            return ""
        where = np.unravel_index(point, self.shape)
        where = where * len(self.axes) if self.paired else where
        values = [axis.values[i] for axis, i in zip(self.axes, where, strict=True)]
        pairs = [f"{name} = {v:g}" for name, v in zip(self.names, values, strict=True)]
        return " where " + ", ".join(pairs)


def paired(values: Mapping[Label, Floats]) -> Sweep:
    """Many start states at once: the i-th value of every node together (nodes to arrays (n,))."""
    columns = enumerate(values.items())
    return Sweep(tuple(SweptAxis(n, _input(n, i), v) for i, (n, v) in columns), paired=True)


def swept(
    model: Model, over: Over | None, draws: Draws | None = None, noises: Sequence[Noise] = ()
) -> Sweep:
    """The sweep over nodes, parameters and draws of the noises of its worlds, checked."""
    if draws is not None:
        without = swept(model, over)
        if without.paired:
            raise QueryError(
                "over is a list of points, and draws are a dim of their own: write over as a dict, "
                "or ask about the draws of one point at a time."
            )
        return replace(without, axes=(*without.axes, _draws(noises, draws)))
    if over is None:
        return Sweep()
    grid = over if isinstance(over, Mapping) else _columns(over)
    axes = [_axis(model, target, values, i) for i, (target, values) in enumerate(grid.items())]
    _refuse_twice(model, [target for target in grid if not isinstance(target, Parameter)])
    taken = frozenset({*DIMS, *_RESULTS, *(series.name for series in model.series)})
    return Sweep(tuple(axes), paired=grid is not over, taken=taken)


def _columns(points: object) -> Grid:
    """The values of each target at all points of a list."""
    if not isinstance(points, Sequence) or isinstance(points, str):
        raise QueryError(
            f"over is {type(points).__name__}: write a dict, such as "
            "over={R[0]: np.linspace(5, 45, 401)}, or a list of points, [{R[0]: 5, k: 0.1}, ...]."
        )
    known = [_point(point, f"over[{place}]") for place, point in enumerate(points)]
    if not known:
        raise QueryError("over has no points: write one or more, such as [{R[0]: 5, k: 0.1}].")
    for place, point in enumerate(known):
        if point.keys() != known[0].keys():
            raise QueryError(
                f"over[{place}] has values of {listed(point)}, and over[0] of {listed(known[0])}: "
                "give all points values of the same."
            )
    return {target: [point[target] for point in known] for target in known[0]}


def _point(given: object, where: str) -> Mapping[Label, object]:
    if not isinstance(given, Mapping) or not given:
        raise QueryError(
            f"{where} is {checks.shown(given)}: write a dict, such as {{R[0]: 5, k: 0.1}}."
        )
    return given


def _refuse_twice(model: Model, targets: Iterable[Label]) -> None:
    owners: dict[Stretch, Label] = {}
    for target in targets:
        for stretch in model.select(target):
            other = owners.setdefault(stretch, target)
            if other is not target:
                raise QueryError(
                    f"over names {target}, which is the node {other} too: write it once."
                )


def _draws(noises: Sequence[Noise], draws: object) -> SweptAxis:
    if all(map(is_given, noises)):
        raise QueryError(
            f"draws={draws}, but this model has no noise: every draw would be the same. Leave "
            "draws out, or declare a noise, such as noise('e', normal(0, 1))."
        )
    chains = chains_asked(draws)
    if len(chains) <= MOST_DRAWS_KEPT:
        return _drawn_kept(chains)
    refuse_what_does_not_fit(
        _FOR_CHAIN * len(chains),
        f"A run of {len(chains):,} draws",
        f"Draw fewer at a time, draws=range({len(chains) // 2:,}) and then the rest: draws of "
        "several runs can be put together.",
    )
    return _drawn(chains)


def chains_asked(draws: object) -> range:
    """The numbers of the chains that ``draws`` asks for; a ``QueryError`` where it asks for none.

    >>> chains_asked(3), chains_asked(range(1000, 2000))
    (range(0, 3), range(1000, 2000))
    """
    chains = draws if isinstance(draws, range) else range(checks.whole(draws, "draws", 1))
    if chains and chains.step < 0 and chains[-1] >= 0:
        up = range(chains[-1], chains[0] + 1, -chains.step)
        raise QueryError(f"draws={draws} counts down, and chains are counted up: write {up}.")
    if not chains or min(chains[0], chains[-1]) < 0 or chains.step < 0:
        raise QueryError(
            f"draws={draws} names no chains: write range(1000, 2000) for the 1,000 from 1,000 on."
        )
    # So many from 0 on are refused for their memory.
    if isinstance(draws, range) and chains[-1] >= _CHAINS:
        raise QueryError(
            f"draws={draws} names the chain {chains[-1]}, and there are {_CHAINS:,} of them, from "
            "0 on: write smaller numbers, or another seed for draws of their own."
        )
    return chains


def _drawn(chains: range) -> SweptAxis:
    numbers = np.arange(chains.start, chains.stop, chains.step, dtype=np.float64)
    numbers.setflags(write=False)
    return SweptAxis("draw", DRAW, numbers)


#: Questions that draw the same chains share their axis: it is made once, unless they are many.
MOST_DRAWS_KEPT = 1 << 16
_drawn_kept = functools.lru_cache(maxsize=8)(_drawn)


def _axis(model: Model, target: Label, values: object, place: int) -> SweptAxis:
    model.check_swept(target)
    numbers = domain_of(target).codes(values, f"over[{target}]")
    return SweptAxis(target, _input(target, place), numbers)


def _input(target: Label, place: int) -> Symbol:
    """The input of an axis, a symbol of its own: other targets may be printed alike."""
    return target if isinstance(target, Parameter) else Symbol(f"over {place}")
