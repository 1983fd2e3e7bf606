"""Systems written as SBML: read back as equal, sound to libsbml, or refused by name."""

import math
import random
import re

import numpy as np
import pytest
import sympy
from exchange import oracles
from exchange.formula_trees import Made
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sympy import Abs, Eq, Max, Min, Mod, Piecewise, Rational, Symbol, floor, sign

from causalopt import (
    DeclarationError,
    EvaluationError,
    Event,
    FileError,
    Network,
    System,
    array,
    finite,
    noise,
    normal,
    parameter,
    parameters,
    run,
    table,
    time,
    variable,
    variables,
)
from causalopt.exchange import read_sbml, write_sbml
from causalopt.exchange.biology import worker
from causalopt.exchange.biology.mathml import mathml_of
from causalopt.exchange.biology.writing import ids_of
from causalopt.language.units import unit_of

libsbml = pytest.importorskip("libsbml", reason="python-libsbml is not installed")

pytestmark = pytest.mark.usefixtures("in_this_process")

x, y, u = variables("x y u")
k, m = parameters("k m")


def written(system, tmp_path):
    path = tmp_path / "m.xml"
    write_sbml(system, path)
    return path


def back(system, tmp_path, **how):
    """A system that was written and read, once libsbml has found it sound."""
    path = written(system, tmp_path)
    document = libsbml.readSBMLFromFile(str(path))
    # Of units libsbml has warnings alone, and on some formulas it crashes as it looks for them.
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, False)
    document.checkConsistency()
    assert not worker._faults(document.getErrorLog(), libsbml.LIBSBML_SEV_ERROR)
    given_how = {"method": system.method, "tolerance": system.tolerance, "dt": system.step_size}
    return read_sbml(path, **{**given_how, **how})


# -- the law ---------------------------------------------------------------------------------------


