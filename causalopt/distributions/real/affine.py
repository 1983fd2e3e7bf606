"""Distributions whose differential entropy has a closed form under affine steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy
from sympy import Add, Expr, Matrix, MatrixBase, Rational

from causalopt.distributions.real.ensemble import Ensemble, streams
from causalopt.distributions.real.sound import check_real, check_within, counted, is_limited
from causalopt.distributions.real.step import AffineStep, affine, rational
from causalopt.ground.checks import refuse_masked
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.holding import hashed, same
from causalopt.ground.masses import check_base, exact_base, log_of
from causalopt.language.splits import Split, as_split
from causalopt.language.symbols import Variable
from causalopt.language.typeset import latex
from causalopt.model.asked import as_system
from causalopt.model.declaration import check_steps
from causalopt.model.system import System

_HALF = Rational(1, 2)
# What is asked for where there is no closed form.
_SAMPLES = "push an Ensemble of samples instead, P.sample(10_000, seed=1).push(system)"


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A normal distribution N(mean, covariance) over real variables, in exact arithmetic.

    S = log((2 pi e)^d det covariance) / 2. ``mean`` (d, 1) and ``covariance`` (d, d) are sympy
    matrices; floats are read as the decimals that they print as. Closed under affine steps.
    What is assumed of a variable is to hold within three standard deviations of its mean.

    >>> from causalopt.language.symbols import variables
    >>> T, R = variables("T R")
    >>> Gaussian.of({T: (10, 2), R: (10, 1)}).entropy(sympy.E)
    1 + log(pi) + 2*log(2)
    """

    variables: tuple[Variable, ...]
    mean: Matrix
    covariance: Matrix

    __eq__, __hash__ = same, hashed

    def __post_init__(self) -> None:
        object.__setattr__(self, "variables", check_real(self.variables))
        size = len(self.variables)
        # The matrices are read as exact ones before anything is asked of them.
        object.__setattr__(self, "mean", _exact(self.mean, (size, 1), "mean"))
        matrix = _exact(self.covariance, (size, size), "covariance")
        object.__setattr__(self, "covariance", matrix)
        if matrix != matrix.T or matrix.is_positive_definite is False:
            raise DeclarationError(
                f"The covariance {matrix.tolist()} is not symmetric and positive definite."
            )
        _check_most(self.variables, self.mean, matrix)

    def _repr_latex_(self) -> str:
        law = rf"\mathcal{{N}}\left({latex(self.mean)}, {latex(self.covariance)}\right)"
        return f"${_column(self.variables)} \\sim {law}$"

    @classmethod
    def of(cls, marginals: Mapping[Variable, tuple[Expr | float, Expr | float]]) -> Gaussian:
        """Independent normals: {T: (mean, standard deviation), ...}."""
        pairs = _intervals(marginals, "(mean, standard deviation)")
        for variable, (_, deviation) in pairs.items():
            if deviation.is_positive is False:
                raise DeclarationError(
                    f"{variable} has the standard deviation {deviation}: write one above 0."
                )
        mean = Matrix([centre for centre, _ in pairs.values()])
        spread = sympy.diag(*(deviation**2 for _, deviation in pairs.values()))
        return cls(tuple(pairs), mean, spread)

    def split(self, *parts: object) -> Split:
        """The split that the parts name, checked against these variables."""
        return as_split(parts, self.variables)

    def decorrelate(self, *parts: object) -> Gaussian:
        """The product of the marginals of the parts: covariances between parts are 0."""
        split = self.split(*parts)
        part_of = {v: i for i, part in enumerate(split.parts) for v in part}
        owner = [part_of[v] for v in self.variables]
        size = len(owner)
        kept = Matrix(size, size, lambda i, j: self.covariance[i, j] if owner[i] == owner[j] else 0)
        return Gaussian(self.variables, self.mean, kept)

    def push(self, system: System, steps: int = 1) -> Gaussian:
        """The distribution a number of steps later, exactly.

        A step z -> M z + B e + c with normal noise e, of means m and variances D, makes of
        N(mean, covariance) N(M mean + B m + c, M covariance M^T + B D B^T). A noise takes a number
        of its own at each step. Raises ``QueryError`` for a step that is not affine in state and
        noise, or whose noise is not normal: push samples.

        >>> from causalopt.language.laws import normal
        >>> from causalopt.language.symbols import noise, variables
        >>> (x,) = variables("x")
        >>> damped = System({x: 0.5 * x + noise("e", normal(1, 2))}, start={x: 0})
        >>> later = Gaussian.of({x: (0, 1)}).push(damped)
        >>> later.mean.tolist(), later.covariance.tolist()
        ([[1]], [[17/4]])
        """
        step = affine(system, self.variables, _SAMPLES)
        mean, covariance = self.mean, self.covariance
        _check_density(step)
        for _ in range(check_steps(steps)):
            mean = step.matrix * mean + step.offset
            # Noise is drawn afresh, so that it is correlated with nothing before: variances add.
            spread = step.noise * step.noise.T
            covariance = step.matrix * covariance * step.matrix.T + spread
            _check_most(self.variables, mean, covariance)
        return Gaussian(self.variables, mean, covariance)

    def entropy(self, base: Expr | float = 2) -> Expr:
        """The differential entropy, in units of log(base), in the variables' own coordinates."""
        size = len(self.variables)
        constant = Rational(size, 2) * sympy.log(2 * sympy.pi * sympy.E)
        return _in_base(constant + _HALF * _log_abs(self.covariance.det()), base)

    def log_variance(self, base: Expr | float = 2) -> Expr:
        """log det covariance, in units of log(base)."""
        return _in_base(_log_abs(self.covariance.det()), base)

    def sample(self, samples: int, seed: int) -> Ensemble:
        """An ensemble drawn from this distribution, the same for the same seed."""
        count = counted(samples, len(self.variables))
        lower = np.array(self.covariance.cholesky().tolist(), dtype=np.float64)
        centre = np.array(self.mean.tolist(), dtype=np.float64).reshape(-1)
        # Cholesky: L z has the covariance L L^T for z of independent standard normals.
        draws = [stream.standard_normal(count) for stream in streams(seed, len(self.variables))]
        return Ensemble(self.variables, centre + np.stack(draws, axis=1) @ lower.T, seed)


