"""Plots: they draw what they are given, label their axes, and refuse what has no picture."""

import numpy as np
import pytest

from causalopt import QueryError, System, comp, op, run, variables
from causalopt.drawing import plots

T, R = variables("T R", unit="degC")
room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35}, dt=0.5)


def worlds():
    W = room.world(steps=20)
    X = W.perturb(R[0], by=1)
    return run(W, X, X.clamp(T, to=W))


def test_one_line_a_world():
    data = worlds()
    with plots.figure() as (picture, ax):
        assert plots.over_time(data["R"], ax) is ax
        assert [line.get_label() for line in ax.lines] == ["W", "X", "Y"]
        assert np.array_equal(ax.lines[1].get_ydata(), data["R"].sel(world="X"))
        assert ax.get_ylabel() == "R [degC]"
        assert ax.get_xlabel() == "time"
        picture.canvas.draw()


def test_differences_are_x_and_y_minus_w():
    data = worlds()
    with plots.figure() as (_, ax):
        plots.differences(data, "R", ax)
        assert np.allclose(ax.lines[1].get_ydata(), 1)
        plots.differences(data, "R", ax, scale="log")
        assert ax.get_yscale() == "log"


def test_infinite_values_leave_a_gap():
    found = op(room, A=T, n=R[3], m=R, steps=9)
    with plots.figure() as (_, ax):
        plots.over_time(found, ax)
        assert np.isnan(ax.lines[0].get_ydata()[:3]).all()
        assert ax.get_ylabel() == "Op [nat]"


def test_negative_comp_is_shaded_once_a_stretch():
    found = comp(room, A=T, n=R[0], m=R, steps=9)
    found.values[:] = [1, -1, -1, 1, 1, -1, 1, 1, 1, -1]
    with plots.figure() as (_, ax):
        plots.shade_negative(found, ax)
        assert [patch.get_x() for patch in ax.patches] == [0.5, 2.5, 4.5]


def test_a_landscape_is_drawn_along_its_axis():
    found = op(room, A=T, n=R[0], m=R[20], over={R[0]: [10.0, 20.0, 30.0]})
    with plots.figure() as (_, ax):
        plots.along(found, ax)
        assert ax.get_xlabel() == "R[0] [degC]"


def test_too_many_dims_are_refused():
    with plots.figure() as (_, ax), pytest.raises(QueryError, match=r"choose with \.sel"):
        plots.over_time(run(room.world(steps=3), over={R[0]: [1, 2]})["R"], ax)
