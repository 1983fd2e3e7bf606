"""What cannot be read is refused when the page is made, by the number of the line at fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sympy as sp
from sympy import Eq

from causalopt.derive import (
    Apply,
    Derivation,
    DerivationError,
    Equal,
    Follows,
    Given,
    Let,
    Stationary,
    TendsTo,
)
from causalopt.ground.errors import CausaloptError
from causalopt.ground.work import at_most, measured

x, y, w = sp.symbols("x y w", real=True)
f = sp.Function("f")(x)
FINE = Equal(x, x)


def deep() -> sp.Expr:
    whole = x
    for _ in range(200):
        whole = sp.sin(whole)
    return whole


def doubling() -> sp.Expr:
    """A small graph that is an enormous tree."""
    whole = x
    for _ in range(60):
        whole = sp.Add(whole, sp.sin(whole), evaluate=False)
    return whole


CASES: list[tuple[str, tuple[object, ...], tuple[object, ...], str]] = [
    ("contradiction", (x, y, x > y, y > 1, x < 1), (FINE,), "given 5: .*contradicts given 3, giv"),
    ("against a symbol", (sp.Symbol("T", positive=True), sp.false), (FINE,), "given 2: .*contradi"),
    ("denied", (x, sp.Ne(x, 0), x > 1, x <= 1), (FINE,), "given 4: .*contradicts given 3"),
    ("in a step", (x, x > 0), (FINE, Equal(x, x, assuming=[x < 0])), "step 2: .*contradicts given"),
    ("unknown symbol", (x,), (FINE, Equal(y, x)), "step 2: the symbol y was never given"),
    ("unknown function", (x,), (Equal(f, x),), "step 1: the function f was never given"),
    (
        "a derivative by which of two",
        (x, y, w, f.func(y, w)),
        (Equal(sp.Subs(sp.Derivative(f.func(y, w), y), (y, w), (x, x)), x),),
        "step 1: .*at a point of equal values",
    ),
    ("unknown in a rule", (x,), (FINE, Equal(x, x, by=Apply(sp.Lambda(w, w + y)))), "step 2: .* y"),
    ("unknown in a definition", (x, Let(y, x + w)), (FINE,), "given 2: the symbol w"),
    ("unknown argument", (f,), (FINE,), "given 1: the symbol x was never given"),
    (
        "defined twice",
        (x, Let(y, x), Let(y, 2 * x)),
        (FINE,),
        "given 3: the name y hides .*given 2",
    ),
    ("function and symbol", (x, sp.Symbol("f"), f), (FINE,), "given 3: the name f hides"),
    ("another x", (x,), (FINE, Equal(sp.Symbol("x"), 1)), "step 2: the name x hides that of given"),
    (
        "another x, bound",
        (x,),
        (Equal(x, sp.Integral(sp.Symbol("x"), (sp.Symbol("x"), 0, 1))),),
        "step 1: the name x hides that of given 1.*real",
    ),
    ("another f", (x, f), (Equal(sp.Function("f", real=True)(x), 1),), "step 1: the name f hides"),
    ("steps of one name", (x,), (Equal(x, x, name="a"), Equal(x, x, name="a")), "step 2: .*step 1"),
    ("too deep", (x,), (FINE, FINE, Equal(deep(), x)), "step 3: .*nested more than"),
    ("too large", (x,), (FINE, Equal(doubling(), x)), "step 2: .*(parts|nested)"),
    ("too large a given", (x, Let(y, doubling())), (FINE,), "given 2: .*(parts|nested)"),
    ("a float inside", (x,), (FINE, Equal(x * 0.5, x)), "step 2: 0.5.* is a float"),
    (
        "a forward reference",
        (x,),
        (Follows(Eq(x, 1), since=2), FINE),
        "step 1: .*no earlier step 2",
    ),
    (
        "no such name",
        (x,),
        (Equal(x, x, name="drift"), Follows(Eq(x, 1), since="dritf")),
        "step 2: .*Did you mean drift",
    ),
    (
        "no equation",
        (x, y),
        (TendsTo(x, 0, variable=x, to=0), Follows(Eq(x, 1), since=1)),
        "step 2: .*no equation",
    ),
    ("an equation given", (x, Eq(x, 1)), (FINE,), "given 2: .*write Let"),
    ("a number given", (x, sp.Integer(3)), (FINE,), "given 2: 3 can be no given"),
    ("text given", (x, "y"), (FINE,), "given 2: 'y' is text"),
    ("not a step", (x,), (FINE, Eq(x, 1)), "step 2: .*is no step"),
]


@pytest.mark.parametrize(
    ("given", "steps", "message"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_faults_are_told_by_number(
    given: tuple[object, ...], steps: tuple[object, ...], message: str
) -> None:
    with pytest.raises(DerivationError, match=message), measured(), at_most(0.1):
        Derivation("page", given=given, steps=steps)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Equal("x", x), "'x' is text"),
        (lambda: Equal(0.1, x), "0.1 is a float"),
        (lambda: Equal(None, x), "no sympy expression"),
        (lambda: Equal(sp.eye(2), sp.eye(3)), "cannot be equal"),
        (lambda: Equal(sp.eye(2), x), "cannot be equal"),
        (lambda: Follows(Eq(x, x), since=[Eq(x, 1)]), "came out as True"),
        (lambda: Follows(x, since=[Eq(x, 1)]), "is no equation"),
        (lambda: TendsTo(x, 0, variable=x, to=0, side="left"), "write '\\+'"),
        (lambda: Stationary(x, at={x: 0}, under=[Eq(x, y)], multipliers=(1, 2)), "2 multipliers"),
        (lambda: Apply(x), "sympy.Lambda"),
        (lambda: Let(x + 1, 2), "Let cannot define"),
        (lambda: Given(sp.Function("f")(x + 1)), "each of them once"),
        (lambda: Equal(x, x, expect="maybe"), "maybe"),
    ],
)
def test_faulty_lines_are_refused_when_made(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_the_error_is_one_of_the_house() -> None:
    assert issubclass(DerivationError, CausaloptError)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), "5", None, True])
def test_a_limit_of_no_work_is_refused(limit: float) -> None:
    page = Derivation("page", given=[x], steps=[FINE])
    with pytest.raises(DerivationError, match="above 0"):
        page.check(limit=limit)


def test_assumptions_that_agree_are_accepted() -> None:
    given = (x, y, x > y, y >= 1, sp.Ne(x, 3), x**2 < 100, f)
    assert len(Derivation("page", given=given, steps=[FINE]).given) == 7
