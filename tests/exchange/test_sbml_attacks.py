"""Files in SBML made to do harm, and broken ones: told in words, and the process goes on."""

import os
import random
import re
import subprocess
import sys
import warnings

import pytest
from exchange.breaking import mutated
from exchange.sbml_texts import (
    assignment,
    compartment,
    event,
    function,
    model,
    parameter,
    rate,
    reaction,
    reference,
    species,
    start,
)

from causalopt import FileError
from causalopt.exchange import elements, read_sbml
from causalopt.exchange.biology import process, roles, worker
from causalopt.exchange.biology.operations import OPERATIONS
from causalopt.exchange.reading import FileText
from causalopt.ground.work import measured

X = (parameter("x", 1, constant=False), rate("x", "-x"))
Y = parameter("y", constant=False)
MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">'
SOUND = model(
    compartment("c", 2), species("S", 3), parameter("k", 0.5), *X, Y, assignment("y", "k*S^2"),
    function("f", "lambda(a, b, a/(1 + b))"), reaction("r", reference("S"), "", "f(k, S)*c"),
    event("S < 1", {"x": "x + 1"}, delay="0.5"), start("k", "2*x"),
)  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def of(text, **how):
        path = tmp_path / "m.xml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_sbml(path, **{"dt": 0.01, "units": False, **how})

    return of


def with_rule(inside):
    """A model whose y follows from a formula in MathML."""
    rule = f'<assignmentRule variable="y">{MATH}{inside}</math></assignmentRule>\n'
    return model(*X, Y, rule)


def nested(head, inside, depth, tail=""):
    return with_rule(f"<apply><{head}/>" * depth + inside + f"{tail}</apply>" * depth)


def many(head, inside, count):
    return with_rule(f"<apply><{head}/>" + inside * count + "</apply>")


def doubling(inner):
    """Functions each of which calls the one before twice."""
    calls = [function(f"f{i}", f"lambda(a, {inner(i - 1)})") for i in range(1, 40)]
    return model(*X, Y, function("f0", "lambda(a, a + 1)"), *calls, assignment("y", "f39(x)"))


def level_1(formula):
    return (
        '<sbml xmlns="http://www.sbml.org/sbml/level1" level="1" version="2"><model name="m">'
        '<listOfParameters><parameter name="x" value="1"/></listOfParameters><listOfRules>'
        f'<parameterRule name="x" type="rate" formula="{formula}"/></listOfRules></model></sbml>'
    )


# -- formulas --------------------------------------------------------------------------------------

OVER = {
    "deep": (nested("sin", "<ci>x</ci>", 20_000), "deeper than 100"),
    "terms": (many("plus", "<ci>x</ci>", 50_000), "MOST_PARTS"),
    "wide": (many("plus", "<ci>x</ci>", 3_000), "3,000 parts, more than 2,000"),
    "a chain of functions": (
        model(*X, Y, function("f0", "lambda(a, a)"),
              *(function(f"f{i}", f"lambda(a, f{i - 1}(a))") for i in range(1, 60)),
              assignment("y", "f59(x)")), "more than 50 calls"),
    "functions twice": (doubling(lambda i: f"f{i}(2*a)*f{i}(a + 1)"), "MOST_PARTS|million calls"),
    "a tower of numbers": (nested("power", "<cn>9</cn>", 40, "<cn>9</cn>"), "holds"),
    "a tower of powers": (nested("power", "<ci>x</ci>", 40, "<cn>9</cn>"), "the exponent 6561"),
    "a tower at the start": (model(*X, parameter("k", 9), parameter("a"), start("a", "k^k^k^k")),
                             "beyond the largest float"),
    "factorials": (nested("factorial", "<cn>9</cn>", 40), "not finite"),
    "a long number": (with_rule('<cn type="integer">' + "9" * 100_000 + "</cn>"), "integer value"),
    "a large number": (with_rule("<cn>1e" + "9" * 1000 + "</cn>"), "double value"),
    "a wide choice": (
        with_rule("<piecewise>" + "".join(
            f"<piece><cn>{i}</cn><apply><lt/><ci>x</ci><cn>{i}</cn></apply></piece>"
            for i in range(900)) + "</piecewise>"), "million calls"),
    "level 1": (level_1("(" * 60_000 + "x" + ")" * 60_000), "letters"),
    "a long name": (level_1("x" * 100_001), "letters"),
    "attributes": (SOUND.replace("<model ", "<model " + " ".join(
        f'a{i}="1"' for i in range(30_000)) + " "), "attributes of this element"),
    "events": (model(*X, *(event(f"time > {i}", {"x": "1"}) for i in range(99))), "MOST_EVENTS"),
}  # fmt: skip


