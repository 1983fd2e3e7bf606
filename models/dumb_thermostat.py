"""A room and a thermostat with three states each."""

import xarray as xr
from sympy import Rational

from causalopt import (
    Distribution,
    System,
    adjusted_optimizing_strength,
    draw,
    finite,
    optimizing_strength,
    plots,
    run,
    split_strengths,
    table,
)
from causalopt.study import Claim, Experiment, Reason, Study

PART_1 = '"Defining Optimization in a Deeper Way", part 1'
PART_2 = '"Defining Optimization in a Deeper Way", part 2, The Dumb Thermostat'

T = finite("T", ["high", "low", "off"])  # the thermostat
R = finite("R", ["hot", "warm", "cold"])  # the room

# O^T[high] is what the thermostat at high does to the room.
O_T = {
    "high": "hot -> hot, warm -> hot, cold -> warm",
    "low": "hot -> hot, warm -> warm, cold -> cold",
    "off": "hot -> warm, warm -> cold, cold -> cold",
}
# O^R[hot] is what a hot room does to the thermostat.
O_R = {
    "hot": "high -> off, low -> off, off -> off",
    "warm": "high -> low, low -> low, off -> low",
    "cold": "high -> high, low -> high, off -> high",
}

thermostat = System({T: table((R, T), O_R), R: table((T, R), O_T)}, start={T: "low", R: "hot"})

third = Rational(1, 3)
P_0 = Distribution.of((T, R), [[0, 0, third], [0, third, 0], [third, 0, 0]])
uniform = Distribution.uniform(T, R)

# Where each state goes, as part 1 prints it: rows high, low, off; columns hot, warm, cold.
PRINTED = (
    (("hot", "off"), ("hot", "low"), ("warm", "high")),
    (("hot", "off"), ("warm", "low"), ("cold", "high")),
    (("warm", "low"), ("cold", "low"), ("cold", "high")),
)
# The same in part 2.
PRINTED_AGAIN = (*PRINTED[:2], (("warm", "off"), ("cold", "low"), ("cold", "high")))


def moves():
    """Where each state goes, by the rules: rows are the thermostat's states."""
    data = run(thermostat.world(1), over={T[0]: T.values, R[0]: R.values}).sel(world="W", time=1)
    return tuple(
        tuple(
            tuple(v.values[int(data[v.name].sel({"T[0]": t, "R[0]": r}))] for v in (R, T))
            for r in R.values
        )
        for t in T.values
    )


def rule_wins():
    """Only (off, hot) differs; there O^R[hot] says off, and so does the printed P_1."""
    wrong = [
        (t, r)
        for t, row, printed in zip(T.values, moves(), PRINTED, strict=True)
        for r, here, there in zip(R.values, row, printed, strict=True)
        if here != there
    ]
    kept = "off -> off" in O_R["hot"]
    return wrong == [("off", "hot")] and kept and P_0.push(thermostat).mass({T: "off"}) == third


def joined(tables):
    """Named distributions as one array."""
    labels = xr.Variable("stage", list(tables))
    return xr.concat([P.to_xarray() for P in tables.values()], labels)


def tables():
    """P_0, decorrelated and not, and both a step on."""
    apart = P_0.decorrelate(T | R)
    return joined(
        {
            "P_0": P_0,
            "P_1": P_0.push(thermostat),
            "P_0 decorrelated": apart,
            "P_1 decorrelated": apart.push(thermostat),
        }
    )


def from_uniform():
    """The uniform distribution and two steps on; decorrelated before the second, nothing moves."""
    P_t = uniform.push(thermostat)
    return joined(
        {
            "P(t-1), uniform": uniform,
            "P(t)": P_t,
            "P(t+1)": P_t.push(thermostat),
            "P(t+1) decorrelated": P_t.decorrelate(T | R).push(thermostat),
        }
    )


def pictures(data):
    """The four tables on shades."""
    with plots.figure(2, 2, figsize=(6.4, 4.6)) as (picture, axes):
        plots.stages(data, axes)
    return picture


def strengths():
    """Strength and adjusted strength of P_0 over ten steps."""
    return split_strengths(thermostat, P_0, steps=10)


def course(data):
    """Optimizing strength, plain and adjusted, over the steps that both versions are pushed."""
    with plots.figure() as (picture, ax):
        for name in ("strength", "adjusted"):
            plots.along(data[name].isel(split=0), ax, marker="o", label=name)
        ax.set_xlabel("steps")
        ax.set_ylabel("[bit]")
        ax.legend()
    return picture


