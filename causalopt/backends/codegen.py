"""Loops over time as source text: a block, and around it checks, rescaling and recording.

Two loops come from the same block. The narrow one carries a single point in local variables, which
a compiler keeps in registers. The wide one carries a tile of points side by side in one flat
buffer, in an inner loop over points without branches, which a compiler turns into vector code.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from causalopt.backends.bands import EXACT, LOW
from causalopt.backends.writer import lines_of
from causalopt.ground.scaled import LARGE
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

    @property
    def powers(self) -> tuple[tuple[int, int], ...]:
        """The place and the group of each recorded slot that is a tangent: it has a power too."""
        group_of = {j: k for k, group in enumerate(self.scales) for j in group}
        return tuple((j, group_of[j]) for j in self.recorded if j in group_of)


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
    given = len(block.arguments) - slots - shape.noises - 1
    arguments = [*named("s", slots), *named("p", given + shape.noises), "t"]
    body, results = lines_of(block, arguments)
    return joined(
        "def narrow(state, powers, point, given, offset, stride, drawn,",
        "           first, stop, dt, row, due, every, values, exponents):",
        (f"    s{j} = state[{j}, point]" for j in range(slots)),
        (f"    p{j} = {input_at(j)}" for j in range(given)),
        (f"    e{k} = powers[{k}, point]" for k in scales),
        "    reached = stop",
        "    for i in range(first, stop):",
        "        t = (i - 1) * dt",
        (f"        p{given + j} = drawn[{j}, i - first, 0]" for j in range(shape.noises)),
        (f"        {line}" for line in body),
        (f"        n{j} = {result}" for j, result in enumerate(results)),
        f"        if not {_all_plainly_tame(shape)} and not {_all_tame(shape)}:",
        "            apart = False",
        _indented(3, _rescaled(shape)),
        "            if apart:",
        "                reached = i",
        "                break",
        (f"            e{k} += f{k}" for k in scales),
        (f"        s{j} = n{j}" for j in range(slots)),
        f"        if not {all_finite(shape)}:",
        "            reached = -i",
        "            break",
        "        if i == due:",
        (f"            values[{r}, row, 0] = s{j}" for r, j in enumerate(shape.recorded)),
        (f"            exponents[{r}, row, 0] = e{k}" for r, (_, k) in enumerate(shape.powers)),
        "            row += 1",
        "            due += every",
        (f"    state[{j}, point] = s{j}" for j in range(slots)),
        (f"    powers[{k}, point] = e{k}" for k in scales),
        "    return reached",
    )


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
        "        if faults[tile] < 0:",
        "            continue",
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
        *(f"    {places.input(j)} = {input_at(j)}" for j in range(places.given)),
        *(f"    {places.power(k)} = powers[{k}, point]" for k in range(places.scales)),
    ]


def _stepped(block: Block, shape: Shape, places: _Places) -> list[str]:
    """One step of all points of a tile; ``odd`` says that some of them need a second look.

    The loop over points has no branches, so that a compiler turns it into vector code.
    """
    arguments = [*named("s", places.slots), *named("p", places.inputs), "t"]
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
        f"    odd |= not ({all_finite(shape)} & {_all_tame(shape)})",
    ]


def _mended(shape: Shape, places: _Places) -> list[str]:
    """The second look: a tile that is not finite is left, tangents out of range are rescaled."""
    scales = range(places.scales)
    return [
        "bad = False",
        f"for q in range({TILE}):",
        *(f"    n{j} = {places.state(j)}" for j in range(places.slots)),
        f"    bad |= not {all_finite(shape)}",
        "if bad:",
        "    faults[tile] = i",
        "    break",
        "apart = False",
        # All points of the tile, so that they do not need it one after the other.
        f"for q in range({TILE}):",
        *(f"    n{j} = {places.state(j)}" for j in range(places.slots)),
        *(f"    e{k} = {places.power(k)}" for k in scales),
        *_indented(1, _rescaled(shape)),
        *(f"    {places.state(j)} = n{j}" for j in range(places.slots)),
        *(f"    {places.power(k)} = e{k} + f{k}" for k in scales),
        "if apart:",
        "    faults[tile] = -1",
        "    break",
    ]


def _recorded(shape: Shape, places: _Places) -> list[str]:
    """The recorded slots of a step that is due."""
    slots = [(r, places.state(j)) for r, j in enumerate(shape.recorded)]
    powers = [(r, places.power(k)) for r, (_, k) in enumerate(shape.powers)]
    return [
        "for q in range(width):",
        *(f"    values[{r}, at, left + q] = {slot}" for r, slot in slots),
        *(f"    exponents[{r}, at, left + q] = int({power})" for r, power in powers),
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


def named(letter: str, count: int) -> list[str]:
    """The names of some numbers: s0, s1, ..."""
    return [f"{letter}{j}" for j in range(count)]


def input_at(j: int) -> str:
    """An input at a point."""
    return f"given[offset[{j}] + point * stride[{j}]]"


def _at(row: int) -> str:
    return f"rows[{row * TILE} + q]"


def _drawn(place: str, noise: int) -> list[str]:
    # A loop of its own, so that the one over the block still becomes vector code.
    return [f"for q in range({TILE}):", f"    {place} = drawn[{noise}, i - first, left + q]"]


def _indented(depth: int, lines: Iterable[str]) -> list[str]:
    return ["    " * depth + line for line in lines]


def all_finite(shape: Shape) -> str:
    """Whether the new values are all finite."""
    # x - x is 0 for what is finite, and NaN for the rest.
    return "(" + (" + ".join(f"(n{j} - n{j})" for j in shape.values) or "0.0") + " == 0.0)"


def _all_plainly_tame(shape: Shape) -> str:
    """The same in fewer instructions, where none is zero: which is the usual case."""
    tangents = [j for group in shape.scales for j in group]
    total = " + ".join(f"abs(n{j})" for j in tangents)
    low = [f"(abs(n{j}) > {LOW!r})" for j in tangents]
    return "(" + " & ".join([f"({total} < {LARGE!r})", *low]) + ")" if tangents else "True"


def _all_tame(shape: Shape) -> str:
    """Whether the new tangents are all zero or inside the bounds; NaN is not."""
    tangents = [j for group in shape.scales for j in group]
    if not tangents:
        return "True"
    total = " + ".join(f"abs(n{j})" for j in tangents)
    low = [f"((abs(n{j}) > {LOW!r}) | (n{j} == 0.0))" for j in tangents]
    return "(" + " & ".join([f"({total} < {LARGE!r})", *low]) + ")"


def _rescaled(shape: Shape) -> list[str]:
    """Take its size, 2**f, out of each group; ``apart`` where that costs its tangents digits."""
    return [line for k, group in enumerate(shape.scales) for line in _group(group, k)]


def _group(group: Sequence[int], scale: int) -> list[str]:
    return [
        f"f{scale} = 0",
        "size = 0.0",
        "least = math.inf",
        "sound = 0.0",
        *(line for j in group for line in _compared(j)),
        f"if sound != 0.0 or (size > 0.0 and (least < {EXACT!r} or least <= size * {LOW!r})):",
        "    apart = True",
        "elif size > 0.0:",
        "    lift = math.frexp(size)[1]",
        "    factor = math.ldexp(1.0, -lift)",
        *(f"    n{j} *= factor" for j in group),
        f"    f{scale} = lift",
    ]


def _compared(j: int) -> list[str]:
    return [
        f"other = abs(n{j})",
        "sound += other - other",
        "size = choose(other > size, other, size)",
        "least = choose((other < least) & (other > 0.0), other, least)",
    ]


def joined(*parts: str | Iterable[str]) -> str:
    """Lines, and lists of lines, as one text."""
    lines: list[str] = []
    for part in parts:
        lines.extend([part] if isinstance(part, str) else part)
    return "\n".join(lines) + "\n"
