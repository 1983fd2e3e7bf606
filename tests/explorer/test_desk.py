"""The desk: of many moves only the newest is computed, and what nobody waits for is ended."""

import asyncio
import time
from pathlib import Path

import pytest

from causalopt.explorer.desk import DROPPED, Desk
from causalopt.explorer.desks import Desks
from tests.explorer.conftest import exploring, in_a_loop
from tests.explorer.test_server import asked, processes_under

# A model is a program: this one notes what its process computes, and takes its time for it.
NOTING = """
import time
from pathlib import Path
from causalopt import System, variables
from causalopt.explorer import answers, steering
from causalopt.study import Study
a, b = variables("a b")
system = System({a: a / 2 + b, b: a / 4}, start={a: 1, b: 0.5})
study = Study(name="mine", title="Mine", source="here", system=system)

def noting(compute):
    def compute_and_note(setting):
        with open(Path(__file__).parent / "noted", "a") as file:
            file.write(f"{setting.screen.start['a']}\\n")
        if setting.screen.start["a"] == "0.5":
            time.sleep(120)  # too long for anybody
        time.sleep(0.3)
        return compute(setting)
    return compute_and_note

answers.answer = noting(answers.answer)
steering.shares_of = noting(steering.shares_of)
"""


@pytest.fixture
def noting(tmp_path):
    model = tmp_path / "mine.py"
    model.write_text(NOTING)
    return model


def noted(model):
    path = model.parent / "noted"
    return path.read_text().split() if path.exists() else []


def moved(value, do="answer"):
    return {"do": do, "address": f"s.a={value}"}


def with_desk(desk, work):
    """What some work with a desk gives; the desk is closed at the end."""

    async def run():
        try:
            await desk.open()
            return await work(desk)
        finally:
            await desk.close()

    return in_a_loop(run())


async def until(happens):
    """Wait for what is to happen in another process, for a while."""
    for _ in range(400):
        if happens():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


def test_of_twenty_moves_in_a_row_only_the_newest_is_computed(noting):
    async def work(desk):
        return await asyncio.gather(*(desk.ask("p", moved(1 + i)) for i in range(20)))

    replies = with_desk(Desk(str(noting)), work)
    assert noted(noting) == ["20"]
    assert replies[:-1] == [DROPPED] * 19
    assert "s.a=20" in replies[-1]["address"]


def test_what_runs_comes_to_its_end_and_then_the_newest_is_next(noting):
    async def work(desk):
        first = asyncio.ensure_future(desk.ask("p", moved(1)))
        await until(lambda: noted(noting))
        rest = await asyncio.gather(*(desk.ask("p", moved(2 + i)) for i in range(19)))
        return [await first, *rest]

    replies = with_desk(Desk(str(noting)), work)
    assert noted(noting) == ["1", "20"]
    assert replies[1:-1] == [DROPPED] * 18
    assert "s.a=1" in replies[0]["address"]


def test_pages_do_not_drop_what_others_ask(noting):
    async def work(desk):
        return await asyncio.gather(*(desk.ask(f"page {i}", moved(1 + i)) for i in range(4)))

    replies = with_desk(Desk(str(noting)), work)
    assert sorted(noted(noting), key=int) == [str(1 + i) for i in range(4)]
    assert all("verdict" in reply for reply in replies)


def test_a_request_that_takes_too_long_is_ended_by_the_next_one(noting):
    async def work(desk):
        slow = asyncio.ensure_future(desk.ask("p", moved(0.5)))
        await until(lambda: noted(noting))
        begin = time.monotonic()
        fresh = await desk.ask("p", moved(3))
        return await slow, fresh, time.monotonic() - begin

    slow, fresh, waited = with_desk(Desk(str(noting), patience=0.2), work)
    assert slow == DROPPED
    assert "s.a=3" in fresh["address"]
    assert waited < 60  # far less than the request would have taken


def test_who_leaves_is_waited_for_no_more(noting):
    async def work(desk):
        slow = asyncio.ensure_future(desk.ask("p", moved(0.5)))
        await until(lambda: noted(noting))
        waiting = asyncio.ensure_future(desk.ask("q", moved(2)))
        gone = asyncio.ensure_future(desk.ask("r", moved(4)))
        await asyncio.sleep(0)
        desk.leave("r")
        desk.leave("p")
        desk.leave("nobody")
        return await gone, await slow, await waiting

    gone, slow, waiting = with_desk(Desk(str(noting), patience=0.0), work)
    assert gone == slow == DROPPED
    assert "s.a=2" in waiting["address"]
    assert noted(noting) == ["0.5", "2"]


