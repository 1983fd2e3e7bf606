"""Objects of other libraries that are made to do harm, or broken: plants, diagrams and graphs."""

import types

import networkx as nx
import numpy as np
from exchange.model_text_attacks import TOUCH
from exchange.test_pycid import Cpd, DecisionDomain, Diagram
from sympy import Add

from causalopt import Network
from causalopt.exchange import plant_of, read_pycid, write_dagitty, write_dot, write_graphml


def space(A, **more):
    """A state space of one input and one output, with other parts where these are given."""
    n = len(A)
    parts = {"A": A, "B": np.ones((n, 1)), "C": np.ones((1, n)), "D": [[0.0]], "dt": 1.0}
    return types.SimpleNamespace(**{**parts, **more})


class Transfer:
    """A transfer function whose state space is an error, or something else."""

    def __init__(self, space_or_error):
        self.made = space_or_error

    def to_ss(self):
        if isinstance(self.made, Exception):
            raise self.made
        return self.made


#: Plants, each with a part of what is told; nothing where it is read.
PLANTS = {
    "code for a label": (space([[0.5]], state_labels=[TOUCH]), ""),
    "code for numbers": (space(TOUCH, B=TOUCH, C=TOUCH, D=TOUCH), "A of the plant is no matrix"),
    "code for a step": (space([[0.5]], dt=TOUCH), "dt of the plant is"),
    "no numbers": (space([[np.nan]]), "A of the plant is no matrix"),
    "a number of 400 digits": (space([[10**400]]), "A of the plant is no matrix"),
    "rows of two lengths": (space([[1, 2], [3]]), "A of the plant is no matrix"),
    "a block": (space(np.ones((2, 2, 2))), "A of the plant is no matrix"),
    "truths": (space([[True]]), "A of the plant is no matrix"),
    "another shape": (space(np.ones((2, 3))), r"A has shape \(2, 3\)"),
    "steps": (space([[0.5]], dt=np.ones(3)), "dt of the plant is"),
    "a step back": (space([[0.5]], dt=-1), "above 0"),
    "a step without end": (space([[0.5]], dt=10**400), "dt of the plant is"),
    "no name": (space([[0.5]], state_labels=[""]), "cannot name a variable"),
    "one name for all": (space([[0.5]], state_labels=["y"]), "are called y"),
    "many states": (space(np.eye(2_000)), ""),
    "many entries": (space(np.ones((400, 400))), "MOST_ENTRIES"),
    "no plant": (types.SimpleNamespace(), "no linear plant"),
    "nothing": (None, "no linear plant"),
    "an error of its own": (Transfer(RuntimeError("no")), "has no state space"),
    "a number too large": (Transfer(OverflowError("no")), "has no state space"),
    "no state space": (Transfer(None), "a state space without A, B, C, D and dt"),
}


def _diagram(**others):
    """A diagram of one decision, and others in the place of its chance node and utility."""
    nodes = {
        "D": ([], ["a", "b"], DecisionDomain([[0.5], [0.5]])),
        "X": ([], ["u", "v"], Cpd([[0.25], [0.75]])),
        "U": (["D", "X"], [0, 1], Cpd([[1, 0, 0, 1], [0, 1, 1, 0]])),
    }
    return Diagram({**nodes, **others}, {0: ["D"]}, {0: ["U"]})


def _chances(held):
    return types.SimpleNamespace(get_values=lambda: np.array(held))


_HALVES = Cpd([[0.5, 0.5], [0.5, 0.5]])
_OF_D = {"U": (["D"], [0, 1], Cpd([[1, 0], [0, 1]]))}

