"""Studies: claims compared with what was published, and model files that fail."""

import re
import sys
import tomllib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy
import xarray as xr

from causalopt import ModelError, System, variables
from causalopt.study import (
    Claim,
    Experiment,
    Reason,
    Study,
    compare,
    find_model,
    load_model,
    model_files,
    title_of,
)
from causalopt.study.needs import EXTRAS, missing_extras

(a,) = variables("a")
system = System({a: a / 2}, start={a: 1})
because = Reason("a rounding error", lambda: True)
nonsense = Reason("the moon", lambda: False)


@pytest.mark.parametrize(
    ("published", "computed", "tolerance", "reason", "word", "fault"),
    [
        (1.0, 1.0, 0, None, "reproduced", None),
        (19.961, 19.9605, 0.0005, None, "reproduced", None),
        (19.961, 19.9600, 0.0005, because, "differs", None),
        (19.961, 19.9600, 0.0005, None, "differs", "gives no reason"),
        (19.961, 19.9600, 0.0005, nonsense, "differs", "test of its reason fails"),
        (1.0, 1.0, 0, because, "reproduced", "yet gives a reason"),
        (True, True, 0, None, "reproduced", None),
        (True, False, 0, None, "differs", "gives no reason"),
        ((1.0, 2.0), (1.0, 2.4), 0.5, None, "reproduced", None),
        ((1.0, 2.0), (1.0, 2.6), 0.5, None, "differs", "gives no reason"),
        (float("nan"), 1.0, 0, None, "differs", "gives no reason"),
    ],
)
def test_verdicts_are_computed(published, computed, tolerance, reason, word, fault):
    comparison = compare(Claim("a claim", "a page", published, lambda: computed, tolerance, reason))
    assert comparison.word == word
    assert (comparison.fault is None) == (fault is None)
    assert fault is None or fault in comparison.fault


@pytest.mark.parametrize("proven", [1, 0.0, "no", (False, "why"), np.ones(1, dtype=bool), None])
def test_the_test_of_a_reason_gives_true_or_false(proven):
    reason = Reason("a rounding error", lambda: proven)
    fault = compare(Claim("a claim", "a page", 1.0, lambda: 2.0, reason=reason)).fault
    assert "not True or False" in fault
    for truth in (True, np.True_, xr.DataArray(True), sympy.true):
        reason = Reason("a rounding error", lambda truth=truth: truth)
        assert compare(Claim("a claim", "a page", 1.0, lambda: 2.0, reason=reason)).fault is None


@pytest.mark.parametrize(
    ("published", "computed", "told"),
    [
        (1.0, np.ones(3), r"ndarray of shape \(3,\) where one number"),
        (1.0, None, "None"),
        (1.0, "1", "where one number"),
        (1.0, [1.0], "where one number"),
        (1.0, True, r"True \(bool\) where one number"),
        (0.0, xr.DataArray(False), "where one number"),
        (True, np.array([True, True]), "where one answer"),
        ((1.0, 2.0), (1.0, 2.0, 3.0), "computes 3 where 2"),
        ((1.0, 2.0), 1.0, "computes no tuple where 2"),
        ((1.0, 2.0), np.ones((2, 2)), "computes no tuple"),
        ((1.0, (2.0, 3.0)), (1.0, (2.0,)), "computes 1 where 2"),
    ],
)
def test_what_cannot_be_compared_is_told_and_no_reason_excuses_it(published, computed, told):
    for reason in (None, because):
        comparison = compare(Claim("a claim", "a page", published, lambda: computed, reason=reason))
        assert not comparison.reproduced
        assert re.search(told, comparison.fault)


@pytest.mark.parametrize(
    ("published", "computed"),
    [
        (1.0, np.float32(1)),
        (1.0, np.array(1)),
        (1.0, xr.DataArray(1.0)),
        (0.5, Fraction(1, 2)),
        (2.0, 2 + 1e-14j),
        ((1.0, 2.0), np.array([1, 2])),
        ((1.0, 2.0), xr.DataArray([1.0, 2.0])),
        (True, np.True_),
        (float("inf"), float("inf")),
    ],
)
def test_numbers_of_any_library_are_compared(published, computed):
    assert compare(Claim("a claim", "a page", published, lambda: computed)).fault is None


def figures(*names):
    return Experiment(names[0], "t", lambda: None, dict.fromkeys(names, lambda _: None))


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ((figures("same"), figures("same")), "two experiments named same"),
        ((figures("Same"), figures("same")), "two experiments named Same and same"),
        ((figures("a", "same"), figures("b", "same")), "two figures named same"),
        ((figures("a", "\u00e9"), figures("b", "e\u0301")), "two figures named"),
    ],
)
def test_two_files_of_one_name_are_refused(parts, told):
    with pytest.raises(ModelError, match=told):
        Study("m", "t", "s", system, experiments=parts)


