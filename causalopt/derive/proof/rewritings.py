"""Sound rewritings: where one gives 0, what it was given is 0 wherever that is defined.

Sound since sympy is never asked to ``force`` a rule such as log(a b) = log(a) + log(b), which it
applies where what it knows of a and b makes it true. A rewriting that does not fit an expression
hands it back as it came. Where one multiplies by a denominator, that this is not zero is among the
conditions which the verdict names.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import sympy as sp
from sympy.core.function import AppliedUndef


def numerator(whole: sp.Expr) -> sp.Expr:
    """A fraction is zero where what stands above its line is; decides all rational expressions."""
    return sp.expand(sp.fraction(sp.together(whole))[0])


def powers(whole: sp.Expr) -> sp.Expr:
    """Powers of one base under one exponent."""
    return sp.powsimp(sp.expand(sp.powdenest(sp.expand(whole))))


def exponentials(whole: sp.Expr) -> sp.Expr:
    """Hyperbolic and trigonometric functions by exponentials, in which they are rational."""
    return numerator(sp.powsimp(sp.expand(whole.rewrite(sp.exp).expand(complex=False))))


def trigonometric(whole: sp.Expr) -> sp.Expr:
    """Sines of sums and multiples by sines of single angles."""
    return numerator(sp.trigsimp(sp.expand_trig(numerator(whole))))


def logarithms(whole: sp.Expr) -> sp.Expr:
    """Logarithms of products as sums, where sympy knows that they are, and gathered again."""
    return numerator(sp.expand_log(sp.logcombine(sp.expand_log(sp.expand(whole)))))


def factored_logarithms(whole: sp.Expr) -> sp.Expr:
    """Logarithms of sums, taken apart by the factors of the sum."""
    return numerator(whole.replace(sp.log, lambda arg: sp.expand_log(sp.log(sp.factor(arg)))))


def absolute(whole: sp.Expr) -> sp.Expr:
    """|a b| = |a| |b|, and then every |a| as a positive number: it is one, or on the edge of it."""
    plain = (sp.Add, sp.Mul, sp.Pow, sp.log, sp.Abs)
    outside = whole.replace(sp.Abs, lambda arg: sp.Mul(*map(_absolute_factor, _factors(arg))))
    sizes = {size: sp.Dummy("size", positive=True) for size in outside.atoms(sp.Abs)}
    bare = outside.xreplace(sizes)
    # the edge, |a| = 0, follows by continuity where only continuous operations stand outside
    if not all(isinstance(node, plain) for node in sp.preorder_traversal(bare) if node.args):
        return whole
    return numerator(sp.expand_log(sp.expand(bare)))


def _factors(whole: sp.Expr) -> tuple[sp.Expr, ...]:
    return tuple(sp.Mul.make_args(sp.factor(whole)))


def _absolute_factor(factor: sp.Expr) -> sp.Expr:
    if isinstance(factor, sp.Pow) and factor.exp.is_real:
        return sp.Abs(factor.base) ** factor.exp
    return sp.Abs(factor)


def combinatorial(whole: sp.Expr) -> sp.Expr:
    """Factorials and binomials by the gamma function, whose recursion then cancels."""
    return numerator(sp.gammasimp(sp.combsimp(sp.expand_func(whole).rewrite(sp.gamma))))


def derivatives_at(whole: sp.Expr) -> sp.Expr:
    """F' at a place has one name, however it is written: ∂F(s, y)/∂s at s = x, or ∂F(x, y)/∂x."""
    named = whole.replace(sp.Derivative, lambda *args: _name_derivative(sp.Derivative(*args)))
    return sp.expand(named.replace(sp.Subs, lambda inside, old, new: _substitute(inside, old, new)))


def _name_derivative(node: sp.Expr) -> sp.Expr:
    """A derivative of an unknown function as a function of its own, of the same arguments."""
    if not isinstance(node, sp.Derivative) or not isinstance(node.expr, AppliedUndef):
        return node
    args, counts = node.expr.args, dict(node.variable_count)
    free = [symbol for arg in args for symbol in arg.free_symbols]
    # in F(x, x), or F(x, x²), d/dx moves both places: it is no derivative at one of them
    if any(args.count(v) != 1 or free.count(v) != 1 for v in counts):
        return node
    orders = ",".join(str(counts.get(arg, 0)) for arg in args)
    return sp.Function(f"{node.expr.func}^({orders})")(*args)


