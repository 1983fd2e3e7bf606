"""Fingerprints: one for what is the same, in any process, and another for what differs."""

import functools
import json
import os
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from causalopt.ground.readonly import ReadOnly
from causalopt.runs.cluster.fingerprints import fingerprint, is_importable
from tests.test_values import DIFFERENT
from tests.values import DECLARED, decay, x, y

ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.parametrize("name", DECLARED)
def test_what_is_made_twice_has_one_fingerprint(name):
    assert fingerprint(DECLARED[name]()) == fingerprint(DECLARED[name]())


@pytest.mark.parametrize("name", [name for name in DIFFERENT if name != "formula"])
def test_values_that_differ_in_one_thing_have_two(name):
    one, other = DIFFERENT[name]
    assert fingerprint(one) != fingerprint(other)


def test_all_that_is_declared_has_a_fingerprint_of_its_own():
    prints = {name: fingerprint(build()) for name, build in DECLARED.items()}
    alike = {"formula of masses"}  # which is that of masses, carried on by a step that does nothing
    names = set(prints) - alike
    assert len({prints[name] for name in names}) == len(names)


def test_what_was_worked_out_on_the_way_has_no_say():
    system = decay()
    before = fingerprint(system)
    hash(system)
    system.graph, system.noises, system.unroll(3).graph  # cached properties
    assert fingerprint(system) == before


PRINTS = """
import json
from causalopt.runs.cluster.fingerprints import fingerprint
from tests.runs.cluster.test_fingerprint import functions
from tests.values import DECLARED
made = {**{name: build() for name, build in DECLARED.items()}, **functions(3)}
print(json.dumps({name: fingerprint(value) for name, value in made.items()}))
"""


def test_fingerprints_are_the_same_in_a_process_with_another_hash_of_text():
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT}/tests"}
    done = subprocess.run(
        [sys.executable, "-c", PRINTS], capture_output=True, text=True, env=env, cwd=ROOT,
        check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    made = {**{name: build() for name, build in DECLARED.items()}, **functions(3)}
    assert json.loads(done.stdout) == {name: fingerprint(value) for name, value in made.items()}


# -- functions -------------------------------------------------------------------------------------


def outside(n):
    return n + 1


def functions(bound):
    """Functions of every kind, all of which depend on a number."""
    rate = {"k": bound, "names": {"a", "b", "c"}}

    def counting(n):
        return counting(n - 1) if n else rate["k"]

    class Law:
        """A class that no other process can import."""

        factor = bound

        @property
        def twice(self):
            return 2 * rate["k"]

        def __call__(self, n):
            return n * self.factor

    return {
        "closure": lambda n: n * rate["k"],
        "default": lambda n, by=bound: n * by,
        "partial": functools.partial(outside, bound),
        "calls itself": counting,
        "cached": functools.lru_cache(lambda n: n + bound),
        "class": Law,
        "method": Law().__call__,
        "inner": lambda n: [m + rate["k"] for m in range(n)],
    }


@pytest.mark.parametrize("name", functions(0))
def test_functions_count_by_what_they_refer_to(name):
    same, again, other = functions(3)[name], functions(3)[name], functions(4)[name]
    assert fingerprint(same) == fingerprint(again) != fingerprint(other)


def test_functions_count_by_their_code():
    assert fingerprint(lambda n: n + 1) == fingerprint(lambda n: n + 1)
    assert fingerprint(lambda n: n + 1) != fingerprint(lambda n: n + 2)
    assert fingerprint(lambda n: np.sin(n)) != fingerprint(lambda n: np.cos(n))
    assert is_importable(outside)
    assert not is_importable(lambda n: n)


def test_what_can_be_imported_counts_by_name_and_code(monkeypatch):
    before = fingerprint(outside)
    changed = type(outside)((lambda n: n + 2).__code__, globals(), "outside")
    changed.__module__, changed.__qualname__ = outside.__module__, "outside"
    monkeypatch.setitem(globals(), "outside", changed)
    assert is_importable(changed)
    assert fingerprint(changed) != before


# -- plain values ----------------------------------------------------------------------------------


Pair = namedtuple("Pair", "a b")
PLAIN = [
    None, True, 1, 1.0, "1", b"1", 1j, -0.0, 0.0, float("nan"), (), {}, set(), (1, 2), (2, 1),
    Pair(1, 2), {1, 2}, {1: 2}, {2: 1}, {"a": {1: 2}}, {"a": {1: 3}}, np.ones(2), np.ones(3),
    np.ones(2, np.float32), np.ones((2, 1)), np.array([{}, 1]), range(3), range(4), slice(3), x, y,
    x[0], x[1], x + y, x * y, sp.sin(x), np.sin, len, np, int, "\ud800", ((1,), 2), (1, (2,)),
]  # fmt: skip


def test_plain_values_that_differ_have_two():
    prints = [fingerprint(value) for value in PLAIN]
    assert len(set(prints)) == len(prints)


def test_lists_and_tuples_of_the_same_are_the_same_and_order_counts_in_them_alone():
    assert fingerprint([1, 2]) == fingerprint((1, 2))
    assert fingerprint({1, 2, 30}) == fingerprint({30, 2, 1})
    assert fingerprint(ReadOnly({"a": 1, "b": 2})) == fingerprint(ReadOnly({"b": 2, "a": 1}))
    assert fingerprint({"a": 1, "b": 2}) != fingerprint({"b": 2, "a": 1})
    given = [functools.partial(outside, **named) for named in ({"n": 1, "m": 2}, {"m": 2, "n": 1})]
    assert fingerprint(given[0]) == fingerprint(given[1])


def test_what_holds_itself_has_an_end():
    loop = [1]
    loop.append(loop)
    assert fingerprint(loop) != fingerprint([1, [1]])


def test_formulas_may_be_deeper_than_the_stack_of_python():
    deep = x
    for _ in range(5000):
        deep = sp.sin(deep, evaluate=False)
    assert fingerprint(deep) != fingerprint(sp.sin(deep, evaluate=False))
