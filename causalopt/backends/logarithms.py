"""Logarithms of numbers of any size in compiled code, several side by side."""

from __future__ import annotations

import functools

import numpy as np

from causalopt.backends import cache
from causalopt.backends.shape import indented, joined
from causalopt.ground.types import Floats, Ints

# The number is m 2**e with m from sqrt(1/2) to sqrt(2): log m is 2 artanh(s) for s = f / (2 + f)
# with f = m - 1, by the polynomial of FreeBSD's e_log.c (Sun Microsystems 1993), and log 2 is of
# two parts, the first so short that its product with e is exact up to e = 2**20. A whole number is
# made a float by the bits of 1.5 2**52, beside which it stands in the last places: processors have
# no vector operation for it. What is below normal floats has too few digits in its bits, and is
# lifted.
_STATEMENTS = f"""
l_size = abs({{mantissa}})
l_is_small = l_size < {2.0**-1022!r}
l_bits = bits_of(choose(l_is_small, l_size * {2.0**54!r}, l_size))
l_above = l_bits - {0x3FE6A09E667F3BCD}
l_m = float_of_bits(l_bits - (l_above & {-1 << 52}))
l_power = (l_above >> 52) + {{power}}
l_e = float_of_bits(l_power + {0x4338000000000000}) - {1.5 * 2.0**52!r}
l_e -= choose(l_is_small, 54.0, 0.0)
l_f = l_m - 1.0
l_s = l_f / (2.0 + l_f)
l_z = l_s * l_s
l_w = l_z * l_z
l_even = l_w * (0.22222198432149784 + l_w * 0.15313837699209373) + 0.3999999999940942
l_odd = l_w * (0.1818357216161805 + l_w * 0.14798198605116586) + 0.2857142874366239
l_rest = l_w * l_even + l_z * (l_w * l_odd + 0.6666666666666735)
l_half = 0.5 * l_f * l_f
l_low = l_s * (l_half + l_rest) + l_e * 1.9082149292705877e-10
l_found = l_low - l_half + l_f + l_e * 0.6931471803691238
l_found = choose(l_size < math.inf, l_found, l_size)
{{out}} = choose(l_size == 0.0, -math.inf, l_found)
"""


def statements(mantissa: str, power: str, out: str) -> list[str]:
    """The statements that set ``out`` to log |mantissa * 2**power|, in names of their own."""
    return _STATEMENTS.format(mantissa=mantissa, power=power, out=out).strip().splitlines()


_SOURCE = joined(
    "def logs(mantissas, powers, out):",
    "    for i in range(out.size):",
    indented(2, statements("mantissas[i]", "powers[i]", "out[i]")),
)
_SIGNATURE = "void(float64[::1], int64[::1], float64[::1])"


def log_size(mantissa: Floats, power: Ints) -> Floats:
    """log |mantissa * 2**power|, to one unit in the last place, as ``ground.scaled`` gives it.

    Its digits depend on the number alone, and not on which power of two was taken out of it.

    >>> log_size(np.array([0.75, -3.0, 0.0]), np.array([2000, 1998, 5])).tolist()
    [1386.0066790474389, 1386.0066790474389, -inf]
    """
    powers = power if power.shape == mantissa.shape else np.broadcast_to(power, mantissa.shape)
    out = np.empty(mantissa.size)
    numbers, by = (np.ascontiguousarray(each).reshape(-1) for each in (mantissa, powers))
    _compiled()(numbers, by, out)
    return out.reshape(mantissa.shape)


@functools.cache
def _compiled() -> cache.Compiled:
    return cache.function(_SOURCE, "logs", _SIGNATURE)
