"""Chunks cover every point once, and are no larger than was asked."""

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from causalopt.runs.cluster.chunks import Chunks, halves, points_of, size, within

shapes = st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple)


@given(shapes, st.integers(1, 500))
def test_every_point_is_in_one_chunk(shape, points):
    cut = Chunks.of(shape, points)
    parts = [cut.part(number) for number in range(cut.count)]
    covered = [point for part in parts for point in points_of(part)]
    assert sorted(covered) == list(itertools.product(*map(range, shape)))
    assert all(1 <= size(part) <= points for part in parts)


@given(shapes, st.integers(1, 500))
def test_chunks_are_few(shape, points):
    # Of all dims but one a chunk has all or one: no less than a quarter of what it may have.
    cut = Chunks.of(shape, points)
    assert size(cut.part(0)) >= min(points, math.prod(shape)) / 4


@given(shapes)
def test_halves_are_what_they_were_cut_from(shape):
    waiting, alone = [tuple(map(range, shape))], []
    while waiting:
        part = waiting.pop()
        if size(part) == 1:
            alone += points_of(part)
            continue
        one, other = halves(part)
        assert abs(size(one) - size(other)) <= size(part) // max(2, 1)
        assert {*points_of(one)} | {*points_of(other)} == {*points_of(part)}
        assert not {*points_of(one)} & {*points_of(other)}
        waiting += [one, other]
    assert sorted(alone) == list(itertools.product(*map(range, shape)))


@given(shapes, st.integers(1, 500))
def test_a_part_lies_where_it_is_said(shape, points):
    cut = Chunks.of(shape, points)
    outer = cut.part(cut.count - 1)
    inner = halves(outer)[1] if size(outer) > 1 else outer
    where = within(inner, outer)
    assert [[places[i] for i in range(len(places))[s]] for places, s in
            zip(outer, where, strict=True)] == [list(places) for places in inner]  # fmt: skip
