"""DAGitty, the text in which causal graphs are drawn and shared: read into a graph, and written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import ClassVar

import networkx as nx

from causalopt.exchange.arrows import check_graph
from causalopt.exchange.chances import Word, check_shows
from causalopt.exchange.reading import FileText
from causalopt.exchange.scanner import Scanner
from causalopt.ground.checks import as_path
from causalopt.ground.errors import DeclarationError
from causalopt.ground.files import replacement

#: The most nodes and arrows of a graph, and how deep groups may stand in one another.
MOST_NODES, MOST_ARROWS, MOST_GROUPS = 20_000, 50_000, 20
#: The most words and marks of a text: so many nodes and arrows take fewer.
MOST_TOKENS = 250_000

#: What a node may be said to be, with the short forms of it.
ROLES = {
    "exposure": ("exposure", "source", "e"),
    "outcome": ("outcome", "target", "o"),
    "adjusted": ("adjusted", "a"),
    "latent": ("latent", "unobserved", "l", "u"),
    "selected": ("selected", "s"),
}
_ROLE_OF = {word: role for role, words in ROLES.items() for word in words}
_ARROWS = ("->", "<-", "<->")
_TOKEN = re.compile(
    r"""(?:\s++|//[^\n]*+|\#[^\n]*+|/\*(?s:.*?)\*/)*+
    (?:"(?P<quoted>[^"\n]*+)"|(?P<mark><->|<-|->|--|[{}\[\];,=])|(?P<word>[^\s{}\[\];,="<>\-\#/]++)
    |\Z)""",
    re.VERBOSE,
)
_VALUE = re.compile(r"""\s*+(?:"([^"\n]*+)"|([^\s,\]"]++))""")
_PLAIN = re.compile(r"[A-Za-z0-9_.]+")


def read_dagitty(path: str | os.PathLike[str]) -> nx.DiGraph:
    """The graph of a DAGitty file, as a ``networkx.DiGraph`` of names.

    Nodes have what is said of them as attributes: ``exposure``, ``outcome``, ``adjusted``,
    ``latent`` and ``selected`` are True where they are, others (``pos``, say) are text. An arrow
    with two heads, x <-> y, is what it stands for: a latent node "U(x, y)" with an arrow to each.
    ``Network.from_graph(graph, mechanism, start=...)`` gives all nodes a mechanism.

    Raises ``FileError``, with line and column, for what is no DAGitty text, for graphs of other
    kinds than ``dag``, a cycle, and more nodes or arrows than are read.

    Source: Textor et al., "Robust causal inference using directed acyclic graphs: the R package
    'dagitty'" (2016).

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "smoking.txt")
    >>> _ = path.write_text('dag { smoking [exposure] cancer [outcome]; smoking -> tar -> cancer }')
    >>> graph = read_dagitty(path)
    >>> list(graph.edges), graph.nodes["smoking"]
    ([('smoking', 'tar'), ('tar', 'cancer')], {'exposure': True})
    """
    reading = _Reading(FileText.of(path, "a graph in DAGitty"))
    reading.skip("dag", "'dag', the kind of graph that is read,")
    if reading.is_name:
        reading.advance()
    reading.skip("{")
    reading.statements(0)
    if reading.kind:
        reading.refuse("the end of the file")
    if not reading.graph:
        raise reading.source.refusal(0, "no node is named here: a graph has one or more.")
    if not nx.is_directed_acyclic_graph(reading.graph):
        source, target, *_ = nx.find_cycle(reading.graph)[0]
        told = f"the arrows run in a circle, through {source} -> {target}: a dag has no cycle."
        raise reading.source.refusal(0, told)
    return reading.graph


def write_dagitty(graph: nx.DiGraph, path: str | os.PathLike[str]) -> None:
    """Write a graph of names as a DAGitty file, which ``read_dagitty`` reads back.

    Roles that are True, and ``pos``, are written of a node, and nothing else. That of a network is
    ``causalopt.named_graph(network)``.

    Raises ``DeclarationError`` for a graph with a cycle, as that of a system over time is
    (``system.unroll(steps)`` has none), and a name that holds a quote or what no page shows.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "graph.txt")
    >>> write_dagitty(nx.DiGraph([("a", "b c")]), path)
    >>> print(path.read_text())
    dag {
    a
    "b c"
    a -> "b c"
    }
    """
    check_graph(graph)
    if not nx.is_directed_acyclic_graph(graph):
        raise DeclarationError(
            "The graph has a cycle, and DAGitty holds none: of a system, write the graph of some "
            "steps, named_graph(system.unroll(3))."
        )
    lines = [f"{_written(node)}{_said(about)}" for node, about in graph.nodes(data=True)]
    lines += [f"{_written(source)} -> {_written(target)}" for source, target in graph.edges]
    with replacement(as_path(path, "path", "graph.txt")) as temporary:
        temporary.write_text("\n".join(("dag {", *lines, "}\n")), encoding="utf-8")


def _written(node: object) -> str:
    text = _checked(str(node))
    return text if _PLAIN.fullmatch(text) else f'"{text}"'


def _said(about: Mapping[str, object]) -> str:
    said = [role for role in ROLES if about.get(role) is True]
    if "pos" in about:
        said.append(f'pos="{_checked(str(about["pos"]))}"')
    return f" [{', '.join(said)}]" if said else ""


def _checked(text: str) -> str:
    if not text.strip() or not text.isprintable() or '"' in text:
        raise DeclarationError(f"{text!a} cannot be a name in DAGitty: write letters, no quote.")
    return text


# -- reading ---------------------------------------------------------------------------------------


@dataclass
class _Reading(Scanner):
    """A text that is read token by token, and the graph that grows of it."""

    pattern: ClassVar[re.Pattern[str]] = _TOKEN
    blanks: ClassVar[re.Pattern[str]] = re.compile(r"\s*+")

    graph: nx.DiGraph = field(default_factory=nx.DiGraph)
    tokens: int = 0
    arrows: int = 0

    def advance(self) -> None:
        self.tokens += 1
        if self.tokens > MOST_TOKENS:
            told = f"there are more than {MOST_TOKENS:,} words and marks (MOST_TOKENS)."
            raise self.source.refusal(self.offset, told)
        super().advance()

    def statements(self, depth: int) -> list[str]:
        """Nodes and arrows up to the end of a group, which is left behind; the nodes in it."""
        inside: dict[str, None] = {}
        while not self.at("}"):
            if self.at(";", ","):
                self.advance()
                continue
            ends = self.ends(depth)
            inside |= dict.fromkeys(ends)
            while self.at(*_ARROWS, "--"):
                arrow, offset = self.text, self.offset
                self.advance()
                others = self.ends(depth)
                self.join(ends, arrow, others, offset)
                inside |= dict.fromkeys(others)
                ends = others
        self.advance()
        return list(inside)

    def ends(self, depth: int) -> list[str]:
        """What an arrow begins or ends at: a node, with what is said of it, or a group."""
        if self.at("{"):
            if depth == MOST_GROUPS:
                told = f"groups stand deeper than {MOST_GROUPS} in one another."
                raise self.source.refusal(self.offset, told)
            self.advance()
            return self.statements(depth + 1)
        if not self.is_name:
            self.refuse("the name of a node")
        word = Word(self.text, self.offset)
        self.advance()
        if self.at("="):
            # Of the graph as a whole, such as bb="0,0,1,1".
            self.value()
            return []
        if word.text not in self.graph:
            check_shows(self.source, word)
            self.graph.add_node(word.text)
            self.check_nodes(word.offset)
        if self.at("["):
            self.graph.add_node(word.text, **self.attributes())
        return [word.text]

    def check_nodes(self, offset: int) -> None:
        """Raise ``FileError`` for more nodes than are read, those of hidden causes too."""
        if len(self.graph) > MOST_NODES:
            told = f"there are more than {MOST_NODES:,} nodes (MOST_NODES)."
            raise self.source.refusal(offset, told)

    def attributes(self) -> dict[str, object]:
        """What stands in brackets behind a node or an arrow, of which the first is at hand."""
        about: dict[str, object] = {}
        self.advance()
        while not self.at("]"):
            if self.at(",", ";"):
                self.advance()
                continue
            if not self.is_name:
                self.refuse("what is said of a node, or ']',")
            name = self.text
            self.advance()
            if self.at("="):
                about[name] = self.value()
            else:
                about[_ROLE_OF.get(name, name)] = True
        self.advance()
        return about

    def value(self) -> str:
        """The text behind an equals sign."""
        found = _VALUE.match(self.source.text, self.end)
        if found is None:
            raise self.source.refusal(self.offset, "a value was expected behind '='.")
        self.go_behind(found)
        return found[1] if found[1] is not None else found[2]

    def join(self, ends: Iterable[str], arrow: str, others: Iterable[str], offset: int) -> None:
        if arrow == "--":
            told = "'--' has no direction, and graphs of arrows alone are read: write -> or <-."
            raise self.source.refusal(offset, told)
        for first, second in product(ends, others):
            # Counted as they are drawn, again too: networkx would count all of them each time.
            self.arrows += 1
            if self.arrows > MOST_ARROWS:
                told = f"there are more than {MOST_ARROWS:,} arrows (MOST_ARROWS)."
                raise self.source.refusal(offset, told)
            if arrow == "->":
                self.graph.add_edge(first, second)
            elif arrow == "<-":
                self.graph.add_edge(second, first)
            else:
                hidden = f"U({', '.join(sorted((first, second)))})"
                self.graph.add_node(hidden, latent=True)
                self.graph.add_edges_from(((hidden, first), (hidden, second)))
                self.check_nodes(offset)
