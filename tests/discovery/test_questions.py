"""What cannot be asked is said in words; what is empty is an answer."""

import networkx as nx
import numpy as np
import pytest
import xarray as xr

import causalopt
from causalopt import (
    Network,
    QueryError,
    System,
    authority,
    find_optimizers,
    finite,
    fixed_point,
    loop_coupling,
    mean_interval,
    natural_division,
    noise,
    normal,
    op,
    optimization_basins,
    self_regulation,
    sensitivity,
    steering_shares,
    table,
    variables,
    waterbed,
)

T, R, seen = variables("T R seen")
room = System({T: R - 25, R: R - 0.01 * T, seen: R}, start={T: 0, R: 25, seen: 25})
bent = System({T: R - 25, R: R - 0.01 * T**2, seen: R}, start={T: 3, R: 30, seen: 25})
flat = Network({T: 2 * R, seen: T + R}, start={R: 1})
loopless = System({T: T / 2, R: T}, start={T: 1, R: 1})
colour = finite("colour", ["red", "blue"])
named = System(
    {colour: table(colour, {"red": "blue", "blue": "red"}), T: T / 2}, start={colour: "red", T: 1}
)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: self_regulation(room, [T, R], R, steps=5), "has m = R in it"),
        (lambda: steering_shares(room, R, among=[R], steps=5), "has m = R in it"),
        (lambda: self_regulation(room, T, R), "steps is missing"),
        (lambda: self_regulation(room, T, [R, seen], steps=5), "names 2 sets of nodes"),
        (lambda: self_regulation(room, T, R, nudge="push", steps=5), 'write nudge="sustained"'),
        (lambda: self_regulation(named, T, colour, steps=5), "shows no differences"),
        (lambda: self_regulation(room.world(5).perturb(R[0]), T, R), "difference of its own"),
        (lambda: self_regulation(room.world(5), T, R, steps=6), "leave steps out"),
        (lambda: self_regulation("room", T, R, steps=6), "cannot be measured"),
        (lambda: steering_shares(room, R, among=["Q"], steps=5), "Q"),
        (lambda: steering_shares(room, R, steps=5, tolerance=0.0), "small positive number"),
        (lambda: sensitivity(room, T, R, T), "m lies in A"),
        (lambda: sensitivity(room, T, [R, seen], R), "names 2 variables"),
        (lambda: sensitivity(room, T, R, R, at=[np.nan]), "finite frequencies"),
        (lambda: sensitivity(bent, T, R, R), "moves by .* fixed_point"),
        (lambda: sensitivity(flat, T, R, seen), "no time"),
        (lambda: waterbed(room, T, T), "lies in A"),
        (lambda: loop_coupling(bent), "moves by"),
        (lambda: natural_division(room, parts=4), "4 parts of 3 variables"),
        (lambda: natural_division(room, parts=1.5), "parts"),
        (lambda: authority(bent, R), "moves by"),
        (lambda: find_optimizers(flat), "no time"),
        (lambda: find_optimizers(loopless, steps=5), "No variable"),
        (lambda: find_optimizers(room, steps=5, replicates=0), "replicates"),
        (lambda: fixed_point(flat), "no fixed point"),
        (lambda: fixed_point(named), "takes no differences"),
        (lambda: fixed_point(System({T: T / 2 + noise("e", normal())}, start={T: 1})), "drawn"),
    ],
)  # fmt: skip
def test_wrong_questions_are_told(ask, message):
    with pytest.raises(QueryError, match=message):
        ask()


def test_m_on_no_cycle_is_regulated_by_nothing():
    found = self_regulation(room, T, seen, steps=20)
    assert found.item() == 0.0
    assert found.attrs["on_loop"] == 0
    shares = steering_shares(room, seen, steps=20)
    assert shares.share.values.tolist() == [0.0, 0.0]
    assert shares.total.item() == 0.0


@pytest.mark.parametrize("order", [0, 1])
def test_nobody_has_no_authority(order):
    # The amplifier works against m, the source drives it: neither regulates it.
    R, amp, sun = variables("R amp sun")
    rules = {R: R / 2 + amp / 10 + sun, amp: R, sun: sun / 2}
    each = list(rules)[::-1] if order else list(rules)
    row = find_optimizers(
        System({v: rules[v] for v in each}, start=dict.fromkeys(each, 1)), m=R, steps=20
    ).data.isel(rank=0)
    assert (row["A"].item(), row["op2"].item()) == ("", 0.0)
    assert np.isnan([row["authority"].item(), row["back"].item()]).all()


def test_a_run_too_short_to_see_a_cycle_says_so():
    found = self_regulation(room, T, R[:2])
    assert found.item() == 0.0
    assert found.attrs["on_loop"] == 1
    shares = steering_shares(room, R[:2])
    assert shares.share.values.tolist() == [0.0, 0.0]


def test_noise_has_draws_and_they_have_a_mean():
    loud = System({T: R + noise("e", normal()), R: R / 2 - T**2 / 50}, start={T: 0, R: 1})
    found = self_regulation(loud, T, R, steps=30, draws=20)
    assert found.dims == ("draw",)
    interval = mean_interval(found)
    assert interval.low < interval["mean"] < interval.high
    # A world has a seed, and so draws of its own.
    first = self_regulation(loud.world(30), T, R).item()
    assert first == pytest.approx(found.sel(draw=0).item(), rel=1e-12)


