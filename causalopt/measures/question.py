"""The question that measures of a response ask, (A; n, m), checked before anything runs."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.holding import content, contents
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.readonly import fields_alone, restore
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Floats
from causalopt.language.domains import domain_of
from causalopt.language.subspaces import Directions
from causalopt.language.symbols import Node, Nodes, NodeSet, Variable
from causalopt.model.interface import Model, Place, as_model
from causalopt.model.selection import Key, Stretch
from causalopt.model.shifting import as_rows, shift_of
from causalopt.model.world import World
from causalopt.runs.keeping import Keep, kept
from causalopt.runs.simulation import Rows
from causalopt.runs.sweeps import Draws, Over, Sweep, swept


@dataclass(frozen=True, eq=False)
class Question:
    """How much does A compress at m a difference made at n?

    ``of`` is a model, or a world, around which is measured then. ``A`` is a set of nodes, ``n`` one
    node, ``m`` a variable over its rows or one node; where n or m is None, every one is asked
    about. ``steps`` is the length of the run, which a node m makes needless. ``over`` gives values
    for start nodes, other nodes and parameters, ``draws`` a number of chains of the noise, and
    ``delta`` a finite difference at n in place of an infinitesimal one. ``keep`` says which rows of
    m are kept. Where n holds an array, the difference is ``along`` one direction of its shape, or
    several (k, *shape), each by itself; where m does, ``read`` are rows (q, *shape) that read it.

    Raises ``QueryError`` that says which part of it cannot be asked. Two questions are equal where
    they ask for the same numbers: of values that are swept or named, by what these are.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> asked = Question(room, T, R[0], R[10])
    >>> asked.base
    World of System, steps=10
    """

    of: Model | World[Model]
    A: Nodes
    n: Nodes | None = None
    m: Nodes | None = None
    _: KW_ONLY
    steps: int | None = None
    over: Over | None = None
    draws: Draws | None = None
    delta: float | None = None
    keep: Keep = "all"
    along: object = None
    read: object = None

    def __post_init__(self) -> None:
        if self.base.is_infinitesimal:
            raise QueryError(
                "This world carries an infinitesimal difference of its own: ask about the world "
                "without it."
            )
        if self.n is not None:
            self._check_n(self.n)
            self._worlds  # noqa: B018  # a cached property
        if self.m is not None:
            self._check_m(self.m)
            self.readings if self.read is not None else None  # noqa: B018  # what cannot be read
        if self.by == 0.0:
            raise QueryError(
                "delta is 0: write a small difference, or leave it out for the exact one."
            )
        # Worked out now, so that what cannot be swept or kept is an error of the question.
        self.sweep, self.rows  # noqa: B018  # cached properties

    @functools.cached_property
    def _asked(self) -> tuple[Hashable, ...]:
        """What is asked, as something that can be compared and hashed."""
        axes = tuple(contents(axis) for axis in self.sweep.axes)
        named = self.A, self.n, self.m, self.keep, self.along, self.read
        return self.of, self.base.steps, self.by, axes, *map(content, named)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Question) and self._asked == other._asked)

    def __hash__(self) -> int:
        return hash(self._asked)

    __getstate__, __setstate__ = fields_alone, restore

    @functools.cached_property
    def base(self) -> World[Model]:
        """The world W that is asked about: long enough for every node that is named."""
        if isinstance(self.of, World):
            if self.steps is not None and checks.as_whole(self.steps) != self.of.steps:
                raise QueryError(
                    f"steps is {checks.shown(self.steps)}, but this world has {self.of.steps}: "
                    "leave steps out."
                )
            return self.of
        model = as_model(self.of)
        # The run ends where the last named node is; m comes first, for it is what is asked about.
        named = [] if self.m is None else [self.m, self.A]
        named += [self.n] if named and self.n is not None else []
        return World(model, model.run_length(self.steps, named))

    @property
    def model(self) -> Model:
        """The model that is asked about."""
        return self.base.model

    @functools.cached_property
    def held(self) -> tuple[Stretch, ...]:
        """The nodes of A."""
        return self.model.select(self.A, self.base.steps)

    @functools.cached_property
    def by(self) -> float | None:
        """The difference at n; None where it is infinitesimal."""
        return None if self.delta is None else checks.finite(self.delta, "delta")

    @functools.cached_property
    def directions(self) -> Directions | None:
        """The directions of an infinitesimal difference at n; None where n is a number.

        All of them, one for each entry, where n holds an array and no direction is named.
        """
        if self.by is not None:
            return None
        place = self.place_of_n
        shape = domain_of(place.key).shape
        if not shape or self.along is not None or place.part is not None:
            return self._named_directions
        size = math.prod(shape)
        refuse_what_does_not_fit(
            8 * size**2,
            f"A nudge at each of the {size:,} entries of {self.n}",
            'Name some directions (along=), or estimate by random ones (reduce="rms", probes=16).',
        )
        return Directions(Tensor(np.eye(size).reshape(-1, *shape)))

    @property
    def _named_directions(self) -> Directions | None:
        return shift_of(self.n, None, None, self.along)(self.place_of_n).along

    @functools.cached_property
    def place_of_n(self) -> Stretch:
        """The node n."""
        return self.model.single(self.n, self.base.steps, "n")

    @functools.cached_property
    def difference(self) -> object:
        """The finite difference at n: ``delta``, of an array along the direction that is named."""
        if self.by is None or not domain_of(self.place_of_n.key).shape:
            return self.by
        along = self._named_directions
        if along is None or along.count != 1:
            raise QueryError(
                f"delta is a difference along one direction, and n = {self.n} holds an array: "
                "name one, along=v, or leave delta out."
            )
        return self.by * along.rows.numbers[0]

    @functools.cached_property
    def readings(self) -> Floats | None:
        """The rows (q, *shape) that read m; None for all of what it holds."""
        part, shape = self._stretch_of_m.part, domain_of(self.key_of_m).shape
        if self.read is None:
            return None if part is None else part.readings
        if not shape or part is not None:
            raise QueryError(
                f"read says what is read of an array, and m = {self.m} is a "
                f"{'number' if not shape else 'part of one already'}: leave it out."
            )
        return as_rows(self.read, shape, "read").numbers

    @functools.cached_property
    def place(self) -> Place:
        """Where m is found in results."""
        return self.model.place(self._stretch_of_m)

    @functools.cached_property
    def rows(self) -> Rows:
        """The rows of m that are kept; all rows where every m is asked about."""
        if self.m is None:
            return self.model.rows(self.base.steps)
        return kept(self.keep, self.place.rows)

    @property
    def over_rows(self) -> bool:
        """Whether the answer has a dim of rows: m is over time, or every one."""
        return self.m is None or self.model.along_rows(self.m)

    @functools.cached_property
    def sweep(self) -> Sweep:
        """What takes many values."""
        return swept(self.model, self.over, self.draws, self.base.noises)

    def worlds(self) -> tuple[World[Model], World[Model], World[Model]]:
        """W; X, nudged at n; and Y, nudged at n with A held at its values in W."""
        return self._worlds

    @functools.cached_property
    def _worlds(self) -> tuple[World[Model], World[Model], World[Model]]:
        if self.n is None:
            raise QueryError("n is missing: name the node where the difference is made.")
        # On top of what there is: the base may be perturbed at n already.
        X = self.base.nudge(self.n, by=self.difference, along=self.directions)
        return self.base, X, X.clamp(self.A, to=self.base)

    def arguments(self) -> dict[str, str]:
        """The question as text, for the attributes of a result."""
        return dict(self._arguments)

    @functools.cached_property
    def _arguments(self) -> dict[str, str]:
        named = {"A": self.A, "n": self.n, "m": self.m}
        return {name: nodes_as_text(nodes) for name, nodes in named.items() if nodes is not None}

    @property
    def key_of_m(self) -> Key:
        """The variable of m, or the label of its node."""
        return self._stretch_of_m.key

    @functools.cached_property
    def _stretch_of_m(self) -> Stretch:
        stretches = self.model.select(self.m, self.base.steps)
        if len(stretches) != 1:
            raise QueryError(
                f"m = {nodes_as_text(self.m)} names {len(stretches)} sets of nodes: ask about one."
            )
        return stretches[0]

    def _check_n(self, n: Nodes) -> None:
        """n is one node, outside A."""
        place = self.place_of_n
        why = domain_of(place.key).why_no_difference()
        if why is not None:
            raise QueryError(
                f"n = {n} is no place for a difference: {why}. Comp and Op divide differences; of "
                "named values, optimizing_strength(system, A | B, P) measures what A does, and "
                f"run(W, W.perturb({n}, to={domain_of(place.key).example()!r})) shows what follows."
            )
        if any(stretch.covers(place) for stretch in self.held):
            raise QueryError(
                f"n = {n} lies inside A: Y would hold it at its value in W, so that no difference "
                "could be made there. Choose n outside A, or leave it out of A."
            )
        self._refuse_what_is_held(n, place)

    def _refuse_what_is_held(self, n: Nodes, place: Stretch) -> None:
        """Raise ``QueryError`` where A holds all directions that are named at n."""
        named = self._named_directions
        parts = [at.part for at in self.held if at.overlaps(place) and at.part is not None]
        if named is None or not parts:
            return
        left = functools.reduce(lambda rows, part: part.outside(rows), parts, named.rows)
        if not left.numbers.any():
            raise QueryError(
                f"The difference at n = {n} lies inside A: Y would hold it at its value in W, so "
                "that none could be made there. Choose one that reaches beyond A, or a smaller A."
            )

    def _check_m(self, m: Nodes) -> None:
        """m is one set of nodes, outside A."""
        place = self._stretch_of_m
        why = domain_of(place.key).why_no_difference()
        if why is not None:
            raise QueryError(
                f"m = {m} shows no differences: {why}. Of named values, "
                "optimizing_strength(system, A | B, P) measures what A does, or choose m among the "
                "variables with numbers."
            )
        inside = [stretch for stretch in self.held if stretch.covers(place)]
        if not inside:
            return
        last = max(stretch.stop for stretch in inside)
        hint = f", such as m={place.key}[{last}:]" if last < place.stop else ""
        raise QueryError(
            f"m = {m} lies inside A: Y holds it at its value in W, so that it cannot show what A "
            f"does. Choose m outside A{hint}, or leave it out of A."
        )


def question_of(
    of: Model | World[Model],
    A: Nodes,
    n: Nodes,
    m: Nodes,
    *,
    steps: int | None = None,
    over: Over | None = None,
    draws: Draws | None = None,
    delta: float | None = None,
    keep: Keep = "all",
    along: object = None,
    read: object = None,
) -> Question:
    """A ``Question``, which is made once where it is asked again: that it can be, is checked then.

    Those of single names and of no sweep are kept: they take longer to check than to answer.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> question_of(room, T, R[0], R[10]) is question_of(room, T, R[0], R[10])
    True
    """
    is_plain = all(isinstance(name, _PLAIN) for name in (A, n, m))
    is_plain &= all(part is None for part in (over, draws, along, read))
    is_plain &= all(isinstance(part, _WRITTEN) for part in (steps, delta, keep))
    # A world with many effects takes much memory itself.
    is_small = isinstance(of, Model) or (isinstance(of, World) and len(of.effects) <= _FEW)
    if is_plain and is_small:
        return _question_kept(of, A, n, m, steps=steps, delta=delta, keep=keep)
    return Question(
        *(of, A, n, m), steps=steps, over=over, draws=draws, delta=delta, keep=keep, along=along,
        read=read,
    )  # fmt: skip


# Names that are equal where they are written alike, and that no other is equal to: results have
# them as they were written, and 1 and 1.0 are two texts.
_PLAIN = Variable, Node, NodeSet
# What else is looked up as it is written.
_WRITTEN = int, float, str, type(None)
_FEW = 64
_question_kept: Callable[..., Question] = functools.lru_cache(maxsize=64, typed=True)(Question)


def nodes_as_text(nodes: object) -> str:
    """A set of nodes as text."""
    if isinstance(nodes, list | tuple | set | frozenset):
        return ", ".join(str(node) for node in nodes)
    return str(nodes)


def names_of(parts: Iterable[object]) -> list[str]:
    """A name for each of several nodes or parts; those that are written alike are numbered.

    >>> names_of(["h", "R", "h"])
    ['h', 'R', 'h (2)']
    """
    seen = Counter[str]()
    names = []
    for text in map(nodes_as_text, parts):
        seen[text] += 1
        names.append(text if seen[text] == 1 else f"{text} ({seen[text]})")
    return names


def rows_of(model: Model, stretches: Sequence[Stretch]) -> list[tuple[int, range]]:
    """The place of each stretch in a table of (series, rows)."""
    keys = [series.key for series in model.series]
    places = [model.place(stretch) for stretch in stretches]
    return [(keys.index(place.series), place.rows) for place in places]
