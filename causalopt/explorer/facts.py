"""What a page knows of a model before it asks: its names, its sliders, where a study is from."""

from __future__ import annotations

from typing import cast

import numpy as np

from causalopt.explorer.chains import spreading
from causalopt.explorer.discretion import discreet
from causalopt.explorer.energy import heights_of
from causalopt.explorer.judging import claims_listed
from causalopt.explorer.measuring import finite_variables
from causalopt.explorer.opened import MOST_UNROLLED
from causalopt.explorer.reaching import Ways
from causalopt.explorer.screen import MOST_DRAWS, MOST_STEPS, Screen
from causalopt.explorer.setting import all_swept, first_nodes, parameters_of, starts_of, variable_of
from causalopt.explorer.steering import can_be_steered
from causalopt.ground.errors import QueryError
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Label
from causalopt.model.interface import Model
from causalopt.study.record import Study

# Of more nodes nobody finds one in a list.
_MOST_LISTED = 500


def facts_of(study: Study, model: Model, opening: Screen) -> dict[str, object]:
    """The title and the source of a study, and what of its model can be chosen and moved."""
    nodes = list(first_nodes(model))[:_MOST_LISTED]
    return {
        "name": study.name,
        "title": discreet(study.title),
        "source": discreet(study.source),
        "opening": opening.address,
        "has_time": model.has_time,
        "has_noise": bool(model.noises),
        "most_steps": MOST_STEPS,
        "most_draws": MOST_DRAWS,
        "most_unrolled": MOST_UNROLLED,
        "nodes": [model.name_of(node) for node in nodes],
        "variables": list(dict.fromkeys(model.name_of(variable_of(node)) for node in nodes)),
        "sliders": sliders_of(model),
        "parts": bool(opening.A),
        "axes": axes_of(model) if opening.A else [],
        "along": axes_to(model, model.find(opening.m or "")),
        "steering": can_be_steered(model),
        "finite": bool(finite_variables(model)),
        "spreading": spreading(model) is not None,
        "heights": heights_of(model) is not None,
        "claims": claims_listed(study),
        "derivations": len(study.derivations),
    }


def sliders_of(model: Model) -> list[dict[str, object]]:
    """What can be moved: parameters, then start values, each with its range and its value."""
    parameters = [
        _slider(f"p.{name}", name, "parameter", label, model.parameter_values[label])
        for name, label in parameters_of(model).items()
    ]
    starts = [
        _slider(f"s.{name}", model.name_of(label), "start value", label, _started(model, label))
        for name, label in starts_of(model).items()
    ]
    return [*parameters, *starts]


def _started(model: Model, label: Label) -> float:
    return cast(float, model.account(label, 0).start)


def _slider(key: str, name: str, kind: str, label: Label, value: float) -> dict[str, object]:
    """A slider about a value; of named values, a list of these."""
    domain = domain_of(label)
    low, high = span(value)
    kept = [x for x in (low, high) if domain.strays(np.array([x])) is not None]
    return {
        "key": key,
        "name": name,
        "kind": kind,
        "unit": getattr(label, "unit", ""),
        "names": list(getattr(domain, "names", ())),
        "value": value,
        # Beyond what is assumed of it nothing can be moved: of a positive one, a hundredth is left.
        "low": value / 100 if low in kept else low,
        "high": value if high in kept else high,
    }


def axes_of(model: Model) -> list[dict[str, object]]:
    """The sliders that a landscape can be over: of numbers, and not the length of a step.

    A value from which nothing follows, such as a start value that no step reads, is none.
    """
    ways, moved = Ways.of(model), all_swept(model)
    return [
        slider
        for slider in sliders_of(model)
        if not slider["names"]
        and _can_be_swept(model, moved[str(slider["key"])])
        and ways.reached(moved[str(slider["key"])])
    ]


def axes_to(model: Model, m: Label) -> list[str]:
    """The two axes that a landscape opens with, by their keys: the first ones that reach m."""
    target, ways, moved = variable_of(m), Ways.of(model), all_swept(model)
    keys = [str(slider["key"]) for slider in axes_of(model)]
    reaching = [key for key in keys if target in ways.reached(moved[key])]
    return (reaching or keys)[:2]


def _can_be_swept(model: Model, moved: Label) -> bool:
    try:
        model.check_swept(moved)
    except QueryError:
        return False
    return True


def span(value: float) -> tuple[float, float]:
    """From where to where a value is moved: from 0 to twice of it; of 0, from -1 to 1.

    >>> span(0.1), span(-2.0), span(0.0)
    ((0.0, 0.2), (-4.0, 0.0), (-1.0, 1.0))
    """
    return (-1.0, 1.0) if value == 0 else (min(0.0, 2 * value), max(0.0, 2 * value))
