"""Formulas of XMILE and Vensim beside the same in plain Python, and what is refused in them."""

import math
import re

import pytest
from exchange.stock_models import read, simple, trajectories, variable, vensim, xmile
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from causalopt import FileError

A, B, C = 3.0, 0.7, -2.0


def value(folder, formula, dialect="vensim"):
    """What a formula of stocks a, b and c comes to in a run."""
    return trajectories(read(folder, simple(f"{formula} + 0 * a", dialect, stop=0.5)))["y"][0]


PRECEDENCE = {
    "a - b - c": A - B - C,
    "a / b / c": A / B / C,
    "a - b * c ^ 2": A - B * C**2,
    "a * b / c * a": A * B / C * A,
    "2 ^ -a": 2**-A,
    "2 * -a": -2 * A,
    "(-c) ^ b": 2**B,
    "-(a ^ 2)": -9.0,
    "- - a": A,
    "+a - +b": A - B,
    "a + b > c - 1": 1.0,
    "(a > b) + (a >= 3) + (a < b) + (c <= -2) + (a = 3) + (a <> 3)": 4.0,
    "1.5e1 + .5 + 2. + 1E-1": 17.6,
    "((((a))))": A,
}
OF_VENSIM = {
    "IF THEN ELSE(a > 2 :AND: b < 1, 10, 20)": 10.0,
    "IF THEN ELSE(:NOT: a :OR: c > 0 :OR: b = 0.7 :AND: a, 10, 20)": 10.0,
    "if then else ( a , b , c )": B,
    "MAX(a, b) - MIN(b, c) + ABS(c) + SQRT(a)": 3 + 2 + 2 + math.sqrt(3),
    "EXP(b) + LN(a) + LOG(a, 10)": math.exp(B) + math.log(A) + math.log10(A),
    "SIN(a) + COS(a) + TAN(b)": math.sin(A) + math.cos(A) + math.tan(B),
    "ARCSIN(b) + ARCCOS(b) + ARCTAN(c)": math.asin(B) + math.acos(B) + math.atan(C),
    "SINH(b) + COSH(b) + TANH(b)": math.sinh(B) + math.cosh(B) + math.tanh(B),
    "INTEGER(a - b) + INTEGER(c + b)": 2.0 - 1.0,
    "MODULO(a, b) + MODULO(c, b)": math.fmod(A, B) + math.fmod(C, B),
    "QUANTUM(a, b) + QUANTUM(c, b) + QUANTUM(a, 0)": 4 * B - 2 * B + A,
    "ZIDZ(a, b) + ZIDZ(a, 0) + XIDZ(a, b - b, 7) + XIDZ(a, b, 7)": A / B + 7 + A / B,
    "POWER(a, b)": A**B,
    "-a ^ 2 + b - a ^ 2": 9 + B - 9,
    "a {a comment} + b": A + B,
}
OF_XMILE = {
    "IF a > 2 AND b < 1 THEN 10 ELSE 20": 10.0,
    "IF c > 2 THEN 1 ELSE IF NOT (a > 5) OR b THEN 2 ELSE 3": 2.0,
    "1 + IF a THEN 2 ELSE 3 + 4": 3.0,
    "-a ^ 2": -9.0,
    "2 ^ a ^ b": 2 ** (A**B),
    "a MOD b * 2": math.fmod(A, B) * 2,
    "MAX(a, b, c) + MIN(a, b, c)": A + C,
    # Both go down from a negative number: OASIS XMILE 1.0, sections 3.3.1 and 3.5.1.
    "INT(c + b) + LOG10(a) + PI": -2 + math.log10(A) + math.pi,
    "INT(a - b) + INT(c) + INT(-b)": 2 - 2 - 1.0,
    "c MOD b": C + 3 * B,
    "a MOD -b": A - 5 * B,
    "c MOD -b": C + 2 * B,
    "INT(c / b) * b + c MOD b": C,
    "INT(a / -b) * -b + a MOD (-b)": A,
    "SAFEDIV(a, b) + SAFEDIV(a, 0) + SAFEDIV(a, 0, 7)": A / B + 7,
    '"a" {a comment} + b': A + B,
}


@pytest.mark.parametrize(
    ("dialect", "formula", "expected"),
    [(d, f, v) for d in ("vensim", "xmile") for f, v in PRECEDENCE.items()]
    + [("vensim", f, v) for f, v in OF_VENSIM.items()]
    + [("xmile", f, v) for f, v in OF_XMILE.items()],
)
def test_formulas_come_to_what_they_say(dialect, formula, expected, tmp_path):
    assert value(tmp_path, f"({formula})", dialect) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [("INT(-2.5)", -3), ("-7 MOD 4", 1), ("7 MOD -4", -1), ("(-8) MOD 4", 0), ("INT(-3)", -3)],
)
def test_whole_parts_and_rests_of_numbers_alone(formula, expected, tmp_path):
    """They are worked out as the file is read, by floats."""
    text = xmile(variable("stock", "a", f"({formula})", flows=[("inflow", "y")]),
                 variable("flow", "y", "0 * a"))  # fmt: skip
    assert trajectories(read(tmp_path, text))["a"][0] == expected


