"""Functions that sympy must not take apart, because what it makes of them loses digits.

sympy writes t / s / s as t s^-2, and the square of s overflows, or underflows, where neither t / s
nor the whole does. What is written by these heads is computed as it is written; ``doit`` gives it
in sympy's own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import sympy
from sympy import Eq, Expr, Function
from sympy.core.function import ArgumentIndexError
from sympy.logic.boolalg import Boolean
from sympy.printing.printer import Printer


class Steady(Function):
    """A real function that stands for a plain formula, and looks like it."""

    is_real = True
    is_commutative = True

    @staticmethod
    @abstractmethod
    def plain(*args: Expr) -> Expr:
        """What it stands for."""

    def doit(self, **hints: object) -> Expr:
        """The plain formula."""
        return self.plain(*(arg.doit(**hints) for arg in self.args))

    def _eval_evalf(self, prec: int) -> Expr:
        return self.plain(*self.args)._evalf(prec)

    def _sympystr(self, printer: Printer) -> str:
        return f"({printer._print(self.plain(*self.args))})"

    def _latex(self, printer: Printer, exp: str | None = None) -> str:
        text = rf"\left({printer._print(self.plain(*self.args))}\right)"
        return text if exp is None else f"{text}^{{{exp}}}"


def _where(printer: Printer, case: str, value: str, otherwise: str) -> str:
    """A choice of two values, as the code that a printer writes has it."""
    if printer.printmethod == "_mpmathcode":
        return f"({value} if {case} else {otherwise})"
    if printer.printmethod == "_numpycode":
        return f"{printer._module_format('numpy.where')}({case}, {value}, {otherwise})[()]"
    return f"choose({case}, {value}, {otherwise})"


class Share(Steady):
    """t / s, as one division.

    >>> t, s = sympy.symbols("t s")
    >>> Share(t, s) / s, Share(0, s), Share(6, 3)
    ((t/s)/s, 0, 2)
    """

    nargs = 2

    @staticmethod
    def plain(*args: Expr) -> Expr:
        """t / s, in that order of sympy's."""
        part, whole = args
        return part / whole

    @classmethod
    def eval(cls, part: Expr, whole: Expr) -> Expr | None:
        """What needs no division: nothing, and numbers."""
        is_plain = part == 0 or whole == 1 or (part.is_number and whole.is_number)
        return part / whole if is_plain else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """1 / s, and -(t / s) / s."""
        _, whole = self.args
        if argindex == 1:
            return 1 / whole
        if argindex == 2:
            return -Share(self, whole)
        raise ArgumentIndexError(self, argindex)

    def _divided(self, printer: Printer) -> str:
        part, whole = map(printer._print, self.args)
        return f"(({part})/({whole}))"

    _pythoncode = _numpycode = _mpmathcode = _divided


class Length(Steady):
    """sqrt(u^2 + v^2), where neither square is a float."""

    nargs = 2
    is_nonnegative = True

    @staticmethod
    def plain(*args: Expr) -> Expr:
        """The root of the squares."""
        u, v = args
        return sympy.sqrt(u**2 + v**2)

    def fdiff(self, argindex: int = 1) -> Expr:
        """u / sqrt(u^2 + v^2), and so for v."""
        if argindex not in (1, 2):
            raise ArgumentIndexError(self, argindex)
        return Share(self.args[argindex - 1], self)

    def _called(self, printer: Printer) -> str:
        name = printer._module_format(self._homes[printer.printmethod])
        return f"{name}({', '.join(map(printer._print, self.args))})"

    _homes: ClassVar = {
        "_pythoncode": "math.hypot",
        "_numpycode": "numpy.hypot",
        "_mpmathcode": "mpmath.hypot",
    }
    _pythoncode = _numpycode = _mpmathcode = _called


class NoSlope(Steady):
    """What stands where a formula says nothing about a slope: as a number NaN.

    sympy orders numbers by size, which raises for a NaN of its own.

    >>> sympy.Piecewise((NoSlope(), sympy.Eq(sympy.Symbol("x"), 0)), (1, True)).subs("x", 0)
    (nan)
    """

    nargs = 0
    is_number = False

    @staticmethod
    def plain(*args: Expr) -> Expr:
        """NaN."""
        return sympy.nan

    def _named(self, printer: Printer) -> str:
        name: str = printer._module_format(self._homes[printer.printmethod])
        return name

    _homes: ClassVar = {
        "_pythoncode": "math.nan",
        "_numpycode": "numpy.nan",
        "_mpmathcode": "mpmath.nan",
    }
    _pythoncode = _numpycode = _mpmathcode = _named


