"""What compiled code adds: it is kept on disk, can be interrupted, and falls back in words."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import sympy as sp
from numba.core import serialize

from causalopt import (
    System,
    TooLargeError,
    finite,
    noise,
    normal,
    op,
    parameters,
    run,
    table,
    variables,
)
from causalopt.backends import advancing, cache, sealed
from causalopt.backends import numba as backend

a, b = variables("a b")
k, q = parameters("k q")

PROGRAM = """
    import sys
    from causalopt import System, run, variables, parameter
    from causalopt.backends import cache, native
    from numba.core.dispatcher import Dispatcher

    compiled = []
    assembled, compile = native.assembled, Dispatcher.compile
    native.assembled = lambda text: (compiled.append(1), assembled(text))[1]
    Dispatcher.compile = lambda self, signature: (compiled.append(1), compile(self, signature))[1]
    a, b = variables("a b")
    k = parameter("k")
    system = System({a: 0.9 * a - k * b, b: a}, start={a: 1, b: 2}, parameters={k: 0.25})
    found = run(system.world(steps=50), backend="numba")
    print(len(compiled), float(found.a[0, -1]).hex())
"""


def in_a_process(folder, seed="0"):
    environment = {**os.environ, cache.VARIABLE: str(folder), "PYTHONHASHSEED": seed}
    code = textwrap.dedent(PROGRAM)
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
    )


def told(process):
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    compiled, value = output.split()
    return int(compiled), value


def kinds(folder):
    """What lies in a folder: nothing that was not finished among it."""
    return sorted(path.name.split("-")[0] if path.suffix != ".bin" else "bin"
                  for path in folder.iterdir())  # fmt: skip


@pytest.fixture(scope="module")
def compiled_once(tmp_path_factory):
    """A folder that a process has left its code in, how often it compiled, and its answer."""
    folder = tmp_path_factory.mktemp("kept") / "code"
    return folder, *told(in_a_process(folder, "1"))


@pytest.fixture
def kept_code(compiled_once, tmp_path):
    """A folder of one's own with kept code in it, and the answer of whoever compiled that."""
    folder, _, value = compiled_once
    return shutil.copytree(folder, tmp_path / "code"), value


def test_a_second_process_does_not_compile(compiled_once):
    folder, count, value = compiled_once
    assert count == 1
    assert told(in_a_process(folder, "2")) == (0, value)
    assert kinds(folder) == [".lock", "bin", "key"]


@pytest.mark.parametrize("count", [3, pytest.param(20, marks=pytest.mark.long)])
def test_processes_may_compile_at_the_same_time(count, tmp_path):
    several = [in_a_process(tmp_path) for _ in range(count)]
    compiled, values = zip(*map(told, several), strict=True)
    assert sum(compiled) == 1  # the others wait for it
    assert len(set(values)) == 1
    assert kinds(tmp_path) == [".lock", "bin", "key"]
    assert told(in_a_process(tmp_path))[0] == 0


KEPT = """
    import sys
    import numpy
    from causalopt.backends import cache

    def made(name, formula):
        return cache.function(f"def {name}(a): return {formula}", name, "float64(float64[::1])")

    wanted = made("wanted", "math.gamma(a[0]) + math.frexp(a[2])[1]")
    print(float(wanted(numpy.array([1.0, 2.0, 4.0]))).hex(), "numba.np.linalg" in sys.modules)
    # What is compiled after it finds all that it needs.
    print(float(made("other", "a.sum() + 1")(numpy.ones(3))))
"""


def test_kept_code_does_without_the_compiler_unless_it_calls_what_may_come_with_it(tmp_path):
    environment = {**os.environ, cache.VARIABLE: str(tmp_path)}
    asked = [sys.executable, "-c", textwrap.dedent(KEPT)]

    def told_by_a_process():
        run = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)
        return run.stdout.split()

    value, compiler_is_there, other = told_by_a_process()
    assert (compiler_is_there, other) == ("True", "4.0")
    assert float.fromhex(value) == pytest.approx(1 + 3, rel=1e-15)
    for file in tmp_path.glob("other-*.bin"):
        file.unlink()
    assert told_by_a_process() == [value, "False", "4.0"]
    (file,) = tmp_path.glob("wanted-*.bin")
    called, code = pickle.loads(sealed.read(file))
    sealed.write(file, serialize.dumps(((*called, "nothing_has_this_name"), code)))
    assert told_by_a_process() == [value, "True", "4.0"]


