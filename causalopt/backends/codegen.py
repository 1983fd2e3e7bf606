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
    slots, scales = len(block.results), range(len(shape.scales))
    given = len(block.arguments) - slots - shape.noises - 1
    arguments = [*_named("s", slots), *_named("p", given + shape.noises), "t"]
    body, results = lines_of(block, arguments)
    s, p, e = 0, slots, slots + given + shape.noises
    return _joined(
        "def wide(state, powers, low, high, rows, given, offset, stride, drawn,",
        "         first, stop, dt, row, due, every, values, exponents, faults):",
        "    points = state.shape[1]",
        "    for tile in range(low, high):",
        "        if faults[tile] != 0:",
        "            continue",
        f"        base = tile * {TILE}",
        f"        left = (tile - low) * {TILE}",
        f"        width = min({TILE}, points - base)",
        f"        for q in range({TILE}):",
        # The last tile is filled up with copies of its last point.
        "            point = base + min(q, width - 1)",
        (f"            {_at(s + j)} = state[{j}, point]" for j in range(slots)),
        (
            f"            {_at(p + j)} = given[offset[{j}] + point * stride[{j}]]"
            for j in range(given)
        ),
        (f"            {_at(e + k)} = powers[{k}, point]" for k in scales),
        "        at = row",
        "        next_due = due",
        "        for i in range(first, stop):",
        "            t = (i - 1) * dt",
        "            odd = 0",
        (f"            {line}" for j in range(shape.noises) for line in _drawn(p + given + j, j)),
        f"            for q in range({TILE}):",
        (f"                s{j} = {_at(s + j)}" for j in range(slots)),
        (f"                p{j} = {_at(p + j)}" for j in range(given + shape.noises)),
        (f"                {line}" for line in body),
        (f"                n{j} = {result}" for j, result in enumerate(results)),
        (f"                {_at(s + j)} = n{j}" for j in range(slots)),
        f"                odd |= not {_all_finite(shape)}",
        (f"                {line}" for group in shape.scales for line in _noticed(group)),
        "            if odd != 0:",
        "                bad = False",
        f"                for q in range({TILE}):",
        (f"                    n{j} = {_at(s + j)}" for j in range(slots)),
        f"                    bad |= not {_all_finite(shape)}",
        "                if bad:",
        "                    faults[tile] = i",
        "                    break",
        f"                for q in range({TILE}):",
        (f"                    s{j} = {_at(s + j)}" for j in range(slots)),
        (f"                    e{k} = {_at(e + k)}" for k in scales),
        (f"                    {line}" for k in scales for line in _rescaled(shape.scales[k], k)),
        (f"                    {_at(s + j)} = s{j}" for j in range(slots)),
        (f"                    {_at(e + k)} = e{k}" for k in scales),
        "            if i == next_due:",
        "                for q in range(width):",
        (
            f"                    values[{r}, at, left + q] = {_at(s + j)}"
            for r, j in enumerate(shape.recorded)
        ),
        (f"                    exponents[{k}, at, left + q] = int({_at(e + k)})" for k in scales),
        "                at += 1",
        "                next_due += every",
        "        for q in range(width):",
        (f"            state[{j}, base + q] = {_at(s + j)}" for j in range(slots)),
        (f"            powers[{k}, base + q] = int({_at(e + k)})" for k in scales),
        "            pass",
    )


def buffer_size(block: Block, shape: Shape) -> int:
    """How many numbers the buffer of the wide loop holds."""
    return TILE * (len(block.arguments) - 1 + len(shape.scales))


def _named(letter: str, count: int) -> list[str]:
    return [f"{letter}{j}" for j in range(count)]


def _input(j: int) -> str:
    return f"given[offset[{j}] + point * stride[{j}]]"


def _at(row: int) -> str:
    return f"rows[{row * TILE} + q]"


def _drawn(row: int, noise: int) -> list[str]:
    # A loop of its own, so that the one over the block still becomes vector code.
    return [f"for q in range({TILE}):", f"    {_at(row)} = drawn[{noise}, i - first, left + q]"]


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
