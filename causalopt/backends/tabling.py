"""Loops over time of large blocks, as source text: loops over what is alike, in a table of numbers.

Written out, a large block takes a compiler minutes, and as loops over its groups about as long as a
small one. They do what the loops of ``codegen`` and ``banding`` do, and are called as these are.

The first rows of the table are the slots, then come the inputs, the noises and the time, as the
block's arguments do; then the numbers in it, and what its groups give. Points that are computed
side by side have a row of the table for each number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from causalopt.backends.banding import banded_loop
from causalopt.backends.bands import EXACT, LOW
from causalopt.backends.codegen import TILE
from causalopt.backends.grouping import Alike, Groups
from causalopt.backends.shape import Shape, indented, joined, named
from causalopt.backends.telling import of_tile, over_steps, power_in_tile, power_of_point
from causalopt.backends.writer import lines_of
from causalopt.ground.scaled import LARGE
from causalopt.plan import block_of


@dataclass(frozen=True)
class Tabled:
    """A block's groups, and the shape of the loop around them."""

    groups: Groups
    shape: Shape
    slots: int

    @property
    def time(self) -> int:
        """The row of the time, the last argument."""
        return self.groups.arguments - 1

    @property
    def given(self) -> range:
        """The rows of the inputs."""
        return range(self.slots, self.time - self.shape.noises)

    @property
    def drawn(self) -> range:
        """The rows of the noises."""
        return range(self.time - self.shape.noises, self.time)

    def constants(self) -> Iterator[str]:
        """What the loops go over, as arrays that a compiler takes for constants."""
        for number, group in enumerate(self.groups.groups):
            if group.count > 1:
                yield _array(f"SEEN{number}", group.seen.tolist())
        yield _array("RESULTS", self._results())
        yield _array("VALUES", self.shape.values)
        yield _array("TANGENTS", self.shape.tangents)
        yield from self._recorded()
        yield _array("SCALED", [j for places in self.shape.scales for j in places])
        ends = list(accumulate(map(len, self.shape.scales)))
        yield _array("BEGIN", [0, *ends[:-1]] if ends else [])
        yield _array("END", ends)
        yield f"NUMBERS = numpy.array({self.groups.numbers.tolist()!r}, numpy.float64)"

    def _results(self) -> list[int]:
        """The row of each slot after a step; what is remembered moves on by one."""
        rows = dict(self.groups.results)
        for chain in self.shape.chains:
            first, *others = chain.places
            rows |= {first: chain.source, **{j: j - 1 for j in others}}
        return [rows[j] for j in range(self.slots)]

    def _recorded(self) -> Iterator[str]:
        """The slots that are recorded and the groups of those with powers, or pairs of them."""
        pairs, group_of = self.shape.quotients, self.shape.group_of
        above = [x for x, _ in pairs] or self.shape.recorded
        yield _array("RECORDED", above)
        yield _array("POWERS", [group_of[j] for j in above if j in group_of])
        yield _array("BELOW", [y for _, y in pairs])
        yield _array("POWERS_BELOW", [group_of[y] for _, y in pairs])

    def records(self, at: str, q: str = "") -> dict[str, str]:
        """What is recorded, at a place q, and the power beside it, with where that is put."""
        value, power = f"new[RECORDED[g]{q}]", f"power[POWERS[g]{q}]"
        if self.shape.quotients:
            # A zero below has no sign.
            value = f"{value} / (new[BELOW[g]{q}] + 0.0)"
            power = f"{power} - power[POWERS_BELOW[g]{q}]"
        return {"value": value, "power": power, "at": at}

    def groups_alone(self) -> Iterator[str]:
        """A function that computes all groups of one point, one after the other."""
        return self._groups(_alone)

    def groups_side_by_side(self) -> Iterator[str]:
        """A function that computes all groups of a tile of points."""
        return self._groups(_side_by_side)

    def _groups(self, write: Callable[[_Member], list[str]]) -> Iterator[str]:
        yield "@compiled"
        # By itself, for a compiler follows each name of a loop through all blocks that are in it.
        yield "def work_out(table):"
        for number, group in enumerate(self.groups.groups):
            head, seen, target = _loop(number, group)
            terms = named("a", range(len(seen)))
            lines, (result,) = lines_of(block_of(group.routine), terms)
            # A loop too where there is but one, so that its names have nothing to do with others.
            yield f"    for {head}:"
            yield from indented(2, write(_Member(terms, seen, lines, target, result)))


@dataclass(frozen=True)
class _Member:
    """One of a group: ``terms`` of the rows ``seen``, and the ``result`` that its row gets."""

    terms: Sequence[str]
    seen: Sequence[str]
    lines: Sequence[str]
    target: str
    result: str


def _alone(one: _Member) -> list[str]:
    taken = [f"{term} = table[{row}]" for term, row in zip(one.terms, one.seen, strict=True)]
    return [*taken, *one.lines, f"table[{one.target}] = {one.result}"]


