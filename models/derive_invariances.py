"""Derivations: what the measures do not depend on.

What the measures do not depend on: units of m, and names of states within A and within B.

Source: "Defining Optimization in a Deeper Way", part 1 (entropy strength, the two thermostats of
three settings and three temperatures) and part 4 (Op).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import sympy as sp
from sympy import Derivative as D
from sympy import log

from causalopt.derive import Derivation, Equal, Given, Status
from causalopt.study import Study

PART_1 = "Defining Optimization in a Deeper Way, part 1"
PART_4 = "Defining Optimization in a Deeper Way, part 4"

State = tuple[int, int]  # (state of A, state of B)


def units() -> Derivation:
    """Op of m is the Op of m in other units, and of any smooth invertible function of m."""
    n, u, c, m = sp.symbols("n u c m", real=True)
    x = sp.Function("x", real=True)(n)
    y = sp.Function("y", real=True)(n)
    phi = sp.Function("phi", real=True)(m)
    w = sp.Function("w", real=True)(n)

    def op(moved: sp.Expr, held: sp.Expr) -> sp.Expr:
        return -log(abs(D(moved, n) / D(held, n)))

    def seen(whole: sp.Expr, slope: sp.Expr) -> sp.Expr:
        return D(phi, m).subs(m, whole) * slope

    return Derivation(
        "Op does not depend on the units of m",
        source=PART_4,
        given=[
            Given(n, "value of the node that is nudged"),
            Given(u, "new unit of m"),
            Given(sp.Ne(u, 0)),
            Given(c, "new zero of m"),
            Given(m, "value of m"),
            Given(x, "value of m where A varies"),
            Given(y, "value of m where A is held"),
            Given(w, "value of m before the nudge"),
            Given(phi, "another scale for m"),
        ],
        steps=[
            Equal(D(u * x + c, n) / D(u * y + c, n), D(x, n) / D(y, n), by="a unit and a zero"),
            Equal(op(u * x + c, u * y + c), op(x, y), name="units"),
            Equal(D(phi.subs(m, x), n), seen(x, D(x, n)), by="chain rule"),
            Equal(
                seen(w, D(x, n)) / seen(w, D(y, n)),
                D(x, n) / D(y, n),
                by="both worlds start from the value of m before the nudge",
                name="any smooth scale",
            ),
            Equal(
                D(x**2, n) / D(y, n),
                D(x, n) / D(y, n),
                by="another scale in one world only",
                expect=Status.REFUTED,
            ),
        ],
    )


def probabilities(sizes: tuple[int, int]) -> dict[State, sp.Symbol]:
    """A symbol for the probability of each joint state."""
    states = itertools.product(range(sizes[0]), range(sizes[1]))
    return {(i, j): sp.Symbol(f"p{i}{j}", positive=True) for i, j in states}


def strength(
    joint: Mapping[State, sp.Expr], rule: Callable[[State], State], sizes: tuple[int, int]
) -> sp.Expr:
    """S[one step from the product of the marginals] - S[one step from the joint distribution]."""
    states = list(itertools.product(range(sizes[0]), range(sizes[1])))
    first = [sum(joint[i, j] for j in range(sizes[1])) for i in range(sizes[0])]
    second = [sum(joint[i, j] for i in range(sizes[0])) for j in range(sizes[1])]
    cut = {(i, j): first[i] * second[j] for i, j in states}
    return entropy_after(cut, rule) - entropy_after(joint, rule)


def entropy_after(before: Mapping[State, sp.Expr], rule: Callable[[State], State]) -> sp.Expr:
    """The entropy, in nats, of a distribution that a rule has carried one step on."""
    after: dict[State, sp.Expr] = {}
    for state, chance in before.items():
        after[rule(state)] = after.get(rule(state), sp.S.Zero) + chance
    return -sum(chance * log(chance) for chance in after.values())


def renamed(
    joint: Mapping[State, sp.Expr],
    rule: Callable[[State], State],
    names: Mapping[State, State],
) -> tuple[dict[State, sp.Expr], Callable[[State], State]]:
    """The same world with its joint states under other names."""
    back = {new: old for old, new in names.items()}
    chances = {names[state]: chance for state, chance in joint.items()}
    return chances, lambda state: names[rule(back[state])]


def relabelling() -> Derivation:
    """The entropy strength stays where states are renamed within A and within B."""
    sizes = (2, 2)
    joint = probabilities(sizes)

    def rule(state: State) -> State:
        return state[1], int(state[0] and state[1])

    def after(names: Mapping[State, State]) -> sp.Expr:
        return strength(*renamed(joint, rule, names), sizes)

    swap_a = {(i, j): (1 - i, j) for i, j in joint}
    swap_b = {(i, j): (i, 1 - j) for i, j in joint}
    swap_both = {(i, j): (1 - i, 1 - j) for i, j in joint}
    across = {(i, j): (i, (i + j) % 2) for i, j in joint}
    here = strength(joint, rule, sizes)
    return Derivation(
        "The entropy strength does not change under relabelling within A and within B",
        source=PART_1,
        given=[Given(p) for p in joint.values()],
        steps=[
            Equal(after(swap_a), here, by="other names in A"),
            Equal(after(swap_b), here, by="other names in B"),
            Equal(after(swap_both), here, by="other names in both"),
            Equal(after(across), here, by="names that mix A and B", expect=Status.REFUTED),
        ],
    )


HOT, WARM, COLD = range(3)
HIGH, LOW, OFF = range(3)
ROOM = {HIGH: (HOT, HOT, WARM), LOW: (HOT, WARM, COLD), OFF: (WARM, COLD, COLD)}
SETTING = {HOT: OFF, WARM: LOW, COLD: HIGH}


def thermostat_relabelled() -> Derivation:
    """The same for the thermostat of three settings and the room of three temperatures."""
    sizes = (3, 3)
    joint = probabilities(sizes)

    def rule(state: State) -> State:
        return SETTING[state[1]], ROOM[state[0]][state[1]]

    turned = {(i, j): ((i + 1) % 3, j) for i, j in joint}
    mirrored = {(i, j): (i, 2 - j) for i, j in joint}
    here = strength(joint, rule, sizes)
    return Derivation(
        "The thermostat's strength does not depend on the names of its settings",
        source=PART_1,
        given=[Given(p) for p in joint.values()],
        steps=[
            Equal(strength(*renamed(joint, rule, turned), sizes), here, by="settings turned"),
            Equal(strength(*renamed(joint, rule, mirrored), sizes), here, by="room mirrored"),
        ],
    )


study = Study(
    name="derive_invariances",
    title="What the measures do not depend on",
    source='"Defining Optimization in a Deeper Way", parts 1 and 4',
    derivations=(units, relabelling, thermostat_relabelled),
)
