"""Units of declarations: what agrees is accepted, and what surely does not is refused in words."""

import functools
import itertools
import operator
import subprocess
import sys

import pytest
import sympy as sp
from hypothesis import assume, given
from hypothesis import strategies as st
from sympy import Abs, Eq, Max, Min, Mod, Piecewise, Rational, atan2, exp, log, pi, sin, sqrt, tanh

from causalopt import (
    DeclarationError,
    Network,
    System,
    finite,
    noise,
    normal,
    parameter,
    table,
    time,
    variable,
)


def v(name, unit=""):
    return variable(name, unit, positive=True)


def p(name, unit=""):
    return parameter(name, unit, positive=True)


def declared(formulas, dt=None, method=None):
    """A system of some formulas; the other symbols are variables that stay, or parameters."""
    symbols = {getattr(s, "variable", s) for f in formulas.values()
               for s in sp.sympify(f).free_symbols} | set(formulas)  # fmt: skip
    variables = {s for s in symbols if isinstance(s, type(v("x")))}
    constants = {s for s in symbols if isinstance(s, type(p("k")))} | ({dt} - {None, 0.1})
    rest = {s: s if method is None else 0 for s in variables if s not in formulas}
    return System(
        {**formulas, **rest},
        start=dict.fromkeys(variables, 1),
        parameters=dict.fromkeys(constants, 1),
        dt=dt,
        method=method,
    )


R, T, d = v("R", "degC"), v("T", "degC"), p("d", "degC")
x, y, z = v("x", "m"), v("y", "m"), v("z", "cm")
speed, force, mass = v("v", "m/s"), v("F", "N"), p("m", "kg")
seconds, hours, step = p("dt", "s"), p("dt", "h"), p("k", "1/step")
depth, one_of = variable("h", "m"), v("o", "1")
plain, one, percent = p("c"), p("n", "1"), v("q", "%")
K, angle, rad, amount = v("K", "K"), v("a", "deg"), v("b", "rad"), v("s", "umol/L")