def test_a_branch_that_is_not_taken_may_have_no_value(tmp_path):
    assert value(tmp_path, "IF THEN ELSE(c > 0, LN(c) + 1 / (a - 3), b)") == B
    assert value(tmp_path, "(IF c > 0 THEN SQRT(c) ELSE b)", "xmile") == B


# -- by property -----------------------------------------------------------------------------------


class Odd(Exception):
    """A formula whose value hangs on rounding."""


def compared(sign, x, y):
    if abs(x - y) < 1e-6:
        raise Odd
    return float({"<": x < y, ">": x > y, "<=": x <= y, ">=": x >= y}[sign])


LEAVES = st.one_of(
    st.sampled_from([("a", "a", lambda: A), ("b", "b", lambda: B), ("c", "c", lambda: C)]),
    st.integers(0, 20).map(lambda n: (f"{n / 4:g}", f"{n / 4:g}", lambda: n / 4)),
)


def combined(inner):
    """Formulas of formulas: in Vensim's text, in XMILE's, and in Python."""

    def binary(sign, make):
        return st.tuples(inner, inner).map(lambda p: (
            f"({p[0][0]} {sign} {p[1][0]})", f"({p[0][1]} {sign} {p[1][1]})",
            lambda: make(p[0][2](), p[1][2]()),
        ))  # fmt: skip

    def function(name, make):
        return st.tuples(inner, inner).map(lambda p: (
            f"{name}({p[0][0]}, {p[1][0]})", f"{name}({p[0][1]},{p[1][1]})",
            lambda: make(p[0][2](), p[1][2]()),
        ))  # fmt: skip

    chain = st.lists(st.tuples(st.sampled_from("+-"), inner), min_size=2, max_size=4).map(
        lambda terms: (
            "(0" + "".join(f" {s} {t[0]}" for s, t in terms) + ")",
            "(0" + "".join(f"{s}{t[1]}" for s, t in terms) + ")",
            lambda: sum(t[2]() if s == "+" else -t[2]() for s, t in terms),
        )
    )
    chosen = st.tuples(st.sampled_from(["<", ">", "<=", ">="]), inner, inner, inner, inner).map(
        lambda p: (
            f"IF THEN ELSE({p[1][0]} {p[0]} {p[2][0]}, {p[3][0]}, {p[4][0]})",
            f"(IF {p[1][1]} {p[0]} {p[2][1]} THEN {p[3][1]} ELSE {p[4][1]})",
            lambda: p[3][2]() if compared(p[0], p[1][2](), p[2][2]()) else p[4][2](),
        )
    )
    bounded = inner.map(lambda f: (f"SIN({f[0]})", f"SIN({f[1]})", lambda: math.sin(f[2]())))
    return st.one_of(
        chain, chosen, bounded, binary("*", lambda x, y: x * y),
        st.tuples(inner, inner).map(lambda p: (
            f"({p[0][0]} / (2 + SIN({p[1][0]})))", f"({p[0][1]}/(2 + SIN({p[1][1]})))",
            lambda: p[0][2]() / (2 + math.sin(p[1][2]())),
        )),
        function("MAX", max), function("MIN", min), binary(">", lambda x, y: compared(">", x, y)),
    )  # fmt: skip


def check_formula(folder, formula):
    in_vensim, in_xmile, computed = formula
    try:
        expected = computed()
    except Odd:
        expected = math.nan
    assume(math.isfinite(expected) and abs(expected) < 1e6)
    for text, dialect in ((in_vensim, "vensim"), (in_xmile, "xmile")):
        assert value(folder, text, dialect) == pytest.approx(expected, rel=1e-8, abs=1e-8), text


@settings(max_examples=25, deadline=None)
@given(st.recursive(LEAVES, combined, max_leaves=8))
def test_random_formulas_come_to_what_python_says(tmp_path_factory, formula):
    check_formula(tmp_path_factory.mktemp("f"), formula)


@pytest.mark.long
@settings(max_examples=1500, deadline=None)
@given(st.recursive(LEAVES, combined, max_leaves=20))
def test_many_random_formulas_come_to_what_python_says(tmp_path_factory, formula):
    check_formula(tmp_path_factory.mktemp("f"), formula)


