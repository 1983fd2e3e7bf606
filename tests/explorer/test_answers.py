"""What a page is told is what the package's public functions give, and so is the script."""

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.species import species_model
from causalopt import System, op, run, tangents, variables
from causalopt.explorer.charts import thinned
from causalopt.explorer.discretion import discreet
from causalopt.explorer.serving import Subject, served
from causalopt.explorer.words import times_as_text
from causalopt.study import Study, load_model, model_files

PLACES = {
    "continuous_thermostat": "p.k=0.02&s.R=30&steps=200",
    "lorenz": "n=b[0]&A=a&m=b&steps=4000&p.sigma=9.5&s.b=1.5",  # compiled: moved values are swept
    "divided_network": "s.b1=0.7",
    "pit": "seed=3&steps=40",
    "saturating_thermostat": "delta=0.5&steps=100",
    "dumb_thermostat": "s.R=cold&steps=20",
}


@pytest.fixture(scope="module", params=PLACES)
def place(request):
    """A model of the package, as a page asks it, and what is asked of it."""
    subject = Subject.of(load_model(request.param), request.param)
    return subject, {"do": "answer", "address": PLACES[request.param]}


def test_the_script_computes_what_is_shown(place):
    subject, request = place
    told = served(subject, request)
    code = served(subject, {**request, "do": "code"})["script"]
    scope = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, scope)
    if "strength" in scope:
        assert repr(float(np.ravel(scope["strength"].values)[-1])) == told["verdict"]["value"]
    else:  # named values have no differences, and so no Op
        assert told["verdict"]["tone"] == "unknown"
    shown = {chart["key"]: chart for chart in told["charts"]}
    assert not any(chart["fault"] for chart in shown.values())
    for key, data in (("worlds", scope["worlds"]), ("differences", scope.get("differences"))):
        if data is None or key not in shown or not subject.model.has_time:
            continue
        name = told["asked"]["show"]
        for trace in shown[key]["traces"]:
            values = data[name].sel(world=trace["role"])
            kept = values.sel(time=list(shown[key]["x"]))
            assert trace["values"] == kept.values.tolist()


def test_what_is_told_is_json_that_every_browser_reads(place):
    subject, request = place
    for what in ("facts", "answer", "graph", "code"):
        json.dumps(served(subject, {**request, "do": what}), allow_nan=False)


def test_the_numbers_are_those_of_op_run_and_tangents():
    model = load_model("continuous_thermostat").system
    subject = Subject.of(load_model("continuous_thermostat"), "continuous_thermostat")
    told = served(subject, {"do": "answer", "address": "n=R[0]&A=T&m=R&steps=100"})
    T, R = model.find("T"), model.find("R")
    worlds, differences, strength = (chart["traces"] for chart in told["charts"])
    assert strength[0]["values"] == op(model, A=T, n=R[0], m=R, steps=100).values.tolist()
    W = model.world(steps=100)
    X = W.perturb(R[0])
    exact = tangents(X, X.clamp(T, to=W), labels=["X", "Y"]).R
    assert [t["values"] for t in differences] == exact.values.tolist()
    X = W.perturb(R[0], by=4.0)
    assert [t["values"] for t in worlds] == run(W, X, X.clamp(T, to=W)).R.values.tolist()


def test_the_first_question_is_the_one_with_an_answer():
    subject = Subject.of(load_model("find_the_thermostat"), "find_the_thermostat")
    assert (subject.opening.A, subject.opening.n, subject.opening.m) == (("T",), "R[0]", "R")


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=400),
       st.integers(1, 30))  # fmt: skip
def test_thinning_loses_no_peak(values, parts):
    line = np.array(values)
    places = thinned([line], parts)
    assert {0, len(line) - 1} <= set(places.tolist())
    assert len(places) <= 2 * parts + 2
    if np.isfinite(line).any():
        assert np.nanmax(line[places]) == np.nanmax(line)
        assert np.nanmin(line[places]) == np.nanmin(line)


def test_a_model_that_fails_is_told_where_the_curve_would_stand():
    (a,) = variables("a")
    b = variables("b")[0]
    runaway = System({a: a**2 + b, b: b / 2}, start={a: 1.0, b: 0.5})
    subject = Subject.of(Study(name="r", title="r", source="r", system=runaway), "r.py")
    told = served(subject, {"do": "answer", "address": "n=a[0]&A=b&m=a&steps=50"})
    faults = [chart["fault"] for chart in told["charts"]]
    assert all("finite" in fault for fault in faults)
    assert told["verdict"]["tone"] == "unknown"
    fine = served(subject, {"do": "answer", "address": "n=a[0]&A=b&m=a&steps=3"})
    assert not any(chart["fault"] for chart in fine["charts"])


@pytest.mark.parametrize("request_", [{}, {"do": "no"}, {"do": "answer", "address": "x=1"},
                                      {"do": "graph", "steps": 10**6}])  # fmt: skip
def test_what_cannot_be_served_is_told(request_):
    subject = Subject.of(load_model("divided_network"), "divided_network")
    told = served(subject, request_)
    assert "fault" in told
    # A network has no steps: its graph is the one that there is.
    assert told["fault"] or request_["do"] == "graph"


def test_no_folder_of_this_machine_is_told():
    assert discreet("/srv/models/c.py: no") == "c.py: no"
    assert discreet(r"C:\Users\me\room.py fails") == "room.py fails"


def test_times_are_said_as_people_say_them():
    assert times_as_text(10.143165859040737) == "25,400 times"
    assert times_as_text(-0.01).endswith("%")