RIGHT = {
    "the thermostat": lambda: declared({T: R - d, R: R - step * T}),
    "the thermostat over time": lambda: declared(
        {R: -p("k", "1/s") * (R - d)}, seconds, "euler"),
    "other words for a unit": lambda: declared({x: x + v("w", "meter")}),
    "an equal unit": lambda: declared({force: mass * v("A", "m/s^2")}),
    "spelled otherwise": lambda: declared({speed: speed + v("w", "m s-1") + v("u", "m·s⁻¹")}),
    "no unit known": lambda: declared({x: x + plain * time, v("w"): v("w") + x}),
    "a number is added": lambda: declared({R: R - 25, T: 1.8 * R + 32}),
    "degrees turned into kelvin": lambda: declared({K: R + 273.15}),
    "kelvin and degrees, less a number": lambda: declared({K: K - step * (K - R - 273.15)}),
    "degrees per time in kelvin": lambda: declared({R: R + seconds * v("w", "K/s")}, seconds),
    "heat of a difference": lambda: declared({v("E", "J"): p("C", "J/K") * (R - d)}),
    "a conversion by a number": lambda: declared({x: x + z / 100}),
    "a conversion beside another number": lambda: declared(
        {v("E", "J"): mass * speed**2 / 2 + p("g", "g") * speed**2 / 2000}),
    "kilometres an hour": lambda: declared({v("w", "km/h"): 3.6 * speed}),
    "an angle turned": lambda: declared({x: x * sin(pi * angle / 180) + y * sin(rad)}),
    "a conversion by a parameter": lambda: declared({x: x + p("c", "m/cm") * z}),
    "a wildcard in a product": lambda: declared({x: plain * R}),
    "a wildcard in a sum": lambda: declared({x: plain + x, R: plain + R}),
    "a wildcard in a function": lambda: declared({x: x * exp(plain * R)}),
    "a power of half": lambda: declared({x: sqrt(x * y) + (x**3) ** Rational(1, 3)}),
    "a float as exponent": lambda: declared({v("B", "W"): p("b", "W/kg^0.75") * mass**0.75}),
    "a choice": lambda: declared({x: Piecewise((y, x > y), (0, Eq(R, T)), (x, True))}),
    "extremes": lambda: declared({x: Max(x, y, 0) + Min(x, 2 * y) + Abs(x - y)}),
    "time without dt": lambda: declared({R: R + 10 * sin(time / 20) + time}),
    "time in hours": lambda: declared(
        {R: R + Piecewise((d, Mod(time, 24) < 8), (-d, True))}, hours),
    "time by a rate": lambda: declared({x: p("w", "m/h") * time}, hours),
    "dt without a unit": lambda: declared({x: -x * p("k", "1/s")}, p("dt"), "rk4"),
    "dt as a number": lambda: System.from_ode(
        {x: -x * p("k", "1/s")}, start={x: 1}, parameters={p("k", "1/s"): 1}, dt=0.1),
    "a Hill function": lambda: declared(
        {amount: amount * amount**one / (p("h", "uM") ** one + amount**one)}),
    "logistic growth": lambda: declared(
        {v("N", "people"): p("r", "1/year") * v("N", "people")
         * (1 - v("N", "people") / p("cap", "people"))}, p("dt", "year"), "rk4"),
    "units of their own": lambda: declared({v("S", "nats"): v("S", "nats") + p("w", "nat")}),
    "a unit that cannot be read": lambda: declared({x: x + v("w", "J/kg K")}),
    "words that may be no unit": lambda: declared({v("w", "mg"): p("u", "mg dry weight")}),
    "an angle of two lengths": lambda: declared({rad: atan2(depth, x) + one}),
    "percent by a number": lambda: declared({x: x * (1 - percent / 100)}),
    "time in steps": lambda: declared({R: R + time / 10}, p("dt", "steps")),
    "a switch": lambda: declared({R: R + 2 * sp.Heaviside(d - R) - sp.sign(R - T) / 2}),
    "noise in a unit": lambda: declared({x: x + noise("e", normal(0, 1), "m")}),
    "the same step": lambda: declared({x: y.next, y: y + x}),
    "named values": lambda: System(
        {(t := finite("t", ["lo", "hi"], "degC")): table(t, {"lo": "hi", "hi": "lo"}),
         x: x + Piecewise((y, Eq(t, 1)), (0, True)), y: y * exp(t)}, start={t: "lo", x: 1, y: 1}),
    "a network": lambda: Network({speed: x / seconds, force: mass * speed / seconds},
                                 start={x: 1}, parameters={seconds: 1, mass: 1}),
    "a network of one mechanism": lambda: Network.from_arrays(
        [lambda u: exp(-step) * u], [-1, 0], [[-1], [0]], start=1, parameters={step: 1}),
}  # fmt: skip


@pytest.mark.parametrize("declare", RIGHT.values(), ids=RIGHT)
def test_what_may_be_right_is_accepted(declare):
    declare()


