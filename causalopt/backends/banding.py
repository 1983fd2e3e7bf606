"""The loop over time that takes tangents band by band, as source text: see ``bands``.

It is slower than the others, and compiled only for a run whose tangents get too far apart for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from causalopt.backends.bands import BAND, CLOSE
from causalopt.backends.codegen import input_at, recorded
from causalopt.backends.rescaling import all_finite
from causalopt.backends.shape import Shape, indented, joined, named
from causalopt.backends.telling import over_steps
from causalopt.backends.writer import lines_of
from causalopt.ground.scaled import NO_POWER
from causalopt.plan import Block, Remembered

BANDED_SIGNATURE = (
    "int64(float64[:,::1], int64[:,::1], int64[::1], int64, float64[::1], int64[::1], int64[::1],"
    " float64[:,:,::1], int64, int64, float64, int64, int64, int64, float64[:,:,::1],"
    " int64[:,:,::1])"
)

# So many steps are taken before it is asked whether the tangents are close again.
_LEAST = 16

# A shift by more powers of two than this leaves nothing of a float.
_FARTHEST = 2000


def banded(block: Block, shape: Shape) -> str:
    """The source of a loop over steps for one point, each of whose tangents has its own power.

    As ``narrow``; ``apart`` (slots,) are the powers of the slots beyond those of their groups. It
    returns before ``stop`` where the tangents of each group are close together again. Before a step
    at which a tangent would not be finite, it returns minus that step and ``stop``.
    """
    slots = len(block.results)
    given = len(block.arguments) - slots - shape.noises - 1
    inputs = named("p", range(given + shape.noises))
    body, results = lines_of(block, [*named("s", range(slots)), *inputs, "t"])
    own = shape.computed(slots)
    step = [
        *(f"s{j} = part[{j}]" for j in [*own, *shape.looked_at(block)]),
        *body,
        *(f"n{j} = {results[j]}" for j in own),
        *(f"new[{j}] = n{j}" for j in own),
        *(line for chain in shape.chains for line in _remembered(chain)),
    ]
    made = [f"p{j} = {input_at(j)}" for j in range(given)]
    moment = ["t = (i - 1) * dt"]
    moment += [f"p{given + j} = drawn[{j}, i - first, 0]" for j in range(shape.noises)]
    # They are asked for after the loop that sets them.
    moment += [f"n{j} = 0.0" for j in shape.values]
    return banded_loop(shape, slots, made, moment, step, all_finite(shape))


def banded_loop(
    shape: Shape,
    slots: int,
    made: Sequence[str],
    moment: Sequence[str],
    step: Sequence[str],
    is_finite: str,
) -> str:
    """The loop around a ``step``, which makes ``new`` slots of ``part``.

    ``made`` comes once, before it, and ``moment`` once in each step; ``is_finite`` asks of values.
    """
    whole = joined(
        moment,
        _PICKED.format(slots=slots, none=NO_POWER, band=BAND),
        indented(1, step),
        _ADDED.format(slots=slots, farthest=_FARTHEST),
        f"if lost != 0.0 and {is_finite}:",
        "    reached = -stop - i",
        "    break",
        _COMMITTED.format(slots=slots),
        f"if not {is_finite}:",
        "    reached = -i",
        "    break",
        "if i == due:",
        indented(1, recorded(shape, "old[{}]".format, lambda j, _: f"own[{j}]")),
        _CLOSE.format(slots=slots, close=CLOSE, least=_LEAST, none=NO_POWER),
    )
    return joined(
        "def banded(state, powers, apart, point, given, offset, stride, drawn,",
        "           first, stop, dt, row, due, every, values, exponents):",
        indented(1, made),
        _SETUP.format(slots=slots, scales=len(shape.scales)),
        _grouped(shape),
        _LOADED.format(slots=slots),
        indented(1, over_steps(shape, whole.splitlines())),
        _STORED.format(slots=slots, scales=len(shape.scales), none=NO_POWER),
    )


def _grouped(shape: Shape) -> Sequence[str]:
    """The group of each tangent, those in chains all at once."""
    lines = []
    for k, places in enumerate(shape.scales):
        own, chains = shape.moving(places)
        lines += [f"    group[{j}] = {k}" for j in own]
        ranges = [shape.chains[m].places for m in chains]
        lines += [f"    group[{places.start} : {places.stop}] = {k}" for places in ranges]
    return lines


def _remembered(chain: Remembered) -> Sequence[str]:
    first, stop = chain.places.start, chain.places.stop
    return [
        f"new[{first}] = part[{chain.source}]",
        f"for j in range({first + 1}, {stop}):",
        "    new[j] = part[j - 1]",
    ]


# The parts of the loop that are the same for every block; ``group`` is -1 for values.
_SETUP = """\
    old = numpy.zeros({slots})
    own = numpy.zeros({slots}, numpy.int64)
    part = numpy.zeros({slots})
    new = numpy.zeros({slots})
    total = numpy.zeros({slots})
    raised = numpy.zeros({slots}, numpy.int64)
    waits = numpy.zeros({slots}, numpy.bool_)
    group = numpy.full({slots}, -1, numpy.int64)
    top = numpy.zeros({scales} + 1, numpy.int64)"""

_LOADED = """\
    for j in range({slots}):
        old[j] = state[j, point]
        if group[j] >= 0:
            old[j], lift = math.frexp(state[j, point])
            own[j] = powers[group[j], point] + apart[j] + lift
    reached = stop"""

# A pass takes the largest tangents of each group that wait, and those of about their size.
_PICKED = """\
for j in range({slots}):
    waits[j] = group[j] >= 0 and old[j] != 0.0
    total[j] = 0.0
    raised[j] = 0
