"""How long a page of the explorer waits for its curves after a value is moved, on this machine.

    python benchmarks/slider.py continuous_thermostat "" p.k
    python benchmarks/slider.py lorenz "n=b[0]&A=a&m=b&steps=10000" p.sigma
    python benchmarks/slider.py species "" p.r       # 30 species, made for this
    python benchmarks/slider.py mine.py "" p.k       # a model file, which is run

Says the median over so many moves, of the server's answer and of the page: from the value that is
moved to the picture with the new curves, in a headless browser.
"""

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from playwright.sync_api import sync_playwright

sys.path.insert(0, ".")
from benchmarks.species import species_model
from tests.explorer.conftest import CHROMIUM, FLAGS, exploring

MOVES = 40
# From the value that is set to the frame after its curves were drawn.
MOVE = """([key, value]) => new Promise((done) => {
    const field = document.getElementById(`slider-${key}`), begin = performance.now();
    new MutationObserver((_, seen) => {
        seen.disconnect();
        requestAnimationFrame(() => done(performance.now() - begin));
    }).observe(document.documentElement, { attributes: true, attributeFilter: ["data-address"] });
    field.value = value;
    field.dispatchEvent(new Event("input"));
})"""


@contextlib.contextmanager
def found(model: str) -> Iterator[str]:
    """The model as the command is told it; the species are written as a file."""
    if model != "species":
        yield model
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "species.toml"
        path.write_text(species_model(), encoding="utf-8")
        yield str(path)


def main(model: str, address: str, key: str) -> None:
    """Print the medians for one model."""
    with (
        found(model) as named,
        exploring(named, *(["--trust"] if named.endswith(".py") else [])) as (_, link),
        sync_playwright() as driver,
        httpx.Client(timeout=60) as client,
    ):
        slider = next(s for s in client.get(link + "facts").json()["sliders"] if s["key"] == key)
        values = [slider["value"] * (1 + 0.002 * move) for move in range(1, MOVES + 1)]
        asked = [f"{address}&{key}={value}".lstrip("&") for value in values]
        answers = []
        for one in (asked[0], *asked):
            begin = time.perf_counter()
            client.post(link + "ask", json={"do": "answer", "address": one, "page": "b"})
            answers.append(time.perf_counter() - begin)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page()
        page.goto(f"{link}#{address}" if address else link)
        page.wait_for_selector(".node")
        waited = [page.evaluate(MOVE, [key, f"{v:.6g}"]) for v in values]
        browser.close()
    print(f"{model}, {address or 'as it opens'}: {key} moved {MOVES} times")
    print(f"    answered after {1000 * statistics.median(answers[1:]):.0f} ms (median)")
    print(
        f"    drawn after {statistics.median(waited):.0f} ms (median), {max(waited):.0f} ms at most"
    )


if __name__ == "__main__":
    main(*sys.argv[1:4])