@pytest.mark.parametrize("case", OVER)
def test_what_is_too_large_is_refused_with_its_place(case, read, in_this_process):
    text, told = OVER[case]
    with pytest.raises(FileError, match=told) as caught:
        read(text)
    assert len(str(caught.value)) < 2000
    is_placed = re.search(r"m\.xml, line \d+, column \d+: ", str(caught.value))
    assert is_placed or case == "a tower at the start"


def test_formulas_that_grow_at_the_start_are_refused(read, in_this_process):
    # Each event makes the other happen, and what one sets is twice as large each time.
    first = {"true_before": False}
    swing = [
        event("z < 1", {"z": "3", "w": "w*w/2 + k*w"}, **first), event("z > 2", {"z": "0"}, **first)
    ]  # fmt: skip
    given = (parameter("z", 0, constant=False), parameter("w", constant=False), parameter("k", 0.5))
    with measured() as meter, pytest.raises(FileError, match="MOST_WRITTEN_OUT"):
        read(model(*X, *given, start("w", "k"), *swing))
    assert meter.calls < 300_000


def test_too_many_symbols_are_refused(read, in_this_process):
    count = roles.MOST_SYMBOLS
    with pytest.raises(FileError, match="MOST_SYMBOLS"):
        read(model(*X, *(parameter(f"p{i}", 1) for i in range(count))))


@pytest.mark.parametrize(
    "text",
    [nested("floor", "<ci>x</ci>", 40), nested("power", "<ci>x</ci>", 40, "<ci>x</ci>"),
     nested("factorial", "<ci>x</ci>", 30), nested("sin", "<ci>x</ci>", 90),
     with_rule("<piecewise><piece>" * 30 + "<ci>x</ci>" + "<apply><lt/><ci>x</ci><cn>3</cn></apply>"
               "</piece><otherwise><cn>4</cn></otherwise></piecewise>" * 30)],
)  # fmt: skip
def test_what_is_within_limits_is_read(text, read, in_this_process):
    assert read(text).algebraic


# -- XML -------------------------------------------------------------------------------------------


def entities(declared, used="&a;"):
    return (
        f'<!DOCTYPE sbml [{declared}]><sbml xmlns="http://www.sbml.org/sbml/level2/version4" '
        f'level="2" version="4"><model name="{used}"/></sbml>'
    )


def lol(levels):
    inner = "".join(f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(levels))
    return f'<!ENTITY a0 "lol">{inner}<!ENTITY a "&a{levels};">'


HARMFUL = {
    "a bomb": (entities(lol(12)), "an entity is declared"),
    "a file": (entities('<!ENTITY a SYSTEM "{}">'), "an entity is declared"),
    "a parameter": (entities('<!ENTITY % a SYSTEM "{}"> %a;', ""), "an entity is declared"),
    "elsewhere": ('<!DOCTYPE sbml SYSTEM "{}"><sbml level="2">&a;</sbml>', "an entity"),
    "not SBML": ("<html/>", "its outermost element is 'html'"),
    "no level": ("<sbml/>", "of level '' is not read"),
    "a level to come": ('<sbml level="4"/>', "of level '4' is not read"),
    "no model": ('<sbml level="2" version="4"/>', "0 models are here"),
    "two models": ('<sbml level="2"><model/><model/></sbml>', "2 models are here"),
    "a package": (
        SOUND.replace('level="3"', 'xmlns:comp="http://www.sbml.org/sbml/level3/version1/comp/'
                      'version1" comp:required="true" level="3"', 1),
        "the package 'comp' changes what the model means"),
    "another encoding": (SOUND.replace("UTF-8", "ISO-8859-1"), "'ISO-8859-1': save it as UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("case", HARMFUL)
def test_harmful_xml_is_refused_before_libsbml_sees_it(case, read, tmp_path, monkeypatch):
    text, told = HARMFUL[case]
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    monkeypatch.setattr(process, "_told", lambda _: pytest.fail("libsbml is asked"))
    with pytest.raises(FileError, match=told) as caught:
        read(text.replace("{}", secret.as_uri()))
    assert re.search(r"line \d+, column \d+: ", str(caught.value))
    assert "a secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "is empty"), (SOUND.encode("utf-16"), "no UTF-8"), (b"a\0b", "no text"),
     (b"\xff", "no UTF-8")],
)  # fmt: skip
def test_what_is_no_text_is_told(content, told, read):
    with pytest.raises(FileError, match=told):
        read(content)


def test_code_in_a_file_is_a_label(read, tmp_path):
    made = tmp_path / "made"
    code = f"__import__('pathlib').Path('{made}').touch()"
    for name in ("k", "c", "S"):
        text = SOUND.replace(f'id="{name}"', f'id="{code}"')
        with pytest.raises(FileError, match=r"no sound SBML|which is no id|there is no"):
            read(text)
    noted = f"<notes><p xmlns='http://www.w3.org/1999/xhtml'>{code}</p></notes>"
    annotated = f"<annotation><a xmlns='http://a'>{code}</a></annotation>"
    text = SOUND.replace('<model id="m">', f'<model id="m" name="{code}">{noted}{annotated}')
    assert repr(read(text))
    assert not made.exists()