def _substitute(inside: sp.Expr, old: Sequence[sp.Symbol], new: Sequence[sp.Expr]) -> sp.Expr:
    # a derivative by what is put in must be taken first, and none is left once all are named
    if inside.has(sp.Derivative):
        return sp.Subs(inside, old, new)
    return inside.subs(list(zip(old, new, strict=True)), simultaneous=True)


def piecewise(whole: sp.Expr) -> sp.Expr:
    """Absolute values, signs and extremes by cases, which are then simplified one by one."""
    folded = sp.piecewise_fold(whole.rewrite((sp.Abs, sp.sign, sp.Max, sp.Min), sp.Piecewise))
    return sp.simplify(folded)


def by_sign(whole: sp.Expr) -> sp.Expr:
    """Each real symbol above, below and at zero: an expression that is 0 in all cases is 0."""
    if not whole.has(sp.Piecewise, sp.Abs, sp.sign, sp.Max, sp.Min, sp.Heaviside):
        return whole
    symbols = [s for s in whole.free_symbols if s.is_real and not (s.is_positive or s.is_negative)]
    if not 0 < len(symbols) <= 2:  # three cases for each
        return whole
    size = {s: sp.Dummy("size", positive=True) for s in symbols}
    for signs in itertools.product((1, -1, 0), repeat=len(symbols)):
        case = whole.subs({s: k * size[s] for s, k in zip(symbols, signs, strict=True)})
        if sp.simplify(case) != 0:
            return whole
    return sp.S.Zero


def radicals(whole: sp.Expr) -> sp.Expr:
    """Roots of roots taken apart, and roots taken out of denominators."""
    return sp.expand(sp.radsimp(sp.sqrtdenest(sp.expand(whole))))


def algebraic_number(whole: sp.Expr) -> sp.Expr:
    """A number without symbols is zero where its minimal polynomial over the rationals is x."""
    if whole.free_symbols or not whole.is_algebraic:
        return whole
    x = sp.Dummy("x")
    return sp.S.Zero if sp.minimal_polynomial(whole, x) == x else whole


def parts(whole: sp.Expr) -> sp.Expr:
    """Every complex symbol as a + i b, with a and b real."""
    unknown = [s for s in whole.free_symbols if s.is_extended_real is None]
    if not unknown:
        return whole
    split = {s: sp.Dummy("a", real=True) + sp.I * sp.Dummy("b", real=True) for s in unknown}
    return numerator(sp.expand_complex(whole.subs(split)))


def gather_integrals(whole: sp.Expr) -> sp.Expr:
    """Integrals over the same range as one, whatever their variables are called."""
    integrands: dict[sp.Tuple, sp.Expr] = {}
    rest = sp.S.Zero
    # as_dummy gives bound variables names that depend on their place alone, alike in all terms
    for term in sp.Add.make_args(sp.expand(whole).as_dummy()):
        integrals = list(term.atoms(sp.Integral))
        factor = term / integrals[0] if len(integrals) == 1 else term
        # a factor goes under the integral where the bound variable does not occur in it
        if len(integrals) != 1 or factor.has(sp.Integral, *integrals[0].variables):
            rest += term
            continue
        limits = integrals[0].limits
        integrands[limits] = integrands.get(limits, 0) + factor * integrals[0].function
    return sp.expand(sum((sp.Integral(f, *lim) for lim, f in integrands.items() if f != 0), rest))


def evaluate(whole: sp.Expr) -> sp.Expr:
    """Integrals, sums and limits worked out."""
    return numerator(whole.doit())


def evaluate_and_simplify(whole: sp.Expr) -> sp.Expr:
    """Integrals, sums and limits worked out, and all that sympy knows tried on what comes out."""
    return sp.simplify(whole.doit())
