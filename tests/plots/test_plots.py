"""Plots: they draw what they are given, label their axes, and refuse what has no picture."""

import ast
import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import cbook

from causalopt import Distribution, QueryError, System, comp, finite, op, plots, run, variables
from causalopt.study import model_files

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


def test_a_measure_says_where_it_is_neutral():
    share = xr.DataArray([0.0, 1.0], {"time": [0, 1]}, name="share", attrs={"neutral": 0.5})
    with plots.figure() as (_, ax):
        plots.measure_over_time(share, ax)
        assert list(ax.lines[1].get_ydata()) == [0.5, 0.5]
    shades = xr.DataArray(
        [[0.0, 2.0]], {"R": [0], "T": [0, 1]}, ("R", "T"), "share", {"neutral": 0.5}
    )
    with plots.figure() as (_, ax):
        plots.landscape(shades, ax)
        assert ax.collections[0].get_clim() == (-1.0, 2.0)


def array(values, **coords):
    return xr.DataArray(values, coords, tuple(coords), name="Op", attrs={"units": "nat"})


def test_op_and_comp_have_the_line_where_nothing_is_done():
    for measure, neutral in ((op, 0), (comp, 1)):
        with plots.figure() as (_, ax):
            plots.measure_over_time(measure(room, A=T, n=R[0], m=R, steps=9), ax)
            assert list(ax.lines[1].get_ydata()) == [neutral, neutral]


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_the_basin_of_a_line_is_its_stretches(inside):
    found = array(np.where(inside, 1.0, -1.0), R=np.arange(len(inside)))
    with plots.figure() as (_, ax):
        plots.landscape(found, ax, basin=found > 0)
        drawn = [range(round(p.get_x()), round(p.get_x() + p.get_width()) + 1) for p in ax.patches]
    assert [i for stretch in drawn for i in stretch] == [i for i, yes in enumerate(inside) if yes]


def test_the_basin_of_a_disc_is_outlined_by_a_circle():
    x, y = np.linspace(-2, 2, 81), np.linspace(-3, 3, 121)
    found = array(1 - y[:, None] ** 2 - x**2, up=y, across=x)
    with plots.figure() as (picture, ax):
        plots.landscape(found, ax, basin=found > 0)
        (outline,) = [one for one in ax.collections if hasattr(one, "levels")]
        radii = np.hypot(*outline.get_paths()[0].vertices.T)
        assert np.allclose(radii, 1, atol=0.06)
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("across", "up")
        picture.canvas.draw()


def test_infinite_values_of_a_landscape_stay_empty():
    found = array([[np.inf, 1.0], [0.0, -2.0]], up=[0, 1], across=[0, 1])
    with plots.figure() as (picture, ax):
        plots.landscape(found, ax, basin=found > 0)
        shown = ax.collections[0].get_array()
        assert np.ma.getmaskarray(np.ma.masked_invalid(shown)).sum() == 1
        assert ax.collections[0].get_clim() == (-2, 2)
        picture.canvas.draw()


T3, R3 = finite("T", ["high", "low", "off"]), finite("R", ["hot", "$x$", "cold"])


def test_a_table_shows_every_mass_where_it_is():
    P = Distribution.of((T3, R3), [[0, 0, 1 / 3], [0, 1 / 2, 0], [1 / 6, 0, 0]])
    with plots.figure() as (picture, ax):
        plots.masses(P.to_xarray(), ax)
        found = {text.get_position(): text.get_text() for text in ax.texts}
        assert found[2, 0] == "1/3"
        assert found[1, 1] == "1/2"
        assert found[0, 2] == "1/6"
        assert list(found.values()).count("0") == 6
        assert [t.get_text() for t in ax.get_xticklabels()] == ["hot", r"\$x\$", "cold"]
        picture.canvas.draw()


def test_stages_share_their_shades_and_hide_what_is_left():
    tables = xr.concat(
        [Distribution.uniform(T3, R3).to_xarray()] * 3, xr.Variable("stage", list("abc"))
    )
    with plots.figure(2, 2) as (_, axes):
        assert plots.stages(tables, axes) is axes
        assert {ax.images[0].get_clim() for ax in axes.flat[:3]} == {(0, 1 / 9)}
        assert [ax.get_visible() for ax in axes.flat] == [True, True, True, False]
        with pytest.raises(QueryError, match="3 tables and 2 axes"):
            plots.stages(tables, axes[0])


def test_a_density_has_time_across_and_paths_upon_it():
    grid, time = np.linspace(-1, 1, 5), np.arange(4.0)
    density = array(np.ones((4, 5)), time=time, W=grid)
    paths = array(np.zeros((2, 4)), draw=[0, 1], time=time)
    with plots.figure() as (picture, ax):
        plots.density_over_time(density, ax, paths=paths)
        assert len(ax.lines) == 2
        assert len(ax.lines[0].get_xdata()) == 4
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("time", "W")
        picture.canvas.draw()


