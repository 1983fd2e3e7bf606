"""What one waits for before a loop runs: declaring, differentiating and compiling large models.

Each in a new process with an empty cache, in seconds of processor time, imports left out.
"""

from __future__ import annotations

import statistics

from benchmarks.page import Section
from benchmarks.setup import seconds_of

_HEAD = """
import random, time, xarray
from sympy import Add, Max, exp, log, sin, tanh
from causalopt import Network, System, comp, every_A, variables
begin = time.process_time()
"""
_TAIL = "\nprint(time.process_time() - begin)\n"

_KURAMOTO = """
x = variables(" ".join(f"th{{i}}" for i in range({0})))
rates = {{a: i / 10 + Add(*(sin(b - a) for b in x if b != a)) / {0} for i, a in enumerate(x)}}
begin = time.process_time()
system = System.from_ode(rates, start={{a: i for i, a in enumerate(x)}}, dt=0.01, method="rk4")
comp(system, A=x[1], n=x[0][0], m=x[0][100])
"""
_LORENZ_96 = """
x = variables(" ".join(f"x{i}" for i in range(40)))
rates = {x[i]: (x[(i + 1) % 40] - x[i - 2]) * x[i - 1] - x[i] + 8 for i in range(40)}
start = {a: 8 + i / 100 for i, a in enumerate(x)}
system = System.from_ode(rates, start=start, dt=0.01, method="rk4")
comp(system, A=x[1], n=x[0][0], m=x[0][100])
"""
_LOTKA_VOLTERRA = """
draw, x = random.Random(2), variables(" ".join(f"x{i}" for i in range(30)))
eats = {(a, b): draw.uniform(-1, 1) / 30 for a in x for b in x if a != b}
grows = {a: 1 - sum(eats[a, b] for b in x if a != b) for a in x}
rates = {
    a: a * (grows[a] - a + Add(*(eats[a, b] * b for b in x if a != b))) for a in x
}
begin = time.process_time()
start = {a: 1 + i / 100 for i, a in enumerate(x)}
system = System.from_ode(rates, start=start, dt=0.01, method="rk4")
comp(system, A=x[1], n=x[0][0], m=x[2][100])
"""
_EVERY_A = _LOTKA_VOLTERRA.replace(
    "comp(system, A=x[1], n=x[0][0], m=x[2][100])", "every_A(system, n=x[0][0], m=x[2][100])"
)
_NETWORK = """
draw, x = random.Random(1), variables(" ".join(f"x{i}" for i in range(2000)))
kinds = [lambda a, b, c: tanh(c * a - b), lambda a, b, c: sin(c * a) * b + a,
         lambda a, b, c: exp(-a**2) * c + b, lambda a, b, c: log(1 + a**2) * b * c]
rules = {}
for i in range(5, 2000):
    a, b = (x[draw.randrange(max(0, i - 50), i)] for _ in range(2))
    rules[x[i]] = draw.choice(kinds)(a, b, draw.uniform(0.1, 2))
begin = time.process_time()
network = Network(rules, start={a: 0.1 + i / 10 for i, a in enumerate(x[:5])})
comp(network, A=x[1993], n=x[3], m=x[1999])
"""
_LARGEST = """
x = variables(" ".join(f"x{i}" for i in range(50)))
(y,) = variables("y")
largest = Max(*x)
begin = time.process_time()
system = System({**{a: a / 2 for a in x}, y: largest}, start=dict.fromkeys((*x, y), 1))
comp(system, A=x[1], n=x[0][0], m=y[2])
"""
_STATES = """
x = variables(" ".join(f"x{i}" for i in range(500)))
rates = {a: x[i - 1] - 2 * a + x[(i + 1) % 500] for i, a in enumerate(x)}
System.from_ode(rates, start=dict.fromkeys(x, 1), dt=0.01, method="rk4")
"""

#: What is declared, its code, and the goal in seconds.
_CASES = {
    "2,000 different mechanisms of a network: declared, first Comp": (_NETWORK, 2),
    "Kuramoto, rk4, 10 oscillators: first Comp": (_KURAMOTO.format(10), 1),
    "Kuramoto, rk4, 30 oscillators: first Comp": (_KURAMOTO.format(30), 2),
    "Kuramoto, rk4, 100 oscillators: first Comp": (_KURAMOTO.format(100), 8),
    "Lotka-Volterra, rk4, 30 variables: first Comp": (_LOTKA_VOLTERRA, 2),
    "Lotka-Volterra, rk4, 30 variables: Op for every single A": (_EVERY_A, 5),
    "Lorenz-96, rk4, 40 variables: first Comp": (_LORENZ_96, 2),
    "the largest of 50 variables: first Comp": (_LARGEST, 0.5),
    "500 states under rk4: declared": (_STATES, 5),
}


def section(quick: bool) -> Section:
    """The seconds of each case, the median of a few new processes."""
    rows = ["| | processor time | goal |", "|---|---|---|"]
    for name, (code, goal) in _CASES.items():
        times = [seconds_of(_HEAD + code + _TAIL) for _ in range(1 if quick else 3)]
        rows.append(f"| {name} | {statistics.median(times):.2f} s | at most {goal} s |")
    return Section("Before the loop: a new process, nothing compiled yet", rows=rows)
