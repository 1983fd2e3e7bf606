"""What loops make of the quotients that they record, while these are in the cache: one number each.

A quotient is a mantissa and a power of two. Where its ``RatioForm`` is one number, loops put
mantissas in the place of that, powers beside them, and then the number of each in its place, for
which a compiler finds vector code.
"""

from __future__ import annotations

from collections.abc import Iterable

from causalopt.backends import logarithms
from causalopt.backends.shape import Shape, indented
from causalopt.ground.scaled import RatioForm

#: So many steps of one point are taken before their numbers are made: they are still in the cache.
STEPS = 1024

# The mantissa of a quotient of tangents is zero, infinite, or from 2**-600 to 2**600 in size: what
# is further away than this power is zero or infinite, and where the first product loses digits, the
# second is zero. A power of two is made by its bits.
_FARTHEST = 2040
_FLOAT = f"""
v_power = min(max({{power}}, {-_FARTHEST}), {_FARTHEST})
v_half = v_power >> 1
v_first = float_of_bits((v_half + 1023) * {1 << 52})
v_second = float_of_bits((v_power - v_half + 1023) * {1 << 52})
{{out}} = {{mantissa}} * v_first * v_second
"""


def statements(form: RatioForm, mantissa: str, power: str, out: str) -> list[str]:
    """The statements that set ``out`` to the number of a quotient mantissa * 2**power.

    >>> statements(RatioForm.FLOAT, "x", "n", "y")[-1]
    'y = x * v_first * v_second'
    """
    if form is RatioForm.LOG:
        return logarithms.statements(mantissa, power, out)
    return _FLOAT.format(mantissa=mantissa, power=power, out=out).strip().splitlines()


def over_steps(shape: Shape, step: Iterable[str]) -> list[str]:
    """The loop over the steps of one point, which ends where ``reached`` is no longer ``stop``.

    Where it makes numbers, it does so of a block of ``STEPS`` at a time, for whose powers there is
    room in ``exponents``.
    """
    if shape.form is RatioForm.SCALED:
        return ["for i in range(first, stop):", *indented(1, step)]
    own = "values[g, j, 0]"
    return [
        f"for begin in range(first, stop, {STEPS}):",
        "    begun = row",
        f"    for i in range(begin, min(begin + {STEPS}, stop)):",
        *indented(2, step),
        f"    for g in range({len(shape.quotients)}):",
        "        for j in range(begun, row):",
        *indented(3, statements(shape.form, own, "exponents[g, j - begun, 0]", own)),
        "    if reached != stop:",
        "        break",
    ]


def of_tile(shape: Shape) -> list[str]:
    """The numbers of what a tile has recorded in rows from ``row`` to ``at``."""
    if shape.form is RatioForm.SCALED:
        return []
    own = "values[g, j, left + q]"
    return [
        f"for g in range({len(shape.quotients)}):",
        "    for j in range(row, at):",
        "        for q in range(width):",
        *indented(3, statements(shape.form, own, "exponents[g, j - row, q]", own)),
    ]


def power_of_point(shape: Shape) -> str:
    """Where in ``exponents`` the power of what one point records is put."""
    return "row, 0" if shape.form is RatioForm.SCALED else "row - begun, 0"


def power_in_tile(shape: Shape) -> str:
    """Where in ``exponents`` the power of what a tile records is put."""
    return "at, left + q" if shape.form is RatioForm.SCALED else "at - row, q"
