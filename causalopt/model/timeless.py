"""Models without time: nodes by their labels, how these are named and laid out."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.language.domains import Domain, domain_of
from causalopt.language.parts import PartOf
from causalopt.language.symbols import Label
from causalopt.model.columns import Columns
from causalopt.model.interface import Axis, Model, Place, Series
from causalopt.model.labels import Labels
from causalopt.model.layout import EachAlone, InOneTable, Layout
from causalopt.model.selection import Key, Stretch, held_together
from causalopt.model.shapes import check_shapes, refuse_swept_array, what_is_no_number


class Timeless(Model):
    """A model of labelled nodes, which has no time."""

    columns: Columns

    @property
    @abstractmethod
    def nodes(self) -> Sequence[Label]:
        """All nodes."""

    # -- which nodes are meant -------------------------------------------------------------------

    @functools.cached_property
    def index(self) -> Labels:
        """The place of each node and input in the columns, and how users name them."""
        return Labels(self.columns.labels, self.columns.inputs)

    def select(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The nodes that a user names: a label, a variable over time (unrolled), or a list.

        Of an unrolled system, the Runge-Kutta stages between two steps in a row come along. Of
        nodes that hold arrays, parts may be named.
        """
        if isinstance(target, PartOf):
            return tuple(replace(s, part=target.subspace) for s in self.select(target.nodes))
        # Where there are parts, labels are variables, and no tuple is one.
        several = target if isinstance(target, list | tuple | set | frozenset) else ()
        if several and self.holds_arrays:
            return held_together([at for part in several for at in self.select(part)])
        return tuple(Stretch(label, 0, 1) for label in self.index.select(target))

    def onward(self, target: object, steps: int | None = None) -> tuple[Stretch, ...]:
        """The nodes that a user names of an unrolled system, and the same at every later step."""
        return tuple(Stretch(label, 0, 1) for label in self.index.onward(target))

    def single(self, target: object, steps: int | None, name: str) -> Stretch:
        """The one node that a user names as ``name``."""
        places = self.select(target)
        if len(places) != 1:
            raise QueryError(
                f"{name} = {target} names {len(places)} nodes: name one, such as {places[0].key}."
            )
        return places[0]

    def check_swept(self, target: object) -> None:
        """What takes many values in one run is a node or a parameter."""
        refuse_swept_array(target, self.parameter_arrays)
        self.index.check_swept(target)

    def size(self, steps: int) -> int:
        """The number of its nodes."""
        return len(self.nodes)

    def find(self, text: str) -> object:
        """The node of this name, or the text itself."""
        return self.index.find(text)

    def name_of(self, label: Label) -> str:
        """Its text, and its kind where another node has the same text."""
        return self.index.name_of(label)

    def locate(self, node: object) -> Label:
        """The node itself, or an error that names the nearest one."""
        return self.index.locate(node)

    # -- arrays ----------------------------------------------------------------------------------

    @functools.cached_property
    def holds_arrays(self) -> bool:
        """Whether a node holds an array, or follows by a function."""
        return any(rule.is_opaque for rule in self.columns.mechanisms) or self.index.has_arrays

    def check_arrays(self) -> None:
        """Raise ``DeclarationError`` where arrays, functions and names do not fit together."""
        self.layout  # noqa: B018  # a cached property, which checks names
        if self.holds_arrays:
            accounts = {node: self.account(node, 0) for node in self.nodes}
            rules = {v: a.assigned.renamed(a.names) for v, a in accounts.items() if a.assigned}
        else:
            # Numbers that follow by one mechanism are alike.
            kinds, firsts = np.unique(self.columns.kinds, return_index=True)
            pairs = zip(kinds.tolist(), firsts.tolist(), strict=True)
            rules = {self.nodes[i]: self.columns.mechanisms[k] for k, i in pairs if k >= 0}
        check_shapes(rules, self.parameter_arrays)

    def check_numbers(self, act: str) -> None:
        """Raise ``QueryError`` for the first node with an array or a function."""
        for node in self.nodes if self.holds_arrays else ():
            rule = self.account(node, 0).declared
            if domain_of(node).shape or (rule is not None and rule.is_opaque):
                raise QueryError(what_is_no_number(act, node, rule))

    # -- runs and results ------------------------------------------------------------------------

    @functools.cached_property
    def layout(self) -> Layout:
        """How its nodes are laid out in results."""
        return EachAlone(self.index) if self.holds_arrays else InOneTable(self.index)

    @property
    def series(self) -> tuple[Series, ...]:
        """All of the nodes as one series of numbers; each as one where there are arrays."""
        return self.layout.series

    def place(self, stretch: Stretch) -> Place:
        """The row of a node."""
        return self.layout.place(stretch.key)

    def node(self, series: Key, row: int) -> Label:
        """The node in a row."""
        return self.layout.node(series, row)

    def limited(self, series: Series) -> Sequence[tuple[int | None, Domain]]:
        """The rows of nodes whose values are assumed to be positive, whole, ..."""
        return self.layout.limited(series)

    def rows(self, steps: int | None) -> range:
        """A row for each node, or one alone where each is a series."""
        return self.layout.rows

    def axis(self, rows: range | Sequence[int]) -> Axis:
        """The nodes' labels as text; as whole numbers where they are a range."""
        return self.layout.axis(rows)
