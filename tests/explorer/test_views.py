"""The views of descent and annealing tell what the package's functions give."""

import contextlib
import io

import networkx as nx
import numpy as np
import pytest
import sympy

from causalopt import (
    Enthalpies,
    Flips,
    Ising,
    Steps,
    System,
    annealing,
    choice,
    escape_probability,
    escape_rate,
    finite,
    gradient_descent,
    mean_escape_time,
    noise,
    quasi_stationary,
    run,
    sgd,
    stationary,
    variables,
)
from causalopt.explorer.chains import CHAINS, spreading
from causalopt.explorer.desks import Desks
from causalopt.explorer.distribution import BARS, in_bars
from causalopt.explorer.energy import heights_of
from causalopt.explorer.escaping import watched
from causalopt.explorer.requests import LONG
from causalopt.explorer.serving import Subject, served
from causalopt.study import Study, load_model
from tests.explorer.conftest import exploring

(W,) = variables("W")
PIT = "n=W[0]&A=g&m=W&steps=200&p.T=0.04"


def subject_of(name):
    return Subject.of(load_model(name), name)


def alone(system):
    return Subject.of(Study(name="m", title="m", source="m", system=system), "m.py")


@pytest.fixture(scope="module")
def pit():
    return subject_of("pit")


@pytest.fixture(scope="module")
def cooled():
    return subject_of("annealing_landscape")


def told(subject, what, address, **said):
    return served(subject, {"do": what, "address": address, **said})


def made(subject, address):
    """What the script of an address makes, by name."""
    scope = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(told(subject, "code", address)["script"], "script", "exec"), scope)
    return scope


# -- who has which ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "spreads", "heights"),
    [
        ("pit", True, False),
        ("sgd_end_states", True, False),
        ("annealing_landscape", False, True),
        ("gradient_descent", False, False),
        ("continuous_thermostat", False, False),
        ("dumb_thermostat", False, False),
        ("divided_network", False, False),
    ],
)
def test_a_model_has_the_views_that_its_declaration_holds(name, spreads, heights):
    facts = told(subject_of(name), "facts", "")
    assert (facts["spreading"], facts["heights"]) == (spreads, heights)


def test_what_has_no_such_view_says_so():
    subject = subject_of("continuous_thermostat")
    assert "no state of one number" in told(subject, "distribution", "", part="chains")["fault"]
    assert "no number that follows" in told(subject, "energy", "")["fault"]
    assert (
        "Did you mean chains" in told(subject_of("pit"), "distribution", PIT, part="chain")["fault"]
    )


def test_descent_without_chance_and_states_of_two_numbers_do_not_spread():
    assert spreading(gradient_descent(W**2, W, 0.1, start={W: 1})) is None
    V, U = variables("V U")
    coin = noise("e", choice([-1, 1]))
    assert spreading(System({V: V / 2 + U + coin, U: V}, start={V: 0, U: 0})) is None
    assert spreading(System({V: V / 2 + coin, U: V.next}, start={V: 0, U: 0})) == V


def test_an_energy_of_several_states_is_no_curve():
    ring = Ising.of_graph(nx.cycle_graph(3), coupling=1.0)
    start = dict.fromkeys(ring.spins, ring.spins[0].values[0])
    assert heights_of(annealing(ring.energy, Flips(), 1.0, start=start)) is None


# -- descent ---------------------------------------------------------------------------------------


def test_the_bars_are_of_the_chains_of_run(pit):
    found = told(pit, "distribution", PIT, part="chains")
    model = pit.setting({"address": PIT}).model
    chains = run(model.world(steps=200), draws=CHAINS).W.sel(world="W")
    edges = np.array(found["edges"])
    assert len(edges) == BARS + 1
    assert edges[0] < float(chains.min())
    assert float(chains.max()) < edges[-1]
    for time, bars in zip(found["times"], found["bars"], strict=True):
        expected = np.histogram(chains.sel(time=time).values, edges, density=True)[0]
        assert bars == expected.tolist()
        assert np.dot(bars, np.diff(edges)) == pytest.approx(1)
    assert (found["times"][0], found["times"][-1]) == (0, 200)
    assert found["draws"] == CHAINS


