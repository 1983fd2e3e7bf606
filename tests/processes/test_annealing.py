"""Annealing: kernels by their laws, runs against exact distributions, models of spins, refusals."""

import itertools
import math

import dimod
import networkx as nx
import numpy as np
import pytest
import scipy.stats
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    Distribution,
    Enthalpies,
    Flips,
    Ising,
    QueryError,
    Steps,
    Sweeps,
    TooLargeError,
    annealed,
    annealing,
    annealing_kernel,
    boltzmann,
    finite,
    geometric,
    linear,
    logarithmic,
    parameter,
    run,
    time,
)

RULES = ["metropolis", "glauber", "heat-bath"]
colour = finite("colour", ["red", "green", "blue"])
side = finite("side", ["left", "right"])
spot = finite("spot", range(6))
RING = Steps.of(nx.cycle_graph(6))
PATH = Steps.of({0: [1], 1: [0, 2, 4], 2: [1, 3], 3: [2], 4: [1, 5], 5: [4]})

heights = st.lists(st.floats(-4, 4), min_size=6, max_size=6)
temperatures = st.floats(0.3, 20)
conventions = st.sampled_from(["maximise", "minimise"])


def two(given, convention="maximise"):
    return Enthalpies.of((colour, side), np.array(given).reshape(3, 2), convention)


def one(given, convention="maximise"):
    return Enthalpies.of(spot, given, convention)


CASES = [(two, Flips()), (one, RING), (one, PATH), (two, Sweeps())]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("table", "moves"), CASES[:3])
@settings(max_examples=30)
@given(given=heights, T=temperatures, convention=conventions)
def test_kernels_are_in_detailed_balance(table, moves, rule, given, T, convention):
    H = table(given, convention)
    assert annealing_kernel(H, moves, T, rule).imbalance(boltzmann(H, T)) < 1e-12


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("table", "moves"), CASES)
@settings(max_examples=30)
@given(given=heights, T=temperatures, convention=conventions)
def test_kernels_settle_at_boltzmann(table, moves, rule, given, T, convention):
    H = table(given, convention)
    found = annealing_kernel(H, moves, T, rule).settled()
    np.testing.assert_allclose(found.to_xarray(), boltzmann(H, T).to_xarray(), atol=1e-10)


def plain_kernel(rewards, neighbours, T, accept):
    """A kernel of steps to neighbours, written down from its definition."""
    size, degree = len(rewards), max(map(len, neighbours.values()))
    made = np.zeros((size, size))
    for here, many in neighbours.items():
        for there in many:
            made[here, there] = accept((rewards[there] - rewards[here]) / T) / degree
        made[here, here] = 1 - made[here].sum()
    return made


@pytest.mark.parametrize(
    ("rule", "accept"),
    [
        ("metropolis", lambda d: min(1.0, math.exp(d))),
        ("glauber", lambda d: 1 / (1 + math.exp(-d))),
        ("heat-bath", lambda d: 1 / (1 + math.exp(-d))),
    ],
)
@given(given=heights, T=temperatures)
def test_steps_are_taken_with_the_chance_of_the_rule(rule, accept, given, T):
    neighbours = {0: [1], 1: [0, 2, 4], 2: [1, 3], 3: [2], 4: [1, 5], 5: [4]}
    expected = plain_kernel(given, neighbours, T, accept)
    found = annealing_kernel(one(given), PATH, T, rule).kernel.toarray()
    np.testing.assert_allclose(found, expected, atol=1e-14)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("table", "moves"), CASES)
def test_a_push_is_the_product_of_the_kernels(table, moves, rule):
    H, steps = table([0.3, -1.2, 2.0, 0.1, 1.1, -0.4]), 5
    schedule = geometric(4, 0.5, steps=4)
    start = Distribution.uniform(*H.variables).floats()
    P = start
    for i in range(steps):
        T = float(schedule.subs(time, i))
        P = annealing_kernel(H, moves, T, rule).push(P)
    data = annealed(H, moves, schedule, rule, start=start, steps=steps)
    np.testing.assert_allclose(data.P[-1], P.to_xarray(), atol=1e-14)
    last = annealed(H, moves, schedule, rule, start=start, steps=steps, keep="last")
    assert last.identical(data.isel(time=[-1]))


