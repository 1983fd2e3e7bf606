"""The command line, as a user types it."""

import contextlib
import io
import json
import os
import subprocess
import sys

import pytest
import xarray as xr
from click.testing import CliRunner

from causalopt.study.terminal import main

try:
    import resource
except ImportError:  # there is none on Windows
    resource = None

MINE = '''"""My own model."""
from causalopt import System, op, plots, run, variables
from causalopt.study import Claim, Experiment, Study, Reason

a, b = variables("a b")
system = System({a: a - b / 3, b: a}, start={a: 1, b: 0})

def course(data):
    with plots.figure() as (picture, ax):
        plots.over_time(data["a"].sel(world="W"), ax)
    return picture

def fails(data):
    raise ValueError("no such picture")

study = Study(
    name="mine", title="Mine", source="a notebook", system=system,
    experiments=(
        Experiment("course", "The course", lambda: run(system.world(steps=5)),
                   {"course": course, FIGURE}),
    ),
    claims=(Claim("one", "a notebook", 1.0, lambda: COMPUTED, reason=REASON),),
)
'''


def call(*words):
    return CliRunner().invoke(main, list(words))


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(computed="1.0", reason="None", figure=""):
        text = MINE.replace("COMPUTED", computed).replace("REASON", reason)
        (tmp_path / "mine.py").write_text(text.replace("FIGURE", figure))
        return "mine.py"

    return write


def printed(words, columns):
    """What is printed on a terminal of so many columns; click's own runner has 80 always."""
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as output:
        patch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as ended:
            main(words, prog_name="causalopt")
    assert not ended.value.code
    return output.getvalue()


NAMES = ("run", "check", "show", "draw", "sweep", "remake", "survey")
COMMANDS = [["list"], ["--help"], *([name, "--help"] for name in NAMES),
            ["show", "divided_network"], ["check", "divided_network"]]  # fmt: skip


@pytest.mark.sampled(3)
@pytest.mark.parametrize("columns", [60, 72, 80, 200])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_lines_fit_the_terminal_and_cut_no_word(words, columns):
    found, wide = (printed(words, count) for count in (columns, 80))
    assert max(map(len, found.splitlines())) <= min(columns, 80)
    assert "..." not in found.replace("[OPTIONS] COMMAND [ARGS]...", "")
    assert found.split() == wide.split()


def test_empty_lines_come_alone(mine):
    for words in (["check", "divided_network"], ["check", "stirling"], ["check", mine()],
                  ["run", mine()], ["show", "lorenz"], ["list"]):  # fmt: skip
        output = call(*words).output
        assert "\n\n\n" not in output, words
        assert not output.endswith("\n\n"), words


def test_one_of_a_thing_is_no_several(mine):
    told = call("check", mine(computed="2.0")).stderr
    assert "Cannot stand as written: 1 claim. See above." in told


def test_list_names_every_model():
    found = call("list")
    assert found.exit_code == 0
    assert "continuous_thermostat" in found.output
    assert all(len(line) <= 80 for line in found.output.splitlines())


def test_run_writes_data_figures_and_claims(mine, tmp_path):
    found = call("run", mine())
    assert found.exit_code == 0, found.output
    folder = tmp_path / "results" / "mine"
    assert {p.name for p in folder.iterdir()} == {
        "course.nc", "course.png", "course.svg", "claims.json", "index.html",
    }  # fmt: skip
    assert json.loads((folder / "claims.json").read_text())[0]["verdict"] == "reproduced"
    assert found.output.rstrip().endswith(str(folder))


def test_a_second_run_keeps_the_first(mine, tmp_path):
    call("run", mine())
    found = call("run", mine())
    assert "an earlier run are now in" in found.output
    assert len(list((tmp_path / "results").iterdir())) == 2


def test_data_are_there_when_a_figure_fails(mine, tmp_path):
    found = call("run", mine(figure='"broken": fails'))
    assert found.exit_code == 1
    assert "no such picture" in found.output
    assert (tmp_path / "results" / "mine" / "course.nc").exists()
    assert (tmp_path / "results" / "mine" / "claims.json").exists()


def test_a_figure_that_fails_leaves_the_others(mine, tmp_path):
    found = call("run", mine(figure='"broken": fails, "nothing": lambda _: 3, "last": course'))
    assert found.exit_code == 1
    assert "These failed: the figure broken, the figure nothing" in found.stderr
    names = {path.name for path in (tmp_path / "results" / "mine").iterdir()}
    assert names == {
        "course.nc", "course.png", "course.svg", "last.png", "last.svg", "claims.json", "index.html"
    }  # fmt: skip