@pytest.mark.long
def test_thirty_species_are_asked_like_any_other_model(tmp_path):
    """The model by which benchmarks/slider.py measures large ones."""
    (tmp_path / "species.toml").write_text(species_model())
    subject = Subject.of(load_model(str(tmp_path / "species.toml")), "species.toml")
    assert len(subject.model.variables) == 30
    told = served(subject, {"do": "answer", "address": "steps=20&p.r=1.1"})
    assert not any(chart["fault"] for chart in told["charts"])
    assert told["verdict"]["value"]


def test_worlds_are_drawn_where_n_is_held_and_y_is_w():
    """A model of one variable has nothing else to hold: that there is no Op is told of it alone."""
    subject = Subject.of(load_model("many_small_steps"), "many_small_steps")
    told = served(subject, {"do": "answer", "address": "n=W[0]&A=W&m=W&steps=20"})
    worlds, differences, strength = told["charts"]
    assert [trace["name"] for trace in worlds["traces"]] == ["W", "X", "Y"]
    w, x, y = (trace["values"] for trace in worlds["traces"])
    assert w == y != x
    assert not differences["fault"]
    assert "n = W[0] lies inside A" in strength["fault"]


@pytest.mark.parametrize("address", ["", "delta=0.1&steps=20", "s.W=3&steps=4000"])
def test_a_model_of_one_variable_opens_with_a_nudge_and_says_that_nothing_else_is_there(address):
    subject = Subject.of(load_model("many_small_steps"), "many_small_steps")
    assert (subject.opening.n, subject.opening.A, subject.opening.m) == ("W[0]", (), "W")
    told = served(subject, {"do": "answer", "address": address})
    assert told["verdict"]["sentence"] == "W is all there is: no other part could steer it."
    worlds, differences, strength = told["charts"]
    assert [trace["name"] for trace in worlds["traces"]] == ["W", "X"]
    assert [trace["name"] for trace in differences["traces"]] == ["x − w"]
    assert [strength["traces"], strength["fault"]] == [(), ""]
    scope = {}
    code = served(subject, {"do": "code", "address": address})["script"]
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, scope)
    shown = scope["worlds"].W.sel(time=list(worlds["x"]))
    assert [trace["values"] for trace in worlds["traces"]] == shown.values.tolist()
    # What could only be refused is not offered.
    facts = served(subject, {"do": "facts"})
    assert [facts["parts"], facts["axes"]] == [False, []]


def test_where_nothing_is_held_the_nudge_is_still_drawn():
    subject = Subject.of(load_model("continuous_thermostat"), "continuous_thermostat")
    told = served(subject, {"do": "answer", "address": "A=&steps=9"})
    assert told["verdict"]["sentence"] == "Nothing is held yet."
    assert "Choose what is held" in told["verdict"]["meaning"]
    assert [len(chart["traces"]) for chart in told["charts"]] == [2, 1, 0]
    network = Subject.of(load_model("divided_network"), "divided_network")
    worlds, _ = served(network, {"do": "answer", "address": "A="})["charts"]
    assert [trace["name"] for trace in worlds["traces"]] == ["W", "X"]


def test_of_named_values_the_sentence_says_what_is_missing_in_words():
    subject = Subject.of(load_model("dumb_thermostat"), "dumb_thermostat")
    verdict = served(subject, {"do": "answer"})["verdict"]
    assert verdict["sentence"] == "Op is of numbers, and R has names."
    assert "run(" not in verdict["meaning"]


def test_a_model_in_which_all_passes_through_the_only_other_part_opens_with_it_held():
    """x hears u alone: no pair has a finite Op, and n is not held."""
    x, u = variables("x u")
    system = System({x: u, u: x / 2}, start={x: 1, u: 1})
    opening = Subject.of(Study(name="r", title="r", source="r", system=system), "r.py").opening
    assert opening.A
    assert opening.n != f"{opening.A[0]}[0]"


def test_in_steps_of_no_fixed_length_what_has_a_rate_is_nudged():
    """An equation holds at each moment: where a moment has no length, a nudge of it is refused."""
    x, u = variables("x u")
    system = System.from_ode(
        {x: u - x}, algebraic={u: 2 - x / 2}, start={x: 1}, dt=0.1, method="auto", tolerance=1e-6
    )
    subject = Subject.of(Study(name="r", title="r", source="r", system=system), "r.py")
    assert (subject.opening.n, subject.opening.A, subject.opening.m) == ("x[0]", ("u",), "x")
    charts = served(subject, {"do": "answer", "address": "steps=5"})["charts"]
    assert [chart["fault"] for chart in charts] == ["", "", ""]


def test_a_difference_that_is_lost_in_rounding_is_not_taken_for_none():
    subject = Subject.of(load_model("continuous_thermostat"), "continuous_thermostat")
    for delta, lost in (("1e-300", "lost beside R[0] = 35"), ("1e-14", "lost in the digits of R")):
        verdict = served(subject, {"do": "answer", "address": f"delta={delta}"})["verdict"]
        assert lost in verdict["meaning"]
        assert "does not depend" not in verdict["meaning"]


@pytest.mark.long
@pytest.mark.parametrize("name", model_files())
def test_every_model_of_the_package_opens_with_words_and_curves_and_no_fault(name):
    study = load_model(name)
    if study.system is None:
        pytest.skip("it declares no system")
    subject = Subject.of(study, name)
    told = served(subject, {"do": "answer"})
    assert told["verdict"]["sentence"] not in ("", "There is no answer to this question.")
    assert [chart["fault"] for chart in told["charts"]] == [""] * len(told["charts"])
    assert served(subject, {"do": "graph"})["nodes"]
    # What is offered can be asked: a landscape has numbers, where there is one.
    facts = served(subject, {"do": "facts"})
    if facts["axes"]:
        over = "&".join(f"along={key}" for key in facts["along"])
        found = served(subject, {"do": "landscape", "address": over, "places": 2})
        assert "fault" not in found or "at no place" in found["fault"]
