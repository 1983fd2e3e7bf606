"""Studies: claims compared with what was published, and model files that fail."""

import pytest

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


def test_two_experiments_of_one_name_are_refused():
    one = Experiment("same", "t", lambda: None)
    with pytest.raises(ModelError, match="two experiments named same"):
        Study("m", "t", "s", system, experiments=(one, one))


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
    with pytest.raises(ModelError, match="no Python file"):
        load_model(str(tmp_path / "mine.txt"))


def test_the_title_is_read_without_running_the_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text('"""A title.\n\nMore."""\nraise SystemExit\n')
    assert title_of(path) == "A title."
    path.write_text("x = (")
    assert title_of(path) == "(no description)"
