"""What tests of readers share."""

import pytest

from causalopt.exchange.biology import process, worker


@pytest.fixture
def in_this_process(monkeypatch):
    """What libsbml tells is asked for here, of what it is known not to crash on.

    A process for each small model would take long.
    """

    def told(source):
        return worker.description_of(process.undeclared(source.text))

    monkeypatch.setattr(process, "_told", told)
