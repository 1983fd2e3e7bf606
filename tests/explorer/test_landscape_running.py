"""A landscape that runs: dropped by a move, and never waited for; what is done is counted."""

import asyncio
import re

import pytest

from causalopt import op
from causalopt.explorer.desk import DROPPED
from causalopt.explorer.desks import Desks
from causalopt.study import load_model
from tests.explorer.conftest import Seen, exploring
from tests.explorer.test_desk import noted, until, with_desk

# A model is a program: this one notes each grid that is begun, and never ends those of a = 0.5.
NOTING = """
import time
from pathlib import Path
from causalopt import System, variables
from causalopt.explorer import landscape
from causalopt.study import Study
a, b = variables("a b")
system = System({a: a / 2 + b, b: a / 4}, start={a: 1, b: 0.5})
study = Study(name="mine", title="Mine", source="here", system=system)
compute = landscape.landscape_of

def noting(setting, places):
    moved = setting.screen.start.get("a", "1.0")
    with open(Path(__file__).parent / "noted", "a") as file:
        file.write(f"{moved}@{places}\\n")
    if moved == "0.5":
        time.sleep(600)
    return compute(setting, places)

landscape.landscape_of = noting
"""
ASKED = "n=a[0]&A=b&m=a&steps=20&along=s.b"


@pytest.fixture
def noting(tmp_path):
    model = tmp_path / "mine.py"
    model.write_text(NOTING)
    return model


def over(value, places=9):
    return {"do": "landscape", "address": f"{ASKED}&s.a={value}", "places": places}


@pytest.mark.long
def test_of_twenty_landscapes_in_a_row_only_the_newest_is_computed(noting):
    async def work(desks):
        return await asyncio.gather(*(desks.ask("p", over(1 + i)) for i in range(20)))

    replies = with_desk(Desks.of(str(noting)), work)
    assert noted(noting) == ["20@9"]
    assert replies[:-1] == [DROPPED] * 19
    assert len(replies[-1]["values"][0]) == 9


@pytest.mark.long
def test_what_runs_is_ended_by_the_next_one_and_moves_are_answered_meanwhile(noting):
    async def work(desks):
        running = asyncio.ensure_future(desks.ask("p", over(0.5)))
        await until(lambda: noted(noting))
        moves = [await desks.ask("m", {"do": "answer", "address": f"s.a={i}"}) for i in (2, 3)]
        assert not running.done()
        newer = await desks.ask("p", over(4))
        return moves, await running, newer

    moves, dropped, newer = with_desk(Desks.of(str(noting)), work)
    assert ["verdict" in move for move in moves] == [True, True]
    assert dropped == DROPPED
    assert len(newer["values"][0]) == 9
    assert noted(noting) == ["0.5@9", "4@9"]


def test_a_slider_that_moves_drops_the_landscape_that_runs(noting, seen):
    with exploring(noting, "--trust") as (_, link):
        page = seen(f"{link}#{ASKED}&s.a=0.5")
        page.page.click("#tab-landscape")
        page.page.click("text=Draw the landscape")
        page.page.wait_for_selector("#panel-landscape progress:not([hidden])")
        for _ in range(400):
            if noted(noting):
                break
            page.page.wait_for_timeout(50)
        page.page.fill('input[type="number"][data-key="s.a"]', "0.7")
        page.settled("s.a=0.7")
        page.page.wait_for_selector("#panel-landscape progress", state="hidden")
        assert "Stopped" in page.page.inner_text("#panel-landscape [role=status]")
        page.page.click("text=Draw the landscape")
        page.page.wait_for_selector(".landscape rect:nth-of-type(33)", state="attached")
        page.page.wait_for_selector("#panel-landscape progress", state="hidden")
        # The finer grids of what was dropped were never begun.
        assert noted(noting) == ["0.5@9", "0.7@9", "0.7@17", "0.7@33"]
        page.close()


@pytest.mark.long
def test_ten_pages_draw_landscapes_at_once_while_their_sliders_move(browser):
    with exploring("find_the_thermostat") as (_, link):
        values = [0.1 + 0.01 * i for i in range(10)]
        asked = "n=R[0]&A=T&m=R[30]&steps=30&along=p.k&tab=landscape&ask=landscape"
        pages = [Seen(browser, f"{link}#{asked}&p.d={value}", height=800) for value in values]
        pages[0].page.close()
        model = load_model("find_the_thermostat").system
        named = {str(parameter): parameter for parameter in model.parameters}
        T, R = model.find("T"), model.find("R")
        for page, value in zip(pages[1:], values[1:], strict=True):
            own = model.with_parameters({named["d"]: value})
            page.settled(f"p.d={value!r}")
            assert page.op == repr(op(own, A=T, n=R[0], m=R[30], steps=30).item())
            page.page.wait_for_selector(".landscape rect:nth-of-type(33)", state="attached")
            page.page.wait_for_selector("#panel-landscape progress", state="hidden")
            page.page.focus(".landscape")
            page.page.keyboard.press("ArrowRight")
            told = page.page.inner_text("#panel-landscape output")
            k, shown = re.fullmatch(r"k = (\S+): Op = (\S+) nat", told).groups()
            found = op(own.with_parameters({named["k"]: float(k)}), A=T, n=R[0], m=R[30], steps=30)
            assert shown == f"{found.item():.6g}"
            page.close()