# -- a process of its own --------------------------------------------------------------------------


def worker_of(monkeypatch, tmp_path, code):
    """The worker does something else, as if libsbml did."""
    (tmp_path / "odd_worker.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(process, "_WORKER", "odd_worker")


ENDS = {
    "a crash": ("import os; os.kill(os.getpid(), 11)", "ended with SIGSEGV"),
    "no more time": ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "takes too long"),
    "no more memory": (
        "from causalopt.exchange.biology import worker\nworker._limit()\nx = bytes(10**9)",
        "takes too much memory",
    ),
    "an error": ("raise ValueError('odd')", "did not read it .*odd"),
    "nonsense": ("print('{')", "cannot be read"),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_worker_that_ends_early_is_an_error(case, read, monkeypatch, tmp_path):
    code, told = ENDS[case]
    worker_of(monkeypatch, tmp_path, code)
    with pytest.raises(FileError, match=rf"m\.xml: .*{told}"):
        read(SOUND)


def test_libsbml_is_not_loaded_here(tmp_path):
    path = tmp_path / "m.xml"
    path.write_text(SOUND)
    code = (
        "import sys\nfrom causalopt.exchange import read_sbml\n"
        f"read_sbml({str(path)!r}, dt=0.01)\nprint('libsbml' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.stdout.strip() == "False"


def test_nothing_of_the_folder_one_is_in_is_run(read, tmp_path, monkeypatch):
    # As a file that came with a model might be called.
    (tmp_path / "libsbml.py").write_text("raise SystemExit('run')")
    (tmp_path / "json.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    assert read(SOUND).events


def test_an_extra_that_is_missing_is_named(read, monkeypatch):
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileError, match=r'pip install "causalopt\[sbml\]"'):
        read(SOUND)


# -- broken files ----------------------------------------------------------------------------------


def outcome(read, content):
    """Whether a content is read; what is told is in words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", ".* left out, for want of a number", RuntimeWarning)
            read(content)
    except FileError as error:
        told = str(error)
    else:
        return True
    assert "m.xml" in told
    assert len(told) < 3000
    return False


ODD = ['"', "<", ">", "/", "&", "&x;", "]]>", "<!--", "-1", "1e999", "nan", "INF", "S", "k",
       "<ci>x</ci>", "<cn>2</cn>", "<apply>", "<plus/>", "<delay/>", "é", "\u202e", "",
       "constant", "true", "species", "__import__('os')", "3"]  # fmt: skip


def fuzz(read, count, first):
    sound = 0
    for seed in range(first, first + count):
        text = mutated(SOUND, seed, ODD)
        # What expat refuses never comes to libsbml, and is asked of elsewhere.
        if is_well_formed(text):
            sound += outcome(read, text)
    return sound


def is_well_formed(text):
    try:
        elements.root_of(FileText("m.xml", text))
    except FileError:
        return False
    return True


def test_the_whole_file_is_sound(read):
    assert outcome(read, SOUND)


def test_files_that_end_early_are_told(read):
    draw = random.Random(5)
    for _ in range(40):
        assert not outcome(read, SOUND.rstrip().encode()[: draw.randrange(len(SOUND) - 5)])


def test_broken_files_are_told(read, in_this_process):
    assert 0 < fuzz(read, 120, first=0) < 60


@pytest.mark.long
def test_a_thousand_broken_files_are_told_by_processes_of_their_own(read):
    assert fuzz(read, 3_000, first=1_000) > 0


KINDS = (
    *OPERATIONS, "function_piecewise", "function_rate_of", "function_delay", "function", "lambda",
    "unknown", "name", "constant_true", "csymbol_function",
)  # fmt: skip


@pytest.mark.parametrize("inner", ["name", "constant_true"])
def test_an_operation_of_any_number_of_parts_is_read_or_refused(inner, read, monkeypatch):
    told = worker.description_of(process.undeclared(model(*X, Y, assignment("y", "x"))))
    value = {"name": "x", "constant_true": None}[inner]
    monkeypatch.setattr(process, "_told", lambda _: told)
    read_all = 0
    for kind in KINDS:
        for count in range(5):
            name = "x" if kind == "name" and not count else "f"
            formula = [(inner, value, 0)] * count + [(kind, name, count)]
            told["model"]["rules"][1]["formula"] = formula
            read_all += outcome(read, "<sbml level='3'><model/></sbml>")
    assert 20 < read_all < 5 * len(KINDS) - 20
