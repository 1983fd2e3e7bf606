"""Identities written by hand, true ones and false ones: what the checker is measured against.

Each is (left, right). The false ones are slips that people make: a lost factor, a wrong sign, a
rule that holds only for positive numbers, a product taken for commuting.
"""

from __future__ import annotations

import sympy as sp
from sympy import (
    Abs,
    Derivative,
    E,
    I,
    Integral,
    Matrix,
    Max,
    Min,
    Piecewise,
    Rational,
    Sum,
    acos,
    asin,
    atan,
    binomial,
    cos,
    cosh,
    det,
    exp,
    factorial,
    gamma,
    log,
    oo,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)

HALF = Rational(1, 2)
x, y, w, c = sp.symbols("x y w c", real=True)
z = sp.Symbol("z")
u, v, s, lam = sp.symbols("u v s lam", positive=True)
p = sp.Symbol("p", positive=True)
n = sp.Symbol("n", integer=True, positive=True)
m = sp.Symbol("m", integer=True, nonnegative=True)
j = sp.Symbol("j", integer=True)
f = sp.Function("f", real=True)(x)
g = sp.Function("g", real=True)(x)
h = sp.Function("h", positive=True)(x)
F = sp.Function("F", real=True)(x, y)
K = sp.Function("K")(z)
a11, a12, a21, a22 = sp.symbols("a11 a12 a21 a22", real=True)
b11, b12, b21, b22 = sp.symbols("b11 b12 b21 b22", real=True)
A = sp.ImmutableMatrix([[a11, a12], [a21, a22]])
B = sp.ImmutableMatrix([[b11, b12], [b21, b22]])

GIVEN = (
    *(x, y, w, c, z, u, v, s, lam, p, n, m, j),
    *(p < 1,),
    *(f, g, h, F, K),
    *(a11, a12, a21, a22, b11, b12, b21, b22),
)


def D(whole: sp.Expr, *by: sp.Expr | int | tuple[sp.Expr, sp.Expr | int]) -> sp.Derivative:
    """A derivative that is not taken yet."""
    return Derivative(whole, *by)


CALCULUS = (
    (D(f * g, x), f * D(g, x) + g * D(f, x)),
    (D(f / h, x), (D(f, x) * h - f * D(h, x)) / h**2),
    (D(sin(f), x), cos(f) * D(f, x)),
    (D(log(h), x), D(h, x) / h),
    (D(f**n, x), n * f ** (n - 1) * D(f, x)),
    (D(f * g, x, 2), f * D(g, x, 2) + 2 * D(f, x) * D(g, x) + g * D(f, x, 2)),
    (D(f * g, x, 3), sum(binomial(3, k) * D(f, (x, k)) * D(g, (x, 3 - k)) for k in range(4))),
    (D(F, x, y), D(F, y, x)),
    (D(F.subs(y, x**2), x), (D(F, x) + 2 * x * D(F, y)).subs(y, x**2)),
    (D(f.subs(x, 3 * x), x), 3 * D(f, x).subs(x, 3 * x)),
    (D(exp(f) * g, x), exp(f) * (D(g, x) + g * D(f, x))),
    (D(sqrt(h), x), D(h, x) / (2 * sqrt(h))),
    (D(h**f, x), h**f * (D(f, x) * log(h) + f * D(h, x) / h)),
    (D(atan(f), x), D(f, x) / (1 + f**2)),
    (D(x**2 * D(f, x), x), x**2 * D(f, x, 2) + 2 * x * D(f, x)),
    (Integral(D(f, x), (x, 0, u)), f.subs(x, u) - f.subs(x, 0)),
    (Integral(x * exp(-x), (x, 0, u)), 1 - (1 + u) * exp(-u)),
    (Integral(1 / (1 + x**2), (x, 0, 1)), pi / 4),
    (Integral(exp(-lam * x), (x, 0, oo)), 1 / lam),
    (Integral(sin(x) ** 2, (x, 0, pi)), pi / 2),
    (D(Integral(f, (x, 0, u)), u), f.subs(x, u)),
    (sin(x + y), sin(x) * cos(y) + cos(x) * sin(y)),
    (cos(3 * x), 4 * cos(x) ** 3 - 3 * cos(x)),
    (tan(x) ** 2 + 1, 1 / cos(x) ** 2),
    (cosh(x) ** 2 - sinh(x) ** 2, sp.Integer(1)),
    (tanh(2 * x), 2 * tanh(x) / (1 + tanh(x) ** 2)),
    (exp(I * z), cos(z) + I * sin(z)),
    (sin(x) ** 4, Rational(3, 8) - cos(2 * x) / 2 + cos(4 * x) / 8),
    (atan(u) + atan(1 / u), pi / 2),
    (asin(sin(1)) + acos(cos(1)), sp.Integer(2)),
    (log(u * v), log(u) + log(v)),
    (log(u**2), 2 * log(u)),
    (u ** log(v), v ** log(u)),
    (sqrt(x**2), Abs(x)),
    (sqrt(u) * sqrt(v), sqrt(u * v)),
    (sqrt(3 + 2 * sqrt(2)), 1 + sqrt(2)),
    ((1 + sqrt(5)) ** 3 / 8, 2 + sqrt(5)),
    ((z**3 - 1) / (z - 1), z**2 + z + 1),
    (1 / (x * (x + 1)), 1 / x - 1 / (x + 1)),
    (exp(x) * exp(y), exp(x + y)),
    (Max(x, y) + Min(x, y), x + y),
    (Max(x, y), (x + y + Abs(x - y)) / 2),
    (Abs(x) * Abs(y), Abs(x * y)),
    (x * sign(x), Abs(x)),
    (Piecewise((x, x > 0), (0, True)), (x + Abs(x)) / 2),
    (D(K**2, z), 2 * K * D(K, z)),
)

