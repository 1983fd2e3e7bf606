"""Notebooks show systems, networks and worlds as graphs beside mathematics; all else as that."""

import html
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from types import SimpleNamespace

import hypothesis
import pytest
import sympy as sp
from hypothesis import strategies as st
from IPython.core.formatters import DisplayFormatter

from causalopt import (
    Box,
    Distribution,
    Gaussian,
    Network,
    Split,
    System,
    adjusted_optimizing_strength,
    finite,
    optimizing_strength,
    parameter,
    parameters,
    table,
    variable,
    variables,
)
from causalopt.derive import Derivation, Equal
from causalopt.study import Claim, Experiment, Study, notebook

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


def shown(shell, thing):
    found, _ = shell.display_formatter.format(thing)
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


def words(card):
    """The text of a card, mathematics and all; the style is no text."""
    return " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", card)).split())


def test_a_system_has_its_equations_starts_and_parameters_beside_the_graph(shell):
    k, d = parameters("k d")
    system = System({T: R - d, R: R - k * T}, start={T: 10, R: 35}, parameters={k: 1e-5, d: 25})
    card = shown(shell, system)["text/html"]
    told = words(card)
    for part in ("T + = R - d", "Start", "T [ 0 ] = 10", "Parameters", "d = 25"):
        assert part.replace("-", "−").replace(" ", "") in told.replace("-", "−").replace(" ", "")
    assert "1·10−5" in told.replace(" ", "").replace("⋅", "·").replace("-", "−")
    assert card.index("<math") < card.index("<svg")
    assert "max-width:100%" in card
    assert "<?xml" not in card


@hypothesis.settings(max_examples=12)
@hypothesis.given(st.integers(1, 2000), st.integers(1, 6))
def test_a_world_of_any_length_is_as_wide_as_a_page(steps, count):
    names = variables(" ".join(f"x_{i}" for i in range(count)))
    system = System({x: x / 2 for x in names}, start=dict.fromkeys(names, 1))
    svg = notebook.world_svg(system.world(steps=steps).perturb(names[0][0], by=1))
    # A notebook's page is 960 pixels wide, that is 720 points.
    assert float(re.search(r'<svg width="(\d+)pt"', svg)[1]) <= 720


THIRD = sp.Rational(1, 3)
A, B = finite("<A>", ["0", "1"]), finite("B", ["0", "1"])
DIFFER = table((A, B), {"0": {"0": "0", "1": "1"}, "1": {"0": "1", "1": "0"}})
P = Distribution.of((A, B), [[THIRD, 0], [0, 2 * THIRD]])
meet = System({A: DIFFER, B: B}, start={A: "0", B: "0"})


def test_a_distribution_names_its_variables_and_sets_its_masses(shell):
    card = shown(shell, P)["text/html"]
    assert words(card).startswith(r"<A> \ B 0 1 0 1 3 0")
    assert "<mfrac><mn>2</mn><mn>3</mn></mfrac>" in card


def test_a_strength_says_of_what_it_is_and_in_which_unit(shell):
    strength = optimizing_strength(meet, A | B, P)
    card = words(shown(shell, strength)["text/html"])
    assert card.startswith("<A> | B, 1 step optimizing strength")
    assert card.count(f"≈ {float(strength):.6g}") >= 1
    assert card.count("bit") == 3
    adjusted = words(shown(shell, adjusted_optimizing_strength(meet, A | B, P))["text/html"])
    assert adjusted.startswith("<A> | B, 1 step adjusted optimizing strength 0 bit")


def test_a_study_says_what_it_holds_and_runs_nothing(shell):
    def never():
        raise AssertionError("run")

    study = Study(
        "warm", "A warm <floor>", "a notebook", room,
        (Experiment("one", "Over time", never, {"course": never}),),
        (Claim("it is warm", "a notebook", 21.5, never),),
    )  # fmt: skip
    card = words(shown(shell, study)["text/html"])
    for part in ("A warm <floor>", "a notebook", "Over time course", "it is warm 21.5",
                 "causalopt run warm"):  # fmt: skip
        assert part in card


@pytest.mark.parametrize("name", ODD)
def test_names_of_any_letters_stay_text_in_cards(shell, name):
    k, x = parameter(f"k{name}"), variable(name)
    system = System({x: k * x}, start={x: 1}, parameters={k: 2})
    network = Network({b: k * x}, start={x: 1}, parameters={k: 2})
    study = Study("n", name, name, system)
    split = optimizing_strength(
        System({x: x + a, a: a}, start={x: 0, a: 0}),
        Split(x, a),
        Gaussian.of({x: (0, 1), a: (0, 1)}),
    )
    worlds = system.world(steps=2).do(x[1], 3)
    for given in (system, network, worlds, study, split, split.split and Gaussian.of({x: (0, 1)})):
        card = shown(shell, given)["text/html"]
        # The card is XML as it stands, and so nothing of a name has become a tag.
        root = ET.fromstring(card.replace("<br>", "<br/>"))
        tags = {part.tag.split("}")[-1] for part in root.iter()}
        assert not tags & {"b", "script", "img"}
        assert not [k for part in root.iter() for k in part.attrib if k.startswith("on")]


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