def _side_by_side(one: _Member) -> list[str]:
    # Rows are taken out first, so that a compiler sees that it goes along them.
    rows = [f"b{place} = table[{row}]" for place, row in enumerate(one.seen)]
    taken = [f"{term} = b{place}[q]" for place, term in enumerate(one.terms)]
    points = indented(1, [*taken, *one.lines, f"out[q] = {one.result}"])
    return [*rows, f"out = table[{one.target}]", f"for q in range({TILE}):", *points]


def _loop(number: int, group: Alike) -> tuple[str, list[str], str]:
    """What a loop over a group goes over, the rows that each sees, and its own row."""
    if group.count == 1:
        return "_ in range(1)", [str(rows[0]) for rows in group.seen.tolist()], str(group.first)
    seen = [f"SEEN{number}[{place}, g]" for place in range(len(group.seen))]
    return f"g in range({group.count})", seen, f"{group.first} + g"


def _array(name: str, places: Sequence[object]) -> str:
    return f"{name} = numpy.array({list(places)!r}, numpy.uint32)"


def narrow(groups: Groups, shape: Shape, slots: int) -> str:
    """The source of ``codegen.narrow`` for a large block."""
    tabled = Tabled(groups, shape, slots)
    step = joined(
        _moment(tabled),
        "work_out(table)",
        f"for j in range({slots}):",
        "    new[j] = table[RESULTS[j]]",
        _TAME.format(low=LOW),
        f"if not (tame and total < {LARGE!r}):",
        "    apart = False",
        indented(1, _measured()),
        "    if apart:",
        "        reached = i",
        "        break",
        indented(1, _divided()),
        _TAKEN_OVER.format(slots=slots, **tabled.records(power_of_point(shape))),
    )
    return joined(
        tabled.constants(),
        tabled.groups_alone(),
        "def narrow(state, powers, point, given, offset, stride, drawn,",
        "           first, stop, dt, row, due, every, values, exponents):",
        indented(1, _table_alone(tabled)),
        f"    new = numpy.empty({slots})",
        "    power = numpy.empty(END.size, numpy.int64)",
        "    taken = numpy.empty(END.size, numpy.int64)",
        "    for k in range(END.size):",
        "        power[k] = powers[k, point]",
        f"    for j in range({slots}):",
        "        table[j] = state[j, point]",
        "    reached = stop",
        indented(1, over_steps(shape, step.splitlines())),
        f"    for j in range({slots}):",
        "        state[j, point] = table[j]",
        "    for k in range(END.size):",
        "        powers[k, point] = power[k]",
        "    return reached",
    )


def banded(groups: Groups, shape: Shape, slots: int) -> str:
    """The source of ``banding.banded`` for a large block."""
    tabled = Tabled(groups, shape, slots)
    step = [
        f"for j in range({slots}):",
        "    table[j] = part[j]",
        "work_out(table)",
        f"for j in range({slots}):",
        "    new[j] = table[RESULTS[j]]",
        "gone = 0.0",
        "for g in range(VALUES.size):",
        "    gone += new[VALUES[g]] - new[VALUES[g]]",
    ]
    made, moment = list(_table_alone(tabled)), [*_moment(tabled), "gone = 0.0"]
    loop = banded_loop(shape, slots, made, moment, step, "(gone == 0.0)")
    return joined(tabled.constants(), tabled.groups_alone(), loop)


def wide(groups: Groups, shape: Shape, slots: int) -> str:
    """The source of ``codegen.wide`` for a large block."""
    tabled = Tabled(groups, shape, slots)
    given, drawn = tabled.given, tabled.drawn
    return joined(
        tabled.constants(),
        tabled.groups_side_by_side(),
        "def wide(state, powers, low, high, rows, given, offset, stride, drawn,",
        "         first, stop, dt, row, due, every, values, exponents, faults):",
        f"    table = numpy.empty(({groups.rows}, {TILE}))",
        f"    new = numpy.empty(({slots}, {TILE}))",
        f"    power = numpy.empty((END.size, {TILE}), numpy.int64)",
        f"    taken = numpy.empty((END.size, {TILE}), numpy.int64)",
        "    for g in range(NUMBERS.size):",
        f"        table[{groups.arguments} + g, :] = NUMBERS[g]",
        "    points = state.shape[1]",
        "    for tile in range(low, high):",
        "        if faults[tile] != 0:",
        "            continue",
        _LOADED.format(tile=TILE, slots=slots, given=len(given)),
        "        at = row",
        "        next_due = due",
        "        for i in range(first, stop):",
        f"            table[{tabled.time}, :] = (i - 1) * dt",
        f"            for j in range({len(drawn)}):",
        f"                table[{drawn.start} + j, :] = drawn[j, i - first, left : left + {TILE}]",
        "            work_out(table)",
        f"            for j in range({slots}):",
        "                new[j] = table[RESULTS[j]]",
        _LOOKED_AT.format(low=LOW, large=LARGE, tile=TILE, slots=slots),
        "            if not tame:",
        "                apart = False",
        # All points of the tile, so that they do not need it one after the other.
        f"                for q in range({TILE}):",
        indented(5, _measured(", q")),
        "                if apart:",
        "                    faults[tile] = -1",
        "                    break",
        f"                for q in range({TILE}):",
        indented(5, _divided(", q")),
        _CARRIED.format(slots=slots, **tabled.records(power_in_tile(shape), ", q")),
        indented(2, of_tile(shape)),
        _PUT_BACK.format(slots=slots),
    )