HELPED = """
    import sys
    import numpy
    from causalopt.backends import cache, native

    native.is_there = {own_way} or (lambda: False)

    def made(shift):
        more = "".join(f"    table[0] = math.cos(table[0] * {j}.0)\\n" for j in range(60))
        source = (
            f"@compiled\\ndef work_out(table):\\n{more}    table[0] = table[0] + {shift}\\n"
            "def helped(table):\\n    work_out(table)\\n    work_out(table)\\n"
        )
        return cache.function(source, "helped", "void(float64[::1])")

    for shift in map(float, sys.argv[1:]):
        table = numpy.zeros(1)
        made(shift)(table)
        print(float(table[0]).hex())
"""


@pytest.mark.parametrize("own_way", ["None", "native.is_there"])
def test_helpers_of_one_name_from_two_files_are_not_taken_for_each_other(own_way, tmp_path):
    """Each function is compiled in a process of its own, and all are read in another one."""
    environment = {**os.environ, cache.VARIABLE: str(tmp_path)}

    def told_of(*shifts):
        asked = [
            sys.executable,
            "-c",
            textwrap.dedent(HELPED.replace("{own_way}", own_way)),
            *shifts,
        ]
        run = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True)
        return run.stdout.split()

    alone = told_of("1.0") + told_of("2.0")
    assert len(set(alone)) == 2
    assert told_of("1.0", "2.0") == alone


