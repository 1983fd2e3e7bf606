"""Distributions over finite worlds: how they are made, moved, measured and printed."""

import math
from fractions import Fraction

import dit
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp
from sympy import Rational, Symbol, log
from thermostats import P0, R, T, dumb, smart, third

from causalopt import (
    DeclarationError,
    Distribution,
    QueryError,
    System,
    finite,
    table,
    variable,
)

epsilon = Symbol("epsilon", positive=True)
half = Rational(1, 2)


# -- making them ---------------------------------------------------------------------------------


def test_a_table_a_mapping_and_an_array_are_the_same():
    mapping = {("high", "cold"): third, ("low", "warm"): third, ("off", "hot"): third}
    assert Distribution.of((T, R), mapping) == P0
    dense = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]]) / 3
    assert Distribution.of((T, R), dense).total_variation(P0) < 1e-15


def test_exact_stays_exact_and_a_float_makes_all_float():
    assert Distribution.of(T, {"high": Fraction(1, 2), "low": half}).exact
    assert not Distribution.of(T, {"high": 0.5, "low": half}).exact
    mixed = Distribution.product(Distribution.uniform(T), Distribution.of(R, {"hot": 1.0}))
    assert not mixed.exact
    assert mixed.masses.tolist() == [1 / 3] * 3
    coin = System({T: table(T, {v: {"high": 0.5, "low": 0.5} for v in T.values})},
                  start={T: "low"})  # fmt: skip
    assert not Distribution.uniform(T).push(coin).exact


@pytest.mark.parametrize(
    ("masses", "message"),
    [
        ({"high": 0.5, "low": 0.4}, r"P\(T\) sum to 0.9, 0.1 too little \(tolerance 1e-09\)"),
        ({"high": 0.5, "low": 0.6}, "sum to 1.1, 0.1 too much"),
        ({"high": 0.5, "low": 0.5 + 2e-9}, "sum to 1.000000002, 2e-09 too much"),
        ({"high": third, "low": third}, "sum to 2/3, 1/3 too little"),
        ({"high": 1.5, "low": -0.5}, "gives T = low the mass -0.5: a mass is a finite number"),
        ({"high": Rational(3, 2), "low": -half}, "gives T = low the mass -1/2"),
        ({"high": math.nan, "low": 0.5}, "gives T = high the mass nan"),
        ({"high": math.inf}, "gives T = high the mass inf"),
        ({"high": sympy.nan}, "gives T = high the mass nan"),
        ({"high": sympy.I, "low": 1 - sympy.I}, "gives T = high the mass I"),
        ({"high": epsilon, "low": 1 - 2 * epsilon}, "sum to 1 - epsilon, which is not 1"),
        ({"high": epsilon, "low": 0.5}, "mixes the symbolic mass epsilon with floats"),
        ({"high": 0.5 * epsilon, "low": 1}, "a float and a symbol in one"),
        ({"high": "1"}, "has the mass '1'"),
        ({"high": True}, "has the mass True"),
        ({"hihg": 1}, r"'hihg', which is no value of T.*Did you mean high"),
        ({("high", "hot"): 1}, "a state has one value for each of T"),
        ([0.5, 0.5], r"write one mass for each state, with shape \(3,\)"),
        (np.array([0.5, 0.5]), r"an array of shape \(2,\)"),
    ],
)
def test_bad_masses_are_refused(masses, message):
    with pytest.raises(DeclarationError, match=message):
        Distribution.of(T, masses)


def test_within_the_tolerance_nothing_is_renormalised():
    P = Distribution.of(T, {"high": 0.5, "low": 0.5 + 5e-10})
    assert P.mass({T: "low"}) == 0.5 + 5e-10


def test_variables_are_finite_and_named_once():
    with pytest.raises(DeclarationError, match="x, which takes no named values"):
        Distribution.uniform(variable("x"))
    with pytest.raises(DeclarationError, match="has T twice"):
        Distribution.uniform(T, T)
    with pytest.raises(DeclarationError, match="has no variables"):
        Distribution.uniform()
    with pytest.raises(DeclarationError, match="too many to number"):
        Distribution.delta({finite(f"b{i}", [0, 1]): 0 for i in range(63)})


def test_the_neighbourhood_of_part_2():
    e = epsilon
    edge, corner = e * (1 - e) / 2, e**2 / 4
    printed = [[corner, edge, corner], [edge, (1 - e) ** 2, edge], [corner, edge, corner]]
    P = Distribution.neighbourhood({T: "low", R: "warm"}, e)
    for t, row in zip(T.values, printed, strict=True):
        for r, mass in zip(R.values, row, strict=True):
            assert sympy.expand(P.mass({T: t, R: r}) - mass) == 0