# What is asked of the new tangents of one point, and how a step of it ends.
_TAME = """\
total = 0.0
tame = True
for g in range(TANGENTS.size):
    other = abs(new[TANGENTS[g]])
    total += other
    tame &= (other > {low!r}) | (other == 0.0)"""

_TAKEN_OVER = """\
lost = 0.0
for g in range(VALUES.size):
    lost += new[VALUES[g]] - new[VALUES[g]]
for j in range({slots}):
    table[j] = new[j]
if not lost == 0.0:
    reached = -i
    break
if i == due:
    for g in range(RECORDED.size):
        values[g, row, 0] = {value}
    for g in range(POWERS.size):
        exponents[g, {at}] = {power}
    row += 1
    due += every"""


def _measured(q: str = "") -> list[str]:
    """The power of two of each group of new tangents, as ``rescaling`` finds it, at a place q."""
    return f"""\
for k in range(END.size):
    taken[k{q}] = 0
    size = 0.0
    least = math.inf
    sound = 0.0
    for g in range(BEGIN[k], END[k]):
        other = abs(new[SCALED[g]{q}])
        sound += other - other
        size = choose(other > size, other, size)
        least = choose((other < least) & (other > 0.0), other, least)
    if sound != 0.0 or (size > 0.0 and (least < {EXACT!r} or least <= size * {LOW!r})):
        apart = True
    elif size > 0.0:
        taken[k{q}] = math.frexp(size)[1]""".splitlines()


def _divided(q: str = "") -> list[str]:
    """The new tangents of each group without that power."""
    return f"""\
for k in range(END.size):
    factor = math.ldexp(1.0, -taken[k{q}])
    for g in range(BEGIN[k], END[k]):
        new[SCALED[g]{q}] *= factor
    power[k{q}] += taken[k{q}]""".splitlines()


# A tile's state, inputs and powers; the last one is filled up with copies of its last point.
_LOADED = """\
        base = tile * {tile}
        left = (tile - low) * {tile}
        width = min({tile}, points - base)
        for q in range({tile}):
            point = base + min(q, width - 1)
            for j in range({slots}):
                table[j, q] = state[j, point]
            for j in range({given}):
                table[{slots} + j, q] = given[offset[j] + point * stride[j]]
            for k in range(END.size):
                power[k, q] = powers[k, point]"""

# What is asked of the new values and tangents of a tile.
_LOOKED_AT = """\
            lost = 0.0
            for g in range(VALUES.size):
                for q in range({tile}):
                    lost += new[VALUES[g], q] - new[VALUES[g], q]
            tame = True
            for g in range(TANGENTS.size):
                for q in range({tile}):
                    other = abs(new[TANGENTS[g], q])
                    tame &= (other > {low!r}) | (other == 0.0)
                    tame &= other < {large!r} / TANGENTS.size
            if not lost == 0.0:
                for j in range({slots}):
                    table[j] = new[j]
                faults[tile] = i
                break"""

# The end of a step of a tile, and of all its steps; then what is put back of it.
_CARRIED = """\
            for j in range({slots}):
                table[j] = new[j]
            if i == next_due:
                for g in range(RECORDED.size):
                    for q in range(width):
                        values[g, at, left + q] = {value}
                for g in range(POWERS.size):
                    for q in range(width):
                        exponents[g, {at}] = {power}
                at += 1
                next_due += every
        if faults[tile] < 0:
            continue"""

_PUT_BACK = """\
        for q in range(width):
            for j in range({slots}):
                state[j, base + q] = table[j, q]
            for k in range(END.size):
                powers[k, base + q] = power[k, q]"""


def _table_alone(tabled: Tabled) -> Iterator[str]:
    """The table of one point, with the block's numbers and its inputs."""
    yield f"table = numpy.empty({tabled.groups.rows})"
    yield "for g in range(NUMBERS.size):"
    yield f"    table[{tabled.groups.arguments} + g] = NUMBERS[g]"
    yield f"for j in range({len(tabled.given)}):"
    yield f"    table[{tabled.slots} + j] = given[offset[j] + point * stride[j]]"


def _moment(tabled: Tabled) -> Iterator[str]:
    """The time and the noises of a step, for one point."""
    yield f"table[{tabled.time}] = (i - 1) * dt"
    yield f"for j in range({len(tabled.drawn)}):"
    yield f"    table[{tabled.drawn.start} + j] = drawn[j, i - first, 0]"