@dataclass(frozen=True, eq=False)
class Box:
    """An affine image of independent uniform variables: a box, a rhombus, a product of such.

    z = transform y + offset, where y are the rows of ``blocks`` stacked, and block b is
    blocks[b] u_b with u_b uniform on [-1/2, 1/2]^n, all independent. A step multiplies
    ``transform``; to decorrelate makes the rows of each part a block of its own. Then

        S = log|det transform| + sum_b S(block b),

    where a square block has S = log|det|, and one row (a, b), a >= b > 0, the trapezoid
    S = log a + b / (2 a). Made by ``of``; floats are read as the decimals that they print as.

    Source: the rhombus of "Defining Optimization in a Deeper Way", part 2.

    >>> from causalopt.language.symbols import variables
    >>> T, R = variables("T R")
    >>> Box.of({T: (0, 1), R: (0, 4)}).entropy()
    2
    """

    variables: tuple[Variable, ...]
    blocks: tuple[Matrix, ...]
    transform: Matrix
    offset: Matrix

    __eq__, __hash__ = same, hashed

    def __post_init__(self) -> None:
        object.__setattr__(self, "variables", check_real(self.variables))
        if is_limited(self.variables):
            whole = self.matrix
            reach = [sum(sympy.Abs(entry) for entry in whole.row(i)) / 2 for i in range(whole.rows)]
            ends = [(c - r, c + r) for c, r in zip(self.offset, reach, strict=True)]
            check_within(self.variables, ends)

    def _repr_latex_(self) -> str:
        blocks = latex(sympy.diag(*self.blocks))
        image = rf"{latex(self.transform)} {blocks}\, u + {latex(self.offset)}"
        return rf"${_column(self.variables)} = {image}, \quad u_i \sim U(-\tfrac12, \tfrac12)$"

    @classmethod
    def of(cls, ranges: Mapping[Variable, tuple[Expr | float, Expr | float]]) -> Box:
        """Independent uniform variables: {T: (low, high), ...}."""
        ends = _intervals(ranges, "(low, high)")
        for variable, (low, high) in ends.items():
            if (high - low).is_positive is False:
                raise DeclarationError(
                    f"{variable} runs from {low} to {high}: write (low, high), low below high."
                )
        blocks = tuple(Matrix([[high - low]]) for low, high in ends.values())
        offset = Matrix([(low + high) / 2 for low, high in ends.values()])
        return cls(tuple(ends), blocks, sympy.eye(len(ends)), offset)

    def split(self, *parts: object) -> Split:
        """The split that the parts name, checked against these variables."""
        return as_split(parts, self.variables)

    @property
    def matrix(self) -> Matrix:
        """The whole map from the independent uniforms to the variables."""
        return self.transform * sympy.diag(*self.blocks)

    def decorrelate(self, *parts: object) -> Box:
        """The product of the marginals of the parts, each the image of uniforms of its own."""
        split, whole = self.split(*parts), self.matrix
        rows = [[self.variables.index(v) for v in part] for part in split.parts]
        blocks = []
        for part in rows:
            # Uniforms that no variable of the part is made of are left out, so that a block is
            # square, and its entropy known, wherever it can be.
            block = whole.extract(part, list(range(whole.cols)))
            used = [j for j in range(block.cols) if any(block[:, j])]
            blocks.append(block.extract(list(range(block.rows)), used))
        # The blocks stand in the order of the parts; the transform puts the rows back.
        order = [i for part in rows for i in part]
        back = sympy.zeros(len(order))
        for place, i in enumerate(order):
            back[i, place] = 1
        return Box(self.variables, tuple(blocks), back, self.offset)

    def push(self, system: System, steps: int = 1) -> Box:
        """The distribution a number of steps later, for an affine step z -> M z + c.

        Raises ``QueryError`` for any other step, and for one with noise: a uniform number and a
        normal one have no sum in closed form.
        """
        if noises := as_system(system, " to push through: give a System.").noises:
            raise QueryError(
                f"The step of this system has the noise {noises[0]}, and a Box with noise "
                f"added is no Box: {_SAMPLES}, or start from a Gaussian if the noise is normal."
            )
        step = affine(system, self.variables, _SAMPLES)
        _check_density(step)
        pushed = self
        for _ in range(check_steps(steps)):
            pushed = replace(
                pushed,
                transform=step.matrix * pushed.transform,
                offset=step.matrix * pushed.offset + step.offset,
            )
        return pushed

    def entropy(self, base: Expr | float = 2) -> Expr:
        """The differential entropy, in units of log(base), in the variables' own coordinates.

        Raises ``QueryError`` where a part mixes more uniforms than have a closed form.
        """
        pieces = [_block_entropy(block) for block in self.blocks]
        return _in_base(Add(_log_abs(self.transform.det()), *pieces), base)

    def log_variance(self, base: Expr | float = 2) -> Expr:
        """log det covariance, in units of log(base); the covariance is A A^T / 12, A = matrix."""
        whole = self.matrix
        return _in_base(_log_abs((whole * whole.T / 12).det()), base)

    def sample(self, samples: int, seed: int) -> Ensemble:
        """An ensemble drawn from this distribution, the same for the same seed."""
        count = counted(samples, self.matrix.cols)
        whole = np.array(self.matrix.tolist(), dtype=np.float64)
        centre = np.array(self.offset.tolist(), dtype=np.float64).reshape(-1)
        draws = [stream.uniform(-0.5, 0.5, count) for stream in streams(seed, whole.shape[1])]
        return Ensemble(self.variables, centre + np.stack(draws, axis=1) @ whole.T, seed)


