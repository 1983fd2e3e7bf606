"""One call, all measures: what each says is what it says alone, and why the others do not apply."""

import html
import math
import pickle

import numpy as np
import pytest
import sympy as sp
from thermostats import P0, R, T, dumb, smart

from causalopt import (
    Distribution,
    Gaussian,
    Network,
    QueryError,
    System,
    basin_stability,
    causal_strength,
    comp,
    compare,
    conditional_exponents,
    effects,
    empowerment,
    finite,
    goal_directedness,
    information_flow,
    op,
    optimization_bits,
    optimizing_strength,
    transfer_entropy,
    variables,
    viability,
)
from causalopt import table as rows_of
from tests.measures.literature.examples import linear_thermostat, noisy_thermostat, r, settled, t
from tests.measures.literature.test_conformance import FINITE, REAL

STARTS = {T[0]: T.values, R[0]: R.values}


def of_rooms(system):
    return compare(system, T, R, P=P0, better="warm", target={R: "warm"}, over=STARTS, steps=2)


@pytest.mark.parametrize("system", [dumb, smart], ids=["dumb", "smart"])
def test_a_row_says_what_the_measure_says_alone(system):
    table = of_rooms(system)
    alone = {
        "optimizing_strength": optimizing_strength(system, T | R, P0, steps=2),
        "optimization_bits": optimization_bits(system, R, P0, better="warm", steps=2),
        "basin_stability": basin_stability(system, {R: "warm"}, over=STARTS, steps=2),
        "empowerment": empowerment(system, T, R, steps=2),
        "information_flow": information_flow(system, T, R, P0, do=R, steps=2),
        "transfer_entropy": transfer_entropy(system, T, R, P0, steps=2),
        "causal_strength": causal_strength(system, [(T, R)], P0),
        "viability": viability(system, T | R, P0, of=R, steps=2),
    }
    for name, found in alone.items():
        assert float(table[name]) == float(found), name
        assert table[name].unit == ("1" if name == "basin_stability" else "bit")


def test_every_measure_has_a_row():
    assert set(FINITE) | set(REAL) <= {row.measure for row in of_rooms(dumb).rows}


def test_of_real_values():
    C = noisy_thermostat()
    table = compare(
        C, t, r, P=settled(), target=sp.Abs(r - 25) < 5, over={r[0]: [25.0, 90.0]}, steps=4
    )
    assert float(table["comp"]) == comp(C, A=t, n=r[0], m=r[4]).item()
    assert float(table["op"]) == op(C, A=t, n=r[0], m=r[4]).item()
    assert table["op"].unit == "nat"
    assert float(table["effects"]) == effects(C, t, r[0], r[4]).through.item()
    exponents = conditional_exponents(C, t, steps=4)
    assert float(table["conditional_exponents"]) == exponents.conditional[0].item()
    assert float(table["causal_strength"]) == pytest.approx(0.0037241653, abs=6e-11)
    assert float(table["basin_stability"]) == 0.5


def test_why_the_others_do_not_apply():
    rows = {row.measure: row for row in of_rooms(dumb).rows}
    assert "takes named values" in rows["op"].why
    assert rows["op"].measurement is None
    rows = {row.measure: row for row in compare(linear_thermostat(), t, r, steps=3).rows}
    assert (
        "r takes real values" in rows["empowerment"].why
        or "t takes real" in rows["empowerment"].why
    )
    assert rows["viability"].why == "needs P=..., a distribution over the states now"
    assert "needs target" in rows["basin_stability"].why
    assert "over=" in rows["basin_stability"].why
    sure = compare(linear_thermostat(), t, r, P=Gaussian.of({t: (0, 1), r: (0, 1)}))
    with pytest.raises(QueryError, match="no noise"):
        sure["causal_strength"]
    with pytest.raises(QueryError, match="Did you mean viability"):
        sure["viabilty"]


def test_a_network_admits_those_that_need_no_time():
    u, A, m = variables("u A m")
    steered = Network({A: 3 * u, m: 4 * u - A}, start={u: 1})
    table = compare(steered, A, m, n=u)
    assert float(table["comp"]) == 0.25
    assert float(table["effects"]) == -3
    told = {row.measure: row.why for row in table.rows if row.measurement is None}
    assert len(told) == len(table.rows) - 3
    assert told.pop("goal_directedness") == "needs better=..., which outcomes are good"
    assert all("has no steps" in why for why in told.values())
    assert "needs n=" in compare(steered, A, m).rows[0].why


def test_a_network_is_asked_how_directed_it_is():
    s, d = finite("s", [0, 1]), finite("d", [0, 1])
    net = Network({s: rows_of((), {0: 0.5, 1: 0.5}), d: rows_of(s, {0: 1, 1: 1})})
    for better in (1, [1], {0: 0, 1: 1}, lambda value: float(value)):
        row = compare(net, d, d, better=better)["goal_directedness"]
        assert float(row) == pytest.approx(float(goal_directedness(net, d, {d: 1})))
        assert float(row) == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    "better", [["warm", "hot"], {"hot": 1, "warm": 2, "cold": 0}, lambda v: float(v == "warm")]
)
def test_whatever_says_what_is_better_says_it_to_all(better):
    table = compare(smart, T, R, P=P0, better=better, steps=2)
    bits = optimization_bits(smart, R, P0, better=better, steps=2)
    assert float(table["optimization_bits"]) == float(bits)
    scores = better if isinstance(better, dict) else {"hot": 1, "warm": 2, "cold": 0}
    if callable(better):
        scores = {v: better(v) for v in R.values}
    directed = goal_directedness(smart, T[1], {R[2]: scores}, P0)
    assert float(table["goal_directedness"]) == pytest.approx(float(directed))


