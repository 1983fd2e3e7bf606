"""Influence diagrams of PyCID, as objects: in as networks with decisions and utilities, and out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol, runtime_checkable

import networkx as nx
import numpy as np

from causalopt.exchange.printed import printed_table
from causalopt.ground.checks import as_float, of_kind, shown
from causalopt.ground.errors import DeclarationError
from causalopt.ground.types import Floats
from causalopt.language.finite_variables import Finite, own_variable
from causalopt.language.symbols import Label, Variable
from causalopt.language.tables import table
from causalopt.language.words import listed
from causalopt.mechanisms.decisions import Utility, as_utility, decision, is_decision, utility
from causalopt.mechanisms.declared import Formula
from causalopt.model.network import Network

# How it installs: with its own dependencies it does not.
_INSTALL = "pip install --no-deps pycid==0.8.2 pgmpy==0.1.17, and networkx<3, numpy<2, pandas<2.1"


class HasChances(Protocol):
    """What a node of a diagram follows by: chances (values, joint values of its parents)."""

    def get_values(self) -> object:
        """The chances, the last parent's values fastest."""


class HasDomain(Protocol):
    """A diagram's model: the values that each of its nodes can take."""

    domain: Mapping[str, Sequence[Hashable]]


@runtime_checkable
class HasDecisions(Protocol):
    """What diagrams of PyCID have, of one agent (CID) and of several (MACID)."""

    model: HasDomain
    nodes: Iterable[str]
    agents: Collection[Hashable]
    agent_decisions: Mapping[Hashable, Sequence[str]]
    agent_utilities: Mapping[Hashable, Sequence[str]]

    def get_parents(self, node: str) -> Sequence[str]:
        """The parents of a node, in the order of its chances."""

    def get_cpds(self, node: str) -> HasChances | None:
        """What a node follows by; None where it has been given nothing yet."""


def read_pycid(diagram: HasDecisions, *, agent: Hashable = None) -> Network:
    """A network of an influence diagram of PyCID (a ``CID`` or ``MACID`` with all of its CPDs).

    Chance nodes become finite variables with tables of their chances, the decisions of the agent
    decisions that see their parents, and his utilities the expectation of their values,

        U(row) = sum over values u of P(u | row) u,

    so that ``solve`` finds what ``optimal_policies`` finds, and ``expected_utility`` is the same.
    Values are called by their text. Of several agents one is named as ``agent``: the decisions of
    the others need policies, and follow these; their utilities are left out.

    Raises ``DeclarationError`` for what is no such diagram, for a node without a CPD, chances that
    are no real numbers, a parent that is no chance node or decision, values that have one text,
    utilities with children or values that are no numbers, and for an agent that has to be named, or
    is not there.

    Source: Fox et al., "PyCID: A Python Library for Causal Influence Diagrams", SciPy 2021; tried
    with pycid 0.8.2.
    """
    if not isinstance(diagram, HasDecisions):
        raise DeclarationError(
            f"{shown(diagram)} is no influence diagram of PyCID: give a CID or a MACID."
        )
    own = _agent(diagram, agent)
    decisions = {str(node) for node in diagram.agent_decisions.get(own, ())}
    goals = {str(node) for node in diagram.agent_utilities.get(own, ())}
    others = {str(n) for a, nodes in diagram.agent_utilities.items() if a != own for n in nodes}
    _check_ends(diagram, goals | others)
    kept = [str(node) for node in diagram.nodes if str(node) not in others]
    finite = {name: _finite(diagram, name) for name in kept if name not in goals}
    _check_parents(diagram, kept, finite)
    rules: dict[Variable, Formula] = {}
    start: dict[Label, str] = {}
    for name in kept:
        parents = [finite[str(parent)] for parent in diagram.get_parents(name)]
        if name in decisions:
            rules[finite[name]] = decision(parents)
            continue
        chances = _chances(diagram, name, parents)
        if name in goals:
            amounts = _numbers(diagram, name) @ chances
            sizes = [parent.size for parent in parents]
            rules[Variable(name)] = utility(parents, _by_name(parents, amounts.reshape(sizes)))
        elif not parents and chances.max() == 1.0:
            start[finite[name]] = str(finite[name].values[int(chances.argmax())])
        else:
            shape = *(parent.size for parent in parents), finite[name].size
            rules[finite[name]] = table(parents, chances.T.reshape(shape))
    return Network(rules, start=start)


