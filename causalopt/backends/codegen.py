"""Loops over time as source text: a block, and around it checks, rescaling and recording.

Two loops come from the same block. The narrow one carries a single point in local variables, which
a compiler keeps in registers. The wide one carries a tile of points side by side in one flat
buffer, in an inner loop over points without branches, which a compiler turns into vector code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from causalopt.backends.rescaling import (
    all_finite,
    all_plainly_tame,
    all_tame,
    in_chains,
    rescaled,
)
from causalopt.backends.shape import Shape, indented, joined, named
from causalopt.backends.telling import of_tile, over_steps, power_in_tile, power_of_point
from causalopt.backends.writer import lines_of
from causalopt.plan import Block

#: How many points a tile of the wide loop holds: its rows stay in the first-level cache.
TILE = 64

# Slot j of a point of a tile, where j is a slot in a chain.
_CHAINED = f"rows[j * {TILE} + q]"


NARROW_SIGNATURE = (
    "int64(float64[:,::1], int64[:,::1], int64, float64[::1], int64[::1], int64[::1],"
    " float64[:,:,::1], int64, int64, float64, int64, int64, int64, float64[:,:,::1],"
    " int64[:,:,::1])"
)
WIDE_SIGNATURE = (
    "void(float64[:,::1], int64[:,::1], int64, int64, float64[::1], float64[::1], int64[::1],"
    " int64[::1], float64[:,:,::1], int64, int64, float64, int64, int64, int64,"
    " float64[:,:,::1], int64[:,:,::1], int64[::1])"
)


def narrow(block: Block, shape: Shape) -> str:
    """The source of a loop over steps for one point.

    It carries ``state[:, point]`` and ``powers[:, point]`` from step ``first - 1`` to ``stop - 1``,
    with the noises ``drawn`` (noises, steps, 1), records into rows from ``row`` on at step ``due``
    and every ``every`` after it, and returns the next step: ``stop``, or one at which tangents get
    too far apart for one scale. Where a value left the finite numbers, it returns minus the step.
    """
    slots, scales = len(block.results), range(len(shape.scales))
    given, own = len(block.arguments) - slots - shape.noises - 1, shape.computed(slots)
    return joined(
        "def narrow(state, powers, point, given, offset, stride, drawn,",
        "           first, stop, dt, row, due, every, values, exponents):",
        (f"    s{j} = state[{j}, point]" for j in own),
        (f"    p{j} = {input_at(j)}" for j in range(given)),
        (f"    e{k} = powers[{k}, point]" for k in scales),
        "    reached = stop",
        indented(1, over_steps(shape, _step_alone(block, shape, given))),
        (f"    state[{j}, point] = s{j}" for j in own),
        (f"    powers[{k}, point] = e{k}" for k in scales),
        "    return reached",
    )


def _step_alone(block: Block, shape: Shape, given: int) -> list[str]:
    """One step of one point, with what is asked of it and what it records."""
    slots, own = len(block.results), shape.computed(len(block.results))
    arguments = [*named("s", range(slots)), *named("p", range(given + shape.noises)), "t"]
    body, results = lines_of(block, arguments)
    return [
        "t = (i - 1) * dt",
        *(f"p{given + j} = drawn[{j}, i - first, 0]" for j in range(shape.noises)),
        *(f"s{j} = state[{j}, point]" for j in shape.looked_at(block)),
        *(f"c{m} = s{chain.source}" for m, chain in enumerate(shape.chains)),
        *body,
        *(f"n{j} = {results[j]}" for j in own),
        f"if not {all_plainly_tame(shape)} and not {all_tame(shape)}:",
        "    apart = False",
        *indented(1, rescaled(shape, "state[j, point]", "c{}")),
        "    if apart:",
        "        reached = i",
        "        break",
        *(f"    e{k} += f{k}" for k in range(len(shape.scales))),
        *(f"s{j} = n{j}" for j in own),
        *_moved_on(shape),
        f"if not {all_finite(shape)}:",
        "    reached = -i",
        "    break",
        "if i == due:",
        *indented(1, recorded(shape, "s{}".format, lambda _, k: f"e{k}")),
    ]


def wide(block: Block, shape: Shape) -> str:
    """The source of a loop over steps for tiles of points, ``low <= tile < high``.

    As ``narrow``, with ``drawn`` (noises, steps, TILE * tiles) and a buffer ``rows`` of at least
    ``buffer_size`` numbers; ``faults[tile]`` becomes the step at which a value of the tile left the
    finite numbers, and such tiles are left as they are. It becomes -1 where tangents got too far
    apart for one scale: the state of that tile is what it was, and what it recorded is void.
    """
    places = _Places.of(block, shape)
    return joined(
        "def wide(state, powers, low, high, rows, given, offset, stride, drawn,",
        "         first, stop, dt, row, due, every, values, exponents, faults):",
        "    points = state.shape[1]",
        "    for tile in range(low, high):",
        "        if faults[tile] != 0:",
        "            continue",
        indented(2, _loaded(shape, places)),
        "        at = row",
        "        next_due = due",
        "        for i in range(first, stop):",
        "            t = (i - 1) * dt",
        "            odd = 0",
        indented(3, _stepped(block, shape, places)),
        "            if odd != 0:",
        indented(4, _mended(shape, places)),
        "            if i == next_due:",
        indented(4, _recorded(shape, places)),
        "        if faults[tile] < 0:",
        "            continue",
        indented(2, of_tile(shape)),
        indented(2, _stored(shape, places)),
    )


def _moved_on(shape: Shape) -> list[str]:
    """What is remembered one step more, and what a step remembers newly."""
    return [
        line
        for m, chain in enumerate(shape.chains)
        for line in (
            f"for j in range({chain.places.stop - 1}, {chain.places.start}, -1):",
            "    state[j, point] = state[j - 1, point]",
            f"state[{chain.places.start}, point] = c{m}",
        )
    ]


@dataclass(frozen=True)
class _Places:
    """Where the rows of the buffer begin: of the state, of the inputs, of the powers taken out."""

    slots: int
    given: int
    inputs: int
    scales: int
    own: list[int]

    @classmethod
    def of(cls, block: Block, shape: Shape) -> _Places:
        slots = len(block.results)
        given = len(block.arguments) - slots - shape.noises - 1
        scales, own = len(shape.scales), shape.computed(slots)
        return cls(slots, given, given + shape.noises, scales, own)

    def state(self, j: int) -> str:
        return _at(j)

    def input(self, j: int) -> str:
        return _at(self.slots + j)

    def power(self, k: int) -> str:
        return _at(self.slots + self.inputs + k)

    def entering(self, m: int) -> str:
        return _at(self.slots + self.inputs + self.scales + m)


def _loaded(shape: Shape, places: _Places) -> list[str]:
    """A tile's state, inputs and powers, side by side in the buffer."""
    return [
        f"base = tile * {TILE}",
        f"left = (tile - low) * {TILE}",
        f"width = min({TILE}, points - base)",
        f"for q in range({TILE}):",
        # The last tile is filled up with copies of its last point.
        "    point = base + min(q, width - 1)",
        *(f"    {places.state(j)} = state[{j}, point]" for j in places.own),
        *indented(1, in_chains(shape, f"{_CHAINED} = state[j, point]")),
        *(f"    {places.input(j)} = {input_at(j)}" for j in range(places.given)),
        *(f"    {places.power(k)} = powers[{k}, point]" for k in range(places.scales)),
    ]


