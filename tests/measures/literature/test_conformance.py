"""One suite for every measure of the literature: labelled, frozen, refusing what it is not for."""

import inspect
import pickle

import numpy as np
import pytest
import sympy as sp
import xarray as xr
from thermostats import P0, R, T, dumb

import causalopt
from causalopt import (
    Box,
    CausaloptError,
    Distribution,
    Gaussian,
    Measurement,
    Network,
    QueryError,
    System,
    TooLargeError,
    basin_stability,
    causal_strength,
    conditional_exponents,
    control_bound,
    effective_information,
    effects,
    empowerment,
    finite,
    information_flow,
    noise,
    normal,
    optimization_bits,
    run,
    semantic_information,
    transfer_entropy,
    variables,
    viability,
)
from tests.measures.literature.examples import (
    A,
    B,
    even,
    k,
    linear_thermostat,
    noisy_thermostat,
    r,
    settled,
    t,
    xor,
)

C = linear_thermostat()
STARTS = {T[0]: T.values, R[0]: R.values}

# Each measure as it is asked of a finite world P, of C, or of both.
FINITE = {
    "optimization_bits": lambda s, P: optimization_bits(s, R, P, better="warm", steps=2),
    "empowerment": lambda s, P: empowerment(s, T, R),
    "information_flow": lambda s, P: information_flow(s, T, R, P),
    "transfer_entropy": lambda s, P: transfer_entropy(s, T, R, P),
    "causal_strength": lambda s, P: causal_strength(s, [(T, R)], P),
    "effective_information": lambda s, P: effective_information(s),
    "viability": lambda s, P: viability(s, T | R, P, of=R),
    "semantic_information": lambda s, P: semantic_information(s, T | R, P, of=R),
    "control_bound": lambda s, P: control_bound(s, T | R, P),
}
REAL = {
    "effects": lambda s: effects(s, t, r[0], r[4]),
    "conditional_exponents": lambda s: conditional_exponents(s, t, steps=4),
    "basin_stability": lambda s: basin_stability(
        s, {r: (20, 30)}, over={r[0]: [25.0, 45.0]}, steps=4
    ),
}
NO_P = {"empowerment", "effective_information"}
# They ask one decision, not a part of a system: test_goals.py and test_incentives.py.
OF_A_DECISION = {"goal_directedness", "incentives"}
every = pytest.mark.parametrize("name", FINITE)


def test_every_measure_is_here():
    public = {
        name
        for name in causalopt.__all__
        if inspect.isfunction(made := getattr(causalopt, name))
        and made.__module__.startswith("causalopt.measures.literature.")
    }
    assert public - {"compare", *OF_A_DECISION} == set(FINITE) | set(REAL)


@every
def test_a_measurement_says_what_it_is(name):
    found = FINITE[name](dumb, P0)
    assert isinstance(found, Measurement)
    assert found.measure == name
    assert found.unit == "bit"
    assert found.symbol
    assert name in str(found)
    assert str(found).endswith(" bit")
    array = found.to_xarray()
    assert (array.name, array.attrs["units"]) == (name, "bit")
    assert array.item() == float(found)


@every
def test_a_measurement_is_exact_where_the_masses_are(name):
    found = FINITE[name](dumb, P0)
    assert isinstance(found.value, sp.Expr | int)
    assert not found.value.atoms(sp.Float) if isinstance(found.value, sp.Expr) else True
    assert found.gap == 0


@every
def test_a_measurement_pickles_and_stays_as_it_is(name):
    found = FINITE[name](dumb, P0)
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    with pytest.raises(AttributeError):
        found.value = 0
    with pytest.raises(CausaloptError):
        found.parts["value"] = 0
    with pytest.raises(QueryError, match="has no part 'nothing'"):
        found["nothing"]


@pytest.mark.parametrize("name", REAL)
def test_results_with_real_values_are_labelled(name):
    found = REAL[name](C)
    arrays = [found] if isinstance(found, xr.DataArray) else found.data_vars.values()
    assert all("units" in array.attrs for array in arrays)
    assert pickle.loads(pickle.dumps(found)).equals(found)


