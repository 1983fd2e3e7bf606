"""What a page is told: the worlds, their differences, Op, and one sentence that says it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from causalopt.explorer.charts import Chart, Trace, charted, in_words
from causalopt.explorer.setting import Setting, can_differ, variable_of
from causalopt.explorer.words import Said, nothing_held, of_names, sentence, undefined
from causalopt.ground.errors import QueryError
from causalopt.ground.types import Array
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Label, Nodes
from causalopt.measures.response.optimization import op
from causalopt.model.interface import Model
from causalopt.model.world import World
from causalopt.runs.results import run, tangents

if TYPE_CHECKING:
    import xarray as xr

Found = TypeVar("Found", "xr.Dataset", "xr.DataArray")
Keep = Nodes | Sequence[Nodes] | str
Worlds = tuple[World[Model], ...]
_WORLDS = ("W", "X", "Y")
# What results have axes for, besides those of values that are moved.
_AXES = ("world", "time", "step", "node", "draw")
# Of more nodes than this without time, no picture shows anything.
_MOST_NODES = 60


def worlds_shown(setting: Setting) -> tuple[Worlds, str]:
    """W, X and Y with a difference that can be seen, and what it is, in words.

    Where nothing is held there is no Y. The difference is ``delta``; where an infinitesimal one is
    asked about, a tenth of what n is, in one digit, or 0.1 where that is 0; of a node with named
    values, the next of these.
    """
    W, n = setting.still, setting.n
    way, amount = nudge_shown(setting)
    if way == "to":
        X, said = W.perturb(n, to=amount), f"{n} is {amount} in X"
    else:
        X, said = W.perturb(n, by=amount), f"{n} is moved by {amount:g} in X"
    held = (X.clamp(setting.A, to=W),) if setting.screen.A else ()
    return (W, X, *held), said


def nudge_shown(setting: Setting) -> tuple[str, object]:
    """How n is moved in the worlds that are drawn: ``by`` a number, or ``to`` a named value."""
    value = _value_of(setting, setting.n)
    if can_differ(setting.n):
        return "by", setting.screen.delta or float(f"{0.1 * abs(value):.0e}") or 0.1
    domain = domain_of(setting.n)
    names: tuple[str, ...] = domain.names  # type: ignore[attr-defined]  # names alone do not add
    return "to", domain.value(float((int(value) + 1) % len(names)))


def _has_names(setting: Setting) -> bool:
    """Whether n or m has named values."""
    with contextlib.suppress(QueryError):
        return not (can_differ(setting.n) and can_differ(variable_of(setting.m)))
    return False


def strength(setting: Setting) -> xr.DataArray:
    """Op, as it is asked for."""
    screen = setting.screen
    found = op(
        setting.still,
        A=setting.A,
        n=setting.n,
        m=setting.m,
        delta=screen.delta,
        draws=screen.draws,
        over=setting.over,
        backend=setting.backend,
    )
    return at_its_point(found)


def courses(setting: Setting, *worlds: World[Model], keep: Keep = "all") -> xr.Dataset:
    """W, X and Y, or the first of them, run with the values of a setting, as ``run`` gives them."""
    # By names of their own: where n is held, Y is W, and would have no other.
    labels = _WORLDS[: len(worlds)]
    found = run(*worlds, labels=labels, keep=keep, over=setting.over, backend=setting.backend)
    return at_its_point(found)


def slopes(setting: Setting) -> xr.DataArray:
    """The derivatives of the shown variable by n in X and Y, as ``tangents`` gives them."""
    X = setting.still.perturb(setting.n)
    worlds = (X, X.clamp(setting.A, to=setting.still)) if setting.screen.A else (X,)
    found = tangents(
        *worlds,
        labels=_WORLDS[1 : 1 + len(worlds)],
        keep=setting.shown,
        over=setting.over,
        backend=setting.backend,
    )
    return at_its_point(found)[setting.model.name_of(setting.shown)]


def at_its_point(found: Found) -> Found:
    """Without the axes of the values that are moved, each of which has one place."""
    swept = {dim: 0 for dim in found.dims if dim not in _AXES and found.sizes[dim] == 1}
    return found.isel(swept, drop=True)


def answer(setting: Setting) -> dict[str, object]:
    """All that a page shows of a setting, as JSON holds it."""
    verdict, of_op = _told_or_why_not(setting)
    charts = [
        in_words(key, title, functools.partial(draw, setting))
        for key, title, draw in (_IN_TIME if setting.model.has_time else _WITHOUT_TIME)
    ]
    if _has_names(setting):  # of which there are no differences, and so nothing more to draw
        charts = charts[:1]
    return {
        "address": setting.screen.address,
        "asked": asked(setting),
        "verdict": verdict.content(),
        "charts": [chart.content() for chart in (*charts, of_op)],
    }


def asked(setting: Setting) -> dict[str, object]:
    """What is asked, by names, for the parts of the page that show it."""
    screen = setting.screen
    return {
        "n": screen.n,
        "A": list(screen.A or ()),
        "m": screen.m,
        "variables": {
            "n": _variables(setting, screen.n),
            "A": _variables(setting, *(screen.A or ())),
            "m": _variables(setting, screen.m),
        },
        "show": screen.show or "".join(_variables(setting, screen.m)),
        "steps": screen.steps,
        "delta": screen.delta,
        "seed": screen.seed,
        "draws": screen.draws,
    }


def _variables(setting: Setting, *names: str | None) -> list[str]:
    """The variables of nodes, by names; of what the model has not, none."""
    found = []
    for name in names:
        with contextlib.suppress(QueryError):
            found.append(setting.model.name_of(variable_of(setting.found(name or ""))))
    return found


def _told_or_why_not(setting: Setting) -> tuple[Said, Chart]:
    """What is told of Op; where there is nothing to be asked, what is there instead."""
    if _has_names(setting):
        return of_names(setting), Chart("op", "Op")
    if not setting.screen.A:
        return nothing_held(setting), Chart("op", "Op")
    return told(setting)


def told(setting: Setting) -> tuple[Said, Chart]:
    """The sentence about Op, and its chart."""
    found: list[xr.DataArray] = []

    def draw() -> Chart:
        found.append(strength(setting))
        return op_chart(setting, found[0])

    chart = in_words("op", "Op over time" if setting.model.has_time else "Op", draw)
    return (sentence(setting, found[0]) if found else undefined(chart.fault)), chart


def op_chart(setting: Setting, values: xr.DataArray) -> Chart:
    """Op over time; of several draws the middle one, and between which eight in ten lie."""
    title = f"Op of {', '.join(setting.screen.A or ())}"
    axis = next((str(dim) for dim in values.dims if dim != "draw"), None)
    if axis is None:
        return Chart("op", title, note="" if "draw" not in values.dims else "one number for m")
    if "draw" in values.dims:
        middle = values.median("draw").values
        # Those of draws themselves: between two that are infinite nothing can be put.
        low, high = (values.quantile(q, "draw", method="nearest").values for q in (0.1, 0.9))
        traces = [Trace("median", "op", middle), Trace("10 %", "band", low)]
        traces.append(Trace("90 %", "band", high))
    else:
        traces = [Trace("Op", "op", values.values)]
    x, label, shown = _numbers(values[axis]), _label(values[axis]), traces[0].values
    count = int(np.isinf(shown).sum())
    note = f"infinite at {count:,} of {shown.size:,} steps" if count else ""
    return charted("op", title, x, traces, x_label=label, y_label="Op [nat]", note=note)


def worlds_chart(setting: Setting) -> Chart:
    """The course of a variable in W, X and Y."""
    worlds, said = worlds_shown(setting)
    name = setting.model.name_of(setting.shown)
    data = courses(setting, *worlds, keep=setting.shown)[name]
    return charted(
        "worlds",
        f"{name} in the {'three' if len(worlds) == len(_WORLDS) else 'two'} worlds",
        _numbers(data.time),
        _traces(data),
        x_label=_label(data.time),
        y_label=_label(data),
        names=tuple(getattr(domain_of(setting.shown), "names", ())),
        note=f"{said}{_held_in_words(setting)}",
    )


def _traces(data: xr.DataArray) -> list[Trace]:
    """A curve for each world, in the look that the page has for it."""
    return [Trace(str(w), str(w), data.sel(world=w).values) for w in data.world.values]


def _held_in_words(setting: Setting) -> str:
    """What is done to Y, where there is one, and that one draw of several is drawn."""
    A = ", ".join(setting.screen.A or ())
    held = f"; Y: the same, with {A} held as in W" if A else ""
    return held + ("; of one draw" if setting.screen.draws else "")


def differences_chart(setting: Setting) -> Chart:
    """x - w and y - w over time: for each unit of n, where the difference is infinitesimal."""
    name = setting.model.name_of(setting.shown)
    data, note = _differences(setting, name)
    return charted(
        "differences",
        f"What the nudge does to {name}",
        _numbers(data.time),
        [Trace(f"{t.name.lower()} − w", t.role, t.values) for t in _traces(data)],
        by_size=True,
        x_label=_label(data.time),
        y_label=f"difference of {name}",
        note=note,
    )


def _differences(setting: Setting, name: str) -> tuple[xr.DataArray, str]:
    """x - w and y - w, or their derivatives, and for what difference of n."""
    if setting.screen.delta is None and can_differ(setting.n):
        return slopes(setting), f"for each unit of {setting.screen.n}"
    worlds, said = worlds_shown(setting)
    data = courses(setting, *worlds, keep=setting.shown)[name]
    if not can_differ(setting.shown):
        raise QueryError(f"{name} has named values, which have no difference.")
    moved = data.sel(world=list(_WORLDS[1 : len(worlds)]))
    return moved - data.sel(world="W", drop=True), said


def nodes_chart(setting: Setting) -> Chart:
    """The value of each node of a model without time in W, X and Y."""
    worlds, said = worlds_shown(setting)
    data = courses(setting, *worlds)["value"]
    labels = [str(node) for node in data.node.values[:_MOST_NODES]]
    x = np.arange(len(labels), dtype=np.float64)
    traces = _traces(data.isel(node=slice(_MOST_NODES)))
    left_out = data.sizes["node"] - len(labels)
    more = f"; {left_out} more nodes are left out" if left_out else ""
    note = f"{said}{_held_in_words(setting)}{more}"
    known = [getattr(domain_of(node), "names", ()) for node in setting.model.graph]
    # One axis is of one kind: of names only where all have the same.
    names = tuple(known[0]) if len(set(map(tuple, known))) == 1 else ()
    title = f"Each node in the {'three' if len(worlds) == len(_WORLDS) else 'two'} worlds"
    return charted("worlds", title, x, traces, labels=tuple(labels), names=names, note=note)


def _value_of(setting: Setting, node: Label) -> float:
    """The value of one node in W."""
    data = courses(setting, setting.still, keep=node if setting.model.has_time else [node])
    (column,) = data.data_vars.values()
    return float(np.ravel(column.values)[0])


def _numbers(coordinate: xr.DataArray) -> Array:
    return np.asarray(coordinate.values, dtype=np.float64)


def _label(data: xr.DataArray) -> str:
    unit = data.attrs.get("units", "")
    name = str(data.attrs.get("long_name", data.name))
    return f"{name} [{unit}]" if unit else name


# What is drawn besides Op: of a model in time, and of one without.
_IN_TIME = (
    ("worlds", "The three worlds", worlds_chart),
    ("differences", "What the nudge does", differences_chart),
)
_WITHOUT_TIME = (("worlds", "Each node in the three worlds", nodes_chart),)
