"""Our own text for LLVM against numba's code of the same source: all bits are the same."""

import itertools
import math
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from causalopt import run, tangents
from causalopt.backends import advancing, cache, native, tabling
from causalopt.backends.llvm_text import NotCovered
from causalopt.backends.lowering import lowered
from tests.backends.cases import SYSTEMS

pytestmark = pytest.mark.skipif(not native.is_there(), reason="an LLVM whose text has old pointers")

NUMBERS = [
    *(0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 0.1, -7.3, 1e-3, 123456.75, 2.0**-1074, -(2.0**-1060)),
    *(1e308, -1e308, math.inf, -math.inf, math.nan, 2.0**52 + 1, math.pi, -math.e, 709.5, -745.2),
]
PAIRS = np.array(list(itertools.product(NUMBERS, repeat=2)))
OF_TWO = (
    *("x + y", "x - y", "x * y", "x / y", "x % y", "math.atan2(x, y)", "math.hypot(x, y)"),
    *("x**y", "choose(x > y, x, y)", "choose((x >= y) | (x != x), x, y)", "choose(x < y, 1, y)"),
    *("choose((x < y) & (y == y), x, 2.0)", "choose(not (x <= y), x, y)", "-x * y + 1"),
    *("x if x < y else y + 1.0", "1.0 if x < y and x > 0.0 or y > 1.0 else 0.0"),
    *("math.ldexp(x, int(choose(abs(y) < 5000.0, y, 7.0)))", "choose(x != y, x, y) - y * 3"),
)
OF_ONE = (
    *(f"math.{name}(x)" for name in ("sin", "cos", "tan", "asin", "acos", "atan", "exp", "log")),
    *(f"math.{name}(x)" for name in ("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sqrt")),
    *("math.erf(x)", "math.erfc(x)", "abs(x)", "numpy.floor(x)", "numpy.ceil(x)", "-x"),
    *(f"x**{power}" for power in (2, 3, 5, 7, 10, 17, 64)),
    *("(1.0/(x**3))", "x**(-0.5)", "x**0.5", "x**2.5", "math.frexp(x)[0]", "math.frexp(x)[1] + 0"),
    *("bits_of(x) % 65536", "float_of_bits(bits_of(x) - (bits_of(x) & 1048575))"),
    *("math.inf - x", "choose(math.isfinite(x), x, math.nan)", "2.0**-53 * x"),
)  # fmt: skip


def both(source, name, signature):
    """The function in our own way and by numba."""
    text = lowered(source, name, signature)
    return native.loaded(text.form, native.assembled(text.text)), cache._by_numba(
        source, name, signature
    )


def bits(numbers):
    # Which NaN it is nobody is told.
    return np.where(np.isnan(numbers), np.nan, numbers).view(np.int64)


def test_formulas_have_the_bits_that_numba_gives_them():
    formulas = [*OF_TWO, *OF_ONE]
    lines = "".join(f"        out[{row}, i] = {each}\n" for row, each in enumerate(formulas))
    source = (
        "def many(given, out):\n    for i in range(given.shape[0]):\n"
        f"        x = given[i, 0]\n        y = given[i, 1]\n{lines}"
    )
    found = [np.zeros((len(formulas), len(PAIRS))) for _ in range(2)]
    for function, out in zip(
        both(source, "many", "void(float64[:,::1], float64[:,::1])"), found, strict=True
    ):
        function(PAIRS, out)
    for formula, ours, theirs in zip(formulas, *found, strict=True):
        np.testing.assert_array_equal(bits(ours), bits(theirs), err_msg=formula)


STATEMENTS = """
def walked(given, counts, out, own, is_on):
    total = 0.0
    turns = 0
    room = numpy.zeros((3, 4))
    whole = numpy.full(5, -1, numpy.int64)
    flags = numpy.zeros(4, numpy.bool_)
    for i in range(given.shape[0] - 1, -1, -2):
        if given[i] != given[i]:
            continue
        elif given[i] > 1e300:
            break
        else:
            total += given[i]
        turns += 1
        i = 0
    again = True
    while again:
        turns -= 1
        again = turns > 2 and not flags[3]
        flags[turns % 4] = turns < 4
    room[1, :] = total
    room[2] = room[1]
    row = room[2]
    for q in range(4):
        row[q] = row[q] * q + counts[q] // 3 - counts[q] % 3
        whole[q] = min(counts[q], 2) - max(counts[q], -2, turns)
    room[0, 1:3] = 5.0
    a, b = math.frexp(total)
    a, b = a + 1, -b
    for q in range(len(out)):
        out[q] = room[q // 4, q % 4] + whole[q % 5] * a + b
    odd = 0
    odd |= not is_on[1]
    own[0] = odd + whole.size
    own[1] += turns ^ 5
    return own[0]
"""