@pytest.mark.parametrize("name", [*FINITE, *REAL])
def test_what_a_measure_says_of_itself(name):
    text = inspect.getdoc(getattr(causalopt, name))
    for part in ("Source: ", "Traps: ", ">>> ", "\n    "):
        assert part in text, part
    assert "Raises ``" in text or "errors are those of" in text
    assert any(year in text for year in map(str, range(2000, 2025))) or "1990" in text


# -- bad input -------------------------------------------------------------------------------------


@every
def test_a_system_with_real_values_is_told_of_another_measure(name):
    P = Distribution.uniform(T, R)
    with pytest.raises(QueryError, match=r"real values.*ask \w+|another"):
        FINITE[name](C, P)


NAMED = {
    "effects": lambda: effects(dumb, T, R[0], R[1]),
    "conditional_exponents": lambda: conditional_exponents(dumb, T, steps=4),
}


@pytest.mark.parametrize("name", NAMED)
def test_named_values_are_told_of_another_measure(name):
    with pytest.raises(QueryError, match="named values"):
        NAMED[name]()


@every
@pytest.mark.parametrize("wrong", [None, 3, "system", Network({r: t}, start={t: 1})])
def test_what_is_no_system_is_refused(name, wrong):
    with pytest.raises(QueryError, match="has no steps"):
        FINITE[name](wrong, P0)


@pytest.mark.parametrize("name", sorted(set(FINITE) - NO_P))
@pytest.mark.parametrize("wrong", [None, {T: 1}, [0.5, 0.5], "uniform"])
def test_what_is_no_distribution_is_refused(name, wrong):
    with pytest.raises(QueryError, match=r"P is .*write Distribution\.uniform"):
        FINITE[name](dumb, wrong)


@pytest.mark.parametrize("name", sorted(set(FINITE) - NO_P))
def test_a_distribution_over_other_variables_is_refused(name):
    with pytest.raises(QueryError, match="the same variables"):
        FINITE[name](dumb, even)


