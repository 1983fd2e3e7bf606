"""A linearised world behind gates: how much of a nudge is left at m, and what each edge has in it.

A gate at a variable weights what enters it from other variables by 1 - gamma, and leaves its own
memory alone: gamma = 1 is the clamp.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from causalopt.ground.errors import EvaluationError
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.scaled import NO_POWER, is_tame, shifted
from causalopt.ground.types import Floats, Ints
from causalopt.linearisation.passes import compiled_carry, compiled_carry_back
from causalopt.linearisation.world import Linear, Table

# Slopes and differences of so many numbers are held at once; of longer runs, the rest is computed
# again when it is passed back.
_TOGETHER = 1 << 24


@dataclass(frozen=True, eq=False)
class AtM:
    """What is left at m: ``mantissas`` (rows, watched, lanes) times 2**``powers`` (rows, lanes).

    Where it ``is_rough``, slopes on the way are so large or so small that a difference may have
    been lost beside others in its row.
    """

    mantissas: Floats
    powers: Ints
    is_rough: bool

    @functools.cached_property
    def _top(self) -> Ints:
        """The power that all are brought to, (lanes,)."""
        moved = (self.mantissas != 0.0).any(axis=1)
        top = np.where(moved, self.powers, NO_POWER).max(axis=0)
        return np.where(top == NO_POWER, 0, top)

    @functools.cached_property
    def _level(self) -> Floats:
        """The differences at that power."""
        return shifted(self.mantissas, (self.powers - self._top)[:, None, :])

    @functools.cached_property
    def _sum(self) -> Floats:
        total: Floats = (self._level**2).sum(axis=(0, 1))
        return total

    @property
    def log_norm(self) -> Floats:
        """1/2 log of the sum of their squares, (lanes,)."""
        with np.errstate(divide="ignore"):
            return 0.5 * np.log(self._sum) + self._top * math.log(2.0)

    @property
    def worth(self) -> Floats:
        """The derivative of that by each difference, in units of 2**-power."""
        with np.errstate(divide="ignore", invalid="ignore"):
            worth = self._level / self._sum
        return shifted(worth, (self.powers - self._top)[:, None, :])


@dataclass(frozen=True, eq=False)
class GatedNudge:
    """A nudge at m, and gates at some members of a linearised world.

    ``linear`` has the edges alone that matter. ``watched`` are the nodes of m in a row, and
    ``rows`` those in which they are m; ``nudges`` (rows of the run, watched) is what is added to
    them. ``members`` are the places of the gates in ``linear.members``.
    """

    linear: Linear
    watched: Ints
    rows: range
    nudges: Floats
    members: Ints

    @functools.cached_property
    def gates(self) -> Ints:
        """The gate that each edge goes through (edges,), -1 for none."""
        linear = self.linear
        source, target = linear.owners[linear.sources], linear.owners[linear.targets]
        place = np.full(len(linear.members), -1, dtype=np.int64)
        place[self.members] = np.arange(len(self.members))
        return np.where(source == target, -1, place[target])

    def course(self, weights: Floats) -> AtM:
        """What is left at m, row by row, with what the gates let through, (gates, lanes)."""
        return self._along(np.ascontiguousarray(weights))[0]

    def log_norm(self, weights: Floats) -> Floats:
        """1/2 log sum |d_m|^2 (lanes,), with ``weights`` (gates, lanes) of what gates let through.

        Minus infinity where nothing is left.
        """
        return self._along(np.ascontiguousarray(weights))[0].log_norm

    def gradient(self, weights: Floats) -> tuple[Floats, Floats]:
        """The same, and its derivatives by what each edge alone lets through, (edges, lanes)."""
        weights = np.ascontiguousarray(weights)
        at_m, starts, last = self._along(weights)
        worth, through = at_m.worth, np.zeros((self.linear.edges, weights.shape[1]))
        later = np.zeros(last.d[: self._before].shape)
        for piece, start in reversed(list(zip(self._pieces(weights), starts, strict=True))):
            # What the pass along has ended with is there still; other pieces are computed again.
            ends = piece.stop == self.rows.stop
            table = self.linear.table(piece)
            window = last if ends else self._carried(table, piece, start, weights)
            back = np.zeros(window.d.shape)
            back[len(back) - len(later) :] += later
            inside, rows = self._places(piece)
            back[rows, self.watched] += worth[inside]
            settings = self.gates, weights, self._before
            compiled_carry_back()(*table, *settings, window.d, window.powers, back, through)
            later = back[: self._before]
        self.linear.check(through)
        return at_m.log_norm, through

    def worth_of_pushes(self) -> Floats:
        """The derivative of m, at its last row, by a push at each node at all rows, (keys,).

        Without gates; in floats as they are, so that what grows too far comes out infinite.
        """
        none = np.empty((0, 1))
        total, later = np.zeros(len(self.linear.keys)), np.zeros((0, len(self.linear.keys), 1))
        through = np.zeros((self.linear.edges, 1))
        for piece in reversed(self._pieces(none)):
            shape = self._before + len(piece), len(self.linear.keys), 1
            back, still = np.zeros(shape), np.zeros(shape)
            back[len(back) - len(later) :] += later
            if piece.stop == self.rows.stop:
                back[-1, self.watched[-1]] += 1.0
            powers = np.zeros((len(back), 1), dtype=np.int64)
            table = self.linear.table(piece)
            settings = self.gates, none, self._before
            compiled_carry_back()(*table, *settings, still, powers, back, through)
            total += back[self._before :, :, 0].sum(axis=0)
            later = back[: self._before]
        if np.isnan(total).any():
            raise EvaluationError(
                "What pushes do to m grows beyond the largest float on the way: ask about a "
                "shorter run."
            )
        return total

    # -- piece by piece --------------------------------------------------------------------------

    @property
    def _before(self) -> int:
        """How many rows before a piece its rows look back to."""
        return max(self.linear.memory, 1)

    def _pieces(self, weights: Floats) -> list[range]:
        """The rows of the run, in pieces that fit; each as long as it looks back, but the last."""
        linear = self.linear
        each = len(linear.keys) * 2 * weights.shape[1] + len(self.linear.changing)
        size = max(_TOGETHER // each, self._before)
        last = self.rows.stop
        refuse_what_does_not_fit(
            8 * each * size + 8 * len(linear.keys) * weights.shape[1] * self._before * last // size,
            f"A pass over {last:,} steps of {len(linear.keys):,} nodes",
            "Ask about fewer steps.",
        )
        return [range(start, min(start + size, last)) for start in range(0, last, size)]

    def _along(self, weights: Floats) -> tuple[AtM, list[_Window], _Window]:
        """What is left at m, what comes before each piece, and the last piece itself."""
        lanes, keys = weights.shape[1], len(self.linear.keys)
        none = np.zeros((self._before, lanes), dtype=np.int64)
        whole = _Window(np.zeros((self._before, keys, lanes)), none)
        mantissas = np.empty((len(self.rows), len(self.watched), lanes))
        powers = np.empty((len(self.rows), lanes), dtype=np.int64)
        starts: list[_Window] = []
        is_rough = False
        for piece in self._pieces(weights):
            starts.append(whole.end(self._before))
            table = self.linear.table(piece)
            is_rough = is_rough or _are_far_apart(table)
            whole = self._carried(table, piece, starts[-1], weights)
            inside, rows = self._places(piece)
            mantissas[inside] = whole.d[rows][:, self.watched]
            powers[inside] = whole.powers[rows]
        self.linear.check(mantissas)
        return AtM(mantissas, powers, is_rough), starts, whole

    def _places(self, piece: range) -> tuple[slice, slice]:
        """The rows of m in a piece: their places among those of m, and in the piece's window."""
        start = max(piece.start, self.rows.start)
        stop = max(start, min(piece.stop, self.rows.stop))
        before = piece.start - self._before
        return (
            slice(start - self.rows.start, stop - self.rows.start),
            slice(start - before, stop - before),
        )

    def _carried(self, table: Table, piece: range, start: _Window, weights: Floats) -> _Window:
        """The differences in the rows of a piece, after those that come before it."""
        d = np.empty((self._before + len(piece), *start.d.shape[1:]))
        powers = np.empty((len(d), start.powers.shape[1]), dtype=np.int64)
        d[: self._before], powers[: self._before] = start.d, start.powers
        nudges = np.ascontiguousarray(self.nudges[piece.start : piece.stop])
        settings = self.gates, weights, self.watched
        compiled_carry()(*table, *settings, nudges, self._before, d, powers)
        return _Window(d, powers)


def _are_far_apart(table: Table) -> bool:
    """Whether a slope, of those that are there, is beyond what a row's power of two makes up."""
    _, _, _, fixed, varying, slopes = table
    sizes = (np.abs(each) for each in (fixed[varying < 0], slopes))
    return not all((is_tame(size) | np.isnan(size)).all() for size in sizes)


@dataclass(frozen=True, eq=False)
class _Window:
    """Differences ``d`` (rows, keys, lanes) times 2**``powers`` (rows, lanes)."""

    d: Floats
    powers: Ints

    def end(self, rows: int) -> _Window:
        """Its last rows."""
        return _Window(self.d[-rows:].copy(), self.powers[-rows:].copy())