PROBABILITY = (
    (p * (1 - p) ** 2 + (1 - p) * p**2, p * (1 - p)),
    (Sum(j, (j, 1, n)), n * (n + 1) / 2),
    (Sum(j**2, (j, 1, n)), n * (n + 1) * (2 * n + 1) / 6),
    (Sum(p**j, (j, 0, n)), (1 - p ** (n + 1)) / (1 - p)),
    (Sum(binomial(n, j), (j, 0, n)), 2**n),
    (Sum(lam**j * exp(-lam) / factorial(j), (j, 0, oo)), sp.Integer(1)),
    (Sum(p * (1 - p) ** j, (j, 0, oo)), sp.Integer(1)),
    (binomial(n + 1, 2) - binomial(n, 2), n),
    (factorial(n + 1) / factorial(n), n + 1),
    (gamma(u + 1), u * gamma(u)),
    (Integral(exp(-(x**2) / 2) / sqrt(2 * pi), (x, -oo, oo)), sp.Integer(1)),
    (Integral(x**2 * exp(-(x**2) / (2 * s)) / sqrt(2 * pi * s), (x, -oo, oo)), s),
    (
        -p * log(p * u) - (1 - p) * log((1 - p) * u),
        -p * log(p) - (1 - p) * log(1 - p) - log(u),
    ),
    (D(-p * log(p) - (1 - p) * log(1 - p), p), log((1 - p) / p)),
    (1 / (1 + exp(-x)), exp(x) / (1 + exp(x))),
    (D(1 / (1 + exp(-x)), x), exp(-x) / (1 + exp(-x)) ** 2),
    (1 / (1 + exp(-2 * x)), (1 + tanh(x)) / 2),
    (D(log(exp(x) + exp(y)), x), exp(x - y) / (1 + exp(x - y))),
    (exp(-((x - y) ** 2)) * exp(-((x + y) ** 2)), exp(-2 * x**2 - 2 * y**2)),
    (
        D(exp(-(x**2) / (2 * s)) / sqrt(s), s),
        D(exp(-(x**2) / (2 * s)) / sqrt(s), x, 2) / 2,
    ),
)

