"""The reference backend: blocks become Python functions by sympy's lambdify, run with NumPy."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import sympy
from sympy.printing.numpy import SciPyPrinter

from causalopt.backends.adjoint import pushed_back
from causalopt.backends.interface import Inputs, NotFinite, Recording
from causalopt.ground.progress import track
from causalopt.ground.scaled import aligned, is_tame, shifted
from causalopt.ground.types import Array, Floats, Ints
from causalopt.plan import Block, Group, Layers, Loop, Patch, Weighting

# Powers of tangents in a network come in steps of this many, so that nodes of about one size share
# one, and most sums need no alignment.
_STEP = 512

# What NumPy computes itself; for any other function lambdify is told of scipy too.
_ELEMENTARY = (
    *(sympy.sin, sympy.cos, sympy.tan, sympy.asin, sympy.acos, sympy.atan, sympy.atan2),
    *(sympy.sinh, sympy.cosh, sympy.tanh, sympy.asinh, sympy.acosh, sympy.atanh),
    *(sympy.exp, sympy.log, sympy.Abs, sympy.sign, sympy.floor, sympy.ceiling, sympy.frac),
    *(sympy.Max, sympy.Min, sympy.Heaviside, sympy.Piecewise, sympy.sinc, sympy.Mod),
)


class NumPyBackend:
    """One call per block and step; every value may be an array over the points of a sweep."""

    def loop(
        self, plan: Loop, inputs: Inputs, recorded: range, points: int | None
    ) -> Iterator[Recording]:
        """Run a system's plan step by step; the recording comes in one part."""
        shape = () if points is None else (points,)
        given = [_spread(inputs.values[entry.symbol.name], shape) for entry in plan.inputs]
        streams = [inputs.draws[entry.symbol.name] for entry in plan.noises]
        run = _Recorder(plan, recorded, shape)
        with np.errstate(all="ignore"):
            initial = compiled(plan.initial)(*given, np.float64(0.0))
            state = [_spread(value, shape) for value in initial]
            run.record(state, 0)
            for segment in plan.segments:
                step_on = compiled(segment.block)
                for step in track(range(segment.start, segment.stop), "steps"):
                    drawn = [stream.at(step - 1) for stream in streams]
                    state = step_on(*state, *given, *drawn, np.float64((step - 1) * plan.dt))
                    run.record(state, step)
        rows, columns = len(recorded), points or 1
        exponents = {lane: found.reshape(rows, columns) for lane, found in run.exponents.items()}
        yield Recording(run.values.reshape(-1, rows, columns), exponents)

    def layers(self, plan: Layers, inputs: Inputs, points: int | None) -> Recording:
        """Run a network's plan group by group."""
        table, exponents = self._filled(plan, inputs, points)
        powers = {lane: rows[: plan.nodes] for lane, rows in exponents.items()}
        return Recording(table[:, : plan.nodes], powers)

    def gradients(
        self,
        plan: Layers,
        inputs: Inputs,
        points: int | None,
        node: int,
        lane: int,
        held: Sequence[Ints],
    ) -> Recording:
        """The derivatives of one node by all nodes, group by group from the last to the first."""
        table, _ = self._filled(plan, inputs, points)

        def slopes(group: Group, values: Floats) -> list[Array]:
            return _slopes(group, table, lane)

        with np.errstate(all="ignore"):
            adjoints = pushed_back(plan, table[lane], slopes, node, lane, held)
        powers = {i: adjoint.powers[: plan.nodes] for i, adjoint in enumerate(adjoints)}
        return Recording(np.stack([one.mantissas[: plan.nodes] for one in adjoints]), powers)

    def _filled(
        self, plan: Layers, inputs: Inputs, points: int | None
    ) -> tuple[Floats, dict[int, Ints]]:
        """The values and tangents of all nodes and inputs (lanes, ids, points), and exponents."""
        size = plan.nodes + len(plan.inputs), 1 if points is None else points
        table = np.zeros((plan.lanes, *size))
        exponents = {lane: np.zeros(size, dtype=np.int64) for lane in plan.tangents}
        for lane in range(plan.lanes):
            if lane not in plan.tangents:
                for i, entry in enumerate(plan.inputs):
                    table[lane, plan.nodes + i] = inputs.values[entry.symbol.name]
        # A tangent lane has the weights of its gates too: they are numbers, and do not move.
        weights = {w.weight for group in plan.groups for w in group.weightings}
        weights |= {p.blend[1] for g in plan.groups for p in g.patches if p.blend is not None}
        values = next(lane for lane in range(plan.lanes) if lane not in plan.tangents)
        gates = {place: table[values, place].copy() for place in weights}
        with np.errstate(all="ignore"):
            for group in plan.groups:
                _advance(plan, group, table, exponents, gates)
                for patch in group.patches:
                    _apply(patch, table, exponents, gates)
        for group in plan.groups:
            _check_group(plan, group, table)
        return table, exponents


