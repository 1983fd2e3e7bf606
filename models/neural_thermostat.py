"""Which units of a network are the thermostat?"""

import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import xarray as xr
from scipy.linalg import solve_discrete_are, solve_discrete_lyapunov
from scipy.optimize import minimize_scalar
from scipy.stats import spearmanr

from causalopt import (
    System,
    array,
    every_A,
    function,
    mean_interval,
    noise,
    normal,
    op,
    parameters,
    plots,
    run,
    tangents,
    training,
    unit_shares,
    variables,
)
from causalopt.study import Archive, Claim, Experiment, Study

AIM = 'the aim of "Defining Optimization in a Deeper Way", part 4: neural networks'
APART = "computed apart from this software, in plain JAX"

# Two quantities of a room, and what each network has for both: 16 units.
LOOPS, UNITS = ("temperature", "humidity"), 16
KINDS, SEEDS = ("MLP", "RNN"), range(10)
# How fast each forgets, how much a heater or a humidifier does, and how weather comes and goes.
LEAK, POWER, LASTS = (np.array(pair) for pair in ([0.05, 0.1], [0.2, 0.15], [0.95, 0.9]))
OUTSIDE, GOAL = np.array([12.0, 0.0]), np.array([25.0, 0.0])
# What holds the room at its goal, in the mean; what a unit of power costs; noises of the weather,
# of the room and of the sensors.
USUAL, PRICE = LEAK * (GOAL - OUTSIDE) / POWER, 3.0
WEATHER, DRAUGHT, SENSOR = 1.0, 0.05, 0.05
# Training: so many batches, of so many rooms, over so many steps, the first of which do not count.
ROUNDS, ROOMS, HORIZON, WARMING = 800, 16, 80, 30
# A nudge is looked at after so many steps, from each of these on, in so many draws of the noise.
LATER, BEGINNINGS, DRAWS = 10, (100, 180, 260), 8


def first_weights(kind, seed):
    """Small weights into and out of the units; an RNN has some among them."""
    rng = np.random.default_rng(seed)
    weights = {
        "into": rng.normal(size=(UNITS, 2)) * np.sqrt(0.5),
        "bias": rng.normal(size=UNITS) * 0.1,
        "out": rng.normal(size=(2, UNITS)) / np.sqrt(UNITS),
        "usual": np.zeros(2),
    }
    if kind == "RNN":
        weights["among"] = rng.normal(size=(UNITS, UNITS)) * 0.5 / np.sqrt(UNITS)
    return weights


# -- the room, one mechanism a node --------------------------------------------------------------


def units_of(h, state, shock, weights):
    """The units see both quantities through noisy sensors; those of an RNN see each other."""
    seen = (state + SENSOR * shock[4:] - GOAL) / 2
    among = weights["among"] @ h if "among" in weights else 0.0
    return jnp.tanh(weights["into"] @ seen + weights["bias"] + among)


def power_of(h, weights):
    """What heats, and what moistens."""
    return USUAL + weights["out"] @ h + weights["usual"]


def state_of(state, sky, power, shock):
    """The room leaks, is heated and moistened, and has draughts."""
    return state + LEAK * (OUTSIDE + sky - state) + POWER * power + DRAUGHT * shock[2:4]


def sky_of(sky, shock):
    """The weather stays as it is for a while."""
    return LASTS * sky + WEATHER * shock[:2]


def course(weights, state, sky, shocks, moved=0.0):
    """Both quantities, power and units over time; ``moved`` is added to the units."""

    def step(before, given):
        (state, sky, h), (shock, by) = before, given
        h = units_of(h, state, shock, weights) + by
        power = power_of(h, weights)
        state, sky = state_of(state, sky, power, shock), sky_of(sky, shock)
        return (state, sky, h), (state, power, h)

    by = jnp.broadcast_to(moved, (len(shocks), UNITS))
    first = jnp.asarray(state), jnp.asarray(sky), jnp.zeros(UNITS)
    return jax.lax.scan(step, first, (shocks, by))[1]


def cost(state, power):
    """How far off both quantities are, and what the power costs that differs from the usual."""
    return ((state - GOAL) ** 2 + PRICE * (power - USUAL) ** 2).sum(axis=-1)


