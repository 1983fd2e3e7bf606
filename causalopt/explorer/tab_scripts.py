"""The Python of the tab that is open: what it shows beside the question, computed by itself."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from causalopt.explorer.chains import MOMENTS, spread_of
from causalopt.explorer.correlation import masses_of, parts_of, steps_around
from causalopt.explorer.distribution import settled
from causalopt.explorer.energy import CHAINS, heights_of, kept_every
from causalopt.explorer.escaping import Ends, watched
from causalopt.explorer.measuring import finite_variables, uniform_of
from causalopt.explorer.setting import Setting, variable_of
from causalopt.ground.checks import shown
from causalopt.ground.errors import CausaloptError, QueryError, nearest
from causalopt.language.finite_variables import Finite

Lines = Iterator[str]


def code_of_tab(setting: Setting) -> Lines:
    """The lines of the tab that is open; ``model``, ``W``, ``A``, ``n`` and ``m`` are known there.

    Raises ``QueryError`` for a tab that there is not.
    """
    tab = setting.screen.opened.tab
    if tab is None:
        return
    code = _CODE.get(tab)
    if code is None:
        raise QueryError(
            f"The address opens the tab {shown(tab)}, which there is not." + nearest(tab, _CODE)
        )
    yield from code(setting)


def _steering(setting: Setting) -> Lines:
    """Shares of m, and the ranking where it was asked for."""
    asked = setting.screen.opened.ask
    if "ranking" in asked:
        yield "from causalopt import find_optimizers"
        yield "ranking = find_optimizers(W)"
        yield "print(ranking)"
    if "shares" in asked or "ranking" not in asked:
        name = setting.model.name_of(variable_of(setting.m))
        yield "from causalopt import steering_shares"
        yield f"shares = steering_shares(W, model.find({name!r}), edges=True)"
        yield "print(shares)"


def _measures(setting: Setting) -> Lines:
    """All measures; of a finite world with every state alike."""
    screen = setting.screen
    P = ""
    yield "from causalopt import Distribution, compare"
    if uniform_of(setting.model) is not None:
        yield f"P = Distribution.uniform({_found(finite_variables(setting.model))})"
        P = ", P=P"
    steps = "" if screen.steps is None else f", steps={screen.steps}"
    of = "model" if screen.seed == 0 else "W"
    yield f"measures = compare({of}, A, m, n=n{P}{steps})"
    yield "print(measures)"


def _tables(setting: Setting) -> Lines:
    """A finite world now and later, with and without the correlation of A and the rest."""
    parts, (before, after) = parts_of(setting), steps_around(setting)
    yield "from sympy import Rational"
    yield "from causalopt import Distribution, adjusted_optimizing_strength"
    yield f"held, rest = [{_found(parts.A)}], [{_found(parts.rest)}]"
    masses = masses_of(setting, parts)
    if masses is None:
        yield "P = Distribution.uniform(*held, *rest)"
    else:
        yield "masses = {"
        yield from (
            f"    {state!r}: Rational({mass.p}, {mass.q})," for state, mass in masses.items()
        )
        yield "}"
        yield "P = Distribution.of([*held, *rest], masses)"
    if before:
        yield f"P = P.push(model, {before})"
    yield "split = P.split(held, rest)"
    yield "apart = P.decorrelate(split)"
    yield f"later, apart_later = P.push(model, {after}), apart.push(model, {after})"
    yield f"adjusted = adjusted_optimizing_strength(model, split, P, steps={after})"
    yield "print(adjusted)"


def _claims(_: Setting) -> Lines:
    """The claims of the study, of the model as its file has it."""
    yield "from causalopt.study import compare as judge"
    yield "verdicts = [judge(claim) for claim in study.claims]"
    yield "print([verdict.word for verdict in verdicts])"


def _derivations(_: Setting) -> Lines:
    """The derivations of the study, every step of which is checked."""
    yield "reports = [derivation().check() for derivation in study.derivations]"
    yield "print(*reports)"


def _distribution(setting: Setting) -> Lines:
    """The chains, where they settle, and how they escape from the interval that is watched."""
    chains, inside = spread_of(setting), watched(setting)
    yield f"chains = run(W, draws={chains.draws}, keep={chains.every})[{str(chains.variable)!r}]"
    with contextlib.suppress(CausaloptError):
        wide, _ = settled(chains)
        yield "from causalopt import stationary"
        yield f"settled = stationary(model, {wide!r})"
    if inside is not None:
        yield from _escape(setting, inside)
    yield "print(chains)"


def _escape(setting: Setting, inside: Ends) -> Lines:
    """How the interval is left; ``mean`` is not there where it never is."""
    yield "from contextlib import suppress"
    yield "import numpy as np"
    yield "from causalopt import escape_probability, escape_rate, mean_escape_time"
    yield "from causalopt import quasi_stationary"
    yield "from causalopt.ground.errors import QueryError"
    yield f"inside = {inside!r}"
    yield f"counts = np.geomspace(1, {setting.screen.steps}, {MOMENTS}).round().astype(int)"
    yield "escape = escape_probability(model, inside, np.unique(counts))"
    yield "rate = escape_rate(model, inside)"
    yield "with suppress(QueryError):"
    yield "    mean = mean_escape_time(model, inside)"
    yield "stays = quasi_stationary(model, inside)"


def _energy(setting: Setting) -> Lines:
    """The chains, and the number over each state, from what a step gives where it is set."""
    found = heights_of(setting.model)
    if found is None:
        return
    draws, every = setting.screen.draws or CHAINS, kept_every(setting)
    yield f"state, energy = model.find({str(found.state)!r}), model.find({str(found.energy)!r})"
    yield f"chains = run(W, draws={draws}, keep={every}).sel(world='W')"
    yield "worlds = [model.world(steps=1).do(state[1], value) for value in state.values]"
    yield "labels = [str(value) for value in state.values]"
    yield "heights = run(*worlds, labels=labels, keep=energy[1])[energy.name].isel(time=0)"
    yield "print(heights.values)"


def _landscape(_: Setting) -> Lines:
    """It belongs to the question, whose axes the address holds."""
    return iter(())


def _found(variables: Sequence[Finite]) -> str:
    return ", ".join(f"model.find({str(variable)!r})" for variable in variables)


_CODE: Mapping[str, Callable[[Setting], Lines]] = MappingProxyType(
    {
        "steering": _steering,
        "measures": _measures,
        "landscape": _landscape,
        "tables": _tables,
        "distribution": _distribution,
        "energy": _energy,
        "claims": _claims,
        "derivations": _derivations,
    }
)
