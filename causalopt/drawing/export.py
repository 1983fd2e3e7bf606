"""A model's graph by names alone, for the formats that networkx writes."""

from __future__ import annotations

from collections import Counter

import networkx as nx

from causalopt.ground.errors import QueryError
from causalopt.ground.letters import visible
from causalopt.language.symbols import Quantity
from causalopt.model.interface import Model


def named_graph(model: Model) -> nx.DiGraph:
    """The graph of a system's variables, or of a network's nodes, by their names.

    Nodes are text, control characters shown by their symbols. They have as attributes, where there
    is one, their ``unit``, the ``formula`` that was declared and the value that they ``start``
    from; edges of a system have their ``lag``. So networkx writes them in all of its formats: with
    ``graph = named_graph(system)``, ``networkx.write_graphml(graph, "system.graphml")`` and
    ``json.dumps(networkx.node_link_data(graph))`` just work.

    Raises ``QueryError`` where two nodes read alike.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R", unit="degC")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> graph = named_graph(room)
    >>> list(graph.edges(data="lag"))
    [('T', 'R', 1), ('R', 'T', 1), ('R', 'R', 1)]
    >>> graph.nodes["T"]
    {'unit': 'degC', 'formula': 'R - 25', 'start': 10.0}
    """
    if not isinstance(model, Model):
        raise QueryError(f"{type(model).__name__} has no graph: give a System or a Network.")
    names = {node: visible(model.name_of(node)) for node in model.graph}
    twice = [name for name, count in Counter(names.values()).items() if count > 1]
    if twice:
        raise QueryError(
            f"Two nodes read {twice[0]!r} once control characters are shown: rename one."
        )
    graph = nx.DiGraph()
    for node, name in names.items():
        graph.add_node(name, **_attributes(model, node))
    for source, target, said in model.graph.edges(data=True):
        graph.add_edge(names[source], names[target], **said)
    return graph


def _attributes(model: Model, node: object) -> dict[str, str | float]:
    first, later = model.account(node, 0), model.account(node, 1)
    unit = node.unit if isinstance(node, Quantity) else ""
    said: dict[str, str | float] = {"unit": visible(unit)} if unit else {}
    if later.declared is not None:
        said["formula"] = visible(str(later.declared))
    if first.start is not None:
        said["start"] = first.start if isinstance(first.start, float) else str(first.start)
    return said