def test_the_chains_are_those_of_seed_and_draws(pit):
    found = told(pit, "distribution", f"{PIT}&seed=5&draws=7", part="chains")
    model = pit.setting({"address": PIT}).model
    chains = run(model.world(steps=200, seed=5), draws=7).W.sel(world="W")
    last = np.histogram(chains.isel(time=-1).values, found["edges"], density=True)[0]
    assert found["bars"][-1] == last.tolist()
    assert found["draws"] == 7


def test_the_lines_are_the_densities_of_the_package(pit):
    wide = tuple(told(pit, "distribution", PIT, part="chains")["edges"][i] for i in (0, -1))
    address = f"{PIT}&low=0.7&high=1.19"
    found = told(pit, "distribution", address, part="settled")
    model = pit.setting({"address": PIT}).model
    edges = np.linspace(*wide, BARS + 1)
    lines = {line["role"]: line["values"] for line in found["lines"]}
    assert lines["stationary"] == in_bars(stationary(model, wide), edges).tolist()
    assert lines["stays"] == in_bars(quasi_stationary(model, (0.7, 1.19)), edges).tolist()
    for values in lines.values():
        assert np.dot(values, np.diff(edges)) == pytest.approx(1, abs=1e-3)


def test_the_escape_is_that_of_the_package(pit):
    address = f"{PIT}&low=0.7&high=1.19"
    found = told(pit, "distribution", address, part="escape")
    rows = told(pit, "distribution", address, part="times")["rows"]
    model, inside = pit.setting({"address": PIT}).model, (0.7, 1.19)
    (trace,), counts = found["chart"]["traces"], [int(x) for x in found["chart"]["x"]]
    assert (counts[0], counts[-1]) == (1, 200)
    expected = escape_probability(model, inside, counts).escaped.values
    assert trace["values"] == expected.tolist()
    mean, rate = (row["value"] for row in rows)
    assert mean == str(mean_escape_time(model, inside))
    assert rate == str(escape_rate(model, inside))


def test_the_interval_opens_as_the_basin_of_the_start(pit):
    # The mean loss of the pit: from its top on, the mean step leads away from the start.
    l0 = -sympy.exp(-((W - 2) ** 2))
    slope = sympy.lambdify(W, (l0 - sympy.exp(-100 * (W - 1) ** 2) / 2).diff(W))
    low, high = watched(pit.setting({"address": PIT}))
    assert slope(high - 0.01) > 0 > slope(high + 0.01)
    assert low < 1.0 < high
    mine = pit.setting({"address": f"{PIT}&low=0.9"})
    assert watched(mine) == (0.9, high)
    asked = told(pit, "distribution", f"{PIT}&low=1.5&high=1.6", part="escape")
    assert "start inside" in asked["fault"]


def test_where_nothing_leaves_the_reason_stands_in_place_of_the_mean():
    subject, address = subject_of("sgd_end_states"), "steps=60&low=1.6&high=2.6"
    mean, rate = told(subject, "distribution", address, part="times")["rows"]
    assert "is not left from everywhere" in mean["why"]
    assert rate["why"] == ""


def test_where_nothing_leads_away_no_escape_is_told_until_an_interval_is_written():
    subject = subject_of("sgd_end_states")
    assert told(subject, "distribution", "steps=60", part="chains")["watched"] is None
    assert told(subject, "distribution", "steps=60", part="escape")["chart"] is None
    assert told(subject, "distribution", "steps=60", part="times")["rows"] == []
    settled = told(subject, "distribution", "steps=60", part="settled")
    assert [line["role"] for line in settled["lines"]] == ["stationary"]
    # With one end written, the other one is where chains came.
    assert watched(subject.setting({"address": "steps=60&low=1.7"}))[0] == 1.7


def test_where_a_short_run_has_not_come_the_long_run_is_found_still():
    """Two bowls: W stays between -1 and 1, and a few steps see less of it."""
    subject = alone(sgd([(W - 1) ** 2, (W + 1) ** 2], W, 0.1, start={W: 0}))
    chains = told(subject, "distribution", "steps=4", part="chains")
    low, high = chains["edges"][0], chains["edges"][-1]
    assert high < 0.8
    (line,) = told(subject, "distribution", "steps=4", part="settled")["lines"]
    inside = low - (high - low) / 2, high + (high - low) / 2
    edges = np.linspace(low, high, BARS + 1)
    assert line["values"] == in_bars(stationary(subject.model, inside), edges).tolist()


