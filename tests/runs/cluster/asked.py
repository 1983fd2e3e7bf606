"""What is swept in these tests: functions that a worker imports by their names."""

import math
import os
import time
from pathlib import Path

import sympy as sp
import xarray as xr

from causalopt import EvaluationError, System, noise, normal, parameters, variables

T, R = variables("T R")
x, y = variables("x y")
k, d = parameters("k d")
e = noise("e", normal(0, 1))

room = System({T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 0.01, d: 25})
noisy = System(
    {x: sp.tanh(k * x + y) + e / 10, y: y / 2 + x / 4 + sp.sin(e)},
    start={x: 1, y: 0},
    parameters={k: 0.5},
)
# Where x grows beyond all floats for k > 2, and Op is 0/0 at step 0 of y.
growing = System({x: k * x**2, y: y / 2 + x / 4}, start={x: 1, y: 0}, parameters={k: 0.5})


def called(folder):
    """How often each point was computed, by what was written for each call."""
    counts = {}
    for line in (line for file in Path(folder).iterdir() for line in file.read_text().split()):
        counts[line] = counts.get(line, 0) + 1
    return counts


def note(folder, point):
    """Write that a point was computed, in a file of this process alone."""
    with (Path(folder) / str(os.getpid())).open("a") as file:
        file.write(f"{point}\n")


def square(folder, n, seed=0):
    """A number, and a note of the call."""
    note(folder, n)
    return n**2 + seed / 8


def cube(folder, n, seed=0):
    """Another number of the same names."""
    return square(folder, n, seed) * n


def slow(folder, n, seconds=0.05):
    """The same, after a while."""
    time.sleep(seconds)
    return square(folder, n)


def failing(folder, n):
    """No finite number at 3 and 11, and another error at 17, until a file says otherwise."""
    note(folder, n)
    if not (Path(folder).parent / "mended").exists():
        if n in (3, 11):
            raise EvaluationError(f"x[2] is infinite where n = {n}")
        if n == 17:
            raise ValueError("seventeen")
    return float(n)


def growing_course(k, seed):
    """Several arrays, one of whole numbers, with a dim of their own."""
    course = [k**i + seed for i in range(4)]
    return xr.Dataset(
        {"course": ("i", course), "length": len(course)},
        {"i": list("abcd")},
        {"says": "course", "seed": seed},
    )


def dying(folder, n):
    """The process ends at 5, and the first time at 7, where there is an error later."""
    note(folder, n)
    if n == 5 or (n == 7 and called(folder)["7"] == 1):
        os._exit(1)
    if n == 7:
        raise ValueError("seven")
    return float(n)


def rough(folder, n):
    """A number with all its digits, after a tenth of a second."""
    time.sleep(0.1)
    note(folder, n)
    return math.sin(n + 1 / 3) * math.exp(n / 7)