LINEAR_ALGEBRA = (
    (det(A * B), det(A) * det(B)),
    ((A * B).T, B.T * A.T),
    ((A * B).trace(), (B * A).trace()),
    (A**2 - A.trace() * A + A.det() * sp.eye(2), sp.zeros(2, 2)),
    (A * A.adjugate(), A.det() * sp.eye(2)),
    ((A + B) ** 2, A**2 + A * B + B * A + B**2),
    (Matrix([[cos(x), -sin(x)], [sin(x), cos(x)]]).det(), sp.Integer(1)),
    (
        Matrix([[cos(x), -sin(x)], [sin(x), cos(x)]]) ** 2,
        Matrix([[cos(2 * x), -sin(2 * x)], [sin(2 * x), cos(2 * x)]]),
    ),
    (
        Matrix([[1, x, x**2], [1, y, y**2], [1, w, w**2]]).det(),
        (y - x) * (w - x) * (w - y),
    ),
    (A.inv() * A, sp.eye(2)),
    (
        (x**2 + y**2) * (w**2 + c**2),
        (x * w - y * c) ** 2 + (x * c + y * w) ** 2,
    ),
)

# Chosen to be hard for the checker, and not taken out where they stay undecided.
HARDER = (
    (Integral(D(f, x) * g + f * D(g, x), (x, 0, 1)), (f * g).subs(x, 1) - (f * g).subs(x, 0)),
    (Integral(f, (x, 0, 2)), Integral(f, (x, 0, 1)) + Integral(f, (x, 1, 2))),
    (Integral(f, (x, 0, 1)) + Integral(g, (x, 0, 1)), Integral(f + g, (x, 0, 1))),
    (D(Integral(f.subs(x, y), (y, 0, x**2)), x), 2 * x * f.subs(x, x**2)),
    (Integral(log(x), (x, 0, 1)), sp.Integer(-1)),
    (asin(x) + acos(x), pi / 2),
    (sqrt(x**2 + 2 * x + 1), Abs(x + 1)),
    (sp.re(z) ** 2 + sp.im(z) ** 2, Abs(z) ** 2),
    (z * sp.conjugate(z), Abs(z) ** 2),
    (sinh(x), -I * sin(I * x)),
    (tan(x / 2), sin(x) / (1 + cos(x))),
    (sqrt(2 + sqrt(3)), (sqrt(6) + sqrt(2)) / 2),
    (cos(pi / 5), (1 + sqrt(5)) / 4),
    (sp.Heaviside(x) + sp.Heaviside(-x), sp.Integer(1)),
    (sp.floor(x + 1), sp.floor(x) + 1),
    (cos(n * pi), (-1) ** n),
    (Sum(1 / j**2, (j, 1, oo)), pi**2 / 6),
    (Sum(j * p**j, (j, 0, oo)), p / (1 - p) ** 2),
    (Sum(binomial(n, j) * p**j * (1 - p) ** (n - j), (j, 0, n)), sp.Integer(1)),
    (D(log(h), x, 2), D(h, x, 2) / h - (D(h, x) / h) ** 2),
)

TRUE = (*CALCULUS, *PROBABILITY, *LINEAR_ALGEBRA, *HARDER)

