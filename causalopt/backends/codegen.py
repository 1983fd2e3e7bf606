"""Blocks as source text: one fused loop over time, in a Python that a compiler understands.

Two loops come from the same block. The narrow one carries a single point in local variables, which
a compiler keeps in registers. The wide one carries a tile of points side by side in one flat
buffer, in an inner loop over points without branches, which a compiler turns into vector code.

Every name in the text is made here; what users call their symbols never reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import sympy
from sympy import Expr, Symbol
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction
from sympy.printing.pycode import PythonCodePrinter

from causalopt.errors import CausaloptError
from causalopt.plan import Block

#: How many points a tile of the wide loop holds: its rows stay in the first-level cache.
TILE = 64

#: A tangent whose size leaves 2**-300 to 2**300 is brought back by this power of two, which is
#: exact; far enough inside the range of float64 that one step of a reasonable system stays in it.
POWER = 300

# Functions that compile to one call or instruction, in their C meaning.
_CALLS: Mapping[type, str] = {
    **{getattr(sympy, f): f"math.{f}" for f in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{getattr(sympy, f): f"math.{f}" for f in ("asin", "acos", "atan", "atan2", "exp", "log")},
    **{getattr(sympy, f): f"math.{f}" for f in ("asinh", "acosh", "atanh", "erf", "erfc")},
    sympy.Abs: "abs",
    sympy.floor: "numpy.floor",
    sympy.ceiling: "numpy.ceil",
}

# Functions written out as choices between temporaries {0}, {1}; NaN passes through as in NumPy.
_CHOICES: Mapping[type, str] = {
    sympy.sign: "choose({0} > 0.0, 1.0, choose({0} < 0.0, -1.0, {0} * 0.0))",
    sympy.Heaviside: "choose({0} > 0.0, 1.0, choose({0} < 0.0, 0.0, {0} * 0.0 + {1}))",
    sympy.Mod: "({0} % {1})",
    sympy.frac: "({0} - numpy.floor({0}))",
}
_LARGER = "choose(({0} >= {1}) | ({0} != {0}), {0}, {1})"
_SMALLER = "choose(({0} <= {1}) | ({0} != {0}), {0}, {1})"

_STRUCTURE = (
    *(sympy.Add, sympy.Mul, sympy.Pow, sympy.Number, sympy.NumberSymbol, Symbol),
    *(sympy.Piecewise, sympy.functions.elementary.piecewise.ExprCondPair, Relational),
    *(BooleanFunction, sympy.logic.boolalg.BooleanAtom, sympy.Max, sympy.Min, sympy.sinc),
)


class CannotCompile(CausaloptError):
    """A block holds a function that has no compiled form; the message is its name."""


@dataclass(frozen=True)
class Shape:
    """What a loop does around its block: the places of slots in the block's state.

    ``values`` are checked to be finite, each group of ``scales`` is rescaled by one power of two,
    and ``recorded`` are kept.
    """

    values: tuple[int, ...]
    scales: tuple[tuple[int, ...], ...]
    recorded: tuple[int, ...]


def check(block: Block) -> None:
    """Raise ``CannotCompile`` for a function that has no compiled form."""
    known = (*_STRUCTURE, *_CALLS, *_CHOICES)
    for formula in (*(e for _, e in block.assignments), *block.results):
        for part in sympy.preorder_traversal(formula):
            if not isinstance(part, known):
                raise CannotCompile(type(part).__name__)


def lines_of(block: Block, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The statements of a block, given what its arguments are called, and what it results in.

    >>> from causalopt.plan import block
    >>> x = Symbol("x")
    >>> lines_of(block([x], {}, [sympy.sin(x) + 2]), ["s0"])
    ([], ['math.sin(s0) + 2.0'])
    """
    check(block)
    names = dict(zip(block.arguments, arguments, strict=True))
    writer = _Writer(names)
    for i, (symbol, formula) in enumerate(block.assignments):
        text = writer.text(formula)
        names[symbol] = f"x{i}"
        writer.lines.append(f"x{i} = {text}")
    return writer.lines, [writer.text(result) for result in block.results]


