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
def course(read):
    """The values of a variable, by a model's parts; ``read`` is that of the file of tests."""

    def of(name, *parts, steps=20):
        data = run(read(*parts).world(steps=steps)).sel(world="W")
        return data[name].values.ravel()

    return of
