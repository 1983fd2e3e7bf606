"""Splits and partitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.functions.combinatorial.numbers import stirling

from causalopt import QueryError, Split, finite, parameter, partitions, variable, variables
from causalopt.language.splits import as_split

A, B, C, D = variables("A B C D")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((A,), r"Split\(A\) has 1 parts: a split has two or more"),
        ((A, ()), "A split has an empty part"),
        ((A, (B, A)), r"Split\(A, \(B, A\)\) has A twice: parts must not overlap"),
        ((A, "B"), "has the part 'B'"),
        ((A, [3]), "has 3 in a part"),
    ],
)
def test_what_is_no_split_is_refused(parts, message):
    with pytest.raises(QueryError, match=message):
        Split(*parts)


def test_a_split_covers_the_variables():
    with pytest.raises(QueryError, match="leaves out C: every variable belongs to one part"):
        as_split((A, B), (A, B, C))
    with pytest.raises(QueryError, match="has D, which is not among the variables A, B, C"):
        as_split((A, (B, D)), (A, B, C))


def test_three_ways_to_name_a_split():
    for given_ in [(Split(A, B),), (A | B,), (A, B), (B | A,)]:
        assert as_split(given_, (A, B)) == Split(A, B)
    assert as_split((A | B | C,), (A, B, C)) == Split(A, B, C)


@settings(deadline=None)
@given(st.integers(2, 6), st.data())
def test_all_partitions_once(size, data):
    """Their number is Stirling's, of the second kind."""
    count = data.draw(st.integers(2, size))
    known = variables(" ".join(f"x{i}" for i in range(size)))
    found = list(partitions(known, count))
    distinct = {frozenset(frozenset(part) for part in split.parts) for split in found}
    assert len(found) == len(distinct) == stirling(size, count)
    assert all(set(split.variables) == set(known) for split in found)


@pytest.mark.parametrize("parts", [1, 3, 2.0, True])
def test_an_impossible_number_of_parts(parts):
    with pytest.raises(QueryError, match="2 variables can be split into 2 to 2 parts"):
        list(partitions((A, B), parts))


def test_a_whole_number_of_numpy_is_a_number_of_parts():
    assert list(partitions((A, B, C), np.int64(2))) == list(partitions((A, B, C)))


# whatever sympy says of the truth of a number that is assumed to be so
ASSUMED = st.sampled_from(["real", "positive", "negative", "nonzero", "nonnegative", "even", "odd"])


@settings(deadline=None)
@given(st.lists(ASSUMED, min_size=2, max_size=4), st.randoms())
def test_a_bar_names_a_split_whatever_is_assumed(facts, order):
    known = [variable(f"x{i}", **{fact: True}) for i, fact in enumerate(facts)]
    shuffled = order.sample(known, len(known))
    barred = shuffled[0]
    for v in shuffled[1:]:
        barred = barred | v
    assert barred == Split(*known)
    assert shuffled[0] | (shuffled[1] | finite("z", ["a", "b"])) == Split(
        *sorted(shuffled[:2], key=str), finite("z", ["a", "b"])
    )


@pytest.mark.parametrize("beside", [3, "A", None, True, [A], parameter("k"), A > 1, A[0], A + B])
def test_a_bar_beside_what_is_no_variable(beside):
    with pytest.raises(QueryError, match=r"names no split: write Split\("):
        A | beside
    with pytest.raises(QueryError, match=r"names no split: write Split\("):
        (A | B) | beside


def test_a_bar_between_a_split_and_a_variable():
    assert Split((A, B), C) | D == Split((A, B), C, D)
    assert D | Split(A, B) == Split(A, B, D)
    with pytest.raises(QueryError, match="parts must not overlap"):
        A | B | A
