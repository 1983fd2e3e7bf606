"""Find the optimizer: which parts regulate which variables, ranked, and what may be chance."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from causalopt.discovery.pushes import authority
from causalopt.discovery.shares import by_gate, gates_of, integrated, quadrature
from causalopt.discovery.target import Target, base_of
from causalopt.ground import checks
from causalopt.ground.errors import QueryError
from causalopt.ground.letters import visible_lines
from causalopt.ground.types import Floats
from causalopt.language.symbols import Nodes, Stage
from causalopt.linearisation.gates import GatedNudge
from causalopt.linearisation.world import Linear, linearised
from causalopt.measures.question import nodes_as_text
from causalopt.model.interface import Model
from causalopt.model.selection import Key
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr

# The part of the largest share that a variable of A has at least.
_PART = 0.1
# Points of the quadrature where many rewired systems are asked.
_ROUGH = 8

LIMITS = (
    "A nudge at a is steered by m exactly as strongly as one at m by a, frequency by frequency: "
    "memory, a third node's nudge or authority tell the two apart. The target is not known from "
    "this alone: systems hold genuine rival loops, and the first row need not be it."
)


@dataclass(frozen=True, eq=False)
class Optimizers:
    """Parts A and the variables m that they regulate, the strongest first.

    ``data`` has along ``rank``: ``m`` and ``A`` as text, ``op2`` of A, ``total``, that of all but
    m, ``missing`` and ``converged`` of its shares (where they have not, A is unknown), ``chance``,
    that of the largest share, ``authority`` of its variable on m and ``back``, that of m on it
    (NaN where there is no A);
    and along ``rank`` and ``variable`` the ``share`` of each and its ``share_chance``. ``limits``
    says what the table cannot tell. As text, it is the table.
    """

    data: xr.Dataset
    limits: str = LIMITS

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Optimizers) and (
            self.limits == other.limits and self.data.identical(other.data)
        )

    def __hash__(self) -> int:
        return hash((self.limits, *self.data["m"].values.tolist()))

    def __str__(self) -> str:
        rows = [("m", "A", "Op2", "of all", "chance", "authority", "back")]
        for rank in self.data["rank"].values:
            row = self.data.sel(rank=rank)
            numbers = [row[name].item() for name in ("op2", "total", "chance", "authority", "back")]
            unnamed = "none" if row["converged"] else "unknown"
            named = str(row["m"].item()), str(row["A"].item()) or unnamed
            rows.append((*named, *(f"{number:.4g}" for number in numbers)))  # type: ignore[arg-type]  # seven
        widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
        lines = [
            "  ".join(
                cell.ljust(width) if j < 2 else cell.rjust(width)
                for j, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, "", self.limits])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(visible_lines(str(self)))}</pre>"


def find_optimizers(
    of: Model | World[Model],
    *,
    m: Nodes | Sequence[Nodes] | None = None,
    nudge: str = "sustained",
    steps: int | None = None,
    replicates: int = 20,
    seed: int = 0,
) -> Optimizers:
    """Who steers what: for each variable m, the part A that regulates it, ranked by Op2(A; m).

    For each m on a loop (or each one given), A is what has a positive share of its regulation
    (``steering_shares``), a tenth of the largest share at least, and ``op2`` is Op2 of A together;
    0 where there is none.

    Whether a share is more than chance is told by a null model: the same arrows with the same
    slopes, from sources that are shuffled among them, which cuts the loops that there are and
    leaves those of chance. ``share_chance`` of a variable is the part of all shares in
    ``replicates`` of these that is as large as its own. Of a few variables there are few other
    wirings, so that chance is never ruled out there.

    ``of``, ``nudge`` and ``steps`` as for ``self_regulation``; ``seed`` decides the shuffles. The
    cost is that of (1 + replicates) shares for each m. The table says what it cannot tell: who of
    a and m is the target is not seen in a nudge at m; ``authority`` (of the strongest variable of A
    on m, by a push along the run) and ``back`` (of m on it) break the tie where anything does.

    Raises ``QueryError`` for unknown names, named values, and where no m lies on a loop.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R, seen, sun = variables("T R seen sun")
    >>> room = System(
    ...     {T: R - 25, R: R - 0.01 * T + 0.02 * sun, seen: R, sun: sun / 2},
    ...     start={T: 0, R: 25, seen: 25, sun: 1},
    ... )
    >>> found = find_optimizers(room, m=R, steps=400)
    >>> found.data.A.values.tolist(), found.data.op2.values.round(3).tolist()
    (['T'], [1.064])
    """
    import xarray as xr

    count = checks.whole(replicates, "replicates", 1, 10_000)
    seed = checks.whole(seed, "seed", 0)
    base = base_of(of, steps, [] if m is None else [m])
    if base.steps is None:
        raise QueryError(
            "A network has no time, and so no loops: ask about the System that it was made of."
        )
    whole = linearised(base)
    targets = [Target(base, key, nudge=nudge) for key in _candidates(whole, m)]
    if not targets:
        raise QueryError("No variable lies on a loop with another: nothing here steers anything.")
    findings = [_finding(target, count, seed) for target in targets]
    findings.sort(key=lambda finding: -finding.op2)
    shown = np.flatnonzero(whole.declared)
    names = [whole.names[place] for place in shown]
    rank = ["rank"]
    columns = {
        "m": (rank, [finding.m for finding in findings]),
        "A": (rank, [", ".join(whole.names[a] for a in finding.A) for finding in findings]),
        "op2": (rank, [finding.op2 for finding in findings], {"units": "nat"}),
        "total": (rank, [finding.total for finding in findings], {"units": "nat"}),
        "missing": (rank, [finding.missing for finding in findings], {"units": "nat"}),
        "converged": (rank, [int(finding.converged) for finding in findings]),
        "chance": (rank, [finding.chance_of_largest for finding in findings]),
        "authority": (rank, [finding.authority for finding in findings]),
        "back": (rank, [finding.back for finding in findings]),
        "share": ([*rank, "variable"], np.stack([f.shares[shown] for f in findings])),
        "share_chance": ([*rank, "variable"], np.stack([f.chances[shown] for f in findings])),
    }
    coords = {"rank": np.arange(1, len(findings) + 1), "variable": names}
    attrs = {"nudge": nudge, "replicates": count, "seed": seed}
    return Optimizers(xr.Dataset(columns, coords, attrs))


@dataclass(frozen=True, eq=False)
class _Finding:
    """What regulates one m: shares and chances by members, and the part A that they make."""

    m: str
    A: tuple[int, ...]
    op2: float
    total: float
    missing: float
    converged: bool
    shares: Floats
    chances: Floats
    authority: float
    back: float

    @property
    def chance_of_largest(self) -> float:
        """How often chance gives a share as large as the largest one."""
        return float(self.chances[int(np.argmax(self.shares))])


def _candidates(whole: Linear, m: Nodes | Sequence[Nodes] | None) -> list[Key]:
    """The variables to ask about, each on a loop with another."""
    if m is not None:
        own = whole.world.model.select(m, whole.world.steps)
        if whole.named_in_part(own) is not None:
            raise QueryError(
                f"m = {nodes_as_text(m)} has a part of a variable: name variables whole here, or "
                "ask self_regulation about a stretch."
            )
        return list(dict.fromkeys(stretch.key for stretch in own))
    places = [p for p in range(len(whole.members)) if whole.declared[p]]
    return [whole.members[p] for p in places if len(whole.loops_through([p])) > 1]


def _finding(target: Target, replicates: int, seed: int) -> _Finding:
    """Shares of one m, what chance would give, and the part A that stands out."""
    whole, gated = target.whole, gates_of(target, None)
    own = target.stretches[0].key
    found = integrated(gated, tolerance=1e-6)
    shares, chances = np.zeros(len(whole.members)), np.ones(len(whole.members))
    shares[gated.members] = by_gate(gated, found.edges)
    null = np.sort(np.concatenate([_null_shares(target, seed, i) for i in range(replicates)]))
    # As often as there, and once more: chance is never said to be impossible.
    above = len(null) - np.searchsorted(null, shares[gated.members])
    chances[gated.members] = (above + 1) / (len(null) + 1)
    least = _PART * shares.max(initial=0.0)
    # Shares that have not converged say nothing of who is a part.
    part = [int(p) for p in gated.members if found.converged and shares[p] >= least > 0.0]
    part.sort(key=lambda place: -shares[place])
    let_through = np.array([[1.0, 0.0 if p in part else 1.0] for p in gated.members])
    free, held = gated.log_norm(let_through.reshape(-1, 2))
    # Where nobody regulates m there is no strongest: the first of all is not meant.
    strongest = whole.members[part[0]] if part else None
    return _Finding(
        m=whole.names[whole.place_of(own)],
        A=tuple(part),
        op2=float(held - free) if part else 0.0,
        total=found.total,
        missing=found.total - float(shares.sum()),
        converged=found.converged,
        shares=shares,
        chances=chances,
        authority=_push(target.base, own, strongest),
        back=_push(target.base, strongest, own),
    )


def _push(base: World[Model], m: Key | None, a: Key | None) -> float:
    """What a push at a, along the run, does to m in the end; NaN where one of them is nobody."""
    if m is None or a is None:
        return float("nan")
    effect = authority(base, m)
    return float(effect.sel(variable=linearised(base).names[linearised(base).place_of(a)]))


def _null_shares(target: Target, seed: int, replicate: int) -> Floats:
    """The shares of all others in a system with the same arrows from shuffled sources."""
    source = np.random.default_rng([seed, replicate, *target.places.tolist()])
    linear = rewired(target.whole, source)
    own = int(linear.owners[target.places[0]])
    loop = linear.loops_through([own])
    members = np.array([p for p in sorted(loop - {own}) if linear.declared[p]], dtype=np.int64)
    others = int(linear.declared.sum()) - 1
    if not members.size:
        return np.zeros(others)
    gated = GatedNudge(linear.among(loop), target.places, target.rows, target.nudges, members)
    shares = by_gate(gated, quadrature(gated, _ROUGH))
    # What is on no cycle through m has a share of 0 there as well.
    return np.concatenate([shares, np.zeros(others - len(shares))])


def rewired(linear: Linear, source: np.random.Generator) -> Linear:
    """The same arrows between variables, each from the source of another one.

    Every variable sends and gets as many as before, with the same slopes; its own memory stays.
    Inner stages of a step are those of the new source. A value of the same step becomes one of the
    step before, since it might come from later now.
    """
    owners = linear.owners
    ends = list(zip(owners[linear.sources].tolist(), owners[linear.targets].tolist(), strict=True))
    pairs = list(dict.fromkeys((a, b) for a, b in ends if a != b and linear.declared[[a, b]].all()))
    new = dict(zip(pairs, _shuffled(pairs, source), strict=True))
    nodes = {_role(linear, place): place for place in range(len(linear.keys))}
    sources, lags = linear.sources.copy(), linear.lags.copy()
    for edge, pair in enumerate(ends):
        if pair not in new:
            continue
        _, stage = _role(linear, int(sources[edge]))
        there = nodes.get((new[pair], stage))
        if there is None or (stage is None and lags[edge] == 0):
            lags[edge] = max(lags[edge], 1)
        sources[edge] = nodes[new[pair], None] if there is None else there
    return replace(linear, sources=sources, lags=lags)


def _role(linear: Linear, place: int) -> tuple[int, int | None]:
    """The variable that a node belongs to, and which stage of it the node is."""
    key = linear.keys[place]
    return int(linear.owners[place]), key.number if isinstance(key, Stage) else None


def _shuffled(pairs: Sequence[tuple[int, int]], source: np.random.Generator) -> list[int]:
    """The sources of pairs in another order, none of them its own target, nor twice in one."""
    sources, targets = [a for a, _ in pairs], [b for _, b in pairs]
    there = set(pairs)
    # By exchanges of two, which keep what is allowed, as often as there are pairs ten times over.
    for _ in range(10 * len(pairs)):
        i, j = source.integers(len(pairs), size=2).tolist()
        one, other = (sources[j], targets[i]), (sources[i], targets[j])
        if one[0] == one[1] or other[0] == other[1] or one in there or other in there:
            continue
        there -= {(sources[i], targets[i]), (sources[j], targets[j])}
        there |= {one, other}
        sources[i], sources[j] = sources[j], sources[i]
    return sources