@functools.lru_cache(maxsize=8192)
def compiled(made: Block) -> Callable[..., list[Any]]:
    """A block as a Python function of scalars or arrays; it sees generated names only.

    >>> from causalopt.plan import single_form
    >>> x = sympy.Symbol("x")
    >>> compiled(single_form([x], {}, [x**2]))(np.float64(3.0))
    [np.float64(9.0)]
    """
    formulas = [*(e for _, e in made.assignments), *made.results]
    heads = {f.func for e in formulas for f in e.atoms(sympy.Function)}
    elementary = all(issubclass(head, _ELEMENTARY) for head in heads)
    function: Callable[..., list[Any]] = sympy.lambdify(
        made.arguments,
        list(made.results),
        modules="numpy" if elementary else ["scipy", "numpy"],
        printer=_NumPyPrinter(),
        cse=lambda _: (list(made.assignments), list(made.results)),
    )
    numbers = [j for j, e in enumerate(made.results) if e.is_number]
    return _floats_at(numbers, function) if numbers else function


def _floats_at(numbers: Sequence[int], function: Callable[..., list[Any]]) -> Callable[..., Any]:
    """The function with its constant results as floats, so that dividing by them is no error."""

    def wrapped(*arguments: Any) -> list[Any]:
        found = function(*arguments)
        for j in numbers:
            found[j] = np.float64(found[j])
        return found

    return wrapped


class _NumPyPrinter(SciPyPrinter):
    """NumPy code in which scalars and arrays mix in conditions too."""

    def __init__(self) -> None:
        super().__init__({"fully_qualified_modules": False, "inline": True})

    def _print_And(self, condition: sympy.And) -> str:
        return self._folded("numpy.logical_and", condition)

    def _print_Or(self, condition: sympy.Or) -> str:
        return self._folded("numpy.logical_or", condition)

    def _print_ITE(self, condition: sympy.ITE) -> str:
        # sympy's own way is a choice of numbers, NaN by default, and no condition any more.
        return (
            f"{self._module_format('numpy.where')}({', '.join(map(self._print, condition.args))})"
        )

    def _folded(self, function: str, condition: sympy.Basic) -> str:
        reduce, two = self._module_format("functools.reduce"), self._module_format(function)
        return f"{reduce}({two}, [{', '.join(map(self._print, condition.args))}])"


def _spread(value: Any, shape: tuple[int, ...]) -> Any:
    """A value as a float, or as a float array over the points of the sweep."""
    return np.broadcast_to(np.float64(value), shape) if shape else np.float64(value)


class _Recorder:
    """What one run of a loop keeps: the recorded values, and the powers of two taken out."""

    def __init__(self, plan: Loop, recorded: range, shape: tuple[int, ...]) -> None:
        self.plan = plan
        self.recorded = recorded
        self.scalar = not shape
        self.checked = plan.value_slots
        self.values = np.empty((len(plan.recorded), len(recorded), *shape))
        self.powers = {lane: np.zeros(shape, dtype=np.int64) for lane in plan.scales}
        self.exponents = {
            lane: np.zeros((len(recorded), *shape), dtype=np.int64) for lane in plan.scales
        }

    def record(self, state: list[Any], step: int) -> None:
        """Check the values, rescale the tangents in place, and keep what is wanted."""
        total = sum([state[j] for j in self.checked])
        if not (math.isfinite(total) if self.scalar else np.isfinite(total).all()):
            _blame(state, self.checked, step)
        for lane, slots in self.plan.scales.items():
            power = _power_to_remove(state, slots, self.scalar)
            if power is not None:
                self.powers[lane] = self.powers[lane] + power
                for j in slots:
                    state[j] = np.ldexp(state[j], -power)
        if step in self.recorded:
            place = self.recorded.index(step)
            for i, j in enumerate(self.plan.recorded):
                self.values[i, place] = state[j]
            for lane, powers in self.powers.items():
                self.exponents[lane][place] = powers


