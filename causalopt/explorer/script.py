"""The Python that computes what is on a screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from causalopt.explorer.answers import nudge_shown
from causalopt.explorer.setting import Setting, can_differ, start_value, starts_of

_HEAD = """\
from causalopt import op, run, tangents
from causalopt.study import load_model

model = load_model({model!r}).system
"""


def script_of(setting: Setting, model: str) -> str:
    """The code for a setting of the model of this name, or file; it is run as it stands.

    ``strength`` is Op, ``worlds`` are W, X and Y, and ``differences``, where an infinitesimal one
    is asked about, the derivatives in X and Y.
    """
    return (
        "\n".join((_HEAD.format(model=model).rstrip(), *_moved(setting), *_asked(setting))) + "\n"
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
    backend = "" if setting.backend == "auto" else f", backend={setting.backend!r}"
    draws = "" if screen.draws is None else f", draws={screen.draws}"
    delta = "" if screen.delta is None else f", delta={screen.delta!r}"
    (way, amount), has_differences = nudge_shown(setting), can_differ(setting.n)
    if has_differences:
        yield f"strength = op(W, A=A, n=n, m=m{delta}{draws}{backend})"
    yield f"X = W.perturb(n, {way}={amount!r})"
    yield f"worlds = run(W, X, X.clamp(A, to=W){backend})"
    if has_differences and screen.delta is None:
        yield "X = W.perturb(n)"
        yield f'differences = tangents(X, X.clamp(A, to=W), labels=["X", "Y"]{backend})'
    yield "print(strength.values)" if has_differences else "print(worlds)"


def _mapping(values: Mapping[str, object], target: str) -> str:
    pairs = ", ".join(f"{target.format(repr(name))}: {v!r}" for name, v in values.items())
    return f"{{{pairs}}}"
