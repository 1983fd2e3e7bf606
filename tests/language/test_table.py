"""Lookup tables: how rows are written, and what is refused."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Rational
from thermostats import DUMB, O_T, R, T

from causalopt import DeclarationError, System, finite, run, table
from causalopt.mechanisms.lookup import lookup_for

NESTED = {
    "high": {"hot": "hot", "warm": "hot", "cold": "warm"},
    "low": {"hot": "hot", "warm": "warm", "cold": "cold"},
    "off": {"hot": "warm", "warm": "cold", "cold": "cold"},
}
FLAT = {(t, r): value for t, row in NESTED.items() for r, value in row.items()}
CODES = np.array([[0, 0, 1], [0, 1, 2], [1, 2, 2]])


@pytest.mark.parametrize(
    "rows", [O_T, NESTED, FLAT, CODES], ids=["text", "nested", "flat", "array"]
)
def test_the_same_table_written_four_ways(rows):
    made = lookup_for(R, table((T, R), rows))
    assert made.cells.codes.tolist() == CODES.tolist()
    assert made == lookup_for(R, table((T, R), O_T))


def test_tables_of_different_rows_differ():
    other = DUMB | {"hot": DUMB["cold"]}
    assert lookup_for(T, table((R, T), DUMB)) != lookup_for(T, table((R, T), other))


def without(mapping, key):
    return {k: v for k, v in mapping.items() if k != key}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (without(NESTED, "low"), "no row for T = low"),
        (NESTED | {"low": without(NESTED["low"], "cold")}, "no row for T = low, R = cold"),
        (NESTED | {"hihg": {}}, "a row for T = hihg, which is no state.*Did you mean high"),
        (without(FLAT, ("off", "hot")), "no row for T = off, R = hot"),
        (FLAT | {("off", "icy"): "hot"}, "a row for T = off, R = icy, which is no state"),
        (O_T | {"low": "hot -> hot, warm -> warm"}, "no row for T = low, R = cold"),
        (O_T | {"low": "hot -> hot, warm = warm"}, 'has the entry "warm = warm"'),
        (O_T | {"low": "hot -> hot, hot -> warm"}, "maps hot twice"),
        (O_T | {"low": 3}, "has 3 for T = low"),
        ("hot -> hot", "in place of its rows"),
    ],
)
def test_a_missing_or_extra_row_is_named(rows, message):
    with pytest.raises(DeclarationError, match=message):
        table((T, R), rows)


def test_text_is_split_and_never_run():
    with pytest.raises(DeclarationError, match="has the entry"):
        table(T, "__import__('os').system('false')")


def bound(rows):
    return lookup_for(R, table((T, R), rows))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "icy",
            r"The table of R by T, R: the row for T = low, R = hot is 'icy', which is no value",
        ),
        ({"hot": 0.5, "warm": 0.6}, r"row for T = low, R = hot sum to 1.1, 0.1 too much"),
        ({"hot": 0.5, "warm": 0.4}, r"row for T = low, R = hot sum to 0.9, 0.1 too little"),
        ({"hot": 1.5, "warm": -0.5}, "gives R = warm the mass -0.5"),
        ({"hot": float("nan")}, "gives R = hot the mass nan"),
        ({"hot": Rational(1, 3)}, "sum to 1/3, 2/3 too little"),
        ({"icy": 1}, "'icy', which is no value of R"),
        ({"hot": "1"}, "has the mass '1'"),
    ],
)
def test_bad_rows_are_named(row, message):
    with pytest.raises(DeclarationError, match=message):
        bound(FLAT | {("low", "hot"): row})


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (CODES + 1, "holds the place 3: R has 3 values, at the places 0 to 2"),
        (CODES[:2], r"array of int64 of shape \(2, 3\)"),
        (np.full((3, 3, 3), 0.3), "row 0, sum to 0.9, 0.1 too little"),
        (np.full((3, 3, 3), np.nan), "the mass nan"),
        (CODES.astype(complex), "array of complex128"),
    ],
)
def test_bad_arrays_are_refused(array, message):
    with pytest.raises(DeclarationError, match=message):
        bound(array)


def test_parents_are_finite_and_named_once():
    with pytest.raises(DeclarationError, match="names a parent twice"):
        table((T, T), {})
    with pytest.raises(DeclarationError, match="the parents are finite variables"):
        table(3, {})


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_the_branches_pick_the_row(m, n, data):
    """Applied to plain numbers and to symbols, a table gives its own entry."""
    a, b, c = finite("a", range(m)), finite("b", range(n)), finite("c", range(5))
    codes = np.array(
        data.draw(st.lists(st.lists(st.integers(0, 4), min_size=n, max_size=n),
                           min_size=m, max_size=m))
    )  # fmt: skip
    lookup = lookup_for(c, table((a, b), codes))
    u, v = sympy.symbols("u v")
    branches = lookup.value({a: u, b: v})
    for i in range(m):
        for j in range(n):
            assert branches.subs({u: i, v: j}) == codes[i, j]
            assert lookup.value({a: sympy.Integer(i), b: sympy.Integer(j)}) == codes[i, j]


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=4), st.integers(0, 3))
def test_a_world_follows_the_table(codes, first):
    a = finite("a", ["w", "x", "y", "z"])
    system = System({a: table(a, np.array(codes))}, start={a: a.values[first]})
    expected = [first]
    for _ in range(5):
        expected.append(codes[expected[-1]])
    assert run(system.world(5)).a.values[0].tolist() == expected


def test_tables_print_as_code():
    assert repr(table(R, "hot -> hot, warm -> hot, cold -> warm")) == (
        "table((R,), {('hot',): 'hot', ('warm',): 'hot', ('cold',): 'warm'})"
    )


def test_tables_print_as_the_posts_write_them():
    latex = table((T, R), O_T)._repr_latex_()
    assert latex.startswith(
        r"$O[\text{high}]: \begin{cases} \text{hot} \to \text{hot} \\ \text{warm} \to \text{hot}"
    )
    assert latex.count("begin{cases}") == 3
    sly = finite("sly", ["a_b"])
    assert table(sly, {"a_b": {"a_b": 1}})._repr_latex_() == (
        r"$\begin{cases} \text{a\_b} \to \text{a\_b}\ (1) \end{cases}$"
    )


PRINTED = {"hot": {"hot": 0.33333, "cold": 0.66666}, "cold": {"hot": 0.2, "cold": 0.8}}


def chances(rows, **asked):
    room = finite("room", ["hot", "cold"])
    return lookup_for(room, table(room, rows, **asked)).cells.chances


def test_rows_of_a_published_table_are_divided_only_where_that_is_asked_for():
    with pytest.raises(DeclarationError, match=r"sum to 0\.99999, 1e-05 too little.*normalise="):
        chances(PRINTED)
    divided = chances(PRINTED, normalise=True)
    assert divided.ravel() == pytest.approx([1 / 3, 2 / 3, 0.2, 0.8], rel=1e-5)
    assert divided.sum(axis=1) == pytest.approx([1, 1], abs=1e-15)
    rows = np.array([[0.33333, 0.66666], [0.2, 0.8]])
    assert chances(rows, normalise=True).tolist() == divided.tolist()
    assert rows[0].tolist() == [0.33333, 0.66666]


def test_exact_rows_stay_exact_and_wrong_ones_are_refused_all_the_same():
    counts = {"hot": {"hot": 1, "cold": 2}, "cold": {"hot": Rational(1, 2), "cold": 2}}
    exact = [Rational(1, 3), Rational(2, 3), Rational(1, 5), Rational(4, 5)]
    assert chances(counts, normalise=True).ravel().tolist() == exact
    for wrong in ({"hot": 0.0, "cold": 0.0}, {"hot": -1.0, "cold": 2.0}, {"hot": float("nan")}):
        with pytest.raises(DeclarationError):
            chances(counts | {"cold": wrong}, normalise=True)
