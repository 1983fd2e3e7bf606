"""What no picture can be drawn of is told in words, and labels are text, whatever they hold."""

import warnings

import numpy as np
import pytest
import xarray as xr

from causalopt import plots
from causalopt.ground.errors import QueryError

LINE = xr.DataArray([1.0, 2.0], {"time": [0, 1]}, ["time"], "op")
EMPTY = LINE.isel(time=[])
WORDS = LINE.astype(str)
ARRAYS = [None, 3, "x", [1.0], np.ones(2), LINE.to_dataset(), EMPTY, WORDS]
DATASETS = [None, 3, "x", [1.0], np.ones(2), LINE, xr.Dataset()]
ON_ARRAYS = [
    plots.along,
    plots.couplings,
    plots.density_over_time,
    plots.escape_curve,
    plots.landscape,
    plots.masses,
    plots.measure_over_time,
    plots.over_time,
    plots.shade_negative,
    plots.stages,
]
ON_DATASETS = [
    plots.annealing,
    plots.basins,
    plots.nyquist,
    lambda data, ax: plots.bode(data, [ax, ax]),
    lambda data, ax: plots.differences(data, "R", ax),
    lambda data, ax: plots.intervals(data, ["a"], ax),
]


@pytest.fixture
def ax():
    with plots.figure() as (_, axes):
        yield axes


@pytest.mark.parametrize("draw", ON_ARRAYS)
def test_what_is_no_array_of_numbers_is_refused(draw, ax):
    for given in ARRAYS:
        with pytest.raises(QueryError):
            draw(given, ax)


@pytest.mark.parametrize("draw", ON_DATASETS)
def test_what_is_no_dataset_is_refused(draw, ax):
    for given in DATASETS:
        with pytest.raises(QueryError):
            draw(given, ax)


def test_differences_are_those_from_w(ax):
    data = xr.Dataset({"R": (["world", "time"], [[1.0, 2.0]])}, {"world": ["X"], "time": [0, 1]})
    with pytest.raises(QueryError, match="has the worlds X"):
        plots.differences(data, "R", ax)


def test_complex_values_are_drawn_by_their_real_part_everywhere(ax):
    turned = LINE.copy(data=LINE.values - 1j * np.pi)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.landscape(turned, ax)
        plots.along(turned, ax)
        plots.over_time(turned, ax)
    for line in ax.lines:
        assert line.get_ydata().tolist() == [1.0, 2.0]


def test_two_values_of_one_label_are_two_lines(ax):
    both = xr.DataArray([[1.0, 2], [3, 4]], {"k": [1, 1], "time": [0, 1]}, ["k", "time"])
    plots.over_time(both, ax)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[1.0, 2.0], [3.0, 4.0]]


def test_names_are_no_mathematics():
    hostile = r"$\frac$"
    table = xr.DataArray(np.eye(2), {hostile: ["a", "b"], "s": [hostile, "d"]}, [hostile, "s"])
    both = xr.concat([table, table], "stage").assign_coords(stage=[hostile, hostile])
    found = xr.Dataset({name: ("m", [1.0]) for name in ("mean", "low", "high")})
    with plots.figure(1, 3) as (picture, axes):
        plots.stages(both, axes[:2])
        plots.intervals(found, [hostile], axes[2])
        picture.canvas.draw()
    assert axes[0].get_title(loc="center") == axes[2].get_yticklabels()[0].get_text()


def test_a_mass_without_a_value_is_drawn_as_that(ax):
    plots.masses(xr.DataArray([[np.nan, 1.0]], dims=["a", "b"]).assign_coords(b=[0, 1]), ax)
    assert [text.get_text() for text in ax.texts] == ["nan", "1"]
