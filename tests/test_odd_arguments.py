"""Whatever stands in the place of an argument is refused in words, or means something."""

import contextlib
import functools

import numpy as np
import pytest
from sympy import Rational, nan

from causalopt import (
    CausaloptError,
    Chain,
    Distribution,
    Enthalpies,
    Gaussian,
    Question,
    Split,
    System,
    adjusted_optimizing_strength,
    adjusted_strength_by_volume,
    boltzmann,
    choice,
    comp,
    conditional_exponents,
    draw,
    draw_template,
    escape_probability,
    every_A,
    every_m,
    finite,
    free_energy,
    heat_capacity,
    hitting_times,
    jacobian_determinant,
    log_variance_strength,
    mean_interval,
    named_graph,
    noise,
    op,
    open_sweep,
    optimizing_power,
    optimizing_strength,
    parameters,
    probability_interval,
    run,
    self_regulation,
    sgd,
    split_strengths,
    steering_shares,
    sweep,
    sweep_models,
    symbolic_comp,
    table,
    variables,
    why_not_equilibrium,
)
from causalopt.exchange import (
    formula_of,
    formula_text,
    read_bif,
    read_model,
    write_bif,
    write_dagitty,
    write_model,
)

T, R, x, y = variables("T R x y")
k, d = parameters("k d")
room = System({T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25})
W = room.world(steps=3)
on, hot = finite("on", ["yes", "no"]), finite("hot", ["hot", "cold"])
heater = System(
    {on: table(hot, "hot -> no, cold -> yes"), hot: table(on, "yes -> hot, no -> cold")},
    start={on: "yes", hot: "cold"},
)
half = Rational(1, 2)
P = Distribution.of((on, hot), [[half, 0], [0, half]])
G = Gaussian((x, y), [0, 0], [[2, 1], [1, 2]])
plane = System({x: y / 2 + x, y: x}, start={x: 0, y: 0})
walk = System({x: x + noise("e", choice([-1, 1]))}, start={x: 3})
H = Enthalpies.of(on, {"yes": 1, "no": 2})
seen = run(walk.world(steps=1), draws=4).x

asked = {"A": T, "n": R[0], "m": R[2]}
ODD = [
    None, "odd", "", 3, -1, 2.5, float("nan"), b"odd", [], {}, {1, 2}, (1, "a"), [None], True,
    np.array([1, 2]), np.array(1.0), object(), range(3), slice(0, 2), nan, 10**400, R, k, room, W,
    seen, P,
]  # fmt: skip

CALLS = {
    "op": (op, {"of": room, **asked, "branch": "real", "keep": "all", "on_failure": "raise"}),
    "comp": (comp, {"of": W, **asked, "steps": None, "read": None, "along": None}),
    "every_m": (every_m, {"of": room, "A": T, "n": R[0], "steps": 2, "measure": "op"}),
    "every_A": (every_A, {"of": room, "n": R[0], "m": R[2], "along": None, "read": None}),
    "power": (optimizing_power, {"of": room, **asked, "over": {R[0]: [1, 2]}, "along": None}),
    "symbolic": (symbolic_comp, {"of": room, **asked, "values": {}, "at": {}, "delta": 1}),
    "question": (Question, {"of": room, **asked, "read": None, "keep": "all"}),
    "exponents": (conditional_exponents, {"of": room, "A": T, "steps": 2, "backend": "numpy"}),
    "regulation": (self_regulation, {"of": room, "A": T, "m": R[:3], "nudge": "pulse"}),
    "shares": (steering_shares, {"of": room, "m": R[:3], "nudge": "pulse", "edges": False}),
    "perturb": (W.perturb, {"nodes": R[0], "by": 1, "every_step": False}),
    "run": (functools.partial(run, W), {"keep": "all", "on_failure": "raise", "over": None}),
    "draw": (draw, {"model": room, "inputs": False, "legend": True, "stages": False}),
    "template": (draw_template, {"system": room, "mechanisms": False}),
    "graph": (named_graph, {"model": room}),
    "strength": (optimizing_strength, {"system": heater, "split": on | hot, "P": P, "base": 2}),
    "adjusted": (adjusted_optimizing_strength, {"system": heater, "split": on | hot, "P": P}),
    "splits": (split_strengths, {"system": heater, "P": P, "splits": [on | hot], "steps": 1}),
    "variance": (log_variance_strength, {"system": plane, "split": x | y, "P": G, "base": 2}),
    "volume": (
        adjusted_strength_by_volume,
        {"system": plane, "split": x | y, "P": G.sample(60, seed=1)},
    ),
    "jacobian": (jacobian_determinant, {"system": plane}),
    "of": (Distribution.of, {"variables": on, "masses": [1, 3], "normalise": True}),
    "chain": (Chain, {"variables": on, "kernel": [[1, 3], [1, 1]], "normalise": True}),
    "table": (table, {"parents": on, "rows": "yes -> hot, no -> cold", "normalise": False}),
    "choice": (choice, {"values": [1, 2], "weights": [1, 3], "normalise": True}),
    "finite": (finite, {"name": "f", "values": ["a", "b"]}),
    "split": (Split, {}),
    "boltzmann": (boltzmann, {"H": H, "T": 1}),
    "free energy": (free_energy, {"P": Distribution.uniform(on), "H": H, "T": 1}),
    "capacity": (heat_capacity, {"H": H, "T": 1}),
    "why": (
        why_not_equilibrium,
        {"P": Distribution.uniform(on), "H": H, "T": 1, "chain": None, "start": None, "level": 0.1},
    ),
    "escape": (escape_probability, {"system": walk, "inside": (0, 8), "steps": 3, "side": "any"}),
    "hitting": (hitting_times, {"system": walk, "inside": (0, 8), "steps": 3, "side": "any"}),
    "mean": (mean_interval, {"values": seen, "level": 0.9, "dim": "draw"}),
    "probability": (probability_interval, {"happened": seen > 3, "level": 0.9, "method": "exact"}),
    "sgd": (
        sgd,
        {"losses": [x, -x], "parameter": x, "rate": 0.1, "start": {x: 1}, "weights": None},
    ),
    "open_sweep": (open_sweep, {"store": "nowhere.zarr"}),
    "read_bif": (read_bif, {"path": "nowhere.bif"}),
    "read_model": (read_model, {"path": "nowhere.toml"}),
    "formula_of": (formula_of, {"text": "x", "symbols": {"x": x}}),
    "formula_text": (formula_text, {"formula": x}),
}


