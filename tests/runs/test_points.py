"""A list of points in place of a grid: each as if it were asked alone, along one dim."""

import numpy as np
import pytest

from causalopt import Network, QueryError, System, comp, every_m, noise, normal, op, parameters

from causalopt import run, self_regulation, variables  # isort: skip

T, R = variables("T R")
k, d = parameters("k d")
room = System({T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25})
POINTS = [{k: 0.01, R[0]: 30.0}, {k: 0.5, R[0]: 40.0}, {k: 0.2, R[0]: 30.0}]

ASKED = {
    "op": lambda over: op(room, A=T, n=R[0], m=R, steps=9, over=over),
    "comp of one node": lambda over: comp(room, A=T, n=R[0], m=R[9], over=over).to_dataset(),
    "run": lambda over: run(room.world(9), over=over),
    "every m": lambda over: every_m(room, A=T, n=R[0], steps=9, over=over),
    "self-regulation": lambda over: self_regulation(room, T, R, steps=9, over=over),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_list_of_points_is_each_of_them(name):
    together = ASKED[name](POINTS)
    assert together.sizes["point"] == 3
    assert together["k"].dims == together["R[0]"].dims == ("point",)
    for place, point in enumerate(POINTS):
        alone = ASKED[name]({target: [value] for target, value in point.items()})
        one = together.isel(point=place)
        assert one["k"].item() == point[k]
        assert one["R[0]"].item() == point[R[0]]
        assert one.drop_vars(["k", "R[0]"]).equals(
            alone.isel({"k": 0, "R[0]": 0}).drop_vars(["k", "R[0]"])
        )


def test_points_of_a_network():
    a, b = variables("a b")
    web = Network({b: 2 * a + k}, start={a: 1}, parameters={k: 0.5})
    found = run(web.world(), over=[{a: 1, k: 2}, {a: 3, k: 4}]).value
    assert found.sel(node="b", world="W").values.tolist() == [4.0, 10.0]


def test_a_variable_may_be_called_point():
    (point,) = variables("point")
    found = run(System({point: k * point}, start={point: 1}, parameters={k: 1}).world(2),
                over=[{k: 2}, {k: 3}])  # fmt: skip
    assert found.point.dims == ("world", "time", "point (str)")


@pytest.mark.parametrize(
    ("over", "says"),
    [
        ([], "over has no points"),
        ([{}], r"over\[0\] is {}: write a dict"),
        ([{k: 1}, 5], r"over\[1\] is 5: write a dict"),
        ([{k: 1}, {d: 1}], r"over\[1\] has values of d, and over\[0\] of k"),
        ([{k: np.nan}], r"over\[k\] has 1 values that are not finite"),
        ("k", "over is str: write a dict"),
    ],
)
def test_what_is_no_list_of_points_is_told(over, says):
    with pytest.raises(QueryError, match=says):
        run(room.world(3), over=over)


def test_draws_are_a_dim_of_their_own():
    e = noise("e", normal(0, 1))
    drawn = System({R: R / 2 + k * e}, start={R: 1}, parameters={k: 1})
    with pytest.raises(QueryError, match="draws are a dim of their own"):
        run(drawn.world(3), over=[{k: 1}], draws=3)
