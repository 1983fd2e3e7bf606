"""What a model is: all that measures, runs and drawings ask of a system or a network."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

import numpy as np
from sympy import Expr, Symbol

from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.readonly import ReadOnly, fields_alone, restore
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats, Ints
from causalopt.language.domains import Domain
from causalopt.language.symbols import Label, Noise, Parameter, Variable
from causalopt.language.trees import Tree
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.amounts import Kept, arrays_in, numbers_in, settled
from causalopt.model.selection import Key, Stretch
from causalopt.model.wiring import Wiring

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class Series:
    """Numbers that come in one row: a variable over the steps of a run, or a network's nodes.

    ``key`` names it in a run. ``unit`` is empty where there is none, or where nodes differ.
    """

    key: Key
    name: str
    unit: str
    domain: Domain

    @property
    def limited(self) -> Sequence[tuple[None, Domain]]:
        """Every row, where something is assumed of the values."""
        return [(None, self.domain)] if self.domain.limits else []


@dataclass(frozen=True)
class Axis:
    """The coordinate along a series: its dim, one value a row, and their unit (None: no numbers).

    The values are ``labels`` where there are some; else the rows, each ``size`` long. Where each
    series has one row, it may be that the dim ``is_shown`` in no result.
    """

    dim: str
    rows: range
    size: float = 1.0
    unit: str | None = None
    labels: Sequence[Label] | Ints | None = None
    is_shown: bool = True

    @property
    def values(self) -> Floats | Ints | list[str]:
        """The coordinate of each row."""
        if isinstance(self.labels, np.ndarray):
            return self.labels
        if self.labels is not None:
            return [str(label) for label in self.labels]
        rows = self.rows
        return np.arange(rows.start, rows.stop, rows.step, dtype=np.float64) * self.size


@dataclass(frozen=True)
class Place:
    """Where nodes are found in results: a series, and the rows of it."""

    series: Key
    rows: range


@dataclass(frozen=True)
class Account:
    """How a node gets its value, as a reader is told: it has a start value, or a mechanism.

    ``declared`` is the mechanism that was written down, ``assigned`` the one that a run computes:
    the same, but where rates of change were declared. ``names`` gives the node or input that each
    argument of ``assigned`` stands for; ``in_stages`` says that a method goes through inner stages.
    """

    start: float | Tensor | None = None
    declared: Mechanism | None = None
    assigned: Mechanism | None = None
    names: Mapping[Symbol, Label] = ReadOnly({})
    in_stages: bool = False


class Model(ABC):
    """A causal model: frozen, equal and hashed by value; worlds are made of it.

    A key is what a world's effects speak of: a variable of a system, a label of a network's node.
    Where a model without time and one with time answer differently, the base answers for the first.
    """

    # -- what it is made of ----------------------------------------------------------------------

    @property
    @abstractmethod
    def parameters(self) -> Collection[Label]:
        """The parameters; by each of them, its value or the formula that it follows from."""

    @functools.cached_property
    def parameter_values(self) -> Mapping[Label, float]:
        """Those that are numbers, as numbers: what their formulas come to."""
        given = cast(Mapping[Label, Kept], self.parameters)
        return settled(numbers_in(given), "parameters")

    @functools.cached_property
    def parameter_arrays(self) -> Mapping[Label, Tensor | Tree]:
        """The parameters that hold arrays, or trees of them, and what they hold."""
        return ReadOnly(arrays_in(cast(Mapping[Label, Kept], self.parameters)))

    def formula_of(self, parameter: Label) -> Expr | None:
        """The formula of others that a parameter follows from; None where it has a number."""
        given = cast(Mapping[Label, object], self.parameters).get(parameter)
        return given if isinstance(given, Expr) else None

    @property
    @abstractmethod
    def noises(self) -> tuple[Noise, ...]:
        """The noises that its mechanisms use, by name."""

    @abstractmethod
    def with_parameters(self, values: Mapping[Parameter, float]) -> Self:
        """The same model with other values of some parameters."""

    @abstractmethod
    def with_start(self, values: Mapping[Label, float | str]) -> Self:
        """The same model with other start values, or values of roots."""

    @abstractmethod
    def mechanism(self, key: Key, formula: object) -> Mechanism:
        """A formula for one of its nodes as a mechanism, its symbols checked."""

    @abstractmethod
    def account(self, key: Key, step: int, replacement: Mechanism | None = None) -> Account:
        """How a node gets its value, where a mechanism may stand in for its own."""

    def earlier(
        self, key: Key, replaced: Callable[[Key], Mechanism | None]
    ) -> tuple[Variable | Noise, ...]:
        """The variables and noises of the step before that a variable follows from, in order.

        ``replaced`` gives the mechanism that stands in for a variable's own, if one does. Nothing
        where there is no step before.
        """
        return ()

    @property
    @abstractmethod
    def graph(self) -> nx.DiGraph:
        """What depends on what, as it is written: edges from cause to effect; inputs left out."""

    @abstractmethod
    def wiring(self, steps: int, *, written: bool = False) -> Wiring:
        """Its nodes up to a step, with their parents and inputs; inner stages left out.

        A node has all parents that reach it in a step, by inner stages too; as ``written``, those
        alone that its declaration names.
        """

    # -- which nodes are meant -------------------------------------------------------------------

    @abstractmethod
    def select(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The nodes that a user names, or a ``QueryError`` that names the nearest ones."""

    @abstractmethod
    def onward(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The nodes that a user names, and the same at every later step."""

    @abstractmethod
    def single(self, target: object, steps: int | None, name: str) -> Stretch:
        """The one node that a user names as ``name``; a ``QueryError`` where it is not one."""

    @abstractmethod
    def check_swept(self, target: object) -> None:
        """Raise ``QueryError`` for what cannot take many values in one run."""

    def label(self, key: Key, step: int) -> Label:
        """A node as it is called: R[3], or the label of a network's node."""
        return key

    def name_of(self, label: Label) -> str:
        """A node as results call it."""
        return str(label)

    def key_of(self, label: Label) -> tuple[Key, int]:
        """The key and the step of a node."""
        return label, 0

    @abstractmethod
    def size(self, steps: int) -> int:
        """The number of its nodes up to a step."""

    @abstractmethod
    def find(self, text: str) -> object:
        """The variable or node of this name; text is compared, never run."""

    # -- runs and results ------------------------------------------------------------------------

    def run_length(self, steps: int | None, named: Sequence[object] = ()) -> int | None:
        """How long a world of it runs: for ``steps``, or up to the last node ``named``.

        None where it has no time. The first of ``named`` is what is asked about, and has to end.
        Raises ``QueryError`` for steps of what has no time.
        """
        if steps is not None:
            raise QueryError(
                f"steps is {checks.shown(steps)}, and a {type(self).__name__.lower()} has none: "
                "leave steps out."
            )
        return None

    @property
    def has_time(self) -> bool:
        """Whether its nodes are at steps."""
        return False

    @property
    @abstractmethod
    def series(self) -> tuple[Series, ...]:
        """What a run of it gives: the variables of a system; the nodes of a network, as one."""

    @abstractmethod
    def place(self, stretch: Stretch) -> Place:
        """Where nodes are found in results."""

    def node(self, series: Key, row: int) -> Label:
        """The node in a row of a series, which ``place`` finds there."""
        return self.label(series, row)

    def limited(self, series: Series) -> Sequence[tuple[int | None, Domain]]:
        """The rows of a series (None: all) where something is assumed of the values, and what."""
        return series.limited

    @abstractmethod
    def rows(self, steps: int | None) -> range:
        """The rows that each series has in a run."""

    @abstractmethod
    def axis(self, rows: range | Sequence[int]) -> Axis:
        """The coordinate of rows."""

    def along_rows(self, target: object) -> bool:
        """Whether a name stands for nodes along the rows, so that a measure of it has their dim."""
        return False

    @abstractmethod
    def check_numbers(self, act: str) -> None:
        """Raise ``QueryError`` where nodes hold arrays, or follow from functions of them.

        ``act`` is what is asked, of numbers and formulas alone.
        """

    @property
    def rated(self) -> Collection[Key]:
        """The keys whose rates of change were declared, not what they become in a step."""
        return ()

    @property
    def jumping(self) -> Sequence[frozenset[Key]]:
        """What each event inside its steps sets at one moment: held together, or not at all."""
        return ()

    @property
    def circles(self) -> Sequence[frozenset[Key]]:
        """The keys whose equations are solved together in a step, circle by circle."""
        return ()

    @property
    def memory(self) -> int:
        """How many steps a step looks back."""
        return 1

    def time_step(self, finer: int) -> Model | None:
        """The same with steps shorter by a whole factor; None where no method makes them."""
        return None

    def in_whole_steps(self) -> Model:
        """The same with its steps taken whole, where a tolerance has them taken in parts."""
        return self

    def time_of(self, step: int) -> float:
        """The time of a step."""
        return step

    __getstate__, __setstate__ = fields_alone, restore


def as_model(given: object) -> Model:
    """The model itself, or an error: what is asked about is a system, a network or a world."""
    if isinstance(given, Model):
        return given
    raise QueryError(
        f"{type(given).__name__} cannot be measured: give a System, a Network or a World."
    )
