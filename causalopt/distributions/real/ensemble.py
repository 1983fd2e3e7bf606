"""Ensembles: seeded samples of a system's states, pushed through it all at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from numpy.random import Generator, SeedSequence, default_rng
from sympy import Expr

from causalopt.distributions.real.estimate import (
    Estimate,
    covariance_of_density,
    knn_entropy,
    with_error,
)
from causalopt.distributions.real.sound import check_real, is_limited
from causalopt.distributions.real.step import check_pushable
from causalopt.ground.checks import (
    as_floats,
    as_mapping,
    as_whole,
    of_kind,
    refuse_masked,
    shown,
)
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.holding import hashed, same
from causalopt.ground.masses import check_base
from causalopt.ground.readonly import fields_alone, restore
from causalopt.ground.scaled import stacked
from causalopt.ground.types import Floats
from causalopt.language.domains import domain_of
from causalopt.language.naming import refuse_names_of_dims
from causalopt.language.splits import Split, as_split
from causalopt.language.symbols import Label, Noise, Parameter, Variable
from causalopt.model.declaration import check_steps
from causalopt.model.system import System
from causalopt.runs.simulation import Want, simulate
from causalopt.runs.sweeps import Sweep, SweptAxis, paired

if TYPE_CHECKING:
    import xarray as xr

# Paths of shuffles count parts and variables from 0; none begins with this.
_NOISE = 2**32 - 1


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Samples (n, d) of the joint state of d real variables; ``seed`` decides how parts are mixed.

    Made by ``of``, or drawn: ``Box.of({T: (9, 11), ...}).sample(10_000, seed=1)``. The numbers
    depend on the seed alone: every source of chance has a ``SeedSequence`` of its own, ``path``
    away from the seed. ``age`` counts the steps that the samples were carried on, for what a noise
    takes depends on it (see ``push``).

    >>> from causalopt.language.symbols import Label, variables
    >>> T, R = variables("T R")
    >>> step = System({T: R, R: R - 0.5 * T}, start={T: 0, R: 0})
    >>> Ensemble.of({T: [1.0, 2.0], R: [3.0, 4.0]}).push(step).samples
    array([[3. , 2.5],
           [4. , 3. ]])
    """

    variables: tuple[Variable, ...]
    samples: Floats
    seed: int = 0
    path: tuple[int, ...] = ()
    age: int = 0

    def __post_init__(self) -> None:
        refuse_masked(self.samples, "The array of samples")
        of_kind(self.samples, np.ndarray, "samples", "an array, or Ensemble.of({x: [...]})")
        _check_seed(self.seed)
        object.__setattr__(self, "variables", check_real(self.variables))
        if self.samples.ndim != 2 or self.samples.shape[1] != len(self.variables):
            raise DeclarationError(
                f"The samples have shape {self.samples.shape}: write one row a sample and one "
                f"column for each of {', '.join(map(str, self.variables))}."
            )
        if not len(self.samples):
            raise DeclarationError("There are no samples: write one or more.")
        wrong = int((~np.isfinite(self.samples)).sum())
        if wrong:
            raise DeclarationError(f"{wrong} of the samples' numbers are not finite.")
        for variable, column in zip(self.variables, self.samples.T, strict=True):
            stray = domain_of(variable).strays(column)
            if stray is not None:
                raise DeclarationError(
                    f"A sample of {variable} is {column[stray[0]]:.6g}, and it is assumed to be "
                    f"{stray[1]}: formulas are simplified by that. Declare it without, or bound "
                    "it with Max, Min or Piecewise."
                )
        self.samples.setflags(write=False)

    __getstate__, __setstate__ = fields_alone, restore
    __eq__, __hash__ = same, hashed

    @classmethod
    def of(cls, samples: Mapping[Variable, npt.ArrayLike], seed: int = 0) -> Ensemble:
        """An ensemble from arrays (n,), one a variable; the i-th of each belong together."""
        given = as_mapping(samples, "The samples", "{R: [19.5, 21.0]}")
        columns = {_variable(v): _numbers(column, v) for v, column in given.items()}
        sizes = {column.shape for column in columns.values()}
        if len(sizes) != 1 or len(next(iter(sizes))) != 1:
            raise DeclarationError(
                f"The samples have the shapes {sorted(sizes)}: write one list of equal length for "
                "each variable."
            )
        return cls(tuple(columns), np.stack(list(columns.values()), axis=1), seed)

    def split(self, *parts: object) -> Split:
        """The split that the parts name, checked against these variables."""
        return as_split(parts, self.variables)

    def decorrelate(self, *parts: object) -> Ensemble:
        """The samples with each part shuffled by itself, the first left in place.

        Marginals of parts stay as they are, sample for sample; parts no longer tell of each other.
        """
        shuffled = self.samples.copy()
        for number, part in enumerate(self.split(*parts).parts[1:]):
            # The rows of a part move together, so that what it holds together stays so.
            columns = [self.variables.index(v) for v in part]
            order = _stream(self.seed, (*self.path, number)).permutation(len(shuffled))
            shuffled[:, columns] = self.samples[order][:, columns]
        # Parts are numbered below the number of variables: this path is that of no stream so far.
        return Ensemble(
            self.variables, shuffled, self.seed, (*self.path, len(self.variables)), self.age
        )

    def push(self, system: System, steps: int = 1) -> Ensemble:
        """Every sample carried on a number of steps, in one vectorised run of the system.

        A noise takes a number of its own for every sample and step: the i-th that its law draws
        from a generator seeded by the seed, the ``age`` of the step and the noise's name. So sample
        i is the same however many there are, two pushes by one step are one push by two, and what
        else the system holds changes no draw. Ensembles of one seed and age, such as a decorrelated
        one beside the one that it is from, share their draws, which leaves them out of the error of
        a difference; another seed has others.

        Raises ``EvaluationError`` where a sample leaves the finite real numbers, ``QueryError``
        for a system whose step depends on time.

        >>> from causalopt.language.laws import normal
        >>> from causalopt.language.symbols import noise, variables
        >>> (x,) = variables("x")
        >>> walk = System({x: x + noise("e", normal())}, start={x: 0})
        >>> Ensemble.of({x: [0.0, 0.0]}, seed=1).push(walk).samples.round(3).tolist()
        [[0.507], [2.677]]
        """
        check_pushable(system, self.variables)
        count = check_steps(steps)
        if not system.noises and not is_limited(self.variables):
            return self._carried(system, count, {})
        quiet, held = _held_still(system)
        pushed = self
        for _ in range(count):
            pushed = pushed._carried(quiet, 1, pushed._draws(held))
        return pushed

    def _draws(self, held: Mapping[Noise, Parameter]) -> dict[Parameter, Floats]:
        """What each noise takes in the step to come, one number for each sample."""
        return {
            parameter: noise.law.quantiles(
                _stream(self.seed, (_NOISE, self.age, *noise.name.encode())).random(
                    len(self.samples)
                )
            )
            for noise, parameter in held.items()
        }

    def _carried(self, system: System, steps: int, drawn: Mapping[Parameter, Floats]) -> Ensemble:
        """The samples some steps on in a system without noise, by parameters for each sample."""
        starts: dict[Label, Floats] = {
            v[0]: self.samples[:, i] for i, v in enumerate(self.variables)
        }
        points = Sweep(
            (*paired(starts).axes, *(SweptAxis(p, p, values) for p, values in drawn.items())),
            paired=True,
        )
        world = system.world(steps)
        wants = [Want(world, variable) for variable in self.variables]
        states = simulate(wants, range(steps, steps + 1), points, "auto", stacked)
        samples = np.ascontiguousarray(states[:, 0].T)
        return Ensemble(self.variables, samples, self.seed, self.path, self.age + steps)

    def covariance(self) -> Floats:
        """The covariance of the samples, shape (d, d); a ``QueryError`` for a single sample."""
        if len(self.samples) < 2:
            raise QueryError("One sample has no covariance: draw two or more.")
        return np.atleast_2d(np.cov(self.samples, rowvar=False))

    def log_variance(self, base: Expr | float = 2) -> float:
        """log det covariance, in units of log(base); a ``QueryError`` where that is singular."""
        check_base(base)
        covariance = covariance_of_density(self.samples)
        return float(np.linalg.slogdet(covariance)[1]) / math.log(base)

    def entropy(self, base: Expr | float = 2) -> Estimate:
        """The differential entropy in units of log(base), estimated from distances to neighbours.

        By Kozachenko and Leonenko's estimator, with the error from ten batches; see
        ``knn_entropy``. It has a bias of its own that shrinks as samples grow in number.
        """
        check_base(base)
        unit = math.log(base)
        return with_error(lambda samples: knn_entropy(samples) / unit, self.samples)

    def to_xarray(self) -> xr.Dataset:
        """One variable per variable, with dim ``sample``."""
        import xarray as xr

        refuse_names_of_dims(self.variables, ["sample"])
        return xr.Dataset(
            {
                v.name: ("sample", self.samples[:, i], {"units": v.unit, "long_name": v.name})
                for i, v in enumerate(self.variables)
            },
            attrs={"seed": self.seed},
        )

    def __repr__(self) -> str:
        names = ", ".join(map(str, self.variables))
        return f"<Ensemble of {len(self.samples)} samples of {names}, seed={self.seed}>"


