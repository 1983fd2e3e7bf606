"""Where in a network that models a thermostat is it?"""

import functools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import xarray as xr

from causalopt import (
    System,
    array,
    function,
    mean_interval,
    parameters,
    plots,
    run,
    series,
    tangents,
    training,
)
from causalopt.study import Archive, Claim, Experiment, Study

AIM = 'the aim of "Defining Optimization in a Deeper Way", part 4: neural networks'
APART = "computed apart from this software, in plain JAX"

UNITS, SEEDS = 16, range(8)
# How much the weather varies: little, where the loop is nearly linear, and much.
LITTLE, MUCH = 0.3, 1.0
# The goal, how much the heater does, where it is at its limit, and how the sensor lags.
GOAL, POWER, LIMIT, LAG = 25.0, 0.05, 3.0, 0.3
# Training: so many batches, of so many rooms, over so many steps.
ROUNDS, ROOMS, HORIZON = 1500, 32, 60
# A nudge of the weather is made at a step, and looked at over the next ones.
NUDGED, LATER = 21, 25
# What a network and a room remember of the weather of so many steps tells where one answers as
# the other does.
MEMORY = 12


# -- the room, and the network -------------------------------------------------------------------


def room_after(temperature, thermostat, weather):
    """The weather and the heater move the room; the heater has a limit."""
    return temperature - POWER * LIMIT * jnp.tanh(thermostat / LIMIT) + weather


def thermostat_after(thermostat, temperature):
    """The thermostat follows the room, late."""
    return thermostat + LAG * (temperature - GOAL - thermostat)


def memory_after(memory, weather, network):
    """The network sees the weather, and nothing of the room."""
    seen = weather[..., None] * network["into"]
    return jnp.tanh(memory @ network["among"].T + seen + network["bias"])


def foretold(memory, network):
    """What it says that the room's temperature is: the thermostat is none of its outputs."""
    return GOAL + 3 * (memory @ network["out"] + network["usual"])


def first_memory(temperature, thermostat, network):
    """How rooms begin is all that the network is told of them."""
    begins = jnp.stack([(temperature - GOAL) / 3, thermostat / 3], axis=-1)
    return jnp.tanh(begins @ network["first"].T + network["first bias"])


def first_weights(seed):
    """Small weights; a unit remembers four fifths of what it said."""
    rng = np.random.default_rng(seed)
    return {
        "first": rng.normal(size=(UNITS, 2)) * 0.3,
        "first bias": np.zeros(UNITS),
        "among": np.eye(UNITS) * 0.8 + rng.normal(size=(UNITS, UNITS)) * 0.3 / np.sqrt(UNITS),
        "into": rng.normal(size=UNITS) * 0.3,
        "bias": np.zeros(UNITS),
        "out": rng.normal(size=UNITS) / np.sqrt(UNITS),
        "usual": np.array(0.0),
    }


def rooms(key, varies):
    """How 32 rooms begin, (32,) temperatures and thermostats, and their weather (32, 60)."""
    by_room, by_thermostat, by_weather = jax.random.split(key, 3)

    def weather(key):
        drawn = varies * jax.random.normal(key, (HORIZON,))
        return jax.lax.scan(lambda sky, by: (0.7 * sky + 0.3 * by,) * 2, 0.0, drawn)[1]

    temperature = GOAL + 2 * varies * jax.random.normal(by_room, (ROOMS,))
    thermostat = 2 * varies * jax.random.normal(by_thermostat, (ROOMS,))
    return temperature, thermostat, jax.vmap(weather)(jax.random.split(by_weather, ROOMS))


def loss(network, temperature, thermostat, weather):
    """The mean square error of what is foretold of a room, over its steps."""

    def step(before, weather):
        temperature, thermostat, memory = before
        memory = memory_after(memory, weather, network)
        after = room_after(temperature, thermostat, weather)
        missed = foretold(memory, network) - after
        return (after, thermostat_after(thermostat, temperature), memory), missed

    memory = first_memory(temperature, thermostat, network)
    return (jax.lax.scan(step, (temperature, thermostat, memory), weather)[1] ** 2).mean()


def trained(seed, varies):
    """A network that has learned to foretell rooms, by Adam and 1,500 batches of them."""
    with jax.enable_x64(True):
        keys = jax.vmap(lambda number: jax.random.fold_in(jax.random.key(seed), number))
        parts = jax.vmap(functools.partial(rooms, varies=varies))(keys(jnp.arange(ROUNDS)))
    data = [np.asarray(part).reshape(ROUNDS * ROOMS, *part.shape[2:]) for part in parts]
    order = np.arange(ROUNDS * ROOMS).reshape(ROUNDS, ROOMS)
    rate = optax.cosine_decay_schedule(5e-3, ROUNDS)
    optimizer = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(rate))
    learning = training(loss, first_weights(seed), data, optimizer, batches=order)
    last = run(learning.system.world(steps=ROUNDS), keep="last").theta
    return learning.weights.tree(last[0, 0])


