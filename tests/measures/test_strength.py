"""Optimizing strength of splits of finite worlds: the numbers of parts 1 and 2, and dit."""

import itertools
import math

import dit
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational, log
from thermostats import P0, R, T, dumb, smart

from causalopt import (
    Distribution,
    QueryError,
    Split,
    System,
    TooLargeError,
    adjusted_optimizing_strength,
    finite,
    optimizing_strength,
    partitions,
    split_strengths,
    table,
)

uniform = Distribution.uniform(T, R)


def test_dumb_thermostat_of_part_1():
    found = optimizing_strength(dumb, T | R, P0)
    assert found.correlated == log(3) / log(2)
    assert float(found.decorrelated) == pytest.approx(2.7255, abs=5e-5)
    assert float(found) == pytest.approx(1.1405, abs=5e-5)
    # 2 log2(3) - 4/9 - log2(3), from the masses 0, 1/9 (five), 2/9 (two).
    assert found.value.equals(log(3) / log(2) - Rational(4, 9))
    assert found.unit == "bit"


def test_smart_thermostat_of_part_1():
    found = optimizing_strength(smart, T | R, P0)
    assert found.correlated == 0
    assert found.value == found.decorrelated
    assert found.value.equals(5 * log(3) / (3 * log(2)) - Rational(4, 9))
    assert float(found) == pytest.approx(2.1972, abs=5e-5)


def test_dumb_thermostat_from_uniform():
    found = adjusted_optimizing_strength(dumb, T | R, uniform.push(dumb))
    assert found.strength.value == 0
    assert found.value == Rational(-4, 9)


def test_smart_thermostat_from_uniform():
    found = adjusted_optimizing_strength(smart, T | R, uniform.push(smart))
    parts = (found.strength.correlated, found.strength.decorrelated, found.before,
             found.before_decorrelated)  # fmt: skip
    assert float(parts[0]) == pytest.approx(0.98643, abs=5e-6)
    assert [float(p) for p in parts[1:]] == pytest.approx([2.0944, 2.1972, 3.0205], abs=5e-5)
    assert float(found.strength) == pytest.approx(1.10801, abs=5e-6)
    assert float(found) == pytest.approx(0.284682, abs=5e-7)
    assert found.information.equals(uniform.push(smart).mutual_information(T, R))


def random_world(sizes, seed):
    random = np.random.default_rng(seed)
    known = [finite(f"v{i}", range(n)) for i, n in enumerate(sizes)]
    mechanisms = {v: table(known, random.integers(0, v.size, sizes)) for v in known}
    masses = random.exponential(size=sizes) ** 2
    P = Distribution.of(known, masses / masses.sum())
    return System(mechanisms, start=dict.fromkeys(known, 0)), known, P


def by_dit(system, known, P, split, steps):
    """S[push(P')] - S[push(P)] and S[P'] - S[P], from dit's marginals, joined state by state."""
    sizes = [v.size for v in known]
    rows = [system.mechanisms[v].cells.codes for v in known]
    cube = P.to_xarray().values
    assert abs(cube.sum() - 1) < 1e-12
    assert (cube >= 0).all()

    def as_dit(masses):
        kept = {s: float(m) for s, m in masses.items() if m > 0}
        assert abs(sum(kept.values()) - 1) < 1e-9
        return dit.Distribution(list(kept), list(kept.values()))

    def stepped(masses):
        after = dict.fromkeys(masses, 0.0)
        for s, m in masses.items():
            after[tuple(int(row[s]) for row in rows)] += m
        return after

    states = list(itertools.product(*map(range, sizes)))
    whole = {s: cube[s] for s in states}
    blocks = [[known.index(v) for v in part] for part in split.parts]
    margins = [dict(as_dit(whole).marginal(block).zipped()) for block in blocks]

    def seen(s, block):
        return s[block[0]] if len(block) == 1 else tuple(s[i] for i in sorted(block))

    apart = {
        s: math.prod(m.get(seen(s, b), 0.0) for m, b in zip(margins, blocks, strict=True))
        for s in states
    }
    S = dit.shannon.entropy
    information = S(as_dit(apart)) - S(as_dit(whole))
    for _ in range(steps):
        whole, apart = stepped(whole), stepped(apart)
    return S(as_dit(apart)) - S(as_dit(whole)), information


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(2, 5), min_size=2, max_size=4),
    st.integers(0, 10**6),
    st.integers(1, 3),
    st.data(),
)
def test_random_splits_against_dit(sizes, seed, steps, data):
    system, known, P = random_world(sizes, seed)
    count = data.draw(st.integers(2, len(known)))
    split = data.draw(st.sampled_from(list(partitions(known, count))))
    strength, information = by_dit(system, known, P, split, steps)
    found = adjusted_optimizing_strength(system, split, P, steps=steps)
    assert float(found.strength) == pytest.approx(strength, abs=1e-10)
    assert float(found) == pytest.approx(strength - information, abs=1e-10)
    assert found.information == pytest.approx(P.mutual_information(*split.parts), abs=1e-12)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("sizes", "seed"), [((300, 300), 1), ((40, 300), 2)])
