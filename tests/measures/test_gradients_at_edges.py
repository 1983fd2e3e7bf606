"""Passes back where values jump, branch or have derivatives of their own: against tangents."""

from dataclasses import dataclass

import numpy as np
import pytest
from sympy import Abs, Max, Min, Rational, Symbol, floor, sin

from causalopt import Event, QueryError, System, gradients, parameters, run, tangents, variables
from causalopt.mechanisms.interface import Mechanism

x, y, h, v = variables("x y h v")
g, c = parameters("g c")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("last", [8, 10, 12])
def test_the_moment_of_an_event_moves_in_a_pass_back(last):
    """A ball that falls from h: until time sqrt(2 h / g), and then up by c of its speed."""
    ball = System.from_ode(
        {h: v, v: -g + 0 * v},
        start={h: 1, v: 0},
        parameters={g: 9.81, c: 0.8},
        events=[Event(h < 0, {v: -c * v})],
        dt=0.05,
        method="rk4",
    )
    W = ball.world(steps=last)
    found = gradients(W, h[last], [h[0], v[0], g, c])
    time = 0.05 * last
    symbols = height, speed, pull, back = [Symbol(name) for name in ("h0", "v0", "p", "b")]
    hits = (speed + (speed**2 + 2 * pull * height) ** Rational(1, 2)) / pull
    there = height + speed * time - pull * time**2 / 2
    if last > 9:
        left = time - hits
        there = -back * (speed - pull * hits) * left - pull * left**2 / 2
    at = dict(zip(symbols, (1, 0, 9.81, 0.8), strict=True))
    wanted = [float(there.diff(symbol).subs(at)) for symbol in symbols]
    assert [slope.item() for slope in found.values()] == pytest.approx(wanted, abs=1e-10)
    forward = [tangents(W.perturb(n)).h.values[0, -1] for n in (h[0], v[0])]
    assert [found["h[0]"].item(), found["v[0]"].item()] == pytest.approx(forward, rel=1e-12)


@pytest.mark.parametrize(
    "rule",
    [Max(x, y), Min(x, y), Max(x, y, 1), Abs(x - y), Max(x, sin(y), 2 * y - 1) * y, Min(2, x + y)],
)
def test_at_a_kink_the_branch_is_that_of_a_tangent(rule):
    system = System({x: rule, y: y}, start={x: 1, y: 1})
    W = system.world(steps=1)
    found = gradients(W, x[1], [x[0], y[0]])
    forward = [tangents(W.perturb(n)).x.values[0, -1] for n in (x[0], y[0])]
    assert [found["x[0]"].item(), found["y[0]"].item()] == forward


def test_largest_and_smallest_of_what_is_no_number_are_none():
    """As in NumPy: a branch that is left out must not hide what has no value."""
    jnp = pytest.importorskip("jax.numpy")
    from causalopt.backends.jax_formulas import _HEADS

    for kind, wanted in ((Max, np.maximum), (Min, np.minimum)):
        for first, second in ((np.nan, 1.0), (1.0, np.nan), (2.0, 1.0), (1.0, 2.0), (1.0, 1.0)):
            given = _HEADS[kind](jnp.asarray(first), jnp.asarray(second))
            np.testing.assert_array_equal(given, wanted(first, second))


@dataclass(frozen=True)
class Rounded(Mechanism):
    """A symbol rounded to tenths, with the derivative of what is rounded."""

    inner: Symbol

    @property
    def arguments(self):
        return (self.inner,)

    def value(self, at):
        return floor(10 * at.get(self.inner, self.inner) + Rational(1, 2)) / 10

    def reverse(self, at, weight):
        return {self.inner: weight}

    def renamed(self, names):
        return Rounded(names.get(self.inner, self.inner))

    def words(self, name, write=None):
        return f"rounded {name(self.inner)}"

    def latex(self):
        return str(self.inner)


def test_derivatives_of_ones_own_are_not_passed_back():
    sensed = System({x: Rounded(y), y: y - x / 10}, start={x: 0.5, y: 0.2})
    with pytest.raises(QueryError, match="x follows by rounded y, which has derivatives of its"):
        gradients(sensed, y[4], [y[0]])
    plain = System({x: y, y: y - x / 10}, start={x: 0.5, y: 0.2})
    replaced = plain.world(steps=4).replace(x[1:3], Rounded(y))
    assert run(replaced).x.values[0, 1] == 0.2
    with pytest.raises(QueryError, match="x follows by rounded y"):
        gradients(replaced, y[4], [y[0]])
