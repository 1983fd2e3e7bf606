"""Equations that go round in a circle within a step, solved where that is asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError

from sympy import Expr

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.order import ordered
from causalopt.ground.readonly import ReadOnly
from causalopt.language.symbols import Label, Next, Stage, Variable
from causalopt.language.vectors import spread
from causalopt.language.words import listed, the_first
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.newton import ROLES, solved_by_newton
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.template import in_order, is_inner, owner_of

# The numbers of stages that a solution takes come after all others, so many for each place inside
# of a step, with so many ways to cut the circles open.
_FIRST, _WAYS = 1 << 24, 1 << 16


@dataclass(frozen=True)
class Cut:
    """Where circles are cut open in a world: at what is ``held``, and at what is ``moved`` there.

    What is moved is first what it is without that, and all else follows what it is moved to.
    ``ways`` are the sets of variables at which any world is cut: the values of all worlds are
    computed in all of these ways, so that those of one stand beside those of another.
    """

    held: frozenset[Variable] = frozenset()
    moved: frozenset[Variable] = frozenset()
    ways: tuple[frozenset[Variable], ...] = (frozenset(),)

    def way_of(self, variable: Variable) -> frozenset[Variable]:
        """The set at which the circles are cut open that a variable follows from."""
        return self.held if variable in self.moved else self.held | self.moved


#: Where circles are cut open at the end of a step, and inside of it.
Cuts = tuple[Cut, Cut]
WHOLE: Cuts = (Cut(), Cut())


def circles_in(sources: Mapping[Variable, Iterable[Variable]]) -> Iterator[frozenset[Variable]]:
    """The sets of variables each of which follows, by its sources, from itself and the others."""
    with contextlib.suppress(CycleError):
        ordered(sources)
        return
    import networkx as nx

    graph = nx.DiGraph(
        (source, target) for target, own in sources.items() for source in own if source in sources
    )
    for component in nx.strongly_connected_components(graph):
        first = next(iter(component))
        if len(component) > 1 or graph.has_edge(first, first):
            yield frozenset(component)


def _same_step(assigned: Mapping[Variable, Mechanism]) -> dict[Variable, list[Variable]]:
    """What each of some variables follows from in the same step."""
    return {
        target: [s.variable for s in rule.arguments if isinstance(s, Next)]
        for target, rule in assigned.items()
    }


def opened(
    assigned: Mapping[Variable, Mechanism],
    guesses: Mapping[Variable, Expr],
    cuts: Cuts = WHOLE,
) -> dict[Variable, Mechanism]:
    """The assignments, in order, without circles through variables that have a guess.

    Raises ``DeclarationError`` for a circle that goes through none of them.
    """
    opened = dict(assigned)
    for circle in circles_in(_same_step(assigned)) if guesses else ():
        rules = {v: rule for v, rule in assigned.items() if v in circle}
        cut = cuts[any(map(is_inner, circle))]
        ways = {way: _names(rules, number, way) for number, way in enumerate(cut.ways)}
        for names in ways.values():
            opened |= _solved(rules, names, guesses)
        for v in rules:
            owner = owner_of(v)
            # What is held needs no value of its own.
            own = owner if owner in cut.held else ways[cut.way_of(owner)][v].next
            opened[v] = Expression(own)
    return in_order(opened)


def _names(
    rules: Collection[Variable], number: int, apart: frozenset[Variable]
) -> dict[Variable, Stage]:
    """The stages that the variables of a circle, but for some, are solved for under."""
    return {
        v: Stage(owner_of(v), _FIRST + (getattr(v, "number", 0) * _WAYS + number) * ROLES)
        for v in rules
        if owner_of(v) not in apart
    }


def _solved(
    rules: Mapping[Variable, Mechanism],
    names: Mapping[Variable, Stage],
    guesses: Mapping[Variable, Expr],
) -> dict[Variable, Mechanism]:
    """The variables of a circle that is cut open at what has no name, under their names."""
    seen = {v.next: stage.next for v, stage in names.items()}
    solved: dict[Variable, Mechanism] = {
        stage: rules[v].renamed(seen) for v, stage in names.items()
    }
    for circle in list(circles_in(_same_step(solved))):
        # (In an order that is the same each time.)
        around = [stage for stage in names.values() if stage in circle]
        unknown = {stage: guesses[stage.owner] for stage in around if stage.owner in guesses}
        others = in_order({v: solved[v] for v in around if v not in unknown})
        solved |= solved_by_newton({**others, **{v: solved[v] for v in unknown}}, unknown)
    return solved


def circles_of(
    rules: Mapping[Variable, Mechanism], equations: Collection[Variable]
) -> tuple[frozenset[Variable], ...]:
    """The sets of variables whose equations, as written, are of one another at one moment."""
    # An equation is written with what the others are at its moment.
    own = {v: [s for s in rules[v].arguments if isinstance(s, Variable)] for v in equations}
    return tuple(circles_in(own))


def named(circles: Sequence[frozenset[Label]]) -> str:
    """The variables of circles, circle by circle.

    >>> from causalopt.language.symbols import variables
    >>> u, w, x = variables("u w x")
    >>> named([frozenset([w, u]), frozenset([x])])
    'u, w; x'
    """
    return the_first([listed(sorted(map(str, circle))) for circle in circles])


def check_straight(circles: Sequence[frozenset[Label]], what: str) -> None:
    """Raise ``QueryError`` where nodes of one step are solved for together."""
    if circles:
        raise QueryError(
            f"{what} asks for a step of each variable, and {named(circles)} "
            "are solved for together, by Newton's method: ask for one m and one A (op, comp)."
        )


def checked_guesses(
    guesses: object,
    rules: Mapping[Variable, Mechanism],
    circles: Sequence[frozenset[Variable]],
    events: Sequence[object],
) -> ReadOnly[Variable, float]:
    """The values near to which unknowns are sought, each of which is on a circle of equations.

    Raises ``DeclarationError`` for others, and for what is no equation of numbers.
    """
    given = spread(checks.as_mapping(guesses, "newton", "newton={u: 1.0}"), "newton")
    checked: dict[Variable, float] = {}
    for variable, value in given.items():
        circle = next((c for c in circles if variable in c), None)
        if circle is None or not isinstance(variable, Variable):
            raise DeclarationError(
                f"newton names {variable}, which is on no circle of equations (algebraic): there "
                "is nothing to be solved for it, so leave it out."
            )
        strange = next((v for v in circle if rules[v].is_opaque or v.domain.shape), None)
        if strange is not None:
            raise DeclarationError(
                f"{strange} is on a circle of equations and follows by {rules[strange]}, and "
                "Newton's method is for formulas of numbers: solve it inside of the function."
            )
        checked[variable] = checks.finite(value, f"newton[{variable}]")
    if checked and events:
        raise DeclarationError(
            "Events are looked for inside of steps, where circles of equations are not solved: "
            "leave out newton or events, or write the circle's solution as a formula."
        )
    return ReadOnly(checked)