def test_a_neighbourhood_with_a_chance_for_each_variable():
    P = Distribution.neighbourhood({T: "low", R: "warm"}, {T: 0, R: half})
    masses = dict(zip([("low", r) for r in R.values], (half / 2, half, half / 2), strict=True))
    assert Distribution.of((T, R), masses) == P
    alone = finite("alone", ["only"])
    assert Distribution.neighbourhood({alone: "only"}, 0.3).states.tolist() == [0]
    for bad in (-0.1, 1.5, Rational(3, 2), math.nan):
        with pytest.raises(DeclarationError, match="it is a chance, from 0 to 1"):
            Distribution.neighbourhood({T: "low"}, bad)
    with pytest.raises(DeclarationError, match="no entry for R"):
        Distribution.neighbourhood({T: "low", R: "hot"}, {T: half})


# -- the steps of parts 1 and 2, as printed --------------------------------------------------------

NINTH = Rational(1, 9)


@pytest.mark.parametrize(
    ("made", "printed"),
    [
        (P0.push(dumb), [[0, 3, 0], [0, 3, 0], [0, 3, 0]]),
        (P0.decorrelate(T | R).push(dumb), [[0, 1, 2], [1, 1, 1], [2, 1, 0]]),
        (P0.push(smart), [[0, 0, 0], [0, 9, 0], [0, 0, 0]]),
        (P0.decorrelate(T | R).push(smart), [[0, 0, 2], [1, 3, 1], [2, 0, 0]]),
        (Distribution.uniform(T, R).push(dumb), [[0, 1, 2], [1, 1, 1], [2, 1, 0]]),
        (Distribution.uniform(T, R).push(dumb, 2), [[0, 2, 1], [1, 1, 1], [1, 2, 0]]),
        (Distribution.uniform(T, R).push(smart, 2), [[0, 0, 1], [0, 7, 0], [1, 0, 0]]),
        (
            Distribution.uniform(T, R).push(smart).decorrelate(T | R).push(smart),
            [[0, 0, 7 * third], [2 * third, 3, 2 * third], [7 * third, 0, 0]],
        ),
    ],
)
def test_the_printed_tables(made, printed):
    assert made == Distribution.of((T, R), [[NINTH * m for m in row] for row in printed])


def test_the_neighbourhood_pushed_as_part_2_prints_it():
    P = Distribution.neighbourhood({T: "low", R: "warm"}, epsilon).push(smart)
    e = epsilon
    assert sympy.expand(P.mass({T: "low", R: "warm"}) - (1 - e) ** 2 - e**2 / 2) == 0
    assert sympy.expand(P.mass({T: "high", R: "cold"}) - e * (1 - e) / 2 - e**2 / 4) == 0
    after = P.push(smart)
    assert sympy.expand(after.mass({T: "low", R: "warm"}) - 1 + e * (1 - e)) == 0
    assert after.states.size == 3


def test_a_step_of_other_variables_is_refused():
    with pytest.raises(QueryError, match="over T, the system over T, R"):
        Distribution.uniform(T).push(dumb)
    x = variable("x")
    mixed = System({T: T, x: x + T}, start={T: "high", x: 0})
    with pytest.raises(QueryError, match=r"x takes real values.*push an Ensemble"):
        Distribution.uniform(T).push(mixed)
    with pytest.raises(QueryError, match="dict has no steps"):
        P0.push({})
    with pytest.raises(QueryError, match="steps is 0"):
        P0.push(dumb, 0)


def test_the_order_of_variables_does_not_matter():
    swapped = Distribution.uniform(R, T).push(smart)
    assert swapped.variables == (R, T)
    assert swapped.marginal(T, R) == Distribution.uniform(T, R).push(smart)


# -- property tests against independent oracles ----------------------------------------------------

FLOATS = st.floats(0, 1, allow_subnormal=False)