def trained(kind, seed):
    """A network that has learned to hold the room, by Adam and 800 batches of rooms."""

    def loss(weights, state, sky, shocks):
        states, power, _ = course(weights, state, sky, shocks)
        return cost(states, power)[WARMING:].mean()

    with jax.enable_x64(True):

        @jax.vmap
        def rooms(number):
            keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), number), 3)
            shocks = jax.random.normal(keys[0], (ROOMS, HORIZON, 6))
            state = GOAL + 2 * jax.random.normal(keys[1], (ROOMS, 2))
            spread = WEATHER / np.sqrt(1 - LASTS**2)
            return state, spread * jax.random.normal(keys[2], (ROOMS, 2)), shocks

        data = [np.asarray(part) for part in rooms(jnp.arange(ROUNDS))]
    rows = [part.reshape(ROUNDS * ROOMS, *part.shape[2:]) for part in data]
    order = np.arange(ROUNDS * ROOMS).reshape(ROUNDS, ROOMS)
    optimizer = optax.adam(optax.cosine_decay_schedule(1e-2, ROUNDS))
    learning = training(loss, first_weights(kind, seed), rows, optimizer, batches=order)
    last = run(learning.system.world(steps=ROUNDS), keep="last").theta
    return learning.weights.tree(last[0, 0])


# -- the room with a network in it, as a system --------------------------------------------------

# How far all noises are moved along a course of their own: a nudge of it is one of the weather.
(gust,) = variables("gust")
network, mask = parameters("network mask")


def nodes_of(room):
    """The nodes of a room, and its noises."""
    arrays = (("h", UNITS), ("power", 2), ("state", 2), ("sky", 2))
    noises = (noise(f"{name}{room}", normal(0, 1), shape=6) for name in ("shock", "along"))
    return *(array(f"{name}{room}", size) for name, size in arrays), *noises


h, u, T, x, shock, along = nodes_of("")


def shaken(shock, along, gust):
    """The noises of a step, moved."""
    return shock + gust * along


def units(h, state, shock, along, gust, network):
    return units_of(h, state, shaken(shock, along, gust), network)


def room_after(state, sky, power, shock, along, gust):
    return state_of(state, sky, power, shaken(shock, along, gust))


def weather_after(sky, shock, along, gust):
    return sky_of(sky, shaken(shock, along, gust))


def mechanisms(nodes):
    """h sees the room, the power sees h, and the room the power."""
    h, u, T, x, shock, along = nodes
    return {
        h: function(units)(h, T, shock, along, gust, network),
        u: function(power_of)(h.next, network),
        T: function(room_after)(T, x, u.next, shock, along, gust),
        x: function(weather_after)(x, shock, along, gust),
    }


def start(nodes):
    """At the goal, with the power that holds it in the mean."""
    h, u, T, x, *_ = nodes
    return {h: np.zeros(UNITS), u: USUAL, T: GOAL, x: np.zeros(2)}


def with_network(weights):
    """The room and its network."""
    nodes = nodes_of("")
    return System(
        {**mechanisms(nodes), gust: gust},
        start={**start(nodes), gust: 0.0},
        parameters={network: weights},
    )


def swapped(h, state, shock, along, gust, network, other, mask):
    """The units, of which some say what they say in another room."""
    return jnp.where(mask, other, units(h, state, shock, along, gust, network))


def beside_another(weights, unit):
    """The same, where a unit says what it says in another room, of other noises."""
    nodes, others = nodes_of(""), nodes_of("_of_another")
    both = {**mechanisms(others), **mechanisms(nodes), gust: gust}
    both[h] = function(swapped)(h, T, shock, along, gust, network, others[0].next, mask)
    return System(
        both,
        start={**start(nodes), **start(others), gust: 0.0},
        parameters={network: weights, mask: np.arange(UNITS) == unit},
    )


def attributions(system, loop):
    """Of each unit as A: Op and shares against a nudge of the room, and Op against the weather.

    The first are means over draws of the noise and over steps at which the nudge is made; n and m
    are one quantity. ``op_var`` is 1/2 log of the mean square answers to gusts, held and free.
    """
    v = np.eye(2)[loop]
    worlds = [system.world(steps=max(BEGINNINGS) + LATER, seed=seed) for seed in range(DRAWS)]
    found = []
    for world, start in itertools.product(worlds, BEGINNINGS):
        asked = {"n": T[start], "m": T[start + LATER], "along": v, "read": v}
        shares = unit_shares(world, among=h, tolerance=1e-5, **asked)
        found.append(
            xr.Dataset(
                {
                    "op": ("unit", every_A(world, among=h, **asked).values),
                    "soft": ("unit", shares.first_order.values),
                    "share": ("unit", shares.share.values),
                    "all": op(world, A=h, **asked),
                }
            )
        )
    mean = xr.concat(found, "try").mean("try")
    W = system.world(steps=300)
    X = W.perturb(gust[0])
    held = [X, *(X.clamp(h.part[unit], to=W) for unit in range(UNITS))]
    answers = tangents(*held, keep=T[100:301], draws=DRAWS).state.isel(state_axis0=loop)
    size = (answers**2).mean(["time", "draw"]).values
    return mean.assign(op_var=("unit", np.log(size[1:] / size[0]) / 2))