def test_escape_has_a_line_for_each_of_another_dim():
    found = array([[0, 0.5], [0, 0.9]], T=[0.1, 0.2], steps=[1, 2])
    with plots.figure() as (_, ax):
        plots.escape_curve(found, ax)
        assert [line.get_label() for line in ax.lines] == ["T = 0.1", "T = 0.2"]


def test_annealing_runs_are_a_mean_in_a_band():
    energy = array([[3.0, 1.0], [5.0, 3.0]], run=[0, 1], time=[0, 1])
    data = xr.Dataset({"temperature": ("time", [1.0, 0.5]), "energy": energy})
    with plots.figure(2, sharex=True) as (_, axes):
        plots.annealing(data, axes)
        assert list(axes[1].lines[0].get_ydata()) == [4, 2]
        assert [len(ax.collections) for ax in axes] == [0, 1]
        assert axes[1].get_ylabel() == "energy [nat]"
        with pytest.raises(QueryError, match="temperature, energy"):
            plots.annealing(data, axes[0])


@pytest.mark.parametrize(
    ("plot", "told"),
    [
        (plots.landscape, "one dim or two"),
        (plots.masses, "two dims"),
        (plots.density_over_time, "only time"),
        (plots.escape_curve, "choose with"),
    ],
)
def test_what_has_no_picture_is_refused(plot, told):
    with plots.figure() as (_, ax), pytest.raises(QueryError, match=told):
        plot(array(np.zeros((2, 2, 2)), a=[0, 1], b=[0, 1], c=[0, 1]), ax)


@given(
    st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6),
    st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6),
)
def test_a_speck_has_no_ring_and_what_is_large_keeps_its_own(specks, holes):
    # One cell in each square of 3 x 3 at most: no two touch, and none touches the disc's edge.
    inside = np.zeros((30, 60), dtype=bool)
    inside[:, 30:] = True
    plain = inside.copy()
    for i, j in specks:
        inside[3 * i + 1, min(3 * j + 1, 28)] = True
    for i, j in holes:
        inside[3 * i + 1, max(30 + 3 * j + 1, 32)] = False
    found = array(np.where(inside, 1.0, -1.0), up=np.arange(30), across=np.arange(60))
    with plots.figure() as (_, ax):
        plots.landscape(found, ax, basin=found > 0)
        (outline,) = [one for one in ax.collections if hasattr(one, "levels")]
        columns = np.concatenate([path.vertices for path in outline.get_paths()])[:, 0]
        assert set(columns) == {29.5}
        assert np.array_equal(ax.collections[0].get_array(), found.values)
    assert plain.sum() == 900


def test_a_coarse_grid_keeps_the_ring_of_one_cell():
    found = array(np.eye(5) * 2 - 1, up=np.arange(5), across=np.arange(5))[:3, :3]
    with plots.figure() as (_, ax):
        plots.landscape(found, ax, basin=found > 0)
        assert [one for one in ax.collections if hasattr(one, "levels")]


def test_labels_are_words_and_no_code():
    found = op(room, A=T, n=R[0], m=R.at(8), over={R.at(0): [10.0, 20.0]})
    with plots.figure() as (_, ax):
        plots.along(found, ax)
        assert ax.get_xlabel() == "R at 0 [degC]"
    both = op(room, A=T, n=R[0], m=R, steps=4, over={R.at(0): [10.0, 20.0]})
    with plots.figure() as (_, ax):
        plots.over_time(both, ax)
        assert [line.get_label() for line in ax.lines] == ["R at 0 = 10", "R at 0 = 20"]


@given(st.text("$^_a\\ é", min_size=1))
def test_names_in_labels_are_text_and_never_mathematics(name):
    found = xr.DataArray(
        [0.0, 1.0], {"k": [0, 1]}, name="Op", attrs={"long_name": name, "units": name}
    )
    label = plots.axis_label(found, "Op")
    assert cbook.is_math_text(label) is False
    assert label.replace(r"\$", "$") == (f"{name} [{name}]" if name != "1" else name)


def written_labels(tree):
    """The text of labels and titles that a model file gives to a plot."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        named = [word.value for word in call.keywords if word.arg in ("label", "xlabel", "ylabel")]
        is_label = getattr(call.func, "attr", "") in ("set_xlabel", "set_ylabel", "set_title")
        for part in named + (call.args if is_label else []):
            yield from (c.value for c in ast.walk(part) if isinstance(c, ast.Constant))


@pytest.mark.parametrize("name", model_files())
def test_no_label_of_a_model_is_code(name):
    labels = [text for text in written_labels(ast.parse(model_files()[name].read_text()))
              if isinstance(text, str)]  # fmt: skip
    assert not [text for text in labels if re.search(r"\.\w+\(|\w_\w", text)]
