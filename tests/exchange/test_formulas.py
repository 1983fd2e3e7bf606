"""Formulas in text: what they come to, what they are read back as, and what is told of a fault."""

import math
import pickle

import pytest
import sympy
from exchange.formula_trees import AT, SYMBOLS, Made, Told, k, x, y, z
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from causalopt import DeclarationError, array, time, variable
from causalopt.exchange import condition_of, condition_text, formula_of, formula_text
from causalopt.exchange.text.functions import FUNCTIONS
from causalopt.exchange.text.tokens import FormulaError
from causalopt.mechanisms.numerical import without_code
from causalopt.mechanisms.symbolic import expression

# -- what a text comes to, worked out beside it by floats of Python --------------------------


@given(seed=st.integers(0, 10**9), depth=st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_a_text_comes_to_what_it_says(seed, depth):
    text, value = Told(seed).number(depth)
    formula = formula_of(text, SYMBOLS)
    found = formula.subs({SYMBOLS[name]: sympy.Rational(at) for name, at in AT.items()})
    assert float(found.evalf(30)) == pytest.approx(value, rel=1e-9, abs=1e-9)


BY_HAND = {
    # Each with its value at x = 0.75, y = -1.5, z = 2.25.
    "x + y*z": 0.75 - 1.5 * 2.25,
    "x - y - z": 0.75 + 1.5 - 2.25,
    "x/y/z": 0.75 / -1.5 / 2.25,
    "x/(y/z)": 0.75 / (-1.5 / 2.25),
    "-x**2": -(0.75**2),
    "(-x)**2": 0.75**2,
    "2**-1*x": 0.375,
    "2**3**2": 512,
    "(2**3)**2": 64,
    "x if y > 0 else z if z > 2 else 0": 2.25,
    "1 if 0 < x < 1 and not y > 0 else 0": 1,
    "1 if x > 1 or x < 1 and y > 0 else 0": 0,
    "1 if (x > 1 or x < 1) and y < 0 else 0": 1,
    "Mod(y, 1) + floor(y) + ceiling(y) + sign(y)": 0.5 - 2 - 1 - 1,
    "sqrt(z) + cbrt(8)": 3.5,
    "atan2(y, x) - Abs(y)": math.atan2(-1.5, 0.75) - 1.5,
    "Min(x, y, z) + Max(x, y, z)": 0.75,
    "+x - +y": 2.25,
    "'x' + \"y\"": -0.75,
    "x +\n\ty": -0.75,
}  # fmt: skip


@pytest.mark.parametrize("text", BY_HAND)
def test_operations_are_done_in_their_order(text):
    found = formula_of(text, SYMBOLS).subs({SYMBOLS[name]: at for name, at in AT.items()})
    assert float(found) == pytest.approx(BY_HAND[text], rel=1e-14)


def test_whole_and_decimal_numbers_stay_what_they_are():
    assert formula_of("1/3", {}) == sympy.Rational(1, 3)
    assert formula_of("0.1", {}) == sympy.Float(0.1)
    assert formula_of("12345678901234567890", {}) == sympy.Integer(12345678901234567890)
    assert formula_of("-2.5e-7", {}) == sympy.Float(-2.5e-7)


def test_what_is_in_brackets_comes_first():
    assert formula_of("2*(x + y)*z", SYMBOLS) == sympy.Mul(2, x + y, z)
    assert formula_of("(2*(x + y))*z", SYMBOLS) == (2 * x + 2 * y) * z
    nested = formula_of("x if x > 0 else (y if y > 0 else z)", SYMBOLS)
    assert len(nested.args) == 2
    assert len(formula_of("x if x > 0 else y if y > 0 else z", SYMBOLS).args) == 3


def test_steps_and_the_clock():
    assert formula_of("x.next + y.lag(2.5) - time", SYMBOLS) == x.next + y.lag(2.5) - time
    assert formula_of("x.lag(2*3)", SYMBOLS) == x.lag(6)


def test_names_are_labels():
    names = [
        "if",
        "lambda",
        "heat flow",
        "θ",
        "a'b\\c",
        '"',
        "pi",
        "f(x)",
        "x.next",
        "a\nb",
        "2",
        "é",
    ]
    for name in names:
        symbol = variable(name)
        text = formula_text(2 * symbol + symbol.next)
        assert formula_of(text, {name: symbol}) == 2 * symbol + symbol.next


def test_a_name_with_a_meaning_of_its_own_is_told_apart():
    pi = variable("pi")
    with pytest.raises(FormulaError, match="write 'pi'"):
        formula_of("2*pi", {"pi": pi})
    assert formula_of("2*'pi'", {"pi": pi}) == 2 * pi


# -- there and back --------------------------------------------------------------------------------


def is_read_back(seed, depth):
    formula = Made(seed).number(depth)
    assert formula_of(formula_text(formula), SYMBOLS) == formula


@given(seed=st.integers(0, 10**9), depth=st.integers(1, 4))
@settings(max_examples=70, deadline=None)
def test_a_formula_is_read_back_as_equal(seed, depth):
    is_read_back(seed, depth)


@given(seed=st.integers(0, 10**9))
@settings(max_examples=50, deadline=None)
def test_a_condition_is_read_back_as_equal(seed):
    condition = Made(seed).condition(2)
    assume(condition.free_symbols)
    assert condition_of(condition_text(condition), SYMBOLS) == condition


@pytest.mark.long
def test_ten_thousand_formulas_are_read_back_as_equal():
    for seed in range(10_000):
        is_read_back(10**9 + seed, 1 + seed % 4)


UNTIDY = [
    sympy.Mul(2, x + y, evaluate=False), sympy.Add(x, x, evaluate=False),
    sympy.Pow(sympy.Integer(4), sympy.Rational(1, 2), evaluate=False) * x,
    sympy.Max(x, y, sympy.Max(x, z, evaluate=False), evaluate=False),
    sympy.Mul(sympy.Rational(-1, 3), x + y, evaluate=False), sympy.factor(2 * x + 2 * y),
    sympy.UnevaluatedExpr(x + x) - x, sympy.exp(sympy.Mul(2, x + 1, evaluate=False)),
]  # fmt: skip


@pytest.mark.parametrize("formula", UNTIDY, ids=str)
def test_what_sympy_would_tidy_is_kept(formula):
    assert formula_of(formula_text(formula), SYMBOLS) == formula


def test_a_sum_of_thousands_of_terms_is_read_back():
    many = sympy.Add(*(sympy.Rational(i, 7) * x**i for i in range(1, 160)))
    many += sympy.Add(*(i * y**i for i in range(1, 160)))
    assert formula_of(formula_text(many), SYMBOLS) == many


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"sqrt", "cbrt"}))
def test_every_function_can_be_run_and_written(name):
    known = FUNCTIONS[name]
    count = max(known.least, 1)
    if known.of_conditions:
        text = f"1 if {name}({', '.join(['x > 0', 'y > 0', 'z > 0'][:count])}) else 0"
    elif name in ("besselj", "bessely", "besseli", "besselk", "polygamma"):
        text = f"{name}(1, x)"
    else:
        text = f"{name}({', '.join('xyz'[:count])})"
    formula = formula_of(text, SYMBOLS)
    assert not without_code(expression(formula, "x").formula)
    assert formula_of(formula_text(formula), SYMBOLS) == formula
    with pytest.raises(FormulaError, match=f"{name} takes"):
        formula_of(f"{name}({', '.join(['x'] * 201)})", SYMBOLS)