again = True
while again:
    top[:] = {none}
    for j in range({slots}):
        if waits[j]:
            top[group[j]] = max(top[group[j]], own[j])
    again = False
    for j in range({slots}):
        part[j] = old[j] if group[j] < 0 else 0.0
        if waits[j] and own[j] > top[group[j]] - {band}:
            part[j] = math.ldexp(old[j], own[j] - top[group[j]])
            waits[j] = False
        again |= waits[j]"""

# total[j] * 2**raised[j] += new[j] * 2**top, both brought to the larger power.
_ADDED = """\
    for j in range({slots}):
        if group[j] < 0:
            total[j] = new[j]
        elif new[j] != 0.0:
            mantissa, lift = math.frexp(new[j])
            power = top[group[j]] + lift
            if total[j] != 0.0:
                high = max(power, raised[j])
                mantissa = math.ldexp(mantissa, max(power - high, -{farthest}))
                mantissa += math.ldexp(total[j], max(raised[j] - high, -{farthest}))
                mantissa, lift = math.frexp(mantissa)
                power = high + lift
            total[j] = mantissa
            raised[j] = power if mantissa != 0.0 else 0
lost = 0.0
for j in range({slots}):
    if group[j] >= 0:
        lost += total[j] - total[j]"""

_COMMITTED = """\
for j in range({slots}):
    old[j] = total[j]
    own[j] = raised[j]"""

_CLOSE = """\
if i - first >= {least}:
    top[:] = {none}
    for j in range({slots}):
        if group[j] >= 0 and old[j] != 0.0 and math.isfinite(old[j]):
            top[group[j]] = max(top[group[j]], own[j])
    is_close = True
    for j in range({slots}):
        if group[j] >= 0 and old[j] != 0.0 and math.isfinite(old[j]):
            is_close &= own[j] >= top[group[j]] - {close}
    if is_close:
        reached = i + 1
        break"""

_STORED = """\
    top[:] = {none}
    for j in range({slots}):
        if group[j] >= 0 and old[j] != 0.0:
            top[group[j]] = max(top[group[j]], own[j])
    for k in range({scales}):
        powers[k, point] = top[k] if top[k] > {none} else 0
    for j in range({slots}):
        state[j, point] = old[j]
        if group[j] >= 0:
            apart[j] = own[j] - powers[group[j], point] if old[j] != 0.0 else 0
    return reached"""