class Lost(Steady):
    """0 for a number, be it infinite, and NaN for what is none, as sqrt(u) is where u < 0.

    >>> u = sympy.Symbol("u", real=True)
    >>> asked = Lost(sympy.sqrt(u))
    >>> asked.subs(u, 2), asked.subs(u, -2)
    (0, (nan))
    """

    nargs = 1

    @staticmethod
    def plain(*args: Expr) -> Expr:
        """0, where there is anything to be said."""
        return sympy.Integer(0)

    @classmethod
    def eval(cls, u: Expr) -> Expr | None:
        """What is known of a number."""
        if not u.is_number:
            return None
        return sympy.Integer(0) if u.is_extended_real else NoSlope()

    def fdiff(self, argindex: int = 1) -> Expr:
        """Zero: it does not move."""
        return sympy.Integer(0)

    def _sympystr(self, printer: Printer) -> str:
        return f"(0 if {printer._print(self.args[0])} is real)"

    def _told(self, printer: Printer) -> str:
        # What is complex has no size in limits: see ``backends.special``.
        size = f"abs({printer._print(self.args[0])})"
        return _where(printer, f"{size} == {size}", "0.0", size)

    _pythoncode = _numpycode = _mpmathcode = _told


class AboveBranch(Steady):
    """W(u) + 1 for a branch of Lambert's W: it is zero at the branch point, u = -1/e."""

    nargs = 2

    @staticmethod
    def plain(*args: Expr) -> Expr:
        """The sum."""
        return sympy.LambertW(*args) + 1

    def fdiff(self, argindex: int = 1) -> Expr:
        """e^-W / (W + 1)."""
        if argindex != 1:
            raise ArgumentIndexError(self, argindex)
        return sympy.exp(1 - self) / self

    def _mpmathcode(self, printer: Printer) -> str:
        name = printer._module_format("mpmath.lambertw")
        return f"({name}({', '.join(map(printer._print, self.args))}) + 1)"


class Offset(Steady):
    """u - v, which sympy would multiply out: of 2 (u - v), few digits are left in 2 u - 2 v.

    >>> u = sympy.Symbol("u")
    >>> 2 * Offset(u, 1), Offset(u, 0)
    (2*(u - 1), u)
    """

    nargs = 2

    @staticmethod
    def plain(*args: Expr) -> Expr:
        """The difference."""
        u, v = args
        return u - v

    @classmethod
    def eval(cls, u: Expr, v: Expr) -> Expr | None:
        """What needs no subtraction, and numbers."""
        return u - v if v == 0 or (u.is_number and v.is_number) else None

    def fdiff(self, argindex: int = 1) -> Expr:
        """1 and -1."""
        if argindex not in (1, 2):
            raise ArgumentIndexError(self, argindex)
        return sympy.Integer(3 - 2 * argindex)

    def _subtracted(self, printer: Printer) -> str:
        u, v = map(printer._print, self.args)
        return f"(({u}) - ({v}))"

    _pythoncode = _numpycode = _mpmathcode = _subtracted


class Polynomial(Steady):
    """c0 + c1 u + c2 u^2 + ..., of u, c0, c1, ...: one part of a plan, however long it is.

    >>> u = sympy.Symbol("u")
    >>> Polynomial(u, 5, 3, 2).fdiff()
    (4*u + 3)
    """

    @staticmethod
    def plain(*args: Expr) -> Expr:
        """The sum of powers."""
        u, *coefficients = args
        return sympy.Add(*(c * u**j for j, c in enumerate(coefficients)))

    def fdiff(self, argindex: int = 1) -> Expr:
        """The polynomial of j c_j, and the powers of u."""
        u, *coefficients = self.args
        if argindex > 1:
            return u ** (argindex - 2)
        return Polynomial(u, *(j * c for j, c in enumerate(coefficients) if j))

    def _nested(self, printer: Printer) -> str:
        u, *coefficients = (f"({printer._print(arg)})" for arg in self.args)
        *lower, text = coefficients
        for coefficient in reversed(lower):
            text = f"({coefficient} + {u}*{text})"
        return text

    _pythoncode = _numpycode = _mpmathcode = _nested


