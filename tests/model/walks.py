"""A plain walk through worlds: what interventions mean, said a second time, number by number.

Nothing of the package takes part. A recipe is a tuple of changes, made one after the other:

    ("do", nodes, value)              ("perturb", nodes, by)      by None: infinitesimal
    ("clamp", nodes, recipe, by)      ("sustain", nodes, by)      at that step and every later one
    ("replace", nodes, rule)

``nodes`` are (name, start, stop) over start <= step < stop. Numbers have 50 digits.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import mpmath

mpmath.mp.dps = 50
H = mpmath.mpf(10) ** -18

# The classical method of order four: where each stage lies, what it is made of, and the weights.
NODES = (0, mpmath.mpf(1) / 2, mpmath.mpf(1) / 2, 1)
MATRIX = ((), (mpmath.mpf(1) / 2,), (0, mpmath.mpf(1) / 2), (0, 0, 1))
# The middle of a step, as stage 5, by Zennaro's continuous extension. Stage 6 is what the step
# comes to at its end, before anything is done there.
MIDDLE = tuple(mpmath.mpf(w) / 24 for w in (5, 4, 4, -1))
WEIGHTS = tuple(mpmath.mpf(w) / 6 for w in (1, 2, 2, 1))


@dataclass(frozen=True)
class Program:
    """A model as plain functions: ``rules[name](see)``, where ``see("a")`` is a one step before.

    ``see("a.next")`` is a in the same step, ``see("a.lag2")`` two steps before that, ``see("t")``
    the time. With a ``method`` the rules are rates of change. The rules of ``equations`` hold at
    one moment, at which they see all; so do starts that are functions. ``history`` gives what was
    before the start, by time. A network's rules see its nodes, at step 0 alone.
    """

    rules: Mapping[str, Callable]
    start: Mapping[str, float]
    others: Mapping[str, Callable] = field(default_factory=dict)
    dt: float = 1.0
    method: str | None = None
    is_network: bool = False
    equations: frozenset = frozenset()
    history: Mapping[str, Callable] = field(default_factory=dict)


@dataclass
class Walk:
    """The values of one world; ``moved`` is what infinitesimal perturbations add."""

    program: Program
    recipe: tuple
    last: int
    gates: Mapping[str, float] = field(default_factory=dict)
    moved: object = 0

    def __post_init__(self):
        self.known = {}
        self.worlds = {}
        self.bases, self.shifts = treatments(self.recipe, self.last)

    def node(self, name, step, stage=0):
        place = name, step, stage
        if step < 0 or (stage and step <= 0):
            return self._before(name, step - (mpmath.mpf(1) / 2 if stage == 5 else 0))
        if place not in self.known:
            self.known[place] = self._worked_out(*place)
        return self.known[place]

    def _worked_out(self, name, step, stage):
        base = self.bases.get((name, step))
        if stage:
            # Held to a world, a node is there by what is done to it in that world.
            befores, bases = self.origins(name, step - 1), self.origins(name, step)
            before, base = befores[-1], bases[-1]
            bare = [
                [one[1] if one and one[0] == "gate" else one for one in ends]
                for ends in (befores, bases)
            ]
            for one, two in (*itertools.product(befores, bases), *itertools.product(*bare)):
                if by_values(one) == by_values(two):
                    before, base = one, two
                    break
            return self._by(inside(before, base), name, step, stage)
        value = self.there(name, step)
        if (name, step) in self.shifts:
            by = self.shifts[name, step]
            value += self.moved if by is None else mpmath.mpf(by)
        return value

    def _before(self, name, step):
        if name in self.program.history:
            return self.program.history[name](mpmath.mpf(self.program.dt) * step)
        return mpmath.mpf(self.program.start[name])

    def there(self, name, step, stage=0):
        """A node without the difference that is added to it."""
        if stage:
            return self.node(name, step, stage)
        return self._by(self.bases.get((name, step)), name, step, 0)

    def _by(self, base, name, step, stage):
        kind = base[0] if base else None
        if kind == "do":
            return mpmath.mpf(base[1])
        if kind == "held":
            return self._world(base[1]).node(name, step, stage)
        if kind != "gate":
            return self._own(name, step, stage, None)
        _, under, recipe, by, _ = base
        if holds(under):
            own = self._by(under, name, step, stage)
            return self._mixed(own, self._world(recipe).there(name, step, stage), by)
        return self._own(name, step, stage, base)

    def _own(self, name, step, stage, gate):
        """What the mechanism gives, its inputs seen through the gate."""
        rule = self._rule(name, step)
        in_time, holds_at_once = not self.program.is_network, name in self.program.equations
        if step == 0 and in_time and not holds_at_once:
            rule = self.program.start[name]
        if rule is None or not callable(rule):
            start = mpmath.mpf(self.program.start[name])
            if gate is None:
                return start
            return self._mixed(start, self._world(gate[2]).there(name, step), gate[3])

        def look(other, at, inner=0):
            value = self.node(other, at, inner)
            ends = ((at,) if not inner else (at - 1, at)) if gate is not None else ()
            if not ends or all((other, end) in gate[4] for end in ends):
                return value
            return self._mixed(value, self._world(gate[2]).node(other, at, inner), gate[3])

        if self.program.is_network:
            return rule(lambda seen: look(seen, 0))
        if step == 0 or holds_at_once:
            return rule(lambda seen: self._at_once(seen, step, stage, look))
        if self.program.method is None:
            return rule(lambda seen: self._seen(seen, step, look))
        return self._along(rule, name, step, stage, look)

    def _at_once(self, seen, step, stage, look):
        """What an equation sees at the end of a step, or at a stage of it."""
        part = (1, None, *NODES[1:], mpmath.mpf(1) / 2, 1)[stage]
        if seen == "t":
            return mpmath.mpf(self.program.dt) * (step - 1 + part)
        name, _, lag = seen.partition(".lag")
        if not lag:
            return look(name, step, stage)
        return look(name, step - int(lag), (6 if part == 1 else 5) if stage else 0)

    def _seen(self, seen, step, look):
        if seen == "t":
            return mpmath.mpf(self.program.dt) * (step - 1)
        if ".lag" in seen:
            name, _, lag = seen.partition(".lag")
            return look(name, step - 1 - int(lag))
        return look(seen.removesuffix(".next"), step if seen.endswith(".next") else step - 1)

    def _along(self, rate, name, step, stage, look):
        """A step along a rate, or an inner stage (2 to 6) of it."""
        dt = mpmath.mpf(self.program.dt)
        weights = (1,) if self.program.method == "euler" else WEIGHTS
        total = look(name, step - 1)
        for j, weight in enumerate((*MATRIX, MIDDLE, WEIGHTS)[stage - 1] if stage else weights):
            if weight:
                total += dt * weight * rate(self._at_stage(j, step, look, dt))
        return total

    def _at_stage(self, j, step, look, dt):
        def see(seen):
            if seen == "t":
                return dt * (step - 1 + NODES[j])
            name, _, lag = seen.partition(".lag")
            if lag and NODES[j] == 0:
                return look(name, step - 1 - int(lag))
            if lag:
                return look(name, step - int(lag), 6 if NODES[j] == 1 else 5)
            return look(seen, step, j + 1) if j else look(seen, step - 1)

        return see

    def _rule(self, name, step):
        key = self.stands_in(name, step)
        return self.program.others[key] if key else self.program.rules.get(name)

    def stands_in(self, name, step):
        """The rule that stands in for a node's own: its stages follow it where it is not held."""
        base = self.bases.get((name, step))
        if base and base[0] == "gate":
            base = base[1]
        if base is None or base[0] == "do":
            return None
        return base[1] if base[0] == "replace" else self._world(base[1]).stands_in(name, step)

    def origins(self, name, step):
        """What is done to a node here, and where it is held from, world by world, behind its gate.

        A gate stays where the node is held from elsewhere, and takes the place of a gate there.
        """
        base = self.bases.get((name, step))
        core = base[1] if base and base[0] == "gate" else base
        cores = [core]
        if core and core[0] == "held":
            cores += self._world(core[1]).origins(name, step)
        if not base or base[0] != "gate":
            return cores
        bare = [one[1] if one and one[0] == "gate" else one for one in cores]
        return [("gate", one, *base[2:]) for one in bare]

    def _world(self, recipe):
        if recipe == self.recipe:
            return self
        if recipe not in self.worlds:
            self.worlds[recipe] = Walk(self.program, recipe, self.last, self.gates, self.moved)
        return self.worlds[recipe]

    def _mixed(self, own, other, by):
        weight = mpmath.mpf(self.gates.get(by, by))
        return (1 - weight) * own + weight * other