WRONG = {
    "m inside A": lambda: empowerment(dumb, T, T),
    "m at the start": lambda: information_flow(dumb, T, R[0], P0),
    "A later than P": lambda: transfer_entropy(dumb, T[1], R[1], P0),
    "A and do share": lambda: information_flow(dumb, T, R, P0, do=T),
    "m in A of transfer": lambda: transfer_entropy(dumb, T, T, P0),
    "no steps": lambda: information_flow(dumb, T, R, P0, steps=0),
    "half a step": lambda: viability(dumb, T | R, P0, of=R, steps=1.5),
    "an unknown A": lambda: empowerment(dumb, A, R),
    "no such arrow": lambda: causal_strength(xor, [(B, A)], even),
    "no arrows": lambda: causal_strength(xor, [], even),
    "no pair": lambda: causal_strength(xor, [A], even),
    "no list": lambda: causal_strength(xor, 3, even),
    "of is no part": lambda: viability(dumb, T | R, P0, of=[T, R]),
    "of is no part of control": lambda: control_bound(dumb, T | R, P0, of=[T, R]),
    "a group is missing": lambda: effective_information(dumb, coarse={T: {"high": "on"}}),
    "a group too many": lambda: effective_information(xor, coarse={A: {0: "u", 1: "u", 2: "u"}}),
    "groups of what is not there": lambda: effective_information(xor, coarse={T: {}}),
    "groups of a variable twice": lambda: effective_information(
        xor, coarse={A: {0: 0, 1: 0}, (A, B): {}}
    ),
    "groups that are no mapping": lambda: effective_information(xor, coarse=[A]),
    "no such measure": lambda: optimization_bits(dumb, R, P0, better="warm", measure="sum"),
    "nothing but m": lambda: optimization_bits(
        System({A: A}, start={A: 0}), A, Distribution.uniform(A), better=1, measure="clamped"
    ),
    "a function that scores nothing": lambda: optimization_bits(dumb, R, P0, better=str),
    "no such best": lambda: optimization_bits(dumb, R, P0, better="tepid"),
    "scores missing": lambda: optimization_bits(dumb, R, P0, better={"warm": 1}),
    "scores that are none": lambda: optimization_bits(
        dumb, R, P0, better={"hot": "a", "warm": 1, "cold": 2}
    ),
    "no goal": lambda: optimization_bits(dumb, R, P0, better=None),
    "a formula of names": lambda: optimization_bits(dumb, R, P0, better=-r),
    "all is A": lambda: optimization_bits(
        dumb, R, P0, better="warm", measure="decorrelated", A=[T, R]
    ),
    "m is held": lambda: optimization_bits(dumb, R, P0, better="warm", measure="clamped", A=R),
    "counting reals": lambda: optimization_bits(C, r[4], Box.of({r: (0, 1)}), better=-r),
    "a best real": lambda: optimization_bits(
        C, r[4], Box.of({r: (0, 1)}), better="warm", measure="clamped", A=t
    ),
    "another symbol": lambda: optimization_bits(
        C, r[4], Box.of({r: (0, 1)}), better=-t, measure="clamped", A=t
    ),
    "two axes": lambda: optimization_bits(
        C, r[4], Box.of({r: (0, 1), t: (0, 1)}), better=-r, measure="clamped", A=t
    ),
    "a box of symbols": lambda: optimization_bits(
        C, r[4], Box.of({r: (0, k)}), better=-r, measure="clamped", A=t
    ),
    "an infinite score": lambda: optimization_bits(
        C, r[4], Box.of({r: (-9, 9)}), better=sp.log(r - 100), measure="clamped", A=t
    ),
    "no noise": lambda: causal_strength(C, [(t, r)], Gaussian.of({t: (0, 1), r: (0, 1)})),
    "a start that is not there": lambda: empowerment(dumb, T, R, start={A: 0}),
    "a start that is no mapping": lambda: empowerment(dumb, T, R, start="hot"),
    "a start that is no value": lambda: empowerment(dumb, T, R, start={R: "tepid"}),
    "no base": lambda: empowerment(dumb, T, R, base=1),
    "a base that turns more into less": lambda: empowerment(dumb, T, R, base=0.5),
    "the same of a bound": lambda: control_bound(dumb, T | R, P0, of=R, base=sp.Rational(1, 2)),
    "the same of knowledge": lambda: semantic_information(dumb, T | R, P0, of=R, base=0.5),
    "the same of arrows": lambda: causal_strength(dumb, [(T, R)], P0, base=0.5),
    "a group that is an array": lambda: effective_information(
        dumb, coarse={R: dict.fromkeys(R.values, np.ones(2))}
    ),
    "a command too late": lambda: empowerment(dumb, T[2], R[2]),
    "no starts": lambda: basin_stability(C, {r: (0, 1)}, over={}, steps=3),
    "starts that are none": lambda: basin_stability(C, {r: (0, 1)}, over=3, steps=3),
    "no target": lambda: basin_stability(C, {}, over={r[0]: [1]}, steps=3),
    "target is no condition": lambda: basin_stability(C, "warm", over={r[0]: [1]}, steps=3),
    "target is always true": lambda: basin_stability(C, sp.true, over={r[0]: [1]}, steps=3),
    "ends the wrong way": lambda: basin_stability(C, {r: (1, 0)}, over={r[0]: [1]}, steps=3),
    "a single end": lambda: basin_stability(C, {r: 1}, over={r[0]: [1]}, steps=3),
    "a condition on names": lambda: basin_stability(dumb, T > 1, over=STARTS, steps=3),
    "a value of another": lambda: basin_stability(dumb, {R: "low"}, over=STARTS, steps=3),
    "a stranger": lambda: basin_stability(dumb, {r: (0, 1)}, over=STARTS, steps=3),
    "stays less than not": lambda: basin_stability(
        C, {r: (0, 1)}, over={r[0]: [1]}, steps=3, stay=-1
    ),
    "half a draw": lambda: basin_stability(
        noisy_thermostat(), {r: (0, 1)}, over={r[0]: [1]}, steps=3, draws=2.5
    ),
    "a short world": lambda: basin_stability(C.world(3), {r: (0, 1)}, over={r[0]: [1]}, steps=3),
    "a part of a variable": lambda: conditional_exponents(C, t[:2], steps=4),
    "nothing left": lambda: conditional_exponents(C, [t, r], steps=4),
    "no length": lambda: conditional_exponents(C, t),
    "a network": lambda: conditional_exponents(Network({r: t}, start={t: 1}), t, steps=4),
    "n inside A": lambda: effects(C, t, t[0], r[4]),
}


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_is_an_error_of_the_house(name):
    with pytest.raises(CausaloptError) as caught:
        WRONG[name]()
    assert len(str(caught.value)) > 20


