"""Means with intervals, as rows."""

import numpy as np
import pytest
import xarray as xr

from causalopt import mean_interval, plots
from causalopt.ground.errors import QueryError

FOUND = xr.Dataset({"mean": ("m", [2.0, 5.0]), "low": ("m", [1.0, 4.5]), "high": ("m", [4.0, 5.5])})


def test_a_row_reaches_from_low_to_high_and_the_first_is_on_top():
    with plots.figure() as (_, ax):
        plots.intervals(FOUND, ["a", "b"], ax)
        plots.intervals(FOUND, ["a", "b"], ax, by=0.25, color="black")
    ends = [container.lines[2][0].get_segments() for container in ax.containers]
    assert np.allclose(ends[0], [[[1, 0], [4, 0]], [[4.5, 1], [5.5, 1]]])
    assert np.allclose(ends[1], [[[1, 0.25], [4, 0.25]], [[4.5, 1.25], [5.5, 1.25]]])
    bottom, top = ax.get_ylim()
    assert bottom > top


def test_intervals_of_seeds_are_shown_as_they_are_found():
    values = xr.DataArray(np.arange(12.0).reshape(4, 3), dims=["seed", "m"])
    found = mean_interval(values, dim="seed")
    with plots.figure() as (_, ax):
        plots.intervals(found, list("abc"), ax)
    (row, *_) = ax.containers[0].lines[2][0].get_segments()
    assert np.allclose(row[:, 0], [float(found[side][0]) for side in ("low", "high")])


def test_each_row_has_a_name():
    told = r"1 names are given for means of the shape \(2,\)"
    with plots.figure() as (_, ax), pytest.raises(QueryError, match=told):
        plots.intervals(FOUND, ["a"], ax)
