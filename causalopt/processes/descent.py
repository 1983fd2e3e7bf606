"""Gradient descent, Newton's method and stochastic gradient descent, as systems."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import sympy
from sympy import Add, Eq, Expr, Piecewise, Rational

from causalopt.ground.checks import as_list, as_mapping, as_whole, shown
from causalopt.ground.checks import finite as finite_number
from causalopt.ground.errors import DeclarationError, TooLargeError
from causalopt.ground.work import bounded
from causalopt.language.laws import choice
from causalopt.language.symbols import Noise, Parameter, Shifted, Variable
from causalopt.mechanisms.symbolic import Expression, expression
from causalopt.model.system import System
from causalopt.processes.curvature import is_singular, newton_step, products_of_step
from causalopt.processes.updates import Plain, Update

#: One parameter that is fitted, or several.
Fitted = Variable | Sequence[Variable]

_PLAIN = Plain()
_INSTEAD = "fit fewer parameters or a sum of fewer losses, or use gradient_descent"
_MOST_PRODUCTS = 100_000  # in Newton's step: some ten seconds
_MOST_PICKS = 5_000  # terms of a gradient: likewise
_LONGEST = 200  # of a loss in a message

# What makes a formula of pieces with jumps between them.
_CHOOSING = (sympy.sign, sympy.floor, sympy.ceiling, sympy.Heaviside, Piecewise)


def gradient_descent(
    loss: Expr,
    parameter: Fitted,
    rate: float | Parameter,
    *,
    start: Mapping[Variable, float],
    parameters: Mapping[Parameter, float] | None = None,
    update: Update = _PLAIN,
) -> System:
    """Descent on a loss: g[t+1] = l'(W[t]), W[t+1] = W[t] - T g[t+1].

    The gradient is the variable ``g``; for several parameters ``g_W1``, ``g_W2``, ... So g[t+1] is
    what moved W to W[t+1], and with A = g, Op says how strongly descent optimizes W. Holding g
    makes a nudge of W[0] stay as it is, so that for plain descent in one dimension
    Comp = prod_s (1 - T l''(W_s)) and

        Op(g; W[0], W[t]) = -sum_{s < t} log|1 - T l''(W_s)|.

    ``rate`` T, in the units W^2 / l, is a number, which becomes the parameter ``rate``, or a
    parameter of your own with its value in ``parameters``: both can be swept. ``update`` is
    ``Plain()``, ``Momentum(0.9)`` or ``Adam()``.

    At a kink of the loss g is the slope of the branch taken, as everywhere in this package: for
    |W| it is 1 at W = 0. Where the loss is convex this is a subgradient. A jump adds nothing to g.

    Raises ``DeclarationError`` for a loss that is text, complex, has no derivative, moves by jumps
    alone (floor(W)), or has other symbols than what is fitted and ``parameters``, for a rate that
    is not positive, and for a parameter without a start. A run that leaves the real numbers raises
    ``EvaluationError`` with the node, and the values that it was computed from.

    Source: "Modelling and Understanding SGD", the first section.

    >>> from causalopt.language.symbols import variables
    >>> (W,) = variables("W")
    >>> gradient_descent((W - 2) ** 2, W, 0.1, start={W: 0})
    System(
        g[i+1] = 2*W - 4
        W[i+1] = W - g.next*rate
        g[0] = 0.0
        W[0] = 0.0
        rate = 0.1
    )
    """
    fitted = _as_variables(parameter)
    _check_symbols({"the loss": loss}, fitted, (rate, parameters))
    slopes = _gradient(loss, fitted, "the loss")
    gradients = _gradient_nodes(fitted)
    return _descent(dict(zip(gradients, slopes, strict=True)), fitted, (rate, update), start,
                    parameters)  # fmt: skip


def newton(
    loss: Expr,
    parameter: Fitted,
    rate: float | Parameter = 1.0,
    *,
    start: Mapping[Variable, float],
    parameters: Mapping[Parameter, float] | None = None,
) -> System:
    """Newton's method: W[t+1] = W[t] - k s[t+1], where H(W[t]) s[t+1] = grad l(W[t]).

    The gradient is the variable ``g``, H the variable ``H``, and the step ``s``; for several
    parameters ``g_W1``, ``H_W1_W2``, ``s_W1``, ... Entries of H that are numbers are no variables.
    ``rate`` k has no dimension. Arguments are those of ``gradient_descent``.

    Raises what ``gradient_descent`` does, ``DeclarationError`` where H has determinant 0
    everywhere, and ``TooLargeError`` for too many parameters: H s = g is solved once, in formulas,
    by determinants, which grow with the factorial of their number.

    Source: "Modelling and Understanding SGD", on the dimension of T.

    >>> from causalopt.runs.results import run
    >>> from causalopt.language.symbols import variables
    >>> (W,) = variables("W")
    >>> run(newton((W - 2) ** 2, W, start={W: 0}).world(steps=1)).W.values
    array([[0., 2.]])
    """
    fitted = _as_variables(parameter)
    _check_symbols({"the loss": loss}, fitted, (rate, parameters))
    slopes = dict(zip(_gradient_nodes(fitted), _gradient(loss, fitted, "the loss"), strict=True))
    curvature = [[Expression(slope).partial(p) for p in fitted] for slope in slopes.values()]
    if products_of_step(curvature, _MOST_PRODUCTS) >= _MOST_PRODUCTS:
        raise TooLargeError(
            f"Newton's step of {len(fitted)} parameters is a formula of {_MOST_PRODUCTS:,} "
            f"products or more: {_INSTEAD}."
        )
    with bounded(f"Newton's step of {len(fitted)} parameters", _INSTEAD):
        if is_singular(curvature):
            raise DeclarationError(
                f"The second derivatives of the loss {_shortly(loss)} have determinant 0 "
                "everywhere, so that Newton's step does not exist: use gradient_descent."
            )
        # nodes of their own, in which the step is short however long the loss is
        bends = {
            Variable("H" if len(fitted) == 1 else f"H_{fitted[i]}_{fitted[j]}"): curvature[i][j]
            for i, j in itertools.combinations_with_replacement(range(len(fitted)), 2)
            if not curvature[i][j].is_number
        }
        by_formula = {formula: node.next for node, formula in bends.items()}
        rows = [[by_formula.get(entry, entry) for entry in row] for row in curvature]
        moves = newton_step(rows, [slope.next for slope in slopes])
    steps = [Variable("s" if len(fitted) == 1 else f"s_{p.name}") for p in fitted]
    nodes = {**slopes, **bends, **dict(zip(steps, moves, strict=True))}
    return _descent(nodes, fitted, (rate, _PLAIN), start, parameters)


def _shortly(loss: Expr) -> str:
    text = str(loss)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def sgd(
    losses: Iterable[Expr],
    parameter: Fitted,
    rate: float | Parameter,
    batch: int = 1,
    *,
    start: Mapping[Variable, float],
    weights: Iterable[float] | None = None,
    parameters: Mapping[Parameter, float] | None = None,
    update: Update = _PLAIN,
) -> System:
    """Stochastic gradient descent: at each step the gradient is that of losses picked by chance.

    j[t+1] is picked among 0, ..., n - 1 with ``weights`` (equal, where none are given), g[t+1] =
    l_j'(W[t]), and the ``update`` moves W by g[t+1]. With ``batch`` = b > 1, g is the mean over b
    picks ``j1``, ..., ``jb``, each among all n. The picks are noise, shared by W, X and Y; run
    with ``draws=N`` for an ensemble. The other arguments, the names of the gradient and Op are
    those of ``gradient_descent``.

    Raises ``DeclarationError`` for no losses, weights that do not sum to 1, a batch below 1, a
    parameter that no loss depends on, and as ``gradient_descent`` does.

    Source: "Modelling and Understanding SGD", "SGD and Local Minima".

    >>> from causalopt.language.symbols import variables
    >>> (W,) = variables("W")
    >>> sgd([(W - 1) ** 2, (W + 1) ** 2], W, 0.1, start={W: 0}).mechanisms[W].formula
    W - g.next*rate
    """
    fitted, data = _as_variables(parameter), as_list(losses, "losses", "[W**2, (W - 1)**2]")
    if not data:
        raise DeclarationError("sgd([]) has no loss to descend: write one or more.")
    size = as_whole(batch)
    if size is None or size < 1:
        raise DeclarationError(f"batch is {batch!r}: write a whole number of 1 or more.")
    named = {f"loss {i}": loss for i, loss in enumerate(data)}
    _check_symbols(named, fitted, (rate, parameters))
    slopes = [_gradient(loss, fitted, where) for where, loss in named.items()]
    if size * len(data) > _MOST_PICKS:
        raise TooLargeError(
            f"A batch of {size:,} picks among {len(data):,} losses is a gradient of "
            f"{size * len(data):,} terms, and one may have {_MOST_PICKS:,}: take a smaller batch "
            "or fewer losses, or add normal noise to gradient_descent in its place."
        )
    law = choice(range(len(data)), weights)
    names = ["j"] if size == 1 else [f"j{i + 1}" for i in range(size)]
    picks = {Variable(name): Noise(f"pick_{name}", law) for name in names}
    nodes: dict[Variable, Expr] = dict(picks)
    for place, gradient in enumerate(_gradient_nodes(fitted)):
        parts = [_slope_of_pick([slope[place] for slope in slopes], pick) for pick in picks]
        nodes[gradient] = Rational(1, size) * Add(*parts)
    return _descent(nodes, fitted, (rate, update), start, parameters)


def _slope_of_pick(slopes: Sequence[Expr], pick: Variable) -> Expr:
    """The slope of the loss that was picked in this step."""
    last = (slopes[-1], True)
    return Piecewise(*((slope, Eq(pick.next, j)) for j, slope in enumerate(slopes[:-1])), last)


def _descent(
    nodes: Mapping[Variable, Expr],
    fitted: Sequence[Variable],
    how: tuple[float | Parameter, Update],
    start: Mapping[Variable, float],
    parameters: Mapping[Parameter, float] | None,
) -> System:
    """The system of the nodes before the update, whose last ones move the parameters in order."""
    rate, update = how
    if isinstance(update, type) or not isinstance(update, Update):
        raise DeclarationError(
            f"update is {shown(update)} ({type(update).__name__}): write a rule, such as Plain(), "
            "Momentum(0.9) or Adam()."
        )
    size, values = _rate(rate, parameters)
    movers = list(nodes)[-len(fitted) :]
    mechanisms = dict(nodes)
    for moved, mover in zip(fitted, movers, strict=True):
        mechanisms = _merge(mechanisms, update.rules(moved, mover.next, size))
    as_mapping(start, "start", f"{{{fitted[0]}: 0.0}}")
    missing = [str(p) for p in fitted if p not in start]
    if missing:
        raise DeclarationError(
            f"{', '.join(missing)} has no start value: write start={{{missing[0]}: 0.0}}."
        )
    begin = {v: start.get(v, 0.0) for v in mechanisms}
    return System(mechanisms, start={**begin, **start}, parameters=values)


def _merge(first: dict[Variable, Expr], second: Mapping[Variable, Expr]) -> dict[Variable, Expr]:
    twice = first.keys() & second.keys()
    if twice:
        raise DeclarationError(
            f"{min(map(str, twice))} is a name that descent gives to a node of its own: give the "
            "parameter that is fitted another name, such as W."
        )
    return {**first, **second}


def _rate(
    given: float | Parameter, parameters: Mapping[Parameter, float] | None
) -> tuple[Parameter, dict[Parameter, float]]:
    as_mapping({} if parameters is None else parameters, "parameters", "{rate: 0.1}")
    values = dict(parameters or {})
    if isinstance(given, Parameter):
        rate = given
        if rate not in values:
            raise DeclarationError(
                f"The rate {rate} has no value: write parameters={{{rate}: 0.1}}."
            )
    else:
        rate = Parameter("rate")
        if rate in values:
            raise DeclarationError(
                f"parameters gives a value to rate, and rate={given!r} another: write "
                'rate=parameter("rate"), or leave it out of parameters.'
            )
        values[rate] = finite_number(given, "rate")
    if not finite_number(values[rate], str(rate)) > 0:
        raise DeclarationError(
            f"The rate {rate} is {values[rate]}: descent needs a number above 0, such as 0.1."
        )
    return rate, values


def _as_variables(parameter: Fitted) -> tuple[Variable, ...]:
    each = (
        [parameter]
        if isinstance(parameter, sympy.Symbol)
        else as_list(parameter, "The parameter to be fitted", "[V, W]")
    )
    fitted = tuple(symbol for symbol in each if isinstance(symbol, Variable))
    if len(fitted) < len(each) or not fitted:
        raise DeclarationError(
            f"The parameter to be fitted is {parameter!r}: write a variable, or a list of them, "
            'such as W = variable("W").'
        )
    if len(set(fitted)) < len(fitted):
        raise DeclarationError(f"{list(fitted)} names a parameter twice: name each once.")
    return fitted


def _check_symbols(
    losses: Mapping[str, Expr],
    fitted: Sequence[Variable],
    given: tuple[float | Parameter, Mapping[Parameter, float] | None],
) -> None:
    """Refuse symbols that nothing gives a value to, though the slopes leave them out."""
    rate, parameters = given
    values = {} if parameters is None else parameters
    known = {*fitted, *as_mapping(values, "parameters", "{rate: 0.1}")}
    known.add(rate if isinstance(rate, Parameter) else Parameter("rate"))
    used = {where: expression(loss, where).arguments for where, loss in losses.items()}
    for where, symbols in used.items():
        for symbol in symbols:
            if isinstance(symbol, Variable | Parameter) and symbol not in known:
                instead = (
                    f"fit it too, with {[*fitted, symbol]}, or declare it as a parameter"
                    if isinstance(symbol, Variable)
                    else f"give it a value in parameters={{{symbol}: ...}}"
                )
                raise DeclarationError(
                    f"{where} uses {symbol}, which is not declared here: {instead}."
                )
    there = {symbol for symbols in used.values() for symbol in symbols}
    still = [str(variable) for variable in fitted if variable not in there]
    if still and not any(isinstance(symbol, Shifted) for symbol in there):
        raise DeclarationError(
            f"{still[0]} is in no loss, so that descent would leave it where it starts: write a "
            f"loss of {still[0]}, such as {still[0]}**2, or leave it out of what is fitted."
        )


def _gradient(loss: Expr, fitted: Sequence[Variable], where: str) -> list[Expr]:
    formula = expression(loss, where)
    shifted = [s for s in formula.arguments if isinstance(s, Shifted)]
    if shifted:
        raise DeclarationError(
            f"{where} uses {shifted[0]}: a loss is of the values before the step, so write "
            f"{shifted[0].variable}."
        )
    slopes = [formula.partial(variable) for variable in fitted]
    for variable, slope in zip(fitted, slopes, strict=True):
        # What only steps up and down has the slope 0 of its branches, and no way down to show.
        steps = formula.formula.has(*_CHOOSING) and variable in formula.formula.free_symbols
        if slope == 0 and steps:
            raise DeclarationError(
                f"In {formula.formula}, {where}, {variable} only moves jumps: the slope by "
                f"{variable} is 0 between them, so that descent would stay where it starts. Use a "
                f"loss that slopes towards its minimum, such as a power of {variable} minus its "
                "target."
            )
    return slopes


def _gradient_nodes(fitted: Sequence[Variable]) -> list[Variable]:
    return [Variable("g" if len(fitted) == 1 else f"g_{p.name}") for p in fitted]