class _Writer(PythonCodePrinter):
    """Python text for formulas; what is needed twice goes to a temporary first."""

    def __init__(self, names: Mapping[Symbol, str]) -> None:
        super().__init__({"fully_qualified_modules": True})
        self.names = names
        self.lines: list[str] = []
        self.temporaries = 0

    def text(self, formula: Expr) -> str:
        """The formula as text; lines that it needs before it are appended to ``lines``."""
        made: str = self._print(formula)
        return made

    def _temporary(self, formula: Expr) -> str:
        text = self.text(formula)
        name = f"u{self.temporaries}"
        self.temporaries += 1
        self.lines.append(f"{name} = {text}")
        return name

    def _print_Symbol(self, symbol: Symbol) -> str:
        return self.names[symbol]

    def _print_Integer(self, number: sympy.Integer) -> str:
        return repr(float(number))

    def _print_Rational(self, number: sympy.Rational) -> str:
        return f"({float(number.p)!r}/{float(number.q)!r})"

    def _print_Float(self, number: sympy.Float) -> str:
        return repr(float(number))

    def _print_NumberSymbol(self, number: sympy.NumberSymbol) -> str:
        return repr(float(number))

    _print_Pi = _print_Exp1 = _print_NumberSymbol

    def _print_Pow(self, power: sympy.Pow, rational: bool = False) -> str:
        base, exponent = power.args
        if exponent.is_Integer and 2 <= abs(exponent) <= 64:
            raised = f"({self.text(base)})**{abs(int(exponent))}"
            return raised if exponent > 0 else f"(1.0/({raised}))"
        made: str = self._hprint_Pow(power, rational=rational, sqrt="math.sqrt")
        return made

    def _print_Function(self, call: sympy.Function) -> str:
        if call.func in _CALLS:
            return f"{_CALLS[call.func]}({', '.join(map(self.text, call.args))})"
        return _CHOICES[call.func].format(*map(self._temporary, call.args))

    _print_Abs = _print_floor = _print_ceiling = _print_sign = _print_Heaviside = _print_Function
    _print_Mod = _print_frac = _print_log = _print_Function

    def _print_sinc(self, call: sympy.sinc) -> str:
        # The same steps as NumPy's sinc(x/pi), so that both agree where sin(x) is near zero.
        u = self._temporary(call.args[0] / sympy.pi)
        y = self._temporary_text(f"{float(sympy.pi)!r} * choose({u} != 0.0, {u}, 1e-20)")
        return f"(math.sin({y}) / {y})"

    def _temporary_text(self, text: str) -> str:
        name = f"u{self.temporaries}"
        self.temporaries += 1
        self.lines.append(f"{name} = {text}")
        return name

    def _print_Max(self, call: sympy.Max) -> str:
        return self._chosen(_LARGER, call.args)

    def _print_Min(self, call: sympy.Min) -> str:
        return self._chosen(_SMALLER, call.args)

    def _chosen(self, choice: str, formulas: Iterable[Expr]) -> str:
        first, *rest = map(self._temporary, formulas)
        for other in rest:
            first = self._temporary_text(choice.format(first, other))
        return first

    def _print_Piecewise(self, formula: sympy.Piecewise) -> str:
        text = "math.nan"
        for value, condition in reversed(formula.args):
            if condition == True:  # noqa: E712  # sympy's true is no bool
                text = self.text(value)
            else:
                text = f"choose({self.text(condition)}, {self.text(value)}, {text})"
        return text

    def _print_And(self, condition: sympy.And) -> str:
        return "(" + " & ".join(f"({self.text(c)})" for c in self._sorted(condition)) + ")"

    def _print_Or(self, condition: sympy.Or) -> str:
        return "(" + " | ".join(f"({self.text(c)})" for c in self._sorted(condition)) + ")"

    def _print_BooleanFunction(self, condition: BooleanFunction) -> str:
        return self.text(condition.to_nnf(simplify=False))

    _print_Xor = _print_Implies = _print_Equivalent = _print_ITE = _print_BooleanFunction
    _print_Nand = _print_Nor = _print_BooleanFunction

    def _sorted(self, condition: BooleanFunction) -> list[Expr]:
        return sorted(condition.args, key=sympy.default_sort_key)


NARROW_SIGNATURE = (
    "int64(float64[:,::1], int64[:,::1], int64, float64[::1], int64[::1], int64[::1],"
    " int64, int64, float64, int64, int64, int64, float64[:,:,::1], int64[:,:,::1])"
)
WIDE_SIGNATURE = (
    "void(float64[:,::1], int64[:,::1], int64, int64, float64[::1], float64[::1], int64[::1],"
    " int64[::1], int64, int64, float64, int64, int64, int64, float64[:,:,::1], int64[:,:,::1],"
    " int64[::1])"
)


