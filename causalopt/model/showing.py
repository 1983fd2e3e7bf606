"""Nodes as equations, in text and in LaTeX."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Symbol

from causalopt.language import typeset
from causalopt.language.domains import domain_of
from causalopt.language.symbols import Label, Variable
from causalopt.language.words import tex
from causalopt.mechanisms.interface import Mechanism
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


def step_equations(declarations: Mapping[Variable, Mechanism], *, is_rate: bool) -> list[str]:
    """What each variable's next value or rate of change is; under a table, its rows."""
    left = "d{}/dt" if is_rate else "{}[i+1]"
    lines = []
    for variable, mechanism in declarations.items():
        lines.append(f"{left.format(variable)} = {mechanism}")
        lines += [f"    {row}" for row in mechanism.rows()]
    return lines


def latex_steps(declarations: Mapping[Variable, Mechanism], *, is_rate: bool) -> str:
    """The same as LaTeX, one equation below the other."""
    left = r"\dot{{{}}}" if is_rate else "{{{}}}^{{+}}"
    return typeset.aligned(
        (left.format(typeset.name(variable)), mechanism.latex())
        for variable, mechanism in declarations.items()
    )


def as_symbol(label: Label) -> Symbol:
    """A node's label as a symbol for printing."""
    return label if isinstance(label, Symbol) else Symbol(str(label))


def _value(account: Account, node: Label) -> object:
    """The value of a root, by its name where it has one."""
    return None if account.start is None else domain_of(node).shown(account.start)


def causes_in_words(
    parents: Mapping[Variable, tuple[set[Variable], set[Variable]]],
) -> dict[str, list[str]]:
    """For each variable, those of the step before and of the same step that it follows from."""
    causes = {}
    for variable, sides in parents.items():
        before, same = (sorted(map(str, side)) for side in sides)
        causes[f"{variable}[i+1]"] = [f"{v}[i]" for v in before] + [f"{v}[i+1]" for v in same]
    return causes