def spreads(data):
    """The standard deviation of both quantities, when they have settled: (..., 2)."""
    settled = data.state.sel(time=slice(50, None))
    return settled.std(["time", "draw"]).values


def ablations(weights, loop):
    """By how much a quantity spreads more, log of the ratio, where each unit is held (unit,).

    At its mean, at 0, or at what it says in another room.
    """
    W, draws = with_network(weights).world(steps=400), 24
    free = run(W, keep=[T[:], h[:]], draws=draws)
    mean = free.h.sel(time=slice(50, None)).mean(["world", "time", "draw"]).values
    held = {
        kind: [W.do(h.part[unit], np.full(UNITS, value[unit])) for unit in range(UNITS)]
        for kind, value in (("mean", mean), ("zero", np.zeros(UNITS)))
    }
    found = {
        kind: spreads(run(*worlds, keep=T[:], draws=draws))[:, loop]
        for kind, worlds in held.items()
    }
    swapped = (beside_another(weights, unit).world(steps=400) for unit in range(UNITS))
    found["resampled"] = np.array(
        [spreads(run(one, keep=T[:], draws=draws))[0, loop] for one in swapped]
    )
    usual = spreads(free)[0, loop]
    return xr.Dataset({kind: ("unit", np.log(size / usual)) for kind, size in found.items()})


def baselines(weights, loop):
    """What else is asked of units: gains and weights, gradient times activity, variance (unit,)."""
    with jax.enable_x64(True):
        shocks = jax.random.normal(jax.random.key(5), (24, 400, 6))
        zeros = np.zeros(2)

        @jax.jit
        def of_all(shocks):
            return jax.vmap(lambda one: course(weights, GOAL, zeros, one))(shocks)

        @jax.jit
        @jax.vmap
        def slope(shocks):
            def off(moved):
                state, *_ = course(weights, GOAL, zeros, shocks, moved)
                return ((state - GOAL)[50:, loop] ** 2).mean()

            return jax.grad(off)(jnp.zeros((400, UNITS)))

        states, power, active = (np.asarray(part) for part in of_all(shocks))
        by_activity = np.abs(np.asarray(slope(shocks[:8])) * active[:8]).sum(axis=(0, 1))
    out, into = weights["out"][loop], weights["into"]
    settled = active[:, 50:]
    columns = {
        "local gain": -out * (1 - settled**2).mean(axis=(0, 1)) * into[:, loop],
        "weight norm": np.abs(out) * np.linalg.norm(into, axis=1),
        "gradient times activity": by_activity,
        "variance of activity": settled.var(axis=(0, 1)),
    }
    price = np.asarray(cost(states, power))[:, 100:].mean()
    return xr.Dataset(
        {**{name: ("unit", column) for name, column in columns.items()}, "cost": price}
    )


def of_network(seed, kind):
    """One network: what is said of each of its units, and what holding it does."""
    weights = trained(kind, seed)
    system = with_network(weights)
    loops = [
        xr.merge([attributions(system, i), ablations(weights, i), baselines(weights, i)])
        for i in range(2)
    ]
    return xr.concat(loops, xr.DataArray(list(LOOPS), dims="loop", name="loop"))


NETWORKS = Archive(
    Path(__file__).parent / "data" / "neural_thermostat.nc",
    of_network,
    {"seed": SEEDS, "kind": KINDS},
    {"units": UNITS, "rounds": ROUNDS, "draws": DRAWS, "later": LATER},
)


# -- the best that there can be ------------------------------------------------------------------


def plant(loop):
    """A quantity's deviation from its goal and the weather's: A, B and C, and its noises."""
    step = np.array([[1 - LEAK[loop], LEAK[loop]], [0.0, LASTS[loop]]])
    drive, seen = np.array([[POWER[loop]], [0.0]]), np.array([[1.0, 0.0]])
    return step, drive, seen, np.diag([DRAUGHT**2, WEATHER**2]), np.array([[SENSOR**2]])


