"""Graphs: what is drawn, what differs, labels as written, and what is refused."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from causalopt import Network, QueryError, System, draw, variable, variables
from causalopt.drawing.picture import changes, skeleton

T, R = variables("T R")
a, b, c, e = variables("a b c e")
room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})


def three(model, n, A, **options):
    W = model.world(**options)
    X = W.perturb(n, by=0.1)
    return W, X, X.clamp(A, to=W)


def texts(svg):
    return [node.text for node in ET.fromstring(svg).iter() if node.tag.endswith("}text")]


def test_x_is_red_downstream_and_y_green_where_it_differs_from_x():
    found = changes(skeleton(room, 3), three(room, R[0], T, steps=10))
    assert found[0] == {}
    reached = {R[0], R[1], R[2], R[3], T[1], T[2], T[3]}
    assert found[1] == dict.fromkeys(reached, "red")
    # A is back at its values in W, and so it is green: it differs from X.
    green = {T[1], T[2], T[3], R[2], R[3]}
    assert found[2] == dict.fromkeys({R[0], R[1]}, "red") | dict.fromkeys(green, "green")


def test_differences_in_a_network():
    network = Network({b: a + 1, c: 2 * a, e: b + c}, start={a: 1})
    found = changes(skeleton(network, 1), three(network, a, [b]))
    assert found[1] == dict.fromkeys([a, b, c, e], "red")
    assert found[2] == {a: "red", c: "red", b: "green", e: "green"}


def test_an_infinitesimal_difference_is_drawn_too():
    W = room.world(steps=3)
    assert R[3] in changes(skeleton(room, 3), [W, W.perturb(R[0])])[1]


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


NAMES = ['<b>"\\x', "a\\", 'c"d', "é$\\alpha_1$", "<script>alert(1)</script>", "a&b", "\\N", "n0"]


def test_labels_come_out_as_written():
    symbols = [variable(name) for name in NAMES]
    chain = {s: 2 * p for p, s in pairwise(symbols)}
    network = Network(chain, start={symbols[0]: 1})
    drawing = draw(network)
    svg = drawing.render("svg").decode()
    assert set(NAMES) <= set(texts(svg))
    assert "<script" not in svg
    assert svg.count('class="edge"') == len(NAMES) - 1


def test_a_picture_that_cannot_be_read_is_refused():
    with pytest.raises(QueryError, match="fewer steps"):
        draw(room, steps=5000)


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


def test_a_is_marked():
    dot = draw(room, steps=2, A=T).dot
    assert dot.count("#e6e6e6") == 3


def test_notebooks_show_it():
    assert draw(room, steps=1)._repr_svg_().startswith("<?xml")