# -- faults ----------------------------------------------------------------------------------------

FAULTS = {
    # Each with the column and a part of what is told.
    "": (1, "empty"),
    "x +": (4, "ends here"),
    "x y": (3, "an operator is missing"),
    "2x": (2, "an operator is missing"),
    "x + w": (5, "'w' is not declared"),
    "sine(x)": (1, "Did you mean sin"),
    "x ** ": (6, "ends here"),
    "x ^ 2": (3, "x\\*\\*2"),
    "x = 2": (3, "=="),
    "(x": (1, "not closed"),
    "x)": (2, "closes nothing"),
    "sin x": (5, "an operator"),
    "sin()": (5, "missing before '\\)'"),
    "sin(x, y)": (1, "1 argument"),
    "x, y": (2, "comma"),
    "x > 0": (1, "a condition, and no number"),
    "not x": (5, "no condition"),
    "x if y else z": (6, "no condition"),
    "x if y > 0": (1, "no formula"),
    "x + not y": (5, "not stands alone"),
    "1/0": (3, "divided by 0"),
    "x/(y - y)": (4, "divided by 0"),
    "log(0)": (1, "real and finite"),
    "x + sqrt(-2)": (5, "real and finite"),
    "0**-2": (1, "negative power"),
    "1e309": (1, "beyond"),
    "1e-400": (1, "beyond"),
    "x*10**400": (3, "more than floats"),
    "exp(710)": (1, "largest float"),
    "x**2000": (1, "MOST_POWER"),
    "((x**20)**20)**20": (1, "8,000"),
    "gamma(171)": (7, "up to 170"),
    "007": (1, "begins with 0"),
    "x.text": (3, "no .*text"),
    "k.next": (1, "no variable"),
    "x.lag": (1, "lag\\(5\\)"),
    "x.lag(y)": (7, "a number"),
    "x.lag(-1)": (1, "positive"),
    "x.next(2)": (1, "without brackets"),
    "(x + y).next": (8, "point"),
    "x..next": (3, "no formula|missing|point"),
    "sin": (1, "is a function"),
    "pi(2)": (1, "no function"),
    "True": (1, "a condition"),
    "x + True": (5, "no number"),
    "x if True > 0 else y": (6, "no number"),
    "'x": (1, "no end"),
    "'' + x": (1, "in quotes is empty"),
    "2if x > 0 else y": (2, "a blank is missing"),
    "x if x > 0 else y + not'z'": (21, "no formula"),
    "x + 'a\\n'": (5, "backslash"),
    "x; y": (2, "';' stands"),
    "x @ y": (3, "'@'"),
    "х": (1, "u0445"),
    "x\u200b": (2, "u200b"),
    "2 if x > 0 else undefined + 1": (17, "not declared"),
    "undefined": (1, "not declared"),
    "x.next.next": (1, "behind a name"),
    "as_written(x, y)": (1, "no function"),
    "1_000": (2, "operator"),
}


