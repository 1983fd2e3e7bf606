"""What formulas in SBML have no number for, although something of them is left once simplified."""

import random
import warnings

import numpy as np
import pytest
from exchange.sbml_texts import (
    algebraic,
    assignment,
    compartment,
    function,
    local,
    parameter,
    rate,
    reaction,
    reference,
    species,
    start,
)

from causalopt import FileError, run

# z is 0 at the start and grows.
Z = (parameter("z", 0, constant=False), rate("z", "1"))
X = (parameter("x", 1, constant=False), rate("x", "-x"))
Y = parameter("y", constant=False)
W = (parameter("w", 0, constant=False), rate("w", "y"))
NONE = "as it is written"

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.mark.parametrize(
    "formula",
    ["z/z", "z*(1/z)", "0*(1/z)", "x + 1/z - 1/z", "z/(z*x)", "(x/z)/(1/z)", "rem(z, z)",
     "quotient(z, z)", "log(z, z)", "sqrt(z - 1)^2", "sin(arcsin(z + 2))", "ln(-x) - ln(-x)",
     "piecewise(z/z, x > 0, 2)"],
)  # fmt: skip
def test_what_cancels_has_no_number_where_it_is_none(read, formula):
    with pytest.raises(FileError, match=rf"(?s)line \d+.*'y' has no number .*{NONE}"):
        read(*X, *Z, Y, assignment("y", formula), *W)
    # Nothing follows from it: it is left out.
    with pytest.warns(RuntimeWarning, match="y left out"):
        read(*X, *Z, Y, assignment("y", formula))


def test_each_kind_of_formula_is_asked(read):
    cell = (compartment("c"), species("S", 0))
    with pytest.raises(FileError, match=f"'r' has no number .*{NONE}"):
        read(*cell, reaction("r", reference("S"), "", "k*S/S", local("k", 1)))
    with pytest.raises(FileError, match=f"'w' has no number .*{NONE}"):
        read(*Z, parameter("w", 0, constant=False), rate("w", "z/z"))
    with pytest.raises(FileError, match=f"'p' has no number .*{NONE}"):
        read(*Z, parameter("p", 1), start("p", "z/z"), parameter("w", 1, constant=False),
             rate("w", "p"))  # fmt: skip
    share = function("share", "lambda(a, b, a/b)")
    with pytest.raises(FileError, match=f"'w' has no number .*{NONE}"):
        read(share, *Z, parameter("w", 0, constant=False), rate("w", "share(z, z)"))
    with pytest.raises(FileError, match=f"'y' has no number .*{NONE}"):
        read(*Z, Y, algebraic("y - z/z"), *W)


def test_what_does_not_matter_matters_where_it_has_no_number(read):
    parts = (*X, *Z, Y, assignment("y", "x/z"), parameter("w", 0, constant=False))
    with pytest.raises(FileError, match=f"'w' has no number .*{NONE}"):
        read(*parts, rate("w", "x + 0*y"))
    for formula in ("x + 0*y", "2*y", "piecewise(y, z > 1, 3)"):
        with pytest.warns(RuntimeWarning, match="y, w left out"):
            read(*parts, assignment("w", formula))
        with pytest.warns(RuntimeWarning, match="y, w left out"):
            read(*X, *Z, Y, assignment("y", "z/z"), parts[-1], assignment("w", formula))


@pytest.mark.parametrize(
    ("formula", "value"),
    [("x/x", 1), ("exp(2*ln(z))", 0), ("z^z", 1), ("z^0", 1), ("piecewise(z/z, z > 0, 3)", 3),
     ("piecewise(4, x > 0, z/z)", 4), ("log(z, x)", 0), ("1/(1/z)", 0), ("1/(1 + (x/z)^2)", 0),
     ("delay(x, 1)/x", 1), ("rateOf(z)/x", 1),
     ("z/(x + z)", 0)],
)  # fmt: skip
def test_what_has_a_number_keeps_it(read, formula, value):
    system = read(*X, *Z, Y, assignment("y", formula), *W)
    assert run(system.world(steps=1)).sel(world="W")["y"].values.ravel()[0] == value


@pytest.mark.parametrize(
    "formula", ["0/0", "1/0", "x/0", "1 + x*(0/0)", "log(1, x)", "root(0, x)", "factorial(0 - 1)",
                "quotient(1, 0)", "quotient(x, 0)", "rem(x, 0)", "ln(0)",
                "piecewise(0/0, x > 0, 1)", "piecewise(1, 0/0 > 1, 2)"],
)  # fmt: skip
def test_quotients_of_numbers_by_0_are_refused_where_they_stand(read, formula):
    with pytest.raises(
        FileError, match=r"line \d+.*the formula holds (a number that is not|the number nan)"
    ):
        read(*X, Y, assignment("y", formula))


OPERATIONS = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide,
    "ln": np.log, "exp": np.exp, "sqrt": np.sqrt, "arctan": np.arctan, "abs": np.abs,
}  # fmt: skip
AT = {"x": 1.0, "z": 0.0, "k": -0.5}


def tree(draw, depth):
    """A formula at random and its value by IEEE floats, which z and what cancels make none of."""
    if depth == 0:
        name = draw.choice([*AT, "z", "2", "3"])
        return name, np.float64(AT.get(name) if name in AT else float(name))
    word = draw.choice([*OPERATIONS, "+", "-", "*", "/", "/"])
    if len(word) > 1:
        inner, value = tree(draw, depth - 1)
        return f"{word}({inner})", OPERATIONS[word](value)
    left, u = tree(draw, draw.randrange(depth))
    right, v = (left, u) if draw.random() < 0.2 else tree(draw, draw.randrange(depth))
    return f"({left} {word} {right})", OPERATIONS[word](u, v)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("seed", range(8))
def test_random_formulas_have_the_numbers_of_floats_or_none(read, seed):
    draw = random.Random(seed)
    formulas = {}
    still = [part for name, value in AT.items()
             for part in (parameter(name, value, constant=False), rate(name, "0"))]  # fmt: skip
    with np.errstate(all="ignore"):
        while len(formulas) < 30:
            infix, value = tree(draw, 4)
            parts = (*still, Y, assignment("y", infix))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", RuntimeWarning)
                    system = read(*parts)
            except FileError:
                # Of numbers alone a formula is refused, whether anything follows from it or not.
                continue
            formulas[infix] = value, system
    kept = 0
    for infix, (value, system) in formulas.items():
        if "y" not in map(str, system.variables):
            continue
        kept += 1
        found = run(system.world(steps=1)).sel(world="W")["y"].values.ravel()[0]
        assert found == pytest.approx(value, rel=1e-9, abs=1e-12), infix
    assert 5 < kept < 30
