"""The integrators by their names, and what a clock says of the times at which they look."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from causalopt.language.symbols import Variable
from causalopt.mechanisms.integrators import AUTO, DOPRI5, EULER, RK4, Method
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.rosenbrock import RODAS4

METHODS: Mapping[str, Method] = MappingProxyType(
    {"euler": EULER, "rk4": RK4, "dopri5": DOPRI5, "rodas4": RODAS4, "auto": AUTO}
)

# The part of a step that rounding may take; by a method that looks inside of steps, which may have
# short parts; and where it finds parts by itself, which end anywhere, so that in this room a moment
# is taken for the end of a part.
_ROOM, _ROOM_INSIDE, _ROOM_IN_PARTS = 1e-6, 1e-9, 1e-10


def on_clock(
    mechanisms: Mapping[Variable, Mechanism],
    length: float | None,
    method: str | None,
) -> dict[Variable, Mechanism]:
    """The mechanisms with their conditions on time as conditions on steps, ``length`` long each.

    A method looks at times inside a step too. Raises ``DeclarationError`` for a condition that no
    time meets; without a ``length``, time counts steps, and is as it is.
    """
    if length is None:
        return dict(mechanisms)
    kind = None if method is None else METHODS[method]
    looks = () if kind is None else kind.nodes
    pieces = math.lcm(*(int(node.q) for node in looks))
    # The same in each part of a step, or a time would be before its condition where one part ends,
    # and after it where the next begins.
    room = length * _room_of(kind)
    return {v: m.in_steps(room, length / pieces, str(v)) for v, m in mechanisms.items()}


def _room_of(kind: Method | None) -> float:
    if kind is None or len(kind.nodes) < 2:
        return _ROOM
    return _ROOM_INSIDE if kind.estimates is None else _ROOM_IN_PARTS