def test_large_random_splits_against_dit(sizes, seed):
    system, known, P = random_world(sizes, seed)
    strength, information = by_dit(system, known, P, Split(*known), 1)
    found = adjusted_optimizing_strength(system, Split(*known), P)
    assert float(found.strength) == pytest.approx(strength, abs=1e-10)
    assert float(found) == pytest.approx(strength - information, abs=1e-10)


def test_three_parts_by_hand():
    """Three equal bits, kept as they are: to cut all three apart costs two bits, and stays two."""
    a, b, c = (finite(name, [0, 1]) for name in "abc")
    keep = System({a: a, b: b, c: c}, start={a: 0, b: 0, c: 0})
    half = Rational(1, 2)
    same = Distribution.of((a, b, c), {(0, 0, 0): half, (1, 1, 1): half})
    three = adjusted_optimizing_strength(keep, a | b | c, same)
    assert (three.strength.value, three.information, three.value) == (2, 2, 0)
    two = adjusted_optimizing_strength(keep, Split((a, c), b), same)
    assert (two.strength.value, two.information, two.value) == (1, 1, 0)


def test_strength_over_steps_and_partitions():
    system, known, P = random_world((3, 2, 4), 7)
    data = split_strengths(system, P, steps=3)
    assert data.sizes == {"split": 3, "step": 3}
    for split in partitions(known):
        for steps in (1, 2, 3):
            one = adjusted_optimizing_strength(system, split, P, steps=steps)
            cell = data.sel(split=str(split), step=steps)
            assert cell.strength.item() == pytest.approx(float(one.strength), abs=1e-13)
            assert cell.adjusted.item() == pytest.approx(float(one), abs=1e-13)
    assert data.strength.attrs["units"] == "bit"
    some = split_strengths(system, P, splits=[Split(*known)])
    assert some.split.values.tolist() == ["v0 | v1 | v2"]


def test_the_order_of_parts_and_variables_does_not_matter():
    system, (a, b, c), P = random_world((3, 2, 4), 8)
    one = optimizing_strength(system, Split((a, c), b), P)
    for split in (Split(b, (c, a)), Split((c, a), b)):
        assert optimizing_strength(system, split, P).value == pytest.approx(one.value, abs=1e-13)
    swapped = P.marginal(c, a, b)
    found = optimizing_strength(system, Split((a, c), b), swapped)
    assert found.value == pytest.approx(one.value, abs=1e-13)


def test_units():
    nats = optimizing_strength(dumb, T | R, P0, base=sympy.E)
    assert nats.unit == "nat"
    assert nats.value.equals(optimizing_strength(dumb, T | R, P0).value * log(2))


def test_an_independent_distribution_has_no_strength():
    P = Distribution.product(
        Distribution.of(T, {"high": Rational(1, 7), "off": Rational(6, 7)}), Distribution.uniform(R)
    )
    found = adjusted_optimizing_strength(smart, T | R, P, steps=2)
    assert (found.value, found.strength.value, found.information) == (0, 0, 0)


def test_a_split_of_other_variables_is_refused():
    with pytest.raises(QueryError, match="not among the variables T, R"):
        optimizing_strength(dumb, Split(T, finite("Q", [0])), P0)
    with pytest.raises(QueryError, match="steps is 0"):
        optimizing_strength(dumb, T | R, P0, steps=0)


def test_more_splits_than_can_be_asked_about():
    many = [finite(f"f{i}", [0, 1]) for i in range(25)]
    still = System({f: f for f in many}, start=dict.fromkeys(many, 0))
    P = Distribution.delta(dict.fromkeys(many, 0))
    with pytest.raises(TooLargeError, match="25 variables have 16,777,215 splits"):
        split_strengths(still, P)
    asked = split_strengths(still, P, splits=[Split(many[0], many[1:])])
    assert asked.strength.values.tolist() == [[0.0]]


@pytest.mark.parametrize("measure", [optimizing_strength, adjusted_optimizing_strength])
def test_a_network_has_no_steps_for_a_strength(measure):
    with pytest.raises(QueryError, match="Network has no steps"):
        measure(dumb.unroll(2), T | R, P0)
    with pytest.raises(QueryError, match="Network has no steps"):
        split_strengths(dumb.unroll(2), P0, splits=[Split(T, R)])
