"""Variables with named values, and worlds of them."""

import pickle

import pytest
from sympy import Symbol
from thermostats import DUMB, O_T, R, T, dumb, smart

from causalopt import (
    DeclarationError,
    Distribution,
    EvaluationError,
    Network,
    QueryError,
    System,
    comp,
    finite,
    run,
    table,
    variable,
    variables,
)
from causalopt.language.finite_variables import Finite
from causalopt.mechanisms.lookup import lookup_for


def names(data, world="W"):
    one = data.sel(world=world)
    return [T.values[int(i)] for i in one.T.values], [R.values[int(i)] for i in one.R.values]


def test_two_with_different_values_are_different_symbols():
    assert finite("T", ["a", "b"]) == finite("T", ["a", "b"])
    assert finite("T", ["a", "b"]) != finite("T", ["b", "a"])
    assert finite("T", ["a", "b"]) != variable("T")
    assert hash(finite("T", ["a", "b"])) == hash(finite("T", ["a", "b"]))


def test_survives_pickling():
    again = pickle.loads(pickle.dumps(T))
    assert isinstance(again, Finite)
    assert again == T
    assert again.values == T.values


def test_tables_survive_pickling():
    for formula in (
        smart.mechanisms[T],
        lookup_for(T, table(T, {v: {"high": 1} for v in T.values})),
    ):
        again = pickle.loads(pickle.dumps(formula))
        assert again == formula
        assert again.cells.target == T


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], r"finite\('T', \[\]\) has no values"),
        ("high", "write a list, such as finite"),
        (3, "write a list, such as finite"),
        ({"a", "b"}, "a set has no order"),
        (b"ab", r"\(bytes\): write a list"),
        (["a", "b", "a"], "has the value 'a' twice"),
        (["a", 1.5], r"has the value 1.5 \(float\)"),
        (["a", True], r"has the value True \(bool\)"),
    ],
)
def test_bad_values_are_refused(values, message):
    with pytest.raises(DeclarationError, match=message):
        finite("T", values)


def test_a_value_not_in_the_list_is_named_with_the_nearest():
    with pytest.raises(
        DeclarationError, match=r"'hgih', which is no value of T.*Did you mean high"
    ):
        T.code("hgih")
    with pytest.raises(DeclarationError, match="its values are high, low, off"):
        System({T: T, R: R}, start={T: "hot", R: "hot"})
    with pytest.raises(
        DeclarationError, match=r"T.* is 1, which it cannot be: its values are high"
    ):
        System({T: T, R: R}, start={T: 1, R: "hot"})


def test_two_declarations_of_one_name_are_refused():
    other = finite("T", ["high", "low"])
    with pytest.raises(DeclarationError, match=r"T is declared twice.*high, low, off"):
        System({other: table(T, dict.fromkeys(T.values, "high"))}, start={other: "high"})


def test_whole_numbers_as_values_are_values_and_not_places():
    n = finite("n", [10, 20, 30])
    up = System({n: table(n, {10: 20, 20: 30, 30: 10})}, start={n: 20})
    assert run(up.world(3)).n.values.tolist() == [[1, 2, 0, 1]]
    with pytest.raises(DeclarationError, match="1, which is no value of n"):
        n.code(1)


# The cycle that part 2 prints: (hot, low) -> (hot, off) -> (warm, off) -> (cold, low) -> ...
CYCLE = [
    ("low", "hot"),
    ("off", "hot"),
    ("off", "warm"),
    ("low", "cold"),
    ("high", "cold"),
    ("high", "warm"),
    ("low", "hot"),
]


def test_the_dumb_thermostat_runs_round_the_cycle_of_part_2():
    system = System({T: table((R, T), DUMB), R: table((T, R), O_T)}, start={T: "low", R: "hot"})
    found = names(run(system.world(6)))
    assert list(zip(*found, strict=True)) == CYCLE


def test_an_unrolled_network_agrees_with_the_system():
    world = smart.world(4).do(T[1], "off")
    network = smart.unroll(4)
    held = network.world().do(T[1], "off")
    flat = run(held).value.sel(world="W")
    data = run(world).sel(world="W")
    assert [flat.sel(node=f"R[{i}]").item() for i in range(5)] == data.R.values.tolist()
    assert [flat.sel(node=f"T[{i}]").item() for i in range(5)] == data.T.values.tolist()


def test_do_sets_named_values_and_clamp_holds_them():
    W = dumb.world(6)
    X = W.do(R, "warm")
    assert names(run(X))[0] == ["high"] + ["low"] * 6
    Y = W.do(T[0], "off").clamp(T, to=W)
    assert names(run(W, Y, labels=["W", "Y"]), "Y") == names(run(W))


def test_do_takes_names_only():
    with pytest.raises(DeclarationError, match=r"do\(R\[0\]\) is 'hott'.*Did you mean hot"):
        dumb.world(2).do(R[0], "hott")


def test_replace_takes_a_table():
    stuck = dumb.world(5).replace(T, table(T, dict.fromkeys(T.values, "off")))
    assert names(run(stuck))[1][-1] == "cold"


def test_a_difference_cannot_be_added_to_a_name():
    with pytest.raises(
        QueryError, match=r"R\[0\] cannot be perturbed.*perturb\(R\[0\], to='hot'\)"
    ):
        dumb.world(2).perturb(R[0], by=1)
    with pytest.raises(QueryError, match=r"no place for a difference.*perturb"):
        comp(dumb, A=T, n=R[0], m=R, steps=3)


