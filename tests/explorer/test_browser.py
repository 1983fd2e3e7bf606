"""The page in a real browser: by pointer, by keys, in a narrow window, and by its link."""

import pytest

from causalopt import op
from causalopt.study import load_model
from tests.explorer.conftest import Seen, exploring


def strength(A, n, m, steps=1000, **moved):
    """Op of the thermostat at the last step, as Python prints it."""
    model = load_model("continuous_thermostat").system
    named = {str(parameter): parameter for parameter in model.parameters}
    model = model.with_parameters({named[k]: v for k, v in moved.items()})
    return repr(op(model, A=[model.find(a) for a in A], n=model.find(n), m=model.find(m),
                   steps=steps).values[-1].item())  # fmt: skip


def test_the_answer_stands_at_the_top(seen, thermostat_link):
    page = seen(thermostat_link)
    assert page.page.inner_text("#sentence") == "T steers R: Op = 10.14 nats at t = 1000."
    assert page.op == strength(["T"], "R[0]", "R")
    assert page.op in page.page.inner_text("#digits")


def test_n_A_and_m_are_chosen_by_clicking(seen, thermostat_link):
    page = seen(thermostat_link)
    page.page.click('.node[data-name="T"]')
    page.settled("n=T%5B0%5D")
    page.page.click('.node[data-name="R"]', modifiers=["Shift"])
    page.settled("A=R")
    page.page.click('.node[data-name="T"]', modifiers=["Alt"])
    page.settled("m=T")
    assert page.op == strength(["R"], "T[0]", "T")
    roles = page.page.get_attribute('.node[data-name="T"]', "class")
    assert "role-n" in roles
    assert "role-m" in roles


def test_the_keyboard_alone_can_do_it(seen, thermostat_link):
    page = seen(thermostat_link)
    keys = page.page.keyboard
    for _ in range(40):
        keys.press("Tab")
        name = page.page.evaluate("document.activeElement.dataset.name")
        if name == "T":
            break
    assert name == "T"
    keys.press("n")
    page.settled("n=T%5B0%5D")
    assert page.page.evaluate("document.activeElement.dataset.name") == "T"
    keys.press("m")
    page.settled("m=T")
    keys.press("Tab")
    assert page.page.evaluate("document.activeElement.dataset.name") == "R"
    keys.press("a")
    page.settled("A=R")
    assert page.op == strength(["R"], "T[0]", "T")
    page.page.focus("#slider-p\\.k")
    keys.press("ArrowRight")
    page.settled("p.k=0.0101")
    assert page.op == strength(["R"], "T[0]", "T", k=0.0101)


def test_a_slider_moves_op_and_the_link_brings_it_back(seen, thermostat_link):
    page = seen(thermostat_link)
    page.page.eval_on_selector(
        "#slider-p\\.k",
        "field => { field.value = '0.015'; field.dispatchEvent(new Event('input')); }",
    )
    page.settled("p.k=0.015")
    assert page.op == strength(["T"], "R[0]", "R", k=0.015)
    again = seen(page.page.url)
    again.settled("p.k=0.015")
    assert again.op == page.op
    assert again.page.input_value("#slider-p\\.k") == "0.015"


def test_the_pointer_reads_values(seen, thermostat_link):
    page = seen(thermostat_link)
    plot = page.page.locator('figure[data-chart="op"] svg.plot')
    plot.focus()
    page.page.keyboard.press("Home")
    assert page.page.inner_text('figure[data-chart="op"] output').split() == [
        "t",
        "=",
        "0",
        "Op",
        "0",
    ]
    plot.hover(position={"x": 300, "y": 80})
    read = page.page.inner_text('figure[data-chart="op"] output')
    assert "t = 0 " not in read


def test_a_narrow_window_is_wide_enough(seen, thermostat_link):
    page = seen(thermostat_link, width=400, height=800)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.page.is_visible("#controls")


def test_a_stale_link_is_told_and_the_page_goes_on(seen, thermostat_link):
    page = seen(thermostat_link)
    page.page.evaluate("location.hash = 'p.q=1'")
    page.page.wait_for_function("() => meaning.textContent.includes('q is no')")
    page.page.evaluate("location.hash = 'p.k=0.02'")
    page.settled("p.k=0.02")
    assert page.op == strength(["T"], "R[0]", "R", k=0.02)


