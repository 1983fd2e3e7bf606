"""Stock-and-flow files made to do harm, and broken ones: each is told in words, with its place."""

import cProfile
import random
import re
import string
import warnings

import pytest
from exchange.breaking import mutated
from exchange.stock_models import simple, variable, vensim, xmile

from causalopt import FileError
from causalopt.exchange import read_vensim, read_xmile
from causalopt.ground.work import measured

MDL = vensim("""
Region: North, South
curve([(0,0)-(9,9)],(0,1),(2,3))
:MACRO: TWICE(x)
TWICE = x * 2 ~~|
:END OF MACRO:
Stock [Region] = INTEG(in flow[Region] - Stock[Region] / 4, start[Region]) ~ people [0,?] ~ told |
start[Region] = 1, 2.5e0
in flow[Region] = IF THEN ELSE(Time > 2 :AND: Stock[Region] < 9, k ^ 2, -k) ~ people/Day ~|
k = TWICE(SMOOTH(SUM(Stock[Region!]), 3)) + curve(Time) * 0 + "a b"
a b = MAX(0.5, 1) {why} - STEP(1, 2)
""")
XML = xmile(
    variable("stock", "s", "2", beside="<non_negative/>",
             flows=[("inflow", "i"), ("outflow", "o")]),
    variable("flow", "i", "IF s &lt; 3 THEN F(s) ELSE 2".replace("&lt;", "<")),
    variable("flow", "o", "SMTH1(s, 2) * t[A]", beside="<units>people/Day</units>"),
    variable("aux", "t", "s / 9 + g(TIME)", beside='<dimensions><dim name="D"/></dimensions>'),
    '<gf name="g"><xscale min="0" max="4"/><ypts>0,2,1</ypts></gf><!-- a comment -->',
    before='<dimensions><dim name="D"><elem name="A"/><elem name="B"/></dim></dimensions>'
           '<macro name="F"><parm>x</parm><eqn>x * 2 ^ -1</eqn></macro>',
)  # fmt: skip
READ = {"mdl": (read_vensim, MDL), "xmile": (read_xmile, XML)}
OF_THE_WHOLE = ("is empty", "bytes that are no text", "no UTF-8", "MOST_BYTES")