#: Influence diagrams.
DIAGRAMS = {
    "code for values": (_diagram(X=([], [TOUCH, "v"], Cpd([[0.25], [0.75]]))), ""),
    "code for chances": (_diagram(X=([], ["u", "v"], _chances([[TOUCH], ["1"]]))), "no real numb"),
    "complex chances": (_diagram(X=([], ["u", "v"], _chances([[1j], [1.0]]))), "no real numbers"),
    "no chances": (_diagram(X=([], ["u", "v"], _chances(None))), "no real numbers"),
    "no numbers": (_diagram(X=([], ["u", "v"], Cpd([[np.nan], [1]]))), "the mass nan"),
    "less than nothing": (_diagram(X=([], ["u", "v"], Cpd([[-1], [2]]))), "the mass -1"),
    "half": (_diagram(X=([], ["u", "v"], Cpd([[0.25], [0.25]]))), "sum to 0.5"),
    "another shape": (_diagram(X=([], ["u", "v"], Cpd([[1]]))), "chances of another shape"),
    "no values": (_diagram(X=([], [], Cpd(np.zeros((0, 1))))), "has no values"),
    "one value twice": (_diagram(X=([], ["u", "u"], Cpd([[0.5], [0.5]]))), "two values that read"),
    "a parent that is not there": (_diagram(X=(["Q"], ["u", "v"], _HALVES)), "the parent 'Q'"),
    "one parent twice": (
        _diagram(X=(["Y", "Y"], ["u", "v"], Cpd(np.full((2, 4), 0.5))),
                 Y=([], ["u", "v"], Cpd([[0.5], [0.5]]))), "a parent twice"),
    "a circle": (
        _diagram(X=(["Y"], ["u", "v"], _HALVES), Y=(["X"], ["u", "v"], _HALVES)), "a cycle"),
    "code for a utility": (
        _diagram(U=(["D"], [TOUCH, "1"], Cpd([[1, 0], [0, 1]]))), "write numbers"),
    "a utility without end": (
        _diagram(U=(["D"], ["1e999", 1], Cpd([[1, 0], [0, 1]]))), "write numbers"),
    "many values": (
        _diagram(X=([], [*map(str, range(9_000))], Cpd(np.full((9_000, 1), 1 / 9_000))), **_OF_D),
        ""),
    "many rows": (
        _diagram(**{f"X{i}": ([], ["u", "v"], Cpd([[0.5], [0.5]])) for i in range(16)},
                 Y=([f"X{i}" for i in range(16)], ["u", "v"], Cpd(np.full((2, 2**16), 0.5)))), ""),
}  # fmt: skip


def _path(count):
    return nx.path_graph(count, create_using=nx.DiGraph)


#: Graphs of networkx as networks.
GRAPHS = {
    "code for a name": (nx.DiGraph([(TOUCH, "b")]), ""),
    "a circle": (nx.DiGraph([(1, 2), (2, 1)]), "a cycle"),
    "itself": (nx.DiGraph([(1, 1)]), "a cycle"),
    "both ways": (nx.Graph([(1, 2)]), "takes a networkx.DiGraph"),
    "an arrow twice": (nx.MultiDiGraph([(1, 2), (1, 2)]), "2 edges from 1 to 2"),
    "nothing": (None, "takes a networkx.DiGraph"),
    "a long chain": (_path(20_000), ""),
    "many parents": (nx.DiGraph([(i, "c") for i in range(500)]), ""),
}
#: Graphs on their way out.
WRITTEN = {
    "code for a name": (nx.DiGraph([(TOUCH, '"]; system("x"')]), "|cannot be a name"),
    "code for what is said": (nx.DiGraph([(1, 2, {"label": '"];a->b[x="'})]), ""),
    "a long chain": (_path(20_000), ""),
}


def _network_of(graph):
    return Network.from_graph(graph, lambda *parents: Add(*parents), start=1.0)


#: Each reader of objects, with what it is attacked by.
ATTACKS = {"control": (plant_of, PLANTS), "pycid": (read_pycid, DIAGRAMS),
           "networkx": (_network_of, GRAPHS)}  # fmt: skip
WRITERS = {"dot": write_dot, "graphml": write_graphml, "dagitty": write_dagitty}
