"""Masses and weights that are all 0, or whose sum is no float: divided rightly, or told."""

import warnings

import numpy as np
import pytest

from causalopt import DeclarationError, Distribution, choice, finite, table

T = finite("T", ["on", "off"])
HUGE = {"on": 1e308, "off": 1e308}


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize(
    "rows",
    [{"on": {"on": 0, "off": 0.0}, "off": "on"}, np.array([[0.0, 0.0], [0.5, 0.5]])],
)
def test_rows_that_are_all_0(rows):
    with pytest.raises(DeclarationError, match="row T = on are all 0: there is nothing to norm"):
        table(T, rows, normalise=True)


def test_masses_whose_sum_is_no_float():
    assert table(T, {"on": HUGE, "off": "on"}, normalise=True).cells[0] == {"on": 0.5, "off": 0.5}
    rows = np.array([[1e308, 1e308], [1.0, 3.0]])
    assert table(T, rows, normalise=True).cells.tolist() == [[0.5, 0.5], [0.25, 0.75]]
    assert Distribution.of(T, HUGE, normalise=True).masses.tolist() == [0.5, 0.5]
    assert choice([0, 1], [1e308, 1e308], normalise=True).weights == (0.5, 0.5)
    with pytest.raises(DeclarationError, match="sum to inf"):
        choice([0, 1], [1e308, 1e308])
    with pytest.raises(DeclarationError, match="sum to inf"):
        Distribution.of(T, HUGE)


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf")])
def test_what_is_no_mass_is_told_as_before(bad):
    with pytest.raises(DeclarationError, match="a mass is a finite number"):
        Distribution.of(T, {"on": bad, "off": 1.0}, normalise=True)
