"""Worlds in which parts of arrays are held, set or moved: their laws, and their values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    QueryError,
    System,
    array,
    function,
    run,
    tangents,
    variables,
)

h = array("h", 4)
(x,) = variables("x")
M = np.random.default_rng(5).normal(size=(4, 4)) / 2
STEPS = 4


def mixed(h, x):
    return M @ h + x


SYSTEM = System({h: function(mixed)(h, x), x: x / 2}, start={h: [1, 2, 3, 4], x: 1})
W = SYSTEM.world(steps=STEPS)
V = W.perturb(x[0], by=1.0)

masks = st.lists(st.booleans(), min_size=4, max_size=4).filter(any).map(np.array)


def by_hand(held, by=1.0, other=None, shift=None):
    """The steps of the system, some entries held to another run."""
    state, level = np.array([1.0, 2, 3, 4]), 1.0
    course = []
    for step in range(STEPS + 1):
        if step:
            state, level = M @ state + level, level / 2
        if other is not None:
            state = np.where(held, state + by * (other[step] - state), state)
        if shift is not None and step == 0:
            level += shift
        course.append(state)
    return np.array(course)


@given(masks)
@settings(max_examples=6, deadline=None)
def test_entries_are_held_and_the_rest_goes_on(mask):
    other = by_hand(None, shift=1.0)
    clamped = W.clamp(h.part[mask], to=V)
    got = run(clamped).h.values[0]
    assert got == pytest.approx(by_hand(mask, other=other), abs=1e-12)


def test_parts_are_held_by_a_weight():
    mask, other = np.array([True, False, True, False]), by_hand(None, shift=1.0)
    got = run(W.clamp(h.part[mask], to=V, by=0.25)).h.values[0]
    assert got == pytest.approx(by_hand(mask, by=0.25, other=other), abs=1e-12)
    with pytest.raises(QueryError, match="one after the other"):
        W.clamp([h.part[0], x], to=V, by=0.5)


@given(masks, masks)
@settings(max_examples=30, deadline=None)
def test_laws_of_worlds_hold_for_parts(first, second):
    both = W.clamp(h.part[first], to=V)
    assert both.clamp(h.part[first], to=V) == both
    apart = second & ~first
    if apart.any():
        one = both.do(h.part[apart], 3.0)
        assert one == W.do(h.part[apart], 3.0).clamp(h.part[first], to=V)
        assert hash(one) == hash(W.do(h.part[apart], 3.0).clamp(h.part[first], to=V))
    # The later one wins where they overlap.
    later = W.do(h.part[first], 3.0).clamp(h.part[second], to=V)
    if (second >= first).all():
        assert later == W.clamp(h.part[second], to=V)
    assert W.clamp(h.part[first], to=V).clamp(h.part[second], to=V) == W.clamp(
        h.part[first | second], to=V
    )
    assert W.clamp(h.part[first], to=V).clamp(h, to=V) == W.clamp(h, to=V)
    assert W.clamp(h.part[:], to=V) == W.clamp(h, to=V)


def test_a_stretch_of_steps_of_a_part():
    assert W.clamp(h[1:3].part[0:2], to=V) == W.clamp(h.part[0:2][1:3], to=V)
    got = run(W.do(h[2].part[1], 7.0)).h.values[0]
    assert got[:2] == pytest.approx(by_hand(None)[:2])
    assert got[2, 1] == 7.0
    assert got[2, 0] == pytest.approx(by_hand(None)[2, 0])
    level = run(W).x.values[0]
    assert got[3] == pytest.approx(M @ got[2] + level[2])


def test_coordinates_are_held_along_directions():
    rng = np.random.default_rng(0)
    d, r = rng.normal(size=(2, 4)), rng.normal(size=(2, 4))
    got, wanted = run(W.clamp(h.along(d, read=r), to=V)).h.values[0], run(V).h.values[0]
    assert r @ got[-1] == pytest.approx(r @ wanted[-1], abs=1e-12)
    free = M @ got[-2] + run(W).x.values[0, -2]
    unmoved = np.linalg.svd(d)[2][2:]
    assert unmoved @ got[-1] == pytest.approx(unmoved @ free, abs=1e-12)
    unit = np.eye(4)[:2]
    alike = run(W.clamp(h.part[:2], to=V)).h.values
    assert run(W.clamp(h.along(unit, read=unit), to=V)).h.values == pytest.approx(alike)
    with pytest.raises(QueryError, match="singular"):
        h.along(d, read=np.array([r[0], r[0]]))
    with pytest.raises(QueryError, match="one row of read for each"):
        h.along(d, read=r[0])


def test_parts_of_arrays_of_different_shapes_are_apart():
    from causalopt import op

    y = array("y", 2)
    system = System(
        {h: function(mixed)(h, x), y: function(lambda h, y: h[:2] + y / 2)(h, y), x: x / 2},
        start={h: [1, 2, 3, 4], y: [0, 1], x: 1},
    )
    held = op(system, A=y.part[0], n=h[0].part[1], m=y[3].part[1]).item()
    assert held == 0.0


def test_a_formula_of_numbers_fills_an_array_for_the_same_step_too():
    (s,) = variables("s")
    system = System(
        {h: x, s: function(lambda h: h @ h)(h.next), x: x / 2}, start={h: np.ones(4), s: 0, x: 1}
    )
    start = system.world(steps=2)
    assert run(start).s.values[0].tolist() == [0, 4, 1]
    assert tangents(start.perturb(x[0])).s.values[0].tolist() == [0, 8, 2]


def test_what_nothing_moves_is_held_to_what_moves():
    d, r = np.eye(4)[:2] + 1.0, np.eye(4)[:2]
    moved = tangents(W.perturb(x[0])).h.values[0, 1]
    got = tangents(W.clamp(h[1].along(d, read=r), to=W.perturb(x[0]))).h.values[0, 1]
    assert got == pytest.approx(d.T @ np.linalg.inv(r @ d.T) @ (r @ moved), abs=1e-14)


def test_worlds_that_run_together_have_as_many_directions():
    some, more = (W.perturb(h[0], along=np.eye(4)[:k]) for k in (2, 3))
    with pytest.raises(QueryError, match="along 2, 3 directions"):
        tangents(some, more, labels=["some", "more"])
    assert tangents(W.clamp(h, to=some)).h.values == pytest.approx(tangents(some).h.values)


def test_differences_of_parts():
    moved = W.perturb(h[1].part[2], by=0.5)
    change = run(moved).h.values[0] - run(W).h.values[0]
    assert change[1] == pytest.approx([0, 0, 0.5, 0])
    assert change[2] == pytest.approx(M[:, 2] * 0.5)
    nudged = tangents(W.perturb(h[1].part[[1, 2]])).h
    assert nudged.dims[-1] == "direction"
    assert pytest.approx(M[:, [1, 2]].T) == nudged.values[0, 2].T
    # What is held in part keeps the nudge in the rest.
    v = np.array([1.0, 2.0, 3.0, 4.0])
    kept = tangents(W.perturb(h[0], along=v).clamp(h[0].part[:2], to=W)).h.values[0, 0, :, 0]
    assert kept.tolist() == [0, 0, 3, 4]
    again = W.perturb(h[0].part[0], by=1.0).perturb(h[0].part[1], by=2.0)
    assert again == W.perturb(h[0], by=np.array([1.0, 2.0, 0, 0]))


def test_an_array_is_replaced_as_a_whole():
    other = W.replace(h, function(lambda h, x: 0 * h + x)(h, x))
    assert run(other).h.values[0, 1:, 0] == pytest.approx(run(W).x.values[0, :-1])
    with pytest.raises(QueryError, match="as a whole"):
        W.replace(h.part[0], h)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: h.part[7], "names no entries"),
        (lambda: h.part[0:9], "reaches beyond"),
        (lambda: h.part[2:2], "is empty"),
        (lambda: h.part[[True, False]], "mask"),
        (lambda: h.part["a"], "names no entries"),
        (lambda: x.part[0], "holds a number"),
        (lambda: h[0].part[1][2], "at its steps already"),
        (lambda: W.perturb(h[0], along=[1, 2]), "write a direction of the shape"),
        (lambda: W.perturb(x[0], along=[1]), "has no directions"),
        (lambda: W.perturb(h[0], along=np.ones(4), by=1.0), "one of the two"),
        (lambda: W.do(h[0], [1, 2]), "shape"),
        (lambda: h.part[0] + x, "name of nodes"),
        (lambda: h[9].part[0] and W.clamp(h[9].part[0], to=W), "after the last step"),
    ],
)
def test_bad_parts_are_told(make, told):
    with pytest.raises(Exception, match=told):
        make()


def test_a_parameter_that_holds_an_array_is_no_number():
    from causalopt import op, parameters

    (given,) = parameters("given")
    system = System(
        {h: function(lambda h, m: m * h)(h, given), x: x / 2},
        start={h: [1, 2, 3, 4], x: 1},
        parameters={given: [1.0, 2.0, 0.5, 0.0]},
    )
    world = system.world(steps=2)
    for ask in (
        lambda: world.do(x[1], given),
        lambda: world.clamp(h, to=world, by=given),
        lambda: op(system, A=x, n=h[0].part[0], m=h[2].part[0], over={given: [1.0, 2.0]}),
    ):
        with pytest.raises(QueryError, match="number"):
            ask()


def test_a_start_that_is_set_stays_set_where_its_variable_is_replaced():
    world = W.do(x[0], 3.0)
    for replaced in (world.replace(x, x), W.replace(x, x).do(x[0], 3.0)):
        assert run(replaced).x.values[0].tolist() == [3.0] * (STEPS + 1)


SQUARE = array("square", (2, 3))
ROOM = System(
    {SQUARE: function(lambda s: s * 0.5)(SQUARE)}, start={SQUARE: np.arange(6.0).reshape(2, 3)}
).world(steps=1)
KEYS = [
    0,
    (slice(None), 1),
    (slice(None), slice(1, 3)),
    (slice(None, None, -1), 0),
    ([0, 1, 0], [2, 0, 1]),
    np.array([[True, False, True], [False, True, False]]),
    (1, ...),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_values_for_a_part_have_the_shape_of_the_part(key):
    """As NumPy sets them: each where the index says, and as the whole array has it too."""
    part, there = SQUARE[1].part[key], np.zeros((2, 3))
    values = np.random.default_rng(3).normal(size=there[key].shape)
    there[key] = values
    set_by_hand = run(ROOM).square.values[0, 1].copy()
    moved_by_hand = set_by_hand + there
    set_by_hand[key] = values
    for value in (values, values.tolist(), there, there + 7.0 * (there == 0)):
        found = run(ROOM.do(part, value)).square.values[0, 1]
        np.testing.assert_array_equal(found, set_by_hand)
        found = run(ROOM.perturb(part, by=value)).square.values[0, 1]
        np.testing.assert_array_equal(found, moved_by_hand)


@pytest.mark.parametrize("key", KEYS[1:], ids=str)
def test_directions_at_a_part_have_the_shape_of_the_part(key):
    part, there = SQUARE[1].part[key], np.zeros((4, 2, 3))
    rows = np.random.default_rng(3).normal(size=(4, *there[0][key].shape))
    for place, row in zip(there, rows, strict=True):
        place[key] = row
    along = tangents(ROOM.perturb(part, along=rows)).square.values[0, 1]
    np.testing.assert_allclose(along, np.moveaxis(there, 0, -1), rtol=1e-15)
    single = tangents(ROOM.perturb(part, along=rows[1])).square.values[0, 1]
    np.testing.assert_allclose(single.reshape(2, 3), there[1], rtol=1e-15)


def test_what_has_the_shape_of_the_whole_array_is_the_whole_array():
    """Of all entries in another order too, where both have one shape."""
    back = h[1].part[::-1]
    found = run(W.do(back, [1, 2, 3, 4])).h.values[0, 1]
    np.testing.assert_array_equal(found, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda: W.do(h.part[0:2], [1, 2, 3]), r"has the shape \(3,\), and the part has \(2,\)"),
        (lambda: W.perturb(h[0].part[0:2], by=[1]), r"has the shape \(1,\), and the part has"),
        (lambda: W.do(h.part[[0, 0, 1]], [1, 2, 3]), r"write an array of shape \(4,\)"),
        (lambda: W.perturb(h[0].part[0:2], along=[1, 2, 3]), r"direction of the shape \(4,\)"),
        (lambda: W.perturb(h[0], along=[0, 0, 0, 0]), "0 everywhere in the direction 0"),
        (lambda: W.perturb(h[0], along=[[1, 0, 0, 0], [0] * 4]), "0 everywhere in the direction 1"),
        (lambda: W.perturb(h[0].part[0:2], along=[0, 0, 1, 0]), "0 everywhere in the direction 0"),
        (lambda: h.along([1, 0, 0, 0]), "not what is read"),
        (lambda: h.part[0:2].along([1, 0, 0, 0], read=[1, 0, 0, 0]), "is a part already"),
        (lambda: h[0].along([1, 0, 0, 0]), "not what is read"),
        (lambda: h.along([1, 0, 0, 0], read=[0, 1, 0, 0]), "singular"),
        (lambda: h.along([1, 0, 0, 0], read=[0, 0, 0, 0]), "singular"),
        (lambda: h.along([0.3, 0.3, -0.3, 0], read=[0.1, 0.2, 0.3, 0]), "singular"),
        (lambda: h.along([1, 0, 0, 0], read=[1e-17, 1, 0, 0]), "singular"),
        (lambda: W.clamp(array("h", 3), to=W),
         r"h that is known here holds an array of shape \(4,\), and this one .* \(3,\)"),
        (lambda: W.clamp(array("h", 4, "m"), to=W), "has no unit, and this one has the unit m"),
    ],
)  # fmt: skip
def test_what_is_no_value_of_a_part_is_told(act, told):
    with pytest.raises((DeclarationError, QueryError), match=told):
        act()


def test_parts_that_are_named_together_are_held_at_once():
    """Held one after the other, what is held last would move what was held first."""
    d, r = np.array([[1.0, 0.5, 0, 0], [0, 0.2, 1, 0]]), np.array([[1.0, 0, 0.2, 0], [0, 1, 1, 0]])
    parts = [h.along(*d[:1], read=r[0]), h.along(d[1], read=r[1]), h.part[3]]
    unit = np.eye(4)[3:]
    joint = h.along(np.vstack([d, unit]), read=np.vstack([r, unit]))
    wanted = run(V.clamp(joint, to=W)).h.values[0]
    for named in (parts, parts[::-1], (*parts, parts[0])):
        clamped = V.clamp(named, to=W)
        np.testing.assert_allclose(run(clamped).h.values[0], wanted, rtol=1e-13)
        free = run(clamped).h.values[0] - run(W).h.values[0]
        np.testing.assert_allclose(free @ np.vstack([r, unit]).T, 0, atol=1e-13)
    one_by_one = V.clamp(parts[0], to=W).clamp(parts[1], to=W)
    assert np.abs(run(one_by_one).h.values[0] - wanted).max() > 1e-3


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([h.along([1, 0, 0, 0], read=[1, 0, 0, 0]), h.along([1, 0, 0, 0], read=[1, 1, 0, 0])],
         "cannot be held at once"),
        ([h.along([1, 1, 0, 0], read=[1, 0, 0, 0]), h.part[0:2]], "cannot be held at once"),
        ([h[0:3].along([1, 0, 0, 0], read=[1, 0, 0, 0]), h[1:4].part[0]], "over different steps"),
    ],
)  # fmt: skip
def test_parts_that_cannot_be_held_at_once_are_told(parts, told):
    with pytest.raises(QueryError, match=told):
        V.clamp(parts, to=W)


@pytest.mark.parametrize("size", [1e-200, 1e-300, 1e250])
def test_directions_are_held_whatever_their_size(size):
    d, r = np.array([1.0, 2, 0, 1]), np.array([1.0, 0, 0, 3])
    found = run(V.clamp(h.along(d * size, read=r * size), to=W)).h.values
    np.testing.assert_allclose(found, run(V.clamp(h.along(d, read=r), to=W)).h.values, rtol=1e-13)
    assert np.abs(found - run(V).h.values).max() > 1e-3
