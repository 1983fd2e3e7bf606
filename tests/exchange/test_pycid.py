"""Influence diagrams of PyCID, by what its objects answer: policies, expectations, the way back.

PyCID needs older libraries than these tests run with, so that a double stands in its place here,
with the same methods and the same order of chances. Nothing of ours makes what it answers.
"""

import itertools
import random
import sys
import types

import numpy as np
import pytest

from causalopt import DeclarationError, Network, decision, finite, parameter, solve, table, utility
from causalopt import variables as named_variables
from causalopt.exchange import read_pycid, write_pycid


class Cpd:
    """The chances of a node: (values, joint values of the parents), the last parent fastest."""

    def __init__(self, chances):
        self.chances = chances

    def get_values(self):
        return np.array(self.chances, dtype=float)


class DecisionDomain(Cpd):
    """What a decision has that nobody has made: all values alike."""


class Diagram:
    """A diagram as PyCID has it: each node with its parents, its values and its chances."""

    def __init__(self, nodes, decisions, utilities):
        self.parents = {name: parents for name, (parents, _, _) in nodes.items()}
        self.model = types.SimpleNamespace(domain={n: d for n, (_, d, _) in nodes.items()})
        self.cpds = {name: cpd for name, (_, _, cpd) in nodes.items()}
        self.agent_decisions, self.agent_utilities = decisions, utilities

    nodes = property(lambda self: list(self.parents))
    agents = property(lambda self: {*self.agent_decisions, *self.agent_utilities})

    def get_parents(self, node):
        return list(self.parents[node])

    def get_cpds(self, node):
        return self.cpds[node]

    def best(self, agent=0):
        """The most that the agent can expect, by trying every policy."""
        domain, decided = self.model.domain, self.agent_decisions[agent]
        seen = [[*itertools.product(*(domain[p] for p in self.parents[d]))] for d in decided]
        policies = itertools.product(
            *(itertools.product(domain[d], repeat=len(rows))
              for d, rows in zip(decided, seen, strict=True))
        )  # fmt: skip
        return max(
            self.expected(agent, {d: dict(zip(rows, choice, strict=True))
                                  for d, rows, choice in zip(decided, seen, policy, strict=True)})
            for policy in policies
        )  # fmt: skip

    def expected(self, agent, policy):
        domain, total = self.model.domain, 0.0
        for state in itertools.product(*domain.values()):
            at, chance = dict(zip(domain, state, strict=True)), 1.0
            for name, parents in self.parents.items():
                row = tuple(at[p] for p in parents)
                if name in policy:
                    chance *= policy[name][row] == at[name]
                    continue
                place = 0
                for p in parents:
                    place = place * len(domain[p]) + list(domain[p]).index(at[p])
                own = list(domain[name]).index(at[name])
                chance *= self.cpds[name].get_values().reshape(len(domain[name]), -1)[own, place]
            total += chance * sum(at[u] for u in self.agent_utilities[agent])
        return total


def drawn(seed):
    """A sky, a forecast of it, a decision that sees the forecast, and two that are wanted."""
    source, chances = random.Random(seed), np.random.default_rng(seed)
    size = {name: source.randint(2, 3) for name in "SFD"}
    domain = {name: [f"{name.lower()}{i}" for i in range(size[name])] for name in "SFD"}
    domain["D"] = list(range(size["D"]))
    amounts = sorted({float(round(v, 2)) for v in chances.normal(size=3)})

    def columns(values, rows):
        return chances.dirichlet(np.ones(values), size=rows).T

    return Diagram(
        {
            "U": (["S", "D"], amounts, Cpd(columns(len(amounts), size["S"] * size["D"]))),
            "D": (["F"], domain["D"], DecisionDomain(columns(size["D"], size["F"]))),
            "F": (["S"], domain["F"], Cpd(columns(size["F"], size["S"]))),
            "S": ([], domain["S"], Cpd(columns(size["S"], 1))),
            "V": (["D"], [-1, 2], Cpd(columns(2, size["D"]))),
        },
        {0: ["D"]}, {0: ["U", "V"]},
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_the_best_policy_expects_what_trying_them_all_finds(seed):
    diagram = drawn(seed)
    assert float(solve(read_pycid(diagram)).value) == pytest.approx(diagram.best(), abs=1e-12)


def test_a_root_that_is_sure_starts_from_its_value():
    diagram = Diagram(
        {
            "S": ([], ["wet", "dry"], Cpd([[0.0], [1.0]])),
            "D": (["S"], [True, False], DecisionDomain([[0.5, 0.5], [0.5, 0.5]])),
            "U": (["S", "D"], [0, 5], Cpd([[1, 0, 0, 1], [0, 1, 1, 0]])),
        },
        {0: ["D"]}, {0: ["U"]},
    )  # fmt: skip
    network = read_pycid(diagram)
    assert network.account(finite("S", ["wet", "dry"])).start == 1
    assert float(solve(network).value) == 5.0


def game():
    """Two who choose; each wants something of both."""
    return Diagram(
        {
            "A": ([], ["c", "d"], DecisionDomain([[0.5], [0.5]])),
            "B": ([], ["c", "d"], DecisionDomain([[0.5], [0.5]])),
            "UA": (["A", "B"], [0, 1, 3, 5], Cpd(np.eye(4)[:, [2, 0, 3, 1]])),
            "UB": (["A", "B"], [0, 1, 3, 5], Cpd(np.eye(4)[:, [2, 3, 0, 1]])),
        },
        {"a": ["A"], "b": ["B"]}, {"a": ["UA"], "b": ["UB"]},
    )  # fmt: skip


def test_of_several_agents_one_is_named_and_the_others_follow_their_policies():
    with pytest.raises(DeclarationError, match=r"name the one who decides, agent="):
        read_pycid(game())
    with pytest.raises(DeclarationError, match=r"no agent 'c'"):
        read_pycid(game(), agent="c")
    with pytest.raises(DeclarationError, match=r"B is a decision of another agent without a pol"):
        read_pycid(game(), agent="a")
    made = game()
    made.cpds["B"] = Cpd([[0.25], [0.75]])
    network = read_pycid(made, agent="a")
    assert {str(node) for node in network.nodes} == {"A", "B", "UA"}
    assert float(solve(network).value) == pytest.approx(made.best("a")) == 0.25 * 5 + 0.75 * 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d.cpds.update(F=None), "F has no CPD yet"),
        (lambda d: d.cpds.update(U=None), "U has no CPD yet"),
        (lambda d: d.cpds.update(F=Cpd([[0.5, 0.5]])), "F has chances of another shape"),
        (lambda d: d.cpds.update(S=Cpd([[0.4], [0.4]])), "0.8"),
        (lambda d: d.model.domain.update(V=["x", "y"]), "The utility V takes x, y: write numbers"),
        (lambda d: d.model.domain.update(V=[1, float("nan")]), "The utility V takes 1, nan"),
        (lambda d: d.model.domain.update(S=[1, "1"]), "S has two values that read 1"),
        (lambda d: d.parents.update(F=["U"]), "F follows from the utility U"),
    ],
)
def test_what_is_no_such_diagram_says_so(change, told):
    diagram = drawn(4)
    assert len(diagram.model.domain["S"]) == 2
    change(diagram)
    with pytest.raises(DeclarationError, match=told):
        read_pycid(diagram)