FORMULA = (colour - 1) ** 2 - 2 * colour * side + side / sp.Integer(3)


def ensemble(energy, moves, rule, start, steps, schedule, draws=4000):
    system = annealing(energy, moves, schedule, rule, start=start)
    return run(system.world(steps, seed=3), draws=draws, keep="last")


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("moves", [Flips(), Sweeps()])
@pytest.mark.parametrize("by", ["table", "formula"])
def test_chains_have_the_exact_distribution(by, moves, rule):
    steps, schedule = 7, linear(3, 0.5, steps=6)
    table = Enthalpies.tabulated((colour, side), FORMULA)
    energy = table if by == "table" else FORMULA
    start = {colour: "red", side: "left"}
    found = ensemble(energy, moves, rule, start, steps, schedule)
    exact = annealed(table, moves, schedule, rule, start=Distribution.delta(start), steps=steps)
    states = (found.colour * 2 + found.side).values.astype(int).reshape(-1)
    counts = np.bincount(states, minlength=6)
    expected = exact.P[-1].values.reshape(-1)
    # A fair test says so once in 100,000 runs of other seeds.
    assert scipy.stats.chisquare(counts, expected * counts.sum()).pvalue > 1e-5
    energies = table.values[states]
    np.testing.assert_allclose(found.E.values.reshape(-1), energies, atol=1e-12)


@pytest.mark.parametrize("rule", RULES)
def test_chains_of_steps_have_the_exact_distribution(rule):
    H, steps = one([0.0, 1.0, 0.5, 2.0, -1.0, 1.5]), 9
    found = ensemble(H, PATH, rule, {spot: 2}, steps, 0.8)
    start = Distribution.delta({spot: 2})
    exact = annealed(H, PATH, 0.8, rule, start=start, steps=steps).P[-1].values
    counts = np.bincount(found.spot.values.astype(int).reshape(-1), minlength=6)
    assert scipy.stats.chisquare(counts, exact * counts.sum()).pvalue > 1e-5


def test_one_chain_by_hand():
    """The decisions of a run follow from the gains and temperatures that it shows."""
    system = annealing(FORMULA, Sweeps(), 0.7, start={colour: "blue", side: "left"})
    data = run(system.world(200)).sel(world="W")
    moved = data.colour.values[1:] != data.colour.values[:-1]
    np.testing.assert_array_equal(moved, data.accept_colour.values[1:] == 1)
    # What improves is always taken.
    assert (data.accept_colour.values[1:][data.gain_colour.values[1:] > 0] == 1).all()
    np.testing.assert_array_equal(data["T"], 0.7)


def glass(spins, seed=0, degree=None):
    graph = nx.complete_graph(spins) if degree is None else nx.random_regular_graph(degree, spins,
                                                                                  seed)  # fmt: skip
    rng = np.random.default_rng(seed)
    for u, v in graph.edges:
        graph.edges[u, v]["weight"] = float(rng.choice([-1.0, 1.0]))
    for node in graph:
        graph.nodes[node]["field"] = float(rng.normal() / 10)
    return graph


def all_states(count):
    return np.array(list(itertools.product([-1, 1], repeat=count)))


def test_a_graph_has_the_energies_of_dimod():
    graph = glass(7)
    model = Ising.of_graph(graph, field="field")
    h = {node: data["field"] for node, data in graph.nodes(data=True)}
    J = {(u, v): data["weight"] for u, v, data in graph.edges(data=True)}
    bqm = dimod.BinaryQuadraticModel.from_ising(h, J, offset=0.5)
    states = all_states(7)
    expected = bqm.energies((states, list(graph)))
    np.testing.assert_allclose(model.energies(states) + 0.5, expected, atol=1e-12)
    np.testing.assert_allclose(Ising.of_bqm(bqm).energies(states), expected, atol=1e-12)
    tabulated = Enthalpies.tabulated(model.spins, model.energy)
    np.testing.assert_allclose(tabulated.values + 0.5, expected, atol=1e-12)


