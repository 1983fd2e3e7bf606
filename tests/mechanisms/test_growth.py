"""The work of differentiating grows as the formulas do: counted, never timed."""

import itertools

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from causalopt.backends.evaluation import evaluate
from causalopt.mechanisms import differentiation
from causalopt.mechanisms.differentiation import Differentiation, derivative
from causalopt.mechanisms.fitness import parts_of


def _symbols(count):
    return sp.symbols(f"x:{count}", real=True)


def _slopes_looked_at(formula, symbols, monkeypatch):
    """How many parts are given a slope, and how many terms these are put together from."""
    looked = []
    real = differentiation._slope

    def counted(part, moving, known, argument):
        looked.append(len(moving))
        return real(part, moving, known, argument)

    with monkeypatch.context() as patched:
        patched.setattr(differentiation, "_slope", counted)
        graph = Differentiation(formula)
        slopes = [graph.by(s) for s in symbols]
    assert slopes == [derivative(formula, s) for s in symbols]
    return sum(looked)


@pytest.mark.parametrize(
    "term",
    [lambda a, b: sp.sin(a - b), lambda a, b: a * b / (1 + a**2), lambda a, b: sp.exp(a * b)],
)
def test_all_slopes_of_a_sum_of_pairs_cost_as_much_as_its_terms(term, monkeypatch):
    work = []
    for n in (6, 12, 24):
        x = _symbols(n)
        formula = sp.Add(*(term(a, b) for a, b in itertools.combinations(x, 2)))
        work.append(_slopes_looked_at(formula, x, monkeypatch) / (n * (n - 1) / 2))
    # Each part of a pair, and the sum of all, moves with the pair's two symbols alone.
    assert max(work) <= 2 * (1 + len(list(parts_of(term(*_symbols(2))))))


@pytest.mark.parametrize("extreme", [sp.Max, sp.Min])
def test_slopes_of_an_extreme_of_many_are_as_long_as_it_is(extreme):
    x = _symbols(40)
    formula = extreme(*(sp.Mul(2, s) for s in x), evaluate=False)
    slopes = [derivative(formula, s) for s in x]
    distinct = set().union(*(parts_of(slope) for slope in slopes))
    # Its arguments (two parts each), its place, and for each slope one choice with its number.
    assert len(distinct) <= 5 * len(x) + 5


@given(st.lists(st.integers(-3, 3), min_size=3, max_size=7), st.sampled_from([sp.Max, sp.Min]))
def test_the_slope_of_an_extreme_is_that_of_the_first_that_it_is(values, extreme):
    x = _symbols(len(values))
    formula = extreme(*x, evaluate=False)
    at = dict(zip(x, values, strict=True))
    first = next(s for s in formula.args if at[s] == (max if extreme is sp.Max else min)(values))
    assert [derivative(formula, s).subs(at) for s in x] == [int(s == first) for s in x]
    assert [derivative(formula, s).doit().subs(at) for s in x] == [int(s == first) for s in x]


@given(st.lists(st.integers(-3, 3), min_size=3, max_size=7), st.sampled_from([sp.Max, sp.Min]))
def test_code_takes_the_slope_of_the_first_argument_that_an_extreme_is(values, extreme):
    x = _symbols(len(values))
    formula = extreme(*(s / 2 + k for k, s in enumerate(x)), evaluate=False)
    at = dict(zip(x, map(float, values), strict=True))
    numbers = [term.subs(at) for term in formula.args]
    first = numbers.index((max if extreme is sp.Max else min)(numbers))
    slopes = evaluate([derivative(formula, s) for s in x], at)
    assert slopes == [0.5 if s in formula.args[first].free_symbols else 0.0 for s in x]