FALSE = (
    (D(f * g, x), D(f, x) * D(g, x)),
    (D(f / h, x), D(f, x) / D(h, x)),
    (D(f / h, x), (f * D(h, x) - D(f, x) * h) / h**2),
    (D(sin(f), x), cos(f)),
    (D(log(h), x), 1 / h),
    (D(f**n, x), n * f ** (n - 1)),
    (D(f * g, x, 2), f * D(g, x, 2) + D(f, x) * D(g, x) + g * D(f, x, 2)),
    (D(F, x, 2), D(F, y, 2)),
    (D(F.subs(y, x**2), x), D(F, x).subs(y, x**2)),
    (D(f.subs(x, 3 * x), x), D(f, x).subs(x, 3 * x)),
    (D(exp(f) * g, x), exp(f) * D(g, x)),
    (D(sqrt(h), x), 1 / (2 * sqrt(h))),
    (D(h**f, x), f * h ** (f - 1) * D(h, x)),
    (D(atan(f), x), 1 / (1 + f**2)),
    (D(x**2 * D(f, x), x), x**2 * D(f, x, 2) + x * D(f, x)),
    (D(f, x), f),
    (f.subs(x, x + 1), f + 1),
    (f.subs(x, 2 * x), 2 * f),
    (f.subs(x, -x), f),
    (Integral(D(f, x), (x, 0, u)), f.subs(x, u)),
    (Integral(x * exp(-x), (x, 0, u)), 1 - exp(-u)),
    (Integral(1 / (1 + x**2), (x, 0, 1)), pi / 2),
    (Integral(exp(-lam * x), (x, 0, oo)), lam),
    (Integral(sin(x) ** 2, (x, 0, pi)), pi),
    (D(Integral(f, (x, 0, u)), u), f.subs(x, u) - f.subs(x, 0)),
    (sin(x + y), sin(x) + sin(y)),
    (cos(3 * x), 4 * cos(x) ** 3 + 3 * cos(x)),
    (tan(x) ** 2 - 1, 1 / cos(x) ** 2),
    (cosh(x) ** 2 + sinh(x) ** 2, sp.Integer(1)),
    (exp(I * z), cos(z) - I * sin(z)),
    (atan(y) + atan(1 / y), pi / 2),
    (asin(sin(x)), x),
    (log(x * y), log(x) + log(y)),
    (log(x**2), 2 * log(x)),
    (log(u + v), log(u) + log(v)),
    (sqrt(x**2), x),
    (sqrt(z**2), z),
    (sqrt(x) * sqrt(y), sqrt(x * y)),
    (sqrt(u + v), sqrt(u) + sqrt(v)),
    ((x + y) ** 3, x**3 + y**3),
    (Abs(x + y), Abs(x) + Abs(y)),
    (exp(x + y), exp(x) + exp(y)),
    (exp(z * I) ** HALF, exp(z * I / 2)),
    ((z**3 - 1) / (z - 1), z**2 - z + 1),
    (1 / (x + y), 1 / x + 1 / y),
    (sign(x) ** 2, sp.Integer(1)),
    (Max(x, 0) ** 2, x**2),
    (sqrt(2) + sqrt(3), sqrt(10)),
    (exp(pi * sqrt(163)), sp.Integer(640320**3 + 744)),
    (E ** sp.Integer(3), sp.Integer(20)),
    (D(K**2, z), 2 * D(K, z)),
    (sp.re(K), K),
    (Sum(j, (j, 1, n)), n**2 / 2),
    (Sum(j**2, (j, 1, n)), n * (n + 1) * (2 * n - 1) / 6),
    (Sum(p**j, (j, 0, n)), (1 - p**n) / (1 - p)),
    (binomial(n + 1, 2) - binomial(n, 2), n + 1),
    (factorial(2 * n), 2 * factorial(n)),
    (gamma(u + 1), (u + 1) * gamma(u)),
    (2**m, m + 1),
    (m**2 - m + 41, 41 + m * (m - 1) * (1 + m * (m - 2) * (m - 3))),
    (D(-p * log(p) - (1 - p) * log(1 - p), p), log(p / (1 - p))),
    (D(1 / (1 + exp(-x)), x), exp(-x) / (1 + exp(-x))),
    (1 / (1 + exp(-x)), (1 + tanh(x)) / 2),
    (D(exp(-(x**2) / (2 * s)), s), D(exp(-(x**2) / (2 * s)), x, 2) / 2),
    (det(A + B), det(A) + det(B)),
    ((A * B).T, A.T * B.T),
    (A * B, B * A),
    ((A * B).trace(), A.trace() * B.trace()),
    ((A + B) ** 2, A**2 + 2 * A * B + B**2),
    (det(3 * A), 3 * det(A)),
    (A * A.T, A.T * A),
    (
        Matrix([[1, x, x**2], [1, y, y**2], [1, w, w**2]]).det(),
        (x - y) * (w - x) * (w - y),
    ),
    ((x**2 + y**2) * (w**2 + c**2), (x * w + y * c) ** 2 + (x * c + y * w) ** 2),
    (log(exp(z)), z),
    (atan(tan(x)), x),
    (acos(cos(x)), Abs(x)),
    ((x**2) ** Rational(3, 2), x**3),
    (sp.floor(2 * x), 2 * sp.floor(x)),
    (sp.conjugate(z), z),
    (Max(x, 10), sp.Integer(10)),
    (Sum(1 / j**2, (j, 1, oo)), Rational(41, 25)),
    (Integral(f * g, (x, 0, 1)), Integral(f, (x, 0, 1)) * Integral(g, (x, 0, 1))),
    (f.subs(x, x**2), f**2),
    ((-8) ** Rational(1, 3), sp.Integer(-2)),
    (log(x / y), log(x) - log(y)),
    (pi, Rational(355, 113)),
    (exp(pi) - pi, sp.Integer(20)),
)
