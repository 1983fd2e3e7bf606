"""A computation is stopped in time, also inside one that is itself to be stopped."""

from __future__ import annotations

import time

import pytest

from causalopt.derive.trial.alarm import TookTooLong, at_most


def test_alarms_may_be_nested() -> None:
    def inner_ends_first() -> None:
        with at_most(0.3):
            with at_most(5):
                pass
            time.sleep(2)

    with pytest.raises(TookTooLong):
        inner_ends_first()
    with at_most(5), pytest.raises(TookTooLong), at_most(0.1):
        time.sleep(2)
