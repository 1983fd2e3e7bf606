"""Models in other people's formats, as a user of the terminal types their paths."""

import re

import numpy as np
import pytest
import xarray as xr

from causalopt.study import load_model
from causalopt.study.foreign import FORMATS, SBML_TIME

BIF = """network lawn { }
variable rain { type discrete [ 2 ] { yes, no }; }
variable wet { type discrete [ 2 ] { yes, no }; }
probability ( rain ) { table 0.5, 0.5; }
probability ( wet | rain ) { (yes) 0.75, 0.25; (no) 0.250, 0.749; }
"""
XMLBIF = """<BIF VERSION="0.3"><NETWORK><NAME>coin</NAME>
<VARIABLE TYPE="nature"><NAME>coin</NAME><OUTCOME>heads</OUTCOME><OUTCOME>tails</OUTCOME>
</VARIABLE><DEFINITION><FOR>coin</FOR><TABLE>0.25 0.75</TABLE></DEFINITION></NETWORK></BIF>
"""
SBML = """<sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4"><model>
<listOfParameters><parameter id="x" value="1" constant="false"/></listOfParameters>
<listOfRules><rateRule variable="x"><math xmlns="http://www.w3.org/1998/Math/MathML">
<apply><minus/><ci>x</ci></apply></math></rateRule></listOfRules></model></sbml>
"""
FILES = {"lawn.bif": BIF, "coin.xml": XMLBIF, "coin.xmlbif": XMLBIF, "LAWN.BIF": BIF}


def test_a_file_is_run_as_a_study_of_its_own(call, tmp_path):
    done = call("run", "lawn.bif")
    assert done.exit_code == 0, done.output
    assert "a row of chances was divided" in done.output
    with xr.open_dataset(tmp_path / "results/lawn/marginals.nc") as data:
        assert data["node"].values.tolist() == ["rain", "rain", "wet", "wet"]
        assert data["value"].values.tolist() == ["yes", "no", "yes", "no"]
        wet = 0.5 * 0.75 + 0.5 * 0.25 / 0.999
        np.testing.assert_allclose(data["chance"], [0.5, 0.5, wet, 1 - wet], rtol=1e-15)
    made = {path.name for path in (tmp_path / "results/lawn").iterdir()}
    assert {"graph.svg", "chances.svg", "index.html"} <= made


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_shown_and_drawn(name, call, tmp_path):
    shown = call("show", name)
    assert shown.exit_code == 0, shown.output
    assert FORMATS[tmp_path.joinpath(name).suffix.lower()].name in shown.output
    drawn = call("draw", name, "--output", "picture.svg")
    assert drawn.exit_code == 0, drawn.output
    assert (tmp_path / "picture.svg").read_text().count("<svg")


@pytest.mark.parametrize("name", ["decay.xml", "decay.sbml"])
def test_the_outermost_element_says_what_an_xml_file_is(name, call, tmp_path):
    pytest.importorskip("libsbml", reason="python-libsbml is not installed")
    (tmp_path / name).write_text(SBML)
    assert "a model in SBML" in call("show", name).output


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "is empty: a model in SBML or XMILE or XMLBIF was expected"),
     ("<html><body/></html>", "this is no model in SBML or XMILE or XMLBIF: .* is 'html'"),
     ("<sbml", "no well-formed XML")],
)  # fmt: skip
def test_an_xml_file_of_no_known_kind_says_what_is_known(text, told, call, tmp_path):
    (tmp_path / "odd.xml").write_text(text)
    done = call("run", "odd.xml")
    assert done.exit_code == 1
    assert re.search(told, " ".join(done.output.split()))


def test_a_model_in_sbml_is_run_over_time(call, tmp_path):
    pytest.importorskip("libsbml", reason="python-libsbml is not installed")
    (tmp_path / "decay.xml").write_text(SBML)
    done = call("run", "decay.xml")
    assert done.exit_code == 0, done.output
    with xr.open_dataset(tmp_path / "results/decay/courses.nc") as data:
        np.testing.assert_allclose(data["x"], np.exp(-data["time"]), rtol=1e-6, atol=1e-12)
        assert float(data["time"].max()) == pytest.approx(SBML_TIME)
    made = {path.name for path in (tmp_path / "results/decay").iterdir()}
    assert {"graph.svg", "courses.svg", "index.html"} <= made


def test_units_that_do_not_fit_are_told_and_left_out(call, tmp_path):
    pytest.importorskip("libsbml", reason="python-libsbml is not installed")
    text = SBML.replace('id="x"', 'id="x" units="metre"').replace(
        "<apply><minus/><ci>x</ci></apply>", "<apply><exp/><ci>x</ci></apply>"
    )
    (tmp_path / "decay.xml").write_text(text)
    shown = call("show", "decay.xml").output
    assert "Read with dt=1, method='auto', units=False, since: decay.xml: " in shown
    assert "exp(x)" in shown


def test_what_is_wrong_in_a_file_is_told(call, tmp_path):
    (tmp_path / "bad.bif").write_text(BIF.replace("0.749", "0.5"))
    for command in ("run", "show", "draw", "check"):
        done = call(command, "bad.bif")
        assert done.exit_code == 1
        assert "bad.bif, line 5, column 48: " in done.output
    assert "There is no model file none.bif" in call("run", "none.bif").output
    (tmp_path / "odd.txt").write_text("(" * 100_000)
    assert "no model file: one ends in .py, .bif" in call("run", "odd.txt").output


def test_a_large_network_has_no_figure_that_nobody_could_read(tmp_path):
    names = [f"v{i}" for i in range(200)]
    text = "".join(
        f"variable {name} {{ type discrete [1] {{ x }}; }} probability ( {name} | {given} )"
        " { default 1; }"
        for name, given in zip(names, ["", *names], strict=False)
    )
    (tmp_path / "many.bif").write_text(text)
    (experiment,) = load_model(str(tmp_path / "many.bif")).experiments
    assert not experiment.figures
    assert experiment.compute().values.tolist() == [1.0] * 200
