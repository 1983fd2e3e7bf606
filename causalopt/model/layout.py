"""How the nodes of a model without time are laid out in results: in one table, or each alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from causalopt.ground.errors import DeclarationError
from causalopt.language.domains import REAL, Domain, domain_of
from causalopt.language.naming import refuse_names_of_dims
from causalopt.language.symbols import Label, Variable
from causalopt.model.interface import Axis, Place, Series
from causalopt.model.labels import Labels
from causalopt.model.selection import Key


@dataclass(frozen=True)
class Layout(ABC):
    """Where the nodes with these labels are found in results."""

    index: Labels

    @property
    @abstractmethod
    def series(self) -> tuple[Series, ...]:
        """What a run gives."""

    @abstractmethod
    def place(self, label: Label) -> Place:
        """Where a node is found."""

    @abstractmethod
    def node(self, series: Key, row: int) -> Label:
        """The node in a row of a series."""

    @abstractmethod
    def limited(self, series: Series) -> Sequence[tuple[int | None, Domain]]:
        """The rows of a series (None: all) of whose values something is assumed, and what."""

    @property
    @abstractmethod
    def rows(self) -> range:
        """The rows of each series."""

    @abstractmethod
    def axis(self, rows: range | Sequence[int]) -> Axis:
        """The coordinate of rows."""


@dataclass(frozen=True)
class InOneTable(Layout):
    """Numbers: all nodes are one series, with a row for each."""

    @property
    def series(self) -> tuple[Series, ...]:
        """All of the nodes, as one series."""
        return (Series(None, "value", "", REAL),)

    def place(self, label: Label) -> Place:
        """The row of a node."""
        row = self.index[label]
        return Place(None, range(row, row + 1))

    def node(self, series: Key, row: int) -> Label:
        """The node in a row."""
        return self.index.nodes[row]

    def limited(self, series: Series) -> Sequence[tuple[int | None, Domain]]:
        """The rows of nodes whose values are assumed to be positive, whole, ..."""
        return self.index.limited

    @property
    def rows(self) -> range:
        """A row for each node."""
        return range(len(self.index.nodes))

    def axis(self, rows: range | Sequence[int]) -> Axis:
        """The nodes' labels as text; as whole numbers where they are a range."""
        nodes = self.index.nodes
        if isinstance(nodes, range):
            numbers = np.arange(nodes.start, nodes.stop, nodes.step)
            part = slice(rows.start, rows.stop, rows.step) if isinstance(rows, range) else rows
            return Axis("node", range(len(rows)), labels=numbers[part])
        return Axis("node", range(len(rows)), labels=[self.index.names[row] for row in rows])


@dataclass(frozen=True)
class EachAlone(Layout):
    """Arrays, of shapes of their own, and numbers beside them: each node is a series of one row.

    Raises ``DeclarationError`` for nodes that are no variables, or are called like a dim.
    """

    def __post_init__(self) -> None:
        strange = next((v for v in self.index.nodes if not isinstance(v, Variable)), None)
        if strange is not None:
            raise DeclarationError(
                f"{strange!r} ({type(strange).__name__}) is a node of a network with arrays or "
                "functions, whose nodes are variables: label it by one, such as "
                'array("h", 3) or variable("y").'
            )
        refuse_names_of_dims(self.index.nodes)

    @property
    def series(self) -> tuple[Series, ...]:
        """The nodes, each by itself."""
        named = zip(self.index.nodes, self.index.names, strict=True)
        return tuple(Series(v, name, getattr(v, "unit", ""), domain_of(v)) for v, name in named)

    def place(self, label: Label) -> Place:
        """The one row of a node."""
        return Place(label, self.rows)

    def node(self, series: Key, row: int) -> Label:
        """The node, which its series is called by."""
        return series

    def limited(self, series: Series) -> Sequence[tuple[int | None, Domain]]:
        """The row of a number that is assumed to be positive, whole, ..."""
        return series.limited

    @property
    def rows(self) -> range:
        """One row."""
        return range(1)

    def axis(self, rows: range | Sequence[int]) -> Axis:
        """One row, which is not shown."""
        return Axis("row", range(1), is_shown=False)
