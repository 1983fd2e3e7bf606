"""A system unrolled: the network of its nodes at every step."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr

from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.language.symbols import Label, Node, Noise
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.beginning import Beginning
from causalopt.model.columns import Binding, bind
from causalopt.model.interface import Model
from causalopt.model.network import Network
from causalopt.model.roots import roots_of
from causalopt.model.stepping import Stepping
from causalopt.model.template import Template, node_at

# The most bytes for each node while a network is made of a system, as measured.
_FOR_NODE = 900


def check_unrolled(model: Model, template: Template, steps: int, stepping: Stepping) -> None:
    """Raise an error, before anything is made, for a network that would not fit, or of arrays."""
    model.check_numbers("unroll")
    stepping.check_whole("A network of nodes", model.parameter_values)
    nodes = steps * len(template)
    refuse_what_does_not_fit(
        _FOR_NODE * nodes,
        f"A network of {nodes:,} nodes, one for each variable and inner stage at {steps:,} steps,",
        "Unroll fewer steps, or ask the system itself: comp, op and every_m need no network.",
    )


def unrolled(
    template: Template, beginning: Beginning, parameters: Mapping[Label, float | Expr], last: int
) -> Network:
    """The network of all nodes from step 0 to ``last``; times, noises and pasts become inputs."""
    bindings: dict[Label, Binding | None] = {}
    for variable in beginning.variables:
        rule = beginning.mechanisms.get(variable)
        bindings[Node(variable, 0)] = None if rule is None else _bound(rule, 0)
    for step in range(1, last + 1):
        for target, mechanism in template.items():
            bindings[Node(target, step)] = _bound(mechanism, step)
    seen = (label for binding in bindings.values() if binding for label in binding[1])
    entering = dict.fromkeys(s for s in seen if isinstance(s, Node) and s not in bindings)
    drawn = [node for node in entering if isinstance(node.variable, Noise)]
    known: dict[Label, float | Expr] = {**parameters}
    known |= {n: beginning.input(n) for n in entering if not isinstance(n.variable, Noise)}
    columns = bind(tuple(bindings), (*known, *drawn), list(bindings.values()))
    start: dict[Label, float] = {
        Node(v, 0): number
        for v, number in beginning.numbers.items()
        if v not in beginning.mechanisms
    }
    return Network(columns, start=roots_of(columns, start), parameters=known)


def _bound(mechanism: Mechanism, step: int) -> Binding:
    return mechanism, [node_at(symbol, step) for symbol in mechanism.arguments]