WRONG = {
    "a length and a time": (lambda: declared({x: x + seconds}), r"dt is in s, and x is in m"),
    "a length and a length": (
        lambda: declared({x: x + z}),
        r"of x adds what is not alike: x is in m, and z is in cm\..*1 m is 100 cm\. "
        r"Multiply x by a parameter in cm/m, or correct a unit"),
    "degrees and kelvin": (lambda: declared({R: R - K}), "different zeros.* parameter in"),
    "degrees and degrees": (lambda: declared({R: R - v("f", "degF")}), "1 degC is 1.8 degF"),
    "kelvin of degrees": (lambda: declared({K: R - d}), "R - d is in degC, .* wanted there is in"),
    "a rate by time": (lambda: declared({R: R - p("k", "1/s") * T}), "degC/s"),
    "a rate that counts no time": (
        lambda: declared({R: -step * (R - d)}, seconds, "euler"),
        r"is in degC, and what is wanted there is in degC/s.*parameter in 1/s"),
    "a rate by another time": (
        lambda: declared({R: -p("k", "1/h") * (R - d)}, seconds, "rk4"), "1 .* is 3600"),
    "another unit than its own": (lambda: declared({x: speed}), "wanted there is in m"),
    "another scale than its own": (lambda: declared({x: 2 * z}), "1 m is 100 cm"),
    "a number that converts nothing": (lambda: declared({x: x + 3 * z}), "1 m is 100 cm"),
    "an exponential": (lambda: declared({x: x * exp(y)}), "takes exp of y, which is in m"),
    "a logarithm": (lambda: declared({x: x * log(y)}), "takes log of y"),
    "a sine of degrees": (lambda: declared({x: x * sin(angle)}), "1 deg is 0.01745"),
    "a saturation": (lambda: declared({T: tanh(R - d)}), r"takes tanh of R - d, which is in degC"),
    "a percentage": (lambda: declared({x: x * exp(percent)}), r"in %: .* 1 % is 0.01"),
    "an exponent": (lambda: declared({v("w", "1"): plain**x}), "exponent x"),
    "a power of a symbol": (lambda: declared({x: y**one}), r"m\^\(n\)"),
    "a square": (lambda: declared({x: y**2}), r"y\*\*2 is in m\^2"),
    "a root": (lambda: declared({x: x + sqrt(y)}), r"sqrt\(y\) is in m\^\(1/2\)"),
    "a condition": (lambda: declared({x: Piecewise((x, y < R), (y, True))}), "compares"),
    "a condition that looks within": (
        lambda: declared({x: Piecewise((x, (R > T) & Eq(x, seconds)), (y, True))}), "compares"),
    "branches": (lambda: declared({x: Piecewise((x, R > T), (R, True))}), "takes one of"),
    "a largest": (lambda: declared({x: Max(x, z)}), "takes one of .* 1 m is 100 cm"),
    "a smallest": (lambda: declared({x: Min(R, x)}), "takes one of"),
    "a remainder": (lambda: declared({x: Mod(x, seconds)}), "compares"),
    "an angle": (lambda: declared({rad: atan2(depth, variable("g", "s"))}), "compares"),
    "a part beside a wildcard": (lambda: declared({x: plain * (x + R)}), "adds"),
    "beside a number": (lambda: declared({x: x + seconds + 1}), "adds"),
    "time": (lambda: declared({R: R + time}, hours), "t is in h"),
    "time in a function": (lambda: declared({x: x * sin(time)}, hours), "takes sin of t"),
    "time in a sum of functions": (
        lambda: declared({x: x * sin(p("w", "1/min") * time)}, hours), "1 h/min is 60"),
    "units of their own": (lambda: declared({v("S", "nats"): p("w", "bans")}), "in bans"),
    "people and cars": (
        lambda: declared({v("w", "people"): v("w", "people") + p("u", "cars")}), "in cars"),
    "noise": (lambda: declared({x: x + noise("e", normal(0, 1), "s")}), "e is in s"),
    "the same step": (lambda: declared({x: z.next, z: z}), r"z\.next is in cm"),
    "a Hill function": (
        lambda: declared({amount: amount**one / (p("h", "M") ** one + amount**one)}), "adds"),
    "logistic growth": (
        lambda: declared({v("w", "1"): 1 - x / seconds + x / y}), "adds"),
    "a network": (lambda: Network({x: y + z}, start={y: 1, z: 1}), "of x adds"),
    "a network of one mechanism": (
        lambda: Network.from_arrays([lambda u: exp(mass) * u], [-1, 0], [[-1], [0]], start=1,
                                    parameters={mass: 1}), "takes exp of m, which is in kg"),
    "without measure": (
        lambda: declared({v("w", "Ym^99"): v("u", "ym^99") + v("w", "Ym^99")}), "ym"),
    "a number without a unit": (lambda: declared({one_of: one_of + percent}), "1 is 100 %"),
    "vectors": (
        lambda: System({(x, z): [x, x]}, start={(x, z): 1}), "of z has another unit"),
}  # fmt: skip


@pytest.mark.parametrize(("declare", "told"), WRONG.values(), ids=WRONG)
def test_what_is_surely_wrong_is_refused(declare, told):
    with pytest.raises(DeclarationError, match=told):
        declare()