class Rates:
    """Systems of rates made at random, whose runs stay where floats are exact enough to compare."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.variables = [variable(f"v{i}") for i in range(self.random.randint(1, 4))]
        self.equations = variables("a b")[: self.random.randint(0, 2)]
        self.parameters = parameters("p q")
        self.known = [*self.variables, *self.parameters, time]

    def number(self):
        return self.random.choice([2, 3, -1, 0.1, 1 / 3, -2.5e-7, 1.7e-12, 12345.678])

    def formula(self, depth):
        """A formula that stays small: what grows is below the line, or within a tanh."""
        if depth == 0:
            return self.random.choice(self.known)
        a, b = self.formula(depth - 1), self.formula(depth - 1)
        small = sympy.tanh(b)
        return self.random.choice([
            a + b, a - small / 3, self.number() * sympy.tanh(a), a / (2 + small**2),
            sympy.exp(-(b**2)), sympy.sqrt(1 + a**2), (1 + a**2) ** Rational(2, 3),
            sympy.sin(a) * sympy.cos(b), sympy.atan(a) * Rational(2, 7), Max(a, b, 1), Min(a, b),
            Abs(a), sympy.log(2 + a**2), floor(a), (2 + small) ** sympy.tanh(a), sympy.pi * small,
            Piecewise((a, b > self.number()), (small, (a < b) | (b >= 1)), (1, True)),
            Piecewise((a, sympy.Ne(b, 2) & ~(a > 3)), (b, True)),
        ])  # fmt: skip

    def system(self):
        draw = self.random
        first = {v: draw.uniform(-2, 2) for v in self.variables}
        start = {v: value if draw.random() < 0.7 else self.variables[0] * self.parameters[0]
                 for v, value in first.items()}  # fmt: skip
        start[self.variables[0]] = first[self.variables[0]]
        algebraic = {}
        for one in self.equations:
            algebraic[one] = self.formula(2)
            self.known.append(one)
        rates = {v: sympy.tanh(self.formula(2)) - v for v in self.variables}
        events = [Event(self.variables[0] > 0.1, {v: sympy.tanh(self.formula(1)) / 2})
                  for v in self.variables[: draw.randint(0, 2)]]  # fmt: skip
        p, q = self.parameters
        return System.from_ode(
            rates, algebraic=algebraic, start=start, parameters={p: draw.uniform(-1, 1), q: 3 * p},
            dt=0.125, method=draw.choice(["euler", "rk4"]), events=events,
        )  # fmt: skip


def is_plain(formula):
    """Whether a formula is read back as it is: numbers in it are whole, floats or coefficients.

    What comes of numbers alone is a float once it is read, and ITE is written by and, or and not.
    """
    if formula.has(sympy.ITE):
        return False
    for part in sympy.preorder_traversal(formula):
        inner = part.args if not part.is_Mul and not part.is_Pow else ()
        if any(arg.is_Rational and arg.q != 1 for arg in inner):
            return False
        if part.args and isinstance(part, sympy.Expr) and part.is_number:
            return False
    return True


def formulas_of(system):
    for rule in (*system.mechanisms.values(), *system.algebraic.values()):
        yield rule.formula
    for event in system.events:
        yield event.when
        yield from (rule.formula for rule in event.set.values())


def system_of(seed):
    """A system made at random; None where there is none to write.

    Cases may be of a time that no step meets, and sympy compares some without an end.
    """
    try:
        return Rates(seed).system()
    except (RecursionError, DeclarationError):
        return None


@settings(max_examples=settings.default.max_examples // 8)
@given(st.integers(0, 10**9))
def test_what_is_written_is_read_back_as_equal_and_runs_the_same(tmp_path_factory, seed):
    system = system_of(seed)
    assume(system is not None)
    found = back(system, tmp_path_factory.mktemp("rates"))
    if all(map(is_plain, formulas_of(system))):
        assert found == system
    assert found.parameters == system.parameters
    assert found.start == system.start
    try:
        ours = run(system.world(steps=5), labels=["W"])
    except EvaluationError:
        return  # two events in one step, say
    theirs = run(found.world(steps=5), labels=["W"])
    for v in system.variables:
        np.testing.assert_allclose(theirs[str(v)], ours[str(v)], rtol=1e-9, atol=1e-9)


@pytest.mark.long
def test_many_of_those_are_plain_and_run():
    systems = [system for system in map(system_of, range(12)) if system is not None]
    plain = [system for system in systems if all(map(is_plain, formulas_of(system)))]
    assert len(plain) >= 3
    for system in plain[:3]:
        run(system.world(steps=5))


@settings(max_examples=20)
@given(st.integers(0, 10**9))
def test_a_formula_comes_to_the_same(tmp_path_factory, seed):
    """Formulas as they are declared anywhere: sign, Mod and the like are written by others."""
    formula = Made(seed).number(3)
    free = {s: s for s in formula.free_symbols}
    plain = formula.xreplace(
        {s: x for s in free if type(s).__name__ in ("Next", "Lag", "Variable")}
    )
    if plain.has(sympy.erf) or not plain.is_real:
        return
    try:
        system = System.from_ode(
            {x: 0}, algebraic={u: plain}, start={x: 0.75}, parameters={k: 0.3125}, dt=0.5
        )
    except DeclarationError:
        return
    found = back(system, tmp_path_factory.mktemp("formula"))
    at = {x: 0.75, k: 0.3125, time: 1.0}
    expected = oracles.worked_out(system.algebraic[u].formula, at)
    known = oracles.worked_out(found.algebraic[u].formula, at)
    assert known == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    "formula",
    [sign(x - 1), Mod(x, 3), Mod(-x, 3), sympy.Heaviside(x - 1), sympy.Heaviside(x, 0),
     Piecewise((1, sympy.ITE(x > 1, y > 2, y < 2)), (0, True)), sympy.sec(x), sympy.acot(x),
     sympy.factorial(floor(x) + 5), Piecewise((1, Eq(x, 1)), (0, True)), x**0.5 + x**-1.5,
     Piecewise((1, sympy.Xor(x > 1, y > 1)), (2, sympy.Implies(x > 1, y > 1)), (3, True)),
     1 / x + x**-2 / 3 + 2**x, sympy.EulerGamma * x - sympy.E],
    ids=str,
)  # fmt: skip
def test_what_has_no_word_of_its_own_is_written_by_others(formula, tmp_path):
    system = System.from_ode({x: 0, y: 0}, algebraic={u: formula}, start={x: 1, y: 1}, dt=1)
    found = back(system, tmp_path)
    for at in ({x: 1.0, y: 1.0}, {x: 0.5, y: 3.0}, {x: 2.75, y: 0.1}):
        expected = oracles.worked_out(system.algebraic[u].formula, at)
        assert oracles.worked_out(found.algebraic[u].formula, at) == pytest.approx(
            expected, rel=1e-14
        )


# -- numbers ---------------------------------------------------------------------------------------


# Of floats below the least normal one libsbml makes none.
@settings(max_examples=20)
@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_numbers_come_back_as_the_same_floats(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("numbers")
    system = System.from_ode(
        {x: sympy.Float(value) * x}, start={x: value}, parameters={k: value}, dt=1
    )
    path = written(system, folder)
    document = libsbml.readSBMLFromFile(str(path))  # its parts live as long as it does
    model = document.getModel()
    assert model.getParameter("k").getValue() == value
    assert model.getParameter("x").getValue() == value
    math = model.getRateRuleByVariable("x").getMath()
    numbers = [math.getChild(i).getValue() for i in range(math.getNumChildren())]
    unsigned = {abs(number) for number in [*numbers, math.getValue()] if number == number}
    assert abs(value) in unsigned or abs(value) == 1.0


def test_whole_numbers_quotients_and_powers_are_as_they_were(tmp_path):
    formula = x / 3 + 2 * y / (7 * x) - x ** Rational(-2, 3) + (x * y) ** Rational(1, 3) - 2**60 * y
    system = System.from_ode({x: formula, y: -x / 2}, start={x: 1, y: 2}, dt=0.1)
    expected = formula.subs(2**60, 1.0 * 2**60)
    assert back(system, tmp_path).mechanisms[x].formula == expected


def test_a_number_beyond_floats_is_refused(tmp_path):
    with pytest.raises(DeclarationError, match="larger than floats"):
        mathml_of(sympy.Integer(10) ** 400 * Symbol("s"), {Symbol("s"): "s"}, "s")


# -- starts, events, names, units ------------------------------------------------------------------


def test_the_length_of_a_step_is_written_where_a_formula_uses_it(tmp_path):
    dt, h = parameters("dt h")
    plain = System.from_ode({x: -x}, start={x: 1}, parameters={dt: h / 2, h: 0.5}, dt=dt)
    text = written(plain, tmp_path).read_text()
    assert 'id="h"' in text
    assert 'id="dt"' not in text
    used = System.from_ode({x: -dt * x}, start={x: 1}, parameters={dt: 0.5}, dt=dt)
    found = back(used, tmp_path)
    assert {str(p): value for p, value in found.parameters.items()} == {"dt": 0.5, "dt_": 0.5}


def test_of_events_at_once_the_first_has_the_last_word(tmp_path):
    t = time
    events = [Event(t >= 1, {x: 5}), Event(t >= 1, {x: 7, y: 8}), Event(x > 100, {y: k})]
    system = System.from_ode(
        {x: 0, y: 0}, start={x: 1, y: 2}, parameters={k: 1}, dt=0.3, method="rk4", events=events
    )
    found = back(system, tmp_path)
    assert found == system
    data = run(found.world(steps=5), labels=["W"])
    assert (data.x[0, -1], data.y[0, -1]) == (5, 8)


ODD = ["heat flow", "heat_flow", "2x", "x.y", "x y", "größe", "\U0001f600", 'a"b<c>&d', "a\nb", "_",
       "]]>", "é" * 40, "__import__('os')"]  # fmt: skip


def test_a_name_that_is_no_id_stands_beside_one(tmp_path):
    many = [variable(name) for name in ODD]
    system = System.from_ode({v: -v for v in many}, start=dict.fromkeys(many, 1.0), dt=0.1)
    path = written(system, tmp_path)
    assert len(back(system, tmp_path).variables) == len(ODD)
    document = libsbml.readSBMLFromFile(str(path))
    found = document.getModel().getListOfParameters()
    assert [p.getName() or p.getId() for p in found] == ODD
    assert found.get("heat_flow").getName() == ""


@given(st.lists(st.text(min_size=1), unique=True))
def test_ids_are_ids_and_apart(names):
    found = ids_of(names)
    assert list(found) == names
    assert len(set(found.values())) == len(names)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", one) for one in found.values())


UNITS = ["mol/L", "1/min", "kg*m/s^2", "um^3", "1", "day", "mol^(1/2)/L", "V"]


def test_units_come_back(tmp_path):
    held = {parameter(f"p{i}", unit=unit): 1.0 for i, unit in enumerate(UNITS)}
    h, v = parameter("h", unit="min"), variable("v", unit="mmol/L")
    rate = parameter("r", unit="mmol/(L*min)")
    system = System.from_ode({v: rate}, start={v: 1}, parameters={**held, rate: 2, h: 0.1}, dt=h)
    found = back(system, tmp_path)
    named = {str(p): p.unit for p in (*found.parameters, *found.variables)}
    assert [named[f"p{i}"] for i in range(len(UNITS))] == [str(unit_of(unit)) for unit in UNITS]
    assert (named["dt"], named["v"]) == ("min", "mmol/L")


def test_units_without_a_word_are_left_out(tmp_path):
    T, room = variable("T", unit="degC"), variable("room", unit="pH")
    system = System.from_ode({T: -T, room: 0}, start={T: 1, room: 2}, dt=0.1)
    assert "unit" not in written(system, tmp_path).read_text().replace("units=", "")
    assert {v.unit for v in back(system, tmp_path).variables} == {""}


# -- what is refused -------------------------------------------------------------------------------

shock = noise("shock", normal(0, 1))
day = finite("day", ["dry", "wet"])
grid = array("grid", 2)
largest_subnormal = 2.225073858507201e-308


def ode(rates, start, **how):
    return System.from_ode(rates, start=start, **{"dt": 0.1, **how})


REFUSED = {
    "steps": (lambda: System({x: x / 2}, start={x: 1}), "step by step"),
    "noise": (lambda: ode({x: shock}, {x: 1}), r"formula of x .*shock.* \(noise\)"),
    "a delay": (lambda: ode({x: -x.lag(0.5)}, {x: 1}), r"\(lag\)"),
    "a circle": (lambda: ode({x: -y}, {x: 1}, algebraic={y: x - y / 2}, newton={y: 1}),
                 "circle of equations, of y: .*neither what it is solved for"),
    "an array": (lambda: ode({grid: -grid}, {grid: [1, 2]}), "grid"),
    "a function": (lambda: ode({x: sympy.erf(x)}, {x: 1}), "no word for erf"),
    "a start": (lambda: ode({x: 1}, {x: sympy.gamma(k)}, parameters={k: 2}), "no word for gamma"),
    "an event": (lambda: ode({x: 1}, {x: 1}, method="rk4",
                             events=[Event(x > 2, {x: sympy.besselj(0, x)})]), "x in the event"),
    "a control character": (lambda: ode({variable("a\x01"): 1}, {variable("a\x01"): 1}), "XML"),
    "a start next to 0": (lambda: ode({x: 1}, {x: -5e-324}), "x is -5e-324, .*smaller unit"),
    "a parameter next to 0": (lambda: ode({x: k}, {x: 1}, parameters={k: largest_subnormal}),
                              "k is 2.225073858507201e-308, .*smaller unit"),
    "depth": (lambda: ode({x: deep(60)}, {x: 1}), "deeper"),
}  # fmt: skip


def deep(levels):
    formula = x
    for _ in range(levels):
        formula = sympy.sin(formula) + 1
    return formula


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_place_is_refused_before_anything_is_written(case, tmp_path):
    made, told = REFUSED[case]
    path = tmp_path / "m.xml"
    path.write_text("before")
    with pytest.raises(DeclarationError, match=re.compile(told, re.IGNORECASE)):
        write_sbml(made(), path)
    assert path.read_text() == "before"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("value", [2.2250738585072014e-308, -2.2250738585072014e-308, 0.0])
def test_the_smallest_values_come_back(value, tmp_path):
    system = back(ode({x: k}, {x: value}, parameters={k: value}), tmp_path)
    assert repr(system.start[x]) == repr(system.parameters[k]) == repr(value)


def test_numbers_next_to_0_come_back_in_formulas(tmp_path):
    system = back(ode({x: 5e-324 * x}, {x: 1}), tmp_path)
    assert system.mechanisms[x].formula.coeff(x) == 5e-324


def test_no_system_is_refused(tmp_path):
    with pytest.raises(DeclarationError, match="System"):
        write_sbml(Network({day: table((), {"dry": 0.5, "wet": 0.5})}), tmp_path / "m.xml")


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileError, match="no folder"):
        write_sbml(ode({x: -x}, {x: 1}), tmp_path / "none" / "m.xml")


# -- a peer ----------------------------------------------------------------------------------------


def test_runs_are_those_of_another_program(tmp_path):
    """A file of rates, equations, cases, time and an event, run by libroadrunner."""
    rates = {x: y, y: m * (1 - x**2) * y - x + u / 3}
    cases = Piecewise((sympy.sin(2 * time), x > 0), (Max(y, -1), True))
    system = System.from_ode(
        rates, algebraic={u: cases}, start={x: 1.5, y: x / 3}, parameters={m: 0.8, k: m / 2},
        dt=0.25, method="dopri5", tolerance=1e-10, events=[Event(time >= 2.6, {y: k * y})],
    )  # fmt: skip
    peer = oracles.RoadRunner(written(system, tmp_path)).model
    peer.integrator.relative_tolerance = peer.integrator.absolute_tolerance = 1e-11
    theirs = peer.simulate(0, 10, 41, ["time", "x", "y"])
    ours = run(system.world(steps=40), labels=["W"])
    for place, name in ((1, "x"), (2, "y")):
        np.testing.assert_allclose(theirs[:, place], ours[name][0], rtol=0, atol=1e-6)
    assert math.isfinite(theirs[-1, 1])
