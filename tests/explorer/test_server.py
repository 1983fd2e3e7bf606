"""The server: this machine alone, by its link; it lives on, and ends with all that it started."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from causalopt.ground.errors import FileError
from tests.explorer.conftest import exploring, in_a_loop

httpx = pytest.importorskip("httpx", reason="the extra `test` brings it")
pytest.importorskip("uvicorn", reason="the extra `explore` brings it")

HOSTILE = "<script>alert(1)</script>\"'\n&"

MODEL = """
import math, os, sys, time
from causalopt import System, variables
from causalopt.study import Study
a, b = variables("a b")
print("a model that prints")
system = System({a: a / 2 + b, b: a / 4}, start={a: 1, b: 0})
study = Study(name="mine", title="Mine", source=__file__, system=system)
"""


def processes_under(parent):
    """The processes that have this parent, and are no remains."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def is_gone(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def asked(link, **said):
    return httpx.post(link + "ask", content=json.dumps(said), timeout=60)


def test_only_those_who_have_the_link_are_served(thermostat_link):
    port = urlsplit(thermostat_link).port
    own = f"http://127.0.0.1:{port}"
    assert httpx.get(thermostat_link).status_code == 200
    for url, headers in (
        (f"{own}/", {}),
        (f"{own}/wrong/", {}),
        (f"{own}/wrong/facts", {}),
        (thermostat_link, {"host": "evil.example"}),
        (thermostat_link, {"host": f"evil.example:{port}"}),
        (thermostat_link, {"origin": "http://evil.example"}),
        (thermostat_link, {"origin": "null"}),
        (thermostat_link, {"sec-fetch-site": "cross-site"}),
        (thermostat_link + "facts", {"origin": f"http://127.0.0.1:{port + 1}"}),
    ):
        assert httpx.get(url, headers=headers).status_code == 403, (url, headers)
    assert asked(thermostat_link, do="facts").status_code == 200
    for folder in ("../", "..%2f", "%2e%2e/", "page/../"):
        assert httpx.get(thermostat_link + folder + "answers.py").status_code in (403, 404)


def test_every_answer_keeps_out_what_is_from_elsewhere(thermostat_link):
    for url in (thermostat_link, thermostat_link + "main.js", thermostat_link + "nothing",
                thermostat_link.rsplit("/", 2)[0] + "/wrong/"):  # fmt: skip
        headers = httpx.get(url).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_no_file_of_the_page_has_script_or_style_inside():
    from causalopt.explorer.files import page_files

    files = page_files()
    html = files["index.html"].content.decode()
    assert "style=" not in html
    assert "<style" not in html
    assert "></script>" in html
    scripts = [f.content.decode() for name, f in files.items() if name.endswith(".js")]
    for risky in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                  "http://", "https://"):  # fmt: skip
        found = [
            text for text in scripts if risky in text.replace("http://www.w3.org/2000/svg", "")
        ]
        assert not found, risky
    assert sum(len(f.content) for f in files.values()) < 1_500_000


def test_it_listens_on_this_machine_alone():
    from causalopt.explorer.running import listening

    with listening(0) as own:
        assert own.getsockname()[0] == "127.0.0.1"
        with pytest.raises(FileError, match="Leave --port out"), listening(own.getsockname()[1]):
            pass


def test_answers_are_sent_at_once():
    # Else each waits until its first part has been acknowledged: 40 ms of every move.
    from causalopt.explorer.running import listening

    async def is_sent_at_once():
        told = asyncio.get_running_loop().create_future()

        def connected(reader, writer):
            own = writer.get_extra_info("socket")
            told.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with listening(0) as own:
            async with await asyncio.start_server(connected, sock=own):
                _, writer = await asyncio.open_connection(*own.getsockname())
                writer.close()
                return await told

    assert in_a_loop(is_sent_at_once())


def test_a_port_that_is_taken_is_told(thermostat_link):
    taken = str(urlsplit(thermostat_link).port)
    command = [sys.executable, "-m", "causalopt", "explore", "divided_network", "--port", taken]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Port {taken} cannot be used" in done.stderr


def test_a_request_that_is_none_is_refused(thermostat_link):
    for content in (b"", b"[]", b"{", b"x" * 100_000, b"\xff\xfe"):
        assert httpx.post(thermostat_link + "ask", content=content).status_code == 400


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_every_process_that_it_started(how):
    with exploring("divided_network") as (process, link):
        asked(link, do="answer", address="", page="p")
        children = processes_under(process.pid)
        assert children
        process.send_signal(how)
        process.wait(10)
        end = time.monotonic() + 10
        while not all(map(is_gone, children)) and time.monotonic() < end:
            time.sleep(0.05)
        assert all(map(is_gone, children))


SLOW = """
import pathlib, time
from causalopt import System, variables
from causalopt.study import Claim, Study
a, b = variables("a b")
def slowly():
    pathlib.Path(__file__).with_name("begun").touch()
    time.sleep(60)
system = System({a: a / 2 + b, b: a / 4}, start={a: 1, b: 0})
claims = (Claim("slow", "s", 1.0, slowly),)
study = Study(name="mine", title="Mine", source="here", system=system, claims=claims)
"""


def test_it_ends_without_a_word_in_the_middle_of_an_answer(tmp_path):
    """What waits is dropped as a newer request drops it: no error, and no trace of one."""
    model = tmp_path / "mine.py"
    model.write_text(SLOW)
    with exploring(model, "--trust") as (process, link), ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(asked, link, do="claim", number=0, page="p")
        while not (tmp_path / "begun").exists():
            time.sleep(0.02)
        children = processes_under(process.pid)
        assert children
        process.send_signal(signal.SIGINT)
        answer = waiting.result(10)
        assert (answer.status_code, answer.json()) == (200, {"dropped": True})
        assert process.wait(10) == 130
        assert process.stderr.read() == ""
        assert all(map(is_gone, children))


def test_a_program_is_run_only_where_it_is_trusted(tmp_path):
    model = tmp_path / "mine.py"
    model.write_text(MODEL + "open('ran', 'w').close()\n")
    command = [sys.executable, "-m", "causalopt", "explore", str(model), "--no-browser"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "--trust" in done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A model that is a program, the process that serves it, and its link."""
    model = tmp_path_factory.mktemp("served") / "mine.py"
    model.write_text(MODEL)
    with exploring(model, "--trust") as (process, link):
        yield model, process, link


def test_no_folder_of_this_machine_is_on_a_page(mine):
    model, _, link = mine
    told = httpx.get(link + "facts").text
    told += asked(link, do="code", address="", page="c").text
    told += asked(link, do="answer", address="n=nothing", page="a").text
    assert str(model.parent) not in told
    assert "mine.py" in told


def test_a_worker_that_is_killed_is_told_and_replaced(mine):
    _, process, link = mine
    (worker,) = processes_under(process.pid)
    os.kill(worker, signal.SIGKILL)
    told = asked(link, do="answer", address="", page="p").json()
    assert "Another one has begun" in told["fault"]
    told = asked(link, do="answer", address="", page="p").json()
    assert told["verdict"]["value"]


@pytest.mark.parametrize(
    ("words", "told"),
    [(["nothing"], "There is no model"), (["derive_current"], "nothing to explore"),
     (["./no.toml"], "There is no model file")],
)  # fmt: skip
def test_what_cannot_be_explored_is_told(words, told):
    command = [sys.executable, "-m", "causalopt", "explore", *words, "--no-browser"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
