"""Joint states that fit in no memory, and tables, events and kernels that are none."""

import numpy as np
import pytest

from causalopt import (
    Chain,
    DeclarationError,
    Distribution,
    Enthalpies,
    QueryError,
    System,
    TooLargeError,
    finite,
    variable,
)

MANY = [finite(f"f{i}", ["a", "b"]) for i in range(40)]
A, B = finite("A", ["p", "q"]), finite("B", ["u", "v"])
P = Distribution.uniform(A, B)
FIRST = dict.fromkeys(MANY, "a")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Enthalpies.tabulated(MANY, MANY[0], "minimise"),
        lambda: Distribution.uniform(*MANY),
        lambda: Distribution.of(MANY, [1]),
        lambda: Distribution.product(*map(Distribution.uniform, MANY)),
        lambda: Distribution.neighbourhood(FIRST, 0.1),
        lambda: Chain.of(System({f: f for f in MANY}, start=FIRST)),
        lambda: Distribution.delta(FIRST).to_xarray(),
    ],
)
def test_what_fits_in_no_memory_is_refused(make):
    with pytest.raises(TooLargeError, match="1,099,511,627,776 joint states needs"):
        make()


def test_a_state_among_many_costs_little():
    one = Distribution.delta(FIRST)
    assert one.mass({MANY[3]: "a"}) == 1
    with pytest.raises(DeclarationError, match=r"f0 = a.* has no enthalpy"):
        Enthalpies.of(MANY, {("b",) * 40: 1})


@pytest.mark.parametrize("event", ["p", ["p"], 1, None, {variable("x"): 1}, {"A": "p"},
                                   {finite("C", ["p"]): "p"}, {A: "r"}])  # fmt: skip
def test_what_is_no_event(event):
    with pytest.raises((DeclarationError, QueryError)):
        P.mass(event)


@pytest.mark.parametrize(
    "kernel",
    ["ab", None, 3, [[1, 2], [3]], [["a", "b"], ["c", "d"]], np.ones((2, 2, 2)), {A: 1},
     np.eye(2) * 1j, [[{}, 1], [0, 1]]],
    ids=repr,
)  # fmt: skip
def test_what_is_no_kernel(kernel):
    with pytest.raises(DeclarationError, match="kernel"):
        Chain(A, kernel)


@pytest.mark.parametrize("given", [3, None, "p", [0.5, 0.5]])
def test_what_a_chain_does_not_push(given):
    with pytest.raises(QueryError, match="is no distribution"):
        Chain(A, np.eye(2)).push(given)