# -- both, side by side --------------------------------------------------------------------------

# Rooms lie side by side in arrays: a difference in each of them is one direction.
w, R, S, o = (array(name, ROOMS) for name in ("w", "R", "S", "o"))
h = array("h", (ROOMS, UNITS))
# What is added to the weather of each step, in all rooms: a nudge of it is one of the weather.
gusts = array("gusts", HORIZON)
(network,) = parameters("network")
AFTER = slice(NUDGED, NUDGED + LATER)


def weather_after(weather, gusts, step):
    """The weather that is given, and a gust."""
    return weather + gusts[step]


def with_rooms(weights, seed, varies):
    """W of 32 rooms that the network has not seen, and of the network that foretells them."""
    with jax.enable_x64(True):
        key = jax.random.fold_in(jax.random.key(5), seed)
        temperature, thermostat, weather = map(np.asarray, rooms(key, varies))
        memory = np.asarray(first_memory(temperature, thermostat, weights))
    given, step = series("weather", weather.T), series("step", np.arange(HORIZON))
    system = System(
        {
            gusts: gusts,
            w: function(weather_after)(given, gusts, step),
            R: function(room_after)(R, S, w.next),
            S: function(thermostat_after)(S, R),
            h: function(memory_after)(h, w.next, network),
            o: function(foretold)(h.next, network),
        },
        start={
            gusts: np.zeros(HORIZON),
            w: np.zeros(ROOMS),
            R: temperature,
            S: thermostat,
            h: memory,
            o: foretold(memory, weights),
        },
        parameters={network: weights},
    )
    return system.world(steps=HORIZON)


def clamped(X, W, write, read, steps=slice(None)):
    """X, where what ``read`` sees of the units is as in W, put there along ``write``.

    Both (16,), or (32, 16) where each room has its own.
    """
    each = np.eye(ROOMS)[:, :, None]
    return X.clamp(h[steps].along(each * write, read=each * read), to=W)


def nudged(W, *steps):
    """X of a gust at a step, or of one at each, as directions of their own."""
    return W.perturb(gusts[0], along=np.eye(HORIZON)[[step - 1 for step in steps]])


def op_of(X, worlds, watched):
    """Op of worlds Y after each of 24 steps, (worlds, 24): the mean over rooms of log |y/x|."""
    answers = tangents(X, *worlds, keep=watched[NUDGED + 1 : NUDGED + LATER])[watched.name]
    sizes = np.log(np.abs(answers[..., 0].values) + 1e-12).mean(axis=-1)
    return sizes[1:] - sizes[0]


def op_by_pairs(W, pairs):
    """Op of pairs (write, read), each clamped in all rooms; held side by side by eleven."""
    X = nudged(W, NUDGED)
    batches = [pairs[start : start + 11] for start in range(0, len(pairs), 11)]
    return np.concatenate(
        [op_of(X, [clamped(X, W, *pair) for pair in some], o) for some in batches]
    )


def op_by_pairs_of_each_room(W):
    """Op of the pair of each room at each step, all clamped in one world, (24,)."""
    X = Y = nudged(W, NUDGED)
    for step, pair in enumerate(zip(*pairs_of_each_room(W), strict=True), start=NUDGED):
        Y = clamped(Y, W, *pair, slice(step, step + 1))
    return op_of(X, [Y], o)[0]


# -- where the thermostat is ---------------------------------------------------------------------


def probe(units, state):
    """What tells the thermostat from the units (16,), and dh/dR and dh/dS (2, 16).

    Both by least squares: the best linear probe, and how units go with the room and with it.
    """
    spread = np.cov(units.T) + 1e-8 * np.eye(UNITS)
    reads = np.linalg.solve(spread, units.T @ state / len(state))
    return reads[:, 1], np.linalg.lstsq(state, units, rcond=None)[0]


def principal(units):
    """The directions in which units vary most, as rows."""
    return np.linalg.eigh(np.cov(units.T))[1].T[::-1]