def test_data_that_cannot_be_written_leave_the_figures(mine, tmp_path):
    path = tmp_path / mine()
    path.write_text(path.read_text().replace("run(system.world(steps=5))", "{'a': 3}"))
    path.write_text(path.read_text().replace('"course": course', '"course": lambda _: picture()'))
    path.write_text(path.read_text().replace("study = ", PICTURE + "study = "))
    found = call("run", "mine.py")
    assert "These failed: the data of course" in found.stderr
    assert "course computes dict: return a Dataset" in found.stderr
    assert (tmp_path / "results" / "mine" / "course.png").exists()


PICTURE = """
def picture():
    with plots.figure() as (picture, _):
        return picture

"""


@pytest.mark.parametrize(
    "computed", ["[1.0, 2.0]", "__import__('numpy').ones(3)", "None", "1 / 0", "'\\ud800'", "{1}"]
)
def test_a_claim_that_cannot_be_judged_leaves_the_others(mine, tmp_path, computed):
    path = tmp_path / mine(computed)
    more = """ Claim("two", "a notebook", 1.0, lambda: 1.0),"""
    path.write_text(path.read_text().replace("reason=None),),", "reason=None)," + more + "),"))
    for command in ("check", "run"):
        found = call(command, "mine.py")
        assert found.exit_code == 1
        assert "reproduced two" in found.output
        assert isinstance(found.exception, SystemExit)
    rows = json.loads((tmp_path / "results" / "mine" / "claims.json").read_text())
    assert rows[-1]["verdict"] == "reproduced"


def in_a_process(*words, largest=None):
    """The command line in a process of its own, which may write files of so many bytes."""

    def limited():
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    code = "from causalopt.study.terminal import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words], preexec_fn=limited, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "MPLBACKEND": "agg"},
    )  # fmt: skip


def test_two_runs_at_once_keep_what_each_wrote(mine, tmp_path):
    path = tmp_path / mine()
    # Each writes who it is, and neither ends before the other has begun.
    met = "sum(1 for _ in __import__('pathlib').Path('results').iterdir()) < 2"
    wait = f"(lambda: [__import__('time').sleep(0.01) for _ in iter(lambda: {met}, False)])()"
    data = f"[{wait}, run(system.world(steps=5)).assign_attrs(pid=__import__('os').getpid())][1]"
    path.write_text(path.read_text().replace("run(system.world(steps=5))", data))
    several = [in_a_process("run", "mine.py") for _ in range(2)]
    for process in several:
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told
    folders = list((tmp_path / "results").iterdir())
    written = {xr.load_dataset(folder / "course.nc").attrs["pid"] for folder in folders}
    assert written == {process.pid for process in several}
    assert len(folders) == 2
    assert all(len(list(folder.iterdir())) == 5 for folder in folders)


@pytest.mark.sampled(2)
@pytest.mark.skipif(resource is None, reason="this system limits no files")
@pytest.mark.parametrize(("largest", "told"), [(10_000, "png cannot"), (300, "index.html cannot")])
def test_a_full_disk_is_told(mine, tmp_path, largest, told):
    process = in_a_process("run", mine(), largest=largest)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert told in errors
    assert "File too large" in errors
    assert "Traceback" not in errors
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


@pytest.mark.parametrize(
    ("computed", "reason", "code", "told"),
    [
        ("1.0", "None", 0, "1 of 1 reproduced"),
        ("2.0", "None", 1, "gives no reason"),
        ("2.0", "Reason('a misprint', lambda: True)", 0, "because a misprint"),
        ("2.0", "Reason('a misprint', lambda: False)", 1, "test of its reason fails"),
        ("1.0", "Reason('a misprint', lambda: True)", 1, "yet gives a reason"),
    ],
)
def test_check_exits_by_the_verdicts(mine, computed, reason, code, told):
    found = call("check", mine(computed, reason))
    assert found.exit_code == code
    assert told in found.output


def test_claims_fit_80_columns():
    found = call("check", "smart_thermostat")
    assert found.exit_code == 0
    assert max(map(len, found.output.splitlines())) <= 80


def test_a_results_folder_that_cannot_be_written_is_told_before_computing(mine, tmp_path):
    (tmp_path / "taken").write_text("")
    found = call("run", mine(computed="1 / 0"), "--results", "taken/below")
    assert found.exit_code == 1
    assert "cannot be written" in found.output
    assert "ZeroDivision" not in found.output


def test_wrong_words_are_told(mine, tmp_path):
    assert "Did you mean lorenz" in call("run", "lorens").output
    assert "no model file" in call("check", "none/such.py").output
    (tmp_path / "bad.py").write_text("x = 1 / 0\n")
    found = call("run", "bad.py")
    assert found.exit_code == 1
    assert "line 1" in found.output
    assert "Traceback" not in found.output