def test_a_move_is_answered_while_something_long_is_computed(noting):
    async def work(desks):
        long = asyncio.ensure_future(desks.ask("p-shares", moved(0.5, "shares")))
        await until(lambda: noted(noting))
        quick = await desks.ask("p-answer", moved(2))
        assert not long.done()
        desks.leave("p-shares", moved(0.5, "shares"))
        return quick, await long

    quick, long = with_desk(Desks.of(str(noting)), work)
    assert "s.a=2" in quick["address"]
    assert long == DROPPED


@pytest.mark.long
def test_a_page_that_closes_in_the_middle_frees_the_process(noting, browser):
    with exploring(noting, "--trust") as (process, link):
        page = browser.new_page()
        page.goto(link + "#s.a=1")
        page.wait_for_selector(".node")
        page.evaluate("location.hash = 's.a=0.5'")
        end = time.monotonic() + 20
        while "0.5" not in noted(noting) and time.monotonic() < end:
            time.sleep(0.05)
        page.close()
        begin = time.monotonic()
        told = asked(link, do="answer", address="s.a=7", page="another").json()
        assert "s.a=7" in told["address"]
        assert time.monotonic() - begin < 60
        assert process.poll() is None


def test_a_process_that_is_ending_is_waited_for_when_its_desk_closes(noting):
    waited = []

    async def work(desk):
        process = desk._process
        end = process.wait

        async def wait_slowly():
            await asyncio.sleep(0.3)
            waited.append(await end())

        process.wait = wait_slowly
        answer = asyncio.ensure_future(desk.ask("page", moved(1)))
        await until(lambda: noted(noting))
        process.kill()
        await asyncio.sleep(0.1)
        await desk.close()
        return await answer

    assert with_desk(Desk(str(noting)), work) == DROPPED
    assert waited


RAISING = """
from pathlib import Path
from causalopt import System, function, variables
from causalopt.study import Study
a, b = variables("a b")

def rule(x, y):
    if (Path(__file__).parent / "raise").exists():
        raise ValueError("the rule gives up")
    return x / 2 + y

system = System({a: function(rule)(a, b), b: a / 4}, start={a: 1, b: 0.5})
study = Study(name="mine", title="Mine", source="here", system=system)
"""


def test_a_function_that_raises_is_told_in_place_and_the_server_lives(tmp_path, seen):
    pytest.importorskip("jax", reason="the extra `jax` brings it")
    model, flag = tmp_path / "mine.py", tmp_path / "raise"
    model.write_text(RAISING)
    with exploring(model, "--trust") as (process, link):
        page = seen(link + "#steps=20")
        (worker,) = processes_under(process.pid)
        flag.touch()
        page.page.evaluate("location.hash = 'steps=25'")
        page.settled("steps=25")
        assert page.page.locator("figure .fault").count() == 3
        assert "the rule gives up" in page.page.locator("figure .fault").first.inner_text()
        assert str(tmp_path) not in page.page.inner_text("body")
        flag.unlink()
        page.page.evaluate("location.hash = 'steps=30'")
        page.settled("steps=30")
        assert page.page.locator("figure .fault").count() == 0
        assert processes_under(process.pid) == [worker]
        page.close()


DERIVING = """
import sympy as sp
from causalopt import System, variables
from causalopt.derive import Derivation, Equal
from causalopt.study import Study
a, b = variables("a b")
system = System({a: a / 2 + b, b: a / 4}, start={a: 1, b: 0.5})
x = sp.Symbol("x", real=True)
page = lambda: Derivation("Twice", given=[x], steps=[Equal(x + x, 2 * x)])
study = Study(name="mine", title="t", source="s", system=system, derivations=(page,))
"""


def test_the_checker_of_a_derivation_ends_with_the_server(tmp_path):
    model = tmp_path / "mine.py"
    model.write_text(DERIVING)
    with exploring(model, "--trust") as (process, link):
        asked(link, do="derivation", number=0, checked=True, page="d")
        children = processes_under(process.pid)
        checkers = [one for child in children for one in processes_under(child)]
        assert checkers
        process.kill()
        process.wait(10)
        end = time.monotonic() + 10
        everyone = [Path(f"/proc/{one}/stat") for one in (*children, *checkers)]

        def lives(stat):
            return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"

        while any(map(lives, everyone)) and time.monotonic() < end:
            time.sleep(0.05)
        assert not any(map(lives, everyone))