@pytest.mark.parametrize("text", FAULTS)
def test_what_is_wrong_is_told_at_its_column(text):
    column, told = FAULTS[text]
    with pytest.raises(FormulaError, match=told) as caught:
        formula_of(text, SYMBOLS)
    assert caught.value.offset == column - 1
    assert f"Column {column} of the formula" in str(caught.value)


def test_a_number_is_no_condition():
    with pytest.raises(FormulaError, match="no condition"):
        condition_of("x", SYMBOLS)
    with pytest.raises(FormulaError, match="no condition"):
        condition_of("x > 0 and y", SYMBOLS)


def test_an_error_survives_a_pickle():
    error = FormulaError("x is odd.", 3)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.offset) == (str(error), 3)


h = array("h", (3,))
UNWRITABLE = {
    "a plain function": sympy.Function("f")(x),
    "a function without a name here": sympy.polylog(2, x),
    "digits": sympy.Float("0.1", 40) * x,
    "beyond floats": sympy.Float("1e400") * x,
    "an array": 2 * h,
    "an integral": sympy.Integral(x, x),
    "infinity": x + sympy.oo,
}  # fmt: skip


@pytest.mark.parametrize("case", UNWRITABLE)
def test_what_no_text_says_is_refused(case):
    with pytest.raises(DeclarationError):
        formula_text(UNWRITABLE[case])


def test_the_product_of_exponents_is_what_counts():
    assert formula_of("((x**10)**10)**10", SYMBOLS) == x**1000
    assert formula_of("(x**500 + 1)*(y**500 + 1)", SYMBOLS).has(k) is False
    with pytest.raises(FormulaError, match="exponents come to 1,100"):
        formula_of("((x**10 + 1)**10 + 1)**11", SYMBOLS)