def graph(_):
    """Four steps as a causal network."""
    return draw(thermostat, steps=4)


def cycle():
    """The states that follow (hot, low), until it comes back."""
    data = run(thermostat.world(6)).sel(world="W")
    pairs = zip(data["R"].values, data["T"].values, strict=True)
    return tuple((R.values[int(r)], T.values[int(t)]) for r, t in pairs)


def masses(P, over=1):
    """The masses of a distribution in parts of 1 / over: rows are the thermostat's states."""
    return tuple(tuple(P.mass({T: t, R: r}) * over for r in R.values) for t in T.values)


def strength():
    """Strength of P_0 and its parts."""
    return optimizing_strength(thermostat, T | R, P_0)


study = Study(
    name="dumb_thermostat",
    title="The dumb thermostat",
    source=PART_1,
    system=thermostat,
    experiments=(
        Experiment(
            "tables",
            "P_0 and P_1",
            tables,
            {"graph": graph, "tables": pictures},
            {"tables": ("defining-optimization-1/1",)},
        ),
        Experiment(
            "from_uniform",
            "Two steps from the uniform distribution",
            from_uniform,
            {"from_uniform": pictures},
            {"from_uniform": ("defining-optimization-2/1",)},
        ),
        Experiment("strengths", "Strength over ten steps", strengths, {"course": course}),
    ),
    claims=(
        Claim(
            "The printed table of moves",
            PART_1,
            PRINTED,
            moves,
            reason=Reason(
                "The table has (warm, low) at (off, hot), where O^R[hot] maps off to off: the "
                "entry belongs to the smart thermostat's table, which has this one's. Part 2 "
                "prints both right.",
                rule_wins,
            ),
        ),
        Claim("The printed table of moves, again", PART_2, PRINTED_AGAIN, moves),
        Claim(
            "The masses of P_1, in thirds",
            PART_1,
            ((0, 1, 0), (0, 1, 0), (0, 1, 0)),
            lambda: masses(P_0.push(thermostat), 3),
        ),
        Claim(
            "The masses of P'_1, in ninths",
            PART_1,
            ((0, 1, 2), (1, 1, 1), (2, 1, 0)),
            lambda: masses(P_0.decorrelate(T | R).push(thermostat), 9),
        ),
        Claim("P_1 has 1.6 bits", PART_1, 1.6, lambda: float(strength().correlated), 0.05),
        Claim("P'_1 has 2.7 bits", PART_1, 2.7, lambda: float(strength().decorrelated), 0.05),
        Claim("The strength is 1.1 bits", PART_1, 1.1, lambda: float(strength()), 0.05),
        Claim("Uniform has 3.2 bits", PART_2, 3.2, lambda: float(uniform.entropy()), 0.05),
        Claim(
            "From uniform, the masses of P_t, in ninths",
            PART_2,
            ((0, 1, 2), (1, 1, 1), (2, 1, 0)),
            lambda: masses(uniform.push(thermostat), 9),
        ),
        Claim(
            "From uniform, the masses of P_{t+1}, in ninths",
            PART_2,
            ((0, 2, 1), (1, 1, 1), (1, 2, 0)),
            lambda: masses(uniform.push(thermostat).push(thermostat), 9),
        ),
        Claim(
            "The temperature stays at (warm, low)",
            PART_2,
            True,
            lambda: moves()[T.values.index("low")][R.values.index("warm")] == ("warm", "low"),
        ),
        Claim(
            "From uniform, the decorrelated P'_{t+1} is P_t again",
            PART_2,
            True,
            lambda: (
                uniform.push(thermostat).decorrelate(T | R).push(thermostat)
                == uniform.push(thermostat)
            ),
        ),
        Claim(
            "From uniform, P_t is not optimizing: strength 0",
            PART_2,
            0.0,
            lambda: float(
                adjusted_optimizing_strength(thermostat, T | R, uniform.push(thermostat)).strength
            ),
        ),
        Claim(
            "The states fall into a cycle",
            PART_2,
            (
                ("hot", "low"),
                ("hot", "off"),
                ("warm", "off"),
                ("cold", "low"),
                ("cold", "high"),
                ("warm", "high"),
                ("hot", "low"),
            ),
            cycle,
        ),
    ),
)
