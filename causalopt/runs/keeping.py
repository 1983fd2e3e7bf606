"""Which steps of a run are kept."""

from __future__ import annotations

from typing import Literal

from causalopt.ground.checks import as_whole, is_option, shown
from causalopt.ground.errors import QueryError

#: "all" steps, the "last" one, or every k-th from the first on.
Keep = Literal["all", "last"] | int


def kept(keep: Keep | object, steps: range) -> range:
    """Those of some steps that are kept; memory is needed for these alone.

    >>> kept("last", range(101)), kept(25, range(101))
    (range(100, 101), range(0, 101, 25))
    """
    if is_option(keep, ("all", "last")):
        return steps if keep == "all" else steps[-1:]
    every = as_whole(keep)
    if every is None or every < 1:
        raise QueryError(
            f'keep is {shown(keep)}: write "all", "last", or a whole number k, to keep every k-th '
            "step."
        )
    return steps[::every]