def test_the_code_is_shown(seen, thermostat_link):
    page = seen(thermostat_link)
    page.page.click("text=Copy as Python")
    page.page.wait_for_selector("pre.code:not([hidden])")
    assert "load_model('continuous_thermostat')" in page.page.inner_text("pre.code")


def test_the_unrolled_graph_has_nodes_to_choose(seen, thermostat_link):
    page = seen(thermostat_link)
    page.page.check('input[name="unrolled"]')
    page.page.click('.node[data-name="R[2]"]')
    page.settled("n=R%5B2%5D")
    assert page.op == strength(["T"], "R[2]", "R")


@pytest.mark.long
def test_ten_pages_at_once_and_one_that_closes_in_the_middle(browser, thermostat_link):
    values = [0.005 + 0.001 * i for i in range(10)]
    pages = [Seen(browser, f"{thermostat_link}#p.k={value}") for value in values]
    pages[0].page.evaluate("location.hash = 'p.k=0.03&steps=100000'")
    pages[0].page.close()
    for page, value in zip(pages[1:], values[1:], strict=True):
        page.settled(f"p.k={value!r}")
        assert page.op == strength(["T"], "R[0]", "R", k=value)
        page.close()


def test_reload_and_back_bring_it_back_and_two_tabs_have_one_each(browser, thermostat_link):
    one = Seen(browser, f"{thermostat_link}#p.k=0.015")
    one.settled("p.k=0.015")
    strong = strength(["T"], "R[0]", "R", k=0.015)
    one.page.reload()
    one.settled("p.k=0.015")
    assert one.op == strong
    one.page.goto("about:blank")
    one.page.go_back()
    one.settled("p.k=0.015")
    assert one.op == strong
    with one.page.context.expect_page() as opening:
        one.page.evaluate(f"window.open({thermostat_link!r} + '#p.k=0.005')")
    other = opening.value
    weak = strength(["T"], "R[0]", "R", k=0.005)
    other.wait_for_function("op => document.getElementById('digits').dataset.op === op", arg=weak)
    assert one.op == strong
    one.close()


# a grows by a factor; c, where it starts at more than one, by more at each step.
GROWING = """
title = "Growing"
source = "here"
[variables.a]
next = "-60*a + b"
start = 1
[variables.b]
next = "a/2"
start = 1
[variables.c]
next = "c**2 + d"
start = 0.1
[variables.d]
next = "d/2"
start = 0.1
"""
# How many texts of the curves end beyond them, and how many lie upon another one.
CROWDED = """() => [...document.querySelectorAll('svg.plot')].reduce(([out, upon], svg) => {
    const whole = svg.getBoundingClientRect();
    const boxes = [...svg.querySelectorAll('text')].map((text) => text.getBoundingClientRect());
    const apart = (a, b) => a.right <= b.left || b.right <= a.left
        || a.bottom <= b.top || b.bottom <= a.top;
    const isUpon = (box, i) => boxes.slice(0, i).some((other) => !apart(box, other));
    return [out + boxes.filter((box) => box.left < whole.left || box.right > whole.right).length,
        upon + boxes.filter(isUpon).length];
}, [0, 0])"""


@pytest.fixture(scope="module")
def growing_link(tmp_path_factory):
    path = tmp_path_factory.mktemp("growing") / "growing.toml"
    path.write_text(GROWING)
    with exploring(path) as (_, link):
        yield link


@pytest.mark.sampled(3)
@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("steps", [100, 1000])
def test_the_numbers_beside_curves_are_inside_and_apart(
    seen, growing_link, thermostat_link, width, steps
):
    page = seen(f"{thermostat_link}#steps={steps}", width=width)
    page.settled(f"steps={steps}")
    assert page.page.evaluate(CROWDED) == [0, 0]
    grown = seen(f"{growing_link}#n=a[0]&A=b&m=a&steps=100", width=width)
    grown.settled("steps=100")
    assert grown.page.evaluate(CROWDED) == [0, 0]


def test_a_run_that_leaves_the_numbers_is_told_where_the_curve_would_stand(seen, growing_link):
    page = seen(growing_link + "#n=c[0]&A=d&m=c&steps=50&s.c=2")
    page.settled("s.c=2")
    assert page.page.locator("figure .fault").count() == 3
    assert "finite" in page.page.locator("figure .fault").first.inner_text()
    page.page.fill('input[type="number"][data-key="s.c"]', "0.1")
    page.settled("s.c=0.1")
    assert page.page.locator("figure .fault").count() == 0
