"""What published files in SBML have that is no reason to refuse them, and what is told of it."""

import math

import numpy as np
import pytest
from exchange.sbml_texts import (
    assignment,
    compartment,
    model,
    parameter,
    rate,
    reaction,
    reference,
    species,
)

from causalopt import FileError, run

X = (parameter("x", 1, constant=False), rate("x", "-x"))
Y = parameter("y", constant=False)

pytestmark = pytest.mark.usefixtures("in_this_process")


def named(system):
    return {str(v) for v in system.variables}


def test_a_compartment_of_no_size_is_left_out_where_it_divides_out(read):
    cell = '<compartment id="c" constant="true" spatialDimensions="3"></compartment>\n'
    falls = reaction("r", reference("S"), "", "c*2*S")
    system = read(cell, species("S", concentration=3), falls)
    found = run(system.world(steps=10)).sel(world="W")["S"].values.ravel()
    assert found == pytest.approx(3 * np.exp(-0.2 * np.arange(11)), rel=1e-4)
    with pytest.raises(FileError, match="'c' has no value"):
        read(cell, species("S", concentration=3), reaction("r", reference("S"), "", "2*S"))
    with pytest.raises(FileError, match="'k' has no value"):
        read(*X, parameter("k"))


def test_a_start_beyond_floats_on_the_way_is_that_of_floats(read):
    system = read(*X, Y, assignment("y", "1/(1 + exp(1000*x)) + 1/x"))
    found = run(system.world(steps=1)).sel(world="W")["y"].values.ravel()
    assert found[0] == 1
    assert found[1] == pytest.approx(math.exp(0.1), rel=1e-6)


def test_what_nothing_follows_from_is_left_out_where_it_has_no_start(read):
    parts = (*X, parameter("n", 0, constant=False), rate("n", "1"), Y, assignment("y", "x/n"),
             parameter("z", constant=False), assignment("z", "y + 1"),
             parameter("w", constant=False), assignment("w", "x + 1"))  # fmt: skip
    with pytest.warns(RuntimeWarning, match=r"y, z left out, for want of a number at the start"):
        system = read(*parts)
    assert named(system) == {"x", "n", "w"}
    # What a rate follows from cannot be left out.
    with pytest.raises(FileError, match=r"'y' starts from .*no finite real number"):
        read(*parts, parameter("v", 0, constant=False), rate("v", "z"))


def test_a_function_that_is_said_to_be_a_rate_is_one(read):
    body = "<lambda><bvar><ci>a</ci></bvar><notanumber/></lambda>"
    symbols = (
        '<annotation><symbols xmlns="http://sbml.org/annotations/symbols" '
        'definition="http://en.wikipedia.org/wiki/Derivative"/></annotation>'
    )
    maths = f'<math xmlns="http://www.w3.org/1998/Math/MathML">{body}</math>'
    rate_of = f'<functionDefinition id="slope">{symbols}{maths}</functionDefinition>\n'
    system = read(*X, Y, rate_of, assignment("y", "slope(x)"), level=2, version=4)
    data = run(system.world(steps=5)).sel(world="W")
    assert data["y"].values == pytest.approx(-data["x"].values)


@pytest.mark.parametrize("version", ["level2", "level3"])
def test_how_a_model_is_drawn_does_not_matter(version, read):
    space = 'xmlns:layout="http://www.sbml.org/sbml/level3/version1/layout/version1"'
    drawn = '<layout:listOfLayouts><layout:nothing layout:id="a"/></layout:listOfLayouts>'
    level = int(version[-1])
    attributes = space if level == 2 else f'{space} layout:required="false"'
    cell = compartment("c")
    text = model(cell, *X, level=level, version={2: 4, 3: 1}[level], attributes=attributes,
                 inside=drawn if level == 3 else "")  # fmt: skip
    assert named(read(text)) == {"x"}
