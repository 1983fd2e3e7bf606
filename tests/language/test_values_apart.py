"""Values of finite variables that print alike are told apart, wherever they are shown."""

import pytest
import xarray as xr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from causalopt import (
    DeclarationError,
    Distribution,
    System,
    draw,
    finite,
    run,
    table,
)

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(LETTERS, max_size=3) | st.sampled_from(["1", "'1'", "a b", "a_b", "a%20b", "", " "])
VALUES = st.lists(st.integers(-2, 2) | TEXTS, min_size=2, max_size=5, unique_by=lambda v: (str, v))


def read(text):
    """What a reader makes out: blanks at the ends go unseen."""
    return str(text).strip()


@given(values=VALUES)
@example(values=[1, "1"])
@example(values=[1, "1", "'1'"])
@example(values=["a b", "a_b", "a%20b"])
@example(values=["", " ", "x"])
@example(values=["a", "a ", "a  b", "a b"])
def test_no_two_values_have_one_name(values):
    domain = finite("F", values).domain
    places = range(len(values))
    assert len({read(domain.shown(i)) for i in places} - {""}) == len(values)
    assert len({*map(str, domain.labels)}) == len(values)
    words = domain.attributes()["flag_meanings"].split()
    assert len(set(words)) == len(words) == len(values)


def test_names_that_differ_are_left_as_they_are():
    domain = finite("F", ["very hot", "cold", 3]).domain
    assert domain.names == ("very hot", "cold", "3")
    assert domain.attributes()["flag_meanings"] == "very_hot cold 3"
    assert finite("G", [2, 1]).domain.labels == [2, 1]


ONE = finite("F", [1, "1", "a b", "a_b"])
TURN = table(ONE, {1: "1", "1": 1, "a b": "a_b", "a_b": "a b"})


def turning(start):
    return System({ONE: TURN}, start={ONE: start})


def test_systems_and_networks_that_differ_print_differently():
    systems = [turning(start) for start in ONE.values]
    assert len({repr(system) for system in systems}) == len(systems)
    assert len({repr(system.unroll(1)) for system in systems}) == len(systems)
    assert len({system.unroll(1)._repr_latex_() for system in systems}) == len(systems)
    assert "1 -> '1', '1' -> 1, 'a b' -> 'a_b', 'a_b' -> 'a b'" in repr(systems[0])


def test_tables_print_their_values_apart():
    shown = TURN._repr_latex_()
    assert shown.count(r"\text{1} \to \text{'1'}") == shown.count(r"\text{'1'} \to \text{1}") == 1


def test_pictures_show_which_value_it_is():
    drawn = {draw(s, steps=1, values=run(s.world(steps=1))).dot for s in map(turning, ONE.values)}
    assert len(drawn) == len(ONE.values)


def test_distributions_print_and_label_their_states_apart():
    P = Distribution.uniform(ONE)
    assert P.to_xarray()["F"].values.tolist() == ["1", "'1'", "'a b'", "'a_b'"]
    assert repr(P).count("F = 1:") == repr(P).count("F = '1':") == 1
    for shown in (str(P), P._repr_latex_(), P._repr_html_().replace("&#x27;", "'")):
        assert shown.count("'1'") == 1
    two = Distribution.uniform(finite("A", ["a", "a b"]), finite("B", ["b c", "c"]), ONE)
    rows = str(two).splitlines()[1:]
    assert len({row.rsplit("  ", 4)[0].strip() for row in rows}) == len(rows) == 4


def test_errors_name_the_value_that_was_meant():
    with pytest.raises(DeclarationError, match="no row for F = '1'"):
        table(ONE, {1: 1, "a b": 1, "a_b": 1})
    with pytest.raises(DeclarationError, match="its values are 1, '1', 'a b', 'a_b'"):
        turning(2)


@settings(max_examples=25)
@given(values=VALUES)
@example(values=[1, "1"])
def test_files_hold_them_apart(values, tmp_path_factory):
    F = finite("F", values)
    system = System({F: F}, start={F: values[0]})
    data = run(system.world(steps=1), over={F[0]: values})
    path = tmp_path_factory.mktemp("apart") / "data.nc"
    data.to_netcdf(path)
    back = xr.load_dataset(path)
    assert back.identical(data)
    assert len(set(back["F[0]"].values.tolist())) == len(values)
    assert len(set(back["F"].attrs["flag_meanings"].split())) == len(values)


@pytest.mark.parametrize("value", ["\ud800", "a\udfffb", "\0", "a\0"])
def test_values_that_no_file_can_hold_are_refused(value):
    with pytest.raises(DeclarationError, match=r"no file can hold|half of a letter"):
        finite("F", ["a", value])
