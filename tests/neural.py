"""What tests of arrays share: a room held by hidden units, and digits with a small network."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import sympy

from causalopt import System, array, function, parameters, variables

HIDDEN = 3


def weights():
    """The weights of three hidden units that push against a room's temperature."""
    rng = np.random.default_rng(0)
    W, v = rng.normal(size=(HIDDEN, HIDDEN)) * 0.4, rng.normal(size=HIDDEN) * 0.5
    b, c = rng.normal(size=HIDDEN) * 0.1, -rng.normal(size=HIDDEN)
    return W, v, b, -np.abs(c) * np.sign(v)


h = array("h", HIDDEN)
u, R = variables("u R")
W, V, B, C = parameters("W V B C")


def cell(h, R, W, V, B):
    return jnp.tanh(W @ h + V * (R - 25) / 2 + B)


def head(h, C):
    return C @ h


def room():
    """Hidden units as one array, and the room as a formula."""
    given = dict(zip((W, V, B, C), weights(), strict=True))
    heating = sympy.Rational(1, 10) * (-sympy.Rational(1, 5) * (R - 10) + 2 * u.next)
    return System(
        {h: function(cell)(h, R, W, V, B), u: function(head)(h.next, C), R: R + heating},
        start={h: np.full(HIDDEN, 0.1), u: 0, R: 24},
        parameters=given,
    )


units = variables(f"h0:{HIDDEN}")


def room_of_numbers():
    """The same with a variable for each hidden unit."""
    Wh, v, b, c = weights()
    mechanisms = {}
    for i, unit in enumerate(units):
        inside = sum(float(Wh[i, j]) * units[j] for j in range(HIDDEN))
        mechanisms[unit] = sympy.tanh(inside + float(v[i]) * (R - 25) / 2 + float(b[i]))
    mechanisms[u] = sum(float(c[i]) * units[i].next for i in range(HIDDEN))
    heating = sympy.Rational(1, 10) * (-sympy.Rational(1, 5) * (R - 10) + 2 * u.next)
    mechanisms[R] = R + heating
    return System(mechanisms, start={**dict.fromkeys(units, 0.1), u: 0, R: 24})


def controller(size):
    """A recurrent network that heats a room, its array of units, and the room."""
    rng = np.random.default_rng(0)
    W = rng.normal(size=(size, size)) * 0.4 / np.sqrt(size)
    v, b = rng.normal(size=size) * 0.5, rng.normal(size=size) * 0.1
    c = -np.abs(rng.normal(size=size)) * np.sign(v) / size * 3
    hidden, (room,) = array("hidden", size), variables("R")

    def cell(h, R):
        return jnp.tanh(W @ h + v * (R - 25) / 2 + b)

    def warmed(h, R):
        return R + 0.1 * (-0.2 * (R - 10) + 2 * (c @ h))

    system = System(
        {hidden: function(cell)(hidden, room), room: function(warmed)(hidden.next, room)},
        start={hidden: np.full(size, 0.1), room: 24},
    )
    return system, hidden, room


@functools.cache
def digits(count=500):
    """The first digits of the UCI collection: pixels / 16 (count, 64), and labels."""
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.data[:count] / 16.0, data.target[:count]


def layers_of(dims):
    return list(itertools.pairwise(dims))


def first_weights(dims, seed):
    """Normal weights of variance 1 / inputs, biases 0, in one vector."""
    rng, parts = np.random.default_rng(seed), []
    for a, b in layers_of(dims):
        parts += [(rng.normal(size=(a, b)) / np.sqrt(a)).ravel(), np.zeros(b)]
    return np.concatenate(parts)


def logits(theta, x, dims):
    """A network of tanh layers, its weights in one vector."""
    start = 0
    for number, (a, b) in enumerate(layers_of(dims)):
        matrix = theta[start : start + a * b].reshape(a, b)
        x = x @ matrix + theta[start + a * b : start + a * b + b]
        x = jnp.tanh(x) if number == 0 else x
        start += a * b + b
    return x


def cross_entropy(theta, x, y, dims):
    z = logits(theta, x, dims)
    return (jax.nn.logsumexp(z, -1) - jnp.take_along_axis(z, y[:, None], -1)[:, 0]).mean()


def half_square(theta, x, y, dims):
    z = logits(theta, x, dims)
    return (0.5 * ((z - jax.nn.one_hot(y, z.shape[-1], dtype=z.dtype)) ** 2).sum(-1)).mean()


def descent(loss, dims, rate, x, y, order=None):
    """Gradient descent as a system: (system, theta, g); with an ``order`` of batches, of these."""
    size = sum(a * b + b for a, b in layers_of(dims))
    theta, g = array("theta", size), array("g", size)
    (eta,) = parameters("eta")
    if order is None:
        gradient = function(jax.grad(lambda theta: loss(theta, x, y, dims)))(theta)
    else:
        x, y = jnp.asarray(x), jnp.asarray(y)
        of_batch = jax.grad(lambda theta, i: loss(theta, jnp.take(x, i, 0), jnp.take(y, i), dims))
        gradient = function(of_batch)(theta, order)
    system = System(
        {g: gradient, theta: theta - eta * g.next},
        start={theta: first_weights(dims, 0), g: np.zeros(size)},
        parameters={eta: rate},
    )
    return system, theta, g
