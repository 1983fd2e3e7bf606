"""The derivatives of one node of a run by all nodes before it, in one pass against the arrows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.scaled import Scaled
from causalopt.ground.types import Bools
from causalopt.linearisation.passes import compiled_pull_back
from causalopt.linearisation.world import Linear
from causalopt.model.selection import Key, Stretch
from causalopt.model.template import is_inner, owner_of

# The bytes for each node: mantissa and power twice over, what is held, and what is made of them.
_FOR_NODE = 80
# Slopes of so many numbers are held at once.
_TOGETHER = 1 << 22


def derivatives(linear: Linear, key: Key, row: int, held: Sequence[Stretch]) -> Scaled:
    """The derivatives of a node by the nodes of all rows up to its own, (rows, keys).

    The nodes in ``held`` pass nothing on, nor do inner stages of a step between two of them. Each
    has a power of two of its own, so that none that is small is lost beside a large one.
    """
    before, keys = max(linear.memory, 1), len(linear.keys)
    refuse_what_does_not_fit(
        _FOR_NODE * (row + 1 + before) * keys,
        f"The derivatives by {keys:,} nodes at {row + 1:,} steps",
        "Ask about an earlier node m.",
    )
    shape = before + row + 1, keys
    mantissas, powers = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    mantissas[-1, linear.keys.index(key)], powers[-1, linear.keys.index(key)] = 0.5, 1
    is_held = np.zeros(shape, dtype=np.bool_)
    is_held[before:] = _held(linear, row, held)
    size = max(_TOGETHER // max(linear.edges, 1), before)
    for start in reversed(range(0, row + 1, size)):
        piece = range(start, min(start + size, row + 1))
        window = slice(start, piece.stop + before)
        table = linear.table(piece)
        compiled_pull_back()(*table, before, is_held[window], mantissas[window], powers[window])
    linear.check(mantissas)
    return Scaled(mantissas[before:], powers[before:])


def _held(linear: Linear, row: int, held: Sequence[Stretch]) -> Bools:
    """Which nodes are held, (rows, keys); a stage where both ends of its step are."""
    is_held = np.zeros((row + 1, len(linear.keys)), dtype=np.bool_)
    for stretch in held:
        rows = np.zeros(row + 1, dtype=np.bool_)
        rows[stretch.start : stretch.stop] = True
        both = rows & np.concatenate([[False], rows[:-1]])
        for place, key in enumerate(linear.keys):
            if owner_of(key) == stretch.key:
                is_held[:, place] |= both if is_inner(key) else rows
    return is_held
