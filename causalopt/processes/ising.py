"""Ising and QUBO models as energies: fields and couplings, from graphs and from dimod."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import networkx as nx
import numpy as np
import numpy.typing as npt
import sympy
from sympy import Add, Expr

from causalopt.ground.checks import as_floats, as_list, as_mapping, as_whole, shown
from causalopt.ground.checks import finite as finite_number
from causalopt.ground.errors import DeclarationError
from causalopt.ground.readonly import ReadOnly
from causalopt.ground.types import Floats
from causalopt.language.finite_variables import Finite, as_finite, finite
from causalopt.language.words import listed


class VarType(Protocol):
    """Which values the variables of a model of dimod's take."""

    @property
    def name(self) -> str:
        """SPIN or BINARY."""


class BinaryQuadraticModel(Protocol):
    """What is read of a ``dimod.BinaryQuadraticModel``."""

    @property
    def variables(self) -> Iterable[Hashable]:
        """The names of the variables, in order."""

    @property
    def vartype(self) -> VarType:
        """Spins, or 0 and 1."""

    @property
    def linear(self) -> Mapping[Hashable, float]:
        """The fields by name."""

    @property
    def quadratic(self) -> Mapping[tuple[Hashable, Hashable], float]:
        """The couplings by pairs of names."""

    @property
    def offset(self) -> float:
        """The energy that every state has."""


@dataclass(frozen=True)
class Ising:
    """E = offset + sum_i h_i s_i + sum_{i<j} J_ij s_i s_j, which is minimised (dimod's signs).

    Spins s are finite variables with the values -1 and 1; where it was made by ``qubo``, with the
    values 0 and 1, and E = offset + sum_i Q_ii x_i + sum_{i<j} Q_ij x_i x_j. ``fields`` has one
    number a spin, ``couplings`` one for each pair of places i < j. Made by ``of_graph``, ``of_bqm``
    and ``qubo``. Couplings of one pair, in whichever order, add up; that of a spin with itself is a
    constant (s s = 1) and joins the offset, or, of a variable of 0 and 1, its field (x x = x).

    >>> import networkx as nx
    >>> ring = Ising.of_graph(nx.cycle_graph(3), coupling=1.0)
    >>> ring.energies([[1, 1, 1], [1, -1, 1]])
    array([ 3., -1.])
    """

    spins: tuple[Finite, ...]
    fields: tuple[float, ...]
    couplings: Mapping[tuple[int, int], float]
    offset: float = 0.0

    def __post_init__(self) -> None:
        spins = tuple(map(_spin, as_list(self.spins, "spins", "[s0, s1]")))
        fields = [finite_number(h, "a field") for h in as_list(self.fields, "fields", "[0, 0]")]
        if len(fields) != len(spins):
            raise DeclarationError(
                f"There are {len(fields)} fields for {len(spins)} spins: write one for each."
            )
        offset = finite_number(self.offset, "offset")
        pairs: dict[tuple[int, int], float] = {}
        for (i, j), coupling in _couplings(self.couplings, len(spins)):
            if i == j:
                # Of two values a and b, v v = (a + b) v - a b: 1 of spins, x of 0 and 1.
                low, high = (float(value) for value in spins[i].values)
                fields[i] += coupling * (low + high)
                offset -= coupling * low * high
            else:
                pair = min(i, j), max(i, j)
                pairs[pair] = pairs.get(pair, 0.0) + coupling
        object.__setattr__(self, "fields", tuple(fields))
        object.__setattr__(self, "spins", spins)
        object.__setattr__(self, "couplings", ReadOnly(pairs))
        object.__setattr__(self, "offset", offset)

    @classmethod
    def of_graph(
        cls, graph: nx.Graph, *, coupling: str | float = "weight", field: str | float = 0.0
    ) -> Ising:
        """Spins at the nodes of an undirected graph, couplings J along its edges.

        ``coupling`` and ``field`` are numbers, or the names of the attributes of edges and nodes
        that hold them; a node without the attribute has no field. J < 0 aligns two spins. Parallel
        edges of a ``MultiGraph`` add up; a loop from a node to itself adds its J to every energy.
        """
        if not isinstance(graph, nx.Graph) or isinstance(graph, nx.DiGraph):
            raise DeclarationError(
                f"of_graph takes an undirected networkx.Graph, not {type(graph).__name__}."
            )
        place = {node: i for i, node in enumerate(graph)}
        own = [data for _, data in graph.nodes(data=True)]
        fields = [data.get(field, 0.0) if isinstance(field, str) else field for data in own]
        couplings: dict[tuple[int, int], float] = {}
        for u, v, data in graph.edges(data=True):
            if isinstance(coupling, str) and coupling not in data:
                raise DeclarationError(
                    f"The edge {u!r} - {v!r} has no attribute {coupling!r}: give it one, or write "
                    "coupling=1.0 for all."
                )
            strength = data[coupling] if isinstance(coupling, str) else coupling
            pair = min(place[u], place[v]), max(place[u], place[v])
            names = " - ".join(map(_label, (u, v)))
            number = finite_number(strength, f"the coupling {names}")
            couplings[pair] = couplings.get(pair, 0.0) + number
        return cls._build(list(graph), fields, couplings, 0.0, (-1, 1))

    @classmethod
    def of_bqm(cls, bqm: BinaryQuadraticModel) -> Ising:
        """The model of a ``dimod.BinaryQuadraticModel``, in its own values: spins or 0 and 1."""
        if not all(hasattr(bqm, name) for name in ("variables", "vartype", "linear", "quadratic")):
            raise DeclarationError(
                f"{bqm!r} is no dimod.BinaryQuadraticModel: give one, or write Ising.qubo(Q)."
            )
        names = list(bqm.variables)
        place = {name: i for i, name in enumerate(names)}
        values = (-1, 1) if bqm.vartype.name == "SPIN" else (0, 1)
        fields = [bqm.linear[name] for name in names]
        couplings = {(place[u], place[v]): bias for (u, v), bias in bqm.quadratic.items()}
        return cls._build(names, fields, couplings, float(bqm.offset), values)

    @classmethod
    def qubo(cls, Q: Mapping[tuple[Hashable, Hashable], float]) -> Ising:
        """A QUBO: Q[x, x] for each variable, Q[x, y] for pairs; the variables take 0 and 1."""
        for pair in as_mapping(Q, "Q", '{("x", "x"): -1, ("x", "y"): 2}'):
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise DeclarationError(
                    f"Q has the key {pair!r}: its keys are pairs of names, such as Q['x', 'y']."
                )
        names = list(dict.fromkeys(name for pair in Q for name in pair))
        place = {name: i for i, name in enumerate(names)}
        # Q[x, x] is a field, since x x = x; Q[x, y] and Q[y, x] are of one product, and add up.
        couplings = {(place[u], place[v]): value for (u, v), value in Q.items()}
        return cls._build(names, [0.0] * len(names), couplings, 0.0, (0, 1))

    @classmethod
    def _build(
        cls,
        names: Sequence[Hashable],
        fields: Iterable[float],
        couplings: Mapping[tuple[int, int], float],
        offset: float,
        values: tuple[int, int],
    ) -> Ising:
        if not names:
            raise DeclarationError("The model has no spins: give the graph a node.")
        label = [_label(name) for name in names]
        spins = tuple(finite(name, values) for name in label)
        twice = [name for name in label if label.count(name) > 1]
        if twice:
            raise DeclarationError(f"Two spins are named {twice[0]}: give the nodes other names.")
        checked = tuple(
            finite_number(h, f"the field of {name}") for h, name in zip(fields, label, strict=True)
        )
        pairs = {
            pair: finite_number(J, f"the coupling {label[pair[0]]} - {label[pair[1]]}")
            for pair, J in couplings.items()
        }
        return cls(spins, checked, pairs, offset)

    @property
    def energy(self) -> Expr:
        """The energy as an expression of the spins, which stand for the places of their values."""
        values = [_value(spin) for spin in self.spins]
        terms = [h * value for h, value in zip(self.fields, values, strict=True) if h]
        terms += [J * values[i] * values[j] for (i, j), J in self.couplings.items() if J]
        return Add(sympy.Float(self.offset) if self.offset else sympy.Integer(0), *terms)

    def energies(self, states: npt.ArrayLike) -> Floats:
        """The energies (...) of states (..., spins), given by the values of the spins."""
        s = as_floats(states)
        if s is None:
            raise DeclarationError(f"The states are {shown(states)}: write their values.")
        if s.ndim < 1 or s.shape[-1] != len(self.spins):
            raise DeclarationError(
                f"The states have shape {s.shape}: the last axis has one value for each of "
                f"{len(self.spins)} spins."
            )
        for i, spin in enumerate(self.spins):
            wrong = s[..., i][~np.isin(s[..., i], spin.values)]
            if wrong.size:
                raise DeclarationError(
                    f"A state has {spin} = {wrong.flat[0]:g}: its values are {listed(spin.values)}."
                )
        totals: Floats = self.offset + s @ np.array(self.fields)
        for (i, j), J in self.couplings.items():
            totals = totals + J * s[..., i] * s[..., j]
        return totals