def split_sequence(system: System, split: object, before: Ensemble) -> xr.Dataset:
    """The five ensembles of a split: t-1, t, t+1, and t and t+1 with the parts decorrelated at t.

    Dims (stage, sample), one variable per variable of the system, ready for scatter and density
    pictures. Source: the pictures of "Defining Optimization in a Deeper Way", part 2.
    """
    import xarray as xr

    of_kind(before, Ensemble, "before", "an Ensemble, such as P.sample(1000, seed=1)")
    refuse_names_of_dims(before.variables, ["stage", "sample"])
    now = before.push(system)
    apart = now.decorrelate(split)
    stages = {
        "t-1": before,
        "t": now,
        "t+1": now.push(system),
        "t decorrelated": apart,
        "t+1 decorrelated": apart.push(system),
    }
    labels = xr.Variable("stage", list(stages))
    return xr.concat(
        [ensemble.to_xarray() for ensemble in stages.values()], labels, combine_attrs="override"
    )


def _held_still(system: System) -> tuple[System, dict[Noise, Parameter]]:
    """The system with a parameter in the place of each noise, which a step can be given."""
    held = {noise: Parameter(noise.name, noise.unit) for noise in system.noises}
    mechanisms = {v: rule.renamed(held) for v, rule in system.mechanisms.items()}
    parameters = {**system.parameters, **dict.fromkeys(held.values(), 0.0)}
    return replace(system, mechanisms=mechanisms, parameters=parameters), held


def streams(seed: int, count: int) -> list[Generator]:
    """Independent streams of random numbers, one for each source of chance."""
    return [default_rng(child) for child in SeedSequence(_check_seed(seed)).spawn(count)]


def _stream(seed: int, path: tuple[int, ...]) -> Generator:
    return default_rng(SeedSequence(_check_seed(seed), spawn_key=path))


def _check_seed(seed: object) -> int:
    number = as_whole(seed)
    if number is None or number < 0:
        raise DeclarationError(f"seed is {seed!r}: write a whole number, 0 or larger.")
    return number


def _variable(given: object) -> Variable:
    if not isinstance(given, Variable):
        raise DeclarationError(f"The samples have the key {given!r}: its keys are variables.")
    return given


def _numbers(given: object, variable: object) -> Floats:
    refuse_masked(given, f"The list of samples of {variable}")
    numbers = as_floats(given)
    if numbers is None:
        raise DeclarationError(
            f"The samples of {variable} are {shown(given)}: write a list of numbers."
        )
    return numbers
