"""Loops over time as source text: a block, and around it checks, rescaling and recording.

Two loops come from the same block. The narrow one carries a single point in local variables, which
a compiler keeps in registers. The wide one carries a tile of points side by side in one flat
buffer, in an inner loop over points without branches, which a compiler turns into vector code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from causalopt.backends.writer import lines_of
from causalopt.ground.scaled import POWER
from causalopt.plan import Block

#: How many points a tile of the wide loop holds: its rows stay in the first-level cache.
TILE = 64


@dataclass(frozen=True)
class Shape:
    """What a loop does around its block: the places of slots in the block's state.

    ``values`` are checked to be finite, each group of ``scales`` is rescaled by one power of two,
    and ``recorded`` are kept. ``noises`` counts the arguments, the last but for the time, that are
    drawn afresh at each step.
    """

    values: tuple[int, ...]
    scales: tuple[tuple[int, ...], ...]
    recorded: tuple[int, ...]
    noises: int = 0


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
    and every ``every`` after it, and returns the step at which a value left the finite numbers, 0
    where none did.
    """
    slots, scales = len(block.results), range(len(shape.scales))
    given = len(block.arguments) - slots - shape.noises - 1
    arguments = [*_named("s", slots), *_named("p", given + shape.noises), "t"]
    body, results = lines_of(block, arguments)
    return _joined(
        "def narrow(state, powers, point, given, offset, stride, drawn,",
        "           first, stop, dt, row, due, every, values, exponents):",
        (f"    s{j} = state[{j}, point]" for j in range(slots)),
        (f"    p{j} = {_input(j)}" for j in range(given)),
        (f"    e{k} = powers[{k}, point]" for k in scales),
        "    fault = 0",
        "    for i in range(first, stop):",
        "        t = (i - 1) * dt",
        (f"        p{given + j} = drawn[{j}, i - first, 0]" for j in range(shape.noises)),
        (f"        {line}" for line in body),
        (f"        n{j} = {result}" for j, result in enumerate(results)),
        (f"        s{j} = n{j}" for j in range(slots)),
        f"        if not {_all_finite(shape)}:",
        "            fault = i",
        "            break",
        (f"        {line}" for k in scales for line in _rescaled(shape.scales[k], k)),
        "        if i == due:",
        (f"            values[{r}, row, 0] = s{j}" for r, j in enumerate(shape.recorded)),
        (f"            exponents[{k}, row, 0] = e{k}" for k in scales),
        "            row += 1",
        "            due += every",
        (f"    state[{j}, point] = s{j}" for j in range(slots)),
        (f"    powers[{k}, point] = e{k}" for k in scales),
        "    return fault",
    )


def wide(block: Block, shape: Shape) -> str:
    """The source of a loop over steps for tiles of points, ``low <= tile < high``.

    As ``narrow``, with ``drawn`` (noises, steps, TILE * tiles) and a buffer ``rows`` of at least
    ``buffer_size`` numbers; ``faults[tile]`` becomes the step at which a value of the tile left the
    finite numbers, and such tiles are left as they are.
    """
    places = _Places.of(block, shape)
    return _joined(
        "def wide(state, powers, low, high, rows, given, offset, stride, drawn,",
        "         first, stop, dt, row, due, every, values, exponents, faults):",
        "    points = state.shape[1]",
        "    for tile in range(low, high):",
        "        if faults[tile] != 0:",
        "            continue",
        _indented(2, _loaded(shape, places)),
        "        at = row",
        "        next_due = due",
        "        for i in range(first, stop):",
        "            t = (i - 1) * dt",
        "            odd = 0",
        _indented(3, _stepped(block, shape, places)),
        "            if odd != 0:",
        _indented(4, _mended(shape, places)),
        "            if i == next_due:",
        _indented(4, _recorded(shape, places)),
        _indented(2, _stored(shape, places)),
    )


@dataclass(frozen=True)
class _Places:
    """Where the rows of the buffer begin: of the state, of the inputs, of the powers taken out."""

    slots: int
    given: int
    inputs: int
    scales: int

    @classmethod
    def of(cls, block: Block, shape: Shape) -> _Places:
        slots = len(block.results)
        given = len(block.arguments) - slots - shape.noises - 1
        return cls(slots, given, given + shape.noises, len(shape.scales))

    def state(self, j: int) -> str:
        return _at(j)

    def input(self, j: int) -> str:
        return _at(self.slots + j)

    def power(self, k: int) -> str:
        return _at(self.slots + self.inputs + k)


def _loaded(shape: Shape, places: _Places) -> list[str]:
    """A tile's state, inputs and powers, side by side in the buffer."""
    return [
        f"base = tile * {TILE}",
        f"left = (tile - low) * {TILE}",
        f"width = min({TILE}, points - base)",
        f"for q in range({TILE}):",
        # The last tile is filled up with copies of its last point.
        "    point = base + min(q, width - 1)",
        *(f"    {places.state(j)} = state[{j}, point]" for j in range(places.slots)),
        *(f"    {places.input(j)} = {_input(j)}" for j in range(places.given)),
        *(f"    {places.power(k)} = powers[{k}, point]" for k in range(places.scales)),
    ]


