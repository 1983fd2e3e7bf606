"""Van der Pol's oscillator, as stiff as is asked for."""

from causalopt import System, parameters, variables

x, y = variables("x y")
(mu,) = parameters("mu")


def van_der_pol(method="rodas4", dt=0.5, tolerance=1e-9, stiff=1.0, **more):
    return System.from_ode(
        {x: y, y: mu * (1 - x**2) * y - x},
        start={x: 2, y: 0},
        parameters={mu: stiff},
        dt=dt,
        method=method,
        tolerance=tolerance,
        **more,
    )