NO_FILES = ["", " ", ".", "..", "../escaped", "a/b", "a\\b", "a\0", "a\nb", "\ud800", ".hidden",
            "x" * 300, 3, None]  # fmt: skip


@pytest.mark.parametrize("name", NO_FILES)
@pytest.mark.parametrize(
    "declare",
    [
        lambda name: Study(name, "t", "s"),
        lambda name: Experiment(name, "t", lambda: None),
        lambda name: Experiment("e", "t", lambda: None, {name: lambda _: None}),
    ],
    ids=["study", "experiment", "figure"],
)
def test_names_that_leave_the_folder_are_refused(declare, name):
    with pytest.raises(ModelError, match="which names a file too"):
        declare(name)


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Experiment("e", "t", 3),
        lambda: Experiment("e", 3, lambda: None),
        lambda: Experiment("e", "t", lambda: None, np.ones(3)),
        lambda: Experiment("e", "t", lambda: None, {"f": None}),
        lambda: Experiment("e", "t", lambda: None, {}, np.ones(3)),
        lambda: Claim("c", "s", 1.0, 1.0),
        lambda: Claim(3, "s", 1.0, lambda: 1),
        lambda: Claim("c", "s", 1.0, lambda: 1, tolerance=-1),
        lambda: Claim("c", "s", 1.0, lambda: 1, tolerance=float("nan")),
        lambda: Claim("c", "s", 1.0, lambda: 1, tolerance=np.ones(2)),
        lambda: Claim("c", "s", 1.0, lambda: 1, reason="because"),
        lambda: Reason("r", True),
        lambda: Study("m", "t", "s", experiments=figures("a")),
        lambda: Study("m", "t", "s", experiments=iter((figures("a"),))),
        lambda: Study("m", "t", "s", claims=np.ones(2)),
        lambda: Study("m", "t", "s", claims=(figures("a"),)),
        lambda: Study("m", "t", "s", derivations=(3,)),
        lambda: Study("m", 3, "s"),
    ],
)
def test_what_is_no_part_of_a_study_is_refused(declare):
    with pytest.raises(ModelError):
        declare()


def write(folder, text):
    path = folder / "mine.py"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def oops():\n    return 1 / 0\n\noops()\n", r"mine.py fails:(.|\n)*line 2(.|\n)*Zero"),
        ("x = (\n", r"mine.py fails:(.|\n)*never closed"),
        ("import nothing_of_this_name\n", "No module named"),
        ("y = 1\n", "sets `study` to nothing"),
        ("study = 3\n", "sets `study` to int"),
        (
            "from causalopt import System, variables\n(a,) = variables('a')\n"
            "System({a: a}, start={})\n",
            r"line 3(.|\n)*no start value",
        ),
    ],
)
def test_a_model_file_that_fails_says_where(tmp_path, text, told):
    with pytest.raises(ModelError, match=told) as caught:
        load_model(write(tmp_path, text))
    assert "importlib" not in str(caught.value)


def test_models_are_found_by_name_and_by_path(tmp_path):
    assert find_model("lorenz") == model_files()["lorenz"]
    path = write(tmp_path, "study = None")
    assert str(find_model(path)) == path
    with pytest.raises(ModelError, match="Did you mean lorenz"):
        find_model("lorentz")
    with pytest.raises(ModelError, match="no model file"):
        find_model("nowhere/mine.py")
    (tmp_path / "mine.txt").write_text("study = None")
    with pytest.raises(ModelError, match=r"no model file: one ends in \.py"):
        load_model(str(tmp_path / "mine.txt"))


def test_the_title_is_read_without_running_the_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text('"""A title.\n\nMore."""\nraise SystemExit\n')
    assert title_of(path) == "A title."
    path.write_text("x = (")
    assert title_of(path) == "(no description)"


def test_extras_are_those_of_the_package():
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert set(EXTRAS.values()) == extras.keys() - {"test", "docs", "bench"}
    for library, extra in EXTRAS.items():
        assert any(library in need for need in extras[extra])


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("import jax\n", ["jax"]),
        ("import numpy, jax.numpy as jnp\n", ["jax"]),
        ("from jax.numpy import ones\n", ["jax"]),
        ("from causalopt import jaxlike\nimport numpy\n", []),
        ("try:\n    import jax\nexcept ImportError:\n    jax = None\n", []),
        ("import jax\nx = (\n", []),
    ],
)
def test_extras_that_are_missing_are_told_before_a_file_runs(tmp_path, monkeypatch, text, missing):
    path = Path(write(tmp_path, text + "raise SystemExit\n"))
    assert missing_extras(path) == []
    monkeypatch.setitem(sys.modules, "jax", None)
    assert missing_extras(path) == missing
    with pytest.raises(ModelError, match=r"mine.py needs causalopt\[jax\]" if missing else "fails"):
        load_model(str(path))
