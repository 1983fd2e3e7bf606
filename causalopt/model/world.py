"""Worlds: a network or system under a set of interventions. Cheap values; nothing runs here.

An intervention acts on stretches of nodes. A node has at most one base (what stands in for its
mechanism: ``do``, ``clamp`` or ``replace``) and at most one shift on top of it (``perturb``). The
later intervention wins, and a new base clears the shift. So every intervention is idempotent,
those on disjoint nodes commute, and two worlds are equal where they do the same to each node.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sympy import Expr, Symbol

from causalopt.ground.errors import QueryError
from causalopt.language.finite_variables import finite_of, listed, tex
from causalopt.mechanisms.symbolic import Expression
from causalopt.model.declaration import coded, number

Key = Hashable


@dataclass(frozen=True)
class Stretch:
    """Nodes of one key over ``start <= step < stop``; in a network without time, step 0 alone."""

    key: Key
    start: int
    stop: int


class Model(Protocol):
    """What a world needs of a network or system: to find nodes, and to read a formula for them."""

    def select(self, target: object, steps: int | None) -> tuple[Stretch, ...]:
        """The nodes that a user names, or an error that names the nearest ones."""

    def mechanism(self, key: Key, formula: object) -> Expression:
        """The formula as a mechanism of this model's node, its symbols checked."""


@dataclass(frozen=True)
class Fixed:
    """The base of ``do``: a value, or the input that sweeps it."""

    value: float | Symbol


@dataclass(frozen=True)
class Held:
    """The base of ``clamp``: the value of the same node in another world."""

    world: World


@dataclass(frozen=True)
class Replaced:
    """The base of ``replace``: another mechanism."""

    mechanism: Expression


Base = Fixed | Held | Replaced


@dataclass(frozen=True)
class Shift:
    """What ``perturb`` adds: a difference, or, where ``by`` is None, an infinitesimal one."""

    by: float | Symbol | None


@dataclass(frozen=True)
class Piece:
    """One stretch of steps on which a key has the same base and shift."""

    start: int
    stop: int
    base: Base | None = None
    shift: Shift | None = None


Pieces = tuple[Piece, ...]
Effects = tuple[tuple[Key, Pieces], ...]
Change = Callable[[Piece], Piece]


def _put(piece: Piece, what: Base | Shift) -> Piece:
    """A shift comes on top of the base; a new base clears the shift."""
    if isinstance(what, Shift):
        return replace(piece, shift=what)
    return replace(piece, base=what, shift=None)