@st.composite
def worlds(draw, exact, largest=4):
    """Two or three variables with random tables and a random distribution over them."""
    count = draw(st.integers(2, 3))
    known = [finite(f"v{i}", range(draw(st.integers(1, largest)))) for i in range(count)]
    shape = tuple(v.size for v in known)
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    mechanisms = {}
    for v in known:
        if draw(st.booleans()):
            mechanisms[v] = table(known, random.integers(0, v.size, shape))
        else:
            weights = random.integers(1, 9, (*shape, v.size))
            keys = list(np.ndindex(shape))
            rows = {
                key: {j: Rational(int(w), int(weights[key].sum())) for j, w in
                      enumerate(weights[key])}
                for key in keys
            }  # fmt: skip
            mechanisms[v] = table(known, rows)
    weights = random.integers(0, 5, shape) + (np.arange(math.prod(shape)).reshape(shape) == 0)
    masses = np.vectorize(lambda w: Rational(int(w), int(weights.sum())), otypes=[object])(weights)
    P = Distribution.of(known, masses)
    system = System(mechanisms, start=dict.fromkeys(known, 0))
    return system, known, (P if exact else P.floats())


def chances(system, v, key):
    """p(value | state) of one variable, straight from its rows."""
    cells = system.mechanisms[v].cells
    if cells.codes is not None:
        return {int(cells.codes[key]): Fraction(1)}
    return {j: Fraction(c.p, c.q) for j, c in enumerate(cells.chances[key])}


@settings(max_examples=40, deadline=None)
@given(worlds(exact=True))
def test_push_against_sums_of_fractions(world):
    """P'(s') = sum_s P(s) prod_v p(s'_v | s), summed in plain Python by Fraction."""
    system, known, P = world
    expected: dict[tuple[int, ...], Fraction] = {}
    for state, mass in zip(P.states.tolist(), P.masses, strict=True):
        key = tuple(int(i) for i in np.unravel_index(state, [v.size for v in known]))
        ends = {(): Fraction(mass.p, mass.q)}
        for v in known:
            each = chances(system, v, key)
            ends = {(*e, j): m * c for e, m in ends.items() for j, c in each.items()}
        for end, m in ends.items():
            expected[end] = expected.get(end, Fraction(0)) + m
    pushed = P.push(system)
    for end, m in expected.items():
        assert pushed.mass(dict(zip(known, end, strict=True))) == Rational(
            m.numerator, m.denominator
        )
    assert sum(pushed.masses) == 1


@settings(max_examples=20, deadline=None)
@given(worlds(exact=True))
def test_exact_and_float_agree(world):
    system, known, P = world
    Q = P.floats()
    for one, other in [
        (P.push(system, 2), Q.push(system, 2)),
        (P.decorrelate(*known), Q.decorrelate(*known)),
        (P.decorrelate((known[-1],), known[:-1]), Q.decorrelate((known[-1],), known[:-1])),
        (P.marginal(known[1], known[0]), Q.marginal(known[1], known[0])),
    ]:
        assert one.exact
        assert not other.exact
        assert one.total_variation(other) < 1e-14
        assert math.isclose(float(one.entropy()), other.entropy(), abs_tol=1e-13)


@settings(max_examples=40, deadline=None)
@given(worlds(exact=False))
def test_against_dit(world):
    """Entropies, marginals, information and total correlation, dit's input checked first."""
    _, known, P = world
    shape = [v.size for v in known]
    outcomes = [tuple(int(i) for i in np.unravel_index(s, shape)) for s in P.states]
    assert abs(P.masses.sum() - 1) < 1e-12
    assert np.isfinite(P.masses).all()
    theirs = dit.Distribution(outcomes, P.masses.tolist())
    assert math.isclose(P.entropy(), dit.shannon.entropy(theirs), abs_tol=1e-12)
    assert math.isclose(P.marginal(known[1]).entropy(), dit.shannon.entropy(theirs, [1]),
                        abs_tol=1e-12)  # fmt: skip
    pair = P.mutual_information(known[0], known[1])
    assert math.isclose(pair, dit.shannon.mutual_information(theirs, [0], [1]), abs_tol=1e-12)
    total = dit.multivariate.total_correlation(theirs, [[i] for i in range(len(known))])
    assert math.isclose(P.mutual_information(*known), total, abs_tol=1e-12)
    apart = P.decorrelate(*known).entropy() - P.entropy()
    assert math.isclose(apart, total, abs_tol=1e-12)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 10**6), min_size=2, max_size=8).filter(any), st.sampled_from([2, 10])
)
def test_entropies_to_fifty_digits(weights, base):
    total = sum(weights)
    v = finite("v", range(len(weights)))
    P = Distribution.of(v, {i: Rational(w, total) for i, w in enumerate(weights)})
    with mp.workdps(50):
        masses = [mp.mpf(w) / total for w in weights if w]
        expected = -sum(m * mp.log(m, base) for m in masses)
        found = mp.mpf(sympy.N(P.entropy(base), 50)) if P.entropy(base) != 0 else mp.mpf(0)
        assert abs(found - expected) < mp.mpf(10) ** -45
    assert math.isclose(P.floats().entropy(base), float(expected), abs_tol=1e-13)