@pytest.mark.parametrize("named", WRONG)
def test_what_is_wrong_is_wrong_by_its_units_alone(named, monkeypatch):
    monkeypatch.setattr("causalopt.model.soundness.check_units", lambda *a, **k: None)
    monkeypatch.setattr("causalopt.model.building.check_units", lambda *a, **k: None)
    WRONG[named][0]()


# -- an oracle that shares no code -----------------------------------------------------------------

# Each unit by hand: its size in metres, kilograms and seconds, and the powers of these.
ATOMS = {
    "m": (Rational(1), (1, 0, 0)),
    "cm": (Rational(1, 100), (1, 0, 0)),
    "kg": (Rational(1), (0, 1, 0)),
    "g": (Rational(1, 1000), (0, 1, 0)),
    "s": (Rational(1), (0, 0, 1)),
    "min": (Rational(60), (0, 0, 1)),
}
# How much larger the base units become. Values and sizes have no factor in common.
STRETCH = (Rational(7, 5), Rational(11, 13), Rational(17, 19))


class Quantity:
    """A unit that is drawn: its text, and its size where base units are stretched."""

    def __init__(self, powers, written):
        self.powers = {atom: n for atom, n in powers.items() if n}
        self.written = written

    @property
    def text(self):
        parts = [f"{a}{self.written}{n}" if n != 1 else a for a, n in self.powers.items()]
        return "*".join(parts) or "1"

    @property
    def size(self):
        size = Rational(1)
        for atom, n in self.powers.items():
            own, dimensions = ATOMS[atom]
            size *= own**n
            for stretch, power in zip(STRETCH, dimensions, strict=True):
                size *= stretch ** (power * n)
        return size


units = st.builds(
    Quantity,
    st.dictionaries(st.sampled_from(sorted(ATOMS)), st.integers(-2, 2), max_size=2),
    st.sampled_from(["**", "^"]),
)


class Made:
    """A formula built to be consistent: with its unit, and the symbols in it with theirs."""

    def __init__(self, formula, unit, symbols):
        self.formula, self.unit, self.symbols = formula, unit, symbols

    def __repr__(self):
        named = {name: unit.text for name, unit in self.symbols.items()}
        return f"{self.formula} in {self.unit.text}, with {named}"


def joined(first, second, op):
    sign = 1 if op is operator.mul else -1
    powers = dict(first.unit.powers)
    for atom, n in second.unit.powers.items():
        powers[atom] = powers.get(atom, 0) + sign * n
    return Made(
        op(first.formula, second.formula), Quantity(powers, "^"), first.symbols | second.symbols
    )


@st.composite
def formulas(draw, unit=None, depth=3, numbers=None):
    """A formula in a unit, or in any; no two of its symbols are alike."""
    numbers = itertools.count() if numbers is None else numbers
    inside = functools.partial(formulas, depth=depth - 1, numbers=numbers)
    unit = draw(units) if unit is None else unit
    kind = draw(st.integers(0, 6)) if depth else 0
    if kind == 0:
        name = f"u{next(numbers)}"
        return Made(v(name, unit.text), unit, {name: unit})
    if kind in (1, 2):
        terms = [draw(inside(unit)) for _ in range(2)]
        number = draw(st.sampled_from([1, 2, 3, Rational(1, 3)]))
        return Made(
            number * terms[0].formula + terms[1].formula,
            unit,
            terms[0].symbols | terms[1].symbols,
        )
    if kind in (3, 4):
        op = operator.mul if kind == 3 else operator.truediv
        second = draw(inside())
        first = joined(Made(1, unit, {}), second, operator.truediv if kind == 3 else operator.mul)
        return joined(draw(inside(first.unit)), second, op)
    if kind == 5:
        inner = draw(inside(unit))
        return Made(sqrt(inner.formula**2 + inner.formula**2 * 3), unit, inner.symbols)
    pure = draw(inside(Quantity({}, "^")))
    outer = draw(inside(unit))
    function = draw(st.sampled_from([sp.atan, lambda u: exp(-u)]))
    return Made(outer.formula * function(pure.formula), unit, outer.symbols | pure.symbols)


