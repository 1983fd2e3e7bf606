"""One step of a system: which node a symbol means there, and what a variable follows from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from graphlib import CycleError
from typing import TypeVar

from sympy import Symbol

from causalopt.ground.errors import DeclarationError
from causalopt.ground.order import ordered
from causalopt.language.symbols import Next, Node, Noise, Past, Stage, Time, Variable
from causalopt.mechanisms.decisions import is_decision
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.declaration import EARLIER, cycle_message

K = TypeVar("K")

#: What a step assigns, in an order in which every same-step value is there when it is needed.
Template = Mapping[Variable, Mechanism]


def node_at(symbol: Symbol, step: int) -> Node | Symbol:
    """The node that a symbol means in a mechanism that gives a value at ``step``.

    ``R.next`` is R at this step; R, a noise and time are those of the step before, a ``Past`` that
    of a step before it; a parameter has no step and stands for itself.

    >>> from causalopt.language.symbols import parameter, time, variable
    >>> R, k = variable("R"), parameter("k")
    >>> [node_at(symbol, 3) for symbol in (R.next, R, time, k)]
    [R[3], R[2], t[2], k]
    """
    if isinstance(symbol, Next):
        return Node(symbol.variable, step)
    if isinstance(symbol, Past):
        return Node(symbol.variable, step - 1 - symbol.by)
    return Node(symbol, step - 1) if isinstance(symbol, Variable | Noise | Time) else symbol


def sources(
    variable: Variable,
    mechanism: Callable[[Variable], Mechanism],
    passed_by: Callable[[Variable], bool],
) -> Iterator[Symbol]:
    """The symbols that a variable follows from in one step, each once.

    Same-step values of variables that are ``passed_by`` are no sources themselves: what they follow
    from is. So the inner stages of an integrator are walked through.
    """
    waiting, seen = [variable], {variable}
    given: set[Symbol] = set()
    for target in waiting:
        for symbol in mechanism(target).moved_by:
            inner = symbol.variable if isinstance(symbol, Next) else None
            if inner is not None and passed_by(inner):
                if inner not in seen:
                    seen.add(inner)
                    waiting.append(inner)
            elif symbol not in given:
                given.add(symbol)
                yield symbol


def is_stage(variable: Variable) -> bool:
    """Whether a variable stands for an inner stage of another one's step."""
    return isinstance(variable, Stage)


def is_inner(key: object) -> bool:
    """Whether a key, or the node that it is, is an inner stage of a step."""
    return isinstance(getattr(key, "variable", key), Stage)


def owner_of(key: K) -> K | Variable:
    """The key itself, or the variable that a stage belongs to."""
    return key.owner if isinstance(key, Stage) else key


def in_order(
    assigned: Mapping[Variable, Mechanism], remedy: str = EARLIER
) -> dict[Variable, Mechanism]:
    """The assignments in an order in which every same-step value is there when it is needed.

    ``remedy`` says what to do about circles, of each of which ``{name}`` has a variable.
    """
    sources = {
        target: [s.variable for s in mechanism.arguments if isinstance(s, Next)]
        for target, mechanism in assigned.items()
    }
    try:
        order = ordered(sources)
    except CycleError:
        raise DeclarationError(_in_circles(sources, assigned, remedy)) from None
    return {target: assigned[target] for target in order}


def _in_circles(
    sources: Mapping[Variable, Sequence[Variable]],
    assigned: Mapping[Variable, Mechanism],
    remedy: str,
) -> str:
    """What is wrong with assignments that go round: one circle of each set that is of one another.

    One with a decision on it stands first.
    """
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(assigned)
    for target, own in sources.items():
        graph.add_edges_from((source, target) for source in own if source in assigned)
    place = {target: number for number, target in enumerate(assigned)}
    loops: list[list[Variable]] = []
    for component in nx.strongly_connected_components(graph):
        among = nx.DiGraph()
        # (In an order that is the same each time.)
        for a in sorted(component, key=place.__getitem__):
            among.add_edges_from((a, b) for b in graph.successors(a) if b in component)
        if among.number_of_edges():
            loops.append([source for source, _ in nx.find_cycle(among)])
    decisions = [[v for v in loop if is_decision(assigned[v])] for loop in loops]
    ranked = sorted(zip(decisions, loops, strict=True), key=lambda p: (not p[0], place[p[1][0]]))
    told = [[f"{v}.next" for v in (*loop, loop[0])] for _, loop in ranked]
    decided = next((str(v) for own, _ in ranked for v in own), None)
    names = ": 1.0, ".join(str(loop[0]) for _, loop in ranked)
    return cycle_message(told[0], decided, remedy.format(name=names), told[1:])