def _same(u):
    return u


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CALLS)
def test_no_error_of_a_library_comes_through(name):
    call, options = CALLS[name]
    for option in options:
        for odd in ODD:
            with contextlib.suppress(CausaloptError):
                call(**{**options, option: odd})


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: W.perturb(R[0], every_step="no"), "every_step is 'no': write True or False"),
        (lambda: steering_shares(room, R[:3], edges="no"), "edges is 'no': write True or False"),
        (lambda: draw(room, legend="no"), "legend is 'no': write True or False"),
        (lambda: Distribution.of(on, [1, 3], normalise="no"), "normalise is 'no'"),
        (lambda: choice([1, 2], [1, 3], normalise="no"), "normalise is 'no'"),
        (lambda: split_strengths(heater, P, steps=0), "steps is 0: write a whole number of 1"),
        (lambda: split_strengths(heater, P, steps=True), "steps is True"),
        (lambda: split_strengths(heater, P, splits=[]), "splits is empty"),
        (lambda: comp(room, **asked, read=[1.0]), "leave it out"),
        (lambda: every_A(room, n=R[0], m=R[2], read=[1.0]), "leave it out"),
        (lambda: every_A(room, n=R[0], m=R[2], along=[1.0]), "leave along out"),
        (lambda: conditional_exponents(room, T, steps=2, backend="odd"), "no backend 'odd'"),
        (lambda: sgd([x, -x], x, 0.1, start={x: 1}, weights=[]), "2 values and 0 weights"),
        (lambda: sgd({x, -x}, x, 0.1, start={x: 1}), "a set has no order"),
        (lambda: choice({2, 1}, [0.9, 0.1]), "a set has no order"),
        (lambda: escape_probability(walk, {0, 8}, 3), "write two numbers"),
        (lambda: run(W, over={k: {0.1, 0.2}}), r"over\[k\] is \{.*\} \(set\): write a list"),
        (lambda: run(W, over={k: ["a"]}), r"over\[k\] holds 'a' \(str\), which is no number"),
        (lambda: symbolic_comp(room, **asked, delta=nan), "delta is nan"),
        (lambda: why_not_equilibrium(Distribution.uniform(on), H, 1, start=P), "write chain="),
        (lambda: sweep(_same, {"u": [1]}, store=None), r"store is None \(NoneType\): write a path"),
        (lambda: sweep(_same, {"u": [1]}, store="a.zarr", workers=0), "workers is 0"),
        (lambda: sweep(_same, {"u": [1]}, store="a.zarr", retry="no"), "retry is 'no'"),
        (lambda: sweep_models(["lorenz"], None, store="a.zarr"), "write a function of a model"),
        (lambda: write_model(None, room), "path is None"),
        (lambda: write_bif(room, "a.bif"), "a Network of tables"),
        (lambda: write_dagitty(None, "a.txt"), "no graph of single arrows"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_not_taken_for_something(call, told):
    with pytest.raises(CausaloptError, match=told):
        call()
