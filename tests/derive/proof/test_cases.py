"""Cases of what is given of a function at one place: found without roots, and looked at."""

import itertools

import pytest
import sympy as sp

from causalopt.derive import Derivation, Follows, Substitution
from causalopt.derive.proof.cases import cases_satisfying
from causalopt.derive.statement.scope import Scope
from causalopt.derive.trial.values import at

x = sp.Symbol("x", real=True)
p = sp.Symbol("p", positive=True)
f, g = sp.Function("f"), sp.Function("g", positive=True)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("there", [sp.exp(x), sp.Integer(2)])
def test_every_second_case_moves_the_function(there, seed):
    gap = 3 * f(there) - x
    cases = list(itertools.islice(cases_satisfying([gap], Scope((x, p), (f(p),), seed=seed)), 8))
    assert len(cases) == 8
    assert all(sp.N(at(gap, case), 30) == 0 or abs(sp.N(at(gap, case), 30)) < 1e-25
               for case in cases)  # fmt: skip


def test_a_function_that_is_positive_is_not_moved_below_zero():
    scope = Scope((x, p), (g(p),))
    assert not list(itertools.islice(cases_satisfying([g(sp.Integer(2)) + 1], scope), 1))


@pytest.mark.parametrize(
    ("claim", "status"),
    [
        (sp.Eq(f(sp.exp(x)), 0), "proved"),
        (sp.Eq(f(sp.exp(x)) ** 2, 0), "proved"),
        (sp.Eq(f(sp.exp(x)), 1), "refuted"),
        (sp.Eq(f(sp.exp(2 * x)), 1), "refuted"),
    ],
)
def test_what_is_claimed_at_one_place_is_decided(claim, status):
    step = Follows(claim, since=[sp.Eq(f(p), 0)], by=Substitution({p: sp.exp(x)}))
    (verdict,) = Derivation("a place", given=[p, x, f(p)], steps=[step]).check().verdicts
    assert verdict.status.value == status
