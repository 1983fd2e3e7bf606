"""A screen on a model: the world that is asked about, and the nodes that the screen names."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from causalopt.explorer.screen import Screen
from causalopt.ground import checks
from causalopt.ground.errors import QueryError, nearest
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Label, Node, Parameter
from causalopt.model.interface import Model
from causalopt.model.world import World

# Runs of this many steps are compiled: sliders ask the same again and again, and a second of
# compiling is paid once.
_COMPILED = 3000
# So are shorter ones of so many nodes.
_LARGE = 20_000
# So are those of a page in a file, whose points together would plan so many nodes anew.
_PLANNED = 1000


@dataclass(frozen=True)
class Setting:
    """What is asked of a model with some of its values moved; ``screen`` says it by names.

    ``model`` has the values moved, ``declared`` has them as they are. ``points`` is at how many
    values the same is asked, as far as that is known beforehand.
    """

    screen: Screen
    model: Model
    declared: Model
    points: int = 1

    @classmethod
    def of(cls, model: Model, screen: Screen, opening: Screen, points: int = 1) -> Setting:
        """A screen on a model, what it leaves open filled from the ``opening`` one.

        Raises ``QueryError`` for a name, a value or a length that this model has not.
        """
        filled = replace(
            screen,
            n=screen.n or opening.n,
            A=opening.A if screen.A is None else screen.A,
            m=screen.m or opening.m,
            steps=(screen.steps or opening.steps) if model.has_time else None,
        )
        return cls(filled, moved(model, screen), model, points)

    @functools.cached_property
    def W(self) -> World[Model]:
        """The world that is asked about."""
        return World(self.model, self.model.run_length(self.screen.steps), seed=self.screen.seed)

    @functools.cached_property
    def still(self) -> World[Model]:
        """The world that is run at the only point of ``over``, whose values are not its own.

        So the plan of a long run, which is dear, is made once for all values. A short run costs
        less with its values in it: NumPy takes longer for arrays of one number.
        """
        if self.over is None:
            return self.W
        return World(self.declared, self.model.run_length(self.screen.steps), seed=self.screen.seed)

    @functools.cached_property
    def over(self) -> Mapping[Label, Sequence[object]] | None:
        """The values that are moved, as the only point of a sweep; None where ``W`` has them."""
        if self.backend == "auto":
            return None
        screen, model = self.screen, self.declared
        values: dict[Label, Sequence[object]] = {
            swept_by(model, f"p.{name}"): [value] for name, value in screen.parameters.items()
        }
        for name, text in screen.start.items():
            given = start_value(movable_start(model, name), text)
            values[swept_by(model, f"s.{name}")] = [given]
        return values or None

    @functools.cached_property
    def A(self) -> list[Label]:
        """The nodes that are held; ``QueryError`` where none are chosen."""
        if not self.screen.A:
            raise QueryError("Nothing is in A: choose the part whose steering is asked about.")
        return [self.found(name) for name in self.screen.A]

    @functools.cached_property
    def n(self) -> Label:
        """The node that is nudged."""
        return self.found(self.screen.n or "")

    @functools.cached_property
    def m(self) -> Label:
        """The nodes that are looked at."""
        return self.found(self.screen.m or "")

    @functools.cached_property
    def shown(self) -> Label:
        """The variable whose course is drawn; of a model without time m itself."""
        if self.screen.show:
            return self.found(self.screen.show)
        return variable_of(self.m)

    def found(self, name: str) -> Label:
        """A node or variable by its name, if the model has it."""
        node = self.model.find(name)
        self.model.select(node, self.model.run_length(self.screen.steps))
        return node

    @functools.cached_property
    def backend(self) -> str:
        """Who computes: compiled, where runs are long, large or many, and of numbers alone."""
        steps, nodes = self.screen.steps or 0, len(self.model.graph)
        is_planned_often = self.model.has_time and nodes * self.points >= _PLANNED
        if steps < _COMPILED and steps * nodes < _LARGE and not is_planned_often:
            return "auto"
        try:
            self.model.check_numbers("compiled")
        except QueryError:
            return "auto"
        return "numba"


def variable_of(node: Label) -> Label:
    """The variable of a node in time; of a model without time the node itself."""
    return node.variable if isinstance(node, Node) else node


def can_differ(node: Label) -> bool:
    """Whether a difference can be added to a node: not where it has named values."""
    return domain_of(node).why_no_difference() is None


def moved(model: Model, screen: Screen) -> Model:
    """The model with the parameters and start values of a screen."""
    values = {movable_parameter(model, k): v for k, v in screen.parameters.items()}
    starts = {movable_start(model, k): v for k, v in screen.start.items()}
    given = {label: start_value(label, text) for label, text in starts.items()}
    model = model.with_parameters(values) if values else model
    return model.with_start(given) if given else model


def parameters_of(model: Model) -> Mapping[str, Parameter]:
    """The parameters that have numbers of their own, by name."""
    return {
        str(label): label  # type: ignore[misc]  # the labels of parameters are such
        for label in model.parameter_values
        if model.formula_of(label) is None
    }


def starts_of(model: Model) -> Mapping[str, Label]:
    """The nodes that start from a value of their own, by name: numbers and names alone."""
    keys = [model.key_of(node) for node in first_nodes(model)]
    known = {key: model.account(key, step).start for key, step in keys}
    return {model.name_of(key): key for key, v in known.items() if isinstance(v, int | float)}


def first_nodes(model: Model) -> Iterable[Label]:
    """The nodes that a run begins with; of a model without time all of them."""
    return [node for node in model.wiring(0).parents if model.key_of(node)[1] == 0]


def movable_parameter(model: Model, name: str) -> Parameter:
    """The parameter of this name, or an error that names the nearest one."""
    known = parameters_of(model)
    if name not in known:
        raise QueryError(f"{name} is no parameter of this model." + nearest(name, known))
    return known[name]


def movable_start(model: Model, name: str) -> Label:
    """The variable or root of this name that has a start value, or an error."""
    known = starts_of(model)
    if name not in known:
        raise QueryError(f"{name} has no start value in this model." + nearest(name, known))
    return known[name]


def swept_by(model: Model, key: str) -> Label:
    """What a key of the address moves, as a sweep names it."""
    name = key[2:]
    if key.startswith("p."):
        return movable_parameter(model, name)
    start = movable_start(model, name)
    return model.label(start, 0) if model.has_time else start


def all_swept(model: Model) -> dict[str, Label]:
    """Every key of the address, and what it moves, as a sweep names it."""
    starts = {
        f"s.{name}": model.label(label, 0) if model.has_time else label
        for name, label in starts_of(model).items()
    }
    return {**{f"p.{name}": label for name, label in parameters_of(model).items()}, **starts}


def start_value(label: object, text: str) -> float | str | int:
    """A start value out of an address: a number, or one of the variable's named values."""
    domain = domain_of(label)
    names: Sequence[str] = getattr(domain, "names", ())
    if names:
        if text not in names:
            raise QueryError(f"{label} cannot be {checks.shown(text)}." + nearest(text, names))
        value: str | int = domain.value(names.index(text))  # type: ignore[assignment]
        return value
    try:
        return checks.finite(float(text), f"the start value of {label}")
    except ValueError:
        raise QueryError(
            f"The start value of {label} is {checks.shown(text)}: write a finite number."
        ) from None
