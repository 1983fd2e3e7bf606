"""Graphs: what is drawn, what differs, labels as written, and what is refused."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pygraphviz
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sympy import sin

from causalopt import (
    Network,
    QueryError,
    System,
    draw,
    draw_template,
    finite,
    noise,
    normal,
    parameter,
    parameters,
    run,
    table,
    time,
    variables,
)
from causalopt.drawing import look
from causalopt.drawing.picture import changes, skeleton

T, R = variables("T R")
a, b, c, e = variables("a b c e")
room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})


def three(model, n, A, **options):
    W = model.world(**options)
    X = W.perturb(n, by=0.1)
    return W, X, X.clamp(A, to=W)


@st.composite
def network_and_sets(draw):
    """A network of sums with positive coefficients, n and A."""
    size = draw(st.integers(2, 6))
    nodes = variables(" ".join(f"v{i}" for i in range(size)))
    formulas = {}
    for i, node in enumerate(nodes[1:], 1):
        parents = draw(st.sets(st.integers(0, i - 1), min_size=1))
        formulas[node] = sum((1 + p) * nodes[p] for p in sorted(parents))
    model = Network(formulas, start={nodes[0]: 0})
    n = draw(st.integers(0, size - 1))
    others = [i for i in range(size) if i != n]
    A = draw(st.sets(st.sampled_from(others), min_size=1))
    return model, nodes, n, [nodes[i] for i in sorted(A)]


def texts(svg):
    return [node.text for node in ET.fromstring(svg).iter() if node.tag.endswith("}text")]


def labels(graph):
    return {node.attr["label"].split("\\n")[0] for node in graph.nodes()}


def place(node):
    return tuple(map(float, node.attr["pos"].split(",")))


def test_x_is_red_downstream_and_y_green_where_it_differs_from_x():
    found = changes(skeleton(room, 3), three(room, R[0], T, steps=10))
    assert found[0] == {}
    reached = {R[0], R[1], R[2], R[3], T[1], T[2], T[3]}
    assert found[1] == dict.fromkeys(reached, "red")
    # A is back at its values in W, and so it is green: it differs from X. What it would have
    # acted on carries the nudge still, and so it differs from both.
    assert found[2] == (
        dict.fromkeys({R[0], R[1]}, "red")
        | dict.fromkeys({T[1], T[2], T[3]}, "green")
        | dict.fromkeys({R[2], R[3]}, "both")
    )


DIFFERENCES = {  # (differs from W, differs from X): the colour
    (False, False): None, (True, False): "red", (False, True): "green", (True, True): "both",
}  # fmt: skip


@given(network_and_sets())
def test_structure_tells_what_numbers_tell(drawn):
    """No two paths cancel, since all are positive: what differs by structure does in numbers."""
    network, nodes, n, A = drawn
    worlds = three(network, nodes[n], A)
    values = run(*worlds).value.transpose("world", "node").values
    for i, colours in enumerate(changes(skeleton(network, 1), worlds)):
        for node, own in zip(nodes, values.T, strict=True):
            apart = bool(own[i] != own[0]), i == 2 and bool(own[i] != own[1])
            assert colours.get(node) == DIFFERENCES[apart]


def test_no_two_colours_look_alike_even_in_black_and_white():
    looks = [look.node_style([colour] if colour else []) for colour in DIFFERENCES.values()]
    strokes = [(style.get("penwidth"), style.get("peripheries")) for style in looks]
    assert len(set(strokes)) == len(strokes)
    words = [look.LOOKS[colour].words for colour in DIFFERENCES.values() if colour]
    assert len(set(words)) == len(words)


def test_differences_in_a_network():
    network = Network({b: a + 1, c: 2 * a, e: b + c}, start={a: 1})
    found = changes(skeleton(network, 1), three(network, a, [b]))
    assert found[1] == dict.fromkeys([a, b, c, e], "red")
    assert found[2] == {a: "red", c: "red", b: "green", e: "both"}


def test_an_infinitesimal_difference_is_drawn_too():
    W = room.world(steps=3)
    assert R[3] in changes(skeleton(room, 3), [W, W.perturb(R[0])])[1]


def test_another_mechanism_brings_its_own_causes():
    network = Network({b: a + 1, c: a - a + 3, e: c}, start={a: 1})
    W = network.world().replace(c, 5 * b)
    found = changes(skeleton(network, 1), [W, W.perturb(a, by=1)])
    assert set(found[1]) == {a, b, c, e}
    graph = pygraphviz.AGraph(string=draw(network, worlds=[W]).dot)
    live = [x for x in graph.edges() if x.attr["style"] != "dotted"]
    assert len(live) == 3


def test_stages_are_left_out_and_their_edges_kept():
    ode = System.from_ode({a: b, b: -a}, start={a: 1, b: 0}, dt=0.1, method="rk4")
    bones = skeleton(ode, 1)
    assert set(bones.parents) == {a[0], b[0], a[1], b[1]}
    assert bones.parents[a[1]] == (a[0], b[0])


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "dot"])
def test_every_format_is_written(tmp_path, ending):
    magic = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}
    path = draw(room, steps=2, worlds=three(room, R[0], T, steps=5)).save(
        tmp_path / f"graph.{ending}"
    )
    assert path.read_bytes().startswith(magic[ending])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_time_runs_from_left_to_right_in_rows_of_variables():
    svg = draw(room, steps=3).render("svg").decode()
    places = {}
    for group in re.findall(r'<g id="node\d+".*?</g>', svg, flags=re.S):
        x, y = re.search(r'<text[^>]* x="([-\d.]+)" y="([-\d.]+)"', group).groups()
        places[re.search(r">([TR]\[\d\])<", group)[1]] = float(x), float(y)
    assert [places[f"T[{i}]"][0] for i in range(4)] == sorted(
        places[f"T[{i}]"][0] for i in range(4)
    )
    assert len({places[f"T[{i}]"][1] for i in range(4)}) == 1
    assert places["T[0]"][1] < places["R[0]"][1]


def test_a_picture_that_cannot_be_read_is_refused():
    with pytest.raises(QueryError, match="fewer columns"):
        draw(room, steps=5000, columns=5000)
    with pytest.raises(QueryError, match="fewer steps"):
        draw(room, steps=10**9)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: draw(room, steps=0), "1 or more"),
        (lambda: draw(room).render("gif"), "no format 'gif'"),
        (
            lambda: draw(room, worlds=[Network({b: a}, start={a: 1}).world()]),
            "another model",
        ),
    ],
)
def test_impossible_pictures_are_refused(ask, told):
    with pytest.raises(QueryError, match=told):
        ask()


def test_a_and_b_are_framed():
    graph = pygraphviz.AGraph(string=draw(room, steps=2, A=T).dot)
    frames = {frame.graph_attr["label"]: frame for frame in graph.subgraphs()}
    assert {title: labels(frame) for title, frame in frames.items()} == {
        "A": {"T[0]", "T[1]", "T[2]"},
        "B": {"R[0]", "R[1]", "R[2]"},
    }


def test_a_stretch_of_a_row_is_framed_where_it_is_in_a():
    graph = pygraphviz.AGraph(string=draw(room, steps=3, A=[T[1:3]]).dot)
    assert [labels(f) for f in graph.subgraphs() if f.graph_attr["label"] == "A"] == [
        {"T[1]", "T[2]"}
    ]


def test_a_frame_holds_its_nodes_and_no_others():
    graph = pygraphviz.AGraph(string=draw(room, steps=3, A=T, inputs=True).dot)
    for frame in graph.subgraphs():
        left, low, right, high = map(float, frame.graph_attr["bb"].split(","))
        inside = {
            node
            for node in graph.nodes()
            if left < place(node)[0] < right and low < place(node)[1] < high
        }
        assert inside == set(frame.nodes())


def test_parts_of_a_network_are_framed():
    network = Network({b: a + 1, c: 2 * a, e: b + c}, start={a: 1})
    graph = pygraphviz.AGraph(string=draw(network, worlds=three(network, a, [b]), A=[b]).dot)
    panels = [f for f in graph.subgraphs() if f.graph_attr["label"]]
    assert {p.graph_attr["label"] for p in panels} == {"W", "X", "Y"}
    for panel in panels:
        assert {f.graph_attr["label"] for f in panel.subgraphs()} == {"A", "B"}


def test_notebooks_show_it():
    assert draw(room, steps=1)._repr_svg_().startswith("<?xml")


def test_a_long_run_is_its_first_steps_dots_and_its_last_steps():
    graph = pygraphviz.AGraph(string=draw(room, steps=1000, columns=5).dot)
    shown = sorted(graph.nodes(), key=lambda node: (-place(node)[1], place(node)[0]))
    steps = [0, 1, 2, "dots", 999, 1000]
    assert [node.attr["label"] for node in shown] == [
        "· · ·" if i == "dots" else f"{v}[{i}]" for v in "TR" for i in steps
    ]
    # Each column leads to the next one as the template says, through the dots as well.
    assert len(graph.edges()) == 3 * (len(steps) - 1)


def test_differences_go_on_behind_the_dots():
    graph = pygraphviz.AGraph(
        string=draw(room, steps=50, columns=4, worlds=three(room, R[0], T, steps=50)[:2]).dot
    )
    dots = [node for node in graph.nodes() if node.attr["label"] == "· · ·"]
    assert len(dots) == 4
    colours = [edge.attr["color"] for edge in graph.edges(dots)]
    assert colours.count("#d55e00") == 6


def test_a_perturbation_among_the_dots_is_named():
    W = room.world(steps=50)
    graph = pygraphviz.AGraph(
        string=draw(room, steps=50, columns=4, worlds=[W, W.perturb(R[20], by=-0.5)]).dot
    )
    dots = [node.attr["label"] for node in graph.nodes() if "· · ·" in node.attr["label"]]
    assert sorted(dots) == ["· · ·"] * 3 + [r"· · ·\nR[20] − 0.5"]


def test_left_out_inputs_are_dots_in_their_own_frames():
    shake = noise("shake", normal(0, 1))
    system = System({a: a + shake, b: a + time}, start={a: 0, b: 0})
    for model in (system, system.unroll(40)):
        graph = pygraphviz.AGraph(string=draw(model, steps=40, inputs=True, columns=4).dot)
        frames = {frame.graph_attr["label"]: labels(frame) for frame in graph.subgraphs()}
        assert frames == {
            "noise": {"shake[0]", "shake[1]", "· · ·", "shake[39]"},
            "time": {"t[0]", "t[1]", "· · ·", "t[39]"},
        }


def test_another_mechanism_is_followed_through_dots_and_inputs():
    k, h = parameters("k h")
    system = System({a: a + k, b: h * b}, start={a: 0, b: 1}, parameters={k: 1, h: 2})
    W = system.world(steps=30)
    world = W.replace(a, h * b)
    graph = pygraphviz.AGraph(
        string=draw(system, steps=30, columns=3, worlds=[world], inputs=True).dot
    )
    names = {n: n.attr["label"].replace("· · ·", f"dots {place(n)[1]:.0f}") for n in graph}
    rows = {names[n]: names[n].split("[")[0] for n in graph}
    dots = {v: f"dots {place(n)[1]:.0f}" for v in "ab" for n in graph if names[n] == f"{v}[0]"}
    rows |= {name: v for v, name in dots.items()}
    live = {
        (rows[names[s]], names[t]) for s, t in graph.edges()
        if graph.get_edge(s, t).attr["style"] != "dotted"
    }  # fmt: skip
    for target in ("a[1]", dots["a"], "a[30]"):
        assert {source for source, at in live if at == target} == {"b", "h"}


def test_another_mechanism_has_no_say_at_the_start():
    W = room.world(steps=3)
    world = W.replace(R, T**2)
    assert np.array_equal(run(world).R.values[0, :1], run(W).R.values[0, :1])
    graph = pygraphviz.AGraph(string=draw(room, steps=2, worlds=[world], mechanisms=True).dot)
    told = {node.attr["label"]: node.attr["shape"] for node in graph.nodes()}
    assert told[r"R[0]\n= 35"] != "component"
    assert told[r"R[1]\n= T[0]²"] == "component"


def test_an_unrolled_system_stands_on_the_same_grid():
    graphs = [pygraphviz.AGraph(string=draw(m, steps=3).dot) for m in (room, room.unroll(3))]
    places = [{node.attr["label"]: place(node) for node in graph.nodes()} for graph in graphs]
    assert places[0] == places[1]


def test_the_template_has_two_slices():
    graph = pygraphviz.AGraph(string=draw_template(room, mechanisms=True).dot)
    told = {node.attr["label"] for node in graph.nodes()}
    assert told == {
        r"T[i]\nT[0] = 10", r"R[i]\nR[0] = 35", r"T[i+1]\n= R[i] − 25",
        r"R[i+1]\n= R[i] − 0.1·T[i]",
    }  # fmt: skip
    assert len(graph.edges()) == 3
    with pytest.raises(QueryError, match="no template"):
        draw_template(room.unroll(2))


def test_inputs_are_set_apart():
    k = parameter("k")
    shake = noise("shake", normal(0, 1))
    system = System({a: a + k * shake, b: a + time}, start={a: 0, b: 0}, parameters={k: 1})
    graph = pygraphviz.AGraph(string=draw(system, steps=2, inputs=True).dot)
    frames = {frame.graph_attr["label"]: labels(frame) for frame in graph.subgraphs()}
    assert frames == {
        "noise": {"shake[0]", "shake[1]"},
        "time": {"t[0]", "t[1]"},
        "parameters": {"k"},
    }
    names = {node: node.attr["label"] for node in graph.nodes()}
    arrows = {(names[edge[0]], names[edge[1]]) for edge in graph.edges()}
    assert {("k", "a[1]"), ("k", "a[2]"), ("shake[0]", "a[1]"), ("t[1]", "b[2]")} <= arrows
    assert not set(frames) & labels(pygraphviz.AGraph(string=draw(system, steps=2).dot))


def test_inputs_of_stages_are_inputs_of_their_variable():
    k = parameter("k")
    ode = System.from_ode({a: -k * a}, start={a: 1}, parameters={k: 2}, dt=0.1, method="rk4")
    assert {str(one) for one in skeleton(ode, 1).inputs[a[1]]} == {"k", "dt"}


def test_interventions_are_told_apart_by_shape():
    W = room.world(steps=5)
    world = W.do(T[1], 3).replace(R[1], T).clamp(T[2], to=W).perturb(R[2])
    graph = pygraphviz.AGraph(string=draw(room, steps=2, worlds=[W, world]).dot)
    shapes = {node.attr["label"]: node.attr["shape"] for node in graph.nodes()}
    assert shapes[r"T[1]\n= 3"] == "hexagon"
    assert shapes["R[1]"] in ("", "ellipse", "component")
    assert shapes[r"R[2]\n+ δ"] == "octagon"
    found = [node.attr["shape"] for node in graph.nodes()]
    assert [found.count(s) for s in ("hexagon", "component", "box", "octagon")] == [2] * 4
    assert {"clamped", "perturbed", "set by do", "another mechanism"} <= set(shapes)


def test_the_legend_explains_what_occurs_and_nothing_else():
    words = {"differs from W", "differs from X", "clamped", "perturbed"}
    worlds = three(room, R[0], T, steps=4)
    assert words <= labels(pygraphviz.AGraph(string=draw(room, worlds=worlds).dot))
    two = labels(pygraphviz.AGraph(string=draw(room, worlds=worlds[:2]).dot))
    assert two & words == {"differs from W", "perturbed"}
    bare = draw(room, worlds=worlds, legend=False)
    assert not labels(pygraphviz.AGraph(string=bare.dot)) & words


def test_mechanisms_are_written_with_their_parents_own_names():
    network = Network({b: sin(a) ** 2, c: a / b}, start={a: -0.5})
    told = {n.attr["label"] for n in pygraphviz.AGraph(string=draw(network, mechanisms=True).dot)}
    assert told == {r"a\n= −0.5", r"b\n= sin(a)²", r"c\n= a/b"}


def test_a_table_is_named_not_written_out():
    F, G = finite("F", ["cold", "hot"]), finite("G", ["on", "off"])
    rows = {"cold": "on", "hot": "off"}
    system = System({F: F, G: table(F, rows)}, start={F: "hot", G: "on"})
    for model in (system, system.unroll(1)):
        dot = draw(model, steps=1, mechanisms=True).dot
        assert r"G[1]\n= table(F[0])" in dot
        assert r"G[0]\n= on" in dot


def test_nodes_lie_in_their_frames_and_never_touch():
    shake = noise("some_shake", normal(0, 1))
    system = System({a: a * b / (1 + a**2) + shake, b: 2 * b - 13 * a + time}, start={a: 0, b: 1})
    W = system.world(steps=4)
    X = W.perturb(a[1], by=-1e-9)
    Y = X.clamp(b, to=W).do(a[3], 12345).replace(a[2], b**2 + b * a / 3)
    picture = draw(system, worlds=[W, X, Y], A=b, inputs=True, mechanisms=True, values=run(W, X, Y))
    # The sizes that Graphviz draws, in points; those that we asked for are smaller or the same.
    source = pygraphviz.AGraph(string=picture.dot)
    graph = pygraphviz.AGraph(string=source.draw(prog=picture.engine, format="dot").decode())
    boxes = {node: _box(node) for node in graph.nodes()}
    for one, other in combinations(boxes.values(), 2):
        assert one[0] > other[2] or one[2] < other[0] or one[1] > other[3] or one[3] < other[1]
    for frame in source.subgraphs():
        left, low, right, high = map(float, frame.graph_attr["bb"].split(","))
        for node in frame.nodes():
            x, y, to_x, to_y = boxes[node]
            assert left <= x < to_x <= right
            assert low <= y < to_y <= high


def _box(node):
    x, y = place(node)
    width, height = (float(node.attr[side]) * 72 for side in ("width", "height"))
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def test_a_network_of_ten_thousand_nodes_is_refused_at_once():
    chain = Network.from_arrays(
        [lambda u: 2 * u], kinds=[-1] + [0] * 9999,
        parents=[[i - 1] for i in range(10_000)], start=1,
    )  # fmt: skip
    with pytest.raises(QueryError, match="10000 nodes and 9999 arrows"):
        draw(chain)
