"""Adjusted strength without any entropy: by how much a step stretches volumes."""

from __future__ import annotations

import math

import numpy as np
import sympy
from sympy import Expr, Symbol

from causalopt.backends.evaluation import evaluate
from causalopt.distributions.real.ensemble import Ensemble
from causalopt.distributions.real.estimate import Estimate, with_error
from causalopt.distributions.real.step import check_pushable, jacobian, step_of
from causalopt.ground.checks import of_kind
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import check_base
from causalopt.ground.types import Floats
from causalopt.ground.work import bounded
from causalopt.model.asked import as_system
from causalopt.model.declaration import check_steps
from causalopt.model.moments import check_memoryless
from causalopt.model.system import System


def jacobian_determinant(system: System) -> Expr:
    """det J of one step, J[i, j] = d(next i) / d(present j), in the system's own symbols.

    At a kink the derivative is that of the branch taken. Noise that is added is not seen; where
    noise multiplies, det J holds its symbol, and is that of the step with this draw.

    >>> from causalopt.language.symbols import parameters, variables
    >>> T, R = variables("T R")
    >>> (k,) = parameters("k")
    >>> jacobian_determinant(System({T: R, R: R - k * T}, start={T: 1, R: 1}, parameters={k: 0.3}))
    k
    """
    known = as_system(system, ", whose Jacobian could be asked for: give a System.")
    check_pushable(known, known.variables)
    with bounded("The determinant of the step", "give numbers for parameters, or sample"):
        return sympy.factor(jacobian(step_of(system, {}), system.variables).det())


def adjusted_strength_by_volume(
    system: System, split: object, P: Ensemble, *, steps: int = 1, base: Expr | float = 2
) -> Estimate:
    """Adjusted optimizing strength of a one-to-one, smooth step, as a mean over samples.

    A step that is one to one has S[push(P)] = S[P] + E_P[log|det J|], so that with P' =
    decorrelate(P) all entropies cancel:

        adjusted = (S[push(P')] - S[push(P)]) - (S[P'] - S[P])
                 = E_P'[log|det J|] - E_P[log|det J|]

    and over several steps the sum along the way. Where det J is constant, as for every affine
    step and so for the linear thermostat (det J = k), the adjusted strength is zero, whatever the
    distribution. In units of log(base), with the error from batches of samples.

    That the step is one to one is the caller's to know; a det J that vanishes or changes its sign
    among the samples shows that it is not, and is an error. With noise a step spreads every state
    over many, which is not one to one: ``QueryError``.

    Source: answers "Estimating or calculating the entropy of these distributions is not easy"
    ("Defining Optimization in a Deeper Way", part 2) by the change of variables formula.

    >>> from causalopt.distributions import Gaussian
    >>> from causalopt.language.symbols import variables
    >>> T, R = variables("T R")
    >>> thermostat = System({T: R, R: R - 0.3 * T}, start={T: 1, R: 1})
    >>> P = Gaussian.of({T: (10, 1), R: (10, 1)}).sample(1000, seed=1).push(thermostat)
    >>> adjusted_strength_by_volume(thermostat, T | R, P)
    0 ± 0
    """
    check_base(base)
    check_steps(steps)
    check_memoryless(as_system(system, " to push through: give a System.").delayed, "A volume")
    system.stepping.check_whole("A volume", system.parameter_values)
    if system.noises:
        raise QueryError(
            f"The step of this system has the noise {system.noises[0]}, which spreads every state "
            "over many: it is not one to one, and volumes do not give its entropy. Use "
            "adjusted_optimizing_strength, which estimates entropies."
        )
    determinant = jacobian_determinant(system)
    of_kind(P, Ensemble, "P", "an Ensemble, such as Gaussian.of({x: (0, 1)}).sample(1000, seed=1)")
    apart = P.decorrelate(P.split(split))
    # Sample by sample, since those of P' are those of P shuffled: what both share leaves the error.
    difference = _log_stretch(system, apart, determinant, steps)
    difference = difference - _log_stretch(system, P, determinant, steps)
    unit = math.log(base)
    return with_error(lambda samples: float(samples.mean()) / unit, difference[:, None])


def _log_stretch(system: System, P: Ensemble, determinant: Expr, steps: int) -> Floats:
    """log|det J| summed along the way of each sample, shape (n,)."""
    total = np.zeros(len(P.samples))
    for step in range(steps):
        if step:
            P = P.push(system)
        columns: dict[Symbol, Floats | float] = {
            v: P.samples[:, i] for i, v in enumerate(P.variables)
        }
        (stretch,) = evaluate([determinant], {**columns, **system.parameter_values})
        # A continuous step that is one to one keeps its orientation, so that one sign is seen; NaN
        # has none.
        if not ((stretch > 0).all() or (stretch < 0).all()):
            raise QueryError(
                "det J of the step vanishes or changes its sign among the samples, so that the "
                "step is not one to one and volumes do not give its entropy: use "
                "adjusted_optimizing_strength, which estimates entropies."
            )
        total += np.log(np.abs(stretch))
    return total