def _stepped(block: Block, shape: Shape, places: _Places) -> list[str]:
    """One step of all points of a tile; ``odd`` says that some of them need a second look.

    The loop over points has no branches, so that a compiler turns it into vector code.
    """
    arguments = [*named("s", range(places.slots)), *named("p", range(places.inputs)), "t"]
    body, results = lines_of(block, arguments)
    noises = range(shape.noises)
    return [
        *(line for j in noises for line in _drawn(places.input(places.given + j), j)),
        f"for q in range({TILE}):",
        *(f"    s{j} = {places.state(j)}" for j in [*places.own, *shape.looked_at(block)]),
        *(f"    p{j} = {places.input(j)}" for j in range(places.inputs)),
        *(f"    {line}" for line in body),
        *(f"    n{j} = {results[j]}" for j in places.own),
        *(f"    {places.entering(m)} = s{c.source}" for m, c in enumerate(shape.chains)),
        *(f"    {places.state(j)} = n{j}" for j in places.own),
        f"    odd |= not ({all_finite(shape)} & {all_tame(shape)})",
        *(line for m, c in enumerate(shape.chains) for line in _row_moved_on(c.places, m, places)),
    ]


def _row_moved_on(chain: range, number: int, places: _Places) -> list[str]:
    """The rows of a chain moved on by one, and the row that enters in front."""
    low, high = chain.start * TILE, chain.stop * TILE
    return [
        f"for m in range({high - 1}, {low + TILE - 1}, -1):",
        f"    rows[m] = rows[m - {TILE}]",
        f"for q in range({TILE}):",
        f"    {places.state(chain.start)} = {places.entering(number)}",
    ]