@pytest.mark.long
def test_where_chains_wander_off_there_is_no_stationary_line():
    walk = sgd([W, -W], W, 0.1, start={W: 0})
    settled = told(alone(walk), "distribution", "steps=50", part="settled")
    assert settled["lines"] == []
    assert "is left" in settled["notes"][0]


@pytest.mark.parametrize("address", [f"{PIT}&draws=9", f"{PIT}&low=0.7&high=1.19&seed=2"])
def test_the_script_of_descent_gives_the_numbers_of_the_page(pit, address):
    scope = made(pit, f"tab=distribution&{address}")
    chains = told(pit, "distribution", address, part="chains")
    last = scope["chains"].sel(world="W").isel(time=-1).values
    edges = np.array(chains["edges"])
    assert np.histogram(last, edges, density=True)[0].tolist() == chains["bars"][-1]
    settled = told(pit, "distribution", address, part="settled")["lines"]
    densities = [scope["settled"], scope["stays"]]
    assert [line["values"] for line in settled] == [
        in_bars(density, edges).tolist() for density in densities
    ]
    escape = told(pit, "distribution", address, part="escape")
    assert escape["chart"]["traces"][0]["values"] == scope["escape"].escaped.values.tolist()
    rows = told(pit, "distribution", address, part="times")["rows"]
    assert [row["value"] for row in rows] == [str(scope["mean"]), str(scope["rate"])]


def test_the_script_of_what_never_leaves_runs_too():
    subject, asked = subject_of("sgd_end_states"), "tab=distribution&steps=60&draws=20"
    assert "escape" not in made(subject, asked)
    scope = made(subject, f"{asked}&low=1.6&high=2.6")
    assert "mean" not in scope
    assert scope["settled"].sizes


# -- annealing -------------------------------------------------------------------------------------


def test_the_landscape_is_the_energy_that_was_declared(cooled):
    found = told(cooled, "energy", "steps=300")
    places = np.round(np.linspace(-1.4, 1.4, 15), 10)
    expected = 2 * (places**2 - 1) ** 2 + 0.5 * places
    assert found["heights"] == pytest.approx(expected.tolist(), rel=1e-14)
    assert found["names"] == [str(i) for i in range(15)]


def test_the_dots_are_the_chains_of_run_and_the_curves_theirs(cooled):
    found = told(cooled, "energy", "steps=150&draws=30&seed=3")
    chains = run(cooled.model.world(steps=150, seed=3), draws=30, keep=2).sel(world="W")
    assert found["times"] == chains.time.values.tolist()
    for row, time in enumerate(found["times"]):
        spots = chains.spot.sel(time=time).values.astype(int).tolist()
        assert found["shares"][row] == [spots.count(i) / 30 for i in range(15)]
    driven, energies = found["charts"]
    assert driven["traces"][0]["values"] == chains["T"].isel(draw=0).values.tolist()
    middle = chains["E"].quantile(0.5, "draw").values.tolist()
    assert energies["traces"][0]["values"] == middle


def test_a_forbidden_state_is_a_gap():
    spot = finite("spot", ["a", "b", "c"])
    H = Enthalpies.of(spot, {"a": 1.0, "b": 0.0, "c": float("inf")}, "minimise")
    moves = Steps.of([("a", "b"), ("b", "c")])
    subject = alone(annealing(H, moves, 0.5, start={spot: "a"}))
    found = told(subject, "energy", "steps=20")
    assert found["heights"] == [1.0, 0.0, None]
    assert all(shares[2] == 0 for shares in found["shares"])


def test_the_script_of_annealing_gives_the_numbers_of_the_page(cooled):
    address = "tab=energy&steps=150&draws=30&seed=3"
    scope = made(cooled, address)
    found = told(cooled, "energy", address)
    assert scope["heights"].values.ravel().tolist() == found["heights"]
    last = scope["chains"].spot.isel(time=-1).values.astype(int)
    assert (np.bincount(last, minlength=15) / 30).tolist() == found["shares"][-1]


