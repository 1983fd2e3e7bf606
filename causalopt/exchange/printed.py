"""The tables of a network as files print them: rows of floats, by the values of the parents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from causalopt.ground.checks import of_kind
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.masses import as_floats
from causalopt.ground.types import Floats
from causalopt.language.finite_variables import Finite, own_variable
from causalopt.language.symbols import Label
from causalopt.mechanisms.decisions import is_decision
from causalopt.mechanisms.lookup import as_lookup
from causalopt.model.network import Network


@dataclass(frozen=True)
class Printed:
    """A table of a network, to be printed: ``masses`` has shape (rows, values of the child)."""

    child: Finite
    parents: tuple[Finite, ...]
    masses: Floats


def printed_tables(network: Network, form: str) -> list[Printed]:
    """The tables of a network of named values, each root's prior or sure value among them.

    Raises ``DeclarationError`` for what ``form`` does not hold: real values, formulas, decisions,
    utilities, chances with symbols in them, and names that no page shows.
    """
    of_kind(network, Network, "What is written", f"a Network of tables, which {form} holds")
    tables = [printed_table(network, label, form) for label in network.nodes]
    for one in tables:
        for name in (one.child.name, *map(str, one.child.values)):
            if name != name.strip() or not name.isprintable():
                raise DeclarationError(
                    f"{name!a} cannot be a name in {form}: write letters, without blanks around."
                )
    return tables


def printed_table(network: Network, label: Label, form: str) -> Printed:
    """The table of one node, or the prior or sure value of a root; errors as above."""
    variable = own_variable(label)
    if variable is None:
        raise DeclarationError(
            f"{label} takes no named values, and {form} holds those alone: declare it with "
            f'finite("{label}", ["...", "..."]).'
        )
    account = network.account(label)
    if account.start is not None:
        sure = np.zeros((1, variable.size))
        sure[0, int(cast(float, account.start))] = 1.0
        return Printed(variable, (), sure)
    rule = account.assigned
    lookup = None if rule is None or is_decision(rule) else as_lookup(variable, rule)
    if lookup is None:
        raise DeclarationError(f"{label} follows by {rule}, and {form} holds tables alone.")
    seen = [own_variable(account.names[symbol]) for symbol in lookup.parents]
    parents = tuple(parent for parent in seen if parent is not None)
    codes = lookup.cells.codes
    try:
        entries = np.eye(variable.size)[codes] if codes is not None else lookup.cells.entries
        masses = as_floats(entries.reshape(-1)).reshape(-1, variable.size)
    except QueryError as error:
        raise DeclarationError(f"The table of {label}: {error}") from None
    return Printed(variable, parents, masses)