@dataclass(frozen=True)
class World:
    """A model under interventions, run for a number of steps (None where it has no time).

    All worlds made from one another have its ``seed``, and so the same draws of its noise.

    Made by ``System.world`` and ``Network.world``, and from other worlds by ``perturb``, ``clamp``,
    ``do`` and ``replace``, each of which returns a new world. Source of W, X and Y: "Defining
    Optimization in a Deeper Way", part 3.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> W = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35}).world(steps=100)
    >>> X = W.perturb(R[0], by=1e-3)
    >>> Y = X.clamp(T, to=W)
    >>> Y == W.clamp(T, to=W).perturb(R[0], by=1e-3)
    True
    """

    model: Model
    steps: int | None
    effects: Effects = ()
    seed: int = 0

    def perturb(self, node: object, *, by: float | None = None) -> World:
        """Add a difference to nodes: x_n = w_n + by, and all that is downstream follows.

        Where ``by`` is left out the difference is infinitesimal: the world carries derivatives by
        it. A second perturbation of the same node replaces the first.
        """
        for stretch in self.model.select(node, self.steps):
            finite = finite_of(stretch.key)
            if finite is not None:
                raise QueryError(
                    f"{node} cannot be perturbed: it takes named values ({listed(finite.values)}), "
                    f"and nothing adds to a name. Write do({node}, {finite.values[0]!r})."
                )
        shift = Shift(None if by is None else number(by, f"by, of perturb({node}),"))
        return self._change(node, lambda _: shift)

    def clamp(self, nodes: object, *, to: World) -> World:
        """Hold nodes at the values that they have in another world of the same model."""
        if not isinstance(to, World) or to.model is not self.model or to.steps != self.steps:
            raise QueryError(
                f"clamp({nodes}, to=...): ``to`` must be a world of the same model and the same "
                "number of steps, such as clamp(T, to=W)."
            )
        held = Held(to)
        return self._change(nodes, lambda _: held)

    def do(self, nodes: object, value: float | str | Symbol) -> World:
        """Set nodes to a value, whatever their mechanism says (Pearl's do); a named one by name."""

        def fixed(key: Key) -> Fixed:
            known = isinstance(value, Symbol)
            return Fixed(value if known else coded(key, value, f"The value of do({nodes})"))

        return self._change(nodes, fixed)

    def replace(self, nodes: object, formula: Expr | float) -> World:
        """Give nodes another mechanism, in the language in which the model was declared."""
        made = functools.cache(lambda key: Replaced(self.model.mechanism(key, formula)))
        return self._change(nodes, made)

    def swept(self, nodes: object, by: Symbol) -> World:
        """This world with an input in the place of nodes' own values, in every world it is held to.

        Unlike ``do``, it leaves differences alone: it changes what the worlds start from.
        """
        world = self._map(lambda piece: _held_to_swept(piece, nodes, by))
        return world._change(nodes, lambda _: Fixed(by), lambda piece, _: _under(piece, by, nodes))

    def at(self, key: Key, step: int = 0) -> Piece:
        """What the interventions do to one node."""
        for piece in self._pieces.get(key, ()):
            if piece.start <= step < piece.stop:
                return piece
        return Piece(step, step + 1)

    def values_only(self) -> World:
        """This world without its infinitesimal perturbations and the clamps that change nothing.

        Its values are the same, so worlds that differ in derivatives alone are computed once.
        """
        plain = self._map(lambda p: replace(p, shift=None) if p.shift and p.shift.by is None else p)
        plain = plain._map(_held_to_values)
        loose = plain._map(lambda p: replace(p, base=None) if isinstance(p.base, Held) else p)
        held = (p.base for pieces in plain.treatments for p in pieces)
        targets = {base.world for base in held if isinstance(base, Held)}
        return loose if targets == {loose} else plain

    @functools.cached_property
    def treatments(self) -> dict[Pieces, tuple[Key, ...]]:
        """The different things that are done to nodes, each with the keys that it is done to.

        There are few of them, however many nodes are held.
        """
        alike: dict[int, tuple[Pieces, list[Key]]] = {}
        for key, pieces in self.effects:
            alike.setdefault(id(pieces), (pieces, []))[1].append(key)
        found: dict[Pieces, tuple[Key, ...]] = {}
        for pieces, keys in alike.values():
            found[pieces] = (*found.get(pieces, ()), *keys)
        return found

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        told = frozenset((pieces, len(keys)) for pieces, keys in self.treatments.items())
        return hash((self.model, self.steps, told, self.seed))

    @functools.cached_property
    def _pieces(self) -> dict[Key, Pieces]:
        return dict(self.effects)

    def _change(
        self,
        nodes: object,
        what: Callable[[Key], Base | Shift],
        change: Callable[[Piece, Any], Piece] = _put,
    ) -> World:
        """This world with something put on some nodes; what is treated alike is made once."""

        @functools.cache
        def changed(before: Pieces, start: int, stop: int, put: Base | Shift) -> Pieces:
            return _overlay(before, start, stop, lambda piece: change(piece, put))

        effects = dict(self.effects)
        for one in self.model.select(nodes, self.steps):
            before = effects.get(one.key, ())
            effects[one.key] = changed(before, one.start, one.stop, what(one.key))
        return replace(self, effects=_canonical(effects))

    def _map(self, change: Change) -> World:
        @functools.cache
        def changed(pieces: Pieces) -> Pieces:
            return _joined(map(change, pieces))

        return replace(
            self,
            effects=tuple(
                (key, pieces) for key, before in self.effects if (pieces := changed(before))
            ),
        )

    def __repr__(self) -> str:
        return "\n".join([self._head, *(f"    {nodes}: {what}" for nodes, what in self._rows())])

    def _repr_latex_(self) -> str:
        rows = [(self._head, ""), *self._rows()]
        body = r" \\ ".join(f"{tex(nodes)} & {tex(what)}" for nodes, what in rows[:21])
        more = rf" \\ \vdots & \text{{{len(rows) - 21} more}}" if len(rows) > 21 else ""
        return rf"$\begin{{array}}{{ll}}{body}{more}\end{{array}}$"

    @property
    def _head(self) -> str:
        return f"World of {type(self.model).__name__}, steps={self.steps}"

    def _rows(self) -> list[tuple[str, str]]:
        """The nodes that something is done to, and what."""
        return [
            (_span(key, piece, self.steps), _told(piece))
            for key, pieces in self.effects
            for piece in pieces
        ]


