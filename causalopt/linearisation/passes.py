"""Two passes over a linearised world: differences along its arrows, worth against them.

Gates weight what enters a variable from others: w = 1 - gamma. Several settings of the gates go
side by side as lanes, so that a processor computes them at once. A row of differences has one power
of two in each lane, so that they may grow or vanish without end: d = mantissa * 2**power.

The functions here are plain Python, and compiled as they stand: the text of each is what is handed
to the compiler, and kept on disk as compiled code of other runs is.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable

import numpy

from causalopt.backends import cache
from causalopt.ground.types import Bools, Floats, Ints

_PARTS = "int64[::1], int64[::1], int64[::1], float64[::1], int64[::1], float64[:, ::1], int64[::1]"
_BLOCK = "float64[:, :, ::1]"
_POWERS = "int64[:, ::1]"
_CARRY = f"void({_PARTS}, float64[:, ::1], int64[::1], float64[:, ::1], int64, {_BLOCK}, {_POWERS})"
_PULL = (
    "void(int64[::1], int64[::1], int64[::1], float64[::1], int64[::1], float64[:, ::1], int64, "
    "boolean[:, ::1], float64[:, ::1], int64[:, ::1])"
)
_BACK = f"void({_PARTS}, float64[:, ::1], int64, {_BLOCK}, {_POWERS}, {_BLOCK}, float64[:, ::1])"


def carry(
    first: Ints, sources: Ints, lags: Ints, fixed: Floats, varying: Ints, slopes: Floats,
    gates: Ints, weights: Floats, watched: Ints, nudges: Floats,
    before: int, d: Floats, powers: Ints,
) -> None:  # fmt: skip
    """Fill in the rows of differences ``d`` (before + rows, keys, lanes) from ``before`` on.

    ``first`` (keys + 1,) is where the edges into each node begin. ``fixed`` (edges,) are slopes
    that do not change; ``varying`` (edges,) gives the column of ``slopes`` (rows, columns) that has
    the others, -1 for none. ``gates`` (edges,) gives the gate that an edge goes through, -1 for
    none, and ``weights`` (gates, lanes) what each lets through. ``nudges`` (rows, nodes) are added
    at the ``watched`` nodes. ``powers`` is (before + rows, lanes).
    """
    keys, lanes = d.shape[1], d.shape[2]
    size = numpy.empty(lanes)
    for i in range(slopes.shape[0]):
        row = before + i
        for q in range(lanes):
            powers[row, q] = powers[row - 1, q] if row > 0 else 0
            size[q] = 0.0
        for e in range(sources.shape[0]):
            # What is looked back to may be far larger than what there is now.
            if lags[e] > 1 and row >= lags[e]:
                for q in range(lanes):
                    if d[row - lags[e], sources[e], q] != 0.0:
                        powers[row, q] = max(powers[row, q], powers[row - lags[e], q])
        for k in range(keys):
            for q in range(lanes):
                d[row, k, q] = 0.0
            for e in range(first[k], first[k + 1]):
                source = row - lags[e]
                slope = fixed[e] if varying[e] < 0 else slopes[i, varying[e]]
                if source < 0 or slope == 0.0:
                    continue
                gate, place = gates[e], sources[e]
                for q in range(lanes):
                    weight = 1.0 if gate < 0 else weights[gate, q]
                    if weight == 0.0 or d[source, place, q] == 0.0:
                        # Nothing comes from there, even where there is no slope (NaN).
                        continue
                    term = slope * weight * d[source, place, q]
                    by = powers[source, q] - powers[row, q]
                    d[row, k, q] += term if by == 0 else math.ldexp(term, int(by))
            for j in range(watched.shape[0]):
                if watched[j] == k and nudges[i, j] != 0.0:
                    for q in range(lanes):
                        d[row, k, q] += math.ldexp(nudges[i, j], int(-powers[row, q]))
            for q in range(lanes):
                size[q] = max(size[q], abs(d[row, k, q]))
        for q in range(lanes):
            if size[q] > 2.0**300 or 0.0 < size[q] < 2.0**-300:
                by = math.floor(math.log2(size[q]))
                powers[row, q] += by
                for k in range(keys):
                    d[row, k, q] = math.ldexp(d[row, k, q], int(-by))


def carry_back(
    first: Ints, sources: Ints, lags: Ints, fixed: Floats, varying: Ints, slopes: Floats,
    gates: Ints, weights: Floats,
    before: int, d: Floats, powers: Ints, back: Floats, through: Floats,
) -> None:  # fmt: skip
    """Pass back what a difference at each node is worth, from the last row to ``before``.

    ``back`` (before + rows, keys, lanes) holds it in units of 2**-power; what later rows pass back
    is in it already. ``through`` (edges, lanes) gathers what goes through each edge without its
    gate: slope * difference * worth. Other arguments are those of ``carry``.
    """
    keys, lanes = d.shape[1], d.shape[2]
    for i in range(slopes.shape[0] - 1, -1, -1):
        row = before + i
        for k in range(keys - 1, -1, -1):
            for e in range(first[k], first[k + 1]):
                source = row - lags[e]
                slope = fixed[e] if varying[e] < 0 else slopes[i, varying[e]]
                if source < 0 or slope == 0.0:
                    continue
                gate, place = gates[e], sources[e]
                for q in range(lanes):
                    if back[row, k, q] == 0.0:
                        continue
                    worth = slope * back[row, k, q]
                    by = powers[source, q] - powers[row, q]
                    if by != 0:
                        worth = math.ldexp(worth, int(by))
                    if d[source, place, q] != 0.0:
                        through[e, q] += worth * d[source, place, q]
                    weight = 1.0 if gate < 0 else weights[gate, q]
                    if weight != 0.0:
                        back[source, place, q] += worth * weight


def pull_back(
    first: Ints, sources: Ints, lags: Ints, fixed: Floats, varying: Ints, slopes: Floats,
    before: int, is_held: Bools, mantissas: Floats, powers: Ints,
) -> None:  # fmt: skip
    """Pass back derivatives of one node, each with a power of its own, from the last row on.

    ``mantissas`` and ``powers`` (before + rows, keys) hold what later rows have passed back. A node
    passes nothing on where it ``is_held`` (before + rows, keys). Others are those of ``carry``.
    """
    for i in range(slopes.shape[0] - 1, -1, -1):
        row = before + i
        for k in range(mantissas.shape[1] - 1, -1, -1):
            if is_held[row, k] or mantissas[row, k] == 0.0:
                continue
            for e in range(first[k], first[k + 1]):
                source, place = row - lags[e], sources[e]
                slope = fixed[e] if varying[e] < 0 else slopes[i, varying[e]]
                if source < 0 or slope == 0.0:
                    continue
                term, lift = math.frexp(slope)
                term *= mantissas[row, k]
                power, there = powers[row, k] + lift, mantissas[source, place]
                if there != 0.0:
                    apart = max(min(power - powers[source, place], 2000), -2000)
                    if apart > 0:
                        there = math.ldexp(there, int(-apart))
                    else:
                        term = math.ldexp(term, int(apart))
                        power = powers[source, place]
                total, lift = math.frexp(term + there)
                mantissas[source, place] = total
                powers[source, place] = power + lift if total != 0.0 else 0


@functools.cache
def compiled_pull_back() -> Callable[..., None]:
    """``pull_back``, compiled."""
    return _compiled(pull_back, _PULL)


@functools.cache
def compiled_carry() -> Callable[..., None]:
    """``carry``, compiled."""
    return _compiled(carry, _CARRY)


@functools.cache
def compiled_carry_back() -> Callable[..., None]:
    """``carry_back``, compiled."""
    return _compiled(carry_back, _BACK)


def _compiled(function: Callable[..., None], signature: str) -> Callable[..., None]:
    # Without its annotations, whose names the compiler does not know.
    text = inspect.getsource(function)
    head, body = text.split(") -> None:", 1)
    names = ", ".join(function.__code__.co_varnames[: function.__code__.co_argcount])
    assert head.startswith("def")
    return cache.function(f"def {function.__name__}({names}):{body}", function.__name__, signature)