# -- what is refused, and where --------------------------------------------------------------------

REFUSED = {
    "a ^ b ^ c": (7, "programs read a^b^c in two ways: write a^(b^c) or (a^b)^c"),
    ":NOT: a > 2": (9, "programs read NOT a > b in two ways: write NOT (a > b)"),
    "a +": (None, "a number, a name or '(' was expected"),
    "a b": (1, "'a b' is no variable here"),
    "(a": (None, "')' was expected"),
    "a ) + b": (3, "an operator, '~' or '|' was expected, and here there is ')'"),
    "SOOTH(a, 3)": (1, "the function 'SOOTH' of 2 arguments is not read. Did you mean smooth?"),
    "GET XLS DATA('x.xls', 'A', 'B', 'C')": (14, "a number, a name or '('"),
    "VECTOR SELECT(a, b)": (1, "the function 'VECTOR SELECT' of 2 arguments is not read."),
    "MAX(a)": (1, "MAX has 1 argument here, and takes 2 or more."),
    "SQRT(a, b)": (1, "SQRT has 2 arguments here, and takes 1."),
    "STEP(a)": (1, "STEP has 1 argument here, and takes 2."),
    "INTEG(a, b) + 1": (1, "INTEG stands alone"),
    "DELAY FIXED(a, b, 0)": (1, "is a constant here: use DELAY N"),
    "DELAY N(a, 1, 0, b)": (1, "a constant whole number from 1 to 100"),
    "DELAY N(a, 1, 0, 101)": (1, "a constant whole number from 1 to 100"),
    "RANDOM NORMAL(0, a, 0, 1, 1)": (1, "bounds or a mean that change"),
    "RANDOM NORMAL(2, 1, 0, 1, 1)": (1, "write a deviation above 0, and low before high"),
    "1 / (a - 3)": (3, "1 / 0 is no finite number at the start"),
    "LN(c)": (1, "LN of -2 is no finite number at the start"),
    "1e999": (1, "the number '1e999' is none that a float holds"),
    "10 ^ 400": (4, "10 ^ 400 is no finite number"),
    "a ^ 2000": (3, "3 ^ 2000 is no finite number at the start"),
    "b ^ 2000": (3, "a power is larger than 1000 (MOST_POWER)"),
    "((b ^ 50) ^ 50) ^ 50": (11, "a power is larger than 1000 (MOST_POWER)"),
    "WITH LOOKUP(a, ((1,2),(0,3)))": (16, "goes from x = 1 to x = 0"),
    "WITH LOOKUP(a, ((1,2)))": (16, "fewer than two points here"),
    "y + 1": (-3, "the formulas run in a circle, y -> y"),
    "a[North]": (1, "'North' is no dimension or element here"),
    ":NA:": (1, "a number, a name or '(' was expected, and here there is ':NA:'"),
}  # fmt: skip


@pytest.mark.parametrize("formula", REFUSED)
def test_what_is_refused_is_told_where_it_is(formula, tmp_path):
    column, told = REFUSED[formula]
    text = vensim(f"a = INTEG(0, 3)\nb = INTEG(0, 0.7)\nc = INTEG(0, -2)\n\ny = {formula}")
    start = text.splitlines()[1].index(f"y = {formula}") + 4
    with pytest.raises(FileError) as caught:
        read(tmp_path, text)
    assert told in str(caught.value)
    where = re.search(r"model\.mdl, line (\d+), column (\d+): ", str(caught.value))
    assert where[1] == "2" or column is None
    assert column is None or int(where[2]) == start + column


WHOLE = {
    "no stock": ("y = 3", "no stock is declared here"),
    "twice": ("a = INTEG(1, 0)\ny = 1\nY = 2", "'Y' is declared twice"),
    "time": ("a = INTEG(1, 0)\ntime = 1", "Time is what the clock says"),
    "data": ("a = INTEG(1, 0)\ny :RAW:", "data are not read"),
    "mapping": ("A: x, y -> B\na = INTEG(1, 0)", "mappings of dimensions are not read"),
    "except": ("A: x, y\na[A] :EXCEPT: [x] = INTEG(1, 0)", "'=' behind 'a'"),
    "array": ("A: x, y\na[A] = INTEG(1, 0)\nz = a", "'a' is an array: write an element of it"),
    "rows": ("A: x, y\nk[A] = 1, 2, 3\na = INTEG(1, 0)", "has 2 elements here and 3 numbers"),
    "over nothing": ("A: x, y\na[A] = INTEG(1, 0)\nz = a[A]", "a dimension over which nothing"),
    "circle": ("a = INTEG(1, 0)\nx = y + a\ny = z\nz = x", "in a circle, x -> z -> y -> x"),
    "at the start": ("a = INTEG(1, y)\ny = a * 2", "in a circle, a -> y -> a"),
    "points": ("f((0,1),(1,2))\na = INTEG(1, 0)\ny = f + a", "write f(x)"),
    "no points": ("a = INTEG(1, 0)\ny = LOOKUP EXTRAPOLATE(a, a)", "is no graphical function here"),
}  # fmt: skip


