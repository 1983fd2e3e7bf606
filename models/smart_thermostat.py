"""A thermostat that turns off before the room changes."""

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
PART_2 = '"Defining Optimization in a Deeper Way", part 2, The Smart Thermostat'

T = finite("T", ["high", "low", "off"])  # the thermostat
R = finite("R", ["hot", "warm", "cold"])  # the room

O_T = {
    "high": "hot -> hot, warm -> hot, cold -> warm",
    "low": "hot -> hot, warm -> warm, cold -> cold",
    "off": "hot -> warm, warm -> cold, cold -> cold",
}
O_R = {
    "hot": "high -> off, low -> off, off -> low",
    "warm": "high -> low, low -> low, off -> low",
    "cold": "high -> low, low -> high, off -> high",
}

thermostat = System({T: table((R, T), O_R), R: table((T, R), O_T)}, start={T: "off", R: "hot"})

third = Rational(1, 3)
P_0 = Distribution.of((T, R), [[0, 0, third], [0, third, 0], [third, 0, 0]])
P_t = Distribution.uniform(T, R).push(thermostat)

# Where each state goes, as part 1 prints it: rows high, low, off; columns hot, warm, cold.
PRINTED = (
    (("hot", "off"), ("hot", "low"), ("warm", "low")),
    (("hot", "off"), ("warm", "low"), ("cold", "high")),
    (("warm", "off"), ("cold", "low"), ("cold", "high")),
)
# The same in part 2.
PRINTED_AGAIN = (*PRINTED[:2], (("warm", "low"), ("cold", "low"), ("cold", "high")))


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
    """Only (off, hot) differs; there O^R[hot] says low, and the printed P_1 has no mass at off."""
    wrong = [
        (t, r)
        for t, row, printed in zip(T.values, moves(), PRINTED, strict=True)
        for r, here, there in zip(R.values, row, printed, strict=True)
        if here != there
    ]
    all_low = P_0.push(thermostat).mass({T: "low", R: "warm"}) == 1
    return wrong == [("off", "hot")] and "off -> low" in O_R["hot"] and all_low


def sequence(P, first, second):
    """A distribution and a step on, as it is and decorrelated."""
    apart = P.decorrelate(T | R)
    tables = {
        first: P,
        second: P.push(thermostat),
        f"{first} decorrelated": apart,
        f"{second} decorrelated": apart.push(thermostat),
    }
    labels = xr.Variable("stage", list(tables))
    return xr.concat([stage.to_xarray() for stage in tables.values()], labels)


def pictures(data):
    """The four tables on shades."""
    with plots.figure(2, 2, figsize=(6.4, 4.6)) as (picture, axes):
        plots.stages(data, axes)
    return picture


def strengths():
    """Strength and adjusted strength of P_t, one step on from uniform, over ten steps."""
    return split_strengths(thermostat, P_t, steps=10)


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


def masses(P, over=1):
    """The masses of a distribution in parts of 1 / over: rows are the thermostat's states."""
    return tuple(tuple(P.mass({T: t, R: r}) * over for r in R.values) for t in T.values)


def times_as_much():
    """The strength of P_0 here over that in the dumb thermostat, whose off stays off when hot."""
    plain = O_R | {"hot": "high -> off, low -> off, off -> off"}
    plain |= {"cold": "high -> high, low -> high, off -> high"}
    dumb = System({T: table((R, T), plain), R: table((T, R), O_T)}, start={T: "off", R: "hot"})
    return float(first()) / float(optimizing_strength(dumb, T | R, P_0))


def first():
    """Strength of part 1's P_0 and its parts."""
    return optimizing_strength(thermostat, T | R, P_0)


def second():
    """Adjusted strength of part 2's P_t and its parts."""
    return adjusted_optimizing_strength(thermostat, T | R, P_t)


