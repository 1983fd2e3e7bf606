"""Functions that sympy must not take apart, because what it makes of them loses digits.

sympy writes t / s / s as t s^-2, and the square of s overflows, or underflows, where neither t / s
nor the whole does. What is written by these heads is computed as it is written.
"""

from __future__ import annotations

import sympy
from sympy import Expr, Function
from sympy.core.function import ArgumentIndexError
from sympy.printing.printer import Printer


class Share(Function):  # type: ignore[misc]  # sympy is untyped
    """t / s, as one division.

    >>> t, s = sympy.symbols("t s")
    >>> Share(t, s) / s, Share(0, s), Share(6, 3)
    ((t/s)/s, 0, 2)
    """

    nargs = 2
    is_real = True
    is_commutative = True

    @classmethod
    def eval(cls, part: Expr, whole: Expr) -> Expr | None:
        """What needs no division: nothing, and numbers."""
        if part == 0 or whole == 1 or (part.is_number and whole.is_number):
            return part / whole
        return None

    def doit(self, **hints: object) -> Expr:
        """The plain quotient."""
        part, whole = (arg.doit(**hints) for arg in self.args)
        return part / whole

    def fdiff(self, argindex: int = 1) -> Expr:
        """1 / s, and -(t / s) / s."""
        part, whole = self.args
        if argindex == 1:
            return 1 / whole
        if argindex == 2:
            return -Share(self, whole)
        raise ArgumentIndexError(self, argindex)

    def _eval_evalf(self, prec: int) -> Expr:
        return self.doit()._evalf(prec)

    def _divided(self, printer: Printer) -> str:
        part, whole = map(printer._print, self.args)
        return f"(({part})/({whole}))"

    _pythoncode = _numpycode = _mpmathcode = _divided

    def _sympystr(self, printer: Printer) -> str:
        part, whole = self.args
        product = sympy.Mul(part, sympy.Pow(whole, -1), evaluate=False)
        return f"({printer._print(product)})"

    def _latex(self, printer: Printer, exp: str | None = None) -> str:
        part, whole = map(printer._print, self.args)
        text = rf"\frac{{{part}}}{{{whole}}}"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class Length(Function):  # type: ignore[misc]  # sympy is untyped
    """sqrt(u^2 + v^2), where neither square is a float."""

    nargs = 2
    is_real = True
    is_nonnegative = True
    is_commutative = True

    def doit(self, **hints: object) -> Expr:
        """The plain root."""
        u, v = (arg.doit(**hints) for arg in self.args)
        return sympy.sqrt(u**2 + v**2)

    def fdiff(self, argindex: int = 1) -> Expr:
        """u / sqrt(u^2 + v^2), and so for v."""
        if argindex not in (1, 2):
            raise ArgumentIndexError(self, argindex)
        return Share(self.args[argindex - 1], self)

    def _eval_evalf(self, prec: int) -> Expr:
        return self.doit()._evalf(prec)

    def _called(self, printer: Printer) -> str:
        name = printer._module_format(self._home[printer.printmethod])
        return f"{name}({', '.join(map(printer._print, self.args))})"

    _home = {"_pythoncode": "math.hypot", "_numpycode": "numpy.hypot", "_mpmathcode": "mpmath.hypot"}
    _pythoncode = _numpycode = _mpmathcode = _called

    def _sympystr(self, printer: Printer) -> str:
        return str(printer._print(self.doit()))

    def _latex(self, printer: Printer, exp: str | None = None) -> str:
        text = printer._print(self.doit())
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


class AboveBranch(Function):  # type: ignore[misc]  # sympy is untyped
    """W(u) + 1 for Lambert's W, which is zero at its branch point, u = -1/e."""

    nargs = 2
    is_real = True
    is_commutative = True

    def doit(self, **hints: object) -> Expr:
        """The plain sum."""
        u, branch = (arg.doit(**hints) for arg in self.args)
        return sympy.LambertW(u, branch) + 1

    def fdiff(self, argindex: int = 1) -> Expr:
        """e^-W / (W + 1)."""
        if argindex != 1:
            raise ArgumentIndexError(self, argindex)
        return sympy.exp(1 - self) / self

    def _eval_evalf(self, prec: int) -> Expr:
        return self.doit()._evalf(prec)

    def _mpmathcode(self, printer: Printer) -> str:
        name = printer._module_format("mpmath.lambertw")
        return f"({name}({', '.join(map(printer._print, self.args))}) + 1)"

    def _sympystr(self, printer: Printer) -> str:
        return f"({printer._print(self.doit())})"

    def _latex(self, printer: Printer, exp: str | None = None) -> str:
        text = rf"\left({printer._print(self.doit())}\right)"
        return text if exp is None else f"{text}^{{{exp}}}"
