"""Models in text that are made to do harm, or broken: each is told in words, with its place."""

import json
import random
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from exchange import model_text_attacks
from exchange.breaking import mutated
from exchange.model_text_attacks import ATTACKS

from causalopt import FileError
from causalopt.exchange import read_model

PLACED = re.compile(r"\A.*m\.toml, line \d+, column \d+: .", re.DOTALL)
# What is told of a file as a whole has no place in it.
OF_THE_WHOLE = ("is empty", "bytes that are no text", "no UTF-8", "MOST_BYTES")


def test_there_are_more_attacks_than_known_ones():
    assert len(ATTACKS) >= 34


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What came of each attack, in a process of its own, whose memory is that of all together."""
    folder = tmp_path_factory.mktemp("attacks")
    code = [sys.executable, model_text_attacks.__file__, str(folder)]
    paths = ":".join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
    env = {"PYTHONPATH": paths}
    done = subprocess.run(code, capture_output=True, text=True, check=True, env=env)
    assert not done.stderr
    assert [path.name for path in folder.iterdir()] == ["m.toml"]
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_with_its_place(name, outcomes):
    told = outcomes[name]["told"]
    assert re.search(ATTACKS[name][1], told)
    assert PLACED.match(told)
    assert len(told) < 2_000


def test_no_attack_takes_long_or_much_memory(outcomes):
    assert list(outcomes) == list(ATTACKS)
    assert max(row["memory"] for row in outcomes.values()) < 500_000  # kilobytes
    # About one second each where nothing else runs; a machine may be several times as slow.
    assert not {name: row["took"] for name, row in outcomes.items() if row["took"] > 6}


def test_code_in_names_is_a_label(tmp_path):
    made = tmp_path / "made"
    name = f"__import__('pathlib').Path('{made}').touch()"
    quoted = name.replace("'", "\\\\'")
    text = (
        f'title = "{name}"\n[variables."{name}"]\nnext = "2*\'{quoted}\'"\nstart = 1\n'
        f'unit = "{name}"\n[[questions]]\nA = "\'{quoted}\'"\n'
    )
    (tmp_path / "m.toml").write_text(text)
    record = read_model(tmp_path / "m.toml")
    (variable,) = record.model.variables
    assert variable.name == name
    assert variable == record.questions[0].A
    assert repr(record.model)
    assert record.model._repr_latex_()
    assert not made.exists()


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "m.toml").write_text("# " + "x" * 2_000_000)
    with pytest.raises(FileError, match="larger than 2,000,000 bytes"):
        read_model(tmp_path / "m.toml")


# -- where a fault is ------------------------------------------------------------------------------

# A caret stands below what is told.
PLACES = [
    """
[variables.x]
next = "x + w"
            ^
start = 1
""",
    """
variables.x = {start = 1, next = 'x/(2 - "w")'}
                                         ^
""",
    """
[variables]
"x" = { start = 1, next = "x + \\u0077" }
                               ^
""",
    '''
[variables.x]
start = 1
next = """
x + \\
   2*w"""
     ^
''',
    """
[variables.x]
values = ["a", "b"]
start = "a"
[variables.x.next]
table = ["x"]
rows = {a = {b = 0.5, c = 0.5}, b = "a"}
                      ^
""",
    """
[variables.x]
start = 1
next = "x"
[[questions]]
A = "x"
[[questions]]
A = ["x", "w"]
          ^
""",
    """
[parameters]
k = 1
d = {value = 2, unit = "m", more = 3}
                            ^
[variables.x]
start = 1
next = "x"
""",
    """
[variables.x]
start = 1
next = "x"
step = 2
^
""",
    """
[variables.x]
start = 1
next = [1,
2]
  """.replace("[1,\n2]\n  ", "[1, 2]\n       ^\n"),
    """
dt = 0.1
method = "rk9"
[variables.x]
^
start = 1
rate = "x"
""",
    """
[variables.x]
start = 1
next = "x
       ^
""".replace("       ^", "         ^"),
]


@pytest.mark.parametrize("case", range(len(PLACES)))
def test_a_fault_is_told_where_it_is(case, tmp_path):
    lines = PLACES[case].split("\n")
    (at,) = [number for number, line in enumerate(lines) if line.strip() == "^"]
    column = lines[at].index("^") + 1
    text = "\n".join(lines[:at] + lines[at + 1 :])
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(FileError, match=f"line {at}, column {column}: ") as caught:
        read_model(tmp_path / "m.toml")
    assert PLACED.match(str(caught.value))


# -- broken files ----------------------------------------------------------------------------------

SOUND = '''
title = "A room" # a comment
dt = "s"
method = "rk4"
[parameters]
k = 0.1
q = 1
s = {value = "k/2", unit = "s", assume = {positive = true}}
[noises.e]
normal = [0, "k"]
[symbols]
a = {}
[variables.T]
rate = "R - 25 if R > 20 and not k == 2 else -sin(R)*T/3"
start = 10
[variables."heat flow"]
rate = """-'heat flow'**2 + \\
  T"""
start = "T + 25"
[variables.R]
equals = "T + 'heat flow'"
[[events]]
when = "T > 3"
set = {T = "-T/2"}
[[questions]]
A = ["T[2:5]", "T.at(1)"]
n = "'heat flow'[0]"
m = "R"
steps = 20
over = {q = [0.1, 0.2], "T[0]" = {from = 0, to = 1, count = 3}}
'''
TABLES = (
    """