@pytest.mark.parametrize("case", WHOLE)
def test_models_that_cannot_be(case, tmp_path):
    text, told = WHOLE[case]
    with pytest.raises(FileError, match=r"line \d+, column \d+: ") as caught:
        read(tmp_path, vensim(text))
    assert told in str(caught.value)


@pytest.mark.parametrize(("clock", "told"), [
    ({"dt": 0}, "has no steps"), ({"dt": -1}, "has no steps"),
    ({"start": 5, "stop": 4}, "no steps"),
    ({"dt": "a"}, "TIME STEP changes over time"), ({"stop": "1/0"}, "1 / 0 is no finite number"),
])  # fmt: skip
def test_clocks_that_cannot_be(clock, told, tmp_path):
    with pytest.raises(FileError, match=told):
        read(tmp_path, vensim("a = INTEG(1, 0)", **clock))


def test_a_clock_is_needed(tmp_path):
    with pytest.raises(FileError, match="line 1, column 1: TIME STEP is not declared"):
        read(tmp_path, "INITIAL TIME = 0 ~~| FINAL TIME = 1 ~~| a = INTEG(1, 0) ~~|")
    with pytest.raises(FileError, match="sim_specs has no stop"):
        read(tmp_path, "<xmile><sim_specs><start>0</start></sim_specs><model/></xmile>")


STOCK = variable("stock", "s", "1")
OF_DOCUMENTS = {
    "a module": (xmile(STOCK, '<module name="m"/>'), "'m' is a module"),
    "a conveyor": (xmile(variable("stock", "s", "1", beside="<conveyor/>")),
                   "the element conveyor"),
    "a queue": (xmile(variable("stock", "s", "1", beside="<queue/>")), "the element queue"),
    "two models": (xmile(STOCK).replace("</model>", "</model><model/>"), "2 elements model"),
    "no equation": (xmile(STOCK, '<aux name="x"/>'), "'x' has 0 equations"),
    "an empty one": (xmile(STOCK, variable("aux", "x", " ")), "write one eqn"),
    "a flow that is none": (xmile(variable("stock", "s", "1", flows=[("inflow", "f")])),
                            "'f' is no variable here"),
    "two flows in one": (xmile(variable("stock", "s", "1", flows=[("inflow", "f, g")])),
                         "the end of a name was expected"),
    "no name": (xmile(STOCK, "<aux><eqn>1</eqn></aux>"), "a name is empty"),
    "an odd kind": (xmile(STOCK, variable("aux", "x", "1", beside=(
        "<gf type='odd'><ypts>1,2</ypts></gf>"))), "a graphical function is 'odd'"),
    "odd points": (xmile(STOCK, variable("aux", "x", "1", beside=(
        "<gf><xscale min='0' max='1'/><ypts>1,two</ypts></gf>"))), "'two' is no number"),
    "uneven points": (xmile(STOCK, variable("aux", "x", "1", beside=(
        "<gf><xpts>0</xpts><ypts>1,2</ypts></gf>"))), "has 1 x and 2 y"),
    "not": (xmile(STOCK, variable("aux", "x", "NOT s > 1")), "NOT a > b in two ways"),
    "then": (xmile(STOCK, variable("aux", "x", "IF s ELSE 1")), "THEN was expected"),
    "no document": ("<a/>", "this is no XMILE"),
    "an element": (xmile(STOCK, variable("aux", "x", "s[3]")), "is no dimension or element here"),
}  # fmt: skip


@pytest.mark.parametrize("case", OF_DOCUMENTS)
def test_documents_that_cannot_be_read(case, tmp_path):
    text, told = OF_DOCUMENTS[case]
    with pytest.raises(FileError, match=r"line \d+, column \d+: ") as caught:
        read(tmp_path, text)
    assert told in str(caught.value)


def test_a_fault_in_an_equation_is_told_by_its_letter(tmp_path):
    equation = "<eqn>s &lt; 2 <!-- why -->\n + <![CDATA[ wrong ]]></eqn>"
    text = xmile(STOCK, f'<aux name="x">\n  {equation}</aux>')
    with pytest.raises(FileError, match=r"line 3, column 14: 'wrong' is no variable"):
        read(tmp_path, text)