def best_gain(loop):
    """The gain of the best controller without a memory, what it costs, and its Op."""
    step, drive, seen, shocks, error = plant(loop)

    def price(gain):
        closed = step - gain * drive @ seen
        if np.abs(np.linalg.eigvals(closed)).max() >= 1:
            return np.inf
        felt = gain**2 * drive @ error @ drive.T
        spread = solve_discrete_lyapunov(closed, shocks + felt)[0, 0]
        return spread + PRICE * gain**2 * (spread + SENSOR**2)

    gain = minimize_scalar(price, bounds=(0, 6), method="bounded").x
    left = (1 - LEAK[loop] - POWER[loop] * gain) / (1 - LEAK[loop])
    return gain, price(gain), -LATER * np.log(abs(left))


def best_with_memory(loop):
    """What the best linear controller costs (Kalman's filter, and the best gain on it), and its Op.

    Source: Anderson and Moore, Optimal Control: Linear Quadratic Methods, 1990, chapter 8.
    """
    step, drive, seen, shocks, error = plant(loop)
    worth = solve_discrete_are(step, drive, np.diag([1.0, 0.0]), np.array([[PRICE]]))
    gain = np.linalg.solve(PRICE + drive.T @ worth @ drive, drive.T @ worth @ step)
    doubt = solve_discrete_are(step.T, seen.T, shocks, error)
    heed = doubt @ seen.T / (seen @ doubt @ seen.T + error)
    rest = np.eye(2) - heed @ seen
    # The room and what is expected of it, side by side.
    said = np.hstack([gain @ heed @ seen, gain @ rest])
    together = np.block(
        [
            [step - drive @ gain @ heed @ seen, -drive @ gain @ rest],
            [step @ heed @ seen - drive @ gain @ heed @ seen, (step - drive @ gain) @ rest],
        ]
    )
    felt = np.vstack([-drive @ gain @ heed, (step - drive @ gain) @ heed])
    noises = np.block([[shocks, np.zeros((2, 2))], [np.zeros((2, 4))]]) + felt @ error @ felt.T
    spread = solve_discrete_lyapunov(together, noises)
    power = said @ spread @ said.T + gain @ heed @ error @ heed.T @ gain.T
    left = np.linalg.matrix_power(together, LATER)[0, 0] / (1 - LEAK[loop]) ** LATER
    return float(spread[0, 0] + PRICE * power[0, 0]), -np.log(abs(left))


# -- over seeds ----------------------------------------------------------------------------------

ATTRIBUTIONS = {
    "op": "Op of the unit",
    "op_var": "Op against the weather",
    "share": "share",
    "soft": "first touch of its gate",
}
BASELINES = ("local gain", "weight norm", "gradient times activity", "variance of activity")


def agreement(name, ablation="mean"):
    """Spearman's correlation over units with what holding them does, (seed, kind, loop)."""
    data = NETWORKS.read()

    def of_units(one, other):
        return spearmanr(one, other)[0]

    return xr.apply_ufunc(
        of_units,
        data[name],
        data[ablation],
        input_core_dims=[["unit"], ["unit"]],
        vectorize=True,
    )


def mean_agreement(name, kind):
    """Its mean over seeds, for both loops."""
    return tuple(mean_interval(agreement(name).sel(kind=kind), dim="seed")["mean"].values)


def explained(kind):
    """How much of the rise that holding a unit makes Op against the weather foretells, R^2."""
    data = NETWORKS.read().sel(kind=kind)
    missed = ((data.op_var - data["mean"]) ** 2).mean(["seed", "unit"])
    return tuple((1 - missed / data["mean"].var(["seed", "unit"])).values)


def whole(kind, loop=0):
    """Op of all units, the mean over seeds."""
    return mean_interval(NETWORKS.read()["all"].sel(kind=kind).isel(loop=loop), dim="seed")[
        "mean"
    ].item()


def agreements():
    """The correlation of each attribution with mean-ablation, over seeds."""
    names = [*ATTRIBUTIONS, *BASELINES]
    found = xr.concat([agreement(name) for name in names], xr.DataArray(names, dims="name"))
    return found.assign_coords(name=names).to_dataset(name="agreement")


def of_agreement(data):
    """Op finds the units that matter in both networks; a unit's gain does in one that answers at
    once, and not in one with a memory.

    Means of ten networks and their intervals; left the temperature, right the humidity.
    """
    names = [ATTRIBUTIONS.get(str(name), str(name)) for name in data.name.values]
    with plots.figure(1, 2, figsize=(9.0, 3.8), sharey=True) as (picture, axes):
        for ax, loop in zip(axes, LOOPS, strict=True):
            for kind, colour, by in (
                ("MLP", plots.palette.BLUE, -0.12),
                ("RNN", plots.palette.ORANGE, 0.12),
            ):
                found = mean_interval(data.agreement.sel(kind=kind, loop=loop), dim="seed")
                plots.intervals(found, names, ax, by=by, color=colour, label=kind)
            ax.axvline(0, color=plots.palette.GREY, lw=0.8)
            ax.set(xlabel="rank correlation with ablation", title=loop, xlim=(-0.5, 1.05))
        axes[0].legend(loc="lower right")
    return picture


