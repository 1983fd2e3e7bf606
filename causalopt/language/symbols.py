"""The symbols that a system is declared with, and how a variable is indexed into nodes.

A variable is a sympy symbol that knows time: ``R[3]`` is its node at step 3, ``R[:100]`` a set of
nodes, ``R.at(2.5)`` the node at a time, and ``R.next`` stands for its value in the step that is
being computed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from sympy import Symbol
from sympy.printing.latex import LatexPrinter

from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.language.arithmetic import Labelled, OutsideFormulas
from causalopt.language.domains import Domain, domain_of
from causalopt.language.indexing import Endless, as_bounds, as_delay, as_instant, as_step
from causalopt.language.laws import Dependent, as_law
from causalopt.language.naming import names_in
from causalopt.language.parts import Partible
from causalopt.language.quantities import Noise as Noise
from causalopt.language.quantities import Parameter as Parameter
from causalopt.language.quantities import Quantity as Quantity
from causalopt.language.shaped import as_shape
from causalopt.language.splits import Divisible


class Variable(Divisible, Endless, Partible, Quantity):
    """A quantity with a value at every step, given by a mechanism; index it to name nodes.

    >>> R = variable("R")
    >>> R[0], R[:3], R.at(2.5), R.next
    (R[0], R[0:3], R.at(2.5), R.next)
    """

    __slots__ = ()

    @property
    def symbol(self) -> Symbol:
        """A plain symbol of this name. sympy's code printers ask a class named Variable for it."""
        return Symbol(self.name, **self._assumptions_orig)

    @property
    def next(self) -> Next:
        """The value of this variable in the step that is being computed (same-step dependence)."""
        return Next(self)

    def lag(self, delay: float) -> Lag:
        """Its value so much time before, in the units of the system's ``dt``; else in steps.

        In a mechanism that gives R[i+1], ``R`` is R[i], and ``R.lag(5)`` R[i-5]. A delay is a whole
        number of steps; before the start it was what ``history`` says, or what it started from.
        """
        return Lag(self, as_delay(self, delay))

    def __getitem__(self, step: int | slice) -> Node | NodeSet:
        if isinstance(step, slice):
            return NodeSet(self, *as_bounds(self, step))
        return Node(self, as_step(self, step))

    def at(self, time: float) -> Moment:
        """The node at a point in time, in the units of the system's ``dt``."""
        return Moment(self, as_instant(self, time))

    def between(self, start: float, stop: float) -> Span:
        """The nodes from one time to another, both included, in the units of the system's ``dt``.

        >>> variable("a").between(0, 10)
        a.between(0.0, 10.0)
        """
        first, last = as_instant(self, start), as_instant(self, stop)
        if last < first:
            raise QueryError(
                f"{self}.between({start}, {stop}) ends before it starts: "
                f"write {self}.between({stop}, {start})."
            )
        return Span(self, first, last)


class Stage(Variable):
    """A variable's value at an inner stage of a Runge-Kutta step; it belongs to that variable."""

    __slots__ = ("number", "owner")
    owner: Variable
    number: int

    def __new__(cls, owner: Variable, number: int) -> Self:
        stage = super().__new__(cls, f"{owner.name}.{cls.__name__.lower()}{number}", owner.unit)
        stage.owner, stage.number = owner, number
        return stage

    def _hashable_content(self) -> tuple[object, ...]:
        return (*super()._hashable_content(), self.owner, self.number)

    @property
    def domain(self) -> Domain:
        """What its values are: what is assumed of the variable may be wrong inside a step."""
        return self.owner.domain.unlimited

    def __getnewargs_ex__(self) -> tuple[tuple[Variable, int], dict[str, bool]]:
        return (self.owner, self.number), {}


class Rise(Stage):
    """How much a variable rises inside of a step, of which an implicit method finds several."""

    __slots__ = ()


