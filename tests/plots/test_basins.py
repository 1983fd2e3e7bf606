"""Basins on landscapes: exact borders on a line, outlines on a plane, numbers on both."""

import numpy as np
import pytest
import xarray as xr

from causalopt import QueryError, optimization_basins, plots


def line(points=41):
    """Op of a double well, cos of x: above 0 beyond pi/2 on both sides, to 4 and to -3."""
    x = np.linspace(-3, 4, points)
    return xr.DataArray(-np.cos(x), {"x": x}, name="op")


def refined(x):
    return xr.DataArray(-np.cos(x), {"x": x}, name="op")


def test_a_line_is_shaded_between_the_exact_borders():
    strength = line()
    with plots.figure() as (picture, ax):
        plots.landscape(strength, ax)
        assert plots.basins(optimization_basins(strength, refine=refined), ax) is ax
        ends = [(one.get_x(), one.get_x() + one.get_width()) for one in ax.patches]
        assert np.allclose(ends, [(np.pi / 2, 4), (-3, -np.pi / 2)], atol=1e-8)
        assert [(text.get_text(), *text.get_position()) for text in ax.texts] == [
            ("1", pytest.approx((np.pi / 2 + 4) / 2), 1.0),
            ("2", pytest.approx(-(np.pi / 2 + 3) / 2), 1.0),
        ]
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["Op > 0"]
        picture.canvas.draw()


def test_the_threshold_is_named():
    with plots.figure() as (_, ax):
        plots.basins(optimization_basins(line(), above=0.5), ax)
        assert ax.get_legend().get_texts()[0].get_text() == "Op > 0.5"


def plane():
    """Two discs, of radius 1 around (-2, 0) and of radius 0.7 around (2, 1)."""
    x, y = np.linspace(-4, 4, 161), np.linspace(-3, 3, 121)
    large = 1 - np.hypot(x + 2, y[:, None])
    small = 0.7 - np.hypot(x - 2, y[:, None] - 1)
    return xr.DataArray(np.maximum(large, small), {"y": y, "x": x}, name="op")


def test_a_plane_has_an_outline_and_a_number_for_each_basin():
    strength = plane()
    with plots.figure() as (picture, ax):
        plots.landscape(strength, ax)
        plots.basins(optimization_basins(strength), ax)
        outlines = [one for one in ax.collections if hasattr(one, "levels")]
        for outline, centre, radius in zip(outlines, ((-2, 0), (2, 1)), (1, 0.7), strict=True):
            away = outline.get_paths()[0].vertices - centre
            assert np.allclose(np.hypot(*away.T), radius, atol=0.06)
        places = {text.get_text(): text.get_position() for text in ax.texts}
        assert np.allclose(places["1"], (-2, 0), atol=0.11)
        assert np.allclose(places["2"], (2, 1), atol=0.11)
        assert len(ax.get_legend().get_texts()) == 1
        picture.canvas.draw()


@pytest.mark.parametrize("above", [10.0, -10.0])
def test_no_basin_and_one_that_is_everywhere_are_drawn_too(above):
    for strength in (line(), plane()):
        basins = optimization_basins(strength, above=above)
        with plots.figure() as (picture, ax):
            plots.landscape(strength, ax)
            plots.basins(basins, ax)
            assert len(ax.texts) == (0 if above > 0 else 1)
            picture.canvas.draw()


def test_what_cannot_be_shown_is_refused():
    cube = xr.DataArray(np.ones((2, 2, 2)), {"a": [0, 1], "b": [0, 1], "c": [0, 1]}, name="op")
    with plots.figure() as (_, ax):
        for wrong in (optimization_basins(cube), line().to_dataset()):
            with pytest.raises(QueryError, match=r"what optimization_basins\(\) gave"):
                plots.basins(wrong, ax)