class Beside(Steady):
    """One value where 0 < |offset| <= reach, else another: of near, away, offset, reach.

    As a Piecewise it would be solved for its arguments each time that a plan is put together.
    """

    nargs = 4

    @staticmethod
    def plain(*args: Expr) -> Expr:
        """The value away, of which the other is a better form."""
        return args[1]

    def _chosen(self, printer: Printer) -> str:
        near, away, offset, reach = (f"({printer._print(arg)})" for arg in self.args)
        case = f"({offset} != 0) & (abs({offset}) <= {reach})"
        return _where(printer, case, near, away)

    _pythoncode = _numpycode = _mpmathcode = _chosen


class PlaceOf(Steady):
    """The number of the first of its arguments that no other exceeds, in a direction of its own."""

    is_integer = True
    is_nonnegative = True

    #: How numbers are compared, and what NumPy and Python call the choice.
    exceeds: ClassVar[str]
    argument: ClassVar[str]
    choice: ClassVar[str]

    @classmethod
    def eval(cls, *args: Expr) -> Expr | None:
        """What is a place already, of numbers."""
        return cls.plain(*args) if all(arg.is_number for arg in args) else None

    @classmethod
    def plain(cls, *args: Expr) -> Expr:
        """A choice by comparisons with all others."""
        cases = [(sympy.Integer(number), cls.is_at(args, number)) for number in range(len(args))]
        return sympy.Piecewise(*cases[:-1], (cases[-1][0], True))

    @classmethod
    def is_at(cls, args: Sequence[Expr], number: int) -> Boolean:
        """Whether the place is that of a number."""
        strictly = sympy.Gt if cls.exceeds == ">" else sympy.Lt
        earlier = [strictly(args[number], other) for other in args[:number]]
        return sympy.And(
            *earlier, *(~strictly(other, args[number]) for other in args[number + 1 :])
        )

    def fdiff(self, argindex: int = 1) -> Expr:
        """Zero: it moves by jumps."""
        return sympy.Integer(0)

    def _numpycode(self, printer: Printer) -> str:
        name, spread = (
            printer._module_format(f"numpy.{n}") for n in (self.argument, "broadcast_arrays")
        )
        return f"{name}({spread}({', '.join(map(printer._print, self.args))}), axis=0)"

    def _mpmathcode(self, printer: Printer) -> str:
        values = f"[{', '.join(map(printer._print, self.args))}]"
        return f"(lambda values: values.index({self.choice}(values)))({values})"


class PlaceOfLargest(PlaceOf):
    """The number of the first of the largest of its arguments.

    >>> PlaceOfLargest(2, 5, 5).doit()
    1
    """

    exceeds, argument, choice = ">", "argmax", "max"


class PlaceOfSmallest(PlaceOf):
    """The number of the first of the smallest of its arguments."""

    exceeds, argument, choice = "<", "argmin", "min"


class AtPlace(Steady):
    """One value where a place has a number, else another: of place, number, value, otherwise.

    Slopes of a largest argument are made of it, one by each of n arguments, where choices by
    comparisons would compare all with all each time.
    """

    nargs = 4

    @staticmethod
    def plain(*args: Expr) -> Expr:
        """A choice by comparisons."""
        place, number, value, otherwise = args
        here = (
            place.is_at(place.args, int(number))
            if isinstance(place, PlaceOf)
            else Eq(place, number)
        )
        return sympy.Piecewise((value, here), (otherwise, True))

    def doit(self, **hints: object) -> Expr:
        """The choice; the place is told by what it is a place of."""
        place, number, *values = self.args
        return self.plain(place, number, *(value.doit(**hints) for value in values))

    @classmethod
    def eval(cls, place: Expr, number: Expr, value: Expr, otherwise: Expr) -> Expr | None:
        """What needs no choice."""
        if place.is_Integer:
            return value if place == number else otherwise
        return value if value == otherwise else None

    def _chosen(self, printer: Printer) -> str:
        place, number, value, otherwise = (f"({printer._print(arg)})" for arg in self.args)
        return _where(printer, f"{place} == {number}", value, otherwise)

    _pythoncode = _numpycode = _mpmathcode = _chosen