class LeftLimit(Stage):
    """What a variable comes to as a step ends, before anything is done to it there.

    Where nothing is, that is the variable itself; at the start it is what the history comes to.
    """

    __slots__ = ()


class Shifted(Labelled):
    """A variable's value at another step than the one before; it belongs to that variable."""

    __slots__ = ("variable",)
    variable: Variable

    @classmethod
    def _of(cls, variable: Variable, name: str) -> Self:
        shifted: Self = Symbol.__xnew__(cls, name, real=True)
        shifted.variable = variable
        return shifted

    @property
    def domain(self) -> Domain:
        """What its values are."""
        return self.variable.domain

    def _hashable_content(self) -> tuple[object, ...]:
        return (*super()._hashable_content(), self.variable)


class Next(Shifted):
    """A variable's value in the step that is being computed; written ``R.next``."""

    __slots__ = ()

    def __new__(cls, variable: Variable) -> Next:
        return cls._of(variable, f"{variable.name}.next")

    def __getnewargs_ex__(self) -> tuple[tuple[Variable], dict[str, bool]]:
        return (self.variable,), {}

    def _latex(self, printer: LatexPrinter) -> str:
        return f"{{{printer.doprint(self.variable)}}}^{{+}}"


class Earlier(Shifted):
    """A variable's value before the step that is being computed, earlier than the step before."""

    __slots__ = ("by",)
    by: float
    _name: ClassVar[str]
    _index: ClassVar[str]

    def __new__(cls, variable: Variable, by: float) -> Self:
        earlier = cls._of(variable, cls._name.format(variable.name, by))
        earlier.by = by
        return earlier

    def _hashable_content(self) -> tuple[object, ...]:
        return (*super()._hashable_content(), self.by)

    def __getnewargs_ex__(self) -> tuple[tuple[Variable, float], dict[str, bool]]:
        return (self.variable, self.by), {}

    def _latex(self, printer: LatexPrinter) -> str:
        return f"{{{printer.doprint(self.variable)}}}_{{{self._index}-{self.by:.12g}}}"


class Lag(Earlier):
    """A variable's value some time before, as users write it: ``R.lag(5)``."""

    __slots__ = ()
    _name, _index = "{}.lag({:.12g})", "t"


class Past(Earlier):
    """The same in steps: of a mechanism that gives R[i+1], ``Past(R, 5)`` is R[i-5]."""

    __slots__ = ()
    _name, _index = "{}.past({})", "i"
    by: int


class Time(Labelled):
    """The time at the start of the step that is being computed, as an input of mechanisms."""

    __slots__ = ()

    def __new__(cls) -> Time:
        clock: Time = Symbol.__xnew__(cls, "t", real=True)
        return clock

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, bool]]:
        return (), {}


#: Time, in the units of the system's ``dt`` (in steps, where it has none). A mechanism that gives
#: R[i+1] sees the time of step i.
time = Time()


class Indexed(Partible, OutsideFormulas):
    """What indexing a variable gives: it is named in questions, and stands in no formula."""

    variable: Variable | Time | Noise

    @property
    def domain(self) -> Domain:
        """What its values are."""
        return domain_of(self.variable)


@dataclass(frozen=True)
class Node(Indexed):
    """A variable at one step: ``R[3]``."""

    variable: Variable | Time | Noise
    step: int

    def __repr__(self) -> str:
        return f"{self.variable}[{self.step}]"


@dataclass(frozen=True)
class NodeSet(Indexed):
    """A variable over steps ``start <= i < stop``: ``R[:100]``; ``stop`` None means to the end."""

    variable: Variable
    start: int
    stop: int | None

    def __iter__(self) -> Iterator[Node]:
        if self.stop is None:
            raise QueryError(
                f"{self} has no end, and cannot be walked over: write {self.variable}"
                f"[{self.start}:{self.start + 10}]."
            )
        return (Node(self.variable, step) for step in range(self.start, self.stop))

    def __contains__(self, node: object) -> bool:
        if not isinstance(node, Node) or node.variable != self.variable:
            return False
        return self.start <= node.step < (math.inf if self.stop is None else self.stop)

    def __repr__(self) -> str:
        return f"{self.variable}[{self.start}:{'' if self.stop is None else self.stop}]"


