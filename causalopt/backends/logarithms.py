"""Logarithms of numbers of any size in compiled code, several side by side."""

from __future__ import annotations

import functools

import numpy as np

from causalopt.backends import cache
from causalopt.ground.types import Floats, Ints

# The number is m 2**e with m from sqrt(1/2) to sqrt(2): log m is 2 artanh(s) for s = f / (2 + f)
# with f = m - 1, by the polynomial of FreeBSD's e_log.c (Sun Microsystems 1993), and log 2 is of
# two parts, the first so short that its product with e is exact up to e = 2**20. A whole number is
# made a float by the bits of 1.5 2**52, beside which it stands in the last places: processors have
# no vector operation for it. What is below normal floats has too few digits in its bits, and is
# lifted.
_SOURCE = f"""
def logs(mantissas, powers, out):
    for i in range(out.size):
        size = abs(mantissas[i])
        is_small = size < {2.0**-1022!r}
        bits = bits_of(choose(is_small, size * {2.0**54!r}, size))
        above = bits - {0x3FE6A09E667F3BCD}
        m = float_of_bits(bits - (above & {-1 << 52}))
        power = (above >> 52) + powers[i]
        e = float_of_bits(power + {0x4338000000000000}) - {1.5 * 2.0**52!r}
        e -= choose(is_small, 54.0, 0.0)
        f = m - 1.0
        s = f / (2.0 + f)
        z = s * s
        w = z * z
        even = w * (0.22222198432149784 + w * 0.15313837699209373) + 0.3999999999940942
        odd = w * (0.1818357216161805 + w * 0.14798198605116586) + 0.2857142874366239
        rest = w * even + z * (w * odd + 0.6666666666666735)
        half = 0.5 * f * f
        low = s * (half + rest) + e * 1.9082149292705877e-10
        found = low - half + f + e * 0.6931471803691238
        found = choose(size < math.inf, found, size)
        out[i] = choose(size == 0.0, -math.inf, found)
"""
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
