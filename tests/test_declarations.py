"""Whatever is declared ends in a result or in an error of the house, never in one of a library."""

import traceback

import pytest

from causalopt import DeclarationError, Network, System
from tests.declarations import attempt


def raised(numbers):
    """What other errors some declarations end in: of each kind the first, and where it arose."""
    others = {}
    for number in numbers:
        try:
            attempt(number)
        except Exception as error:
            inside = [f for f in traceback.extract_tb(error.__traceback__)
                      if "causalopt" in f.filename]  # fmt: skip
            where = f"{inside[-1].filename}:{inside[-1].lineno}" if inside else "?"
            others.setdefault((type(error).__name__, where), f"attempt({number}): {error}")
    return others


def test_declarations_end_in_a_result_or_in_an_error_of_the_house():
    assert not raised(range(4000))


def test_what_is_empty_is_told():
    with pytest.raises(DeclarationError, match="no variable"):
        System({}, start={})
    with pytest.raises(DeclarationError, match="no variable"):
        Network({}, start={})


def test_the_fuzz_meets_both():
    ends = [attempt(number) for number in range(400)]
    assert 0.2 < sum(ends) / len(ends) < 0.8


@pytest.mark.long
def test_many_declarations_end_in_a_result_or_in_an_error_of_the_house():
    assert not raised(range(4000, 104_000))
