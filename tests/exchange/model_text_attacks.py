"""Files that are made to do harm, or that are broken in ways of their own: none may be read."""

import sys
from pathlib import Path

MARK = "THE_MARK"  # what an attack that runs would leave as a file, in the place of this


def step(formula, more=""):
    """A file with one formula, of x and k."""
    return f"{more}\n[parameters]\nk = 0.5\n[variables.x]\nnext = {formula}\nstart = 1\n"


def quoted(formula, more=""):
    return step(f'"{formula}"', more)


def sound(more=""):
    return quoted("x/2", more)


TOUCH = f"__import__('pathlib').Path('{MARK}').touch()"
X = "[variables.x]\nnext = 'x'\nstart = 1\n"

#: Each with a part of what is told.
ATTACKS = {
    # Code in formulas.
    "an import": (quoted(TOUCH), "no function|no meaning|stands behind"),
    "a builtin": (quoted("open('/etc/passwd')"), "no function"),
    "eval": (quoted("eval('1')"), "no function 'eval'"),
    "an attribute": (quoted("x.__class__.__mro__"), "no .'__class__'"),
    "an attribute of a number": (quoted("(1).real"), "a point stands behind a name"),
    "an attribute of a call": (quoted("sin(x).func"), "a point stands behind a name"),
    "a method": (quoted("x.subs(x, 1)"), "no .'subs'"),
    "a lambda": (quoted("(lambda: 1)()"), "':' stands in no formula"),
    "a list comprehension": (quoted("[x for x in k]"), "'\\[' stands"),
    "a generator": (quoted("sum(x for x in k)"), "operator is missing"),
    "an f-string": (quoted("f'{x}'"), "operator is missing"),
    "bytes": (quoted("b'x'"), "operator is missing"),
    "a subscript": (quoted("x[0]"), "'\\[' stands"),
    "a walrus": (quoted("(x := 2)"), "':' stands"),
    "a star": (quoted("Max(*x)"), "missing before '\\*'"),
    "a keyword argument": (quoted("sin(x, evaluate=False)"), "'=' stands"),
    "an await": (quoted("await x"), "operator is missing"),
    "a yield": (quoted("(yield x)"), "operator is missing"),
    "an ellipsis": (quoted("..."), "a point stands"),
    "a comment": (quoted("x # y"), "'#' stands"),
    "a semicolon": (quoted("x; import os"), "';' stands"),
    "a new line": (step("'''x\nimport os'''"), "operator is missing"),
    "a bracket too many": (quoted("1) + (2"), "closes nothing"),
    "a sympify of text": (quoted("S('x')"), "no function 'S'"),
    "a symbol that runs": (quoted("Symbol('x')"), "no function"),
    "an integral": (quoted("Integral(x, x)"), "no function"),
    "a backslash": (step("'x \\\\\n+ 1'".replace("\n", "")), "stands in no formula"),
    # Letters that look like others.
    "a lookalike": (quoted("х + 1"), "u0445"),
    "a wide letter": (quoted("ｘ + 1"), "uff58"),
    "digits of another script": (quoted("٣*x"), "u0663"),
    "a sign of another kind": (quoted("x − 1"), "u2212"),
    "a hidden letter": (quoted("x\u200b + 1"), "u200b"),
    "a text that turns around": (quoted("x\u202e + 1"), "u202e"),
    # Numbers that grow.
    "a tower": (quoted("9**9**9**9**9"), "more than floats hold"),
    "a tower of a symbol": (quoted("x**9**9**9"), "more than floats hold"),
    "accumulated powers": (quoted("((((x**64)**64)**64)**64)**64"), "exponents come to"),
    "accumulated powers of sums": (quoted("(((x + 1)**99 + 1)**99 + 1)**99"), "exponents come to"),
    "a negative tower": (quoted("2**-(9**9)"), "more than floats hold"),
    "factorials": (quoted("factorial(factorial(20))"), "up to 170"),
    "a large factorial": (quoted("factorial(10**9)*x"), "up to 170"),
    "gamma": (quoted("gamma(10**6)"), "up to 170"),
    "zeta": (quoted("zeta(-10**6)"), "up to 50"),
    "an order": (quoted("besselj(10**9, x)"), "up to 50"),
    "polygamma": (quoted("polygamma(10**6, x)"), "up to 50"),
    "an exponential": (quoted("exp(exp(exp(exp(10))))"), "largest float"),
    "a huge integer": (quoted("1" * 5_000), "digits"),
    "a huge number of TOML": (step("1" * 5_000), "letters are here without quotes"),
    "1e400": (quoted("x*1e400"), "beyond what floats hold"),
    "1e400 of TOML": (step("1e400"), "finite number"),
    "nan": (step("nan"), "finite number"), "inf": (step("-inf"), "finite number"),
    "a hexadecimal": (quoted("0xff"), "operator is missing"),
    "a division by zero": (quoted("x/(k - k)"), "divided by 0"),
    "a root of -1": (quoted("x + sqrt(-1)"), "real and finite"),
    "an argument beyond floats": (
        "[parameters]\np = 22.5\nq = 'exp(exp(exp(p)))'\n" + X, "no finite real number"),
    "a start beyond floats": (
        "[variables.x]\nnext = 'x'\nstart = 60\n[variables.y]\nnext = 'y'\n"
        "start = 'exp(exp(exp(x)))'\n", "no finite real number"),
    "an equation beyond floats": (
        "dt = 0.1\n[variables.x]\nrate = 'x'\nstart = 60\n[variables.y]\n"
        "equals = 'sin(exp(exp(exp(x))))'\n", "no finite real number"),
    "a past beyond floats": (
        "dt = 0.5\n[variables.x]\nrate = 'x.lag(20)'\nstart = 60\n"
        "history = 'exp(exp(exp(-time)))'\n", "no finite real number"),
    "a long past": (
        "[variables.x]\nnext = 'x.lag(1e9)'\nstart = 1\nhistory = 'time'\n", "MOST_HISTORY"),
    "a memory without end": ("[variables.x]\nnext = 'x.lag(1e15)'\nstart = 1\n", "a delay of"),
    # Size and depth.
    "50,000 terms": (quoted("+".join(["x"] * 50_000)), "in a row"),
    "50,000 terms in groups": (
        quoted("+".join([f"({'+'.join(['x'] * 500)})"] * 100)), "MOST_TOKENS"),
    "50,000 brackets": (quoted("(" * 50_000 + "x" + ")" * 50_000), "brackets stand"),
    "1,000,000 brackets": (quoted("(" * 1_000_000), "letters"),
    "functions in functions": (quoted("sin(" * 300 + "x" + ")" * 300), "brackets stand"),
    "minus upon minus": (quoted("-" * 50_000 + "x"), "in a row"),
    "minus, less deep": (quoted("-" * 900 + "x"), "operations stand in one another"),
    "not upon not": (quoted("1 if " + "not " * 5_000 + "x > 0 else 0"), "in a row"),
    "powers upon powers": (quoted("**".join(["x"] * 500)), "operations stand in one another"),
    "cases upon cases": (quoted("x if x > 0 else (" * 145 + "x" + ")" * 145), "in one another"),
    "cases in a row": (quoted("x if x > 0 else " * 900 + "x"), "in a row"),
    "a largest of many": (
        quoted("Max(" + ", ".join(f"x*{i} + k*{i * i}" for i in range(150)) + ")"), "calls"),
    "a largest of too many": (quoted("Max(" + ", ".join(["x"] * 5_000) + ")"), "up to 200"),
    "products of sums": (
        quoted("*".join(f"Max(x - {i}, Min(k, {i}*x), k**{i})" for i in range(60))), "calls"),
    "a sum of floors of sums": (
        quoted("".join("floor(x + " for _ in range(100)) + "x" + ")" * 100), "one another"),
    "a long name": (f"[variables.{'x' * 5_000}]\nstart = 1\n", "letters"),
    "a long name in quotes": (f'[variables."{"x" * 5_000}"]\nstart = 1\n', "a name has 5,000"),
    "chances that are multiplied out": (
        "[symbols.a]\n[symbols.b]\n[symbols.c]\n[variables.x]\nvalues = ['u', 'v']\n"
        "equals = {table = [], rows = {u = '(a + b + c)**60', v = '1 - (a + b + c)**60'}}\n",
        "multiplied out"),
    # TOML itself.
    "lists in lists": (f"x = {'[' * 50_000}{']' * 50_000}\n", "deeper than"),
    "tables in tables": ("x = " + "{a = " * 5_000 + "1" + "}" * 5_000, "deeper than"),
    "a deep key": (".".join(["a"] * 50_000) + " = 1\n", "deeper than"),
    "a deep header": (f"[{'.'.join(['a'] * 50_000)}]\n", "deeper than"),
    "a key twice": (sound("title = 'a'\ntitle = 'b'"), "no TOML"),
    "a table twice": (sound() + "[variables.x]\n", "no TOML"),
    "keys that clash": ("variables.x = 1\nvariables.x.next = 'x'\n", "no TOML"),
    "an inline table that grows": ("variables = {}\n[variables.x]\nstart = 1\n", "no TOML"),
    "a text without end": ('title = "a\n' + X, "no TOML"),
    "an escape that is none": ('title = "\\q"\n' + X, "no TOML"),
    "half of a letter": ('title = "\\ud800"\n' + X, "no TOML"),
    "a letter that shows nothing": (f"title = '{chr(1)}'\n" + X, "no TOML"),
    "no TOML": ("<model/>", "no TOML"),
    "a JSON": ('{"variables": {}}', "no TOML"),
    # What is no model.
    "a date": (step("1979-05-27"), "a date or a time"),
    "a time": (step("07:32:00"), "a date or a time"),
    "a date to start from": ("[variables.x]\nnext = 'x'\nstart = 1979-05-27\n", "a date or a time"),
    "a truth": (step("true"), "a truth value"),
    "a list for a formula": (step("['x']"), "a list"),
    "a table for a formula": (step("{a = 1}"), "write a formula"),
    "a key that is not known": (sound("eval = 'x'"), "'eval' is not known"),
    "a key of a variable": (step("'x'\nexec = 'x'"), "'exec' is not known"),
    "no variables": ("title = 'a'\n", "no variable is declared"),
    "an empty name": ('[variables.""]\nstart = 1\n', "a name is empty"),
    "two of one name": ("[parameters]\nx = 1\n" + X, "declared twice"),
    "another kind of method": (
        "dt = 0.1\nmethod = 'eval'\n[variables.x]\nrate = 'x'\nstart = 1\n", "no method"),
    "a circle of parameters": ("[parameters]\na = 'b'\nb = 'a'\n" + X, "circle"),
    "a circle of nodes": ("[variables.x]\nequals = 'y'\n[variables.y]\nequals = 'x'\n", "cycle"),
    "a dt of 0": (sound("dt = 0"), "a positive time"),
    "a law of its own": (sound("[noises.e]\nexec = [0, 1]"), "not known"),
    "a negative deviation": (sound("[noises.e]\nnormal = [0, -1]"), "above 0"),
    "a million weights": (sound(f"[noises.e]\nchoice = [{'1,' * 400_000}]"), "MOST_TOML_TOKENS"),
    "a question of a million points": (
        sound() + "[[questions]]\nA = 'x'\nover = {k = {from = 0, to = 1, count = 10000000}}\n",
        "a whole number"),
    "a question of many millions of points": (
        sound() + "[[questions]]\nA = 'x'\nover = {k = {from = 0, to = 1, count = 9999},"
        " \"x[0]\" = {from = 0, to = 1, count = 9999}}\n", "MOST_SWEPT"),
    "a question of code": (
        sound() + f"[[questions]]\nA = \"{TOUCH}\"\n", "names no nodes"),
    "a question that hangs": (sound() + f"[[questions]]\nA = \"x{' ' * 50_000}!\"\n", "no nodes"),
    "a million questions": (sound() + "[[questions]]\nA = 'x'\n" * 500, "more than 100 questions"),
    "assumptions that are none": (
        "[variables.x]\nassume = {__class__ = true}\nstart = 1\n", "no assumption"),
    "assumptions against one another": (
        "[variables.x]\nassume = {positive = true, negative = true}\nstart = 1\n", "leave one out"),
    "a start that is assumed not to be": (
        "[variables.x]\nassume = {positive = true}\nnext = 'x'\nstart = -1\n", "positive"),
    "a value twice": ("[variables.x]\nvalues = ['a', 'a']\nstart = 'a'\n", "twice|two"),
    "chances above 1": (
        "[variables.x]\nvalues = ['a', 'b']\nequals = {table = [], rows = {a = 1.5, b = -0.5}}\n",
        "mass"),
}  # fmt: skip


def main(folder):
    """Read each in this process alone, and tell of each: what it took, and what is told of it."""
    from exchange.attacking import attack

    from causalopt.exchange import read_model

    path = Path(folder) / "m.toml"
    made = str(path.with_name("made"))
    attack(
        read_model, {name: text.replace(MARK, made) for name, (text, _) in ATTACKS.items()}, path
    )


if __name__ == "__main__":
    main(sys.argv[1])
