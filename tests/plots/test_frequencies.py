"""Bode and Nyquist plots: the numbers drawn are those of a loop solved by hand."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import QueryError, System, plots, sensitivity, variables

T, R = variables("T R")
AT = np.geomspace(1e-3, 3, 50)


def answer(k=0.3, at=AT, memory=1.0):
    """A loop of delay 2: L = k / (z (z - memory))."""
    room = System({T: R, R: memory * R - k * T}, start={T: 0, R: 0})
    return sensitivity(room, T, R, R, at=at)


def loop_by_hand(k, at, memory=1.0):
    z = np.exp(1j * np.asarray(at))
    return k / (z * (z - memory))


def drawn(line):
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def test_bode_draws_op_and_the_phase_of_one_over_one_plus_l():
    comp = 1 / (1 + loop_by_hand(0.3, AT))
    with plots.figure(2, sharex=True) as (picture, axes):
        assert plots.bode(answer(), axes, label="k") is axes
        size, phase = (drawn(ax.lines[0]) for ax in axes)
        assert np.allclose(size[0], AT)
        assert np.allclose(size[1], -np.log(np.abs(comp)), atol=1e-9)
        assert np.allclose(np.exp(1j * np.radians(phase[1])), comp / np.abs(comp), atol=1e-9)
        assert [ax.get_xscale() for ax in axes] == ["log", "log"]
        assert axes[0].get_legend().get_texts()[0].get_text() == "k"
        picture.canvas.draw()


@settings(max_examples=20)
@given(st.floats(-30.0, 30.0), st.integers(20, 60))
def test_the_phase_has_no_jumps_of_a_turn(slope, count):
    # A pure delay turns on and on, which an angle alone does not show.
    at = np.linspace(0.01, 3.0, 40 * count)
    delay = xr.Dataset({"comp": ("frequency", np.exp(1j * slope * at))}, {"frequency": at})
    with plots.figure(2) as (_, axes):
        plots.bode(delay, axes)
        turned = drawn(axes[1].lines[0])[1]
    assert np.allclose(turned - turned[0], np.degrees(slope * (at - at[0])), atol=1e-6)


def test_frequencies_come_in_any_order_and_those_from_0_down_have_no_place():
    data = answer(k=0.2, at=[1.0, 0.0, 0.1, -0.5], memory=0.5)
    with plots.figure(2) as (_, axes):
        plots.bode(data, axes)
        assert drawn(axes[0].lines[0])[0].tolist() == [0.1, 1.0]
        with pytest.raises(QueryError, match="No frequency is above 0"):
            plots.bode(data.sel(frequency=[0.0, -0.5]), axes)


def test_what_is_infinite_leaves_a_gap():
    comp = np.array([0.0, 1.0, 1j, np.nan])
    data = xr.Dataset({"comp": ("frequency", comp)}, {"frequency": [1.0, 2.0, 3.0, 4.0]})
    with plots.figure(2) as (picture, axes):
        plots.bode(data, axes)
        for ax in axes:
            assert np.isfinite(drawn(ax.lines[0])[1]).tolist() == [False, True, True, False]
        picture.canvas.draw()
    with plots.figure() as (picture, ax):
        plots.nyquist(data, ax)
        assert np.isfinite(drawn(ax.lines[0])[0]).tolist() == [False, True, True, False]
        picture.canvas.draw()


def test_nyquist_draws_the_loop_on_both_sides_and_the_point_minus_one():
    by_hand = loop_by_hand(0.3, AT)
    with plots.figure() as (picture, ax):
        assert plots.nyquist(answer(), ax, reach=3) is ax
        line, mirrored, circle, point = (drawn(one) for one in ax.lines)
        assert np.allclose(line[0] + 1j * line[1], by_hand)
        assert np.allclose(mirrored[0] + 1j * mirrored[1], by_hand.conj())
        # Where Op is 0: as far from -1 as 0 is.
        assert np.allclose(np.hypot(circle[0] + 1, circle[1]), 1)
        assert (point[0].tolist(), point[1].tolist()) == ([-1.0], [0.0])
        assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 3), (-3, 3))
        picture.canvas.draw()


def test_the_arrow_points_to_higher_frequencies():
    with plots.figure() as (_, ax):
        plots.nyquist(answer(), ax)
        (arrow,) = ax.texts
        loop = loop_by_hand(0.3, AT)
        tail, head = (complex(*end) for end in (arrow.xyann, arrow.xy))
        assert np.abs(loop - head).argmin() == np.abs(loop - tail).argmin() + 1


def test_several_loops_share_one_point_and_one_circle():
    with plots.figure() as (_, ax):
        for k in (0.1, 0.3):
            plots.nyquist(answer(k), ax, label=f"k = {k}")
        names = ax.get_legend_handles_labels()[1]
        assert names == ["k = 0.1", "Op = 0", "−1", "k = 0.3"]


def test_what_is_no_answer_to_frequencies_is_refused():
    data = answer()
    with plots.figure(2) as (_, axes):
        with pytest.raises(QueryError, match=r"what sensitivity\(\) gave"):
            plots.bode(data[["op"]], axes)
        with pytest.raises(QueryError, match=r"choose with \.sel"):
            plots.nyquist(data.expand_dims(k=[1, 2]), axes[0])
        with pytest.raises(QueryError, match="give two"):
            plots.bode(data, axes[0])
        with pytest.raises(QueryError, match="reach is 0"):
            plots.nyquist(data, axes[0], reach=0)
