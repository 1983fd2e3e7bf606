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
    size = dt if isinstance(dt, Parameter) else Float(dt)
    nodes = METHODS[method].nodes if method is not None else ()
    pieces = math.lcm(*(int(node.q) for node in nodes))
    return {v: m.in_steps(size, length / pieces, str(v)) for v, m in mechanisms.items()}