def _check_most(variables: tuple[Variable, ...], mean: Matrix, covariance: Matrix) -> None:
    """Nearly all of a normal distribution is what is assumed of its variables, and not all."""
    if is_limited(variables):
        reach = [3 * sympy.sqrt(covariance[i, i]) for i in range(len(variables))]
        check_within(variables, [(m - r, m + r) for m, r in zip(mean, reach, strict=True)])


def _column(variables: tuple[Variable, ...]) -> str:
    return latex(Matrix(variables))


def _block_entropy(block: Matrix) -> Expr:
    """The entropy of block u, u uniform on the unit cube, in nats."""
    rows, columns = block.shape
    if rows == columns:
        return _log_abs(block.det())
    # a u + b v of two uniforms has a trapezoid for its density.
    if (rows, columns) == (1, 2):
        sizes = [sympy.Abs(entry) for entry in block]
        large, small = sympy.Max(*sizes), sympy.Min(*sizes)
        return log_of(large) + small / (2 * large)
    raise QueryError(
        f"A part of {rows} variables is a mixture of {columns} independent uniform ones, for "
        "whose entropy there is no closed form here: estimate it, with sample(...)."
    )


def _check_density(step: AffineStep) -> None:
    # What no row of (M B) is missing from fills all directions, whatever density comes in.
    if step.matrix.row_join(step.noise).rank() < step.matrix.rows:
        raise QueryError(
            "The step of this system flattens its states onto a surface (its Jacobian has "
            "determinant 0), where the differential entropy is minus infinity."
        )


def _log_abs(value: Expr) -> Expr:
    # As a product, log falls apart into the logarithms that other entropies hold too, and cancels.
    factored = sympy.factor(value) if value.free_symbols else value
    return sympy.expand_log(log_of(sympy.Abs(factored)))


def _in_base(nats: Expr, base: Expr | float) -> Expr:
    check_base(base)
    return sympy.expand(nats / log_of(exact_base(base)))


def _intervals(
    given: Mapping[Variable, tuple[Expr | float, Expr | float]], form: str
) -> dict[Variable, tuple[Expr, Expr]]:
    if not isinstance(given, Mapping) or not given:
        raise DeclarationError(f"Write one entry {form} for each variable: {{T: {form}, ...}}.")
    pairs = {}
    for variable, pair in given.items():
        check_real([variable])
        if not isinstance(pair, tuple | list):
            raise DeclarationError(f"{variable!r}: {pair!r} is no entry of the form T: {form}.")
        if len(pair) != 2:
            raise DeclarationError(f"{variable} has {len(pair)} numbers: write {form}.")
        pairs[variable] = (rational(pair[0]), rational(pair[1]))
    return pairs


def _exact(given: object, shape: tuple[int, int], name: str) -> Matrix:
    """A matrix of exact numbers; entries are read one by one, and text not at all."""
    refuse_masked(given, f"The {name}")
    entries = given.tolist() if isinstance(given, MatrixBase) else given
    try:
        array = np.array(entries, dtype=object)
    except ValueError:
        raise DeclarationError(f"The {name} has rows of many lengths: write {shape}.") from None
    column = array.reshape(-1, 1) if array.ndim == 1 else array
    if column.shape != shape:
        raise DeclarationError(f"The {name} has shape {array.shape}: it must be {shape}.")
    return sympy.ImmutableMatrix(*shape, [rational(entry) for entry in column.flat])
