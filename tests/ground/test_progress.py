"""The bar of pieces that are done one after the other, of which some were done before."""

import io
import time

from causalopt.ground import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_begins_with_what_was_done_and_says_how_fast_it_goes(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(progress, "_SECONDS_BEFORE_SHOWING", 0.0)

    def work():
        for number in range(2):
            time.sleep(0.15)  # so long that the bar is drawn anew
            yield number

    with progress.shown():
        assert list(progress.counted(work(), 5, 3, "chunks")) == [0, 1]
    drawn = screen.getvalue().split("\r")
    assert any("chunks:  60%" in line and "3/5" in line for line in drawn)
    assert any("chunks:  80%" in line and "4/5" in line and "chunk" in line for line in drawn)
    assert any("chunk/s" in line or "s/chunk" in line for line in drawn)
    assert not drawn[-1].strip()  # nothing of it is left


def test_no_bar_is_shown_where_nobody_asked_for_one(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(progress, "_SECONDS_BEFORE_SHOWING", 0.0)
    assert list(progress.counted(iter("ab"), 2, 0, "chunks")) == ["a", "b"]
    assert not screen.getvalue()