def test_stopping_keeps_what_is_finished(mine, tmp_path):
    text = (tmp_path / mine()).read_text()
    stop = "lambda: (_ for _ in ()).throw(KeyboardInterrupt())"
    (tmp_path / "mine.py").write_text(text.replace("lambda: 1.0", stop))
    found = call("run", "mine.py")
    assert found.exit_code == 130
    assert "What was finished is in" in found.output
    assert (tmp_path / "results" / "mine" / "course.nc").exists()


def test_stopping_keeps_the_claims_that_are_judged(mine, tmp_path):
    text = (tmp_path / mine()).read_text()
    more = """, Claim("two", "a notebook", 1.0, stop),)"""
    text = text.replace(
        "study = Study(", "def stop():\n    raise KeyboardInterrupt\n\nstudy = Study("
    )
    (tmp_path / "mine.py").write_text(text.replace(",),\n)", more + ",\n)"))
    found = call("run", "mine.py")
    assert found.exit_code == 130
    rows = json.loads((tmp_path / "results" / "mine" / "claims.json").read_text())
    assert [row["statement"] for row in rows] == ["one"]
    assert "Nothing was written" in call("check", "mine.py").output


def test_what_fails_inside_a_library_is_told_by_the_models_own_line(mine):
    found = call("run", mine(computed="__import__('json').loads('{')"))
    assert found.exit_code == 1
    assert "mine.py" in found.stderr
    assert "decoder.py" not in found.stderr
    assert "JSONDecodeError" in found.stderr


def test_a_failing_claim_leaves_the_others(mine):
    found = call("run", mine(computed="1 / 0"), "--json")
    assert found.exit_code == 1
    assert "division by zero" in found.stderr
    assert "the claim 'one'" in found.stderr
    told = json.loads(found.stdout)
    assert told["failed"] == ["the claim 'one'"]
    assert told["experiments"] == [{"name": "course", "figures": ["course"]}]


def test_json_is_all_that_is_printed(mine, tmp_path):
    path = tmp_path / mine(computed="__import__('numpy').float32(2)")
    path.write_text(path.read_text().replace("study = ", "print('hello')\nstudy = "))
    for command in ("run", "check"):
        told = json.loads(call(command, "mine.py", "--json").stdout)
        assert told["model"] == "mine"
        assert told["claims"][0]["computed"] == 2.0
        assert told["claims"][0]["fault"] == "differs, and gives no reason"
        assert (told["results"] is None) == (command == "check")


def test_quiet_prints_only_what_cannot_stand(mine):
    for command in ("run", "check"):
        assert call(command, mine(), "--quiet").output == ""
        found = call(command, mine(computed="2.0"), "--quiet")
        assert found.exit_code == 1
        assert "gives no reason" in found.output
        assert "reproduced" not in found.output


def test_the_page_of_results_opens(mine, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda uri: opened.append(uri) or len(opened) < 2)
    assert "no browser" not in call("run", mine(), "--open").output
    page = tmp_path / "results" / "mine" / "index.html"
    assert opened == [page.as_uri()]
    assert '<img src="course.svg"' in page.read_text()
    assert "✓ reproduced" in page.read_text()
    assert f"Open {page}" in call("run", mine(), "--open").output


@pytest.mark.parametrize("name", ["saturating_thermostat", "derive_free_energy", "lorenz"])
def test_show_fits_80_columns_and_loses_nothing(name):
    lines = call("show", name).output.splitlines()
    assert max(map(len, lines)) <= 80
    assert "T*p/theta" in "".join(lines) or name != "saturating_thermostat"


PAGE = '''"""A page."""
import sympy as sp
from causalopt.derive import Derivation, Equal
from causalopt.study import Study

x = sp.Symbol("x", real=True)


def page():
    return Derivation(
        "<b>Doubling</b>", given=[x], steps=[Equal(sp.sin(2 * x), RIGHT, expect="EXPECTED")]
    )


study = Study(name="page", title="A page", source="a notebook", derivations=(page,))
'''


@pytest.mark.parametrize(
    ("right", "expected", "code"),
    [
        ("2 * sp.sin(x) * sp.cos(x)", "proved", 0),
        ("sp.sin(x)", "refuted", 0),
        ("sp.sin(x)", "proved", 1),
        ("2 * sp.sin(x) * sp.cos(x)", "refuted", 1),
    ],
)
def test_check_exits_by_the_derivations(tmp_path, monkeypatch, right, expected, code):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.py").write_text(PAGE.replace("RIGHT", right).replace("EXPECTED", expected))
    found = call("check", "page.py")
    assert found.exit_code == code, found.output
    assert ("not the recorded verdict" in found.output) == bool(code)


def test_run_writes_the_derivations(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.py").write_text(
        PAGE.replace("RIGHT", "sp.sin(x)").replace("EXPECTED", "refuted")
    )
    assert call("run", "page.py").exit_code == 0
    folder = tmp_path / "results" / "page"
    assert "<b>Doubling</b>" in (folder / "derivations.txt").read_text()
    assert "&lt;b&gt;Doubling" in (folder / "derivations.html").read_text()


