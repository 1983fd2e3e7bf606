"""What is printed of a mechanism can be written again, in the language of declarations."""

import pytest
import sympy
from sympy import Piecewise, exp

from causalopt import (
    EvaluationError,
    System,
    noise,
    normal,
    parameters,
    run,
    time,
    uniform,
    variables,
)

T, R = variables("T R")
k, s = parameters("k s")
NAMES = {"T": T, "R": R, "k": k, "s": s, "t": time, "e": noise("e", normal()), **vars(sympy)}

FORMULAS = {
    "delays": T.lag(3) + R.lag(1) / 2,
    "what is there in the same step": T.next * k + R,
    "time and noise": time + noise("e", normal()) - T.lag(2),
    "cases": Piecewise((T.lag(2), k < R), (exp(-R), True)),
}


def system():
    return System({T: T / 2, R: R / 3 + T.lag(4)}, start={T: 1, R: 2}, parameters={k: 0.1, s: 1})


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_a_mechanism_that_is_put_in_is_told_as_it_was_written(formula):
    told = str(system().world(steps=6).replace(R[2:4], formula)).splitlines()[-1]
    before, _, text = told.partition(": replaced by ")
    assert before.strip() == "R[2:4]"
    assert eval(text, NAMES) == formula  # of a formula above


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_a_declared_mechanism_is_told_as_it_was_written(formula):
    declared = System({T: T / 2, R: formula}, start={T: 1, R: 2}, parameters={k: 0.1})
    assert eval(str(declared.mechanisms[R]), NAMES) == formula  # of a formula above


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_delays_of_rates_are_told_in_time(method):
    rates = System.from_ode(
        {T: -T.lag(0.5), R: -R.lag(0.5)}, start={T: 1, R: 2}, dt=0.1, method=method
    )
    W = rates.world(steps=9).replace(R[2:], 1e300 * T.lag(0.5) - R.lag(0.5) ** 2 * R)
    assert "replaced by -R*R.lag(0.5)**2 + 1.0e+300*T.lag(0.5)" in str(W)
    with pytest.raises(EvaluationError, match=r"is 1e200\*|R\.lag\(0\.5\)\*\*2") as told:
        run(W)
    assert ".past(" not in str(told.value)


def test_a_law_of_a_formula_is_told_in_formulas():
    drawn = System({R: R + noise("e", uniform(0, s))}, start={R: 1}, parameters={s: 1})
    again = eval(str(drawn.mechanisms[R]), NAMES)  # of the formula above
    assert again.free_symbols == {R, s, NAMES["e"]}