def _agent(diagram: HasDecisions, agent: Hashable) -> Hashable:
    """The agent whose decisions are to be made."""
    known = list(diagram.agents)
    if agent is None and len(known) == 1:
        return known[0]
    if agent is None:
        raise DeclarationError(
            f"The diagram has the agents {listed(known)}: name the one who decides, agent=..."
        )
    if agent not in known:
        raise DeclarationError(
            f"The diagram has no agent {shown(agent)}: its agents are {listed(known)}."
        )
    return agent


def _check_parents(diagram: HasDecisions, nodes: Iterable[str], known: Collection[str]) -> None:
    """Raise ``DeclarationError`` for a parent that is no chance node or decision."""
    for node in nodes:
        strange = [p for p in map(str, diagram.get_parents(node)) if p not in known]
        if strange:
            raise DeclarationError(
                f"{node} has the parent {shown(strange[0])}, which is no node of the diagram: add "
                "it, or leave it out."
            )


def _check_ends(diagram: HasDecisions, goals: Collection[str]) -> None:
    """Raise ``DeclarationError`` for a utility that something follows from: it is no sum then."""
    for node in map(str, diagram.nodes):
        ends = [str(parent) for parent in diagram.get_parents(node) if str(parent) in goals]
        if ends:
            raise DeclarationError(
                f"{node} follows from the utility {ends[0]}, and utilities are added up here, "
                "with nothing behind them: make it a chance node, or leave the arrow out."
            )


def _finite(diagram: HasDecisions, name: str) -> Finite:
    """The variable of a node, its values called by their text."""
    _rule_of(diagram, name)
    values = [str(value) for value in diagram.model.domain[name]]
    twice = next((value for value, count in Counter(values).items() if count > 1), None)
    if twice is not None:
        raise DeclarationError(f"{name} has two values that read {twice}: call them differently.")
    return Finite(name, values)


def _rule_of(diagram: HasDecisions, name: str) -> HasChances:
    """What a node follows by, which has to be there."""
    rule = diagram.get_cpds(name)
    if rule is None:
        raise DeclarationError(f"{name} has no CPD yet: give it one, diagram.add_cpds({name}=...).")
    return rule


def _chances(diagram: HasDecisions, name: str, parents: Sequence[Finite]) -> Floats:
    """The chances (values, rows) that a node has, the rows in the order of its parents."""
    rule = _rule_of(diagram, name)
    # What a decision that is still to be made has in PyCID: every value alike, for form's sake.
    if type(rule).__name__ == "DecisionDomain":
        raise DeclarationError(
            f"{name} is a decision of another agent without a policy: give it one, such as "
            f"diagram.add_cpds({name}=lambda ...: ...), or ask about that agent."
        )
    chances = _numbers_of(name, rule.get_values())
    rows = math.prod(parent.size for parent in parents)
    shape = len(diagram.model.domain[name]), rows
    if chances.shape != shape:
        raise DeclarationError(
            f"{name} has chances of another shape, {chances.shape}, than its {shape[0]} values and "
            f"the {rows} joint values of its parents: give it a CPD anew."
        )
    return chances


def _numbers_of(name: str, given: object) -> Floats:
    """Chances as numbers."""
    held = np.asarray(given)
    if held.dtype.kind not in "iuf":
        raise DeclarationError(
            f"{name} has chances that are no real numbers ({held.dtype}): give it a CPD of numbers."
        )
    return held.astype(np.float64)


def _by_name(parents: Sequence[Finite], amounts: Floats) -> object:
    """Amounts (by the values of the parents) nested by the names of these."""
    if not parents:
        return float(amounts)
    rows = zip(parents[0].values, amounts, strict=True)
    return {value: _by_name(parents[1:], row) for value, row in rows}


