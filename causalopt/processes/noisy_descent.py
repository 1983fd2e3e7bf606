"""Langevin dynamics: descent on an energy with thermal noise, for continuous states."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Expr, sqrt

from causalopt.language.laws import normal
from causalopt.language.symbols import Noise, Parameter, Variable
from causalopt.model.amounts import checked_parameters, settled
from causalopt.model.system import System
from causalopt.processes.descent import Fitted, gradient_descent
from causalopt.processes.schedules import as_schedule, first_temperature


def langevin(
    energy: Expr,
    parameter: Fitted,
    schedule: Expr | float,
    rate: float | Parameter,
    *,
    start: Mapping[Variable, float],
    parameters: Mapping[Parameter, float] | None = None,
) -> System:
    """Noisy descent: g[t+1] = E'(W[t]), W[t+1] = W[t] - k g[t+1] + sqrt(2 k T) xi[t], xi normal.

    At a constant temperature T, and for a small ``rate`` k, W settles at the Boltzmann density
    proportional to exp(-E(W)/T). ``schedule`` gives T by time: a number, an expression of
    ``time``, or ``linear``, ``geometric``, ``logarithmic``. With A = g, Op says how strongly the
    drift optimizes W: the noise is shared, so that as in plain descent

        Op(g; W[0], W[t]) = -sum_{s < t} log|1 - k E''(W_s)|,

    along the noisy run. SGD with rate k has the temperature T = k S^2 / 2, where S^2 is the
    variance of its gradients: the same noise a step, k^2 S^2 = 2 k T. Both have the stationary
    variance k S^2 / (c (2 - k c)) in a well of curvature c, exactly.

    Arguments and errors are otherwise those of ``gradient_descent``; a schedule that reaches 0
    raises ``DeclarationError``.

    Source: Welling and Teh (2011); "SGD Understood through Probability Current" for S^2.

    >>> from causalopt.language.symbols import variables
    >>> (W,) = variables("W")
    >>> langevin(W**2, W, 0.5, 0.01, start={W: 0}).mechanisms[W].formula
    W - g.next*rate + sqrt(2)*xi_W*sqrt(T.next*rate)
    """
    constants = settled(checked_parameters(parameters or {}), "parameters")
    temperature = as_schedule(schedule, constants)
    descent = gradient_descent(energy, parameter, rate, start=start, parameters=parameters)
    T = Variable("T")
    nodes = {v: m.formula for v, m in descent.mechanisms.items()}
    fitted = (parameter,) if isinstance(parameter, Variable) else tuple(parameter)
    size = Parameter("rate") if not isinstance(rate, Parameter) else rate
    for variable in fitted:
        # In a well of curvature c a step shrinks the variance by the factor (1 - k c)^2, and 2 k T
        # renews it: for small k the balance is at T / c, as in the Boltzmann density.
        kick = sqrt(2 * size * T.next) * Noise(f"xi_{variable.name}", normal())
        nodes[variable] = nodes[variable] + kick
    begin = {**descent.start, T: first_temperature(temperature, constants)}
    return System({T: temperature, **nodes}, start=begin, parameters=descent.parameters)
