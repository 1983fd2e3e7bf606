"""Questions in models in text: read to the last digit, and told where they have no answer."""

import pytest
from exchange.model_texts import read_text_of

from causalopt import FileError

ASKED = """
[parameters]
k = 0.1
mu = {value = 2, assume = {positive = true}}
[variables.T]
next = "R"
start = 10
[variables.R]
next = "R - k*T/mu"
start = 25
[[questions]]
A = "T"
"""
# What is asked, the text at which the error stands, and what it says.
UNANSWERED = {
    "no number": ('n = "R[0]"\nm = "R[4]"\nover = {mu = [1, 10, "x"]}', '"x"',
                  "A value of mu is 'x' .*write a finite real number"),
    "no positive one": ('n = "R[0]"\nm = "R[4]"\nover = {mu = [1, -1]}', "-1", "to be positive"),
    "an end that is none": ('n = "R[0]"\nm = "R[4]"\nover = {mu = {from = -3, to = 1, count = 3}}',
                            "-3", "to be positive"),
    "a variable": ('n = "R[0]"\nm = "R[4]"\nover = {T = [1]}', "T = [1]", r"write T\[0\]"),
    "many nodes": ('n = "R[0]"\nm = "R[4]"\nover = {"T[2:]" = [1]}', '"T[2:]"', "names T"),
    "no difference": ('n = "R[0]"\nm = "R[4]"\ndelta = 0', "0", "delta is 0"),
    "beyond the end": ('n = "R[0]"\nm = "R[4]"\nsteps = 3', '"R[4]"', "after the last step, 3"),
    "n beyond the end": ('n = "R[9]"\nm = "R"\nsteps = 3', '"R[9]"', "after the last step, 3"),
    "n that is several": ('n = "R"\nm = "R[4]"', '"R"', "is not one node"),
    "no length of a run": ('n = "R[0]"', '"R[0]"', "how long it runs: write m"),
    "n inside A": ('n = "T[1]"\nm = "R[4]"', '"T[1]"', "n lies inside A"),
    "m inside A": ('n = "R[0]"\nm = "T[4]"', '"T[4]"', "m lies inside A"),
    "no end": ('n = "R[0]"\nm = "R"', '"R"', "steps is missing"),
    "a time without dt": ('n = "R[0]"\nm = "R.at(2)"', '"R.at(2)"', "has no dt"),
    "a step beyond the most": ('n = "R[0]"\nm = "R[10000001]"', '"R[10000001]"', "MOST_STEPS"),
    "a step of 13 digits": ('n = "R[0]"\nm = "R[1000000000000]"', '"R[1000000000000]"',
                            "a node 1000000000000 steps after the start .*name an earlier one"),
    "a step of 2,000 digits": (f'n = "R[0]"\nm = "R[{"9" * 1900}]"', "\"R[9", "1901? digits steps"),
    "an end beyond the most": ('n = "R[0]"\nm = "R[:10000002]"', '"R[:10000002]"', "MOST_STEPS"),
    "two steps": ('n = "R[0]"\nm = "R[1 2]"', '"R[1 2]"', "names no nodes"),
    "a swept step beyond the most": ('n = "R[0]"\nm = "R[4]"\nover = {"R[1000000000000]" = [1]}',
                                     "[1]", "MOST_STEPS"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNANSWERED)
def test_a_question_without_an_answer_is_told_where_it_stands(case, tmp_path):
    asked, at, told = UNANSWERED[case]
    # The line that the text stands on last, and its place there.
    lines = (ASKED + asked).split("\n")
    line = max(number for number, one in enumerate(lines) if number > 11 and at in one)
    place = rf"line {line + 1}, column {lines[line].rindex(at) + 1}: .*{told}"
    with pytest.raises(FileError, match=place):
        read_text_of(tmp_path, ASKED + asked)


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("R[0000000000012]", 12, 13),
        ("R[0000000000003]", 3, 4),
        ("R[12:0000000000000013]", 12, 13),
        ("R[ 3 : 5 ]", 3, 5),
        ("R[:5]", 0, 5),
        ("R[10000000]", 10_000_000, 10_000_001),
        ("R[0:10000001]", 0, 10_000_001),
    ],
)
def test_all_digits_of_a_step_are_read(written, first, last, tmp_path):
    record = read_text_of(tmp_path, f'{ASKED}n = "R[0]"\nm = "{written}"')
    (R,) = (one for one in record.model.variables if one.name == "R")
    asked = record.questions[0].m
    assert asked == (R[first] if ":" not in written else R[first:last])


@pytest.mark.parametrize("written", ["R.at(1e9)", "R.between(0, 1e12)"])
def test_a_time_beyond_the_most_steps_is_refused(written, tmp_path):
    asked = f'dt = 0.5\n{ASKED}n = "R[0]"\nm = "{written}"'
    with pytest.raises(FileError, match=r"line .*MOST_STEPS"):
        read_text_of(tmp_path, asked)
