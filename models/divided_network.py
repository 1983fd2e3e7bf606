"""A network without time, divided into A and B."""

from sympy import sin, tanh

from causalopt import Network, draw, op, plots, run, variables
from causalopt.study import Claim, Experiment, Study

SOURCE = '"Defining Optimization in a Deeper Way", part 3, The Setup'

# B: the nodes that are acted on. A: the nodes that answer.
b1, b2, b3, b4, b5, b6 = variables("b1 b2 b3 b4 b5 b6")
a1, a2, a3 = variables("a1 a2 a3")

A = [a1, a2, a3]

network = Network(
    {
        b3: b1 + b2,
        a1: -tanh(b1),
        a2: a1 / 2 - b3,
        b4: b3 + a1,
        b5: b4 + sin(b2) + a2,
        a3: -b5 / 2,
        b6: b5 + a3,
    },
    start={b1: 0.4, b2: 1.0},
)

W = network.world()
X = W.perturb(b1, by=1e-3)
Y = X.clamp(A, to=W)


def worlds():
    """The values of all nodes in W, X and Y."""
    return run(W, X, Y)


def graphs(_):
    """W with A in grey; X, what the nudge reaches; Y, what A no longer answers to."""
    return draw(network, worlds=[W, X, Y], A=A)


def differences(data):
    """x - w and y - w of every node."""
    values = data["value"]
    with plots.figure() as (picture, ax):
        for world, mark, colour in (("X", "o", plots.palette.RED), ("Y", "s", plots.palette.GREEN)):
            difference = (values.sel(world=world) - values.sel(world="W")) / 1e-3
            ax.plot(difference["node"], difference, mark, mfc="none", color=colour, ls="none", ms=8,
                    label=f"({world.lower()} − w) / δ")  # fmt: skip
        ax.set_xlabel("node")
        ax.set_ylabel("difference per difference at b1")
        ax.legend()
    return picture


def untouched():
    """Whether the nodes that b1 does not reach are the same in W, X and Y."""
    values = run(W, X, Y)["value"].sel(node="b2")
    return bool((values == values[0]).all())


study = Study(
    name="divided_network",
    title="A network divided into A and B",
    source=SOURCE,
    system=network,
    experiments=(
        Experiment(
            "worlds",
            "W, X and Y",
            worlds,
            {"graphs": graphs, "differences": differences},
            {"graphs": tuple(f"defining-optimization-3/{n}" for n in range(1, 5))},
        ),
    ),
    claims=(
        Claim("only what is downstream of the altered node differs", SOURCE, True, untouched),
        Claim(
            "if A optimizes, the difference is eliminated more in X than in Y (Op > 0)",
            SOURCE,
            True,
            lambda: op(network, A=A, n=b1, m=b6).item() > 0,
        ),
    ),
)