study = Study(
    name="smart_thermostat",
    title="The smart thermostat",
    source=PART_1,
    system=thermostat,
    experiments=(
        Experiment(
            "tables",
            "P_0 and P_1",
            lambda: sequence(P_0, "P_0", "P_1"),
            {"tables": pictures},
            {"tables": ("defining-optimization-1/2",)},
        ),
        Experiment(
            "from_uniform",
            "P(t), one step on from uniform, and P(t+1)",
            lambda: sequence(P_t, "P(t)", "P(t+1)"),
            {"from_uniform": pictures},
            {"from_uniform": ("defining-optimization-2/2",)},
        ),
        Experiment(
            "strengths",
            "Strength over ten steps, from uniform",
            strengths,
            {"graph": graph, "course": course},
        ),
    ),
    claims=(
        Claim(
            "The printed table of moves",
            PART_1,
            PRINTED,
            moves,
            reason=Reason(
                "The table has (warm, off) at (off, hot), where O^R[hot] maps off to low. With "
                "the rule all of P_0 goes to (low, warm), as the post goes on to print; with the "
                "table a third would go to (off, warm). Part 2 prints the entry right.",
                rule_wins,
            ),
        ),
        Claim("The printed table of moves, again", PART_2, PRINTED_AGAIN, moves),
        Claim(
            "The masses of P_1",
            PART_1,
            ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
            lambda: masses(P_0.push(thermostat)),
        ),
        Claim(
            "The masses of P'_1, in ninths",
            PART_1,
            ((0, 0, 2), (1, 3, 1), (2, 0, 0)),
            lambda: masses(P_0.decorrelate(T | R).push(thermostat), 9),
        ),
        Claim("P_1 has no entropy", PART_1, 0.0, lambda: float(first().correlated)),
        Claim("P'_1 has 2.2 bits", PART_1, 2.2, lambda: float(first().decorrelated), 0.05),
        Claim("The strength is 2.2 bits", PART_1, 2.2, lambda: float(first()), 0.05),
        Claim(
            "Approximately twice as much as the dumb thermostat", PART_1, 2.0, times_as_much, 0.1
        ),
        Claim(
            "From uniform, the masses of P_t, in ninths",
            PART_2,
            ((0, 0, 2), (1, 3, 1), (2, 0, 0)),
            lambda: masses(P_t, 9),
        ),
        Claim(
            "From uniform, the masses of P_{t+1}, in ninths",
            PART_2,
            ((0, 0, 1), (0, 7, 0), (1, 0, 0)),
            lambda: masses(P_t.push(thermostat), 9),
        ),
        Claim(
            "P_t decorrelated, in parts of 27",
            PART_2,
            ((2, 2, 2), (5, 5, 5), (2, 2, 2)),
            lambda: masses(P_t.decorrelate(T | R), 27),
        ),
        Claim(
            "The masses of P'_{t+1}, in parts of 27",
            PART_2,
            ((0, 0, 7), (2, 9, 2), (7, 0, 0)),
            lambda: masses(P_t.decorrelate(T | R).push(thermostat), 27),
        ),
        Claim(
            "From uniform, P_{t+1} has 1.0 bits",
            PART_2,
            1.0,
            lambda: float(second().strength.correlated),
            0.05,
        ),
        Claim(
            "From uniform, P'_{t+1} has 2.1 bits",
            PART_2,
            2.1,
            lambda: float(second().strength.decorrelated),
            0.05,
        ),
        Claim("The strength is 1.1 bits", PART_2, 1.1, lambda: float(second().strength), 0.05),
        Claim(
            "To decorrelate takes P_t from 2.2 to 3.0 bits",
            PART_2,
            (2.2, 3.0),
            lambda: (float(second().before), float(second().before_decorrelated)),
            0.05,
        ),
        Claim(
            "The difference starts at 0.8", PART_2, 0.8, lambda: float(second().information), 0.05
        ),
        Claim("The adjusted strength is 0.3 bits", PART_2, 0.3, lambda: float(second()), 0.05),
    ),
)