@settings(deadline=None)
@given(st.integers(1, 40))
def test_closed_forms(size):
    v = finite("v", range(size))
    assert sympy.expand(Distribution.uniform(v).entropy() - sympy.log(size) / sympy.log(2)).equals(
        0
    )
    assert Distribution.delta({v: size - 1}).entropy() == 0
    assert Distribution.delta({v: size - 1}).floats().entropy() == 0.0


def test_bases():
    P = Distribution.uniform(T)
    assert P.entropy(3) == 1
    assert P.entropy(sympy.E) == P.entropy(math.e) == log(3)
    assert P.floats().entropy(math.e) == pytest.approx(math.log(3), abs=1e-15)
    for bad in (0, 1, -2, math.nan, math.inf, "2", True, Symbol("b")):
        with pytest.raises(QueryError, match="base is"):
            P.entropy(bad)


@settings(max_examples=30, deadline=None)
@given(worlds(exact=True), worlds(exact=True))
def test_total_variation(one, other):
    known, P = one[1], one[2]
    assert P.total_variation(P) == 0
    if other[1] != known:
        with pytest.raises(QueryError, match="over different variables"):
            P.total_variation(other[2])
        return
    Q = other[2]
    dense = [abs(a - b) for a, b in zip(P.to_xarray().values.flat, Q.to_xarray().values.flat,
                                        strict=True)]  # fmt: skip
    assert math.isclose(P.total_variation(Q), sum(dense) / 2, abs_tol=1e-14)
    assert P.total_variation(Q) == Q.total_variation(P)
    # Pushing cannot tell two distributions further apart.
    assert P.push(one[0]).total_variation(Q.push(one[0])) <= P.total_variation(Q)


def test_total_variation_of_symbols():
    one = Distribution.neighbourhood({T: "low"}, epsilon)
    assert one.total_variation(Distribution.delta({T: "low"})).equals(epsilon)


def test_nothing_times_log_of_nothing_is_nothing():
    for masses in ({"high": 0, "low": half, "off": half}, {"high": 0.0, "low": 0.5, "off": 0.5}):
        P = Distribution.of(T, masses)
        assert P.entropy() == 1
        assert P.states.tolist() == [1, 2]


def test_a_symbol_in_a_table_stays_a_symbol():
    """A bit that is flipped with chance q: after two steps, it is off with chance 2 q (1 - q)."""
    q = Symbol("q", positive=True)
    bit = finite("bit", ["on", "off"])
    rows = {"on": {"on": 1 - q, "off": q}, "off": {"off": 1 - q, "on": q}}
    flipped = System({bit: table(bit, rows)}, start={bit: "on"})
    P = Distribution.delta({bit: "on"}).push(flipped, 2)
    assert sympy.expand(P.mass({bit: "off"}) - 2 * q * (1 - q)) == 0


def test_a_distribution_given_numbers_for_its_symbols():
    P = Distribution.neighbourhood({T: "low"}, epsilon)
    assert P.subs({epsilon: Rational(1, 10)}).mass({T: "low"}) == Rational(9, 10)
    assert P.subs({epsilon: 0.1}).masses.tolist() == [0.05, 0.9, 0.05]
    assert P.subs({epsilon: 0}) == Distribution.delta({T: "low"})
    with pytest.raises(DeclarationError, match="T = low the mass -1"):
        P.subs({epsilon: 2})
    with pytest.raises(QueryError, match="symbol epsilon meets floats"):
        P.floats()


# -- large and sparse ------------------------------------------------------------------------------


def test_a_small_support_costs_little_however_many_states():
    """Sixty bits: 2**60 joint states, of which a handful have mass."""
    bits = [finite(f"b{i}", [0, 1]) for i in range(60)]
    shift = System(dict(zip(bits, [*bits[1:], bits[0]], strict=True)),
                   start=dict.fromkeys(bits, 0))  # fmt: skip
    one = {b: int(i % 3 == 0) for i, b in enumerate(bits)}
    P = Distribution.of(bits, {tuple(one.values()): 0.25, (0,) * 59 + (1,): 0.75})
    Q = P.push(shift, 60)
    assert Q == P
    assert P.push(shift).mass({bits[58]: 1, bits[0]: 0}) == 0.75
    assert P.mutual_information(bits[0], bits[59]) == pytest.approx(P.entropy(), abs=1e-12)