def test_worlds_are_asked_where_the_measures_ask_them():
    W = smart.world(2).do(T[1], "low")
    table = compare(W, T, R, P=P0, better="warm", target={R: "warm"}, over=STARTS)
    share = basin_stability(W, {R: "warm"}, over=STARTS, steps=2, stay=0)
    assert float(table["basin_stability"]) == share.item()
    rows = {row.measure: row.why for row in table.rows}
    assert "give the System" in rows["empowerment"]
    with pytest.raises(QueryError, match="this world has 2: leave steps out"):
        compare(W, T, R, steps=3)
    V = linear_thermostat().world(4).do(t[2], 0)
    real = compare(V, t, r)
    for name, measure in (("comp", comp), ("op", op)):
        assert float(real[name]) == measure(V, A=t, n=r[0], m=r[4]).item()
    exponents = conditional_exponents(V, t).conditional
    assert float(real["conditional_exponents"]) == exponents[0].item()


@pytest.mark.parametrize("wrong", [3, "room", None, {T: 1}, [smart]])
def test_what_is_no_model_is_refused(wrong):
    with pytest.raises(QueryError, match="give a System, a Network or a World"):
        compare(wrong, T, R)


def test_a_formula_in_symbols_is_a_row_that_says_so():
    p, c = sp.Symbol("p", positive=True), finite("c", [0, 1])
    b = finite("b", ["x", "y"])
    chance = System(
        {b: rows_of(b, {"x": {"x": p, "y": 1 - p}, "y": "y"}), c: rows_of(b, {"x": 0, "y": 1})},
        start={b: "x", c: 0},
    )
    with pytest.warns(RuntimeWarning, match="No mechanism reads"):
        table = compare(
            chance, b, c, P=Distribution.uniform(b, c), better=1, target={c: 1},
            over={b[0]: ["x", "y"]}, steps=2,
        )  # fmt: skip
    rows = {row.measure: row for row in table.rows}
    assert "is a formula in p" in rows["transfer_entropy"].why
    assert "masses with symbols" in rows["basin_stability"].why
    assert str(table)
    assert table._repr_html_()
    assert table.to_xarray().sizes["measure"] == len(rows)


def test_why_a_p_of_another_kind_does_not_do():
    rows = {r.measure: r.why for r in compare(
        linear_thermostat(), t, r, P=Gaussian.of({t: (0, 1), r: (0, 1)}), better=-sp.Abs(r)).rows
    }  # fmt: skip
    assert "write a Box over one variable" in rows["optimization_bits"]
    rows = {q.measure: q.why for q in compare(smart, T, R, P=Gaussian.of({t: (0, 1)})).rows}
    assert "Distribution.uniform(T, R)" in rows["causal_strength"]
    assert "Gaussian as P" not in rows["causal_strength"]


def test_the_table_as_an_array_as_text_and_as_html():
    table = of_rooms(smart)
    data = table.to_xarray()
    assert data.sel(measure="causal_strength").value.item() == pytest.approx(math.log2(3))
    assert data.sel(measure="causal_strength").unit.item() == "bit"
    assert np.isnan(data.sel(measure="op").value.item())
    assert all((data.why == "") == data.value.notnull())
    lines = str(table).splitlines()
    assert len(lines) == len(table.rows) + 1
    assert lines[0].split()[:3] == ["measure", "asked", "value"]
    for row, line in zip(table.rows, lines[1:], strict=True):
        assert line.startswith(row.measure)
        assert row.why in line
    page = table._repr_html_()
    for row in table.rows:
        assert f"<td>{row.measure}</td>" in page
        assert html.escape(row.why) in page
    assert page.count("<tr>") == len(lines)
    assert pickle.loads(pickle.dumps(table)) == table


def test_text_of_a_user_is_no_html():
    evil, other = variables("<script>alert(1)</script> v")
    page = compare(Network({evil: other}, start={other: 1}), other, evil, n=evil)._repr_html_()
    assert "<script>" not in page


@pytest.mark.parametrize("wrong", [3, "uniform", {T: 1}, [0.5]])
def test_a_p_that_is_no_distribution_is_refused(wrong):
    with pytest.raises(QueryError, match="write a distribution"):
        compare(dumb, T, R, P=wrong)


def test_a_later_node_of_m_says_how_many_steps():
    by_node, by_steps = (
        compare(smart, T, R[2], P=P0), compare(smart, T, R, P=P0, steps=2)
    )  # fmt: skip
    assert by_node == by_steps


@pytest.mark.parametrize(("A", "m"), [(T, [R, T]), (r, R), (T, r)], ids=["two", "A", "m"])
def test_nodes_that_no_measure_could_be_asked_of_are_an_error(A, m):
    with pytest.raises(QueryError):
        compare(smart, A, m, P=P0)
