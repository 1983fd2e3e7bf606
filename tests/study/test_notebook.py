"""Notebooks show systems, networks and worlds as graphs, and everything else as mathematics."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from types import SimpleNamespace

import pytest
import sympy as sp
from IPython.core.formatters import DisplayFormatter

from causalopt import (
    Box,
    Distribution,
    Gaussian,
    Network,
    System,
    finite,
    table,
    variable,
    variables,
)
from causalopt.derive import Derivation, Equal
from causalopt.study import notebook

a, b, c = variables("a b c")
T, R = variables("T R")
F = finite("F", ["x", "y"])
room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
network = Network({b: 2 * a, c: b + 1}, start={a: 1})
large = Network.from_arrays(
    [lambda u: 2 * u], kinds=[-1] + [0] * 9999, parents=[[i - 1] for i in range(10_000)], start=1
)
ODD = ["<b>", "\\href{javascript:alert(1)}{x}", "a_b$", "\\", "50%", "é", "}{"]


@pytest.fixture
def shell():
    made = SimpleNamespace(display_formatter=DisplayFormatter())
    notebook.register(made)
    return made


def shown(shell, given):
    found, _ = shell.display_formatter.format(given)
    return found


@pytest.mark.parametrize(
    "given",
    [
        room,
        network,
        room.world(steps=3),
        room.world(steps=900).perturb(R[0]),
        network.world().do(b, 3),
    ],
    ids=["system", "network", "world", "perturbed", "set"],
)
def test_graphs_are_shown_as_pictures(shell, given):
    found = shown(shell, given)
    root = ET.fromstring(found["image/svg+xml"])
    assert root.tag.endswith("svg")
    assert found["text/latex"].startswith("$")


def test_what_is_too_large_for_a_picture_is_shown_by_its_formulas(shell):
    for given in (large, large.world().do(3, 5)):
        found = shown(shell, given)
        assert "image/svg+xml" not in found
        assert found["text/latex"].startswith("$")
    assert r"\text{9980 more}" in shown(shell, large)["text/latex"]


@pytest.mark.parametrize(
    "given",
    [
        Gaussian.of({T: (10, 2), R: (10, 1)}),
        Box.of({T: (0, 1), R: (0, 4)}),
        Distribution.uniform(F),
        Derivation("Squares", given=[sp.Symbol("x")], steps=[Equal(sp.Symbol("x") ** 2, 4)]),
        table(F, {"x": "y", "y": "x"}),
        room.world(steps=5).perturb(R[0], by=0.5).clamp(T, to=room.world(steps=5)),
    ],
    ids=lambda given: type(given).__name__,
)
def test_the_rest_is_shown_as_mathematics(shell, given):
    found = shown(shell, given)
    assert found.keys() & {"text/latex", "text/html"}
    if "text/latex" in found:
        assert found["text/latex"].count("{") == found["text/latex"].count("}")


def test_names_of_any_letters_run_nothing_in_latex():
    symbols = [variable(name) for name in ODD]
    chain = {s: 2 * s for s in symbols}
    system = System(chain, start=dict.fromkeys(symbols, 1))
    steps = Network({s: 2 * p for p, s in pairwise(symbols)}, start={symbols[0]: 1})
    world = system.world(steps=2).perturb(symbols[1][0], by=1).perturb(symbols[6][0], by=1)
    for given in (system, steps, world):
        latex = given._repr_latex_()
        assert r"\href" not in latex
        assert r"\textbackslash{}href\{javascript" in latex
        # Every brace that LaTeX reads as one has its partner.
        bare = re.sub(r"\\[{}]", "", latex)
        assert bare.count("{") == bare.count("}")


def test_importing_where_ipython_runs_registers_and_stays_light():
    code = (
        "from IPython.core.interactiveshell import InteractiveShell as S\n"
        "shell = S.instance(); import sys, causalopt\n"
        "assert 'sympy' not in sys.modules\n"
        "a, = causalopt.variables('a')\n"
        "s = causalopt.System({a: a / 2}, start={a: 1})\n"
        "assert 'a[i+1]' in shell.display_formatter.format(s)[0]['image/svg+xml']\n"
        "assert 'image/svg+xml' not in shell.display_formatter.format(1)[0]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