@dataclass(frozen=True)
class Moment(Indexed):
    """A variable at a point in time, which a system with a ``dt`` turns into a node."""

    variable: Variable
    time: float

    def __repr__(self) -> str:
        return f"{self.variable}.at({self.time})"


@dataclass(frozen=True)
class Span(Indexed):
    """A variable between two points in time, both included."""

    variable: Variable
    start: float
    stop: float

    def __repr__(self) -> str:
        return f"{self.variable}.between({self.start}, {self.stop})"


#: What a network's node is called: anything that can be a key.
Label = Hashable
#: A set of nodes as users name it: R, R[0], R[:100], [T, R[3]], or a network's labels.
Nodes = Variable | Node | NodeSet | Moment | Span | Label | Collection[Label]


def variable(name: str, unit: str = "", **assumptions: bool) -> Variable:
    """One variable. Real unless an assumption of sympy's is given (``positive=True``).

    Values are held to what is assumed: where they are declared, swept or set, and after a run.
    Raises ``DeclarationError`` for what is no assumption, or is one that no number keeps.

    >>> T = variable("T", unit="degC")
    >>> T.unit
    'degC'
    """
    return Variable(name, unit, **assumptions)


def variables(
    names: str, unit: str = "", *, count: int | None = None, **assumptions: bool
) -> tuple[Variable, ...]:
    """Several variables, from names set apart by spaces or commas; always a tuple.

    ``count`` numbers those of one name from 0. Ranges are those of sympy's ``symbols``: "x0:30"
    gives x0 to x29, as does "x" with a count of 30. On the left of a declaration a tuple stands for
    its variables, with as many things on the right: ``{x: M * Matrix(x)}``, ``start={x: 0}``.

    Raises ``DeclarationError`` for what is no count, and a count beside several names.

    >>> T, R = variables("T R")
    >>> R - 25, variables("x", count=3)
    (R - 25, (x0, x1, x2))
    """
    named = names_in(names, "variables", count)
    return tuple(Variable(name, unit, **assumptions) for name in named)


def parameter(name: str, unit: str = "", **assumptions: bool) -> Parameter:
    """One parameter. Real unless an assumption of sympy's is given (``positive=True``)."""
    return Parameter(name, unit, **assumptions)


def parameters(
    names: str, unit: str = "", *, count: int | None = None, **assumptions: bool
) -> tuple[Parameter, ...]:
    """Several parameters, from names set apart by spaces or commas, or numbered; always a tuple.

    >>> parameters("k, d"), parameters("k", count=2)
    ((k, d), (k0, k1))
    """
    named = names_in(names, "parameters", count)
    return tuple(Parameter(name, unit, **assumptions) for name in named)


def noise(
    name: str, law: object, unit: str = "", *, shape: int | Iterable[int] | None = None
) -> Noise:
    """A noise: drawn afresh at each step by a law, the same draws in W, X and Y.

    ``law`` is ``normal(mean, deviation)``, ``uniform(low, high)``, ``choice(values, weights)``, or
    a frozen distribution of scipy.stats. With a ``shape`` it is an array, each entry drawn alone.

    >>> from causalopt.language.laws import choice
    >>> noise("coin", choice([-1, 1]))
    coin
    """
    drawn = as_law(law)
    if shape is None:
        return Noise(name, drawn, unit)
    where = f'noise("{name}", ...)'
    if isinstance(drawn, Dependent):
        raise DeclarationError(
            f"{where}: a law with parameters is of numbers. Draw an array by numbers, such as "
            "normal(0, 1), and scale it in the function that takes it."
        )
    return Noise(name, drawn, unit, as_shape(shape, where))