def pairs_within(directions, unseen, untouched):
    """Pairs (write, read) in three directions, over a grid of 24 by 22 angles.

    What is written is not ``unseen`` at once by the output, what is read is ``untouched`` at once.
    """

    def circle(normal, count):
        plane = np.linalg.svd((directions @ normal)[None])[2][1:] @ directions
        angles = (np.arange(count) + 0.5) * np.pi / count
        return np.cos(angles)[:, None] * plane[0] + np.sin(angles)[:, None] * plane[1]

    return [(d, r) for d in circle(unseen, 24) for r in circle(untouched, 22)]


def pairs_of_each_room(W):
    """At each step and in each room dh/dS, and what reads the thermostat, both (25, 32, 16).

    Units h and the room's state answer to the weather of the last 12 steps: where E maps the
    answers of the state to those of h, dh/dS is its second column; what reads the thermostat's
    answer from those of h is found by least squares, with a small ridge.
    """
    X = nudged(W, *range(NUDGED - MEMORY + 1, NUDGED + LATER))
    found = tangents(X, keep=[h[AFTER], R[AFTER], S[AFTER]])
    units = found.h.values[0]
    state = np.stack([found.R.values[0], found.S.values[0]], axis=-2)
    last = np.arange(LATER)[:, None] + np.arange(MEMORY)
    # (steps, rooms, units or state, gusts)
    units, state = (
        np.take_along_axis(part, last.reshape(LATER, *[1] * (part.ndim - 2), MEMORY), axis=-1)
        for part in (units, state)
    )
    writes = (units @ np.linalg.pinv(state))[..., 1]
    square = units @ units.swapaxes(-1, -2)
    ridge = 1e-4 * np.trace(square, axis1=-2, axis2=-1)[..., None, None] * np.eye(UNITS)
    reads = np.linalg.solve(square + ridge, units @ state[..., 1, :, None])[..., 0]
    return writes, reads


def orthogonal_pairs(seed, read, write, components):
    """What is held where nothing of the network is known but one direction, or none."""
    random = np.random.default_rng(1000 + seed).normal(size=UNITS)
    directions = {
        "orthogonal": read,
        "dh/dS, orthogonal": write,
        "random": random,
        **{f"component {i + 1}": components[i] for i in range(2)},
        **{f"unit {i}": row for i, row in enumerate(np.eye(UNITS))},
    }
    return {name: (direction, direction) for name, direction in directions.items()}


def answers_to_a_degree(W, moved):
    """What S + 1 does to rooms, and moved units to what is foretold of them, the means (2, 25)."""
    worlds = W.perturb(S[NUDGED - 1], by=1.0), W.perturb(h[NUDGED - 1], by=moved)
    found = run(W, *worlds, keep=[R[AFTER], o[AFTER]])
    room, network = found.R.values.mean(axis=-1), found.o.values.mean(axis=-1)
    return room[1] - room[0], network[2] - network[0]


def of_network(seed, weather):
    """One network: Op of what is clamped in it, and what writing S + 1 into it does."""
    weights = trained(seed, weather)
    W = with_rooms(weights, seed, weather)
    seen = run(W, keep=[h[:], R[:], S[:], o[:]])
    state = np.stack([seen.R.values[0, 6:], seen.S.values[0, 6:]], axis=-1).reshape(-1, 2)
    units = seen.h.values[0, 6:].reshape(-1, UNITS)
    usual = units.mean(axis=0)
    units, state = units - usual, state - state.mean(axis=0)

    read, (_, write) = probe(units, state)
    components = principal(units)
    fixed = {"probe": (write, read), **orthogonal_pairs(seed, read, write, components)}
    slope = 1 - np.tanh(weights["among"] @ usual + weights["bias"]) ** 2
    within = pairs_within(components[:3], weights["out"], slope * weights["into"])
    searched = op_by_pairs(W, within)
    X = nudged(W, NUDGED)
    rows = {
        "thermostat": op_of(X, [X.clamp(S, to=W)], R)[0],
        **dict(zip(fixed, op_by_pairs(W, list(fixed.values())), strict=True)),
        "of each room": op_by_pairs_of_each_room(W),
        "largest Op": searched[searched[:, -1].argmax()],
    }
    # By how much r'h moves with S where R is as it is.
    slopes = np.linalg.lstsq(state, units @ read, rcond=None)[0] / (read @ write)
    missed = ((seen.o.values - seen.R.values)[0, 1:] ** 2).mean()
    unread = ((units @ read - state[:, 1]) ** 2).mean()
    return xr.Dataset(
        {
            "op": (("clamp", "later"), np.stack(list(rows.values()))),
            "answer": (
                ("of", "after"),
                np.stack(answers_to_a_degree(W, slopes[1] * write * np.ones((ROOMS, 1)))),
            ),
            "foretold": 1 - missed / seen.R.values[0, 1:].var(),
            "read": 1 - unread / state[:, 1].var(),
        },
        {
            "clamp": list(rows),
            "later": np.arange(1, LATER),
            "of": ["room", "network"],
            "after": np.arange(1, LATER + 1),
        },
    )


