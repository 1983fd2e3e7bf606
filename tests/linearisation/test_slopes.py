"""What arrows carry: sums that are the derivatives, of formulas that many arrows share."""

import random

import pytest
import sympy as sp

from causalopt import System, comp, every_A, parameters, time, variables
from causalopt.language.symbols import Shifted, Variable
from causalopt.linearisation.slopes import slope_terms

a, b, c = variables("a b c")
k, q = parameters("k q")

LONG = sum(sp.sin(k * a * i + b) * c**i for i in range(1, 6))
RATES = {
    "short": {a: k * b - a**2, b: a * c, c: -c},
    "long": {a: LONG, b: LONG * a - b, c: sp.exp(-(a**2)) * LONG - c},
    "of one argument in many places": {a: sum(sp.cos(i * a) for i in range(9)), b: a, c: b * a},
    "of time": {a: sp.cos(k * time) * a * b, b: time * b + a, c: a - c},
    "not smooth": {a: sp.Abs(b) * a, b: sp.Max(a, c) - b, c: sp.Piecewise((a, b > c), (c, True))},
}
METHODS = ("euler", "rk4", "dopri5")
#: With so many more variables a step is kept as a sum of rates.
OTHERS = {v: -v for v in variables("y0 y1 y2 y3 y4 y5 y6 y7")}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("rates", RATES.values(), ids=RATES)
def test_the_terms_sum_up_to_the_derivative(rates, method):
    start = {a: 1, b: 2, c: 3, **dict.fromkeys(OTHERS, 1)}
    system = System.from_ode(
        {**rates, **OTHERS}, start=start, parameters={k: 0.7, q: 2}, dt=q, method=method
    )
    assert (len(system.template[a].addends) > 1) == (method != "euler")
    draw = random.Random(1)
    for rule in system.template.values():
        whole = rule.value({})
        at = {s: sp.Rational(draw.randrange(1, 1000), 500) for s in whole.free_symbols}
        for argument in rule.arguments:
            if not isinstance(argument, Variable | Shifted):
                continue  # no node: no difference comes through it
            found = sp.Add(
                *(t.weight * t.formula.xreplace(dict(zip(t.places, t.terms, strict=True)))
                  for t in slope_terms(rule, argument))
            )  # fmt: skip
            expected = rule.reverse({}, sp.Integer(1)).get(argument, sp.Integer(0))
            difference = (found - expected).xreplace(at)
            assert abs(sp.N(difference, 30)) < 1e-12, (rule, argument)


def test_formulas_that_are_alike_are_one():
    x = variables(" ".join(f"x{i}" for i in range(20)))
    draw = random.Random(2)
    rates = {u: u * (1.1 - u + sum(draw.uniform(0.01, 0.1) * v for v in x if v != u)) for u in x}
    system = System.from_ode(rates, start=dict.fromkeys(x, 1), dt=0.01, method="rk4")
    terms = [t for rule in system.template.values() for s in rule.arguments if s != system.dt
             for t in slope_terms(rule, s)]  # fmt: skip
    # The slope by the variable itself, by another one, and what it adds to a step as it is.
    assert len(terms) > 20 * 20 * 4
    assert len({t.formula for t in terms}) <= 3


@pytest.mark.parametrize("rates", RATES.values(), ids=RATES)
def test_every_A_is_comp_of_each(rates):
    (d,) = variables("d")
    system = System.from_ode(
        {**rates, d: a + c - d, **OTHERS}, parameters={k: 0.7}, dt=0.05, method="rk4",
        start={a: 0.3, b: 0.2, c: 0.1, d: 0, **dict.fromkeys(OTHERS, 1)},
    )  # fmt: skip
    found = every_A(system, n=a[0], m=d[12], among=[b, c], measure="comp")
    for part in (b, c):
        expected = float(comp(system, A=part, n=a[0], m=d[12]))
        assert float(found.sel(A=str(part))) == pytest.approx(expected, rel=1e-9)