def narrow(block: Block, shape: Shape) -> str:
    """The source of a loop over steps for one point.

    It carries ``state[:, point]`` and ``powers[:, point]`` from step ``first - 1`` to ``stop - 1``,
    records into rows from ``row`` on at step ``due`` and every ``every`` after it, and returns the
    step at which a value left the finite numbers, 0 where none did.
    """
    slots, scales = len(block.results), range(len(shape.scales))
    given = len(block.arguments) - slots - 1
    arguments = [*_named("s", slots), *_named("p", given), "t"]
    body, results = lines_of(block, arguments)
    return _joined(
        "def narrow(state, powers, point, given, offset, stride,",
        "           first, stop, dt, row, due, every, values, exponents):",
        (f"    s{j} = state[{j}, point]" for j in range(slots)),
        (f"    p{j} = {_input(j)}" for j in range(given)),
        (f"    e{k} = powers[{k}, point]" for k in scales),
        "    fault = 0",
        "    for i in range(first, stop):",
        "        t = (i - 1) * dt",
        (f"        {line}" for line in body),
        (f"        n{j} = {result}" for j, result in enumerate(results)),
        (f"        s{j} = n{j}" for j in range(slots)),
        f"        if not {_all_finite(shape)}:",
        "            fault = i",
        "            break",
        (f"        {line}" for k in scales for line in _rescaled(shape.scales[k], k)),
        "        if i == due:",
        (f"            values[{r}, row, 0] = s{j}" for r, j in enumerate(shape.recorded)),
        (f"            exponents[{k}, row, 0] = e{k}" for k in scales),
        "            row += 1",
        "            due += every",
        (f"    state[{j}, point] = s{j}" for j in range(slots)),
        (f"    powers[{k}, point] = e{k}" for k in scales),
        "    return fault",
    )


def wide(block: Block, shape: Shape) -> str:
    """The source of a loop over steps for tiles of points, ``low <= tile < high``.

    As ``narrow``, with a buffer ``rows`` of at least ``buffer_size`` numbers; ``faults[tile]``
    becomes the step at which a value of the tile left the finite numbers, and such tiles are left
    as they are.
    """
    slots, scales = len(block.results), range(len(shape.scales))
    given = len(block.arguments) - slots - 1
    arguments = [*_named("s", slots), *_named("p", given), "t"]
    body, results = lines_of(block, arguments)
    s, p, e = 0, slots, slots + given
    return _joined(
        "def wide(state, powers, low, high, rows, given, offset, stride,",
        "         first, stop, dt, row, due, every, values, exponents, faults):",
        "    points = state.shape[1]",
        "    for tile in range(low, high):",
        "        if faults[tile] != 0:",
        "            continue",
        f"        base = tile * {TILE}",
        f"        left = (tile - low) * {TILE}",
        f"        width = min({TILE}, points - base)",
        f"        for q in range({TILE}):",
        # The last tile is filled up with copies of its last point.
        "            point = base + min(q, width - 1)",
        (f"            {_at(s + j)} = state[{j}, point]" for j in range(slots)),
        (
            f"            {_at(p + j)} = given[offset[{j}] + point * stride[{j}]]"
            for j in range(given)
        ),
        (f"            {_at(e + k)} = powers[{k}, point]" for k in scales),
        "        at = row",
        "        next_due = due",
        "        for i in range(first, stop):",
        "            t = (i - 1) * dt",
        "            odd = 0",
        f"            for q in range({TILE}):",
        (f"                s{j} = {_at(s + j)}" for j in range(slots)),
        (f"                p{j} = {_at(p + j)}" for j in range(given)),
        (f"                {line}" for line in body),
        (f"                n{j} = {result}" for j, result in enumerate(results)),
        (f"                {_at(s + j)} = n{j}" for j in range(slots)),
        f"                odd |= not {_all_finite(shape)}",
        (f"                {line}" for group in shape.scales for line in _noticed(group)),
        "            if odd != 0:",
        "                bad = False",
        f"                for q in range({TILE}):",
        (f"                    n{j} = {_at(s + j)}" for j in range(slots)),
        f"                    bad |= not {_all_finite(shape)}",
        "                if bad:",
        "                    faults[tile] = i",
        "                    break",
        f"                for q in range({TILE}):",
        (f"                    s{j} = {_at(s + j)}" for j in range(slots)),
        (f"                    e{k} = {_at(e + k)}" for k in scales),
        (f"                    {line}" for k in scales for line in _rescaled(shape.scales[k], k)),
        (f"                    {_at(s + j)} = s{j}" for j in range(slots)),
        (f"                    {_at(e + k)} = e{k}" for k in scales),
        "            if i == next_due:",
        "                for q in range(width):",
        (
            f"                    values[{r}, at, left + q] = {_at(s + j)}"
            for r, j in enumerate(shape.recorded)
        ),
        (f"                    exponents[{k}, at, left + q] = int({_at(e + k)})" for k in scales),
        "                at += 1",
        "                next_due += every",
        "        for q in range(width):",
        (f"            state[{j}, base + q] = {_at(s + j)}" for j in range(slots)),
        (f"            powers[{k}, base + q] = int({_at(e + k)})" for k in scales),
        "            pass",
    )