def is_consistent(formula, sizes, own):
    """Whether the formula gives the same in stretched units, its numbers left as they are."""
    points = [
        {s: Rational(1 + (7 * i + 3 * k) % 11, 2 + (i + 5 * k) % 7) for i, s in enumerate(sizes)}
        for k in range(4)
    ]
    for point in points:
        moved = {s: value * sizes[s] for s, value in point.items()}
        before, after = (formula.xreplace(at).evalf(60) for at in (point, moved))
        if abs(after - own * before) > abs(after) * sp.Float("1e-40", 60):
            return False
    return True


def is_accepted(formula, own):
    target = v("target", own)
    roots = {s for s in formula.free_symbols if s != target}
    try:
        Network({target: formula}, start=dict.fromkeys(roots, 1))
    except DeclarationError as error:
        if not any(word in str(error) for word in ("adds", "another unit", "takes", "compares")):
            raise
        return False
    return True


def sized(formula, units_of):
    return {s: units_of[s.name].size for s in formula.free_symbols}


@given(formulas())
def test_what_is_built_in_any_units_is_accepted(made):
    assume(made.formula.free_symbols)
    assert is_consistent(made.formula, sized(made.formula, made.symbols), made.unit.size)
    assert is_accepted(made.formula, made.unit.text)


@given(formulas(), units, st.data())
def test_one_unit_changed_is_refused_where_it_matters(made, other, data):
    symbols = sorted(made.formula.free_symbols, key=str)
    assume(symbols)
    changed = data.draw(st.sampled_from(symbols))
    formula = made.formula.xreplace({changed: v(changed.name, other.text)})
    named = {**made.symbols, changed.name: other}
    right = is_consistent(formula, sized(formula, named), made.unit.size)
    assert is_accepted(formula, made.unit.text) == right


@given(formulas(), units)
def test_another_unit_of_what_is_given_is_refused(made, other):
    assume(made.formula.free_symbols)
    right = made.unit.size == other.size
    assert is_accepted(made.formula, other.text) == right


@given(formulas(), formulas())
def test_what_is_compared_and_chosen_between_is_alike(first, second):
    # Of one symbol alone, max(a, a) is a.
    other = second.formula.xreplace(
        {s: v(f"{s}.other", s.unit) for s in second.formula.free_symbols}
    )
    assume(first.formula.free_symbols and other.free_symbols)
    right = first.unit.size == second.unit.size
    chosen = Piecewise((2, first.formula > other), (1, True))
    for formula in (Max(first.formula, other), Min(2 * other, first.formula)):
        assert is_accepted(formula, first.unit.text) == right
    assert is_accepted(chosen, "m") == right


@given(formulas(), st.data())
def test_without_one_of_its_units_it_is_not_judged(made, data):
    symbols = sorted(made.formula.free_symbols, key=str)
    assume(symbols)
    unknown = data.draw(st.sampled_from(symbols))
    assert is_accepted(made.formula.xreplace({unknown: v(unknown.name)}), made.unit.text)


# -- what it costs ---------------------------------------------------------------------------------

WITHOUT = """
import sys
from causalopt import System, parameters, variables
{declare}
assert ("pint" in sys.modules) is {asked}
"""


@pytest.mark.parametrize(
    ("declare", "asked"),
    [
        ("T, R = variables('T R'); System({T: R, R: R - T}, start={T: 1, R: 2})", False),
        # Alike as they are written: nothing has to be looked up.
        ("T, R = variables('T R', 'degC'); System({T: R, R: R - T}, start={T: 1, R: 2})", False),
        (
            "T, R = variables('T', 'm') + variables('R', 'meter')\n"
            "System({T: R, R: R - T}, start={T: 1, R: 2})",
            True,
        ),
    ],
)
def test_pint_is_imported_where_units_differ_alone(declare, asked):
    code = WITHOUT.format(declare=declare, asked=asked)
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_units_no_formula_is_looked_at(monkeypatch):
    def fail(*_):
        raise AssertionError

    monkeypatch.setattr("causalopt.mechanisms.symbolic.check_units", fail)
    declared({v("x"): v("x") + p("k") * v("y", "")})
