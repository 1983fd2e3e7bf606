"""Shares as strokes: the wider, the more of the regulation goes there."""

import numpy as np
import pygraphviz
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from causalopt import (
    Network,
    QueryError,
    System,
    draw,
    draw_template,
    find_optimizers,
    steering_shares,
    variables,
)
from causalopt.ground import palette

T, R, amp, seen = variables("T R amp seen")
room = System(
    {T: R - 25, amp: R - 25, R: R - 0.01 * T + 0.001 * amp, seen: R},
    start={T: 10, amp: 10, R: 35, seen: 35},
)
a, b, c = variables("a b c")


def nodes(drawing):
    """The attributes of each node, by the first line of its label."""
    graph = pygraphviz.AGraph(string=drawing.dot)
    return {node.attr["label"].split(r"\n")[0]: dict(node.attr) for node in graph.nodes()}


def arrows(drawing):
    """The attributes of each arrow, by the labels of both ends."""
    graph = pygraphviz.AGraph(string=drawing.dot)
    name = {node: node.attr["label"] for node in graph.nodes()}
    return {(name[edge[0]], name[edge[1]]): dict(edge.attr) for edge in graph.edges()}


def made_up(edges=(), **shares):
    columns = {"share": ("variable", list(shares.values()))}
    if edges:
        columns["edge_share"] = ("edge", [share for _, _, share in edges])
    coords = {"variable": list(shares)}
    if edges:
        coords["source"] = "edge", [source for source, _, _ in edges]
        coords["target"] = "edge", [target for _, target, _ in edges]
    return xr.Dataset(columns, coords)


def width(look):
    return float(look.get("penwidth") or 1)


def test_widths_follow_the_shares_of_variables_and_arrows():
    shares = steering_shares(room, R[:200], nudge="pulse", edges=True)
    drawing = draw_template(room, shares=shares)
    look, arrow = nodes(drawing), arrows(drawing)
    for slice_ in ("i", "i+1"):
        assert look[f"T[{slice_}]"]["color"] == palette.BLUE
        assert look[f"amp[{slice_}]"]["color"] == palette.ORANGE
        assert "dashed" in look[f"amp[{slice_}]"]["style"]
        for plain in ("R", "seen"):
            assert "penwidth" not in look[f"{plain}[{slice_}]"]
    assert width(look["T[i]"]) > width(look["amp[i]"])
    assert width(arrow["R[i]", "T[i+1]"]) == width(look["T[i]"])
    assert arrow["R[i]", "amp[i+1]"]["style"] == "dashed"
    assert "penwidth" not in arrow["R[i]", "seen[i+1]"]
    assert "penwidth" not in arrow["T[i]", "R[i+1]"]
    assert drawing.render("svg").startswith(b"<?xml")


@given(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4).filter(any))
def test_a_larger_share_is_never_narrower(sizes):
    shares = made_up(T=sizes[0], R=sizes[1], amp=sizes[2], seen=sizes[3])
    look = nodes(draw_template(room, shares=shares, legend=False))
    sized = sorted(zip(map(abs, sizes), ("T", "R", "amp", "seen"), strict=True))
    largest = sized[-1][0]
    seen_widths = [width(look[f"{name}[i]"]) for size, name in sized if size > 1e-6 * largest]
    assert seen_widths == sorted(seen_widths)
    # In proportion: the widths of a linear scale, to the digits that are written.
    for size, name in sized:
        if size > 1e-6 * largest:
            expected = 0.8 + 6.2 * size / largest
            assert abs(width(look[f"{name}[i]"]) - expected) < 0.006


def test_the_legend_shows_the_largest_share_half_of_it_and_the_most_negative():
    look = nodes(draw_template(room, shares=made_up(T=2.0, amp=-0.5, seen=0.0)))
    assert {"share:", "2", "1", "−0.5"} <= set(look)
    assert width(look["2"]) == width(look["T[i]"])
    assert width(look["−0.5"]) == width(look["amp[i]"])
    assert look["−0.5"]["color"] == palette.ORANGE
    assert "share:" not in nodes(draw_template(room, shares=made_up(T=2.0), legend=False))


def test_steps_and_gaps_of_a_run_have_the_shares_of_their_variables():
    drawing = draw(room, steps=30, columns=5, shares=made_up([("R", "T", 1.0)], T=1.0))
    look, arrow = nodes(drawing), arrows(drawing)
    assert {width(look[f"T[{i}]"]) for i in (0, 1, 2, 29, 30)} == {7.0}
    assert width(arrow["R[0]", "T[1]"]) == 7
    assert width(arrow["R[29]", "T[30]"]) == 7


def test_nodes_of_networks_and_of_unrolled_systems():
    network = Network({b: -a / 2, c: a + b}, start={a: 1})
    look = nodes(draw(network, shares=made_up([("a", "b", 1.0)], b=1.0)))
    assert (width(look["b"]), width(look["a"])) == (7, 1)
    unrolled = room.unroll(3)
    shares = steering_shares(unrolled, R[0:4], edges=True)
    look = nodes(draw(unrolled, shares=shares))
    assert {width(look[f"T[{i}]"]) for i in range(4)} == {7.0}


def test_a_row_of_the_ranked_table_is_drawn_too():
    ranked = find_optimizers(room, m=R, steps=50, replicates=2).data
    look = nodes(draw_template(room, shares=ranked.sel(rank=1)))
    assert width(look["T[i]"]) == 7
    with pytest.raises(QueryError, match=r"choose with \.sel"):
        draw_template(room, shares=ranked)


def test_shares_that_are_nowhere_draw_no_stroke_and_no_legend():
    for nothing in (made_up(T=0.0, amp=0.0), made_up(T=np.nan), made_up()):
        look = nodes(draw_template(room, shares=nothing))
        assert not [name for name, one in look.items() if "penwidth" in one]
        assert "share:" not in look


def test_what_is_no_share_is_refused():
    with pytest.raises(QueryError, match=r"what steering_shares\(\) gave"):
        draw_template(room, shares=xr.Dataset())
    with pytest.raises(QueryError, match=r"shares is dict"):
        draw_template(room, shares={"T": 1.0})
    with pytest.raises(QueryError, match="has no 'heater'"):
        draw_template(room, shares=made_up(heater=1.0))
    with pytest.raises(QueryError, match="without worlds"):
        draw(room, worlds=[room.world(steps=4)], shares=made_up(T=1.0))
