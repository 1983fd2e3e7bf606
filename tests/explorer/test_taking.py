"""What is taken away from the page opens again, and holds what was on the screen."""

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import xarray as xr
from PIL import Image

from causalopt import op, run, tangents
from causalopt.explorer.serving import Subject
from causalopt.explorer.taking import as_netcdf, dataset_of
from causalopt.study import load_model

httpx = pytest.importorskip("httpx", reason="the extra `test` brings it")


def opened(content):
    with xr.open_dataset(io.BytesIO(content), engine="h5netcdf") as data:
        return data.load()


def test_the_numbers_are_served_to_those_who_have_the_link(thermostat_link):
    address = "n=R[0]&A=T&m=R&steps=50&p.k=0.02"
    answer = httpx.get(f"{thermostat_link}data?{address}", timeout=60)
    assert answer.headers["content-type"] == "application/x-netcdf"
    data = opened(answer.content)
    model = load_model("continuous_thermostat").system
    named = {str(parameter): parameter for parameter in model.parameters}
    model = model.with_parameters({named["k"]: 0.02})
    T, R = model.find("T"), model.find("R")
    W = model.world(steps=50)
    X = W.perturb(R[0], by=4.0)
    np.testing.assert_array_equal(data.worlds, run(W, X, X.clamp(T, to=W)).R)
    X = W.perturb(R[0])
    exact = tangents(X, X.clamp(T, to=W), labels=["X", "Y"]).R
    np.testing.assert_array_equal(data.differences, exact)
    np.testing.assert_array_equal(data.op, op(W, A=T, n=R[0], m=R))
    assert data.op.attrs["units"] == "nat"
    assert data.attrs["nudge"] == "R[0] is moved by 4 in X"
    assert "p.k=0.02" in data.attrs["question"]
    wrong = thermostat_link.rsplit("/", 2)[0] + "/wrong/data?" + address
    assert httpx.get(wrong).status_code == 403
    refused = httpx.get(f"{thermostat_link}data?n=Q", timeout=60)
    # In words, as all answers: of an error a browser would complain beside them.
    assert refused.headers["content-type"] == "application/json"
    assert "Q is not a variable" in refused.json()["fault"]
    # Where nothing is held there are W and X, and what the nudge does.
    free = opened(httpx.get(f"{thermostat_link}data?A=&steps=50", timeout=60).content)
    assert set(free.data_vars) == {"worlds", "differences"}
    assert free.world.values.tolist() == ["W", "X"]


@pytest.mark.parametrize(
    ("name", "address", "held"),
    [
        ("divided_network", "", {"worlds", "op"}),
        ("dumb_thermostat", "", {"worlds"}),
        ("saturating_thermostat", "delta=0.5&steps=20", {"worlds", "op"}),
        ("pit", "steps=20&draws=3", {"worlds", "differences", "op"}),
        ("continuous_thermostat", "m=R[5]&steps=20", {"worlds", "differences", "op"}),
    ],
)
def test_what_a_model_has_not_is_not_in_the_file(name, address, held):
    subject = Subject.of(load_model(name), name)
    data = dataset_of(subject.setting({"address": address}))
    assert set(data.data_vars) == held
    again = opened(as_netcdf(data))
    for key in held:
        np.testing.assert_array_equal(again[key].values, data[key].values)


def test_every_button_gives_a_file_that_opens(seen, thermostat_link, tmp_path):
    page = seen(thermostat_link)
    downloads = []
    page.page.on("download", lambda one: downloads.append(one))

    def saved(words, count):
        downloads.clear()
        page.page.click(f"text={words}")
        for _ in range(100):
            if len(downloads) == count:
                break
            page.page.wait_for_timeout(50)
        paths = [tmp_path / one.suggested_filename for one in downloads]
        for one, path in zip(downloads, paths, strict=True):
            one.save_as(path)
        return paths

    (numbers,) = saved("Numbers as netCDF", 1)
    assert repr(opened(numbers.read_bytes()).op.values[-1].item()) == page.op
    drawings = saved("Curves as SVG", 4)
    assert {p.stem for p in drawings} == {"graph", "worlds", "differences", "op"}
    for path in drawings:
        root = ET.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert root.find(".//{http://www.w3.org/2000/svg}path") is not None
    for path in saved("Curves as PNG", 4):
        with Image.open(path) as image:
            image.load()
            assert image.width > 200
            assert len(image.convert("RGB").getcolors(1 << 20)) > 2  # something is drawn on it


def test_a_lasso_holds_what_lies_inside(seen, hidden_link):
    page = seen(hidden_link)
    before = page.page.locator(".canvas .node.role-A").evaluate_all(
        "all => all.map(e => e.dataset.name)"
    )
    assert before == ["T"]
    boxes = {
        name: page.page.locator(f'.canvas .node[data-name="{name}"] > :first-child').bounding_box()
        for name in ("season", "weather", "R")
    }
    left = boxes["season"]["x"] - 6
    right = boxes["weather"]["x"] + boxes["weather"]["width"] + 4
    top, low = boxes["season"]["y"] - 6, boxes["season"]["y"] + boxes["season"]["height"] + 6
    mouse = page.page.mouse
    page.page.keyboard.down("Shift")
    mouse.move(left, low)
    mouse.down()
    for x, y in ((left, top), (right, top), (right, low), (left, low)):
        mouse.move(x, y, steps=4)
    assert page.page.locator(".lasso").count() == 1
    mouse.up()
    page.page.keyboard.up("Shift")
    page.settled("A=season")
    assert page.page.locator(".lasso").count() == 0
    held = page.page.evaluate("new URLSearchParams(location.hash.slice(1)).getAll('A')")
    assert set(held) == {"T", "season", "weather"}
    # About all: what is nudged and looked at is left out.
    box = page.page.locator("svg.graph").bounding_box()
    page.page.keyboard.down("Shift")
    mouse.move(box["x"] + 2, box["y"] + 2)
    mouse.down()
    for x, y in ((1, 0), (1, 1), (0, 1)):
        mouse.move(box["x"] + 2 + x * (box["width"] - 4), box["y"] + 2 + y * (box["height"] - 90))
    mouse.up()
    page.page.keyboard.up("Shift")
    page.settled("A=observer")
    held = page.page.evaluate("new URLSearchParams(location.hash.slice(1)).getAll('A')")
    assert "R" not in held
    assert len(held) == 6