def test_stochastic_pushes_in_chunks_give_the_same(monkeypatch):
    from causalopt.distributions.finite import kernel

    a, b = finite("a", range(7)), finite("b", range(5))
    random = np.random.default_rng(3)
    system = System(
        {a: table((a, b), random.dirichlet(np.ones(7), (7, 5))),
         b: table((a, b), random.dirichlet(np.ones(5), (7, 5)))},
        start={a: 0, b: 0},
    )  # fmt: skip
    P = Distribution.of((a, b), random.dirichlet(np.ones(35)).reshape(7, 5))
    whole = P.push(system, 2)
    monkeypatch.setattr(kernel, "CHUNK", 40)
    assert P.push(system, 2).total_variation(whole) < 1e-15
    rows_a = system.mechanisms[a].cells.chances.reshape(35, 7)
    rows_b = system.mechanisms[b].cells.chances.reshape(35, 5)
    expected = np.einsum("s,sa,sb->ab", P.masses, rows_a, rows_b)
    assert np.allclose(P.push(system).to_xarray().values, expected, rtol=0, atol=1e-15)


def test_same_step_parents_are_pushed_in_order():
    a, b = finite("a", [0, 1]), finite("b", [0, 1])
    noisy = table(a, {0: {0: Rational(3, 4), 1: Rational(1, 4)}, 1: 1})
    system = System({b: table((a.next, b), {0: {0: 1, 1: 1}, 1: {0: 0, 1: 0}}), a: noisy},
                    start={a: 0, b: 0})  # fmt: skip
    P = Distribution.delta({a: 0, b: 0}).push(system)
    expected = {(0, 1): Rational(3, 4), (1, 0): Rational(1, 4)}
    assert P.marginal(a, b) == Distribution.of((a, b), expected)


@given(st.lists(st.integers(0, 50), min_size=3, max_size=3).filter(any))
def test_counts_are_divided_by_their_sum_where_asked(counts):
    spot = finite("spot", range(3))
    exact = Distribution.of(spot, counts, normalise=True)
    floats = Distribution.of(spot, np.array(counts, float), normalise=True)
    for place, count in enumerate(counts):
        assert exact.mass({spot: place}) == sympy.Rational(count, sum(counts))
        assert floats.mass({spot: place}) == pytest.approx(count / sum(counts), rel=1e-15)


def test_what_does_not_sum_to_1_names_the_way_out():
    spot = finite("spot", range(2))
    with pytest.raises(DeclarationError, match=r"2e-08 too little.*normalise=True"):
        Distribution.of(spot, [0.5, 0.49999998])
    with pytest.raises(DeclarationError, match="nothing to normalise by"):
        Distribution.of(spot, [0, 0], normalise=True)
    with pytest.raises(DeclarationError, match="the mass -1"):
        Distribution.of(spot, [2, -1], normalise=True)
    with pytest.raises(DeclarationError, match="the mass nan"):
        Distribution.of(spot, [0.5, float("nan")], normalise=True)


def test_a_list_of_another_shape_is_not_repeated():
    a, b = finite("a", [0, 1]), finite("b", [0, 1])
    for masses in ([1, 3], [[1], [3]], [[[1, 3], [1, 3]]], 1):
        with pytest.raises(DeclarationError, match=r"with shape \(2, 2\)"):
            Distribution.of((a, b), masses, normalise=True)


def test_a_state_that_is_named_twice_is_refused():
    # Two states for one would have an entropy of one bit.
    a = finite("a", ["x", "y"])
    with pytest.raises(DeclarationError, match="a second mass for the state"):
        Distribution.of(a, {"x": 0.5, ("x",): 0.5})


def test_what_is_no_distribution_nor_number_is_told():
    a = finite("a", ["x", "y"])
    P = Distribution.neighbourhood({a: "x"}, epsilon)
    for ask in (
        lambda: Distribution.product(P, 3),
        lambda: P.total_variation(3),
        lambda: P.subs({"epsilon": 0.1}),
    ):
        with pytest.raises(QueryError, match="write a"):
            ask()
    for wrong in (3, {epsilon: "0.1"}, {epsilon: [1]}, {epsilon: 1j}):
        with pytest.raises(DeclarationError, match="write a"):
            P.subs(wrong)


def test_variables_of_one_name_are_told_apart_in_words():
    a, turned = finite("a", ["x", "y"]), finite("a", ["y", "x"])
    P, Q = Distribution.uniform(a), Distribution.uniform(turned)
    system = System({turned: turned}, start={turned: "x"})
    for ask in (lambda: P.push(system), lambda: P.total_variation(Q)):
        with pytest.raises(QueryError, match="this one in another: declare it once"):
            ask()
