"""Nodes as equations, in text and in LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from sympy import Expr, Symbol

from causalopt.language import typeset
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Label, Next, Parameter, Past, Variable
from causalopt.language.words import tex
from causalopt.mechanisms.interface import Mechanism
from causalopt.model.amounts import Amount, coded
from causalopt.model.interface import Account


def equation(account: Account, node: Label) -> str:
    """A node and what gives its value: its mechanism in its parents' names, or a number."""
    if account.assigned is None:
        return f"{node} = {_value(account, node)}"
    names = account.names
    return f"{node} = {account.assigned.words(lambda symbol: str(names.get(symbol, symbol)))}"


def latex_equation(account: Account, node: Label) -> tuple[str, str]:
    """The two sides of a node's equation as LaTeX."""
    left = typeset.name(node)
    if account.assigned is None:
        value = _value(account, node)
        return left, typeset.number(value) if isinstance(value, float) else tex(value)
    names = {s: as_symbol(label) for s, label in account.names.items()}
    return left, account.assigned.renamed(names).latex()


def step_equations(
    mechanisms: Mapping[Variable, object], equations: Mapping[Variable, object], *, is_rate: bool
) -> list[str]:
    """What each variable's next value or rate of change is, or its equation; a table's rows."""
    left = "d{}/dt" if is_rate else "{}[i+1]"
    sides = [(left.format(variable), rule) for variable, rule in mechanisms.items()]
    sides += [(str(variable), rule) for variable, rule in equations.items()]
    lines = []
    for name, rule in sides:
        lines.append(f"{name} = {rule}")
        lines += [f"    {row}" for row in cast(Mechanism, rule).rows()]
    return lines


def given_beside(
    start: Mapping[Variable, Amount],
    history: Mapping[Variable, object],
    parameters: Mapping[Parameter, object],
    tolerance: float | None,
) -> list[str]:
    """What is given beside the mechanisms of a system, a line each."""
    lines = [f"{node} = {value}" for node, value in starts_shown(start).items()]
    lines += [f"{v}[t < 0] = {formula}" for v, formula in history.items()]
    lines += [f"{p} = {value}" for p, value in parameters.items()]
    return lines if tolerance is None else [*lines, f"tolerance = {tolerance}"]


def guesses_shown(guesses: Mapping[Variable, float]) -> list[str]:
    """Where the search for the unknowns of equations begins, a line each."""
    return [f"{v} is sought near {value}" for v, value in guesses.items()]


def latex_steps(
    mechanisms: Mapping[Variable, object], equations: Mapping[Variable, object], *, is_rate: bool
) -> str:
    """The same as LaTeX, one equation below the other."""
    left = r"\dot{{{}}}" if is_rate else "{{{}}}^{{+}}"
    rows = [(left.format(typeset.name(v)), rule) for v, rule in mechanisms.items()]
    rows += [(typeset.name(v), rule) for v, rule in equations.items()]
    return typeset.aligned((name, cast(Mechanism, rule).latex()) for name, rule in rows)


def starts_shown(start: Mapping[Variable, Amount]) -> dict[str, object]:
    """The start values by the names of their nodes, as a reader sees them."""
    codes = coded(start)
    return {f"{v}[0]": n if isinstance(n, Expr) else v.domain.shown(n) for v, n in codes.items()}


def as_symbol(label: Label) -> Symbol:
    """A node's label as a symbol for printing."""
    return label if isinstance(label, Symbol) else Symbol(str(label))


def _value(account: Account, node: Label) -> object:
    """The value of a root, by its name where it has one."""
    return None if account.start is None else domain_of(node).shown(account.start)


def causes_in_words(entering: Mapping[Variable, Iterable[Symbol]]) -> dict[str, list[str]]:
    """For each variable, those before the step and in the same step that it follows from."""
    causes = {}
    for variable, symbols in entering.items():
        same = sorted(f"{s.variable}[i+1]" for s in symbols if isinstance(s, Next))
        before = sorted(f"{s}[i]" for s in symbols if isinstance(s, Variable))
        past = sorted(f"{s.variable}[i-{s.by}]" for s in symbols if isinstance(s, Past))
        causes[f"{variable}[i+1]"] = before + past + same
    return causes
