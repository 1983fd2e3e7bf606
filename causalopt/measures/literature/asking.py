"""What a comparison asks: who, whom, from where; and every measure as it is asked of that."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, cast

from causalopt.distributions.real.affine import Box
from causalopt.ground.checks import is_single
from causalopt.ground.errors import QueryError
from causalopt.language.finite_variables import as_finite
from causalopt.language.splits import Split
from causalopt.language.symbols import Label, Next, Nodes, Variable
from causalopt.language.words import listed
from causalopt.measures.literature.arrows import causal_strength
from causalopt.measures.literature.bits import optimization_bits, scores_of
from causalopt.measures.literature.commands import empowerment
from causalopt.measures.literature.control import control_bound
from causalopt.measures.literature.emergence import effective_information
from causalopt.measures.literature.exponents import conditional_exponents
from causalopt.measures.literature.flows import information_flow, transfer_entropy
from causalopt.measures.literature.goals import goal_directedness
from causalopt.measures.literature.knowledge import semantic_information, viability
from causalopt.measures.literature.measurement import Measurement, as_number
from causalopt.measures.literature.mediation import effects
from causalopt.measures.literature.stability import basin_stability
from causalopt.measures.question import nodes_as_text
from causalopt.measures.response.compression import comp
from causalopt.measures.response.optimization import op
from causalopt.measures.split.strength import (
    AdjustedStrength,
    Strength,
    adjusted_optimizing_strength,
    optimizing_strength,
)
from causalopt.model.asked import as_system
from causalopt.model.interface import Model, as_model
from causalopt.model.selection import Stretch
from causalopt.model.system import System
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Asked:
    """What a comparison is about: who, whom, from where, and what is good."""

    of: Model | World[Model]
    A: Nodes
    m: Nodes
    _: KW_ONLY
    n: Nodes | None
    # Of a kind that each measure checks itself, since not all take the same.
    P: Any
    better: Any
    target: Any
    over: Any
    start: Any
    steps: int | None

    @functools.cached_property
    def system(self) -> System:
        """What is asked about, if it is a model that has steps, and no world of one."""
        if isinstance(self.of, World):
            raise QueryError(
                "This measure asks a system from where it starts, and a world has interventions of "
                "its own: give the System."
            )
        return as_system(self.of, ", and this measure follows them: give a System.")

    @functools.cached_property
    def model(self) -> Model:
        """The model, or that of the world."""
        return as_model(self.of.model if isinstance(self.of, World) else self.of)

    @functools.cached_property
    def timed(self) -> System:
        """The model, or that of the world, if it has steps."""
        return as_system(self.model, ", and this measure follows them: give a System.")

    @property
    def over_time(self) -> System | World[System]:
        """What is asked about, if it has steps."""
        timed = self.timed
        return cast("World[System]", self.of) if isinstance(self.of, World) else timed

    @functools.cached_property
    def length(self) -> int | None:
        """How many steps are taken; None where there is no time."""
        if isinstance(self.of, World):
            if self.steps not in (None, self.of.steps):
                raise QueryError(
                    f"steps is {self.steps}, but this world has {self.of.steps}: leave steps out."
                )
            return self.of.steps
        is_open = self.steps is None and self.model.has_time and isinstance(self.m, Variable)
        return self.model.run_length(1 if is_open else self.steps, [self.m])

    @functools.cached_property
    def whom(self) -> Stretch:
        """The nodes of m."""
        stretches = self.model.select(self.m, self.length)
        if len(stretches) != 1:
            raise QueryError(f"m = {self.m} names {len(stretches)} sets of nodes: ask about one.")
        return stretches[0]

    @property
    def last(self) -> int:
        """The step at which m is asked about."""
        return self.whom.stop - 1

    @property
    def ended(self) -> Label:
        """The last node of m."""
        return self.model.label(self.whom.key, self.whom.stop - 1)

    @property
    def nudged(self) -> Nodes:
        """The node n; m at the start, where none was named."""
        if self.n is None and self.length is None:
            raise QueryError("needs n=..., the node where the difference is made.")
        return self.model.label(self.whom.key, 0) if self.n is None else self.n

    @functools.cached_property
    def inside(self) -> list[Variable]:
        """The variables of A."""
        keys = {stretch.key for stretch in self.model.select(self.A, self.length)}
        return [v for v in self.timed.variables if v in keys]

    @functools.cached_property
    def rest(self) -> list[Variable]:
        """The variables that are not in A."""
        outside = [v for v in self.system.variables if v not in self.inside]
        if not outside:
            raise QueryError("A is all that there is: leave out what it is measured on.")
        return outside

    @property
    def split(self) -> Split:
        """A and the rest."""
        return Split(self.inside, self.rest)

    @property
    def arrows(self) -> list[tuple[Variable | Next, Variable]]:
        """The arrows from A into m."""
        target = next(v for v in self.system.variables if v == self.whom.key)
        read = self.system.declarations[target].arguments
        into = [s for s in read if isinstance(s, Variable | Next)]
        own = [s for s in into if (s.variable if isinstance(s, Next) else s) in self.inside]
        if not own:
            raise QueryError(
                f"No arrow leads from {listed(self.inside)} into {target} in one step: name other "
                "arrows, with causal_strength(system, edges, P)."
            )
        return [(source, target) for source in own]


@dataclass(frozen=True)
class Entry:
    """A measure as it is asked in a comparison, and which of its arguments it cannot do without."""

    measure: str
    needs: tuple[str, ...]
    ask: Callable[[Asked], Measurement]
    #: What it is asked of: an error where that is of a kind that no argument mends.
    about: Callable[[Asked], object] = operator.attrgetter("system")


def _array(measure: str, asked: str, array: xr.DataArray) -> Measurement:
    return Measurement(measure, asked, array.item(), str(array.attrs["units"]))


def _response(q: Asked, ask: Callable[..., xr.DataArray]) -> Measurement:
    found = ask(q.of, A=q.A, n=q.nudged, m=q.ended)
    named = f"{nodes_as_text(q.A)}; {q.nudged}, {q.ended}"
    return _array(str(found.name), f"{found.attrs['symbol']}({named})", found)


def _through(q: Asked) -> Measurement:
    found = effects(q.of, A=q.A, n=q.nudged, m=q.ended)
    asked = f"{q.nudged} -> {nodes_as_text(q.A)} -> {q.ended}"
    return _array("effects", asked, found.through)


def _strength(q: Asked, ask: Callable[..., Strength | AdjustedStrength], name: str) -> Measurement:
    found = ask(q.system, q.split, q.P, steps=q.last)
    return Measurement(name, str(q.split), as_number(found.value, name), "bit")


def _exponent(q: Asked) -> Measurement:
    steps = None if isinstance(q.of, World) else q.last
    rates = conditional_exponents(q.over_time, q.inside, steps=steps).conditional
    return _array("conditional_exponents", f"rest given {listed(q.inside)}", rates[0])


def _bits(q: Asked) -> Measurement:
    # Outcomes that are named are counted; real ones are told by what would be without A.
    measure = "clamped" if isinstance(q.P, Box) else "count"
    return optimization_bits(q.system, q.ended, q.P, better=q.better, measure=measure, A=q.inside)


def _basin(q: Asked) -> Measurement:
    # A world has the steps that it has, and what is left of them is to stay.
    stay = None if q.length is None or not isinstance(q.of, World) else q.length - q.last
    share = basin_stability(q.over_time, q.target, over=q.over, steps=q.last, stay=stay)
    return _array("basin_stability", f"{q.target}", share)


def _directed(q: Asked) -> Measurement:
    deciding = q.model.select(q.A, q.length)
    if len(deciding) != 1:
        raise QueryError(
            f"A is {nodes_as_text(q.A)}, and one decision is asked about: name it alone."
        )
    # What A decides in time for m to answer to it.
    decided = q.A if q.length is None else q.model.label(deciding[0].key, q.last - 1)
    wanted = q.better
    if not is_single(wanted):
        target = as_finite(q.whom.key, f"m = {q.m}")
        wanted = dict(zip(target.values, scores_of(target, wanted), strict=True))
    return goal_directedness(q.of, decided, {q.ended: wanted}, q.P)


_MODEL, _OVER_TIME = operator.attrgetter("model"), operator.attrgetter("over_time")

#: What is asked, in the order of the table.
ENTRIES: tuple[Entry, ...] = (
    Entry("comp", (), lambda q: _response(q, comp), _MODEL),
    Entry("op", (), lambda q: _response(q, op), _MODEL),
    Entry("effects", (), _through, _MODEL),
    Entry("conditional_exponents", (), _exponent, _OVER_TIME),
    Entry(
        "optimizing_strength",
        ("P",),
        lambda q: _strength(q, optimizing_strength, "optimizing_strength"),
    ),
    Entry(
        "adjusted_optimizing_strength",
        ("P",),
        lambda q: _strength(q, adjusted_optimizing_strength, "adjusted_optimizing_strength"),
    ),
    Entry(
        "optimization_bits",
        ("P", "better"),
        _bits,
    ),
    Entry("basin_stability", ("target", "over"), _basin, _OVER_TIME),
    Entry("empowerment", (), lambda q: empowerment(q.system, q.A, q.ended, start=q.start)),
    Entry(
        "information_flow",
        ("P",),
        lambda q: information_flow(q.system, q.inside, q.ended, q.P, do=q.rest),
    ),
    Entry(
        "transfer_entropy",
        ("P",),
        lambda q: transfer_entropy(q.system, q.inside, q.ended, q.P),
    ),
    Entry("causal_strength", ("P",), lambda q: causal_strength(q.system, q.arrows, q.P)),
    Entry("effective_information", (), lambda q: effective_information(q.system, steps=q.last)),
    Entry(
        "viability",
        ("P",),
        lambda q: viability(q.system, q.split, q.P, of=q.rest, steps=q.last),
    ),
    Entry(
        "semantic_information",
        ("P",),
        lambda q: semantic_information(q.system, q.split, q.P, of=q.rest, steps=q.last),
    ),
    Entry("control_bound", ("P",), lambda q: control_bound(q.system, q.split, q.P, of=q.rest)),
    Entry("goal_directedness", ("better",), _directed, _MODEL),
)
