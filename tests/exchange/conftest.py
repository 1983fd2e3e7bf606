"""What tests of readers share."""

import pytest

from causalopt import run
from causalopt.exchange.biology import process, worker


@pytest.fixture
def in_this_process(monkeypatch):
    """What libsbml tells is asked for here, of what it is known not to crash on.

    A process for each small model would take long.
    """

    def told(source):
        return worker.description_of(process.undeclared(source.text))

    monkeypatch.setattr(process, "_told", told)


@pytest.fixture
def read(tmp_path):
    """What reads a small model in SBML by its parts, in steps of 0.1."""
    # It needs what is optional, and other files of tests here do not.
    from exchange.sbml_texts import reader

    return reader(tmp_path, dt=0.1)


@pytest.fixture
def course(read):
    """The values of a variable, by a model's parts."""

    def of(name, *parts, steps=20):
        data = run(read(*parts).world(steps=steps)).sel(world="W")
        return data[name].values.ravel()

    return of
