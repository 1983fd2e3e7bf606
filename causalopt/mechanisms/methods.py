"""The integrators by their names, and what a clock says of the times at which they look."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from sympy import Float

from causalopt.language.symbols import Parameter, Variable
from causalopt.mechanisms.integrators import AUTO, DOPRI5, EULER, RK4, Method
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.rosenbrock import RODAS4

METHODS: Mapping[str, Method] = MappingProxyType(
    {"euler": EULER, "rk4": RK4, "dopri5": DOPRI5, "rodas4": RODAS4, "auto": AUTO}
)

# How much less room rounding has where steps may be taken in parts.
_IN_PARTS = 1e-4


def on_clock(
    mechanisms: Mapping[Variable, Mechanism],
    dt: float | Parameter | None,
    length: float | None,
    method: str | None,
) -> dict[Variable, Mechanism]:
    """The mechanisms with their conditions on time as conditions on steps, ``length`` long each.

    A method looks at times inside a step too. Raises ``DeclarationError`` for a condition that no
    time meets; without a ``dt``, time counts steps, and is as it is.
    """
    if dt is None or length is None:
        return dict(mechanisms)
    # A number, also of a parameter: the room for rounding is the same in each part of a step, or a
    # time would be before its condition where one ends, and after it where the next begins.
    size = Float(length)
    if method is not None and METHODS[method].estimates is not None:
        # Parts end anywhere, and in this room a moment is taken for the end of a part.
        size *= _IN_PARTS
    nodes = METHODS[method].nodes if method is not None else ()
    pieces = math.lcm(*(int(node.q) for node in nodes))
    return {v: m.in_steps(size, length / pieces, str(v)) for v, m in mechanisms.items()}