[variables.T]
values = ["on", "off", 3]
next = {table = ["R"], rows = {hot = "off", cold = {on = "1/3", 3 = "2/3"}}}
start = "on"
[variables.R]
values = ["hot", "cold"]
start = "hot"
next = {table = ["T.next", "R"], rows.on = {hot = "hot", cold = {hot = 0.5, cold = 0.5}},
""".replace(",\n", ", ")
    + (
        'rows.off = {hot = {hot = 0.25, cold = 0.75}, cold = "cold"}, rows.3 = {hot = "hot", '
        'cold = "hot"}}\n'
    )
)
NETWORK = """
[parameters]
k = 2
[noises.w]
series = [1, 2.5]
[variables.x]
start = 1
assume = {positive = true}
[variables.y]
equals = "Max(x, k)**2 + exp(-x)/erf(k)"
[[questions]]
A = "x"
m = "y"
"""
STEPS = """
dt = 0.5
[variables.x]
next = "x/2 + y.lag(1.5)"
start = 1
[variables.y]
next = "x.next - y if y.lag(2) > 0 else time"
start = "x + 1"
history = "cos(time)"
[[events]]
when = "x > 3 or y < -2"
set = {x = 0, y = "-y"}
"""
FILES = [SOUND, TABLES, NETWORK, STEPS]
ODD = [
    "\"", "'", "{", "}", "(", ")", "[", "]", "[[", "=", ",", ".", "\n", "#", "**", "-", "/", "<",
    "==", "nan", "-inf", "1e999", "0", "-1", "1e308", "true", "1979-05-27", "\u00e9", "\u202e",
    "\u001b", "\u0445", "lambda", "__import__('os')", "x.__class__", "if", "else", "not", "",
    " ", "9**9**9", "exp(exp(exp(k)))", "factorial(99)", ".lag(3)", ".next", "time", "undefined",
    "as_written(T)", "'''", "\"\"\"", "\\", "\u0663", "next", "rate", "equals", "start",
    "values", "table", "rows", "over", "x" * 99, "1" * 400, "T + " * 99,
]  # fmt: skip


def outcome(path, content):
    """Whether a content is read; what is told must say where."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            read_model(path)
    except FileError as error:
        told = str(error)
        assert PLACED.match(told) or any(words in told for words in OF_THE_WHOLE), told
        assert len(told) < 4_000
        return False
    return True


def fuzz(folder, count, first=0):
    """How many of so many broken files are read all the same."""
    path = folder / "m.toml"
    return sum(outcome(path, mutated(FILES[i % len(FILES)], first + i, ODD)) for i in range(count))


def test_the_whole_files_are_sound(tmp_path):
    assert all(outcome(tmp_path / "m.toml", text) for text in FILES)


def test_broken_files_are_told(tmp_path):
    # Both happen: else the changes would be too small, or too large, to ask anything.
    assert 0 < fuzz(tmp_path, 400) < 400


def test_bytes_at_random_are_told(tmp_path):
    draw = random.Random(1)
    for _ in range(200):
        outcome(tmp_path / "m.toml", draw.randbytes(draw.randint(1, 200)))
        letters = draw.choices(b"[]{}=\"'.,#ab01e- \n\\x*/()", k=draw.randint(1, 200))
        outcome(tmp_path / "m.toml", bytes(letters))


@pytest.mark.parametrize("text", FILES, ids=["rates", "tables", "network", "steps"])
def test_files_that_end_early_are_told(text, tmp_path):
    whole = text.rstrip().encode()
    for end in range(0, len(whole), 7):
        outcome(tmp_path / "m.toml", whole[:end])


@pytest.mark.long
def test_a_hundred_thousand_broken_files_are_told(tmp_path):
    assert 0 < fuzz(tmp_path, 100_000, first=10_000) < 100_000


def test_nothing_of_the_room_evaluates_text():
    # What could run a text is not even named in what reads it.
    folder = Path(read_model.__code__.co_filename).parent
    names = ("formula*.py", "text/*.py", "modeltext.py")
    code = "\n".join(path.read_text() for name in names for path in folder.glob(name))
    assert "ast.parse" in code
    for word in ("eval(", "exec(", "compile(", "parse_expr", "lambdify", "pickle", "getattr(sympy"):
        assert not re.search(rf"(?<![\w.]){re.escape(word)}", code), word
    assert set(re.findall(r"sympify\(.*", code)) == {"sympify(number, strict=True))"}