def of_units_held(data):
    """Op against the weather foretells by how much a quantity spreads more where a unit is held.

    A dot is a unit of one of ten networks.
    """
    with plots.figure(1, 2, figsize=(8.6, 4.0)) as (picture, axes):
        for ax, kind in zip(axes, KINDS, strict=True):
            for loop, colour in zip(LOOPS, (plots.palette.ORANGE, plots.palette.BLUE), strict=True):
                one = data.sel(kind=kind, loop=loop)
                pair = one.op_var.values.ravel(), one["mean"].values.ravel()
                ax.plot(*pair, ".", color=colour, label=loop)
            ends = np.array(ax.get_xlim())
            ax.plot(ends, ends, color=plots.palette.GREY, lw=0.8)
            ax.set(xlabel="Op against the weather [nat]", title=kind)
        axes[0].set_ylabel("log of the rise in spread")
        axes[0].legend()
    return picture


def of_the_whole(data):
    """A network with a memory holds the room better, and its Op is the smaller: it answers to a
    nudge of the room less, because it knows more of the weather. Lines: the best that there can be.
    """
    ideal = best_gain(0)[2], best_with_memory(0)[1]
    with plots.figure(figsize=(5.4, 3.6)) as (picture, ax):
        for kind, colour, best in zip(
            KINDS, (plots.palette.BLUE, plots.palette.ORANGE), ideal, strict=True
        ):
            one = data.sel(kind=kind, loop="temperature")
            ax.plot(one.cost, one["all"], "o", color=colour, label=kind)
            ax.axhline(best, color=colour, lw=0.8)
        ax.set(xlabel="cost", ylabel="Op of all units [nat]")
        ax.legend()
    return picture


def op_finds_them():
    """Whether Op against the weather is at .85 or more for both loops of both networks."""
    return all(min(mean_agreement("op_var", kind)) >= 0.85 for kind in KINDS)


def nothing_else_does():
    """Whether no baseline is above .80 in the network with a memory."""
    return all(max(mean_agreement(name, "RNN")) <= 0.80 for name in BASELINES)


study = Study(
    name="neural_thermostat",
    title="Which units of a network are the thermostat?",
    source=AIM,
    experiments=(
        Experiment(
            "networks",
            "Ten networks of each kind, unit by unit",
            NETWORKS.read,
            {"units": of_units_held, "whole": of_the_whole},
        ),
        Experiment(
            "agreement",
            "What finds the units that matter",
            agreements,
            {"agreement": of_agreement},
        ),
    ),
    claims=(
        Claim(
            "Op of single units ranks them as mean-ablation does (MLP, both loops)",
            APART,
            (0.979, 0.989),
            lambda: mean_agreement("op", "MLP"),
            0.013,
        ),
        Claim(
            "so does Op against the weather (RNN)",
            APART,
            (0.918, 0.951),
            lambda: mean_agreement("op_var", "RNN"),
            0.07,
        ),
        Claim("Op against the weather is at .85 or more in all", APART, True, op_finds_them),
        Claim("No baseline is above .80 in the RNN", APART, True, nothing_else_does),
        Claim(
            "Op against the weather foretells nine tenths of the rise that holding a unit makes",
            APART,
            True,
            lambda: min(value for kind in KINDS for value in explained(kind)) > 0.88,
        ),
        Claim("Op of the best gain", APART, 1.9985, lambda: best_gain(0)[2], 5e-5),
        Claim("Op of the best with a memory", APART, 1.5381, lambda: best_with_memory(0)[1], 5e-5),
        Claim(
            "cost of the best gain, and of the best with a memory, both quantities",
            APART,
            (3.331, 3.275),
            lambda: (
                best_gain(0)[1] + best_gain(1)[1],
                best_with_memory(0)[0] + best_with_memory(1)[0],
            ),
            5e-4,
        ),
        Claim("Op of all units of the MLP", APART, 2.035, lambda: whole("MLP"), 0.057),
        Claim("Op of all units of the RNN", APART, 1.643, lambda: whole("RNN"), 0.069),
        Claim(
            "The better controller has the smaller Op",
            APART,
            True,
            lambda: whole("RNN") < whole("MLP") and best_with_memory(0)[1] < best_gain(0)[2],
        ),
    ),
    archives=(NETWORKS,),
)