def test_a_qubo_has_the_energies_of_dimod():
    rng = np.random.default_rng(2)
    Q = {(f"x{i}", f"x{j}"): float(rng.normal()) for i in range(5) for j in range(5)}
    bqm, model = dimod.BinaryQuadraticModel.from_qubo(Q), Ising.qubo(Q)
    states = np.array(list(itertools.product([0, 1], repeat=5)))
    expected = bqm.energies((states, [spin.name for spin in model.spins]))
    np.testing.assert_allclose(model.energies(states), expected, atol=1e-12)
    tabulated = Enthalpies.tabulated(model.spins, model.energy)
    np.testing.assert_allclose(tabulated.values, expected, atol=1e-12)
    with pytest.raises(DeclarationError, match="write their values"):
        model.energies(states.astype(str))


def test_sixteen_spins_have_an_exact_final_distribution():
    model = Ising.of_graph(glass(16, seed=5, degree=3), field="field")
    H = Enthalpies.tabulated(model.spins, model.energy)
    start = Distribution.uniform(*model.spins).floats()
    slow = annealed(H, Sweeps(), geometric(3, 0.2, steps=60), start=start, steps=60, keep="last")
    masses, energies = slow.P.values.reshape(-1), model.energies(all_states(16))
    assert masses.sum() == pytest.approx(1, abs=1e-12)
    assert float(slow.enthalpy[0]) == pytest.approx(masses @ energies)
    found = ensemble(model.energy, Sweeps(), "metropolis", dict.fromkeys(model.spins, 1), 60,
                     geometric(3, 0.2, steps=60), draws=1000)  # fmt: skip
    best = energies.min()
    hits = int((found.E.values < best + 1e-9).sum())
    # All spins up is another start, which 60 sweeps from T = 3 forget.
    interval = scipy.stats.binomtest(hits, 1000).proportion_ci(1 - 1e-6)
    assert interval.low < masses[energies < best + 1e-9].sum() < interval.high


def test_forbidden_states_are_never_entered():
    H = one([0.0, 0.0, -np.inf, 1.0, 1.0, 1.0])
    system = annealing(H, RING, 50.0, start={spot: 0})
    found = run(system.world(300), draws=50)
    assert not (found.spot == 2).any()
    exact = annealed(H, RING, 50.0, start=Distribution.delta({spot: 0}), steps=300)
    assert float(exact.P.sel(spot=2).max()) == 0.0
    with pytest.raises(DeclarationError, match="start is a forbidden state"):
        annealing(H, RING, 50.0, start={spot: 2})