def _stepped(block: Block, shape: Shape, places: _Places) -> list[str]:
    """One step of all points of a tile; ``odd`` says that some of them need a second look.

    The loop over points has no branches, so that a compiler turns it into vector code.
    """
    arguments = [*_named("s", places.slots), *_named("p", places.inputs), "t"]
    body, results = lines_of(block, arguments)
    noises = range(shape.noises)
    return [
        *(line for j in noises for line in _drawn(places.input(places.given + j), j)),
        f"for q in range({TILE}):",
        *(f"    s{j} = {places.state(j)}" for j in range(places.slots)),
        *(f"    p{j} = {places.input(j)}" for j in range(places.inputs)),
        *(f"    {line}" for line in body),
        *(f"    n{j} = {result}" for j, result in enumerate(results)),
        *(f"    {places.state(j)} = n{j}" for j in range(places.slots)),
        f"    odd |= not {_all_finite(shape)}",
        *(f"    {line}" for group in shape.scales for line in _noticed(group)),
    ]


def _mended(shape: Shape, places: _Places) -> list[str]:
    """The second look: a tile that is not finite is left, tangents out of range are rescaled."""
    scales = range(places.scales)
    return [
        "bad = False",
        f"for q in range({TILE}):",
        *(f"    n{j} = {places.state(j)}" for j in range(places.slots)),
        f"    bad |= not {_all_finite(shape)}",
        "if bad:",
        "    faults[tile] = i",
        "    break",
        f"for q in range({TILE}):",
        *(f"    s{j} = {places.state(j)}" for j in range(places.slots)),
        *(f"    e{k} = {places.power(k)}" for k in scales),
        *(f"    {line}" for k in scales for line in _rescaled(shape.scales[k], k)),
        *(f"    {places.state(j)} = s{j}" for j in range(places.slots)),
        *(f"    {places.power(k)} = e{k}" for k in scales),
    ]


def _recorded(shape: Shape, places: _Places) -> list[str]:
    """The recorded slots of a step that is due."""
    slots = [(r, places.state(j)) for r, j in enumerate(shape.recorded)]
    powers = [(k, places.power(k)) for k in range(places.scales)]
    return [
        "for q in range(width):",
        *(f"    values[{r}, at, left + q] = {slot}" for r, slot in slots),
        *(f"    exponents[{k}, at, left + q] = int({power})" for k, power in powers),
        "at += 1",
        "next_due += every",
    ]


def _stored(shape: Shape, places: _Places) -> list[str]:
    """A tile's state and powers back in their arrays."""
    return [
        "for q in range(width):",
        *(f"    state[{j}, base + q] = {places.state(j)}" for j in range(places.slots)),
        *(f"    powers[{k}, base + q] = int({places.power(k)})" for k in range(places.scales)),
        "    pass",
    ]


def buffer_size(block: Block, shape: Shape) -> int:
    """How many numbers the buffer of the wide loop holds."""
    return TILE * (len(block.arguments) - 1 + len(shape.scales))


def _named(letter: str, count: int) -> list[str]:
    return [f"{letter}{j}" for j in range(count)]


def _input(j: int) -> str:
    return f"given[offset[{j}] + point * stride[{j}]]"


def _at(row: int) -> str:
    return f"rows[{row * TILE} + q]"


def _drawn(place: str, noise: int) -> list[str]:
    # A loop of its own, so that the one over the block still becomes vector code.
    return [f"for q in range({TILE}):", f"    {place} = drawn[{noise}, i - first, left + q]"]


def _indented(depth: int, lines: Iterable[str]) -> list[str]:
    return ["    " * depth + line for line in lines]


def _all_finite(shape: Shape) -> str:
    # x - x is 0 for what is finite, and NaN for the rest.
    return "(" + (" + ".join(f"(n{j} - n{j})" for j in shape.values) or "0.0") + " == 0.0)"


def _size(group: Sequence[int], letter: str) -> list[str]:
    lines = [f"size = abs({letter}{group[0]})"]
    for j in group[1:]:
        lines += [f"other = abs({letter}{j})", "size = choose(other > size, other, size)"]
    return lines


def _noticed(group: Sequence[int]) -> list[str]:
    if not group:
        return []
    outside = f"(size > 0x1p{POWER}) | ((size < 0x1p-{POWER}) & (size > 0.0))"
    return [*_size(group, "n"), f"odd |= {_floats(outside)}"]


def _rescaled(group: Sequence[int], scale: int) -> list[str]:
    if not group:
        return []
    down = [f"    s{j} *= 0x1p-{POWER}" for j in group]
    up = [f"    s{j} *= 0x1p{POWER}" for j in group]
    lines = [
        *_size(group, "s"),
        f"while 0x1p{POWER} < size < math.inf:",
        *down,
        f"    size *= 0x1p-{POWER}",
        f"    e{scale} += {POWER}",
        f"while 0.0 < size < 0x1p-{POWER}:",
        *up,
        f"    size *= 0x1p{POWER}",
        f"    e{scale} -= {POWER}",
    ]
    return [_floats(line) for line in lines]


def _floats(line: str) -> str:
    """The line with its powers of two as decimal numbers, which Python can read."""
    high, low = float.fromhex(f"0x1p{POWER}"), float.fromhex(f"0x1p-{POWER}")
    return line.replace(f"0x1p-{POWER}", repr(low)).replace(f"0x1p{POWER}", repr(high))


def _joined(*parts: str | Iterable[str]) -> str:
    lines: list[str] = []
    for part in parts:
        lines.extend([part] if isinstance(part, str) else part)
    return "\n".join(lines) + "\n"


#: How a loop is written, by its name.
LOOPS: Mapping[str, tuple[Callable[[Block, Shape], str], str]] = {
    "narrow": (narrow, NARROW_SIGNATURE),
    "wide": (wide, WIDE_SIGNATURE),
}