def test_show_tells_a_model_in_text():
    found = call("show", "continuous_thermostat")
    assert found.exit_code == 0
    assert "R[i+1] = R - T*k" in found.output
    assert "R[i+1] <- R[i], T[i]" in found.output
    assert "With k = 0.02 Op is twice as big" in found.output
    assert "b4 <- a1, b3" in call("show", "divided_network").output
    assert "Drift" in call("show", "derive_current").output


def test_draw_writes_a_picture_and_never_over_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("draw", "lorenz", "--steps", "2").exit_code == 0
    assert (tmp_path / "lorenz.svg").read_text().startswith("<?xml")
    again = call("draw", "lorenz")
    assert again.exit_code == 1
    assert "is there already" in again.output
    # A link is there, wherever it leads.
    for name, leads in (("l.svg", tmp_path / "new.svg"), ("m.svg", tmp_path / "lorenz.svg")):
        (tmp_path / name).symlink_to(leads)
        linked = call("draw", "lorenz", "--output", name)
        assert linked.exit_code == 1
        assert f"{name} is there already" in linked.output
        assert (tmp_path / name).is_symlink()
    assert not (tmp_path / "new.svg").exists()
    assert call("draw", "lorenz", "--output", "other.png").exit_code == 0
    assert "no format 'gif'" in call("draw", "lorenz", "--output", "other.gif").output
    assert "fewer steps" in call("draw", "lorenz", "--steps", "999999", "--output", "x.svg").output
    assert "has no graph" in call("draw", "derive_current").output
    nowhere = call("draw", "lorenz", "--output", "none/x.svg").output
    assert nowhere == "none/x.svg cannot be written: there is no folder none.\n"


@pytest.mark.parametrize(
    ("asked", "drawn"),
    [
        (["--part", "a", "--perturb", "b[0]"], ['label="Y"', "differs from X", 'label="A"']),
        (["--perturb", "b[0]"], ['label="X"', "differs from W"]),
        (["--template", "--inputs", "--mechanisms"], ['label="rho"', r"a[i+1]\n= "]),
        (["--steps", "900", "--values"], ["· · ·", r"a[900]\n"]),
    ],
)
def test_draw_options(tmp_path, monkeypatch, asked, drawn):
    monkeypatch.chdir(tmp_path)
    found = call("draw", "lorenz", *asked, "--output", "graph.dot")
    assert found.exit_code == 0, found.output
    dot = (tmp_path / "graph.dot").read_text()
    assert all(one in dot for one in drawn)


def test_draw_finds_nodes_by_their_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = call("draw", "divided_network", "--perturb", "a1", "--output", "net.dot")
    assert found.exit_code == 0, found.output
    assert "Did you mean a" in call("draw", "divided_network", "--perturb", "aa1").output
    assert "not a variable" in call("draw", "lorenz", "--part", "__import__('os')").output
    assert "draws no run" in call("draw", "lorenz", "--template", "--values").output
    assert "has no template" in call("draw", "divided_network", "--template").output
    assert [path.name for path in tmp_path.iterdir()] == ["net.dot"]


@pytest.mark.parametrize("leave", ["sys.exit()", "sys.exit(0)", "sys.exit('enough')", "exit(3)"])
def test_an_experiment_or_claim_that_exits_has_failed(mine, tmp_path, leave):
    figure = '"quits": lambda data: __import__("sys").exit()'
    path = mine(computed=leave, figure=figure)
    (tmp_path / path).write_text(f"import sys\n{(tmp_path / path).read_text()}")
    done = call("run", path)
    assert done.exit_code == 1
    assert "These failed: the figure quits, the claim 'one'" in done.output
    assert "SystemExit" in done.output
    assert sorted(f.name for f in (tmp_path / "results").iterdir()) == ["mine"]
    assert (tmp_path / "results" / "mine" / "course.nc").exists()
    assert call("check", path).exit_code == 1


def test_a_model_file_that_exits(mine, tmp_path):
    path = tmp_path / mine()
    path.write_text("import sys\nsys.exit(0)\n")
    done = call("check", str(path))
    assert done.exit_code == 1
    assert "fails" in done.output
    assert "SystemExit: 0" in done.output


def test_python_runs_it_as_a_module():
    def said(*words):
        done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    # Where the rooms above add commands of theirs.
    code, output = said("-m", "causalopt", "--help")
    assert code == 0
    assert output.startswith("Usage: causalopt [OPTIONS] COMMAND")
    assert all(f"\n  {name} " in output for name in (*main.commands, "explore"))
    assert said("-m", "causalopt", "show", "no_such_model")[0] == 1