def test_parameters_may_scale_the_schedule_and_the_energy():
    k, J = parameter("k"), parameter("J")
    system = annealing(J * FORMULA, Flips(), k / (time + 1), start={colour: "red", side: "left"},
                       parameters={k: 2.0, J: 0.5})  # fmt: skip
    data = run(system.world(3), over={k: [1.0, 2.0]})
    np.testing.assert_allclose(data["T"].sel(world="W", time=2), [0.5, 1.0])


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (0, "is 0 at step 0: a temperature is above 0.*Let it end at a small one"),
        (-1.5, "is -1.5 at step 0"),
        (10 - time, "is 0 at step 10"),
        (sp.log(time), "at step 0"),
        (parameter("k") * time, "uses k: write it with causalopt's time"),
        ("cold", "text is never parsed"),
    ],
)
def test_schedules_that_reach_zero_are_refused(schedule, said):
    with pytest.raises(DeclarationError, match=said):
        annealing(FORMULA, Flips(), schedule, start={colour: "red", side: "left"})
    if not isinstance(schedule, str):
        with pytest.raises(DeclarationError, match=said):
            annealed(one(range(6)), RING, schedule, start=Distribution.uniform(spot), steps=3)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: geometric(1, 0, steps=10), r"geometric\(last\) is 0: .* End at a small one"),
        (lambda: linear(-1, 1, steps=10), r"linear\(first\) is -1"),
        (lambda: linear(2, 1, steps=1), "whole number of 2 or more"),
        (lambda: logarithmic(0), r"logarithmic\(depth\) is 0"),
        (lambda: Steps.of({"a": ["b"], "b": []}), "not symmetric: 'a' leads to 'b', and not back"),
        (lambda: Steps.of(nx.DiGraph([(0, 1)])), "not symmetric: 0 leads to 1"),
        (lambda: Ising.of_graph(nx.path_graph(3)), "no attribute 'weight'"),
        (lambda: Ising.of_graph(nx.DiGraph([(0, 1)]), coupling=1.0), "undirected"),
        (lambda: Ising.of_graph(nx.Graph(), coupling=1.0), "no spins"),
        (lambda: Ising.of_graph(nx.Graph([("s1", 1)]), coupling=1.0), "Two spins are named s1"),
        (lambda: Ising.of_graph(nx.path_graph(2), coupling=np.nan), "the coupling s0 - s1"),
    ],
)
def test_what_cannot_be_is_refused(make, said):
    with pytest.raises(DeclarationError, match=said):
        make()


@pytest.mark.parametrize(
    ("moves", "options", "said"),
    [
        (
            Steps.of([(0, 1), (1, 2), (3, 4), (4, 5)]),
            {},
            "spot = 3 cannot be reached from spot = 0",
        ),
        (Steps.of([(0, 7)]), {}, "no value of spot"),
        (RING, {"rule": "metropolys"}, "no rule 'metropolys'. Did you mean metropolis"),
        (RING, {"start": {}}, "name a value for each finite variable"),
        (RING, {"start": {colour: "red"}}, "start names colour, and the enthalpies are over spot"),
        (RING, {"start": {spot: 9}}, "no value of spot"),
    ],
)
def test_annealing_refuses(moves, options, said):
    given = {"start": {spot: 0}, **options}
    with pytest.raises(DeclarationError, match=said):
        annealing(one(range(6)), moves, 1.0, **given)


def test_energies_refuse_foreign_symbols_and_names_of_nodes():
    with pytest.raises(DeclarationError, match="energy uses side, which has no start"):
        annealing(FORMULA, Flips(), 1.0, start={colour: "red"})
    T = finite("T", ["a", "b"])
    for own in (T, finite("site", [0, 1])):
        with pytest.raises(DeclarationError, match="name of one of annealing's own nodes"):
            annealing(own * side, Flips(), 1.0, start={own: own.values[0], side: "left"})
    with pytest.raises(DeclarationError, match="Steps move one variable"):
        annealing(FORMULA, RING, 1.0, start={colour: "red", side: "left"})


def test_forbidden_states_that_cut_the_others_apart_are_told():
    H = one([0.0, -np.inf, 1.0, 1.0, -np.inf, 1.0])
    with pytest.raises(DeclarationError, match="allowed states: spot = 2 cannot be reached from"):
        annealing_kernel(H, Steps.of(nx.path_graph(6)), 1.0)


def test_too_many_states_are_told_before_anything_runs():
    spins = Ising.of_graph(nx.cycle_graph(12), coupling=1.0)
    H = Enthalpies.tabulated(spins.spins, spins.energy)
    with pytest.raises(TooLargeError, match=r"4,096 states is dense \(0.125 GiB\)"):
        annealing_kernel(H, Sweeps(), 1.0)
    with pytest.raises(QueryError, match=r"T is 0.0: a temperature"):
        annealing_kernel(H, Flips(), 0.0)
    many = [finite(f"s{i}", [-1, 1]) for i in range(23)]
    wide = Enthalpies(tuple(many), np.zeros(2**23))
    with pytest.raises(TooLargeError, match=r"8,388,608 states need 0.0625 GiB .* draws=1000"):
        annealed(wide, Sweeps(), 1.0, start=Distribution.uniform(colour), steps=2)
    start = Distribution.uniform(*spins.spins)
    with pytest.raises(TooLargeError, match="Keeping 100,000,000,001 distributions over 4,096"):
        annealed(H, Sweeps(), 1.0, start=start, steps=10**11)