def shortened(kept):
    return kept[: len(kept) // 2]


def flipped(kept):
    middle = len(kept) // 2
    return kept[:middle] + bytes([kept[middle] ^ 1]) + kept[middle + 1 :]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("damage", [shortened, flipped, lambda _: b""])
def test_damaged_code_is_compiled_again_and_replaced(kept_code, damage):
    folder, value = kept_code
    (file,) = folder.glob("*.bin")
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert told(in_a_process(folder)) == (1, value)
    assert told(in_a_process(folder)) == (0, value)


def test_code_that_cannot_be_read_is_compiled_again(kept_code):
    folder, value = kept_code
    (file,) = folder.glob("*.bin")
    sealed.write(file, pickle.dumps(("not", "code")))
    assert told(in_a_process(folder)) == (1, value)
    assert told(in_a_process(folder)) == (0, value)


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert told(in_a_process(blocked / "inside"))[0] == 1
    assert told(in_a_process(""))[0] == 1


def test_the_folder_is_the_users_own(monkeypatch):
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    if sys.platform == "linux":
        assert cache.folder() == Path("/somewhere/causalopt")


def coefficients(rate, start):
    return System({a: rate * a + k * b, b: a}, start={a: start, b: 1}, parameters={k: 0.2})


def test_other_numbers_run_the_same_code():
    cache.function.cache_clear()
    advancing.loop_of.cache_clear()
    for value in (0.1, 0.2, 0.3):
        system = System({a: q * a + k, b: a}, start={a: value, b: 1}, parameters={k: value, q: 0.5})
        W = system.world(steps=int(100 * value))
        run(W, W.perturb(a[0], by=value), backend="numba")
    assert cache.function.cache_info().misses == 1


LAWS = {"normal": normal(), "by quantiles": scipy.stats.gamma(2.5)}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("points", [None, 1000])
@pytest.mark.parametrize("law", [None, *LAWS])
def test_control_c_is_heard_within_a_second(points, law):
    shaking = 1 if law is None else noise("e", LAWS[law])
    slow = System({a: sp.sin(a) + k * sp.cos(b), b: sp.atan(a) ** 2 + shaking},
                  start={a: 1, b: 2}, parameters={k: 0.3})  # fmt: skip
    over = None if points is None else {a[0]: np.linspace(0, 1, points)}
    many = {"over": over} if law is None else {"draws": points}
    run(slow.world(steps=100), **many, backend="numba")
    sent = []

    def interrupt():
        time.sleep(1.0)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(slow.world(steps=4_000_000_000), **many, keep="last", backend="numba")
    heard = time.perf_counter() - sent[0]
    thread.join()
    # A promise about interruption, not about speed: the run itself would take minutes.
    assert heard < 1.0


def test_a_function_without_compiled_form_runs_with_numpy(monkeypatch):
    monkeypatch.setattr(backend, "_said", set())
    special = System({a: sp.besselj(0, a) + k}, start={a: 1}, parameters={k: 0.1})
    with pytest.warns(RuntimeWarning, match="besselj has no compiled form"):
        found = run(special.world(steps=20), backend="numba")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = run(special.world(steps=20), backend="numba")
    assert found.identical(again)
    assert found.identical(run(special.world(steps=20), backend="numpy"))


def test_without_numba_the_reference_runs_and_says_so_once(monkeypatch):
    monkeypatch.setattr(backend, "_said", set())
    monkeypatch.setattr(backend, "is_there", lambda: False)
    W = coefficients(0.5, 1.0).world(steps=20)
    with pytest.warns(RuntimeWarning, match="numba is not installed"):
        found = run(W, backend="numba")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(W, backend="numba")
    assert found.identical(run(W, backend="numpy"))


def test_names_given_by_users_never_reach_the_code():
    evil, other = variables("import lambda")
    system = System({evil: other / 2, other: evil}, start={evil: 1, other: 2})
    assert float(run(system.world(steps=2), backend="numba")["import"][0, 2]) == 0.5


def test_a_run_that_does_not_fit_says_how_much_it_needs_and_what_to_do():
    with pytest.raises(TooLargeError, match=r'needs [\d,.]+ GiB of memory, and .*keep="last"'):
        op(coefficients(0.5, 1.0), A=b, n=a[0], m=a, steps=10**13)


def peak():
    """The most memory held since the peak was last reset, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells of its peaks")
def test_memory_does_not_grow_with_steps_where_the_last_is_kept():
    system = coefficients(0.5, 1.0)
    grown = {}
    for keep in ("last", "all"):
        run(system.world(steps=1000), keep=keep, backend="numba")
        Path("/proc/self/clear_refs").write_text("5")
        before = peak()
        run(system.world(steps=10_000_000), keep=keep, backend="numba")
        grown[keep] = peak() - before
    # Two variables at 10**7 steps are 160 MB, so that the peak is seen to show what is kept.
    assert grown["all"] > 160e6
    assert grown["last"] < 10e6


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells of its peaks")
@pytest.mark.parametrize(("steps", "draws"), [(4_000_000, None), (60_000, 200)])
def test_memory_does_not_grow_with_the_steps_of_a_noisy_run(steps, draws):
    noisy = System({a: 0.9 * a + noise("e", normal())}, start={a: 0})
    run(noisy.world(steps=2_000), draws=draws, keep="last", backend="numba")
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    run(noisy.world(steps=steps), draws=draws, keep="last", backend="numba")
    # All draws together would be 32 MB and 96 MB; what threads hold of their own is a few.
    assert peak() - before < 12e6


def test_code_does_not_nest_by_the_number_of_branches():
    stairs = sp.Piecewise(*[(a / 2 + i, a < i) for i in range(240)], (a / 3, True))
    some = sp.Or(*[sp.And(a > i, a < i + 0.5) for i in range(240)])
    mixed = sp.Piecewise((a + 1, some), (-a, True))
    for formula, start, expected in (
        (stairs, 150.5, 75.25 + 151), (stairs, 900, 300.0), (mixed, 7.25, 8.25),
        (mixed, 7.75, -7.75),
    ):  # fmt: skip
        world = System({a: formula}, start={a: start}).world(steps=1)
        for name in ("numba", "numpy"):
            assert run(world, backend=name).a.values[0, 1] == expected
    f = finite("f", range(250))
    turning = System({f: table(f, {i: (i + 1) % 250 for i in range(250)})}, start={f: 248})
    assert run(turning.world(steps=3), backend="numba").f.values.tolist() == [[248, 249, 0, 1]]


@pytest.mark.parametrize("power", [1, 2, 500, 6000])
def test_rationals_are_rounded_once_whatever_their_digits(power):
    fraction = sp.Rational(7**power, 3 * 7**power + 1)
    world = System({a: a * fraction}, start={a: 1}).world(steps=1)
    found = {name: run(world, backend=name).a.values[0, 1] for name in ("numba", "numpy")}
    assert set(found.values()) == {fraction.p / fraction.q}