def told_of(read, path, content):
    """What is told of a content; nothing where it is read. It must say where."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            read(path)
    except FileError as error:
        told = str(error)
        where = re.search(r", line \d+, column \d+: .", told)
        assert where or any(words in told for words in OF_THE_WHOLE), told
        assert len(told) < 2000
        return told
    return ""


@pytest.mark.parametrize("form", READ)
def test_the_whole_files_are_sound(form, tmp_path):
    read, text = READ[form]
    assert not told_of(read, tmp_path / "m", text)


@pytest.mark.parametrize("form", READ)
def test_files_that_end_early_are_told(form, tmp_path):
    # All that a Vensim model needs stands before its sketch.
    read, text = READ[form]
    whole = text.partition("SAVEPER")[0].rstrip().removesuffix("~~|").encode()
    for end in range(len(whole)):
        assert told_of(read, tmp_path / "m", whole[:end]), end


ODD = ['"', "[", "]", "(", ")", "|", "~", ":", "{", "}", "!", ",", ";", "^", "<", "&", "&x;", "]]>",
       "<!--", "-1", "1e999", "nan", "0x1", "é", "\u202e", "\x1b", ":MACRO:", ":END OF MACRO:",
       ":NOT:", "INTEG(", "SUM(", "*", "=", "->", "<->", "'", "\\\n", "IF", "THEN", "1_0", "٣",
       "%s", "<eqn>", "</aux>", "<!ENTITY x 'y'>", "__import__('os')", "Time", "9" * 400,
       "^ 99"]  # fmt: skip


def shuffled(text, seed):
    """The tokens of a formula in a wrong order, in a model that is sound."""
    draw = random.Random(seed)
    tokens = re.findall(r"[\w ]*\w|\S", text)
    draw.shuffle(tokens)
    return " ".join(tokens)


def fuzz(form, folder, count, first=0):
    """How many of so many broken files are read all the same."""
    read, text = READ[form]
    path, draw, sound = folder / "m", random.Random(first), 0
    for seed in range(first, first + count):
        kind = draw.randrange(10)
        content = mutated(text, seed, ODD)
        if kind == 0:
            content = draw.randbytes(draw.randint(1, 300))
        elif kind == 1:
            letters = string.printable if form == "mdl" else "<>/abeqn =\"'&;!-"
            content = "".join(draw.choices(letters, k=draw.randint(1, 300)))
        elif kind == 2:
            formula = shuffled("IF THEN ELSE(a > 2, STEP(b, 1) ^ 2, -SMOOTH(c, 3)) * (a + b)", seed)
            content = simple(formula, "vensim" if form == "mdl" else "xmile")
        sound += not told_of(read, path, content)
    return sound


@pytest.mark.parametrize("form", READ)
def test_broken_files_are_told(form, tmp_path):
    # Both happen: else the changes would be too small, or too large, to ask anything.
    assert 0 < fuzz(form, tmp_path, 150) < 150


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
@pytest.mark.parametrize("form", READ)
def test_a_hundred_thousand_broken_files_are_told(form, part, tmp_path):
    assert 0 < fuzz(form, tmp_path, 5_000, first=10_000 * (part + 1)) < 5_000


# -- no text runs ----------------------------------------------------------------------------------

CODE = "__import__('pathlib').Path('MADE').touch()"


@pytest.mark.parametrize("form", READ)
def test_code_in_a_file_is_text(form, tmp_path):
    made = tmp_path / "made"
    code = CODE.replace("MADE", str(made))
    quoted = f'"{code}"'
    if form == "mdl":
        text = vensim(f"{quoted} = INTEG(y, 1) ~ {code} ~ {code} |\ny = {quoted} * 2")
    else:
        beside = f"<doc>{code}</doc><units>{code}</units>"
        text = xmile(variable("stock", code, "1", flows=[("inflow", "y")], beside=beside),
                     variable("flow", "y", f"{quoted} * 2"))  # fmt: skip
    path = tmp_path / "m"
    path.write_text(text)
    with pytest.warns(RuntimeWarning, match="no unit that is understood"):
        system = READ[form][0](path)
    assert code in {str(v) for v in system.variables}
    assert repr(system)
    assert system.world(steps=2)
    for formula in (code, f"eval({quoted})", "exec('1')", "lambda: 0", "a.__class__", "a[b.c]"):
        dialect = "vensim" if form == "mdl" else "xmile"
        assert told_of(READ[form][0], path, simple(formula, dialect)), formula
    assert not made.exists()


# -- too much --------------------------------------------------------------------------------------


def nested(open_, close, count, inner="a"):
    return open_ * count + inner + close * count


MACROS = "".join(
    f":MACRO: F{i}(x)\nF{i} = F{i + 1}(x) + F{i + 1}(x) + F{i + 1}(x) ~~|\n:END OF MACRO:\n"
    for i in range(15)
) + ":MACRO: F15(x)\nF15 = INTEG(x, 0) ~~|\n:END OF MACRO:\n"  # fmt: skip
DIMENSIONS = "\n".join(f"D{i}: (d{i}x1-d{i}x100)" for i in range(4))
TOO_MUCH = {
    "a power tower": ("9" + "^(9" * 15 + ")" * 15, "is no finite number"),
    "a long tower": ("a" + "^(a" * 5000 + ")" * 5000, "MOST_NESTED"),
    "a tower of a variable": ("EXP(EXP(EXP(EXP(EXP(a)))))", "EXP of"),
    "powers of powers": ("(((b ^ 900) ^ 900) ^ 900) ^ 900", "MOST_POWER"),
    "a product of powers": (" * ".join(["b ^ 999"] * 50), "MOST_POWER"),
    "small numbers": (" * ".join(["(b * 1e-300)"] * 50), "no float holds"),
    "50,000 terms": (" + ".join(["a"] * 50_000), "MOST_PARTS"),
    "50,000 other terms": (" + ".join(f"a * {n}" for n in range(50_000)), "MOST_PARTS"),
    "50,000 factors": (" * ".join(["a"] * 50_000), "MOST_PARTS"),
    "50,000 quotients": (" / ".join(["a"] * 50_000), "MOST_PARTS"),
    "50,000 arguments": (f"MAX({', '.join(['a'] * 50_000)})", "MOST_PARTS"),
    "deep parentheses": (nested("(", ")", 50_000), "MOST_NESTED"),
    "deep calls": (nested("ABS(", ")", 50_000), "MOST_NESTED"),
    "deep signs": ("-" * 50_000 + "a", "MOST_NESTED"),
    "deep conditions": (nested("IF THEN ELSE(a > 1, ", ", 2)", 5_000), "MOST_NESTED"),
    "conditions in conditions": (
        nested("IF THEN ELSE(", " > b, a + Time, c * a)", 25, "a"), ""),
    "numbers as conditions": (nested("IF THEN ELSE(", ", a + Time, c * a)", 25), ""),
    "whole parts of whole parts": (nested("INTEGER(a + ", ")", 19), ""),
    "comparisons of comparisons": (nested("(a + ", " > b)", 29), ""),
    "rests of rests": (nested("MODULO(a + ", ", 3)", 19), "calls of functions in sympy"),
    "largest of largest": (nested("MAX(1, a * ", ")", 19), ""),
    "a long number": ("1" * 100_000, "none that a float holds"),
    "a long name": ("a" * 100_000, "500 are read"),
    "many points": (
        f"WITH LOOKUP(a, ({','.join(f'({i},{i})' for i in range(50_000))}))", "MOST_PARTS"),
    "points of points": (nested("WITH LOOKUP(", ", ((0,0),(1,1)))", 38), ""),
    "pulses of pulses": (nested("PULSE(", ", 2)", 38), ""),
    "pulses too deep": (nested("PULSE(", ", 2)", 50), "MOST_NESTED"),
    "delays of delays": (
        " + ".join([nested("DELAY N(", ", 2, 1, 100)", 38)] * 2), "MOST_MADE"),
    "a long delay": ("DELAY FIXED(a, 1e9, 0)", "more than 10,000 steps"),
}  # fmt: skip
MODELS = {
    "macros that multiply": (f"{MACROS}\na = INTEG(1, 0)\ny = F0(a)", "MOST_MADE"),
    "a macro of itself": (
        ":MACRO: F(x)\nF = F(x) + 1 ~~|\n:END OF MACRO:\na = INTEG(1, 0)\ny = F(a)", "uses itself"),
    "macros of one another": (
        ":MACRO: F(x)\nF = G(x) ~~|\n:END OF MACRO:\n:MACRO: G(x)\nG = F(x) ~~|\n:END OF MACRO:\n"
        "a = INTEG(1, 0)\ny = F(a)", "uses itself"),
    "arrays that multiply": (
        f"{DIMENSIONS}\na[D0, D1, D2, D3] = INTEG(1, 0)", "MOST_VARIABLES"),
    "sums that multiply": (
        f"{DIMENSIONS}\na[D0] = INTEG(1, 0)\ny = SUM(a[D0!] * b[D1!, D2!, D3!])",
        "runs over 1,000,000 elements, more than 5,000|100,000,000 elements, more than 5,000"),
    "sums of sums": (
        f"{DIMENSIONS}\na[D0] = INTEG(1, 0)\ny[D1] = SUM(a[D0!] * SUM(a[D2!] * a[D3!]))",
        "MOST_VARIABLES"),
    "sums for each": (
        f"{DIMENSIONS}\na[D0] = INTEG(1, 0)\nm[D1, d2x1] = SUM(a[D0!] * a[D3!])",
        "MOST_VARIABLES"),
    "sums in sums": ("D: d1\na[D] = INTEG(1, 0)\ny = " + nested("SUM(a[D!] * ", ")", 19, "2"), ""),
    "constants of constants": (
        "a = INTEG(1, 0)\nx0 = 1\n"
        + "\n".join(f"x{i} = x{i - 1} * x{i - 1} * x{i - 1} * x{i - 1}" for i in range(1, 19))
        + "\ny = DELAY N(a, 2, 1, x18)", ""),
    "a long dimension": ("D: (d1-d999999)\na = INTEG(1, 0)", "write one to"),
    "many variables": (
        "a = INTEG(1, 0)\n" + "\n".join(f"x{i} = a" for i in range(20_000)), "MOST_VARIABLES"),
    "a long chain": (
        "a = INTEG(1, 1)\nx0 = a\n"
        + "\n".join(f"x{i} = x{i - 1} ^ 900" for i in range(1, 300)), ""),
    "exponents that grow": (
        "a = INTEG(1, 2)\nx0 = a\n" + "\n".join(f"x{i} = EXP(x{i - 1})" for i in range(1, 9)),
        "EXP of"),
}  # fmt: skip


FEW_WORDS = {
    "delays in delays": (simple(nested("DELAY N(", ", 2, 1, 100)", 38)), "MOST_MADE"),
    "delays side by side": (
        vensim("a = INTEG(1, 0)\n"
               + "\n".join(f"x{i} = DELAY N(a, 2, 1, 100)" for i in range(40))), "MOST_MADE"),
    "sums in sums": (
        vensim("D: (d1-d12)\na[D] = INTEG(1, 0)\ny = " + nested("SUM(a[D!] * ", ")", 12, "2")), ""),
    "a sum of three dimensions": (
        vensim("D: (d1-d12)\nE: (e1-e12)\nF: (f1-f12)\na[D] = INTEG(1, 0)\nb[E] = 1\nc[F] = 2\n"
               "y = SUM(a[D!] * b[E!] * c[F!])"), "runs over 1,728 elements.*MOST_TERMS"),
}  # fmt: skip


@pytest.mark.parametrize("case", FEW_WORDS)
def test_few_words_are_little_work(case, tmp_path):
    text, told = FEW_WORDS[case]
    (tmp_path / "m").write_text(text)
    with measured() as meter:
        found = told_of(read_vensim, tmp_path / "m", text)
    # 30,000 to 140,000 calls; written out, they were more than 5,000,000.
    assert meter.calls < 400_000
    assert re.search(told, found) if told else not found


def _drained(number):
    flow = variable("flow", f"f{number}", "1")
    return flow + variable(
        "stock", f"s{number}", "1", beside="<non_negative/>", flows=[("outflow", f"f{number}")]
    )


def _of_a_stock(formula, count):
    lines = (f"y{i} = {formula.replace('#', str(i))}" for i in range(count))
    return vensim("\n".join(["s = INTEG(1, 2)", *lines]))


# Sound models, and the most calls that each of their formulas may take.
MANY = {
    "never negative": (read_xmile, xmile(*map(_drained, range(100))), 100, 7_500),
    "quotients": (
        read_vensim, _of_a_stock("(s+#)*(s-#)*(s*#+1)/(1+s^5)", 100), 100, 9_500),
    "units": (read_vensim, _of_a_stock("s / 2 + # ~ people*Day/Month ~|", 100), 100, 4_000),
}  # fmt: skip


@pytest.mark.parametrize("case", MANY)
def test_many_formulas_are_a_little_work_each(case, tmp_path):
    read, text, count, most = MANY[case]
    (tmp_path / "m").write_text(text)
    counted = cProfile.Profile(builtins=False)
    assert not counted.runcall(told_of, read, tmp_path / "m", text)
    assert sum(entry.callcount for entry in counted.getstats()) / count < most


def check_refused(read, path, text, told):
    path.write_text(text)
    with measured() as meter:
        found = told_of(read, path, text)
    # Those that sympy takes are counted, and stopped, by the reader itself.
    assert meter.calls < 2_500_000
    if told:
        assert re.search(told, found), found


@pytest.mark.sampled(3)
@pytest.mark.parametrize("case", TOO_MUCH)
def test_formulas_that_are_too_much_are_refused(case, tmp_path):
    formula, told = TOO_MUCH[case]
    check_refused(read_vensim, tmp_path / "m", simple(formula), told)


@pytest.mark.parametrize("case", MODELS)
def test_models_that_are_too_much_are_refused(case, tmp_path):
    text, told = MODELS[case]
    check_refused(read_vensim, tmp_path / "m", vensim(text), told)


def lol(levels):
    entities = [f'<!ENTITY a{i + 1} "{f"&a{i};" * 10}">' for i in range(levels)]
    return f'<!DOCTYPE xmile [<!ENTITY a0 "lol">{"".join(entities)}]>'


STOCK = variable("stock", "s", "1")
DOCUMENTS = {
    "a bomb": (lol(12) + xmile(variable("stock", "&a12;", "1")), "an entity is declared"),
    "a file": ('<!DOCTYPE xmile [<!ENTITY a SYSTEM "SECRET">]>' + xmile(STOCK), "an entity"),
    "depth": ("<xmile>" + "<a>" * 100_000, "deeper than 100"),
    "elements": (xmile("<aux/>" * 200_001), "MOST_ELEMENTS"),
    "variables": (xmile("".join(variable("aux", f"x{i}", "1") for i in range(5_001))),
                  "MOST_VARIABLES"),
    "terms": (xmile(STOCK, variable("aux", "x", "+".join(["s"] * 50_000))), "MOST_PARTS"),
    "flows": (xmile(variable("stock", "s", "1", flows=[("inflow", "s")] * 5_000)), "MOST_PARTS"),
    "ifs": (xmile(STOCK, variable("aux", "x", "IF s THEN " * 500 + "1")), "MOST_NESTED"),
    "points": (xmile(STOCK, variable("aux", "x", "s", beside=(
        f"<gf><xscale min='0' max='1'/><ypts>{','.join(['1'] * 50_000)}</ypts></gf>"))),
        "MOST_POINTS"),
    "a size": (xmile(STOCK, before='<dimensions><dim name="D" size="1e9"/></dimensions>'),
               "write 1 to 5,000"),
    "many dimensions": (xmile(STOCK, before=(
        "<dimensions>" + '<dim name="D" size="5000"/>' * 2000 + "</dimensions>")),
        "declared twice"),
    "a macro of itself": (xmile(STOCK, variable("aux", "x", "F(s)"), before=(
        '<macro name="F"><parm>x</parm><eqn>F(x)</eqn></macro>')), "uses itself"),
}  # fmt: skip


@pytest.mark.sampled(4)
@pytest.mark.parametrize("case", DOCUMENTS)
def test_documents_that_are_too_much_are_refused(case, tmp_path):
    text, told = DOCUMENTS[case]
    (tmp_path / "secret").write_text("a secret")
    text = text.replace("SECRET", (tmp_path / "secret").as_uri())
    check_refused(read_xmile, tmp_path / "m", text, told)
