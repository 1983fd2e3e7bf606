"""What is regulated: a variable m, nudged itself, and a world in which this is asked."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from causalopt.ground.checks import is_option, shown
from causalopt.ground.errors import QueryError
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.types import Floats, Ints
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Nodes
from causalopt.linearisation.world import Linear, linearised
from causalopt.measures.question import nodes_as_text
from causalopt.model.interface import Model, as_model
from causalopt.model.selection import Key, Stretch
from causalopt.model.template import is_inner
from causalopt.model.world import World

#: How m is nudged: at every step of it, or once, where it begins.
NUDGES = ("sustained", "pulse")

# The numbers that are kept of each row of m: what is added, and of eight lanes mantissa, power, and
# what is made of them.
_KEPT = 40


@dataclass(frozen=True, eq=False)
class Target:
    """m, and the world W in which it is nudged.

    ``of`` is a model, or a world; ``m`` a variable, or a stretch of one, such as R[:1000]; of a
    network, a node or a list of nodes. ``steps`` is the length of the run, which a stretch that
    ends makes needless. Raises ``QueryError`` for what cannot be asked.
    """

    of: Model | World[Model]
    m: Nodes
    _: KW_ONLY
    nudge: str = "sustained"
    steps: int | None = None

    def __post_init__(self) -> None:
        if not is_option(self.nudge, NUDGES):
            raise QueryError(
                f'nudge is {shown(self.nudge)}: write nudge="sustained", a difference at every '
                'step of m, or nudge="pulse", one difference where m begins.'
            )
        if self.base.is_infinitesimal:
            raise QueryError(
                "This world carries an infinitesimal difference of its own: ask about the world "
                "without it."
            )
        if self.base.steps is not None and len(self.stretches) != 1:
            raise QueryError(
                f"m = {nodes_as_text(self.m)} names {len(self.stretches)} sets of nodes: ask about "
                "one variable at a time."
            )
        for stretch in self.stretches:
            if domain_of(stretch.key).shape:
                raise QueryError(
                    f"m = {nodes_as_text(self.m)} holds an array, and regulation is of a number: "
                    "make a node of what is wanted of it, by a function."
                )
            why = domain_of(stretch.key).why_no_difference()
            if why is not None:
                raise QueryError(
                    f"m = {nodes_as_text(self.m)} shows no differences: {why}. Choose m among the "
                    "variables with numbers."
                )

    @functools.cached_property
    def base(self) -> World[Model]:
        """The world W."""
        return base_of(self.of, self.steps, [self.m])

    @property
    def model(self) -> Model:
        """The model that is asked about."""
        return self.base.model

    @functools.cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """The nodes of m; the inner stages of an unrolled step are none of them."""
        named = self.model.select(self.m, self.base.steps)
        return tuple(stretch for stretch in named if not is_inner(stretch.key))

    @property
    def nudged(self) -> Nodes:
        """The nodes that the nudge is made at."""
        first = self.stretches[0]
        return self.model.label(first.key, first.start) if self.nudge == "pulse" else self.m

    def members(self, named: Nodes | Sequence[Nodes], name: str) -> tuple[Key, ...]:
        """The variables, or nodes of a network, that a user names whole."""
        stretches = self.model.select(named, self.base.steps)
        for stretch in stretches:
            if any(stretch.overlaps(own) for own in self.stretches):
                raise QueryError(
                    f"{name} = {nodes_as_text(named)} has m = {nodes_as_text(self.m)} in it: what "
                    "is held shows no differences. Leave m out of it."
                )
        return tuple(dict.fromkeys(stretch.key for stretch in stretches))

    def check_whole(self, named: Nodes | Sequence[Nodes], name: str) -> None:
        """Raise ``QueryError`` for a part of a variable, where variables have gates as a whole."""
        part = self.whole.named_in_part(self.model.select(named, self.base.steps))
        if part is not None:
            raise QueryError(
                f"{name} = {nodes_as_text(named)} has a part of {part}, and a gate is at a "
                "variable as a whole: name it whole, or ask self_regulation."
            )

    # -- as a linearised world -------------------------------------------------------------------

    @functools.cached_property
    def whole(self) -> Linear:
        """The world, linearised."""
        return linearised(self.base)

    @functools.cached_property
    def places(self) -> Ints:
        """The nodes of m in a row of the linearised world."""
        return np.array([self.whole.keys.index(s.key) for s in self.stretches], dtype=np.int64)

    @functools.cached_property
    def loop(self) -> frozenset[int]:
        """The members of the linearised world on a cycle through m, those of m among them."""
        return frozenset(self.whole.loops_through(self.whole.owners[self.places].tolist()))

    @functools.cached_property
    def on_loop(self) -> Linear:
        """The linearised world with the edges alone that are part of such cycles."""
        return self.whole.among(self.loop)

    @property
    def rows(self) -> range:
        """The rows of m."""
        return range(self.stretches[0].start, self.stretches[0].stop)

    @property
    def nudges(self) -> Floats:
        """What is added to the nodes of m, (rows, nodes)."""
        # What is left at m is kept at every row, in some settings of the gates side by side.
        refuse_what_does_not_fit(
            8 * self.rows.stop * len(self.places) * _KEPT,
            f"A run of {self.rows.stop:,} steps, of which m is kept,",
            "Ask about fewer steps.",
        )
        nudges = np.zeros((self.rows.stop, len(self.places)))
        if self.nudge == "pulse":
            nudges[self.rows.start, 0] = 1.0
        else:
            nudges[self.rows.start :] = 1.0
        return nudges

    def arguments(self) -> dict[str, str]:
        """The question as text, for the attributes of a result."""
        return {"m": nodes_as_text(self.m), "nudge": self.nudge}

    @property
    def holdable(self) -> list[int]:
        """The members on a cycle through m that can be held: all but m, and moments of events."""
        own = set(self.whole.owners[self.places].tolist())
        return [place for place in sorted(self.loop - own) if self.whole.declared[place]]


def base_of(
    of: Model | World[Model], steps: int | None, named: Sequence[Nodes | Sequence[Nodes]]
) -> World[Model]:
    """The world that is asked about: itself, or that of a model up to the last node named."""
    if isinstance(of, World):
        if steps not in (None, of.steps):
            raise QueryError(f"steps is {steps}, but this world has {of.steps}: leave steps out.")
        return of
    model = as_model(of)
    return World(model, model.run_length(steps, named))