NETWORKS = Archive(
    Path(__file__).parent / "data" / "network_of_a_thermostat.nc",
    of_network,
    {"seed": SEEDS, "weather": (LITTLE, MUCH)},
    {"units": UNITS, "rounds": ROUNDS, "rooms": ROOMS, "memory": MEMORY},
)

# -- over seeds ----------------------------------------------------------------------------------

NOTHING = "nothing"
SHOWN = {
    "of each room": "probe of each room and step, along its dh/dS",
    "probe": "probe, along dh/dS",
    "orthogonal": "probe, orthogonal",
    "random": "a random direction, orthogonal",
    "component 1": "first component, orthogonal",
    "component 2": "second component, orthogonal",
    "best unit": "the best unit",
    "unit of largest Op": "the unit of the largest Op",
    "largest Op": "the largest Op in three components",
    NOTHING: "nothing",
}
WEATHER = {LITTLE: "little weather: nearly linear", MUCH: "much weather"}


@functools.cache
def errors():
    """How far Op is from that of the room's thermostat, rms over 24 steps [nat].

    By what is clamped (clamp, seed, weather); the best unit is the one of the least error, which
    nobody knows who does not know the room.
    """
    ops = NETWORKS.read().op
    true = ops.sel(clamp="thermostat", drop=True)
    missed = np.sqrt(((ops - true) ** 2).mean("later"))
    units = [f"unit {i}" for i in range(UNITS)]
    largest = ops.sel(clamp=units).isel(later=-1).argmax("clamp")
    rows = {
        **{name: missed.sel(clamp=name, drop=True) for name in SHOWN if name in ops.clamp},
        "best unit": missed.sel(clamp=units).min("clamp"),
        "unit of largest Op": missed.sel(clamp=units).isel(clamp=largest).drop_vars("clamp"),
        NOTHING: np.sqrt((true**2).mean("later")),
    }
    clamp = xr.DataArray(list(SHOWN), dims="clamp", name="clamp")
    return xr.concat([rows[name] for name in SHOWN], clamp).to_dataset(name="error")


def error(clamp, weather):
    """Its mean over seeds."""
    return mean_interval(errors().error.sel(clamp=clamp, weather=weather), dim="seed")[
        "mean"
    ].item()


def farther(clamp, other):
    """By how much more one clamp errs than another, (seed, weather)."""
    found = errors().error
    return found.sel(clamp=clamp, drop=True) - found.sel(clamp=other, drop=True)


def last(clamp):
    """Op after 24 steps, (seed, weather)."""
    return NETWORKS.read().op.sel(clamp=clamp).isel(later=-1)


def of_op(data):
    """With little weather one pair of directions is the thermostat, with much that of each room.

    Means of eight networks and their intervals. Clamped by an orthogonal projection, the network
    says that its thermostat works against itself.
    """
    lines = {
        "thermostat": ("the room's thermostat", plots.palette.BLACK),
        "probe": ("probe, along dh/dS", plots.palette.BLUE),
        "of each room": ("the same in each room", plots.palette.ORANGE),
        "orthogonal": ("probe, orthogonal", plots.palette.GREY),
    }
    with plots.figure(1, 2, figsize=(9.0, 3.8)) as (picture, axes):
        for ax, (weather, title) in zip(axes, WEATHER.items(), strict=True):
            for clamp, (label, colour) in lines.items():
                found = mean_interval(data.op.sel(clamp=clamp, weather=weather), dim="seed")
                ax.fill_between(data.later, found.low, found.high, color=colour, alpha=0.2, lw=0)
                ax.plot(data.later, found["mean"], color=colour, label=label)
            ax.set(xlabel="steps after the nudge", title=title, ylim=(-2.2, 1.6))
        axes[0].set_ylabel("Op [nat]")
        axes[1].legend(loc="lower left")
    return picture


def of_errors(data):
    """What is clamped, and how far its Op is from that of the room's thermostat.

    Means of eight networks and their intervals; lines: clamping nothing, which says that Op is 0.
    """
    colours = (plots.palette.BLUE, plots.palette.ORANGE)
    with plots.figure(figsize=(7.0, 4.2)) as (picture, ax):
        for (weather, label), colour, by in zip(
            WEATHER.items(), colours, (-0.12, 0.12), strict=True
        ):
            found = mean_interval(data.error.sel(weather=weather), dim="seed")
            plots.intervals(found, list(SHOWN.values()), ax, by=by, color=colour, label=label)
            ax.axvline(found["mean"].sel(clamp=NOTHING), color=colour, lw=0.8)
        ax.set(xscale="log", xlabel="error of Op, rms over steps [nat]")
        ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    return picture