def test_annealing_opens_with_what_a_step_reads_and_a_long_course(cooled):
    assert (cooled.opening.n, cooled.opening.steps) == ("spot[0]", 1000)


# -- in the browser --------------------------------------------------------------------------------


def test_the_views_are_computed_beside_the_moves():
    assert {"distribution", "energy"} <= LONG


def test_code_that_runs_chains_goes_where_long_work_goes():
    """Copying the script of a long run must not hold up the sliders."""
    desks = Desks.of("pit")
    for address, desk in ((f"{PIT}&tab=distribution", desks.slow), (PIT, desks.quick),
                          ("tab=measures", desks.quick)):  # fmt: skip
        assert desks._desk({"do": "code", "address": address}) is desk
    assert desks._desk({"do": "answer", "address": "tab=distribution"}) is desks.quick


@pytest.mark.sampled(2)
@pytest.mark.parametrize("width", [1200, 400])
def test_descent_by_keyboard_and_its_link(seen, width):
    with exploring("pit") as (_, link):
        page = seen(f"{link}#{PIT}&draws=50", width=width, height=800)
        page.page.focus("#tab-steering")
        for _ in range(3):
            page.page.keyboard.press("ArrowRight")
        assert page.page.evaluate("document.activeElement.id") == "tab-distribution"
        page.page.fill("#panel-distribution input.end >> nth=0", "0.7")
        page.page.fill("#panel-distribution input.end >> nth=1", "1.19")
        page.page.focus("text=Show where it goes")
        page.page.keyboard.press("Enter")
        page.page.wait_for_selector("#panel-distribution table")
        model = load_model("pit").system
        (T,) = model.parameters
        mean = mean_escape_time(model.with_parameters({T: 0.04}), (0.7, 1.19))
        assert str(mean) in page.page.inner_text("#panel-distribution table")
        assert page.page.locator("#panel-distribution .stairs").count() == 4  # two, and their keys
        bars = "#panel-distribution .frames rect"
        tall = "all => all.map(e => Number(e.getAttribute('height')))"
        last = page.page.eval_on_selector_all(bars, tall)
        page.page.focus("#panel-distribution input[type=range]")
        page.page.keyboard.press("Home")
        first = page.page.eval_on_selector_all(bars, tall)
        assert sum(height > 0 for height in first) == 1
        assert first != last
        assert page.page.inner_text("#panel-distribution .moment output") == "t = 0"
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        again = seen(page.page.url, width=width, height=800)
        again.page.wait_for_selector("#panel-distribution table")
        assert str(mean) in again.page.inner_text("#panel-distribution table")
        again.page.fill("#panel-distribution input.end >> nth=0", "0.8")
        again.page.wait_for_selector("#panel-distribution .result.stale")
        for one in (again, page):
            one.close()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("width", [1200, 400])
def test_annealing_by_pointer_and_its_link(seen, width):
    with exploring("annealing_landscape") as (_, link):
        page = seen(f"{link}#steps=100", width=width, height=800)
        titles = page.page.locator("[role=tab]").all_inner_texts()
        assert titles == ["Measures", "Energy", "Claims"]
        page.page.click("#tab-energy")
        page.page.click("text=Let the chains go")
        page.page.wait_for_selector("#panel-energy figure")
        radii = "all => all.map(e => Number(e.getAttribute('r')))"
        # All start at 12, and a share of 1 is the largest dot.
        page.page.focus("#panel-energy input[type=range]")
        page.page.keyboard.press("Home")
        first = page.page.eval_on_selector_all("#panel-energy .chains", radii)
        assert [i for i, r in enumerate(first) if r] == [12]
        assert first[12] == 16
        assert page.page.evaluate("document.documentElement.scrollWidth") <= width
        again = seen(page.page.url, width=width, height=800)
        again.page.wait_for_selector("#panel-energy figure")
        again.page.fill('input[type="number"][data-key="steps"]', "60")
        again.page.keyboard.press("Tab")
        again.page.wait_for_selector("#panel-energy .result.stale")
        for one in (again, page):
            one.close()
