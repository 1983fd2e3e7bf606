"""The Python that computes what is on a screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from causalopt.explorer.answers import nudge_shown
from causalopt.explorer.landscape import MOST_PLACES, sliders_along
from causalopt.explorer.setting import Setting, can_differ, start_value, starts_of
from causalopt.explorer.tab_scripts import code_of_tab

_HEAD = """\
from causalopt import op, run, tangents
from causalopt.study import load_model

study = load_model({model!r})
model = study.system
"""


def script_of(setting: Setting, model: str) -> str:
    """The code for a setting of the model of this name, or file; it is run as it stands.

    ``strength`` is Op, where something is held, ``worlds`` are W, X and Y, and ``differences``,
    where an infinitesimal one is asked about, the derivatives in X and Y. ``landscape``, where one
    is drawn, is Op over its axes, at the finest places, and as the page tells it. The code of
    another tab that is open stands at the end.
    """
    return (
        "\n".join(
            (
                *([f"# {model} is looked for where this is run."] if "." in model else []),
                _HEAD.format(model=model).rstrip(),
                *_moved(setting),
                *_asked(setting),
                *_spread(setting),
                *code_of_tab(setting),
            )
        )
        + "\n"
    )


def _moved(setting: Setting) -> Iterator[str]:
    screen = setting.screen
    if screen.parameters:
        yield "named = {str(parameter): parameter for parameter in model.parameters}"
        yield f"model = model.with_parameters({_mapping(screen.parameters, 'named[{}]')})"
    if screen.start:
        starts = starts_of(setting.model)
        values = {name: start_value(starts[name], v) for name, v in screen.start.items()}
        yield f"model = model.with_start({_mapping(values, 'model.find({})')})"


def _asked(setting: Setting) -> Iterator[str]:
    screen = setting.screen
    length = f"steps={screen.steps}, " if setting.model.has_time else ""
    yield f"W = model.world({length}seed={screen.seed})"
    parts = ", ".join(f"model.find({name!r})" for name in screen.A or ())
    yield f"A, n, m = [{parts}], model.find({screen.n!r}), model.find({screen.m!r})"
    backend = _backend(setting)
    (way, amount), has_differences = nudge_shown(setting), can_differ(setting.n)
    has_op = has_differences and bool(screen.A)
    Y, labels = (", X.clamp(A, to=W)", ["X", "Y"]) if screen.A else ("", ["X"])
    if has_op:
        yield f"strength = op(W, A=A, n=n, m=m{_said(setting)})"
    yield f"X = W.perturb(n, {way}={amount!r})"
    yield f"worlds = run(W, X{Y}{backend})"
    if has_differences and screen.delta is None:
        yield "X = W.perturb(n)"
        yield f"differences = tangents(X{Y}, labels={labels!r}{backend})"
    yield "print(strength.values)" if has_op else "print(worlds)"


def _spread(setting: Setting) -> Iterator[str]:
    """Op over the axes of a landscape."""
    screen = setting.screen
    if not screen.along or screen.opened.tab not in (None, "landscape"):
        return
    yield "import numpy as np"
    yield "known = {str(parameter): parameter for parameter in model.parameters}"
    yield "over = {"
    for slider in sliders_along(setting):
        ends = f"{slider['low']!r}, {slider['high']!r}, {MOST_PLACES}"
        yield f"    {_swept(setting, str(slider['key']))}: np.linspace({ends}),"
    yield "}"
    yield f"landscape = op(W, A=A, n=n, m=m{_said(setting)}, over=over, on_failure='mask')"
    if screen.draws is not None:
        yield 'if "draw" in landscape.dims:'
        yield '    landscape = landscape.median("draw", skipna=False)'
    yield 'landscape = landscape.isel(time=-1, step=-1, missing_dims="ignore")'


def _swept(setting: Setting, key: str) -> str:
    """The code for what a key of the address moves."""
    if key.startswith("p."):
        return f"known[{key[2:]!r}]"
    name = f"{key[2:]}[0]" if setting.model.has_time else key[2:]
    return f"model.find({name!r})"


def _said(setting: Setting) -> str:
    """What ``op`` is told besides A, n and m."""
    screen = setting.screen
    draws = "" if screen.draws is None else f", draws={screen.draws}"
    delta = "" if screen.delta is None else f", delta={screen.delta!r}"
    return f"{delta}{draws}{_backend(setting)}"


def _backend(setting: Setting) -> str:
    return "" if setting.backend == "auto" else f", backend={setting.backend!r}"


def _mapping(values: Mapping[str, object], target: str) -> str:
    pairs = ", ".join(f"{target.format(repr(name))}: {v!r}" for name, v in values.items())
    return f"{{{pairs}}}"
