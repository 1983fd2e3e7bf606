"""What can be asked of a model that is loaded: one function for each kind of request."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from causalopt.explorer import (
    answers,
    correlation,
    distribution,
    energy,
    graphs,
    judging,
    landscape,
    measuring,
    script,
    steering,
    taking,
)
from causalopt.explorer.discretion import or_fault
from causalopt.explorer.facts import facts_of
from causalopt.explorer.opening import opening_of
from causalopt.explorer.requests import Reply, Request
from causalopt.explorer.screen import Screen
from causalopt.explorer.setting import Setting
from causalopt.ground.errors import ModelError
from causalopt.model.interface import Model
from causalopt.study.record import Study


@dataclass(frozen=True)
class Subject:
    """A study whose model is asked; ``called`` is how a script loads it."""

    called: str
    study: Study
    model: Model
    opening: Screen

    @classmethod
    def of(cls, study: Study, named: str) -> Subject:
        """The subject of a study; ``ModelError`` where it declares no system."""
        if study.system is None:
            raise ModelError(f"{study.name} declares no system: there is nothing to explore.")
        # A name stays a name; of a path the file is told, and no folder of this machine.
        called = Path(named).name
        told = replace(study, source=study.source.replace(str(Path(named)), called))
        return cls(called, told, study.system, opening_of(study.system))

    def setting(self, request: Request) -> Setting:
        """What a request asks of the model, by its address."""
        return Setting.of(self.model, Screen.of(str(request.get("address", ""))), self.opening)


def facts(subject: Subject, request: Request) -> Reply:
    """What a page knows before it asks."""
    return facts_of(subject.study, subject.model, subject.opening)


def answer(subject: Subject, request: Request) -> Reply:
    """The curves, the sentence and the numbers of a screen."""
    return answers.answer(subject.setting(request))


def graph(subject: Subject, request: Request) -> Reply:
    """The graph, folded, or unrolled for some steps."""
    steps = request.get("steps")
    if isinstance(steps, int) and subject.model.has_time:
        return graphs.unrolled(subject.model, steps).content()
    return graphs.folded(subject.model).content()


def code(subject: Subject, request: Request) -> Reply:
    """The script of a screen."""
    return {"script": script.script_of(subject.setting(request), subject.called)}


def shares(subject: Subject, request: Request) -> Reply:
    """Who steers m, by shares."""
    return _about(subject, request, steering.shares_of)


def ranking(subject: Subject, request: Request) -> Reply:
    """Who steers what, the strongest first."""
    return _about(subject, request, steering.ranking_of)


def measures(subject: Subject, request: Request) -> Reply:
    """What every measure says."""
    return _about(subject, request, measuring.measures_of)


def landscape_over(subject: Subject, request: Request) -> Reply:
    """Op over one or two of the values that can be moved."""

    def ask(setting: Setting) -> Reply:
        return landscape.landscape_of(setting, request.get("places"))

    return _about(subject, request, ask)


def distribution_over_time(subject: Subject, request: Request) -> Reply:
    """One part of where the chains of a noisy step go."""

    def ask(setting: Setting) -> Reply:
        return distribution.distribution_of(setting, request.get("part"))

    return _about(subject, request, ask)


def energy_of_chains(subject: Subject, request: Request) -> Reply:
    """Chains upon an energy landscape."""
    return _about(subject, request, energy.energy_of)


def tables(subject: Subject, request: Request) -> Reply:
    """A finite world with and without the correlation of A and the rest."""
    return _about(subject, request, correlation.tables_of)


def claim(subject: Subject, request: Request) -> Reply:
    """A claim of the study, judged."""
    return judging.claim_judged(subject.study, request.get("number"))


def derivation(subject: Subject, request: Request) -> Reply:
    """A derivation of the study; where it is asked for, with the verdicts on its steps."""
    number, checked = request.get("number"), request.get("checked") is True
    return judging.derivation_told(subject.study, number, checked=checked)


def data(subject: Subject, request: Request) -> Reply:
    """The numbers of a screen as a file, whose bytes are written as text."""
    content = taking.as_netcdf(taking.dataset_of(subject.setting(request)))
    return {"file": base64.b64encode(content).decode()}


def _about(subject: Subject, request: Request, ask: Callable[[Setting], Reply]) -> Reply:
    """What is asked of a screen, with its address, by which a page sees whether it still holds."""
    setting = subject.setting(request)
    return {**ask(setting), "address": setting.screen.address}


#: What may be asked, by the name under which a page asks for it.
ASKED: Mapping[str, Callable[[Subject, Request], Reply]] = MappingProxyType(
    {
        "facts": facts,
        "answer": answer,
        "graph": graph,
        "code": code,
        "shares": shares,
        "ranking": ranking,
        "measures": measures,
        "landscape": landscape_over,
        "tables": tables,
        "distribution": distribution_over_time,
        "energy": energy_of_chains,
        "claim": claim,
        "derivation": derivation,
        "data": data,
    }
)


def served(subject: Subject, request: Request) -> Reply:
    """The answer to a request; where there is none, the reason in words."""
    serve = ASKED.get(str(request.get("do")))
    if serve is None:
        return {"fault": "The page asks for something that is not there: load it anew."}
    return or_fault(lambda: serve(subject, request))
