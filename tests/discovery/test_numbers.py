"""Numbers that were computed apart from this package: plain loops over matrices, closed forms."""

import numpy as np
import pytest
import sympy as sp
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    System,
    authority,
    fixed_point,
    op,
    optimization_basins,
    optimizing_power,
    self_regulation,
    steering_shares,
    variables,
)

T, R, amp, seen, weather, north, south = variables("T R amp seen weather north south")
x1, x2, z1, z2 = variables("x1 x2 z1 z2")


@pytest.fixture(scope="module")
def room():
    """Part 3's thermostat with five decoys."""
    return System(
        {
            T: R - 25,
            R: R - 0.01 * T + 0.001 * amp + 0.01 * weather,
            amp: R - 25,
            seen: R + seen / 2,
            weather: 0.9 * weather,
            north: north / 2 + weather / 9,
            south: south / 3 + north / 8,
        },
        start={T: 10, R: 35, amp: 10, seen: 35, weather: 1, north: 0, south: 0},
    )


@pytest.fixture(scope="module")
def motif():
    """Antithetic integral feedback of a cell, at its fixed point (Briat, Gupta, Khammash 2016)."""
    return System.from_ode(
        {x1: z1 - x1, x2: x1 - x2, z1: 1 - 10 * z1 * z2, z2: x2 - 10 * z1 * z2},
        start={x1: 1, x2: 1, z1: 1, z2: 0.1},
        dt=0.05,
    )


@pytest.mark.parametrize(("A", "expected"), [(T, 2.0166713), (amp, -0.05192898)])
def test_the_thermostat_among_decoys(room, A, expected):
    found = self_regulation(room, A, R[:1000], nudge="pulse")
    assert found.item() == pytest.approx(expected, abs=5e-8)
    assert found.attrs["on_loop"] == 1


@pytest.mark.parametrize("A", [seen, weather, north, [north, south, seen]])
def test_what_only_watches_or_drives_regulates_nothing(room, A):
    found = self_regulation(room, A, R[:1000], nudge="pulse")
    assert found.item() == 0.0
    assert found.attrs["on_loop"] == 0


def test_shares_of_the_thermostat(room):
    found = steering_shares(room, R[:1000], nudge="pulse")
    named = dict(zip(found.variable.values.tolist(), found.share.values.tolist(), strict=True))
    assert named["T"] == pytest.approx(1.5982562, abs=5e-8)
    assert named["amp"] == pytest.approx(-0.15982562, abs=5e-9)
    assert [named[n] for n in ("seen", "weather", "north", "south")] == [0.0] * 4
    assert found.total.item() == pytest.approx(1.4384306, abs=5e-8)
    assert abs(found.missing.item()) < 1e-8
    assert found.attrs["converged"] == 1


@pytest.mark.parametrize("A", [z1, z2, x1])
def test_every_part_of_the_motif_closes_the_same_loop(motif, A):
    assert self_regulation(motif, A, x2[:2000]).item() == pytest.approx(1.9651957, abs=5e-8)


def test_shares_and_authority_of_the_motif(motif):
    found = steering_shares(motif, x2[:2000])
    assert found.share.sel(variable=["z1", "z2", "x1"]).values == pytest.approx(
        [0.8353797, 0.8353797, 0.2944364], abs=6e-8
    )
    holds = authority(motif, x2).sel(variable=["z1", "z2", "x1", "x2"])
    assert holds.values.tolist() == pytest.approx([1.0, -1.0, 0.0, 0.0], abs=1e-12)
    # Along a run that is long enough, the same.
    along = authority(motif, x2, steps=4000).sel(variable=["z1", "z2", "x1", "x2"])
    assert along.values.tolist() == pytest.approx([1.0, -1.0, 0.0, 0.0], abs=1e-8)


def test_every_gene_of_the_repressilator_has_a_fifth():
    p, m = variables("p", count=3), variables("m", count=3)
    rates = {m[i]: 2 / (1 + p[i - 1] ** 2) - m[i] for i in range(3)}
    rates |= {p[i]: m[i] - p[i] for i in range(3)}
    ring = System.from_ode(rates, start=dict.fromkeys((*p, *m), 1.0), dt=0.01)
    for A in (m[0], p[1], m[2]):
        assert self_regulation(ring, A, p[0][:5000]).item() == pytest.approx(0.61379555, abs=5e-9)
    shares = steering_shares(ring, p[0][:5000]).share.values
    assert shares == pytest.approx([0.61379555 / 5] * 5, abs=5e-9)


