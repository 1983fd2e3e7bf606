"""Surveys of folders: what each file is, how far from its native answer, and who regulates what."""

import json
import math

import pytest
from beside import folder_of, needs
from exchange.stock_models import vensim

from causalopt import FileError, op
from causalopt.exchange import read_vensim
from causalopt.study import folders
from causalopt.study.files import model_folder
from causalopt.study.folders import FileRow, rows_of, survey_files
from causalopt.study.native import Deviation
from causalopt.study.regulators import Regulator
from causalopt.study.survey_tables import as_csv, as_markdown, rows_in

MDL = vensim("Cup = INTEG(-loss, 90)\nloss = (Cup - room) / 10\nroom = 20", stop=8, dt=0.5)
BIF = """network n { }
variable a { type discrete [ 2 ] { yes, no }; }
probability ( a ) { table 0.25, 0.75; }
"""
FILES = {}
ANSWER = "time,Cup,room,elsewhere\n" + "".join(
    f"{t},{20 + 70 * 0.95 ** (2 * t)!r},20,1\n" for t in (0, 2, 4, 6, 8)
)


def of_one(folder, text=MDL, name="cup.mdl", **beside):
    (folder / name).write_text(text)
    for ending, answer in beside.items():
        (folder / f"cup.{ending.replace('_', '.')}").write_text(answer)
    (row,) = survey_files(folder)
    return row


def test_an_answer_is_compared_and_the_regulator_has_its_op(tmp_path):
    row = of_one(tmp_path, csv=ANSWER)
    assert row.deviation.largest < 1e-13
    assert (row.deviation.compared, row.deviation.missing) == (2, ("elsewhere",))
    system = read_vensim(tmp_path / "cup.mdl")
    cup, loss = system.find("Cup"), system.find("loss")
    (regulator,) = row.regulators
    assert (regulator.A, regulator.m) == ("loss", "Cup")
    assert regulator.op == pytest.approx(op(system, A=loss, n=cup[1], m=cup[16]).item(), rel=1e-12)
    assert regulator.op == pytest.approx(-15 * math.log(0.95), rel=1e-12)


def test_the_deviation_is_told_where_it_is_most(tmp_path):
    row = of_one(tmp_path, csv="time,Cup,room\n0,90,20\n8,40,25\n")
    ours = 20 + 70 * 0.95**16
    assert row.deviation.largest == pytest.approx(max(abs(ours - 40) / 40, 0.2), rel=1e-12)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("time,other\n0,1\n8,1\n", "none of the columns"),
        ("time,Cup\n0,90\n8,warm\n", "'warm' of 'Cup' is no finite number"),
        ("time,Cup\n0,90\n8,nan\n", "is no finite number"),
        ("time,Cup\n0,90\n1,80\n8,70\n", "not equally far apart"),
        ("time,Cup\n0,90\n", "two or more"),
        ("time,Cup\n0,90\n8\n", "1 cells, and 2 columns"),
        ("time,Cup\n0,90\n0.25,80\n", "a step is 0.5 long"),
        ("time,Cup\n1,90\n2,80\n", "begins at 1, and the model at 0"),
        ("time,Cup\n0,90\n1e9,80\n", "more than the 1,000,000"),
        ("time,Cup,Cup\n0,90,1\n8,80,1\n", "two columns"),
        ("Cup\n1\n", "no column time"),
        ("", "is empty"),
    ],
)
def test_an_answer_that_does_not_fit_is_told(answer, told, tmp_path):
    row = of_one(tmp_path, csv=answer)
    assert row.deviation is None
    assert told in row.unanswered
    assert row.regulators
    assert not row.fault


@pytest.mark.parametrize("answer", ["[", "[" * 100_000, "[1]", '{"a": 1}', '{"a": {"yes": "x"}}',
                                    '{"a": {"maybe": 1}}', '{"a": {"yes": NaN}}'])  # fmt: skip
def test_chances_that_do_not_fit_are_told(answer, tmp_path):
    row = of_one(tmp_path, BIF, "cup.bif", marginals_json=answer)
    assert row.deviation is None
    assert row.unanswered


def test_chances_are_compared(tmp_path):
    told = json.dumps({"a": {"no": 0.5, "yes": 0.25}})
    assert of_one(tmp_path, BIF, "cup.bif", marginals_json=told).deviation.largest == 0.25


@pytest.mark.parametrize("suffix", sorted(folders.FORMATS))
def test_what_cannot_be_read_is_a_row(suffix, tmp_path, call):
    (tmp_path / f"bad{suffix}").write_text("<x")
    (tmp_path / f"none{suffix}").write_bytes(b"\xff\0")
    (tmp_path / f"gone{suffix}").symlink_to(tmp_path / "nowhere")
    rows = survey_files(tmp_path)
    assert len(rows) == 3
    assert all(row.fault for row in rows)
    done = call("survey", ".")
    assert done.exit_code == 1
    assert "0 of 3 files were read." in done.output


