"""Published models in SBML: rates and courses beside those of libroadrunner, where they are."""

import csv
import random

import numpy as np
import pytest
from beside import folder_of, needs
from exchange import oracles

from causalopt import FileError, run
from causalopt.exchange import read_sbml

MODELS = folder_of("data", "models", "sbml")
pytestmark = needs(MODELS)
FILES = sorted(MODELS.glob("*.xml")) if MODELS else []
# What no units of whose fit: a species without a dimension, by a rule of its own.
UNFIT = {"BIOMD0000000009"}
# libroadrunner has no delays, and so no rates of this one.
DELAYED = {"BIOMD0000000154": 0.05}


def read(path, dt=0.01):
    return read_sbml(path, dt=dt, units=path.stem not in UNFIT)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rates_are_those_of_another_program(path):
    system = read(path, DELAYED.get(path.stem, 0.01))
    assert system.start_values
    if path.stem in DELAYED:
        return
    beside = oracles.RoadRunner(path)
    draw = random.Random(1)
    for _ in range(2):
        starts = system.start_values
        state = {v: draw.uniform(0.1, 2) * (abs(starts[v]) or 1) for v in system.mechanisms}
        ours, theirs = oracles.rates_at(system, state), beside.rates(system, state)
        # Sums of what goes in and out are rounded in the size of their terms.
        size = max(map(abs, theirs.values()))
        for name, rate in theirs.items():
            assert ours[name] == pytest.approx(rate, rel=1e-12, abs=1e-15 * size), name


def test_units_that_do_not_fit_are_told():
    for name in UNFIT:
        with pytest.raises(FileError, match="units=False"):
            read_sbml(MODELS / f"{name}.xml", dt=0.01)


def answers(path):
    """The times and the columns of the native answers."""
    with path.with_suffix(".csv").open() as file:
        head, *rows = csv.reader(file)
    table = np.array(rows, dtype=float)
    return table[:, 0], dict(zip((name.strip("[]") for name in head[1:]), table.T[1:], strict=True))


# Those that are not stiff: how long the steps are with which rk4 has 1e-6 of the answer, and up to
# what time.
COURSES = {
    "BIOMD0000000012": (0.04, 500),
    "BIOMD0000000337": (0.01, 100),
}
LONG_COURSES = {
    "BIOMD0000000003": (0.005, 100),
    "BIOMD0000000010": (0.5, 4000),
    "BIOMD0000000141": (0.005, 100),
    "BIOMD0000000309": (0.005, 10),
    "BIOMD0000000372": (0.05, 600),
    "BIOMD0000000382": (0.05, 600),
    "BIOMD0000001057": (0.01, 30),
}


def check_course(name, dt, end):
    path = MODELS / f"{name}.xml"
    times, columns = answers(path)
    places = np.round(times / dt).astype(int)
    data = run(read(path, dt).world(steps=round(end / dt))).sel(world="W")
    compared = 0
    for column, expected in columns.items():
        if column in data:
            found = data[column].values.ravel()[places]
            size = np.abs(expected).max()
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * size, err_msg=column)
            compared += 1
    assert compared > 1


@pytest.mark.parametrize("name", COURSES)
def test_courses_are_those_of_another_program(name):
    check_course(name, *COURSES[name])


@pytest.mark.long
@pytest.mark.parametrize("name", LONG_COURSES)
def test_long_courses_are_those_of_another_program(name):
    check_course(name, *LONG_COURSES[name])