def of_written(data):
    """S + 1 written along dh/dS does what it does in the room, where the loop is nearly linear.

    A thin line is a network.
    """
    with plots.figure(1, 2, figsize=(9.0, 3.6), sharey=True) as (picture, axes):
        for ax, (weather, title) in zip(axes, WEATHER.items(), strict=True):
            one = data.answer.sel(weather=weather)
            for of, colour in (("network", plots.palette.ORANGE), ("room", plots.palette.BLACK)):
                answers = one.sel(of=of).transpose("after", "seed")
                ax.plot(data.after, answers, "-", color=colour, lw=0.7, alpha=0.6)
                ax.plot(data.after, answers.mean("seed"), "-", color=colour, label=of)
            ax.set(xlabel="steps after", title=title)
        axes[0].set_ylabel("change of the temperature")
        axes[0].legend(loc="lower right")
    return picture


def answered(weather):
    """How much of the room's answer to S + 1 the network gives, R^2, the mean over seeds."""
    answer = NETWORKS.read().answer.sel(weather=weather)
    room, network = answer.sel(of="room"), answer.sel(of="network")
    explained = 1 - ((network - room) ** 2).sum("after") / (room**2).sum("after")
    return mean_interval(explained, dim="seed")["mean"].item()


study = Study(
    name="network_of_a_thermostat",
    title="Where in a network that models a thermostat is it?",
    source=AIM,
    experiments=(
        Experiment(
            "networks",
            "Eight networks that foretell rooms with little weather, and with much",
            NETWORKS.read,
            {"op": of_op, "written": of_written},
        ),
        Experiment("errors", "What may be clamped in them", errors, {"errors": of_errors}),
    ),
    claims=(
        Claim(
            "Each network foretells rooms that it has not seen, R^2 above .995",
            APART,
            True,
            lambda: bool((NETWORKS.read().foretold > 0.995).all()),
        ),
        Claim(
            "A linear probe reads the thermostat, which is none of its outputs, R^2 above .98",
            APART,
            True,
            lambda: bool((NETWORKS.read().read > 0.98).all()),
        ),
        Claim(
            "Little weather: error of Op by clamping what the probe reads, along dh/dS",
            APART,
            0.088,
            lambda: error("probe", LITTLE),
            0.044,
        ),
        Claim(
            "Little weather: the same by clamping nothing",
            APART,
            0.605,
            lambda: error(NOTHING, LITTLE),
            0.009,
        ),
        Claim(
            "Little weather: the same by an orthogonal projection",
            APART,
            0.934,
            lambda: error("orthogonal", LITTLE),
            0.273,
        ),
        Claim(
            "Little weather: the same by the first component",
            APART,
            4.27,
            lambda: error("component 1", LITTLE),
            1.04,
        ),
        Claim(
            "Much weather: error of Op by the pair of each room and step",
            APART,
            0.064,
            lambda: error("of each room", MUCH),
            0.037,
        ),
        Claim(
            "Much weather: the same by one pair for all",
            APART,
            0.343,
            lambda: error("probe", MUCH),
            0.131,
        ),
        Claim(
            "With much weather one pair for all is farther off than the pair of each room",
            APART,
            True,
            lambda: (
                mean_interval(
                    farther("probe", "of each room").sel(weather=MUCH), dim="seed"
                ).low.item()
                > 0
            ),
        ),
        Claim(
            "An orthogonal projection gives Op the wrong sign",
            APART,
            True,
            lambda: bool((mean_interval(last("orthogonal"), dim="seed").high < 0).all()),
        ),
        Claim(
            "No single unit is the thermostat: the best is hardly better than nothing",
            APART,
            True,
            lambda: all(
                error("best unit", weather) > 0.9 * error(NOTHING, weather) for weather in WEATHER
            ),
        ),
        Claim(
            "In every network the pair of the largest Op in three components makes Y explode: "
            "Op above 10",
            APART,
            True,
            lambda: bool((last("largest Op") > 10).all()),
        ),
        Claim(
            "S + 1 written into it is answered as by the room, R^2 (little weather)",
            APART,
            0.946,
            lambda: answered(LITTLE),
            0.101,
        ),
        Claim("Much weather: the same", APART, 0.402, lambda: answered(MUCH), 0.564),
    ),
    archives=(NETWORKS,),
)
