"""A server of its own for tests, and the browser that is installed, if one is."""

import asyncio
import contextlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from causalopt.explorer.exporting import exported, write
from causalopt.study import load_model

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def exploring(model, *options):
    """The command at work on a model: (its process, the link that it prints)."""
    command = [sys.executable, "-m", "causalopt", "explore", str(model), "--no-browser", *options]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            lines = iter(process.stdout.readline, "")
            found = (re.search(r"http://\S+", line) for line in lines)
            link = next((match[0] for match in found if match), None)
            assert link, process.stderr.read()
            yield process, link
        finally:
            process.kill()
            process.stdout.close()
            process.stderr.close()


def in_a_loop(work):
    """What a coroutine gives, in a thread of its own: a browser has a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def browser():
    """The browser; nothing that it does may leave this machine."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the extra `test` brings it")
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


# A server takes seconds to start, and no page changes what it serves: whoever asks the same model
# asks the same server.
@pytest.fixture(scope="session")
def thermostat_link():
    """The link of the page of the continuous thermostat."""
    with exploring("continuous_thermostat") as (_, link):
        yield link


@pytest.fixture(scope="session")
def hidden_link():
    """The link of the page of the thermostat that is to be found among others."""
    with exploring("find_the_thermostat") as (_, link):
        yield link


@pytest.fixture(scope="session")
def dumb_link():
    """The link of the page of the dumb thermostat."""
    with exploring("dumb_thermostat") as (_, link):
        yield link


class Seen:
    """A page, and what went wrong or went elsewhere while it was open."""

    def __init__(self, browser, link, width=1200, height=900):
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.wrong, self.elsewhere = [], []
        # A page of a server may ask this; one that is a file nobody: it is itself all there is.
        self.own = (
            (link.partition("#")[0], "blob:null/")
            if link.startswith("file:")
            else ("http://127.0.0.1:", "blob:http://127.0.0.1:")
        )
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._requested)
        self.page.goto(link)
        self.page.wait_for_selector("figure")
        self.page.wait_for_selector(".node, #graph .note")

    def _requested(self, request):
        if not request.url.startswith(self.own):
            self.elsewhere.append(request.url)

    def settled(self, address):
        """Wait until what this part of an address asks is drawn."""
        self.page.wait_for_function(
            "part => (document.documentElement.dataset.address || '').includes(part)", arg=address
        )

    @property
    def op(self):
        """Op in all digits, as the page shows it."""
        return self.page.get_attribute("#digits", "data-op")

    def close(self):
        """Close it, before the server ends; a second time nothing is left to be done."""
        self.page.close()
        assert not self.wrong
        assert not self.elsewhere


@pytest.fixture
def seen(browser):
    """Opens pages, and looks at the end that nothing went wrong or elsewhere."""
    opened = []

    def open_page(link, **size):
        opened.append(Seen(browser, link, **size))
        return opened[-1]

    yield open_page
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def thermostat(tmp_path_factory):
    """The path of the page of the continuous thermostat, over five values of k."""
    path = tmp_path_factory.mktemp("export") / "page.html"
    study = load_model("continuous_thermostat")
    write(exported(study, "continuous_thermostat", ["k=0:0.02:5"]), path)
    return path
