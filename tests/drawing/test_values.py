"""Values as colours: each node its own number, on a scale that a legend shows."""

import numpy as np
import pygraphviz
import pytest
from matplotlib.colors import to_rgb

from causalopt import Network, QueryError, System, draw, finite, run, table, variables
from causalopt.drawing.scale import Scale

T, R = variables("T R")
a, b, c = variables("a b c")
room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35}, dt=0.1)


def worlds(steps=3):
    W = room.world(steps=steps)
    X = W.perturb(R[0], by=1)
    return W, X, X.clamp(T, to=W)


def brightness(colour):
    red, green, blue = to_rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_each_node_shows_the_number_that_it_had_in_its_world():
    data = run(*worlds())
    graph = pygraphviz.AGraph(string=draw(room, steps=3, worlds=worlds(), values=data).dot)
    told = [node.attr["label"].split(r"\n") for node in graph.nodes()]
    for world in "WXY":
        for name in "TR":
            for step in range(4):
                value = f"{data[name].sel(world=world).values[step]:.3g}".replace("-", "−")
                ends = [lines[-1] for lines in told if lines[0] == f"{name}[{step}]"]
                assert ends["WXY".index(world)] == value


def test_every_tenth_step_colours_every_tenth_node():
    data = run(room.world(steps=20), keep=10)
    graph = pygraphviz.AGraph(string=draw(room, steps=20, columns=21, values=data).dot)
    found = {n.attr["label"].split(r"\n")[0] for n in graph.nodes() if r"\n" in n.attr["label"]}
    assert found == {f"{v}[{i}]" for v in "TR" for i in (0, 10, 20)}


def test_values_of_a_network_and_of_an_unrolled_system():
    network = Network({b: 2 * a, c: b + 1}, start={a: 1})
    dot = draw(network, values=run(network.world())).dot
    assert all(label in dot for label in (r"a\n1", r"b\n2", r"c\n3"))
    unrolled = room.unroll(2)
    graph = pygraphviz.AGraph(string=draw(unrolled, values=run(unrolled.world())).dot)
    assert r"R[2]\n33" in {node.attr["label"] for node in graph.nodes()}


def test_brighter_is_more():
    scale = Scale.over([3.0, 1.0, np.nan, np.inf, 2.0])
    assert (scale.low, scale.high) == (1, 3)
    shades = [brightness(scale.fill(x)["fillcolor"]) for x in np.linspace(1, 3, 40)]
    assert all(np.diff(shades) > 0)


def test_around_zero_the_scale_has_two_colours():
    scale = Scale.over([-1.0, 4.0])
    assert (scale.low, scale.high) == (-4, 4)
    shades = [brightness(scale.fill(x)["fillcolor"]) for x in (-4, 0, 4)]
    assert shades[0] < shades[1] > shades[2]
    assert scale.ticks == [-4, -2, 0, 2, 4]


def test_what_rounding_leaves_makes_no_second_colour():
    assert Scale.over([-1e-15, 2.0]).low == 0
    assert Scale.over([-3.0, 1e-15]).high == 0


def test_numbers_stay_legible():
    scale = Scale.over([-1.0, 4.0]), Scale.over([0.0, 1.0])
    for one in scale:
        for value in np.linspace(one.low, one.high, 50):
            look = one.fill(value)
            dark, light = sorted(_luminance(look[key]) for key in ("fillcolor", "fontcolor"))
            assert (light + 0.05) / (dark + 0.05) > 4.5  # WCAG 2.2, level AA


def _luminance(colour):
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in to_rgb(colour)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_one_value_alone_and_none_at_all():
    assert Scale.over([2.0, 2.0]).ticks == [2.0]
    assert Scale.over([np.nan]) is None
    assert Scale.over([1.0, 2.0]).fill(np.nan)["fillcolor"] == "#ffffff"


def test_infinite_values_are_written():
    data = run(room.world(steps=2))
    data["R"][0, 1] = np.inf
    assert r"R[1]\ninf" in draw(room, steps=2, values=data).dot


def test_a_finite_variable_is_told_by_name():
    F = finite("F", ["cold", "hot"])
    system = System({F: table(F, {"cold": "hot", "hot": "cold"})}, start={F: "hot"})
    assert r"F[1]\ncold" in draw(system, steps=2, values=run(system.world(steps=2))).dot


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (lambda: run(*worlds()), r'values\.sel\(world="W"\)'),
        (lambda: run(room.world(steps=3), over={R[0]: [1, 2]}), "the dims"),
        (lambda: {"R": 1}, "values=run"),
        (lambda: run(System({a: a}, start={a: 1}).world(steps=3)), "name no node"),
    ],
)
def test_values_that_do_not_fit_are_refused(values, told):
    with pytest.raises(QueryError, match=told):
        draw(room, values=values())
