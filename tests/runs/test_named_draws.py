"""Draws, sweeps and laws that are named wrongly: what is wrong is what is told."""

import pytest

from causalopt import (
    DeclarationError,
    QueryError,
    System,
    noise,
    normal,
    parameters,
    run,
    variables,
)

(x,), (k,) = variables("x"), parameters("k")
e = noise("e", normal(0, 1))
WALK = System({x: x + k * e}, start={x: 1}, parameters={k: 1})


def test_chains_are_counted_up():
    with pytest.raises(QueryError, match=r"counts down.*write range\(3, 12, 4\)"):
        run(WALK.world(3), draws=range(11, 2, -4))
    assert run(WALK.world(3), draws=range(3, 12, 4)).draw.values.tolist() == [3, 7, 11]
    with pytest.raises(QueryError, match="names no chains"):
        run(WALK.world(3), draws=range(2, 2))


def test_one_number_is_no_list():
    with pytest.raises(QueryError, match=r"is one number, 1, and takes a list.*write \[1\], or"):
        run(WALK.world(3), over={k: 1}, draws=2)


def test_a_noise_has_one_law_in_a_world_too():
    with pytest.raises(DeclarationError, match=r"e is declared twice.*deviation=5"):
        WALK.world(3).replace(x[2], x + noise("e", normal(0, 5)))
    once = WALK.world(3).replace(x[2], x + noise("f", normal(0, 5)))
    with pytest.raises(DeclarationError, match="f is declared twice"):
        once.replace(x[3], x + noise("f", normal(0, 2)))
    assert once.replace(x[2], x - e).noises