def test_delays_are_refused_by_exponents():
    x, y = variables("x y")
    delayed = System({x: x.lag(2) / 2, y: x}, start={x: 1, y: 1}, history={x: 1})
    with pytest.raises(QueryError, match="history"):
        conditional_exponents(delayed, y, steps=4)


def test_too_much_is_refused_before_it_is_done():
    eleven = finite("Y", range(11))
    Z = finite("Z", range(2))
    wide = System({eleven: eleven, Z: Z}, start={eleven: 0, Z: 0})
    with pytest.raises(TooLargeError, match="11 states"):
        semantic_information(
            wide, Distribution.uniform(eleven, Z).split(eleven, Z), Distribution.uniform(eleven, Z),
            of=Z,
        )  # fmt: skip
    many = [finite(f"v{i}", range(4)) for i in range(10)]
    still = System({v: v for v in many}, start=dict.fromkeys(many, 0))
    with pytest.raises(TooLargeError, match="command fewer"):
        empowerment(still, many[:9], many[9])


def test_noise_that_is_shared_is_no_arrow_of_one_target():
    e = noise("e", normal(0, 1))
    shared = System({t: r + e, r: t + e}, start={t: 0, r: 0})
    with pytest.raises(QueryError, match="shares its noise"):
        causal_strength(shared, [(t, r)], Gaussian.of({t: (0, 1), r: (0, 1)}))


def test_an_arrow_within_a_step_is_cut_too():
    chained = System({A: A, B: A.next}, start={A: 0, B: 0})
    assert causal_strength(chained, [(A.next, B)], even).value == 1
    with pytest.raises(QueryError, match=r"no arrow from A to B.*A\.next"):
        causal_strength(chained, [(A, B)], even)


def test_worlds_are_asked_where_runs_are():
    W = C.world(8)
    assert conditional_exponents(W, t).equals(conditional_exponents(C, t, steps=8))
    assert effects(W, t, r[0], r[4]).total.item() == effects(C, t, r[0], r[4]).total.item()
    share = basin_stability(W, {r: (20, 30)}, over={r[0]: [25.0, 45.0]}, steps=4)
    assert share.item() == REAL["basin_stability"](C).item()


def test_variables_that_have_the_name_of_a_memory():
    """Names of users never meet those that are made here."""
    odd = finite("A before", [0, 1])
    pair = System({A: odd, odd: A}, start={A: 0, odd: 0})
    P = Distribution.uniform(A, odd)
    assert information_flow(pair, odd, A, P).value == 1
    assert effective_information(pair).value == 2


def test_noise_does_not_hide_in_a_gaussian():
    found = causal_strength(noisy_thermostat(), [(t, r), (r, t)], settled())
    each = [causal_strength(noisy_thermostat(), [e], settled()) for e in [(t, r), (r, t)]]
    assert np.isclose(float(found), sum(map(float, each)))
    assert run(noisy_thermostat().world(1)).sizes["time"] == 2


@pytest.mark.parametrize("name", sorted(set(FINITE) - NO_P))
def test_masses_with_symbols_give_formulas_or_an_error_of_the_house(name):
    e = sp.Symbol("epsilon", positive=True)
    third = sp.Rational(1, 3)
    near = Distribution.of((T, R), [[e, 0, third - e], [0, third, 0], [third, 0, 0]])
    try:
        found = FINITE[name](dumb, near)
    except QueryError as error:
        assert "epsilon" in str(error)  # noqa: PT017
        assert name == "semantic_information"
        return
    assert "epsilon" in str(found)
    with pytest.raises(QueryError, match=r"formula in epsilon.*subs"):
        float(found)
    fifth = FINITE[name](dumb, near.subs({e: sp.Rational(1, 5)}))
    assert float(found.value.subs(e, sp.Rational(1, 5))) == pytest.approx(float(fifth), abs=1e-12)
