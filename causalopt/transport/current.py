"""Probability current: SGD in one dimension as drift and diffusion, by finite volumes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sympy import Expr, Rational

from causalopt.backends.evaluation import evaluate
from causalopt.ground.checks import are_chances, as_floats, shown, switch, whole
from causalopt.ground.checks import finite as finite_number
from causalopt.ground.errors import DeclarationError, EvaluationError, QueryError, nearest
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.types import Floats
from causalopt.language.naming import refuse_names_of_dims
from causalopt.language.symbols import Variable
from causalopt.mechanisms.symbolic import Expression
from causalopt.transport.end_state import is_normal_beside, log_density, zeros_of
from causalopt.transport.implicit import course
from causalopt.transport.moments import GradientMoments
from causalopt.transport.transfer import as_interval

if TYPE_CHECKING:
    import xarray as xr
    from scipy.sparse import csc_array

# The largest jump, in widths of the well, of a flow; and the density, in parts of the largest, from
# which on a place counts as visited.
_JUMP = 0.25
_SOME = 1e-3

# So many arrays (cells,) are held at most, as measured: for the closed form; and for a run, most of
# them the factors of its matrix.
_FOR_END_STATE = 8
_FOR_RUN = 72

# By convention: what is taken from T G, and how the current spreads. With D = T^2 S^2 / 2 the
# current is -drift P - (D P)' + share D' P.
_SHARES = {"ito": Rational(0), "stratonovich": Rational(1, 2), "modified": Rational(0)}


@dataclass(frozen=True)
class Current:
    """SGD on one parameter as a flow of probability, in units of steps.

    G = mean_j l_j', S^2 = variance_j l_j' (over the weights), and with D = T^2 S^2 / 2

        dP/dt = -d rho/dW,   rho = -b P - (D P)' + c D' P.

    - ``ito``: b = T G, c = 0, so that dP/dt = (T G P)' + 1/2 T^2 (S^2 P)''.
    - ``stratonovich``, the source's own: b = T G, c = 1/2, that is 1/2 T^2 (S (S P)')'.
    - ``modified``: Ito with b = T (G + T/4 (G^2)'), the second-order modified equation of SGD
      (Li, Tai and E 2017).

    One step of SGD has the mean -T G and the variance T^2 S^2 exactly; the flow has them for small
    T. Made by ``of``. Source: "SGD Understood through Probability Current".

    >>> from causalopt.language.symbols import variables
    >>> (W,) = variables("W")
    >>> from sympy import Rational
    >>> slopes = Rational(3, 5) * W**2 - 2 * W, Rational(2, 5) * W**2 - 2 * W
    >>> flow = Current.of(slopes, W, rate=0.5)
    >>> flow.G, flow.S2
    (W - 2, W**2/25)
    """

    parameter: Variable
    rate: float
    convention: str
    G: Expr
    S2: Expr

    @classmethod
    def of(
        cls,
        losses: Iterable[Expr],
        parameter: Variable,
        rate: float,
        *,
        convention: str = "ito",
        weights: Sequence[float] | None = None,
    ) -> Current:
        """The flow of SGD on losses in one parameter."""
        if convention not in _SHARES:
            raise QueryError(
                f"There is no convention {convention!r}." + nearest(convention, _SHARES)
            )
        if not finite_number(rate, "rate") > 0:
            raise DeclarationError(f"The rate is {rate}: write a number above 0, such as 0.1.")
        moments = GradientMoments.of(losses, [parameter], weights=weights)
        return cls(parameter, float(rate), convention, moments.G[0, 0], moments.S2[0, 0])

    @property
    def drift(self) -> Expr:
        """b: the speed at which probability moves down, per step."""
        # A finite step overshoots: to second order in T it is a flow down a loss that is steeper.
        if self.convention == "modified":
            squared = Expression(self.G**2).partial(self.parameter)
            return self.rate * (self.G + self.rate * squared / 4)
        return self.rate * self.G

    @property
    def diffusion(self) -> Expr:
        """D = T^2 S^2 / 2: half the variance of a step."""
        return self.rate**2 * self.S2 / 2

    def log_slope(self) -> Expr:
        """d log P / dW in the end state, where rho = 0: (-b - (1 - c) D') / D.

        With the source's convention, -1/2 (log S^2)' - 2 G / (T S^2).
        """
        spread = Expression(self.diffusion).partial(self.parameter)
        share = 1 - _SHARES[self.convention]
        return -(self.drift + share * spread) / self.diffusion

    def end_state(self) -> Expr:
        """log P in the end state up to a constant, in closed form, between zeros of S^2.

        -(1 - c) log D - int b/D dW. Where S^2 vanishes this may tend to minus infinity, so that P
        is 0 there, or to infinity: ``stationary`` tells them apart.

        Raises ``QueryError`` where S^2 is 0 everywhere, and where no closed form is found: it is
        looked for where S^2 is constant and where b/D is a rational function whose poles have
        formulas.

        >>> from causalopt.language.symbols import variables
        >>> (W,) = variables("W")
        >>> Current.of([W**2 + W, W**2 - W], W, rate=0.1).end_state()
        -20*W**2
        """
        share = 1 - _SHARES[self.convention]
        return log_density(self.drift, self.diffusion, share, self.parameter)

    def stationary(self, inside: tuple[float, float], *, cells: int = 4000) -> xr.DataArray:
        """The density of the end state on an interval with closed ends, from its closed form.

        S^2 may vanish at an end, and P be 0 there, as the third validation of the source at 0.

        Raises ``QueryError`` as ``end_state``; where S^2 vanishes inside the interval, since
        probability passes such a point one way only; and where all probability collects at an end.
        """
        import xarray as xr

        low, high = as_interval(inside)
        cells = whole(cells, "cells", 3)
        _refuse_too_many(cells, _FOR_END_STATE)
        exponent = self.end_state()
        for zero in zeros_of(self.diffusion, self.parameter):
            self._check_zero(exponent, zero, (low, high))
        edges = np.linspace(low, high, cells + 1)
        middles, width = (edges[1:] + edges[:-1]) / 2, (high - low) / cells
        # The exponent is known up to a constant alone: with 0 at its top, exp overflows nowhere.
        logs = self._values(exponent, middles)
        density = np.exp(logs - logs.max())
        density /= density.sum() * width
        name = self.parameter.name
        attrs = {"convention": self.convention, "rate": self.rate}
        return xr.DataArray(density, {name: middles}, [name], "density", attrs)

    def _check_zero(self, exponent: Expr, zero: Expr, inside: tuple[float, float]) -> None:
        place, (low, high) = float(zero), inside
        if low < place < high:
            raise QueryError(
                f"S^2 = 0 at {self.parameter} = {place:g}, which probability passes one way only: "
                f"ask for one side, ({low:g}, {place:g}) or ({place:g}, {high:g})."
            )
        side = 1 if place == low else -1
        if place in inside and not is_normal_beside(exponent, self.parameter, zero, side):
            raise QueryError(
                f"All probability collects at {self.parameter} = {place:g}, where S^2 = 0: the end "
                "state has no density beside it."
            )

    def evolve(
        self,
        inside: tuple[float, float],
        start: tuple[float, float] | Floats,
        times: Sequence[float],
        *,
        cells: int = 400,
        absorbing: bool = False,
        dt: float | None = None,
    ) -> xr.Dataset:
        """The density of W over time on an interval, from a normal (mean, deviation) or masses.

        ``density`` (time, W) in the middles of cells, ``left`` (time, end), what absorbing ends
        have taken at "low" and at "high" (0 where they are closed). Implicit Euler steps of ``dt``
        steps of SGD with the fluxes of Scharfetter and Gummel: mass is conserved to rounding, no
        density is negative, and no ``dt`` is unstable; the error is of first order in ``dt`` and
        in a cell. Without a ``dt`` it is 1, halved until no more than 0.01 of the probability lies
        elsewhere; ``attrs["dt"]`` says what it came to.

        ``attrs["jump"]`` is the jump of one step against the width of the well: the largest
        T |G'| or T |S'| where there is some probability, since from a distance w of the bottom a
        step jumps by T G' w. Above a quarter the picture of a flow does not hold: a
        ``RuntimeWarning`` says so. Another says where the density grows to its largest at a closed
        end: there the process would leave the interval.

        Raises ``QueryError`` for times that do not grow or a start that is no probability, and
        ``EvaluationError`` where G or S^2 is not real.
        """
        import xarray as xr

        low, high = as_interval(inside)
        if dt is not None and not finite_number(dt, "dt") > 0:
            raise QueryError(f"dt is {dt}: write a number of steps above 0.")
        cells, spans = whole(cells, "cells", 3), _intervals(times)
        absorbing = switch(absorbing, "absorbing")
        _refuse_too_many(cells, _FOR_RUN + 2 * len(spans))
        edges = np.linspace(low, high, cells + 1)
        middles, width = (edges[1:] + edges[:-1]) / 2, (high - low) / cells
        mass = _masses(start, edges)
        generator, exits = self._generator(edges, absorbing)
        masses, left, dt = course(generator, exits, mass, spans, dt)
        densities = [mass / width for mass in masses]
        if not absorbing:
            self._warn_of_piles(densities, middles)
        name, densities = self.parameter.name, densities[1:]
        refuse_names_of_dims([name], ["time", "end", "density", "left"])
        jump = self._jump(middles, np.max(densities, axis=0))
        attrs = {"convention": self.convention, "rate": self.rate, "jump": jump, "dt": dt}
        return xr.Dataset(
            {
                "density": (["time", name], np.array(densities)),
                "left": (["time", "end"], np.array(left[1:])),
            },
            {
                "time": ("time", np.asarray(times, float), {"units": "steps"}),
                name: middles,
                "end": ["low", "high"],
            },
            attrs,
        )

    def _warn_of_piles(self, densities: Sequence[Floats], middles: Floats) -> None:
        """Warn where the density has grown to its largest at a closed end."""
        first, last = densities[0], densities[-1]
        tenth = max(1, len(last) // 10)
        for end, near in ((0, last[:tenth]), (-1, last[-tenth:])):
            # Of a density that is level to rounding no end is the largest.
            if last[end] > 1.001 * last[1:-1].max() and last[end] > first[end]:
                warnings.warn(
                    f"Probability piles up at the closed end near {self.parameter} = "
                    f"{middles[end]:.4g}: {near.sum() / last.sum():.2g} of it is in that tenth of "
                    "the interval. SGD would go on: take a wider interval, or absorbing=True, "
                    "which counts what leaves.",
                    RuntimeWarning,
                    stacklevel=3,
                )

    def _jump(self, places: Floats, density: Floats) -> float:
        """The largest jump against the width of the well, where there is some density."""
        # A step moves W by T G in the mean and T S around it. At a distance w from where they
        # vanish it jumps by T G' w and T S' w: the slopes are jumps in parts of the width.
        steps = (self.rate * self._values(self.G, places),
                 np.sqrt(np.maximum(2 * self._values(self.diffusion, places), 0.0)))  # fmt: skip
        ratio = np.max([np.abs(np.gradient(moves, places)) for moves in steps], axis=0)
        ratio[density < _SOME * density.max()] = 0.0
        worst = int(ratio.argmax())
        jump = float(ratio[worst])
        if jump > _JUMP:
            warnings.warn(
                f"At {self.parameter} = {places[worst]:.4g} a step of rate {self.rate:g} jumps "
                f"{jump:.2g} of the width of the well: above {_JUMP:g} SGD is no flow of "
                "probability. Take a smaller rate, or a transfer operator, which is exact.",
                RuntimeWarning,
                stacklevel=3,
            )
        return jump

    def _generator(self, edges: Floats, absorbing: bool) -> tuple[csc_array, Floats]:
        """Rates between cells (n, n), columns summing to 0, or below 0 where ends absorb.

        And the rates (2,) at which the first cell and the last one pass mass out of the interval.
        """
        from scipy.sparse import diags

        width = edges[1] - edges[0]
        share = float(1 - _SHARES[self.convention])
        spread = Expression(self.diffusion).partial(self.parameter)
        # -b P - (D P)' + c D' P = -(b + (1 - c) D') P - D P': what D' moves joins the drift, and
        # the diffusion left is Fick's, which the fluxes of Scharfetter and Gummel are made for.
        speed = -self._values(self.drift + share * spread, edges)
        diffusion = np.maximum(self._values(self.diffusion, edges), 0.0)
        up, down = _scharfetter_gummel(speed, diffusion, width)
        if not absorbing:
            up[[0, -1]] = down[[0, -1]] = 0.0
        # What a cell loses at its edges its neighbours gain: columns sum to 0, and mass stays.
        rates = [up[1:-1], -(up[1:] + down[:-1]), down[1:-1]]
        return diags(rates, offsets=[-1, 0, 1], format="csc"), np.array([down[0], up[-1]])

    def _values(self, formula: Expr, places: Floats) -> Floats:
        (values,) = evaluate([formula], {self.parameter: places})
        wrong = ~np.isfinite(values)
        if wrong.any():
            raise EvaluationError(
                f"{formula} is not real and finite at {self.parameter} = {places[wrong][0]:g}, "
                f"with the interval from {places[0]:g} to {places[-1]:g}: take a smaller one."
            )
        return values


def _scharfetter_gummel(speed: Floats, diffusion: Floats, width: float) -> tuple[Floats, Floats]:
    """The rates at which a cell passes mass up, and the next one down, through each edge.

    rho = (D/h) (B(-v h/D) P_below - B(v h/D) P_above) with B(z) = z / (exp(z) - 1): exact for
    constant v and D; upwind where D = 0. The weights of Chang and Cooper (1970) are the same ones.
    """
    # Between two middles take v, D and the current as constant: rho = v P - D P' is then solved by
    # an exponential, and the values at its ends give rho. So the discrete end state falls off by
    # exp(v h/D) a cell, as the true one does, where central differences would go negative.
    up, down = np.maximum(speed, 0.0) / width, np.maximum(-speed, 0.0) / width
    # Where drift carries all across an edge, z is too large for exp, and the limit is upwind.
    some = diffusion * 1e12 > np.abs(speed) * width
    ratio = speed[some] * width / diffusion[some]
    unit = diffusion[some] / width**2
    up[some], down[some] = unit * _bernoulli(-ratio), unit * _bernoulli(ratio)
    return up, down


def _bernoulli(z: Floats) -> Floats:
    """z / (exp(z) - 1), 1 at 0."""
    # Near 0 the series, where 0/0 has no digits; far below it B(z) = -z to all digits.
    small = np.abs(z) < 1e-9
    safe = np.where(small, 1.0, np.clip(z, -700, 700))
    ratio: Floats = np.where(small, 1 - z / 2, np.where(z < -700, -z, safe / np.expm1(safe)))
    return ratio


def _masses(start: tuple[float, float] | Floats, edges: Floats) -> Floats:
    """The probability of each cell: of a normal cut to the interval, or as given."""
    from scipy.special import ndtr

    if isinstance(start, tuple) and len(start) == 2:
        mean, deviation = (finite_number(part, "start") for part in start)
        if deviation <= 0:
            raise QueryError(f"The deviation of the start is {deviation}: write one above 0.")
        masses: Floats = np.diff(ndtr((edges - mean) / deviation))
        if masses.sum() < 1e-9:
            raise QueryError(
                f"A normal of mean {mean:g} and deviation {deviation:g} has no probability "
                f"between {edges[0]:g} and {edges[-1]:g}: widen the interval."
            )
        masses /= masses.sum()
        return masses
    given = as_floats(start)
    if given is None:
        raise QueryError(
            f"The start is {shown(start)}: write one probability for each of {len(edges) - 1} "
            "cells, in all 1, or (mean, deviation)."
        )
    masses = given
    if masses.shape != (len(edges) - 1,) or not are_chances(masses.tolist()):
        raise QueryError(
            f"The start has shape {masses.shape} and sums to {masses.sum():g}: write one "
            f"probability for each of {len(edges) - 1} cells, in all 1, or (mean, deviation)."
        )
    return masses


def _intervals(times: Sequence[float]) -> list[float]:
    moments = as_floats(times)
    if moments is None or moments.ndim != 1 or not moments.size or not np.isfinite(moments).all():
        raise QueryError(f"times is {shown(times)}: write numbers of steps from 0 on, in order.")
    spans = np.diff(moments, prepend=0.0)
    if (spans < 0).any():
        raise QueryError(f"times is {shown(times)}: write numbers of steps from 0 on, in order.")
    return [float(span) for span in spans]


def _refuse_too_many(cells: int, arrays: int) -> None:
    """Refuse, before anything is made, a number of arrays (cells,) that would not fit."""
    refuse_what_does_not_fit(
        8 * cells * arrays,
        f"A density in {cells:,} cells",
        "Take fewer cells, such as cells=4000, or ask for fewer times.",
    )
