"""What flows from A to m: by intervention (information flow), by prediction (transfer entropy)."""

from __future__ import annotations

from sympy import Expr

from causalopt.distributions.finite.joint import Distribution
from causalopt.ground.errors import QueryError
from causalopt.ground.masses import unit_of
from causalopt.language.symbols import Nodes
from causalopt.language.words import listed
from causalopt.measures.literature.finite_worlds import (
    Requirement,
    finite_ending,
    journey,
    variables_of,
)
from causalopt.measures.literature.measurement import Measurement
from causalopt.model.system import System

FLOW = Requirement("information_flow", "effects, which asks real values")
TRANSFER = Requirement("transfer_entropy", "effects, which asks real values")


def information_flow(
    system: System,
    A: Nodes,
    m: Nodes,
    P: Distribution,
    *,
    do: Nodes | None = None,
    steps: int | None = None,
    base: Expr | float = 2,
) -> Measurement:
    """How much m tells of what A was set to, where S was set too.

        I(A -> m | do S) = sum_s p(s) sum_a p(a | do s) sum_m p(m | do a, s)
                           log( p(m | do a, s) / sum_a' p(a' | do s) p(m | do a', s) )

    A and S (``do``) are set at step 0, and the rest starts as P has it, independent of what was
    set; p(a | do s) = p(a) there, since nothing at step 0 hears of S. ``m`` is a variable, one
    step later unless ``steps`` says otherwise, or a node, such as R[3]. In units of log(base).

    Traps: it is symmetric under no exchange of A and m, and depends on what is held: without
    ``do``, what else moves m counts as noise; with it, a part that cancels another is seen.

    Raises ``QueryError`` for a system with real values, a P that is no distribution over its
    variables, and a variable that is in A and in ``do``.

    Source: Ay and Polani 2008, "Information flows in causal networks", Advances in Complex
    Systems 11.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> A, B = finite("A", [0, 1]), finite("B", [0, 1])
    >>> differ = table((A, B), {0: {0: 0, 1: 1}, 1: {0: 1, 1: 0}})
    >>> xor = System({A: A, B: differ}, start={A: 0, B: 0})
    >>> even = Distribution.uniform(A, B)
    >>> float(information_flow(xor, A, B, even)), float(information_flow(xor, A, B, even, do=B))
    (0.0, 1.0)
    """
    FLOW.distribution(system, P)
    source = variables_of(system, A, "A")
    held = () if do is None else variables_of(system, do, "do")
    both = [v for v in source if v in held]
    if both:
        raise QueryError(
            f"{both[0]} is in A and in do: what is set to one value cannot be varied too."
        )
    target, length = finite_ending(system, m, steps)
    rest = tuple(v for v in P.variables if v not in source and v not in held)
    parts = [part for part in (source, held, rest) if part]
    # Set from outside, A and S no longer go with the rest, whatever P says of them.
    apart = P if len(parts) == 1 else P.decorrelate(*parts)
    moved = journey(system, apart, length)
    value = moved.information(
        [moved.now[v] for v in source], [target], [moved.now[v] for v in held], base
    )
    given = f" given do {listed(held)}" if held else ""
    return Measurement(
        "information_flow", f"I({listed(source)} -> {m}{given})", value, unit_of(base)
    )


def transfer_entropy(
    system: System,
    A: Nodes,
    m: Nodes,
    P: Distribution,
    *,
    steps: int | None = None,
    base: Expr | float = 2,
) -> Measurement:
    """How much better m is predicted by A and its own present than by its own present alone.

        T(A -> m) = I(A[0]; m[n] | m[0]) = H(m[n] | m[0]) - H(m[n] | m[0], A[0])  under P

    With a history of one step. ``m`` is a variable, one step later unless ``steps`` says
    otherwise, or a node. In units of log(base).

    Traps: it observes and does not intervene. A perfect controller leaves no trace: where A is a
    function of m, as after a regulator has done its work, the transfer is 0 however strongly A
    acts; and where P makes A go with a hidden cause it is above 0 though A does nothing.

    Raises ``QueryError`` for a system with real values, a P that is no distribution over its
    variables, and an m that lies in A.

    Source: Schreiber 2000, "Measuring information transfer", Physical Review Letters 85.

    >>> from causalopt.language.finite_variables import finite
    >>> A, B = finite("A", [0, 1]), finite("B", [0, 1])
    >>> copy = System({A: A, B: A}, start={A: 0, B: 0})
    >>> known = Distribution.of((A, B), [[0.5, 0], [0, 0.5]])  # B says already what A is
    >>> for P in (Distribution.uniform(A, B), known):
    ...     print(transfer_entropy(copy, A, B, P))
    transfer_entropy = 1 bit
    transfer_entropy = 0 bit
    """
    TRANSFER.distribution(system, P)
    source = variables_of(system, A, "A")
    target, length = finite_ending(system, m, steps)
    if target in source:
        raise QueryError(f"m = {m} lies in A: ask what another variable tells of it.")
    moved = journey(system, P, length)
    now = moved.now[target]
    value = moved.information([moved.now[v] for v in source], [target], [now], base)
    return Measurement("transfer_entropy", f"T({listed(source)} -> {m})", value, unit_of(base))
