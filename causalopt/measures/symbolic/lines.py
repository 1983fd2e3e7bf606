"""Formulas line by line, each in the names of earlier ones: what is shared is written once."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import sympy
from sympy import Expr, Float, Rational, Symbol

from causalopt.backends.functions import compiled
from causalopt.ground.errors import TooLargeError
from causalopt.measures.symbolic.branches import Branches, plain
from causalopt.mechanisms.rebuilding import with_terms
from causalopt.plan import single_form

#: With more operations than this, a formula is not written out.
MOST_OPERATIONS = 20_000

# Whole numbers up to this one are floats.
_LONGEST = 2**53


@dataclass
class Lines:
    """The formula of each name, in the order in which they were written.

    With ``branches``, each formula has the branch that is taken there, and every name its number.

    >>> x, y, z = sympy.symbols("x y z", real=True)
    >>> lines = Lines()
    >>> lines.written(y, x**2), lines.written(z, y + x**2), lines.written(z, sympy.Integer(3))
    (y, z, 3)
    >>> lines.out(z + 1)
    2*x**2 + 1
    """

    branches: Branches | None = None
    every: bool = False  #: whether what needs no name has one too
    formulas: dict[Symbol, Expr] = field(default_factory=dict)
    _sizes: dict[Symbol, int] = field(default_factory=dict)

    def written(self, name: Symbol, formula: Expr) -> Expr:
        """A formula by its name; what needs none stands for itself."""
        formula = self.settled(formula)
        if formula.is_Atom and not self.every:
            return formula
        self.formulas[name] = formula
        if self.branches is not None:
            self.branches.numbers[name] = self.branches.number(formula)
        return name

    def settled(self, formula: Expr) -> Expr:
        """A formula in sympy's own functions, with the branch that is taken."""
        own = plain(formula)
        return own if self.branches is None else self.branches.taken(own)

    def out(self, formula: sympy.Basic, keep: Collection[Symbol] = ()) -> sympy.Basic:
        """A formula with all names written out, but those that are kept.

        Raises ``TooLargeError`` where that would be too long to be read or worked with.
        """
        self._check_size(formula, keep)
        terms: dict[Symbol, Expr] = {}
        for name in self._needed(formula, keep):
            terms[name] = with_terms(self.formulas[name], terms)
        return with_terms(formula, terms)

    def part(self, formulas: Sequence[Expr], keep: Collection[Symbol]) -> Mapping[Symbol, Expr]:
        """The lines that formulas are made of, but for those that are kept."""
        needed = self._needed(sympy.Tuple(*formulas), keep)
        return {name: self.formulas[name] for name in needed}

    def inputs(self, formulas: Sequence[Expr], keep: Collection[Symbol] = ()) -> set[Symbol]:
        """What formulas are made of that no line gives, or that is kept."""
        whole = sympy.Tuple(*formulas)
        written = [self.formulas[name] for name in self._needed(whole, keep)]
        inner = whole.free_symbols.union(*(formula.free_symbols for formula in written))
        free: set[Symbol] = inner - (self.formulas.keys() - set(keep))
        return free

    def numbers(self, formulas: Sequence[Expr], known: Mapping[Symbol, float]) -> list[float]:
        """What formulas come to, line by line, as floats."""
        wanted = self._needed(sympy.Tuple(*formulas), known)
        # Names of users never become code.
        names = {s: Symbol(f"v{j}", real=True) for j, s in enumerate((*known, *wanted))}
        lines = {names[name]: _as_code(self.formulas[name], names) for name in wanted}
        arguments = [names[symbol] for symbol in known]
        block = single_form(arguments, lines, [_as_code(formula, names) for formula in formulas])
        return [float(number) for number in compiled(block)(*known.values())]

    def _needed(self, formula: sympy.Basic, keep: Collection[Symbol]) -> list[Symbol]:
        """The names that a formula is made of, directly or not, in the order of their lines."""
        needed: set[Symbol] = set()
        waiting = [formula]
        while waiting:
            inner = waiting.pop().free_symbols & self.formulas.keys()
            fresh = inner - needed - set(keep)
            needed |= fresh
            waiting += [self.formulas[name] for name in fresh]
        return [name for name in self.formulas if name in needed]

    def _check_size(self, formula: sympy.Basic, keep: Collection[Symbol]) -> None:
        sizes: dict[Symbol, int] = {}
        for name in self._needed(formula, keep):
            sizes[name] = _size(self.formulas[name], sizes)
        operations = _size(formula, sizes)
        if operations > MOST_OPERATIONS:
            raise TooLargeError(
                f"Written out, this formula has about {operations:.3g} operations: ask about fewer "
                "steps, give numbers by values={...}, write it in_terms_of nodes of W, or choose "
                "branches by at={...}."
            )


def _as_code(formula: Expr, names: Mapping[Symbol, Symbol]) -> Expr:
    """A formula in other names, fractions of numbers that no float holds as decimals."""
    long = (n for n in formula.atoms(Rational) if max(abs(n.p), n.q) > _LONGEST)
    return formula.xreplace({**names, **{number: Float(number, 17) for number in long}})


def _size(formula: sympy.Basic, sizes: Mapping[Symbol, int]) -> int:
    """How many parts a formula has, with those of the names in it."""
    return _parts(formula) + sum(
        sizes[name] * count for name, count in _uses(formula).items() if name in sizes
    )


@functools.lru_cache(maxsize=4096)
def _parts(formula: sympy.Basic) -> int:
    return sum(1 for _ in sympy.preorder_traversal(formula))


@functools.lru_cache(maxsize=4096)
def _uses(formula: sympy.Basic) -> Mapping[Symbol, int]:
    uses: dict[Symbol, int] = {}
    for part in sympy.preorder_traversal(formula):
        if isinstance(part, Symbol):
            uses[part] = uses.get(part, 0) + 1
    return uses