def _blame(state: Sequence[Any], slots: Sequence[int], step: int) -> None:
    """Say which value is not finite; none is where only their sum overflowed."""
    for j in slots:
        bad = np.flatnonzero(~np.isfinite(state[j]))
        if bad.size:
            value = float(np.atleast_1d(state[j])[bad[0]])
            raise NotFinite((j,), step, int(bad[0]), value)


def _power_to_remove(state: Sequence[Any], slots: Sequence[int], scalar: bool) -> Any:
    """The power of two that brings the largest of the slots back to size one; None if all is well.

    Multiplying by powers of two is exact, so that rescaling changes no digit.
    """
    sizes = [abs(state[j]) for j in slots]
    if scalar:
        size = max(sizes, default=0.0)
        return None if is_tame(size) else np.frexp(size)[1]
    size = functools.reduce(np.maximum, sizes, 0.0)
    inside = is_tame(size)
    return None if np.all(inside) else np.where(inside, 0, np.frexp(size)[1])


def _advance(
    plan: Layers,
    group: Group,
    table: Floats,
    exponents: dict[int, Ints],
    gates: Mapping[int, Floats],
) -> None:
    """Compute one group in all of its lanes: values by its block, tangents by the chain rule."""
    if group.block is None:
        for lane in group.lanes:
            is_value = lane not in plan.tangents
            table[lane, group.targets] = plan.starts[group.targets, None] if is_value else 0.0
        return
    function = compiled(group.block)
    partials: dict[int, list[Array]] = {}
    for lane in group.lanes:
        if lane not in plan.tangents:
            results = function(*_arguments(group, table, lane, gates))
            table[lane, group.targets] = results[0]
            partials[lane] = results[1:]
    for lane in group.lanes:
        if lane in plan.tangents:
            slopes = partials[plan.tangents[lane]]
            through = [w for w in group.weightings if w.lane == lane]
            if through:
                _push_gated(slopes, group, through, table, exponents, gates, lane)
            else:
                _push(slopes, group, table[lane], exponents[lane])


def _arguments(group: Group, table: Floats, lane: int, gates: Mapping[int, Floats]) -> list[Floats]:
    """What the nodes of a group see in a value lane, one array (k, points) an argument."""
    columns = [table[lane, column] for column in group.arguments.T]
    for weighting in group.weightings:
        if weighting.lane == lane and weighting.other is not None:
            for j, column in enumerate(group.arguments.T):
                rows = weighting.rows
                weight = gates[weighting.weight] * weighting.outside[:, j, None]
                other = table[weighting.other, column[rows]]
                columns[j][rows] = (1.0 - weight) * columns[j][rows] + weight * other
    return columns


def _slopes(group: Group, table: Floats, lane: int) -> list[Array]:
    """The partial derivative by each argument in a value lane; less behind a gate.

    What a gate lets in of another world does not move with this one.
    """
    block = group.block
    if block is None:
        return []
    gates = {w.weight: table[lane, w.weight] for w in group.weightings}
    slopes = compiled(block)(*_arguments(group, table, lane, gates))[1:]
    shape = len(group.targets), table.shape[2]
    for weighting in (w for w in group.weightings if w.lane == lane):
        for j, slope in enumerate(slopes):
            kept = np.ones(shape)
            kept[weighting.rows] -= gates[weighting.weight] * weighting.outside[:, j, None]
            slopes[j] = slope * kept
    return slopes


def _push(partials: Sequence[Array], group: Group, tangents: Floats, powers: Ints) -> None:
    """sum_u df/du * tangent(u), on mantissas brought to the largest power among the arguments."""
    if not partials:
        tangents[group.targets] = 0.0
        return
    columns = group.arguments.T
    shared = powers[columns[0]]
    power = shared.flat[0]
    if all((other == power).all() for other in (shared, *(powers[c] for c in columns[1:]))):
        # The usual case: every argument has the same power, and most often none.
        total = sum(p * tangents[column] for p, column in zip(partials, columns, strict=True))
        if np.all(is_tame(np.abs(total))):
            tangents[group.targets] = total
            powers[group.targets] = power
            return
    _add_up(partials, tangents[group.arguments], powers[group.arguments], group, tangents, powers)


