"""Integrals and sums by their ends, against the stretches that they cover, one by one."""

from __future__ import annotations

from collections import Counter

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from sympy import Integral, Rational, Sum, oo

from causalopt.derive import Derivation, Equal, Status
from causalopt.derive.proof.ends import by_ends
from causalopt.derive.statement.verdict import Point
from causalopt.derive.trial.values import at

a, b, c, s, t, u, v = sp.symbols("a b c s t u v", real=True)
z, w = sp.symbols("z w")
k, j, n = sp.symbols("k j n", integer=True)
F, G, H = (sp.Function(name, real=True) for name in "FGH")
BASES = (sp.S.Zero, a, b, c)
ENDS = "integrals and sums by their ends"

TRUE = [
    (Integral(F(t), (t, a, b)), -Integral(F(s), (s, b, a))),
    (Integral(F(t), (t, a, b)) + Integral(F(t), (t, b, c)), Integral(F(t), (t, a, c))),
    (Integral(F(2 * t + 1), (t, 0, a)), Integral(F(t), (t, 1, 2 * a + 1)) / 2),
    (Integral(F(-t), (t, 0, a)), Integral(F(t), (t, -a, 0))),
    (
        Integral(a * F(t) + G(t), (t, 0, c)) - Integral(G(t), (t, b, c)),
        a * Integral(F(t), (t, 0, c)) + Integral(G(t), (t, 0, b)),
    ),
    (Sum(F(k), (k, 0, n)), F(n) + Sum(F(k), (k, 0, n - 1))),
    (Sum(F(k + 1), (k, 0, n)), Sum(F(j), (j, 1, n + 1))),
    (Sum(F(k), (k, n, n + 2)), F(n) + F(n + 1) + F(n + 2)),
    (n * Sum(F(k) / n, (k, 0, n)) - F(0), Sum(F(k), (k, 1, n))),
]


@pytest.mark.sampled(9)
@pytest.mark.parametrize(("left", "right"), TRUE, ids=range(len(TRUE)))
def test_what_is_alike_by_its_ends_is_proved(left: sp.Expr, right: sp.Expr) -> None:
    known = [a, b, c, n, t, u, F(u), G(u)]
    wrong = Equal(left, right + F(n) + 1)
    shown, refuted = Derivation("", given=known, steps=[Equal(left, right), wrong]).check().verdicts
    assert shown.status is Status.PROVED
    assert refuted.status is Status.REFUTED


@pytest.mark.long
def test_a_double_integral_of_a_product() -> None:
    double = Integral(F(s) * G(t), (s, 0, 1), (t, 0, a))
    single = Integral(F(s), (s, 0, 1)) * Integral(G(t), (t, 0, a))
    steps = [Equal(double, single), Equal(double, 2 * single)]
    right, wrong = Derivation("", given=[a, u, F(u), G(u)], steps=steps).check().verdicts
    assert (right.status, right.route, wrong.status) == (Status.PROVED, ENDS, Status.REFUTED)


@pytest.mark.parametrize(
    "difference",
    [
        # in the plane another way is another integral
        Integral(F(t), (t, 0, z)) + Integral(F(t), (t, z, w)) - Integral(F(t), (t, 0, w)),
        Integral(F(t + z), (t, 0, 1)) - Integral(F(t), (t, z, z + 1)),
        # a pulse at an end is half in, or not
        Integral(F(t) * sp.DiracDelta(t), (t, -1, 0))
        + Integral(F(t) * sp.DiracDelta(t), (t, 0, 1))
        - Integral(F(t) * sp.DiracDelta(t), (t, -1, 1)),
        # in another order it may be another number: pi/4 and -pi/4
        Integral((s**2 - t**2) / (s**2 + t**2) ** 2, (s, 0, 1), (t, 0, 1))
        - Integral((s**2 - t**2) / (s**2 + t**2) ** 2, (t, 0, 1), (s, 0, 1)),
        # between whole numbers a sum has no ends
        Sum(F(k), (k, 0, a)) - Sum(F(k), (k, 0, a - 1)) - F(a),
        Sum(F(2 * k), (k, 0, n)) - Sum(F(k), (k, 0, 2 * n)),
        # what is integrated in an integral is another function for each outer place
        Integral(G(t) * Integral(H(s, t), (s, 0, 1)), (t, 0, a))
        - Integral(H(s, t), (s, 0, 1)) * Integral(G(u), (u, 0, a)),
        Sum(F(k) * Sum(F(j), (j, 0, k)), (k, 0, n)) - Sum(F(k), (k, 0, n)) ** 2,
    ],
    ids=range(8),
)
def test_what_differs_is_not_brought_to_zero(difference: sp.Expr) -> None:
    assert by_ends(difference) != 0


RANGES = st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 3), st.integers(0, 3)), max_size=5)


@given(RANGES)
def test_integrals_come_to_nothing_where_no_stretch_is_covered(
    ranges: list[tuple[int, int, int]],
) -> None:
    """Ends in any order: of each two of them there is a stretch, in one direction."""
    whole, covered = sp.S.Zero, Counter[int]()
    for factor, low, high in ranges:
        whole += factor * Integral(F(t), (t, BASES[low], BASES[high]))
        for stretch in range(min(low, high), max(low, high)):
            covered[stretch] += factor if low < high else -factor
    assert (by_ends(whole) == 0) == (not any(covered.values()))


@given(RANGES, st.integers(-3, 3))
def test_sums_are_those_of_their_terms(ranges: list[tuple[int, int, int]], shift: int) -> None:
    """From n + low to n + high: terms by Karr's convention, of which some may be taken back."""
    whole, terms = sp.S.Zero, Counter[int]()
    for factor, low, high in ranges:
        whole += factor * Sum(F(k + shift), (k, n + low - shift, n + high - shift))
        forth = range(low, high + 1)
        for place in forth or range(high + 1, low):
            terms[place] += factor if forth else -factor
    written = sum((times * F(n + place) for place, times in terms.items()), sp.S.Zero)
    assert by_ends(whole - written) == 0
    assert by_ends(whole - written - Rational(1, 2) * F(n + 7)) != 0


@pytest.mark.parametrize(
    ("whole", "value"),
    [
        (Integral(s * t + 1 - s**2, (s, 0, 1), (t, 0, 2)), Rational(7, 3)),
        (Integral(s * t, (s, 0, t), (t, 0, 2)), 2),
        (Integral(sp.exp(-(s**2) - t**2), (s, -oo, oo), (t, -oo, oo)), sp.pi),
        (Sum(Rational(1, 2) ** (k + j), (k, 0, oo), (j, 0, oo)), 4),
    ],
)
def test_several_limits_have_values_each_confirmed_by_itself(
    whole: sp.Expr, value: sp.Expr
) -> None:
    assert at(whole, Point()) == value


def test_a_sum_without_end() -> None:
    assert by_ends(Sum(F(k), (k, 0, oo)) - Sum(F(k), (k, 2, oo)) - F(0) - F(1)) == 0
    assert by_ends(Sum(F(k), (k, 0, oo)) - Sum(F(k), (k, 2, oo)) - F(0)) != 0
