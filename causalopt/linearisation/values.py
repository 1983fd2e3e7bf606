"""The values of a world along its run, as columns for the arguments of its mechanisms."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import cast

import numpy as np
from sympy import Expr, Symbol

from causalopt.backends.evaluation import evaluate
from causalopt.ground.scaled import stacked
from causalopt.ground.types import Floats, Ints
from causalopt.language.symbols import Label, Node, Noise, Time, Variable
from causalopt.model.interface import Model
from causalopt.model.network import Network
from causalopt.model.selection import Key
from causalopt.model.system import System
from causalopt.model.template import node_at
from causalopt.model.world import World
from causalopt.plan.draws import stream_of
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.sweeps import swept

#: What an argument is at each of some rows, or at all of them.
Column = Floats | float


class Values(ABC):
    """What the arguments of mechanisms are along one run of a world."""

    def __init__(self, world: World[Model], backend: str) -> None:
        self.world, self.backend = world, backend
        self._drawn: dict[Noise, Floats] = {}

    @abstractmethod
    def column(self, symbol: Symbol, names: Mapping[Symbol, Label], rows: Ints) -> Column:
        """What an argument is at rows; ``names`` gives the nodes that arguments stand for."""

    def _run(self, keys: Collection[Key]) -> Mapping[Key, Floats]:
        """The values of series at every row."""
        if not keys:
            return {}
        rows = self.world.model.rows(self.world.steps)
        none = swept(self.world.model, None, None, self.world.noises)
        wants = [Want(self.world, key) for key in keys]
        table = simulate(wants, rows, none, self.backend, stacked)
        return dict(zip(keys, table, strict=True))

    def _draws(self, noise: Noise, steps: int) -> Floats:
        """The numbers of a noise at so many steps."""
        if noise not in self._drawn:
            self._drawn[noise] = stream_of(noise, self.world.seed).take(steps)[:, 0]
        return self._drawn[noise]


class SystemValues(Values):
    """Those of a system, whose ``needed`` variables and inner stages are run once, together.

    What else is asked for, where a slope has no formula and is a limit, is run when it is.
    """

    def __init__(self, world: World[Model], backend: str, needed: Collection[Key]) -> None:
        super().__init__(world, backend)
        self._system = cast(System, world.model)
        self._needed = needed
        self._known: dict[Key, Floats] = {}

    def _course(self, key: Key) -> Floats:
        """The values of a series at every row."""
        if key not in self._known:
            missing = self._needed if key in self._needed else [key]
            self._known.update(self._run(missing))
        return self._known[key]

    def column(self, symbol: Symbol, names: Mapping[Symbol, Label], rows: Ints) -> Column:
        """A parameter's value; of all else, the value at each row."""
        node = node_at(symbol, 0)
        if not isinstance(node, Node):
            return self._system.parameter_values[symbol]
        steps = rows + node.step
        if isinstance(node.variable, Time):
            return np.asarray(steps * (self._system.step_size or 1.0))
        if isinstance(node.variable, Noise):
            return self._draws(node.variable, self.world.steps or 1)[steps]
        column = self._course(node.variable)[np.maximum(steps, 0)]
        for place in np.flatnonzero(steps < 0):
            column[place] = self._before(node.variable, int(steps[place]))
        return column

    def _before(self, variable: Variable, step: int) -> float:
        """What a variable was before the start."""
        known = self._system.beginning.input(Node(variable, step))
        if not isinstance(known, Expr):
            return known
        return float(evaluate([known], dict(self._system.parameter_values))[0])


class NetworkValues(Values):
    """Those of a network, which has one row."""

    @functools.cached_property
    def _nodes(self) -> Floats:
        return self._run([None])[None]

    @functools.cached_property
    def _last_draw(self) -> int:
        """The last step at which a noise of an unrolled system is drawn."""
        drawn = cast(Network, self.world.model).drawn
        return max((label.step for label in drawn if isinstance(label, Node)), default=0)

    def column(self, symbol: Symbol, names: Mapping[Symbol, Label], rows: Ints) -> Column:
        """The value of the node or input that an argument stands for."""
        network, label = cast(Network, self.world.model), names[symbol]
        place = network.index[label]
        if place < len(network.nodes):
            return float(self._nodes[place])
        match label:
            case Noise():
                return float(stream_of(label, self.world.seed).without_time())
            case Node(Noise() as noise, step):
                return float(self._draws(noise, self._last_draw + 1)[step])
        return network.parameter_values[label]


@functools.singledispatch
def values_of(
    model: object, world: World[Model], backend: str, needed: Collection[Symbol]
) -> Values:
    """The values of a world, of which some symbols are needed in mechanisms."""
    raise TypeError(f"no values of a {type(model).__name__}")


@values_of.register
def _(model: System, world: World[Model], backend: str, needed: Collection[Symbol]) -> Values:
    nodes = (node_at(symbol, 0) for symbol in needed)
    seen = {node.variable for node in nodes if isinstance(node, Node)}
    run = [variable for variable in seen if isinstance(variable, Variable)]
    return SystemValues(world, backend, sorted(run, key=str))


@values_of.register
def _(model: Network, world: World[Model], backend: str, needed: Collection[Symbol]) -> Values:
    return NetworkValues(world, backend)