@pytest.mark.parametrize(("friction", "expected"), [(1.0, 1.1805217), (0.5, -1.3707335)])
def test_watts_governor_regulates_or_hunts(friction, expected):
    x, y, z = variables("x y z")
    balls = System.from_ode(
        {
            x: y,
            y: z**2 * sp.sin(x) * sp.cos(x) - sp.sin(x) - friction * y,
            z: 0.5 * (sp.cos(x) - 0.8),
        },
        start={x: float(np.arccos(0.8)), y: 0, z: 0.8**-0.5},
        dt=0.01,
    )
    found = self_regulation(balls, [x, y], z[:5000], nudge="pulse")
    assert found.item() == pytest.approx(expected, abs=5e-8)
    assert self_regulation(balls, x, z[:5000], nudge="pulse").item() == pytest.approx(expected)


def test_basins_of_a_double_well():
    x, slope = variables("x slope")
    well = System.from_ode(
        {x: slope}, algebraic={slope: x - x**3}, start={x: 0.5}, dt=0.01, method="rk4"
    )

    def strength(starts):
        return op(well, slope, x[0], x[100], over={x[0]: starts})

    grid = strength(np.linspace(-2, 2, 81))
    for above, edge in ((0.0, 0.3851455544), (1.0, 0.6612551047)):
        found = optimization_basins(grid, above=above, refine=strength)
        assert found.sizes["basin"] == 2
        assert sorted(np.abs(found.low.values.ravel())) == pytest.approx([edge, 2.0], abs=1e-7)
        assert sorted(np.abs(found.high.values.ravel())) == pytest.approx([edge, 2.0], abs=1e-7)
        assert found["size"].values == pytest.approx([2.0 - edge] * 2, abs=1e-7)
    assert strength(np.zeros(1)).item() == pytest.approx(-1.0, abs=1e-8)
    power = optimizing_power(well, slope, x[0], x[100], over={x[0]: np.linspace(-2, 2, 2001)})
    assert power.item() == pytest.approx(1.890054156, abs=1e-6)


def test_fixed_points_are_those_of_closed_forms():
    x, y = variables("x y")
    root = fixed_point(System({x: (x + 2 / x) / 2, y: x.next / 2}, start={x: 1, y: 0}))
    assert root.start_values[x] == pytest.approx(np.sqrt(2), rel=1e-12)
    assert root.start_values[y] == pytest.approx(np.sqrt(0.5), rel=1e-12)
    # One that repels, and that no run would find.
    away = fixed_point(System({x: 3.2 * x * (1 - x)}, start={x: 0.6}))
    assert away.start_values[x] == pytest.approx(1 - 1 / 3.2, rel=1e-12)


def test_authority_in_small_units_is_no_zero():
    # A push of a ends at a = 2, and x settles at x = x/2 + 1e-14 a.
    x, a, b = variables("x a b")
    rules = {x: x / 2 + 1e-14 * a, a: a / 2, b: b / 2 + x}
    found = authority(System(rules, start=dict.fromkeys(rules, 0)), x).to_series().to_dict()
    assert found == {"x": 2.0, "a": pytest.approx(4e-14, rel=1e-12, abs=0), "b": 0.0}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_authority_does_not_depend_on_units(seed):
    source = np.random.default_rng(seed)
    rows = source.integers(-9, 10, (4, 4)) * (source.random((4, 4)) < 0.6)
    powers = source.integers(-9, 10, 4)
    nodes = variables("v", count=4)

    def system(scales):
        rules = {
            v: sum(sp.Rational(int(k), 40) * scales[i] / scales[j] * nodes[j]
                   for j, k in enumerate(rows[i]))
            for i, v in enumerate(nodes)
        }  # fmt: skip
        return System(rules, start=dict.fromkeys(nodes, 0))

    # (I - M)^-1 in fractions: M has rows of sizes below 36/40, so that all modes die out.
    exact = (sp.eye(4) - sp.Matrix(rows.tolist()) / 40).inv().row(0)
    found = authority(system([sp.Integer(10) ** int(p) for p in powers]), nodes[0]).values
    told = found * 10.0 ** (powers - powers[0])
    np.testing.assert_allclose(told, np.array(exact, dtype=float).reshape(-1), rtol=1e-9)
    assert [number == 0 for number in found] == [entry == 0 for entry in exact]


def test_the_power_of_a_basin_of_a_straight_line_is_exact():
    # Comp = 0.3 - 1.5 x is between -1 and 1 from -7/15 to 13/15, and 0 between two points there.
    def comp(x):
        return xr.DataArray(0.3 - 1.5 * x, {"x": x}, ["x"], "comp")

    low, high = -7 / 15, 13 / 15
    expected = 0.7 * (high - low) + 0.75 * (high**2 - low**2)
    for points in (3, 4, 21):
        found = optimization_basins(comp(np.linspace(-1, 1, points)), refine=comp)
        assert found.power.item() == pytest.approx(expected, abs=1e-7)
