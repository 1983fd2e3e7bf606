"""What is asked as the text of an address: there and back, and hostile or stale ones in words."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt.explorer.opened import MOST_PUSHED, Opened
from causalopt.explorer.screen import MOST_LETTERS, Screen
from causalopt.explorer.setting import Setting
from causalopt.ground.errors import CausaloptError, QueryError
from causalopt.study import load_model

names = st.text(min_size=1, max_size=12).filter(
    lambda s: not any("\ud800" <= c < "\ue000" for c in s)
)
numbers = st.floats(allow_nan=False, allow_infinity=False)
opened = st.builds(
    Opened,
    tab=st.none() | names,
    ask=st.lists(names, max_size=3).map(tuple),
    masses=st.none() | st.lists(names | st.just(""), min_size=1, max_size=4).map(tuple),
    before=st.none() | st.integers(0, MOST_PUSHED),
    after=st.none() | st.integers(1, MOST_PUSHED),
    low=st.none() | numbers,
    high=st.none() | numbers,
)
screens = st.builds(
    Screen,
    n=st.none() | names,
    A=st.none() | st.lists(names, max_size=3).map(tuple),
    m=st.none() | names,
    show=st.none() | names,
    steps=st.none() | st.integers(1, 10**6),
    delta=st.none() | numbers,
    seed=st.integers(0, 2**32 - 1),
    draws=st.none() | st.integers(1, 1000),
    parameters=st.dictionaries(names, numbers, max_size=3),
    start=st.dictionaries(names, names, max_size=3),
    along=st.lists(names, max_size=2).map(tuple),
    opened=opened,
)


@given(screens)
def test_an_address_holds_all_of_a_screen(screen):
    assert Screen.of(screen.address) == screen
    assert Screen.of("#" + screen.address) == screen


@given(st.text(max_size=200))
def test_any_text_is_a_screen_or_is_refused_in_words(text):
    with contextlib.suppress(QueryError):
        screen = Screen.of(text)
        assert Screen.of(screen.address) == screen


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("steps=0", "from 1 to 1,000,000"),
        ("steps=1e9", "from 1 to 1,000,000"),
        ("steps=" + "9" * 5000, "from 1 to 1,000,000"),
        ("delta=nan", "finite"),
        ("p.k=inf", "finite"),
        ("seed=-1", "from 0"),
        ("low=deep", "finite"),
        ("before=101", "from 0 to 100"),
        ("nn=R", "Did you mean"),
        ("x" * (MOST_LETTERS + 1), "letters"),
        ("&".join(["A=T"] * 2000), "parts"),
    ],
)
def test_what_no_screen_can_be_is_told(address, word):
    with pytest.raises(QueryError, match=word):
        Screen.of(address)


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("n=Q[0]", "Q"),
        ("A=__import__('os')", "not a variable"),
        ("m=r", "Known here: T, R"),
        ("p.q=1", "no parameter"),
        ("s.Q=1", "no start value"),
        ("s.R=warm", "finite number"),
        ("A=", "Nothing is in A"),
        ("A=R", "inside A"),
        ("n=R[5000]", "after the last step"),
    ],
)
def test_a_stale_address_is_told_in_words(address, word):
    from causalopt.explorer.answers import strength

    model = load_model("continuous_thermostat").system
    opening = Screen(n="R[0]", A=("T",), m="R", steps=100)
    with pytest.raises(CausaloptError, match=word):
        strength(Setting.of(model, Screen.of(address), opening))