def test_folders(tmp_path, call):
    done = call("survey", ".")
    assert done.exit_code == 0
    assert "0 of 0 files" in done.output
    (tmp_path / "mine.py").write_text("raise SystemExit")
    assert "were not run: 1." in call("survey", ".").output
    with pytest.raises(FileError, match="is a file"):
        survey_files(tmp_path / "mine.py")
    assert call("survey", "mine.py").exit_code == 1
    assert call("survey", "nowhere").exit_code == 1
    assert call("survey", ".", "--output", "x.txt").exit_code == 2
    assert call("survey", ".", "--output", "no/x.csv").exit_code == 1
    (tmp_path / "x.csv").write_text("mine,all mine\n")
    (tmp_path / "x.md").write_text("mine")
    for name in ("x.csv", "x.md"):
        assert "is no survey" in call("survey", ".", "--output", name).output
        assert "mine" in (tmp_path / name).read_text()


def test_a_survey_goes_on_where_it_was_stopped(tmp_path, call, monkeypatch):
    for name in ("a.mdl", "b.mdl"):
        (tmp_path / name).write_text(MDL)
    made, plain = [], folders._row_of

    def stopped(path, *given):
        made.append(path.name)
        if len(made) == 2:
            raise KeyboardInterrupt
        return plain(path, *given)

    monkeypatch.setattr(folders, "_row_of", stopped)
    assert call("survey", ".", "--output", "t.csv").exit_code == 130
    assert list(rows_in((tmp_path / "t.csv").read_text(), "t")) == ["a.mdl"]
    assert call("survey", ".", "--output", "t.csv").exit_code == 0
    assert made == ["a.mdl", "b.mdl", "b.mdl"]
    kept = rows_in((tmp_path / "t.csv").read_text(), "t")
    assert tuple(kept.values()) == survey_files(tmp_path)
    made.clear()
    (tmp_path / "a.csv").write_text(ANSWER)
    assert call("survey", ".", "--output", "t.csv").exit_code == 0
    assert made == ["a.mdl"]


HOSTILE = ["<b>x.mdl", "a|b.mdl", '=1+1,"x".mdl', "a\nb.mdl", "`x` [y](z) $q$.mdl", "ü.mdl"]


def test_hostile_names_are_text(tmp_path, call):
    for name in HOSTILE:
        (tmp_path / name).write_text(MDL)
    rows = survey_files(tmp_path)
    assert {row.file for row in rows} == set(HOSTILE)
    assert tuple(rows_in(as_csv(rows), "x").values()) == rows
    table = as_markdown(rows).split("\n")[2:-3]
    assert all(line.count("|") == 7 for line in table)
    assert not any(mark in "".join(table) for mark in ("<", "`", "$", "["))
    assert call("survey", ".").exit_code == int(any(row.fault for row in rows))


def test_rows_come_back_as_they_were():
    row = FileRow("a", "b", "c", how="h", deviation=Deviation(math.inf, "x", 2, ("y", "z, 1")),
              regulators=(Regulator("A", "m; n", math.inf),), asked="q")  # fmt: skip
    assert rows_in(as_csv([row]), "x") == {"a": row}


def test_lines_fit_a_hundred_columns(call):
    done = call("survey", str(model_folder() / "others"))
    assert done.exit_code == 0
    assert max(map(len, done.output.split("\n"))) <= 100


# -- published files -------------------------------------------------------------------------------

PUBLISHED = folder_of("data", "models")
MOST = {".xml": 1e-6, ".mdl": 1e-12, ".xmile": 1e-12, ".bif": 1e-7}
HEAVY, WRONG, UNANSWERED = "BIOMD0000000009", "BIOMD0000000337", "BIOMD0000000154"


def check_published(path):
    row = folders._row_of(path, path.name, "")
    assert not row.fault
    if path.stem == UNANSWERED:
        assert row.unanswered == "no answer beside it"
    elif path.stem == WRONG:
        assert row.deviation.column == "N1"
        assert row.deviation.largest > 1e-3
    else:
        assert row.deviation.largest < MOST[path.suffix]
        assert row.deviation.missing == ()


@needs(PUBLISHED)
@pytest.mark.parametrize("kind", ["bif", "sd"])
def test_published_answers(kind):
    for path in folders.files_of(PUBLISHED / kind)[0]:
        check_published(path)


@needs(PUBLISHED)
def test_published_answers_of_a_quick_model_in_sbml():
    pytest.importorskip("libsbml", reason="python-libsbml is not installed")
    check_published(PUBLISHED / "sbml" / "BIOMD0000000309.xml")


@needs(PUBLISHED)
@pytest.mark.long
def test_published_answers_of_other_models_in_sbml():
    pytest.importorskip("libsbml", reason="python-libsbml is not installed")
    for path in folders.files_of(PUBLISHED / "sbml")[0]:
        check_published(path)


def test_rows_that_are_known_are_not_made_again(tmp_path):
    row = of_one(tmp_path)
    assert next(iter(rows_of(tmp_path, {"cup.mdl": row}))) is row
