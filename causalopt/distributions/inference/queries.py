"""What is asked of the nodes of finite worlds: marginals, posteriors, probabilities of events."""

from __future__ import annotations

from sympy import Expr

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.finite.states import check_variables
from causalopt.distributions.inference.inquiry import (
    Event,
    Inquiry,
    as_event,
    named_spots,
    spots_with_places,
)
from causalopt.language.domains import Named, domain_of
from causalopt.language.symbols import Label
from causalopt.model.interface import Model
from causalopt.model.world import World


def marginal(
    of: Model | World[Model],
    *nodes: object,
    given: Event | None = None,
    P: Distribution | None = None,
    seen_in: World[Model] | None = None,
) -> Distribution:
    """The joint distribution of some nodes, given what is seen: P(nodes | given).

    Parameters: ``of`` a ``Network`` or ``System`` of tables, or a world of one, whose interventions
    hold (a model is the world in which nothing is done); ``given`` evidence, {node: value};
    ``P`` a ``Distribution`` over roots, or over a system's variables at the start, in the place of
    their values; ``seen_in`` the world in which the evidence is seen, if it is another than the one
    that is asked about. Then the answer is a counterfactual: both worlds have the same noise, and
    what is seen in one tells of it (the twin network).

    Variables are those of the nodes; of R[3], one that is called so. Exact where all masses are.
    Sums run over the cliques of the moral graph of what the nodes depend on, so that many nodes
    with few parents each are no work.

    Raises ``QueryError`` for evidence of probability 0 and for a decision without a policy,
    ``TooLargeError`` where a table of a clique would not fit, with its size.

    Source: Pearl, "Probabilistic Reasoning in Intelligent Systems" (1988); counterfactuals: Balke
    and Pearl (1994).

    >>> from sympy import Rational
    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> from causalopt.model.network import Network
    >>> ill, test = finite("ill", ["yes", "no"]), finite("test", ["+", "-"])
    >>> clinic = Network({
    ...     ill: table((), {"yes": Rational(1, 100), "no": Rational(99, 100)}),
    ...     test: table(ill, {"yes": {"+": Rational(9, 10), "-": Rational(1, 10)},
    ...                       "no": {"+": Rational(1, 10), "-": Rational(9, 10)}}),
    ... })
    >>> print(marginal(clinic, ill, given={test: "+"}))
      yes     no
     1/12  11/12
    """
    asked = Inquiry.about(of, nodes, given, P, seen_in)
    spots = named_spots(asked.world, nodes)
    variables = check_variables([spot.variable for spot in spots])
    numbers = [asked.unfolding.variable(spot) for spot in spots]
    return asked.distribution(variables, numbers)


def marginals(
    of: Model | World[Model],
    *,
    given: Event | None = None,
    P: Distribution | None = None,
    seen_in: World[Model] | None = None,
) -> dict[Label, Distribution]:
    """The distribution of each node that takes named values, given what is seen.

    As ``marginal`` for one node after the other, in the work of two: each clique of the moral graph
    hears once from all others. Parameters and errors are those of ``marginal``.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> from causalopt.model.network import Network
    >>> a, b = finite("a", [0, 1]), finite("b", [0, 1])
    >>> two = Network({a: table((), {0: 0.5, 1: 0.5}), b: table(a, {0: {0: 0.9, 1: 0.1}, 1: 1})})
    >>> marginals(two)[b].mass({b: 1})
    0.55
    """
    asked = Inquiry.about(of, (), given, P, seen_in)
    labels = asked.world.model.wiring(asked.world.steps or 0).parents
    spots = named_spots(asked.world, [v for v in labels if isinstance(domain_of(v), Named)])
    numbers = [asked.unfolding.variable(spot) for spot in spots]
    beliefs = asked.each(numbers)
    return {
        spot.label: asked.distribution((spot.variable,), [number], beliefs.get(number))
        for spot, number in zip(spots, numbers, strict=True)
    }


def probability(
    of: Model | World[Model],
    event: Event,
    *,
    given: Event | None = None,
    P: Distribution | None = None,
    seen_in: World[Model] | None = None,
) -> Expr | float:
    """The probability that nodes have some values, given what is seen: P(event | given).

    Whatever the number of nodes in the event, no table over all of them is made. Parameters and
    errors are those of ``marginal``.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> from causalopt.model.network import Network
    >>> a, b = finite("a", [0, 1]), finite("b", [0, 1])
    >>> two = Network({a: table((), {0: 0.5, 1: 0.5}), b: table(a, {0: {0: 0.9, 1: 0.1}, 1: 1})})
    >>> probability(two, {a: 1}, given={b: 1}) == 1 / 1.1
    True
    """
    asked = Inquiry.about(of, tuple(as_event(event, "The event")), given, P, seen_in)
    return asked.probability(spots_with_places(asked.world, event, "The event"))