def test_statements_do_what_numba_does_with_them():
    signature = "int64(float64[::1], int64[::1], float64[::1], int64[::1], boolean[::1])"
    given = np.array([3.5, 2.0, math.nan, 4.0, 1e301, 0.125, 9.0, -2.0, 6.5, math.nan, 1.5])
    counts = np.array([-7, 5, 0, 11])
    found = []
    for function in both(STATEMENTS, "walked", signature):
        out, own = np.zeros(12), np.array([0, 40])
        told = function(given, counts, out, own, np.array([True, False]))
        found.append([told, *out.tolist(), *own.tolist()])
    assert found[0] == found[1]
    assert len(set(found[0])) > 8


@pytest.mark.parametrize("points", [None, 70])
@pytest.mark.parametrize("made", SYSTEMS, ids=lambda made: made.__name__)
def test_loops_have_the_bits_that_numba_gives_them(made, points, monkeypatch):
    system = made()
    W = system.world(steps=40)
    variable = next(iter(system.variables))
    X = W.perturb(variable[0])
    start = {} if points is None else {"over": {variable[0]: np.linspace(0.2, 0.4, points)}}
    found = []
    for way in (native.is_there, lambda: False):
        monkeypatch.setattr(native, "is_there", way)
        cache.function.cache_clear()
        advancing.loop_of.cache_clear()
        found.append((run(X, **start, backend="numba"), tangents(X, **start, backend="numba")))
    cache.function.cache_clear()
    advancing.loop_of.cache_clear()
    assert all(ours.identical(theirs) for ours, theirs in zip(*found, strict=True))


@pytest.mark.parametrize(
    "body",
    [
        "return x + y",  # of what is not there
        "return math.gamma(x)",
        "return x[0]",
        "if x > 0.0:\n        y = x\n    return y",  # perhaps it is not there
        "y = 1\n    for i in range(3):\n        y = x\n    return y",  # a number of two kinds
        "y = numpy.empty(int(x))\n    return y[0]",
        "return x // 2.0",
        "return [x][0]",
    ],
)
def test_what_is_not_known_is_left_to_numba(body):
    with pytest.raises(NotCovered):
        lowered(f"def one(x):\n    {body}\n", "one", "float64(float64)")


def test_arrays_of_another_kind_are_refused():
    function = cache.function(
        "def first(a):\n    return a[1, 0]\n", "first", "float64(float64[:,::1])"
    )
    assert function(np.array([[1.0, 2.0], [3.0, 4.0]])) == 3.0
    unwritable = np.array([[1.0, 2.0], [3.0, 5.0]])
    unwritable.flags.writeable = False
    assert function(unwritable) == 3.0
    for wrong in (np.zeros(3), np.zeros((3, 3), np.int64), np.zeros((3, 3)).T[::2]):
        with pytest.raises(TypeError):
            function(wrong)
    with pytest.raises(ValueError, match="zip"):
        function()


def test_tables_of_nothing_are_written():
    source = f"{tabling._array('EMPTY', [])}\ndef none():\n    return EMPTY.size\n"
    ours, theirs = both(source, "none", "int64()")
    assert ours() == theirs() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")
def test_a_process_forked_while_another_thread_compiles_can_compile():
    program = """
        import os, sys, threading, time
        from causalopt.backends import native

        held = threading.Event()

        def compiling():
            with native._LOCK:
                held.set()
                time.sleep(0.3)

        threading.Thread(target=compiling).start()
        held.wait()
        child = os.fork()
        if not child:
            os._exit(0 if native._LOCK.acquire(timeout=5) else 3)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], timeout=60)
    assert ended.returncode == 0
