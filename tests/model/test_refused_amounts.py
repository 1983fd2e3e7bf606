"""Amounts that are no numbers: rows of different lengths, formulas at a pole, masks, tensors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sympy

from causalopt import (
    Chain,
    DeclarationError,
    Distribution,
    Ensemble,
    Enthalpies,
    Gaussian,
    QueryError,
    System,
    array,
    choice,
    finite,
    function,
    parameters,
    participation_ratio,
    run,
    series,
    table,
    training,
    variables,
)

torch = pytest.importorskip("torch", reason="the extra `test` brings it")

(x,) = variables("x")
k, n, th = parameters("k n th")
h = array("h", 3)


def test_rows_of_different_lengths_are_told():
    with pytest.raises(DeclarationError, match="different lengths"):
        System({x: k * x}, start={x: 1}, parameters={k: [[1, 2], [3]]})


@pytest.mark.parametrize("formula", [sympy.zeta(n), sympy.gamma(n - 1), 1 / (n - 1)])
def test_a_formula_at_a_pole_is_told(formula):
    with pytest.raises(DeclarationError, match="no finite real number at n = 1"):
        System({x: k * x}, start={x: 1}, parameters={n: 1, k: formula})


def held(value):
    """A system whose parameter has a value."""
    f = function(lambda h, m: h + jax.tree.leaves(m)[0].sum())
    return System({h: f(h, th)}, start={h: np.ones(3)}, parameters={th: value})


def started(value):
    return System({h: h * 1}, start={h: value})


def of_a_tree(value):
    """A system that starts from a tree of one array, declared as another one."""
    t = array("t", like={"a": np.zeros(3)})
    return System({t: function(lambda t: t)(t)}, start={t: {"a": value}})


def trained(value):
    return training(lambda w, x: (w * x) ** 2, 1.0, (value,), 0.1)


MASKED = np.ma.array([1.0, 999.0, 3.0], mask=[False, True, False])


@pytest.mark.parametrize("place", [held, started, of_a_tree, trained, lambda v: held({"a": v})])
@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.array([1, 2, 5j]), "holds complex"),
        (np.array([1, 2, np.nan]), "1 entries that are not finite"),
        (np.array([1, 2, np.inf]), "1 entries that are not finite"),
        (MASKED, "masked entries"),
        (np.ma.array([1, 2, 3], mask=[True, False, False]), "masked entries"),
        (torch.ones(3, requires_grad=True), "tensor of PyTorch.*from_dlpack"),
    ],
    ids=["complex", "nan", "inf", "masked", "masked whole", "torch"],
)
def test_what_is_no_real_number_is_refused_wherever_an_array_is_taken(place, value, told):
    with pytest.raises(DeclarationError, match=told):
        place(value)


def test_masks_that_hide_nothing_and_short_floats_are_arrays():
    for place in (held, lambda v: held({"a": v}), started, of_a_tree):
        place(np.ma.array([1.0, 2.0, 3.0]))
    short = held({"a": jnp.array([1.0, 2.0, 3.0], dtype=jnp.bfloat16)})
    assert run(short.world(steps=1)).h.values[0, 1].tolist() == [7, 7, 7]


FLAG, HALF = finite("flag", [0, 1]), np.ma.array([[0.5, 0.5], [0.5, 0.5]], mask=[[1, 0], [0, 0]])


@pytest.mark.parametrize(
    "make",
    [
        lambda: System({x: x}, start={x: np.ma.masked}),
        lambda: System({x: k * x}, start={x: 1}, parameters={k: np.ma.array(2.0, mask=True)}),
        lambda: Ensemble.of({x: MASKED}),
        lambda: Ensemble((x,), MASKED[:, None]),
        lambda: Distribution.of(FLAG, HALF[0]),
        lambda: Enthalpies.of(FLAG, HALF[0]),
        lambda: Chain(FLAG, HALF),
        lambda: table(FLAG, HALF),
        lambda: Gaussian((x,), HALF[0, :1], [[1]]),
        lambda: Gaussian((x,), [0], HALF[:1, :1]),
        lambda: choice([1, 2], weights=HALF[0]),
    ],
)
def test_no_mask_is_dropped(make):
    with pytest.raises(DeclarationError, match="masked"):
        make()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: held(torch.nn.Linear(3, 3).state_dict()), r"parameters\[th\] holds a tensor"),
        (lambda: held({"a": torch.ones(3)}), r"parameters\[th\] holds a tensor"),
        (lambda: array("t", like={"k": jax.random.key(0)}), r'array\("t", like=...\) holds random'),
        (lambda: array("t", like={1: np.ones(2), "b": np.ones(2)}), "keys that cannot be put in"),
        (lambda: held({1: np.ones(2), "b": np.ones(2)}), r"parameters\[th\] has keys that cannot"),
        (lambda: array("t", like={"a": np.array([1j])}), "holds complex128 values"),
        (lambda: array("t", like={"a": np.array(["a"])}), "holds <U1 values"),
        (lambda: series("w", MASKED), "masked entries"),
        (lambda: series("w", torch.ones(3, requires_grad=True)), "an array"),
        (lambda: h.along(np.array([1, 2, 1j]), read=[1, 0, 0]), "directions holds complex"),
        (lambda: h.along([1, 0, 0], read=MASKED), "read has masked"),
        (lambda: started([1, 2, 3]).world(steps=1).perturb(h[0], along=MASKED), "masked"),
        (lambda: participation_ratio(MASKED), "masked"),
        (lambda: participation_ratio(torch.ones(3, requires_grad=True)), "tensor of PyTorch"),
        (lambda: participation_ratio([1, 2], axis=0.5), "axis is 0.5: write one whole number"),
        (lambda: participation_ratio([[1, 2]], axis=(0, 1)), r"axis is \(0, 1\): write one whole"),
    ],
)
def test_what_another_library_holds_is_told(make, told):
    with pytest.raises((DeclarationError, QueryError), match=told):
        make()
