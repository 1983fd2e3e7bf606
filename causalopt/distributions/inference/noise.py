"""One noise behind several tables: its outcomes that some row tells apart, and their chances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from causalopt.ground.errors import QueryError
from causalopt.ground.masses import Masses, as_floats, exact_array, is_exact
from causalopt.ground.types import Array, Ints


def outcomes_of(tables: Sequence[Masses], name: str) -> tuple[Masses, list[Ints]]:
    """The chances (k,) of what a noise u on [0, 1) can do, and where each table leads with it.

    A table (sizes of parents, size of target) gives the first value up to which the masses sum to
    more than u. So u matters only by where it lies among these sums; between two of them all tables
    are as those without chance: (sizes of parents, k), places of values.

    >>> chances, places = outcomes_of([np.array([0.5, 0.5]), np.array([0.25, 0.75])], "u")
    >>> chances, [table.tolist() for table in places]
    (array([0.25, 0.25, 0.5 ]), [[0, 0, 1], [0, 1, 1]])
    """
    exact = all(map(is_exact, tables))
    each = tables if exact else [as_floats(t.reshape(-1)).reshape(t.shape) for t in tables]
    symbolic = [mass for table in each for mass in table.flat if exact and mass.free_symbols]
    if symbolic:
        raise QueryError(
            f"The worlds share the {name}, and which value it leads to in each depends on the "
            f"symbol in {symbolic[0]}: give it a number."
        )
    bounds = [np.cumsum(table, axis=-1)[..., :-1] for table in each]
    cuts = sorted({0, 1, *(bound for table in bounds for bound in table.flat if 0 < bound < 1)})
    starts, ends = cuts[:-1], cuts[1:]
    chances = [end - start for start, end in zip(starts, ends, strict=True)]
    places = [_passed(table, starts) for table in bounds]
    if not exact:
        return np.array(chances, dtype=np.float64), places
    return exact_array(chances), places


def _passed(bounds: Array, starts: Sequence[object]) -> Ints:
    """How many bounds of each row lie at or below each start: (rows, starts)."""
    passed = [(bounds <= start).astype(bool).sum(axis=-1) for start in starts]
    return np.stack(passed, axis=-1).astype(np.int64)