@pytest.mark.parametrize("given", [None, "diagram", {"nodes": []}])
def test_what_is_no_diagram_says_so(given):
    with pytest.raises(DeclarationError, match="no influence diagram of PyCID"):
        read_pycid(given)


# -- the way back ----------------------------------------------------------------------------------


class FunctionCpd(Cpd):
    """What PyCID makes of a function: it asks for the chances of each row, by names."""

    def __init__(self, variable, function, diagram, domain):
        assert isinstance(domain, list)
        parents = diagram.get_parents(variable)
        states = itertools.product(*(diagram.model.domain[p] for p in parents))
        rows = [function(**dict(zip(parents, state, strict=True))) for state in states]
        super().__init__([[row[value] for row in rows] for value in domain])
        self.variable, self.domain = variable, domain


class Cid(Diagram):
    """A diagram that is built up as PyCID's are."""

    def __init__(self, edges, decisions, utilities):
        ends = {end: [a for a, b in edges if b == end] for edge in edges for end in edge}
        super().__init__({n: (p, None, None) for n, p in ends.items()},
                         {0: decisions}, {0: utilities})  # fmt: skip
        self.model.domain.clear()

    def add_nodes_from(self, nodes):
        for node in nodes:
            self.parents.setdefault(node, [])

    def add_cpds(self, *cpds, **domains):
        for cpd in cpds:
            self.model.domain[cpd.variable], self.cpds[cpd.variable] = cpd.domain, cpd
        for name, domain in domains.items():
            assert all(p in self.model.domain for p in self.parents[name])
            self.model.domain[name] = domain
            rows = int(np.prod([len(self.model.domain[p]) for p in self.parents[name]], dtype=int))
            self.cpds[name] = DecisionDomain(np.full((len(domain), rows), 1 / len(domain)))


@pytest.fixture
def library(monkeypatch):
    double = types.SimpleNamespace(CID=Cid, StochasticFunctionCPD=FunctionCpd)
    monkeypatch.setitem(sys.modules, "pycid", double)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("seed", range(6))
def test_a_network_goes_out_and_comes_back(seed):
    diagram = drawn(seed)
    network = read_pycid(diagram)
    back = write_pycid(network)
    assert back.best() == pytest.approx(diagram.best(), abs=1e-12)
    again = read_pycid(back)
    assert solve(again).value == pytest.approx(float(solve(network).value), abs=1e-12)
    assert {str(n) for n in again.nodes} == {str(n) for n in network.nodes}


x, gain = named_variables("x gain")
bet, coin = finite("bet", ["heads", "tails"]), finite("coin", ["heads", "tails"])
FAIR = table((), {"heads": 0.5, "tails": 0.5})
WIN = {"heads": {"heads": 1, "tails": 0}, "tails": {"heads": 0, "tails": 1}}


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("network", "told"),
    [
        (Network({coin: FAIR}), "has a decision and a utility"),
        (Network({coin: FAIR, bet: decision(())}), "has a decision and a utility"),
        (Network({coin: FAIR, x: 2 * gain, bet: decision(()), gain: utility((bet, coin), WIN)}),
         "x takes no named values"),
        (Network({coin: FAIR, bet: decision(()),
                  gain: utility((bet,), {"heads": parameter("g"), "tails": 1})},
                 parameters={parameter("g"): 2}), "gain has symbols in it"),
    ],
)  # fmt: skip
def test_what_no_diagram_holds_says_so(network, told):
    with pytest.raises(DeclarationError, match=told):
        write_pycid(network)


def test_without_the_library_it_says_how_it_installs(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycid", None)
    network = Network({coin: FAIR, bet: decision(()), gain: utility((bet, coin), WIN)})
    with pytest.raises(DeclarationError, match="an environment of its own: pip install --no-deps"):
        write_pycid(network)
