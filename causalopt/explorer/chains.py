"""Many chains of a model whose step has finitely many outcomes, and one number for its state."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import dataclass
from typing import cast

import numpy as np

from causalopt.explorer.setting import Setting, can_differ
from causalopt.ground.errors import CausaloptError, QueryError
from causalopt.ground.types import Floats, Ints
from causalopt.language.symbols import Variable
from causalopt.model.interface import Model
from causalopt.model.system import System
from causalopt.runs.results import run
from causalopt.transport.chance import branches

#: How many chains are run where the page names no number, and how many moments of them are shown.
CHAINS, MOMENTS = 1000, 100
# So many steps of a run are kept at most, and so much room is left beside what was visited.
_KEPT, _ROOM = 2000, 0.05


def spreading(model: Model) -> Variable | None:
    """The one variable that carries the state, where a transfer operator tells how it spreads.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.processes.descent import gradient_descent, sgd
    >>> (W,) = variables("W")
    >>> spreading(sgd([(W - 1) ** 2, (W + 1) ** 2], W, 0.1, start={W: 0}))
    W
    >>> spreading(gradient_descent(W**2, W, 0.1, start={W: 1}))
    """
    if not model.has_time or not model.noises:
        return None
    with contextlib.suppress(CausaloptError):
        state, _ = branches(cast(System, model))
        if len(state) == 1 and can_differ(state[0]):
            return state[0]
    return None


@dataclass(frozen=True)
class Chains:
    """Chains of a setting: ``values`` (time, draw) at each ``every``-th step, which are kept."""

    system: System
    variable: Variable
    times: Floats
    values: Floats
    every: int
    draws: int

    @functools.cached_property
    def wide(self) -> tuple[float, float]:
        """From where to where they came, and a little more on both sides."""
        low, high = float(self.values.min()), float(self.values.max())
        room = _ROOM * (high - low) or 1.0
        return low - room, high + room

    @property
    def moments(self) -> Ints:
        """The rows that are shown: the first ones lie close, since much happens soon."""
        return close_at_first(len(self.times)) - 1


@functools.lru_cache(maxsize=2)
def spread_of(setting: Setting) -> Chains:
    """The chains of a setting; ``QueryError`` of a model that has no such view."""
    variable = spreading(setting.model)
    steps = setting.screen.steps
    if variable is None or steps is None:
        raise QueryError(
            "This model has no state of one number that is moved by finitely many chances."
        )
    every, draws = max(1, -(-steps // _KEPT)), setting.screen.draws or CHAINS
    chains = run(setting.W, draws=draws, keep=every)[str(variable)].sel(world="W")
    values = chains.transpose("time", "draw").values
    system = cast(System, setting.model)
    return Chains(system, variable, chains.time.values, values, every, draws)


def close_at_first(last: int) -> Ints:
    """Some whole numbers from 1 to the last one, by equal ratios.

    >>> close_at_first(1000)[-3:]
    array([ 870,  933, 1000])
    """
    return np.unique(np.geomspace(1, last, MOMENTS).round().astype(np.int64))
