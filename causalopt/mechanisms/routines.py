"""Long smooth formulas as single terms of a plan: routines, and what they give of some terms.

A plan puts a formula in many places: at each stage of an integrator, in each world, and its
derivative beside it. Of a long one every copy would be put together, compared with all others and
written out anew. A routine is the formula once, with places; a term says what stands in them.

Only formulas that are smooth everywhere become routines: their derivatives are there wherever their
values are, so that none has to be found as a limit.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import sympy
from sympy import Add, Atom, Basic, Expr, Integer, Mul, Pow, Symbol

from causalopt.mechanisms.calls import unless_zero
from causalopt.mechanisms.differentiation import Differentiation
from causalopt.mechanisms.fitness import parts_of
from causalopt.mechanisms.found import Found
from causalopt.mechanisms.patterns import places, shape_of
from causalopt.mechanisms.rebuilding import rebuilt, with_terms

#: From so many parts on a formula is longer than the term that would stand for it.
LONG = 16

# Powers that are products.
_MOST = 64

_ZERO = Integer(0)

_SMOOTH = (
    *(Symbol, sympy.Number, sympy.NumberSymbol, Add, Mul),
    *(sympy.sin, sympy.cos, sympy.exp, sympy.sinh, sympy.cosh, sympy.tanh),
    *(sympy.erf, sympy.atan, sympy.asinh),
)


class Routine(Atom):
    """A formula with places, as a constant of a plan; linear in the last ``moved`` of them."""

    __slots__ = ("formula", "moved", "places")
    formula: Expr
    places: tuple[Symbol, ...]
    moved: int

    def __new__(cls, formula: Expr, places: tuple[Symbol, ...], moved: int = 0) -> Routine:
        routine: Routine = Atom.__new__(cls)
        routine.formula, routine.places, routine.moved = formula, places, moved
        return routine

    def _hashable_content(self) -> tuple[object, ...]:
        return self.formula, *self.places, self.moved

    def __getnewargs__(self) -> tuple[object, ...]:
        return self.formula, self.places, self.moved

    def _sympystr(self, printer: object) -> str:
        # Short: sympy sorts by what is printed.
        return f"routine of {len(self.places)}"


class Numbers(Atom):
    """Numbers that stand in places of a routine, as one constant of a plan.

    A formula has hundreds of them, the same in all of its copies: looked up one by one, which sympy
    does slowly, they would cost more than all of the rest.
    """

    __slots__ = ("floats", "values")
    values: tuple[Expr, ...]
    floats: tuple[float, ...]

    def __new__(cls, *values: Expr) -> Numbers:
        numbers: Numbers = Atom.__new__(cls)
        numbers.values, numbers.floats = values, tuple(map(float, values))
        return numbers

    def _hashable_content(self) -> tuple[object, ...]:
        return self.values

    def __getnewargs__(self) -> tuple[object, ...]:
        return self.values

    def _sympystr(self, printer: object) -> str:
        return f"{len(self.values)} numbers"


class Filled(Expr):
    """What a routine gives of some terms; 0 where it is linear in some that are all 0.

    The ``numbers`` stand in the last of its own places, those before which it moves along.

    >>> x, y = sympy.symbols("x y", real=True)
    >>> Filled(Routine(x * y, (x, y), moved=1), Numbers(), x, Integer(0))
    0
    """

    is_commutative = True
    is_real = True

    def __new__(cls, routine: Routine, numbers: Numbers, *terms: Expr) -> Expr:
        if not routine.moved:
            return Expr.__new__(cls, routine, numbers, *terms)
        return unless_zero(cls, terms[-routine.moved :], routine, numbers, *terms)

    @property
    def routine(self) -> Routine:
        """The formula with places."""
        routine: Routine = self.args[0]
        return routine

    @property
    def numbers(self) -> Numbers:
        """The numbers that are the same wherever the formula stands."""
        numbers: Numbers = self.args[1]
        return numbers

    @property
    def own(self) -> tuple[Expr, ...]:
        """The terms in the places of its symbols."""
        own: tuple[Expr, ...] = self.args[2 : len(self.args) - self.routine.moved]
        return own

    @property
    def paths(self) -> tuple[Expr, ...]:
        """How those places move that do."""
        paths: tuple[Expr, ...] = self.args[len(self.args) - self.routine.moved :]
        return paths

    @property
    def terms(self) -> tuple[Expr, ...]:
        """What stands in all of its places."""
        return (*self.own, *self.numbers.values, *self.paths)

    @property
    def free_symbols(self) -> set[Symbol]:
        """The symbols in its terms, most of which are symbols themselves."""
        symbols = {term for term in self.args[2:] if term.is_Symbol}
        return symbols.union(*(t.free_symbols for t in self.args[2:] if not t.is_Symbol))

    def _xreplace(self, rule: Mapping[Basic, Expr]) -> tuple[Expr, bool]:
        # As sympy has it, which makes a call of its own for each symbol.
        if self in rule:
            return rule[self], True
        terms = [rule.get(t, t) if t.is_Atom else t.xreplace(rule) for t in self.args[2:]]
        if all(new is old for new, old in zip(terms, self.args[2:], strict=True)):
            return self, False
        return Filled(self.routine, self.numbers, *terms), True

    def at(self, terms: Mapping[Symbol, Expr]) -> Expr:
        """The same of other terms, in the place of its symbols."""
        return Filled(
            self.routine, self.numbers, *(terms.get(term, term) for term in self.args[2:])
        )

    def along(self, terms: Mapping[Symbol, Expr], paths: Mapping[Symbol, Expr]) -> Expr:
        """How it moves at some terms: sum_u df/du paths_u, over those of its symbols that move."""
        # Numbers, in the places after these, stand still.
        pairs = zip(self.routine.places, self.own, strict=False)
        moving = {place: paths[term] for place, term in pairs if paths.get(term, _ZERO) != _ZERO}
        if not moving:
            return _ZERO
        given = (terms.get(term, term) for term in self.own)
        routine = pushed(self.routine, tuple(moving))
        return Filled(routine, self.numbers, *given, *moving.values())

    def written_out(self) -> Expr:
        """The formula, with the terms in its places."""
        filled = dict(zip(self.routine.places, self.terms, strict=True))
        return with_terms(self.routine.formula, filled)


def written_out(formula: Expr) -> Expr:
    """A formula without routines, each written out."""
    # Those within the terms of others come to light as these are written out.
    while calls := formula.atoms(Filled):
        terms = {call: call.written_out() for call in calls}
        formula = rebuilt(functools.partial(formula.xreplace, terms))
    return formula


@functools.lru_cache(maxsize=4096)
def long_form(formula: Expr, least: int = LONG) -> Filled | None:
    """A formula as a routine of its symbols and numbers; None where it is not smooth, or short.

    Short is what has fewer than ``least`` parts.

    Formulas that are alike up to names and numbers have one routine, mostly.
    """
    parts = parts_of(formula)
    if sum(1 for part in parts if part.args) < least or not all(map(_is_smooth, parts)):
        return None
    routine, at = routine_of(formula)
    symbols = [term for term in at if isinstance(term, Symbol)]
    form: Filled = Expr.__new__(Filled, routine, Numbers(*at[len(symbols) :]), *symbols)
    return form


def routine_of(formula: Expr) -> tuple[Routine, tuple[Expr, ...]]:
    """A formula as a routine, and the symbols and numbers in its places.

    What is searched over is bound to where it stands: a formula with a search in it is its own.

    >>> x, y = sympy.symbols("x y", real=True)
    >>> routine_of(x + sympy.sin(y) + 2) == routine_of(y + sympy.sin(x) + 2)
    False
    >>> routine_of(x + sympy.sin(y) + 2)[0] == routine_of(y + sympy.sin(x) + 3)[0]
    True
    """
    if formula.has(Found):
        own = tuple(sorted(formula.free_symbols, key=str))
        return Routine(formula, own), own
    pattern, at = shape_of(formula)
    return Routine(pattern, tuple(Symbol(name, real=True) for name in places(len(at)))), at


def _is_smooth(part: Basic) -> bool:
    if isinstance(part, Pow):
        exponent = part.exp
        return bool(exponent.is_Integer and 0 < exponent <= _MOST)
    return isinstance(part, _SMOOTH)


@functools.lru_cache(maxsize=4096)
def pushed(routine: Routine, moving: tuple[Symbol, ...]) -> Routine:
    """How a routine moves along: sum_u df/du(at) along_u, over some of its places u.

    Its places are those of the routine, and then one for how each of these moves.

    >>> x, y = sympy.symbols("x y", real=True)
    >>> pushed(Routine(sympy.sin(x) * y, (x, y)), (x,)).formula
    v0*y*cos(x)
    """
    along = [Symbol(name, real=True) for name in places(len(moving), "v")]
    moves = dict(zip(moving, along, strict=True))
    formula = rebuilt(lambda: Differentiation(routine.formula).along(moves))
    return Routine(formula, (*routine.places, *along), len(along))
