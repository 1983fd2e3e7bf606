"""What users write as mechanisms: formulas, numbers, tables, or mechanisms as they are."""

from __future__ import annotations

import sympy
from sympy import Expr, Piecewise

from causalopt.ground.errors import DeclarationError
from causalopt.language.domains import Named, domain_of
from causalopt.language.finite_variables import Finite
from causalopt.language.tables import Table
from causalopt.language.words import listed
from causalopt.mechanisms.interface import Mechanism
from causalopt.mechanisms.lookup import lookup_for
from causalopt.mechanisms.opaque import alone, name_of
from causalopt.mechanisms.symbolic import expression

#: What may stand on the right of a declaration.
Formula = Expr | float | Table | Mechanism


def mechanism_of(target: object, given: object, where: str = "") -> Mechanism:
    """The mechanism of a variable or node, fit for its domain; ``where`` says which in messages.

    Raises ``DeclarationError`` for what is no formula, a table for a variable with real values, and
    a formula that gives no value of a finite variable.
    """
    if isinstance(given, Mechanism):
        return given.fit(domain_of(target), str(target))
    if isinstance(given, Table):
        variable = getattr(target, "variable", target)
        if not isinstance(variable, Finite):
            raise DeclarationError(
                f"The mechanism of {target} is a table, but {target} takes no named values: "
                f'declare it with finite("{target}", ["...", "..."]).'
            )
        return lookup_for(variable, given)
    domain = domain_of(target)
    if isinstance(domain, Named) and not _gives_places(given, domain):
        raise DeclarationError(
            f"The mechanism of {target} is {given!r}, but {target} takes named values "
            f"({listed(domain.names)}): write a table, such as table({target}, {{...}}), a "
            "variable with the same values, or a Piecewise of these."
        )
    call = alone(given)
    if call is not None:
        name = name_of(call)
        raise DeclarationError(
            f"The mechanism of {target} is the function {name} without its arguments: write "
            f"function({name})({target}, ...), called with the variables, parameters and noises "
            "that it takes."
        )
    return expression(given, where or str(target))


def _gives_places(formula: object, domain: Named) -> bool:
    """Whether a formula gives a place of the domain's values, whatever its arguments are."""
    if isinstance(formula, Piecewise):
        always = formula.args[-1].args[1] is sympy.true
        return always and all(_gives_places(branch, domain) for branch, _ in formula.args)
    if isinstance(formula, sympy.Integer):
        return 0 <= int(formula) < domain.size
    return domain_of(formula) == domain