def _push_gated(
    partials: Sequence[Array],
    group: Group,
    through: Sequence[Weighting],
    table: Floats,
    exponents: dict[int, Ints],
    gates: Mapping[int, Floats],
    lane: int,
) -> None:
    """As ``_push``, where arguments are weighted sums: their two terms are terms of the sum."""
    own, powers = table[lane][group.arguments], exponents[lane][group.arguments]
    moving, moving_powers = np.zeros_like(own), np.zeros_like(powers)
    for weighting in through:
        rows = weighting.rows
        weight = gates[weighting.weight] * weighting.outside[..., None]
        own[rows] *= 1.0 - weight
        if weighting.other is not None:
            seen = group.arguments[rows]
            moving[rows] = weight * table[weighting.other][seen]
            moving_powers[rows] = exponents[weighting.other][seen]
    terms = np.concatenate([own, moving], axis=1)
    both = np.concatenate([powers, moving_powers], axis=1)
    _add_up([*partials, *partials], terms, both, group, table[lane], exponents[lane])


def _add_up(
    partials: Sequence[Array],
    terms: Floats,
    term_powers: Ints,
    group: Group,
    tangents: Floats,
    powers: Ints,
) -> None:
    """Put the sums of (k, terms, points) times their partials in place, on powers of their own."""
    mantissas, top = aligned(terms, term_powers, axis=1)
    total = sum(p * mantissas[:, j] for j, p in enumerate(partials))
    mantissa, more = np.frexp(total)
    power = top + more
    coarse = (power + _STEP // 2) // _STEP * _STEP
    tangents[group.targets] = shifted(mantissa, power - coarse)
    powers[group.targets] = np.where(mantissa == 0.0, 0, coarse)


def _apply(
    patch: Patch, table: Floats, exponents: dict[int, Ints], gates: Mapping[int, Floats]
) -> None:
    """Make of nodes in one lane what an intervention makes of them."""
    row, nodes = table[patch.lane], patch.nodes
    powers = exponents.get(patch.lane)
    if not patch.keep:
        if patch.held is not None:
            row[nodes] = table[patch.held, nodes]
        else:
            row[nodes] = 0.0 if patch.source is None else row[patch.source]
        if powers is not None:
            powers[nodes] = 0 if patch.held is None else exponents[patch.held][nodes]
    if patch.blend is not None:
        _blend(patch.blend, row, powers, nodes, table, exponents, gates)
    if patch.shift is not None:
        row[nodes] += row[patch.shift]
    if patch.seed and powers is not None:
        row[nodes] = shifted(row[nodes], powers[nodes]) + 1.0
        powers[nodes] = 0


def _blend(
    blend: tuple[int | None, int],
    row: Floats,
    powers: Ints | None,
    nodes: Ints,
    table: Floats,
    exponents: dict[int, Ints],
    gates: Mapping[int, Floats],
) -> None:
    """(1 - w) of nodes' own values and w of those in another lane."""
    other, place = blend
    weight = gates[place]
    own = (1.0 - weight) * row[nodes]
    there = np.zeros_like(own) if other is None else weight * table[other, nodes]
    if powers is None:
        row[nodes] = own + there
        return
    none = np.zeros_like(powers[nodes])
    both = np.stack([powers[nodes], none if other is None else exponents[other][nodes]])
    mantissas, top = aligned(np.stack([own, there]), both, axis=0)
    total = mantissas.sum(axis=0)
    row[nodes], powers[nodes] = total, np.where(total == 0.0, 0, top)


def _check_group(plan: Layers, group: Group, table: Floats) -> None:
    for lane in group.lanes:
        if lane in plan.tangents:
            continue
        values = table[lane, group.targets]
        if not np.isfinite(values).all():
            row, point = np.argwhere(~np.isfinite(values))[0]
            node = int(group.targets[row])
            given = {int(i): float(table[lane, i, point]) for i in group.arguments[row]}
            raise NotFinite((lane, node), 0, int(point), float(values[row, point]), given)