def by_values(base):
    """A base whose worlds are told apart by their values, which no infinitesimal change moves."""
    if base is None or base[0] not in ("held", "gate"):
        return base
    if base[0] == "held":
        return "held", settled(base[1])
    return "gate", by_values(base[1]), settled(base[2]), *base[3:]


def settled(recipe):
    """A recipe without what moves no value."""
    return tuple(
        (kind, nodes, settled(what[0]), *what[1:]) if kind == "clamp" else (kind, nodes, *what)
        for kind, nodes, *what in recipe
        if kind not in ("perturb", "sustain") or what[0] is not None
    )


def holds(base):
    """Whether a base says where a node is."""
    return base is not None and base[0] in ("do", "held")


def inside(before, after):
    """What is done to the inner stages of a step, by what is done at its two ends; never a nudge.

    They are held where both ends are, and behind a gate where both ends are behind that one.
    """
    under = [base[1] if base and base[0] == "gate" else base for base in (before, after)]
    core = under[1] if all(map(holds, under)) else None
    same = before and after and before[0] == after[0] == "gate" and before[2:] == after[2:]
    return ("gate", core, *after[2:]) if same else core


def treatments(recipe, last):
    """What stands in for the mechanism of each node, and what is added to it."""
    bases, shifts = {}, {}
    for kind, nodes, *what in recipe:
        ends = {
            (name, step)
            for name, start, stop in nodes
            for step in range(start, last + 1 if kind == "sustain" else stop)
        }
        for node in ends:
            if kind in ("perturb", "sustain"):
                shifts[node] = what[0]
                continue
            if kind != "clamp" or what[1] == 1:
                shifts.pop(node, None)
            bases[node] = _base(kind, what, bases.get(node), ends)
    return bases, shifts


def _base(kind, what, before, among):
    if kind != "clamp":
        return (kind, *what)
    recipe, by = what
    if by == 1:
        return "held", recipe
    under = before[1] if before and before[0] == "gate" else before
    return "gate", under, recipe, by, frozenset(among)


def values(program, recipe, last, gates=None):
    """The values of all variables over the steps."""
    walk = Walk(program, recipe, last, gates or {})
    return {name: [walk.node(name, i) for i in range(last + 1)] for name in program.start}


def slopes(program, recipe, last, gates=None):
    """The derivatives by the infinitesimal perturbations: central differences of 50 digits."""
    up, down = (Walk(program, recipe, last, gates or {}, sign * H) for sign in (1, -1))
    return {
        name: [(up.node(name, i) - down.node(name, i)) / (2 * H) for i in range(last + 1)]
        for name in program.start
    }