def _spin(given: object) -> Finite:
    spin = as_finite(given, "An Ising model")
    if spin.size != 2 or not all(isinstance(value, int) for value in spin.values):
        raise DeclarationError(
            f"The spin {spin} has the values {listed(spin.domain.names)}: a spin has two numbers, "
            f'such as finite("{spin}", [-1, 1]).'
        )
    return spin


def _couplings(given: object, spins: int) -> Iterator[tuple[tuple[int, int], float]]:
    """Pairs of places of spins, each with its coupling."""
    for pair, coupling in as_mapping(given, "couplings", "{(0, 1): 1.0}").items():
        places = tuple(map(as_whole, pair)) if isinstance(pair, tuple) else ()
        i, j = places if len(places) == 2 else (None, None)
        if i is None or j is None or not (0 <= i < spins and 0 <= j < spins):
            raise DeclarationError(
                f"couplings has the key {pair!r}: its keys are pairs of places from 0 to "
                f"{spins - 1}, such as (0, 1)."
            )
        yield (i, j), finite_number(coupling, f"the coupling {i} - {j}")


def _label(name: Hashable) -> str:
    """What the spin of a node is called."""
    return name if isinstance(name, str) else f"s{name}"


def _value(spin: Finite) -> Expr:
    """The value of a spin, by its place: 2 s - 1 for -1 and 1."""
    low, high = (int(value) for value in spin.values)
    return spin if low == 0 else (high - low) * spin + low
