"""Matrices of couplings: the mean over frequency, in the order of the parts."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import QueryError, System, loop_coupling, natural_division, plots, variables

NAMES = ["a", "b", "$c$", "d"]


def table(values):
    at = {"frequency": np.arange(len(values)), "variable": NAMES, "other": NAMES}
    return xr.DataArray(values, at, ["frequency", "variable", "other"], "coupling")


def parts(*numbers, names=NAMES):
    return xr.DataArray(list(numbers), {"variable": names}, ["variable"], "part")


def shades(ax):
    return np.ma.filled(ax.images[0].get_array(), np.nan)


@settings(max_examples=30)
@given(st.permutations([0, 0, 1, 2]), st.integers(0, 2**32 - 1))
def test_shades_are_means_of_sizes_ordered_by_parts(numbers, seed):
    source = np.random.default_rng(seed)
    values = source.normal(size=(3, 4, 4)) + 1j * source.normal(size=(3, 4, 4))
    with plots.figure() as (_, ax):
        assert plots.couplings(table(values), ax, division=parts(*numbers)) is ax
        order = sorted(range(4), key=lambda place: (numbers[place], place))
        for row, a in enumerate(order):
            for column, b in enumerate(order):
                mean = np.mean([abs(one[a, b]) for one in values])
                assert (
                    np.isnan(shades(ax)[row, column])
                    if a == b
                    else np.isclose(shades(ax)[row, column], mean)
                )
        told = [text.get_text().replace("\\", "") for text in ax.get_yticklabels()]
        assert told == [NAMES[place] for place in order]
        # A line across and one down at each border between parts.
        ordered = sorted(numbers)
        borders = [i + 0.5 for i in range(3) if ordered[i] != ordered[i + 1]]
        assert [line.get_ydata()[0] for line in ax.lines[::2]] == borders


def test_without_a_division_the_order_stays_and_there_are_no_lines():
    with plots.figure() as (picture, ax):
        plots.couplings(table(np.ones((2, 4, 4))), ax)
        assert not ax.lines
        assert ax.images[0].get_clim() == (0, 1)
        picture.canvas.draw()


def test_what_has_no_value_at_some_frequency_is_left_out_of_the_mean():
    values = np.ones((2, 4, 4), dtype=complex)
    values[0, 0, 1], values[:, 1, 2] = np.nan, np.inf
    with plots.figure() as (picture, ax):
        plots.couplings(table(values), ax)
        assert shades(ax)[0, 1] == 1
        assert np.isnan(shades(ax)[1, 2])
        picture.canvas.draw()


def test_two_modules_stand_as_two_blocks():
    a, b, c, d = variables("a b c d")
    # In turns, so that the order has something to do.
    two = System(
        {a: a / 2 - b / 4, c: c / 2 - d / 4 + a, b: a / 4, d: c / 4 + b},
        start={a: 0, b: 0, c: 0, d: 0},
    )
    with plots.figure() as (_, ax):
        plots.couplings(loop_coupling(two), ax, division=natural_division(two))
        assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b", "c", "d"]
        assert np.nanmax(shades(ax)[:2, 2:]) < 1e-12 < np.nanmin(shades(ax)[0, 1])


def test_what_is_no_coupling_is_refused():
    with plots.figure() as (_, ax):
        with pytest.raises(QueryError, match=r"what loop_coupling\(\) gave"):
            plots.couplings(parts(0, 0, 1, 1), ax)
        division = parts(0, 1, 1, names=["a", "b", "d"])
        with pytest.raises(QueryError, match=r"says nothing of \$c\$"):
            plots.couplings(table(np.ones((1, 4, 4))), ax, division=division)
        with pytest.raises(QueryError, match=r"what natural_division\(\) gave"):
            plots.couplings(table(np.ones((1, 4, 4))), ax, division=table(np.ones((1, 4, 4))))