def test_results_and_sweeps_carry_the_names(tmp_path):
    data = run(smart.world(3), over={T[0]: ["off", "high"]})
    assert data.R.attrs["flag_meanings"] == "hot warm cold"
    assert data.R.attrs["flag_values"].tolist() == [0, 1, 2]
    data.to_netcdf(tmp_path / "data.nc")
    assert data["T[0]"].values.tolist() == ["off", "high"]
    alone = run(smart.world(3).do(T[0], "off"))
    swept = data.R.sel({"T[0]": "off"}).values
    assert swept.tolist() == alone.R.values.tolist()
    with pytest.raises(DeclarationError, match=r"over\[T\[0\]\] is 'hihg'"):
        run(smart.world(3), over={T[0]: ["hihg"]})


def test_systems_print_values_by_name():
    assert "T[0] = high" in repr(dumb)
    assert "R[i+1] = table(T, R)" in repr(dumb)
    assert r"{R}^{+} &= \operatorname{table}\left(T, R\right)" in dumb._repr_latex_()
    assert "R[0] = cold" in repr(dumb.unroll(1))


def test_finite_and_real_variables_live_in_one_system():
    x = variable("x")
    warm = System(
        {T: table(T, "high -> low, low -> off, off -> high"), x: x + T},
        start={T: "high", x: 0},
    )
    assert run(warm.world(4)).x.values.tolist() == [[0, 0, 1, 3, 3]]


def test_a_finite_variable_has_no_rate_of_change():
    with pytest.raises(DeclarationError, match="T has no rate of change: it takes named values"):
        System.from_ode({T: table(T, {v: v for v in T.values})}, start={T: "low"}, dt=0.1)


def test_a_network_without_time_takes_tables():
    a, b = finite("a", ["x", "y"]), finite("b", ["u", "v"])
    network = Network({b: table(a, "x -> v, y -> u")}, start={a: "x"})
    assert run(network.world()).value.sel(node="b").item() == 1
    assert run(network.world().do(a, "y")).value.sel(node="b").item() == 0
    assert "a = x" in repr(network)


def test_same_step_parents():
    a, b = finite("a", [0, 1]), finite("b", [0, 1])
    system = System({b: table(a.next, {0: 1, 1: 0}), a: table(a, {0: 1, 1: 0})}, start={a: 0, b: 0})
    data = run(system.world(3))
    assert data.a.values.tolist() == [[0, 1, 0, 1]]
    assert data.b.values.tolist() == [[0, 0, 1, 0]]


def test_a_world_of_a_stochastic_table_is_a_draw_of_its_pushed_distribution():
    rows = {"high": {"high": 0.5, "low": 0.3, "off": 0.2}, "low": "off", "off": {"low": 1}}
    noisy = System({T: table(T, rows)}, start={T: "high"})
    drawn = run(noisy.world(5, seed=1), draws=20_000)["T"].sel(world="W", time=5)
    exact = Distribution.delta({T: "high"}).push(noisy, 5)
    for place, value in enumerate(T.values):
        chance = float(exact.mass({T: value}))
        # Within five standard errors.
        assert abs(float((drawn == place).mean()) - chance) < 5 * (chance / 20_000) ** 0.5


def test_a_stochastic_table_runs_the_same_unrolled():
    noisy = System({T: table(T, {v: {"high": 0.5, "low": 0.5} for v in T.values})},
                   start={T: "low"})  # fmt: skip
    along = run(noisy.world(6, seed=2))["T"].values[0]
    flat = run(noisy.unroll(6).world(seed=2))["value"].sel(node="T[6]").item()
    assert flat == along[-1]


def test_a_stochastic_table_with_symbols_cannot_be_run():
    q = Symbol("q", positive=True)
    noisy = System({T: table(T, {v: {"high": q, "low": 1 - q} for v in T.values})},
                   start={T: "low"})  # fmt: skip
    with pytest.raises(EvaluationError, match=r"a world needs numbers.*push\(system\)"):
        run(noisy.world(2))


def test_a_table_too_large_for_a_world_says_so():
    import numpy as np

    a = finite("a", range(20_000))
    big = System({a: table(a, np.arange(20_000) // 2)}, start={a: 7})
    with pytest.raises(EvaluationError, match=r"has 20000 entries.*Distribution.delta"):
        run(big.world(2))


def test_only_tables_and_copies_are_mechanisms_of_finite_variables():
    with pytest.raises(DeclarationError, match=r"The mechanism of T is T \+ 1.*write a table"):
        System({T: T + 1}, start={T: "high"})
    with pytest.raises(DeclarationError, match=r"The mechanism of T is R.*same values"):
        System({T: R, R: R}, start={T: "high", R: "hot"})
    x = variable("x")
    with pytest.raises(DeclarationError, match="x takes no named values"):
        System({x: table(T, dict.fromkeys(T.values, "a"))}, start={x: 0})
    with pytest.raises(DeclarationError, match="takes no named values"):
        table(Symbol("x"), {"a": "b"})


def test_a_named_value_shows_no_difference():
    (x,) = variables("x")
    system = System({T: T, x: x / 2, R: R}, start={T: "high", x: 1, R: R.domain.values[0]})
    with pytest.raises(QueryError, match=r"m = T shows no differences.*optimizing_strength"):
        comp(system, A=R, n=x[0], m=T, steps=3)
