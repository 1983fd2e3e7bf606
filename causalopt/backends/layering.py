"""A network's plan in NumPy: a table of all nodes in all lanes, filled group by group."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from causalopt.backends.functions import compiled
from causalopt.backends.interface import Inputs, NotFinite
from causalopt.backends.limits import partial_at
from causalopt.backends.vanishing import Slopes, heard, lifted
from causalopt.ground.scaled import aligned, is_tame, shifted
from causalopt.ground.types import Floats, Ints, Number
from causalopt.mechanisms.interface import Mechanism
from causalopt.plan import Blend, Group, Layers, Patch, Weighting
from causalopt.plan.draws import Stream

# Powers of tangents in a network come in steps of this many, so that nodes of about one size share
# one, and most sums need no alignment.
_STEP = 512


def fill(plan: Layers, inputs: Inputs, points: int | None) -> tuple[Floats, dict[int, Ints]]:
    """The values and tangents of all nodes and inputs (lanes, ids, points), and exponents."""
    size = plan.rows, 1 if points is None else points
    # Every node is written before it is read, in all lanes.
    table = np.empty((plan.lanes, *size))
    exponents = {lane: np.zeros(size, dtype=np.int64) for lane in plan.tangents}
    _put_inputs(plan, inputs, table[:, plan.nodes :])
    # A tangent lane has the weights of its gates too: they are numbers, and do not move.
    weights = {w.weight for group in plan.groups for w in group.weightings}
    weights |= {b.weight for g in plan.groups for p in g.patches for b in p.blends}
    values = next(lane for lane in range(plan.lanes) if lane not in plan.tangents)
    gates = {place: table[values, place].copy() for place in weights}
    with np.errstate(all="ignore"):
        passing = {i: inputs.draws[entry.symbol.name] for i, entry in plan.passing.items()}
        for group in plan.groups:
            _advance(plan, group, table, exponents, gates, passing)
            for patch in group.patches:
                _apply(patch, table, exponents, gates)
        for group in plan.groups:
            if not group.is_finite:
                _check_group(plan, group, table)
    return table, exponents


def _put_inputs(plan: Layers, inputs: Inputs, given: Floats) -> None:
    """Put the inputs (lanes, inputs, points) in place: none of them moves with a tangent."""
    first, *others = (lane for lane in range(plan.lanes) if lane not in plan.tangents)
    for i, entry in enumerate(plan.inputs):
        if plan.nodes + i in plan.passing:
            continue
        name = entry.symbol.name
        known = inputs.values.get(name)
        given[first, i] = inputs.draws[name].without_time() if known is None else known
    for lane in others:
        given[lane] = given[first]
    for lane in plan.tangents:
        given[lane] = 0.0


def _advance(
    plan: Layers,
    group: Group,
    table: Floats,
    exponents: dict[int, Ints],
    gates: Mapping[int, Floats],
    passing: Mapping[int, Stream],
) -> None:
    """Compute one group in all of its lanes: values by its block, tangents by the chain rule.

    Noises that are ``passing`` are drawn here.
    """
    function = _function_of(group)
    if function is None:
        for lane in group.lanes:
            is_value = lane not in plan.tangents
            table[lane, group.rows] = plan.starts[group.targets, None] if is_value else 0.0
        return
    partials: dict[int, Slopes] = {}
    # Values first, for the slopes of all tangent lanes are those at the values that they share.
    for lane in group.lanes:
        if lane not in plan.tangents:
            seen = _arguments(group, table, lane, gates)
            for j, i in enumerate(group.arguments[0].tolist() if passing else ()):
                if i in passing:
                    seen[j] = np.reshape(passing[i].without_time(), (1, -1))
            results, is_tiny = heard(function, seen)
            table[lane, group.rows] = results[0]
            partials[lane] = sound(group, results[1:], seen, is_tiny)
    for lane in group.lanes:
        if lane in plan.tangents:
            slopes = partials[plan.tangents[lane]]
            through = [w for w in group.weightings if w.lane == lane]
            if through:
                _push_gated(slopes, group, through, table, exponents, gates, lane)
            else:
                _push(slopes, group, table[lane], exponents[lane])


def _function_of(group: Group) -> Callable[..., Sequence[Number]] | None:
    """The values of a group, and what partial derivatives they have; None of roots."""
    if group.block is not None:
        return compiled(group.block)
    by_index = None if group.mechanism is None else group.mechanism.by_index
    return None if by_index is None else lambda *seen: [by_index(*seen)]


def _arguments(group: Group, table: Floats, lane: int, gates: Mapping[int, Floats]) -> list[Floats]:
    """What the nodes of a group see in a value lane, one array (k, points) an argument.

    They are for reading: some are parts of the table.
    """
    mixed = [w for w in group.weightings if w.lane == lane and w.other is not None]
    columns = [table[lane, column] for column in (group.arguments.T if mixed else group.columns)]
    for weighting in mixed:
        for j, column in enumerate(group.arguments.T):
            rows = weighting.rows
            weight = gates[weighting.weight] * weighting.outside[:, j, None]
            other = table[weighting.other, column[rows]]
            columns[j][rows] = (1.0 - weight) * columns[j][rows] + weight * other
    return columns


def slopes_in(group: Group, table: Floats, lane: int) -> Slopes:
    """The partial derivative by each argument in a value lane; less behind a gate.

    What a gate lets in of another world does not move with this one.
    """
    block = group.block
    if block is None:
        return Slopes([])
    gates = {w.weight: table[lane, w.weight] for w in group.weightings}
    own = [patch for patch in group.patches if patch.lane == lane and patch.keep]
    blends = [(patch.nodes, blend.weight) for patch in own for blend in patch.blends]
    seen = _arguments(group, table, lane, gates)
    results, is_tiny = heard(compiled(block), seen)
    slopes = sound(group, results[1:], seen, is_tiny)
    shape = len(group.targets), table.shape[2]
    for weighting in (w for w in group.weightings if w.lane == lane):
        kept = [np.ones(shape) for _ in slopes.mantissas]
        for j, part in enumerate(kept):
            part[weighting.rows] -= gates[weighting.weight] * weighting.outside[:, j, None]
        slopes = slopes.times(kept)
    for nodes, weight in blends:
        part = np.ones(shape)
        part[np.isin(group.targets, nodes)] -= table[lane, weight]
        slopes = slopes.times([part] * len(slopes.mantissas))
    return slopes


def sound(group: Group, slopes: Sequence[Number], seen: Sequence[Floats], is_tiny: bool) -> Slopes:
    """The partial derivatives; where a formula has no number, as a limit, NaN where none is.

    Those that are too small for a float have powers, where one ``is_tiny`` perhaps.
    """
    mechanism = group.mechanism
    if mechanism is None or not slopes:
        return Slopes(slopes)
    finite = _limits(mechanism, slopes, seen)
    return lifted(mechanism, finite, seen) if is_tiny else Slopes(finite)


def _limits(
    mechanism: Mechanism, slopes: Sequence[Number], seen: Sequence[Floats]
) -> Sequence[Number]:
    if all(math.isfinite(np.sum(slope)) for slope in slopes):
        return slopes
    arguments = mechanism.arguments
    whole = [np.array(np.broadcast_to(slope, seen[0].shape)) for slope in slopes]
    for argument, slope in zip(arguments, whole, strict=True):
        for place in map(tuple, np.argwhere(~np.isfinite(slope))):
            values = (float(column[place]) for column in seen)
            limit = partial_at(mechanism, argument, dict(zip(arguments, values, strict=True)))
            slope[place] = math.nan if limit is None else limit
    return whole


def _push(partials: Slopes, group: Group, tangents: Floats, powers: Ints) -> None:
    """sum_u df/du * tangent(u), on mantissas brought to the largest power among the arguments."""
    slopes = partials.mantissas
    if not slopes:
        tangents[group.targets] = 0.0
        return
    columns = group.arguments.T
    shared = powers[columns[0]]
    power = shared.flat[0]
    others = (shared, *(powers[c] for c in columns[1:]))
    if partials.powers is None and all((other == power).all() for other in others):
        # The usual case: every argument has the same power, and most often none.
        total = sum(p * tangents[column] for p, column in zip(slopes, columns, strict=True))
        if is_tame(np.abs(total)).all() and not _is_lost(total, slopes, tangents, columns):
            tangents[group.targets] = total
            powers[group.targets] = power
            return
    _add_up(partials, tangents[group.arguments], powers[group.arguments], group, tangents, powers)


def _is_lost(total: Number, partials: Sequence[Number], tangents: Floats, columns: Ints) -> bool:
    """Whether a sum is zero, though a term of it is not: too small, or as large as another."""
    is_zero = np.asarray(total) == 0.0
    if not is_zero.any():
        return False
    terms = zip(partials, columns, strict=True)
    return any((is_zero & (p != 0.0) & (tangents[column] != 0.0)).any() for p, column in terms)


def _push_gated(
    partials: Slopes,
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
    _add_up(partials.twice(), terms, both, group, table[lane], exponents[lane])


def _add_up(
    partials: Slopes,
    terms: Floats,
    term_powers: Ints,
    group: Group,
    tangents: Floats,
    powers: Ints,
) -> None:
    """Put the sums of (k, terms, points) times their partials in place, on powers of their own."""
    size = terms[:, 0].shape
    each = [np.broadcast_to(slope, size) for slope in partials.mantissas]
    slopes, lifts = np.frexp(np.stack(each, axis=1))
    if partials.powers is not None:
        lifts = lifts + np.stack(partials.powers, axis=1)
    # What does not move has no say, even where there is no derivative by it.
    slopes = np.where(terms == 0.0, 0.0, slopes)
    # Products, not tangents, are brought to one power: a term with a zero slope has no say in it.
    tangents[group.targets], powers[group.targets] = _summed(slopes * terms, term_powers + lifts, 1)


def _summed(terms: Floats, powers: Ints, axis: int = 0) -> tuple[Floats, Ints]:
    """The sums along an axis of terms * 2**powers, with powers of their own."""
    mantissas, top = aligned(terms, powers, axis)
    # After a sum that cancels, the power of what is left is far below that of its terms.
    mantissa, more = np.frexp(mantissas.sum(axis=axis))
    power = top + more
    # In coarse steps, so that nodes of about one size share a power and the usual case comes back.
    coarse = (power + _STEP // 2) // _STEP * _STEP
    return shifted(mantissa, power - coarse), np.where(mantissa == 0.0, 0, coarse)


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
    for blend in patch.blends:
        _blend(blend, row, powers, nodes, table, exponents, gates)
    if patch.shift is not None:
        row[nodes] += row[patch.shift]
    if patch.seed and powers is not None:
        # The nudge is 1 at power 0, whatever the power of what is there already.
        none = np.zeros_like(powers[nodes])
        terms, both = np.stack([row[nodes], none + 1.0]), np.stack([powers[nodes], none])
        row[nodes], powers[nodes] = _summed(terms, both)


def _blend(
    blend: Blend,
    row: Floats,
    powers: Ints | None,
    nodes: Ints,
    table: Floats,
    exponents: dict[int, Ints],
    gates: Mapping[int, Floats],
) -> None:
    """(1 - w) of nodes' own values and w of another, each with the power that it has."""
    weight = gates[blend.weight]
    own = (1.0 - weight) * row[nodes]
    there = np.zeros_like(own) if blend.lane is None else table[blend.lane, nodes]
    if powers is None:
        there = row[[blend.source]] if blend.source >= 0 else there
        less = row[[blend.less]] if blend.less >= 0 else 0.0
        row[nodes] = own + weight * (there - less)
        return
    none = np.zeros_like(powers[nodes])
    terms = [(own, powers[nodes])]
    terms.append((weight * there, none if blend.lane is None else exponents[blend.lane][nodes]))
    # A nudge is 1 at power 0, whatever the power of what it was made to.
    terms += [(np.broadcast_to(-weight, own.shape), none)] if blend.less_nudge else []
    row[nodes], powers[nodes] = _summed(
        np.stack([m for m, _ in terms]), np.stack([p for _, p in terms])
    )


def _check_group(plan: Layers, group: Group, table: Floats) -> None:
    for lane in group.lanes:
        values = table[lane, group.rows]
        if np.isfinite(values).all():
            continue
        row, point = np.argwhere(~np.isfinite(values))[0]
        node, value = int(group.targets[row]), float(values[row, point])
        own = plan.tangents.get(lane, lane)
        given = {int(i): float(table[own, i, point]) for i in group.arguments[row]}
        if lane not in plan.tangents:
            raise NotFinite((lane, node), 0, int(point), value, given)
        slopes = slopes_in(group, table, own)
        for slope, parent in zip(slopes.mantissas, group.arguments[row].tolist(), strict=True):
            each = np.broadcast_to(slope, values.shape)
            if not math.isfinite(each[row, point]) and table[lane, parent, point] != 0.0:
                place, infinite = (lane, node), float(each[row, point])
                raise NotFinite(place, 0, int(point), infinite, given, plan.labels[parent])
