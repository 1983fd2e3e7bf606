"""Causal strength of arrows: how far the world is from the one in which they are cut."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import sympy
from sympy import Expr, Matrix, Symbol

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.kernel import Transition, rules_of
from causalopt.distributions.finite.states import codes_of
from causalopt.distributions.real.affine import Gaussian
from causalopt.distributions.real.step import affine
from causalopt.ground.checks import as_list, shown
from causalopt.ground.errors import QueryError, nearest
from causalopt.ground.masses import Masses, check_base, exact_base, is_exact, log_of, unit_of
from causalopt.language.finite_variables import Finite
from causalopt.language.symbols import Next, Variable
from causalopt.language.words import listed
from causalopt.measures.literature.finite_worlds import Journey, Requirement, journey
from causalopt.measures.literature.measurement import Amount, Measurement
from causalopt.model.system import System

NEEDS = Requirement("causal_strength", "a Gaussian as P, if the step is affine with normal noise")

#: Arrows of a step: (T, R) from T[i] to R[i+1], (T.next, R) from T[i+1] to R[i+1].
Edges = Iterable[tuple[Variable | Next, Variable]]


def causal_strength(
    system: System, edges: Edges, P: Distribution | Gaussian, *, base: Expr | float = 2
) -> Measurement:
    """How much is changed by cutting arrows, in units of log(base).

        C(S) = KL(P, P_S) = sum over targets of E_P log( p(x' | pa) / p_S(x' | rest of pa) )
        p_S(x' | rest) = sum over cut pa of p(x' | pa) prod of their marginals P(pa_i)

    An edge that is cut is fed from a source of its own, with the marginal that it had. ``edges``
    are pairs (T, R), for the arrow from T[i] to R[i+1]; (T.next, R) where R's mechanism reads
    T.next. P is over the states at i: a ``Distribution`` of a finite world, or a ``Gaussian`` where
    the step is affine with normal noise in each target:

        C = sum over targets of log(1 + D/q)/2 + (c - D) / (2 (q + D)),
        D = sum of a_i^2 var(pa_i), c = var(sum of a_i pa_i) over cut parents, q the noise

    Traps: it depends on P, and of several arrows into one target it is no sum of theirs: in xor it
    is 1 bit for each, and for both. Of real values without noise it is infinite.

    Raises ``QueryError`` for what is no arrow of the step, and without noise at a real target.

    Source: Janzing, Balduzzi, Grosse-Wentrup and Schölkopf 2013, "Quantifying causal influences",
    Annals of Statistics 41.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> A, B = finite("A", [0, 1]), finite("B", [0, 1])
    >>> differ = table((A, B), {0: {0: 0, 1: 1}, 1: {0: 1, 1: 0}})
    >>> xor = System({A: A, B: differ}, start={A: 0, B: 0})
    >>> print(causal_strength(xor, [(A, B)], Distribution.uniform(A, B)))
    causal_strength = 1 bit
    """
    check_base(base)
    if isinstance(P, Gaussian):
        cut = _cut(NEEDS.numbers(system, P), edges)
        amounts = [_gaussian(system, P, target, sources) for target, sources in cut.items()]
    else:
        NEEDS.distribution(system, P)
        cut, moved = _cut(system, edges), journey(system, P, 1)
        rules = {rule.target: rule for rule in rules_of(system, P.variables)}
        amounts = [_finite(moved, rules[v], sources) for v, sources in cut.items()]
    # Each target's own kernel is replaced by itself, so that the chain rule adds them up.
    nats = sum(amounts)
    exact = isinstance(nats, Expr) or nats == 0
    value = sympy.expand(nats / log_of(exact_base(base))) if exact else nats / math.log(base)
    names = ", ".join(f"{source} -> {target}" for target, each in cut.items() for source in each)
    return Measurement("causal_strength", f"C({names})", value, unit_of(base))


def _cut(system: System, edges: Edges) -> dict[Variable, list[Variable | Next]]:
    """The sources that are cut of each target."""
    cut: dict[Variable, list[Variable | Next]] = {}
    for edge in as_list(edges, "edges", "[(T, R)]"):
        pair = tuple(edge) if isinstance(edge, tuple | list) else ()
        if len(pair) != 2 or pair[1] not in system.variables:
            raise QueryError(
                f"edges holds {shown(edge)}: write pairs of variables, such as (T, R) for the "
                "arrow from T to R."
            )
        source, target = pair
        arrows = [
            a for a in system.declarations[target].arguments if isinstance(a, Variable | Next)
        ]
        if source not in arrows:
            raise QueryError(
                f"There is no arrow from {source} to {target}, which is written with "
                f"{listed(arrows) or 'no variable'}.{nearest(source, arrows)}"
            )
        if source not in cut.setdefault(target, []):
            cut[target].append(source)
    if not cut:
        raise QueryError("edges is empty: name the arrows to cut, such as [(T, R)].")
    return cut


def _finite(moved: Journey, rule: Transition, sources: list[Variable | Next]) -> Amount:
    """E log(p / p_S) at one target, in nats."""
    columns = [moved.now[p] if isinstance(p, Finite) else _owner(p) for p in rule.parents]
    joint = moved.joint.marginal(*dict.fromkeys((*columns, rule.target)))
    places = [codes_of(joint.states, joint.variables, column) for column in columns]
    after = codes_of(joint.states, joint.variables, rule.target)
    chances = _chances(rule, exact=is_exact(joint.masses))
    mixed = chances
    for axis, (parent, column) in enumerate(zip(rule.parents, columns, strict=True)):
        if parent in sources:
            own = joint.marginal(column)
            weights = np.zeros(column.size, dtype=chances.dtype)
            weights[own.states] = own.masses
            mean = np.tensordot(weights, mixed, axes=([0], [axis]))
            mixed = np.broadcast_to(np.expand_dims(mean, axis), chances.shape)
    at = (*places, after)
    ratios = chances[at] / mixed[at]
    if is_exact(joint.masses) and ratios.dtype == object:
        return sympy.Add(*(m * log_of(r) for m, r in zip(joint.masses, ratios, strict=True)))
    masses = joint.floats().masses
    return max(0.0, float(masses @ np.log(ratios.astype(np.float64))))


def _chances(rule: Transition, *, exact: bool) -> Masses:
    """The table of chances (parents, values), exact where all is."""
    if rule.chances is not None:
        return rule.chances if exact else rule.chances.astype(np.float64)
    # Rows of the unit matrix, by the place of the one value that follows.
    one = sympy.eye(rule.target.size).tolist() if exact else np.eye(rule.target.size)
    rows: Masses = np.array(one)[rule.codes]
    return rows


def _owner(parent: Symbol) -> Finite:
    return parent.variable  # type: ignore[no-any-return]  # a value of this same step


def _gaussian(
    system: System, P: Gaussian, target: Variable, sources: list[Variable | Next]
) -> Expr:
    """E log(p / p_S) at one target with the noise q, in nats."""
    beside = "ask of a finite world, or of a system whose step is affine"
    step = affine(system, P.variables, beside)
    row = P.variables.index(target)
    if any(isinstance(source, Next) for source in sources):
        raise QueryError(
            f"{target} reads {listed(sources)} in the same step: write its mechanism with values "
            "of the step before, for whose arrows there is a closed form."
        )
    _check_noise(step.noise, row, target)
    places = [P.variables.index(source) for source in sources]
    gains = Matrix([step.matrix[row, j] for j in places])
    covariance = P.covariance.extract(places, places)
    noise = (step.noise.row(row) * step.noise.row(row).T)[0]
    apart = sum(g**2 * covariance[i, i] for i, g in enumerate(gains))
    together = (gains.T * covariance * gains)[0]
    return log_of(1 + apart / noise) / 2 + (together - apart) / (2 * (noise + apart))


def _check_noise(noise: Matrix, row: int, target: Variable) -> None:
    """The target has noise of its own, that no other hears."""
    heard = [j for j in range(noise.cols) if noise[row, j] != 0]
    if not heard:
        raise QueryError(
            f"{target} has no noise, so that cutting an arrow into it is seen with certainty: the "
            "strength is infinite. Add noise('e', normal(0, 1)) to its mechanism."
        )
    if any(noise[i, j] != 0 for j in heard for i in range(noise.rows) if i != row):
        raise QueryError(
            f"{target} shares its noise with another variable, and arrows are cut one target at a "
            "time: give each a noise of its own."
        )