@pytest.mark.parametrize("rule", RULES)
def test_compiled_chains_are_the_same_chains(rule):
    start = {colour: "red", side: "left"}
    W = annealing(FORMULA, Sweeps(), geometric(3, 0.3, steps=50), rule, start=start).world(200)
    assert run(W, draws=30, backend="numba").equals(run(W, draws=30, backend="numpy"))


# -- names, moves, temperatures that would be taken for others -----------------------------------


@pytest.mark.parametrize("moves", [Flips(), Sweeps()])
@pytest.mark.parametrize("turned", [False, True])
def test_two_nodes_of_one_name_are_refused(moves, turned):
    # The gain of p = q_c, and that of p_q = c.
    p, p_q = finite("p", ["a", "b", "q_c"]), finite("p_q", ["a", "c", "d"])
    H = Enthalpies.of((p, p_q), np.arange(9.0).reshape(3, 3))
    start = dict.fromkeys((p_q, p) if turned else (p, p_q), "a")
    with pytest.raises(DeclarationError, match="would be called gain_p_q_c"):
        annealing(H, moves, 1.0, "heat-bath", start=start)
    assert annealing(H, moves, 1.0, "metropolis", start=start).variables


@pytest.mark.parametrize("moves", [None, Flips, "flips", [("a", "b")]])
def test_what_is_no_move_is_taken_for_none(moves):
    H = one(range(6))
    for ask in (
        lambda: annealing(H, moves, 1.0, start={spot: 0}),
        lambda: annealing_kernel(H, moves, 1.0),
        lambda: annealed(H, moves, 1.0, start=Distribution.uniform(spot), steps=1),
    ):
        with pytest.raises(DeclarationError, match=r"write Flips\(\), Sweeps\(\)"):
            ask()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("moves", [Flips(), Sweeps()])
def test_what_is_forbidden_stays_so_at_every_temperature(rule, moves):
    H = two([0.0, 1.0, -math.inf, 3.0, 2.0, -math.inf])
    kernel = annealing_kernel(H, moves, math.inf, rule).kernel.toarray()
    nearly = annealing_kernel(H, moves, 1e14, rule).kernel.toarray()
    assert np.allclose(kernel, nearly, atol=1e-12)
    assert not kernel[np.ix_(H.allowed, ~H.allowed)].any()


@pytest.mark.parametrize("T", [None, "1", 1j, [1.0], sp.Symbol("T"), 0, math.nan, True])
def test_a_temperature_of_a_kernel_is_a_number_above_0(T):
    with pytest.raises(QueryError, match="a temperature is a number above 0"):
        annealing_kernel(one(range(6)), Flips(), T)


@pytest.mark.parametrize("rule", [[], {}, np.ones(2), 3, "metropoli"])
def test_a_rule_is_one_of_three_words(rule):
    with pytest.raises(DeclarationError, match="There is no rule"):
        annealing(one(range(6)), Flips(), 1.0, rule, start={spot: 0})


@pytest.mark.parametrize("given", [3, None, "ab", [("a",)], [3], [("a", ["b"])], {"a": "b"}])
def test_steps_are_pairs_or_a_graph(given):
    with pytest.raises(DeclarationError, match="neighbours"):
        Steps.of(given)
    assert Steps.of(np.array([["a", "b"]])).pairs == (("a", "b"),)


@pytest.mark.parametrize("start", [None, "a", ["a"], {}, {"spot": 0}])
def test_a_start_of_annealing_names_variables(start):
    with pytest.raises(DeclarationError, match="start"):
        annealing(one(range(6)), Flips(), 1.0, start=start)