def _numbers(diagram: HasDecisions, name: str) -> Floats:
    """The values of a utility."""
    values = [as_float(value) for value in diagram.model.domain[name]]
    numbers = [value for value in values if value is not None and np.isfinite(value)]
    if len(numbers) < len(values):
        raise DeclarationError(
            f"The utility {name} takes {listed(diagram.model.domain[name])}: write numbers."
        )
    return np.array(numbers)


def write_pycid(network: Network) -> object:
    """The ``pycid.CID`` of a network with decisions and utilities, of one agent.

    Named values go out as text, utilities with their amounts as values, all numbers as floats.

    Raises ``DeclarationError`` for what such a diagram does not hold (real values, formulas,
    symbols in amounts or chances, nothing to decide or to want), and where PyCID is not installed.
    """
    of_kind(network, Network, "What is written", "a Network with decisions and utilities")
    rules = {label: network.account(label).assigned for label in network.nodes}
    wanted = {x: u for x, rule in rules.items() if rule and (u := as_utility(rule))}
    decided = [x for x, rule in rules.items() if rule and is_decision(rule)]
    if not decided or not wanted:
        raise DeclarationError(
            "An influence diagram has a decision and a utility, and this network does not have "
            "both: declare D: decision(R) and U: utility(D, ...)."
        )
    given = {
        x: _amounts(network, x, wanted[x]) if x in wanted else _table(network, x)
        for x in network.nodes if x not in decided
    }  # fmt: skip
    library = _library()
    edges = [(str(parent), str(x)) for x in network.nodes for parent in network.parents(x)]
    diagram = library.CID(edges, decisions=[*map(str, decided)], utilities=[*map(str, wanted)])
    diagram.add_nodes_from([str(x) for x in network.nodes])
    # PyCID wants to know of parents before it takes what follows from them.
    for x in nx.topological_sort(network.graph):
        variable = own_variable(x)
        if x in given:
            rule, values = _rule(given[x]), [*given[x].values]
            diagram.add_cpds(library.StochasticFunctionCPD(str(x), rule, diagram, domain=values))
        elif variable is not None:
            diagram.add_cpds(**{str(x): _texts(variable)})
    return diagram


@dataclass(frozen=True)
class _Given:
    """What a node follows by in a diagram: the chances of its ``values`` for what parents are."""

    parents: tuple[str, ...]
    values: Sequence[str | float]
    chances: Mapping[tuple[str, ...], Floats]


def _rule(rows: _Given) -> Callable[..., dict[str | float, float]]:
    """What gives the chance of each value, as PyCID asks for it: by the names of the parents."""

    def chances_of(**seen: str) -> dict[str | float, float]:
        chances = rows.chances[tuple(seen[parent] for parent in rows.parents)]
        return dict(zip(rows.values, chances.tolist(), strict=True))

    return chances_of


def _table(network: Network, label: Label) -> _Given:
    printed = printed_table(network, label, "a PyCID diagram")
    states = product(*map(_texts, printed.parents))
    return _Given(
        tuple(map(str, printed.parents)),
        _texts(printed.child),
        dict(zip(states, printed.masses, strict=True)),
    )


def _amounts(network: Network, label: Label, wanted: Utility) -> _Given:
    """A utility as a sure value for each row."""
    try:
        numbers = [float(amount) for amount in wanted.amounts]
    except TypeError:
        raise DeclarationError(
            f"The utility {label} has symbols in it, and a PyCID diagram holds numbers: give them "
            "values first."
        ) from None
    values = sorted(set(numbers))
    names = network.account(label).names
    states = product(*([str(value) for value in domain.values] for domain in wanted.domains))
    sure = np.eye(len(values))
    chances = {state: sure[values.index(n)] for state, n in zip(states, numbers, strict=True)}
    return _Given(tuple(str(names.get(s, s)) for s in wanted.inputs), values, chances)


def _texts(variable: Finite) -> list[str]:
    return [str(value) for value in variable.values]


def _library() -> Any:
    try:
        import pycid
    except ImportError:
        raise DeclarationError(
            "PyCID is not installed, and makes its diagrams itself. It needs older libraries than "
            f"causalopt is tested with, so give it an environment of its own: {_INSTALL}."
        ) from None
    return pycid