def _mended(shape: Shape, places: _Places) -> list[str]:
    """The second look: a tile that is not finite is left, tangents out of range are rescaled."""
    scales = range(places.scales)
    return [
        "bad = False",
        f"for q in range({TILE}):",
        *(f"    n{j} = {places.state(j)}" for j in places.own),
        f"    bad |= not {all_finite(shape)}",
        "if bad:",
        "    faults[tile] = i",
        "    break",
        "apart = False",
        # All points of the tile, so that they do not need it one after the other.
        f"for q in range({TILE}):",
        *(f"    n{j} = {places.state(j)}" for j in places.own),
        *(f"    e{k} = {places.power(k)}" for k in scales),
        *indented(1, rescaled(shape, _CHAINED)),
        *(f"    {places.state(j)} = n{j}" for j in places.own),
        *(f"    {places.power(k)} = e{k} + f{k}" for k in scales),
        "if apart:",
        "    faults[tile] = -1",
        "    break",
    ]


def recorded(
    shape: Shape, slot: Callable[[int], str], power: Callable[[int, int], str]
) -> list[str]:
    """What one point records of a step that is due, by how its slots and powers are written."""
    values, powers = shape.values_recorded(slot), shape.powers_recorded(power)
    at = power_of_point(shape)
    return [
        *(f"values[{r}, row, 0] = {value}" for r, value in enumerate(values)),
        *(f"exponents[{r}, {at}] = {own}" for r, own in enumerate(powers)),
        "row += 1",
        "due += every",
    ]


def _recorded(shape: Shape, places: _Places) -> list[str]:
    """What a tile records of a step that is due."""
    values = shape.values_recorded(places.state)
    powers = shape.powers_recorded(lambda _, k: f"int({places.power(k)})")
    there = power_in_tile(shape)
    return [
        "for q in range(width):",
        *(f"    values[{r}, at, left + q] = {value}" for r, value in enumerate(values)),
        *(f"    exponents[{r}, {there}] = {power}" for r, power in enumerate(powers)),
        "at += 1",
        "next_due += every",
    ]


def _stored(shape: Shape, places: _Places) -> list[str]:
    """A tile's state and powers back in their arrays."""
    return [
        "for q in range(width):",
        *(f"    state[{j}, base + q] = {places.state(j)}" for j in places.own),
        *indented(1, in_chains(shape, f"state[j, base + q] = {_CHAINED}")),
        *(f"    powers[{k}, base + q] = int({places.power(k)})" for k in range(places.scales)),
        "    pass",
    ]


def buffer_size(block: Block, shape: Shape) -> int:
    """How many numbers the buffer of the wide loop holds."""
    return TILE * (len(block.arguments) - 1 + len(shape.scales) + len(shape.chains))


def input_at(j: int) -> str:
    """An input at a point."""
    return f"given[offset[{j}] + point * stride[{j}]]"


def _at(row: int) -> str:
    return f"rows[{row * TILE} + q]"


def _drawn(place: str, noise: int) -> list[str]:
    # A loop of its own, so that the one over the block still becomes vector code.
    return [f"for q in range({TILE}):", f"    {place} = drawn[{noise}, i - first, left + q]"]
