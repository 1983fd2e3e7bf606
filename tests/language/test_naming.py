"""Names: what users call things never meets a dim of results, nor one thing another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalopt import DeclarationError, Network, decision, finite, table, variables
from causalopt.language.naming import DIMS, apart


class Odd:
    """A thing that prints like any other text."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


TEXTS = st.sampled_from(["1", "time", "a", "1 (str)", "1 (int)", "a (odd)", "a (odd 2)"])
THINGS = st.one_of(TEXTS, st.integers(0, 3), TEXTS.map(Odd), st.tuples(st.integers(0, 1)))


@given(st.lists(THINGS, max_size=12))
def test_names_are_never_alike_nor_taken(things):
    names = apart(things, DIMS)
    assert len(set(names)) == len(things)
    assert not set(names) & set(DIMS)
    texts = [str(thing) for thing in things]
    for name, text in zip(names, texts, strict=True):
        assert name.startswith(text)
        # A plain name means one thing alone.
        assert (name == text) == (texts.count(text) == 1 and text not in DIMS)


def test_names_that_are_not_alike_stay_as_they_are():
    assert apart(["R[0]", 3, (1, 2)]) == ("R[0]", "3", "(1, 2)")


@pytest.mark.parametrize(
    "names",
    ["x0:100000000", "x:1000001", "y x0:2000:2000", "x(0:99999999999999999999)", "a:c0:4000000"],
)
def test_a_range_of_too_many_names_is_refused_at_once(names):
    with pytest.raises(DeclarationError, match="range of more than 1,000,000 names"):
        variables(names)


def test_a_range_of_some_names_is_all_of_them():
    assert [v.name for v in variables("x0:3 y7:9")] == ["x0", "x1", "x2", "y7", "y8"]
    assert len(variables("x0:2000")) == 2000


def test_no_equation_has_letters_that_cannot_be_seen():
    """A name that turns its line around reads as another one in LaTeX too."""
    name = "a\u202eb\u200b"
    seen, chosen, told = (finite(name + end, [f"x{name}", "y"]) for end in ("", "c", "t"))
    rows = table(chosen, {f"x{name}": "y", "y": f"x{name}"})
    network = Network({chosen: decision(seen), told: rows}, start={seen: "y"})
    for text in (network._repr_latex_(), network.world()._repr_latex_(), rows._repr_latex_()):
        assert not set(text) & set("\u200b\u202e")
    assert "\\text{a\ufffdb\ufffd}" in network._repr_latex_()