def buffer_size(block: Block, shape: Shape) -> int:
    """How many numbers the buffer of the wide loop holds."""
    return TILE * (len(block.arguments) - 1 + len(shape.scales))


def weight(block: Block) -> int:
    """Roughly how many nanoseconds a step of a block takes at most, compiled, for one point."""
    operations = calls = 0
    for formula in (*(e for _, e in block.assignments), *block.results):
        operations += 1 + int(formula.count_ops())
        calls += len(formula.atoms(sympy.Function, sympy.Pow))
    return 10 + 3 * operations + 40 * calls


def _named(letter: str, count: int) -> list[str]:
    return [f"{letter}{j}" for j in range(count)]


def _input(j: int) -> str:
    return f"given[offset[{j}] + point * stride[{j}]]"


def _at(row: int) -> str:
    return f"rows[{row * TILE} + q]"


def _all_finite(shape: Shape) -> str:
    # x - x is 0 for what is finite, and NaN for the rest.
    return "(" + (" + ".join(f"(n{j} - n{j})" for j in shape.values) or "0.0") + " == 0.0)"


def _size(group: Sequence[int], letter: str) -> list[str]:
    lines = [f"size = abs({letter}{group[0]})"]
    for j in group[1:]:
        lines += [f"other = abs({letter}{j})", "size = choose(other > size, other, size)"]
    return lines


def _noticed(group: Sequence[int]) -> list[str]:
    if not group:
        return []
    outside = f"(size > 0x1p{POWER}) | ((size < 0x1p-{POWER}) & (size > 0.0))"
    return [*_size(group, "n"), f"odd |= {_floats(outside)}"]


def _rescaled(group: Sequence[int], scale: int) -> list[str]:
    if not group:
        return []
    down = [f"    s{j} *= 0x1p-{POWER}" for j in group]
    up = [f"    s{j} *= 0x1p{POWER}" for j in group]
    lines = [
        *_size(group, "s"),
        f"while 0x1p{POWER} < size < math.inf:",
        *down,
        f"    size *= 0x1p-{POWER}",
        f"    e{scale} += {POWER}",
        f"while 0.0 < size < 0x1p-{POWER}:",
        *up,
        f"    size *= 0x1p{POWER}",
        f"    e{scale} -= {POWER}",
    ]
    return [_floats(line) for line in lines]


def _floats(line: str) -> str:
    """The line with its powers of two as decimal numbers, which Python can read."""
    high, low = float.fromhex(f"0x1p{POWER}"), float.fromhex(f"0x1p-{POWER}")
    return line.replace(f"0x1p-{POWER}", repr(low)).replace(f"0x1p{POWER}", repr(high))


def _joined(*parts: str | Iterable[str]) -> str:
    lines: list[str] = []
    for part in parts:
        lines.extend([part] if isinstance(part, str) else part)
    return "\n".join(lines) + "\n"


#: How a loop is written, by its name.
LOOPS: Mapping[str, tuple[Callable[[Block, Shape], str], str]] = {
    "narrow": (narrow, NARROW_SIGNATURE),
    "wide": (wide, WIDE_SIGNATURE),
}
