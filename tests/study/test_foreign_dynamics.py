"""Models of system dynamics, as a user of the terminal types their paths."""

import numpy as np
import pytest
import xarray as xr
from exchange.stock_models import variable, vensim, xmile

from causalopt.study import load_model

MDL = vensim("Cup = INTEG(-loss, 90)\nloss = (Cup - room) / 10\nroom = 20", stop=8, dt=0.5)
XML = xmile(variable("stock", "Cup", "90", flows=[("outflow", "loss")]),
            variable("flow", "loss", "(Cup - room) / 10"), variable("aux", "room", "20"),
            stop=8, dt=0.5)  # fmt: skip
FILES = {"cup.mdl": MDL, "cup.xmile": XML, "cup.stmx": XML, "cup.itmx": XML, "CUP.MDL": MDL}


def test_a_file_is_run_over_the_time_that_it_says(call, tmp_path):
    done = call("run", "cup.mdl")
    assert done.exit_code == 0, done.output
    with xr.open_dataset(tmp_path / "results/cup/courses.nc") as data:
        assert data.time.values.tolist() == [0.5 * k for k in range(17)]
        expected = 20 + 70 * 0.95 ** np.arange(17)
        np.testing.assert_allclose(data["Cup"], expected, rtol=1e-13)
        np.testing.assert_allclose(data["loss"], (expected - 20) / 10, rtol=1e-12)
    made = {path.name for path in (tmp_path / "results/cup").iterdir()}
    assert {"graph.svg", "stocks.svg", "courses.svg", "index.html"} <= made


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_shown_and_drawn(name, call, tmp_path):
    shown = call("show", name)
    assert shown.exit_code == 0, shown.output
    assert ("Vensim" if name.lower().endswith("mdl") else "XMILE") in shown.output
    drawn = call("draw", name, "--output", "picture.svg")
    assert drawn.exit_code == 0, drawn.output
    assert (tmp_path / "picture.svg").read_text().count("<svg")


def test_what_is_wrong_in_a_file_is_told(call, tmp_path):
    (tmp_path / "bad.mdl").write_text(MDL.replace("(Cup - room)", "(Cup - roam)"))
    for command in ("run", "show", "draw", "check"):
        done = call(command, "bad.mdl")
        assert done.exit_code == 1
        assert "'roam' is no variable here. Did you mean room?" in " ".join(done.output.split())


def test_many_stocks_have_no_figure_that_nobody_could_read(tmp_path):
    (tmp_path / "many.mdl").write_text(vensim("\n".join(f"s{i} = INTEG(1, 0)" for i in range(20))))
    (experiment,) = load_model(str(tmp_path / "many.mdl")).experiments
    assert "stocks" not in experiment.figures
    assert "graph" in experiment.figures