def _under(piece: Piece, by: Symbol, nodes: object) -> Piece:
    """The input ``by`` where the piece leaves a node's own value."""
    if isinstance(piece.base, Fixed):
        raise QueryError(
            f"{nodes} is swept, but do() has set it to {piece.base.value} in this world: "
            "leave out one of the two."
        )
    return piece if piece.base else replace(piece, base=Fixed(by))


def _held_to_swept(piece: Piece, nodes: object, by: Symbol) -> Piece:
    if not isinstance(piece.base, Held):
        return piece
    return replace(piece, base=Held(piece.base.world.swept(nodes, by)))


def _held_to_values(piece: Piece) -> Piece:
    if not isinstance(piece.base, Held):
        return piece
    return replace(piece, base=Held(piece.base.world.values_only()))


def _overlay(pieces: Pieces, first: int, last: int, change: Change) -> Pieces:
    """The pieces with a change from ``first`` to ``last``: cut there, filled where nothing was."""
    made: list[Piece] = []
    free = first
    for piece in pieces:
        start, stop = max(piece.start, first), min(piece.stop, last)
        if start >= stop:
            made.append(piece)
            continue
        made.append(replace(piece, stop=start))
        made.append(change(Piece(free, start)))
        made.append(change(replace(piece, start=start, stop=stop)))
        made.append(replace(piece, start=stop))
        free = stop
    made.append(change(Piece(free, last)))
    return _joined(made)


def _joined(pieces: Iterable[Piece]) -> Pieces:
    """Sorted pieces: empty and idle ones dropped, neighbours that do the same made one."""
    kept = sorted(
        (p for p in pieces if p.start < p.stop and (p.base or p.shift)), key=lambda p: p.start
    )
    made: list[Piece] = []
    for piece in kept:
        last = made[-1] if made else None
        if (
            last
            and last.stop == piece.start
            and replace(last, stop=piece.stop) == replace(piece, start=last.start)
        ):
            made[-1] = replace(last, stop=piece.stop)
        else:
            made.append(piece)
    return tuple(made)


def _canonical(effects: Mapping[Key, Pieces]) -> Effects:
    kept = [(key, pieces) for key, pieces in effects.items() if pieces]
    return tuple(sorted(kept, key=lambda pair: (str(pair[0]), str(type(pair[0])))))


def _span(key: Key, piece: Piece, steps: int | None) -> str:
    if steps is None:
        return str(key)
    if piece.stop == piece.start + 1:
        return f"{key}[{piece.start}]"
    if piece.start == 0 and piece.stop == steps + 1:
        return str(key)
    return f"{key}[{piece.start}:{piece.stop}]"


def _told(piece: Piece) -> str:
    told = []
    match piece.base:
        case Fixed(value):
            told.append(f"do {value}")
        case Held(_):
            told.append("clamped")
        case Replaced(mechanism):
            told.append(f"replaced by {mechanism.formula}")
    if piece.shift is not None:
        by = piece.shift.by
        told.append("perturbed" if by is None else f"perturbed by {by}")
    return ", ".join(told)


def letters(worlds: Sequence[World]) -> list[str]:
    """The posts' letters: W where no difference is made, X where one is, Y where A is held too.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> a, b = variables("a b")
    >>> W = System({a: b, b: a}, start={a: 1, b: 2}).world(steps=3)
    >>> letters([W, W.perturb(b[0], by=1), W.perturb(b[0], by=2)])
    ['W', 'X', 'X2']
    """
    names: list[str] = []
    for world in worlds:
        pieces = [piece for _, found in world.effects for piece in found]
        held = any(isinstance(piece.base, Held) for piece in pieces)
        letter = "W" if not any(piece.shift for piece in pieces) else "Y" if held else "X"
        taken = sum(name.rstrip("0123456789") == letter for name in names)
        names.append(f"{letter}{taken + 1}" if taken else letter)
    return names