def test_sweeps_keep_their_axes():
    found = self_regulation(bent, T, R, steps=4, over={R[0]: [26.0, 27.0, 28.0]})
    for start in (26.0, 27.0, 28.0):
        alone = self_regulation(bent.with_start({R: start}), T, R, steps=4)
        assert found.sel({"R[0]": start}).item() == pytest.approx(alone.item(), rel=1e-12)


def test_frequencies_that_are_masked_are_refused():
    hidden = np.ma.array([0.1, 0.5], mask=[False, True])
    with pytest.raises(QueryError, match="masked"):
        loop_coupling(room, at=hidden)


def test_names_alike_are_kept_apart():
    graph = nx.DiGraph([(1, "1"), ("1", 2)])
    network = Network.from_graph(graph, lambda *u: 2 * sum(u), start=1.0)
    found = authority(network, 2)
    assert len(set(found["variable"].values.tolist())) == 3
    assert found.values.tolist() == [4.0, 2.0, 1.0]


# -- basins ----------------------------------------------------------------------------------------


def line(values, name="op", dims=("R",)):
    return xr.DataArray(values, {"R": np.arange(len(values), dtype=float)}, dims, name)


def test_no_basin_is_an_empty_answer():
    found = optimization_basins(line([0.0, -1.0, 0.5]), above=3.0)
    assert found.sizes["basin"] == 0
    assert found.number.values.tolist() == [0, 0, 0]


def test_unknown_points_lie_in_no_basin():
    found = optimization_basins(line([1.0, np.nan, 1.0, np.inf, -1.0]))
    assert found.attrs["unknown"] == 1
    assert found.sizes["basin"] == 2
    assert found.number.values.tolist() == [2, 0, 1, 1, 0]
    assert found.peak.values.tolist() == [np.inf, 1.0]


def test_basins_in_two_dimensions():
    y, x = np.linspace(-2, 2, 201), np.linspace(-4, 4, 401)
    rings = 1 - np.minimum(
        (x - 2) ** 2 + y[:, None] ** 2, ((x + 2) / 0.5) ** 2 + (y[:, None] / 0.5) ** 2
    )
    found = optimization_basins(xr.DataArray(rings, {"y": y, "x": x}, ["y", "x"], "op"))
    assert found["size"].values == pytest.approx([np.pi, np.pi / 4], rel=0.01)
    assert found.low.sel(basin=1).values.tolist() == pytest.approx([-1, 1], abs=0.021)
    assert found.high.sel(basin=2).values.tolist() == pytest.approx([0.5, -1.5], abs=0.021)
    inside = found.number.sel(x=2.0, y=0.0, method="nearest").item()
    assert inside == 1
    power = ((1 - np.exp(-rings)) * (rings > 0) * (x > 0)).sum() * (x[1] - x[0]) * (y[1] - y[0])
    assert found.power.values[0] == pytest.approx(power, rel=1e-9)


def test_comp_itself_is_a_landscape():
    found = optimization_basins(line([0.5, -0.5, 2.0], "comp"))
    assert found.peak.item() == pytest.approx(np.log(2))
    # From 0 to 1, and on to where |Comp| passes 1, half-way by logarithms.
    assert found.high.item() == pytest.approx(1.5)
    # There Comp is 1, on its way from -0.5 to 2.
    assert found.power.item() == pytest.approx(0.5 * (0.5 + 1.5) + 0.5 * 0.5 * (1.5 + 0.0))


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: optimization_basins(xr.DataArray(1.0)), "axes"),
        (lambda: optimization_basins(line([1.0, 2.0]), above=np.nan), "write a number"),
        (lambda: optimization_basins(line([1.0, 2.0]), tolerance=0), "tolerance"),
        (lambda: optimization_basins(line([1.0, 2.0])[::-1]), "do not increase"),
        (lambda: optimization_basins(line([[1.0]], dims=("R", "T")), refine=line), "one axis"),
        (lambda: optimization_basins(3.0), "landscape"),
    ],
)  # fmt: skip
def test_wrong_landscapes_are_told(ask, message):
    with pytest.raises(QueryError, match=message):
        ask()


@pytest.mark.long
def test_the_basins_of_the_saturating_thermostat():
    import sympy as sp

    p, theta = 1.0, 1.0
    power = sp.Piecewise((p, theta <= T), (-p, -theta >= T), (p * T / theta, True))
    limited = System({T: R - 25, R: R - 0.02 * power}, start={T: 0, R: 25}, dt=0.02)

    def strength(starts):
        return op(limited, T, R[0], R.at(10.0), over={R[0]: starts})

    grid = strength(np.linspace(5, 45, 161))
    for above, half in ((0.0, 10.94), (1.0, 9.98)):
        found = optimization_basins(grid, above=above, refine=strength)
        assert found.sizes["basin"] == 1
        assert 25 - found.low.item() == pytest.approx(half, abs=0.02)
        assert found.high.item() - 25 == pytest.approx(half, abs=0.02)


def test_the_room_is_exported():
    assert {"self_regulation", "find_optimizers"} <= set(causalopt.__all__)
