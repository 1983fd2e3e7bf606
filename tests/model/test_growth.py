"""What a declaration costs grows as what is declared: calls are counted, never timed."""

import sys

import pytest

from causalopt import System, variables


def calls_of(act):
    """How many functions of Python's are called."""
    count = 0

    def counted(frame, event, argument):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count


def ring(size, method):
    """Variables that each follow from two others, by names that no other ring has."""
    x = variables(" ".join(f"ring{size}{method}_{i}" for i in range(size)))
    rates = {u: x[i - 1] - 2 * u + x[(i + 1) % size] for i, u in enumerate(x)}
    return lambda: System.from_ode(rates, start=dict.fromkeys(x, 0.5), dt=0.1, method=method)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_a_sparse_system_of_many_variables_is_declared_in_linear_time(method):
    ring(5, method)()
    few, many = (calls_of(ring(size, method)) / size for size in (30, 240))
    # Sorting compares each with a few more.
    assert many <= 1.3 * few
