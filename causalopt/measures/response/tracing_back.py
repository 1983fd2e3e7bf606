"""The derivatives of one number by all entries of nodes and parameters, in one pass back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sympy import Symbol

from causalopt.ground import checks
from causalopt.ground.errors import EvaluationError, QueryError
from causalopt.ground.tensors import Tensor
from causalopt.ground.types import Array, Floats
from causalopt.language.domains import Coded, domain_of
from causalopt.language.symbols import Nodes, Parameter
from causalopt.language.trees import Tree
from causalopt.measures.question import names_of, nodes_as_text
from causalopt.model.interface import Model, as_model
from causalopt.model.selection import Stretch
from causalopt.model.shifting import as_rows
from causalopt.model.world import World
from causalopt.runs.backwards import slopes
from causalopt.runs.labels import in_single
from causalopt.runs.simulation import Want

if TYPE_CHECKING:
    import xarray as xr


def gradients(
    of: Model | World[Model],
    m: Nodes,
    by: Sequence[Nodes | Parameter],
    *,
    read: object = None,
) -> xr.Dataset:
    """d(read.m) / dn for every entry of each node or parameter n, in one pass back along the run.

    ``tangents`` carries a direction at n to all nodes; here one number at m is traced back to all
    entries of all n, such as a reading of trained weights to the weight of each example. ``m`` is
    one node, and where it holds an array, ``read`` (of its shape) says which number of it is meant.
    ``by`` are single nodes, by a difference that is added there, and parameters, all else in the
    world ``of`` (or of a model) as it is.

    The pass costs a few runs, whatever the number of entries, and keeps as many states as the root
    of the steps (Griewank and Walther, Evaluating Derivatives, 2008, chapter 12). It runs in JAX:
    the extra ``causalopt[jax]``.

    Returns a dataset with a variable for each n, called as it is written, with dims of its entries
    (``h[0]_axis0``; of a part, and of a tree, its numbers one after the other). Raises
    ``QueryError`` where m is not one number, or an n takes no difference, and ``EvaluationError``
    where a derivative is not there, or beyond the range of floats.

    >>> from causalopt.language.symbols import variables
    >>> from causalopt.model.system import System
    >>> T, R = variables("T R")
    >>> room = System({T: R - 25, R: R - 0.1 * T}, start={T: 10, R: 35})
    >>> found = gradients(room, R[3], by=[R[0], T[1]])
    >>> {str(name): round(value.item(), 12) for name, value in found.items()}
    {'R[0]': 0.8, 'T[1]': -0.1}
    """
    import xarray as xr

    model, steps = (of.model, of.steps) if isinstance(of, World) else (as_model(of), None)
    at = model.single(m, steps, "m")
    _refuse_named(at, f"m = {nodes_as_text(m)}")
    base = of if isinstance(of, World) else World(model, model.run_length(None, [m]))
    reading = _reading(at, m, read)
    given = checks.as_list(by, "by", "[theta[0], importance[0]]")
    if not given:
        raise QueryError("by is empty: name nodes and parameters, such as by=[theta[0], k].")
    places = {n: None if isinstance(n, Parameter) else _place(base, n) for n in given}
    world, entering, inputs = _with_inputs(base, places)
    (row,) = model.place(at).rows
    _, found = slopes(Want(world, at.key), row, reading, entering)
    columns = {}
    for name, (n, place) in zip(names_of(places), places.items(), strict=True):
        slope = found.get(inputs[n], _zeros(entering[inputs[n]]))
        if not np.isfinite(slope).all():
            raise EvaluationError(
                f"The derivative of {m} by {nodes_as_text(n)} leaves the range of floats, or is "
                "not there: ask op(...), whose tangents are kept in range, or fewer steps."
            )
        if place is not None and place.part is not None:
            directions = place.part.directions
            slope = directions.reshape(len(directions), -1) @ slope.reshape(-1)
        columns[name] = ([f"{name}_axis{i}" for i in range(slope.ndim)], slope)
    return xr.Dataset(
        columns, attrs={"quantity": "gradient", "m": nodes_as_text(m), **in_single(model)}
    )


def _reading(at: Stretch, m: Nodes, read: object) -> Floats:
    """The one number that is meant at m, as weights of what it holds."""
    shape = domain_of(at.key).shape
    if read is not None and shape and at.part is None:
        rows = as_rows(read, shape, "read").numbers
    elif read is not None:
        raise QueryError(f"m = {m} is no whole array, and read weights its entries: leave it out.")
    else:
        rows = np.ones((1, *shape)) if at.part is None else at.part.readings
    if len(rows) != 1 or (read is None and at.part is None and rows.size != 1):
        raise QueryError(
            f"m = {m} holds an array, or is read as several numbers: write read=u, one weight for "
            f"each of its entries, of the shape {shape}, for the number whose derivatives are "
            "wanted."
        )
    reading: Floats = rows[0]
    return reading


def _place(base: World[Model], n: object) -> Stretch:
    """A single node that takes a difference."""
    place = base.model.single(n, base.steps, "by")
    _refuse_named(place, f"by names {nodes_as_text(n)}, which")
    return place


def _refuse_named(place: Stretch, told: str) -> None:
    """Raise ``QueryError`` for a node of named values."""
    why = domain_of(place.key).why_no_difference()
    if why is not None:
        raise QueryError(
            f"{told} has no derivatives: {why}. Choose among the variables with numbers."
        )


def _with_inputs(
    world: World[Model], places: dict[object, Stretch | None]
) -> tuple[World[Model], dict[Symbol, Coded], dict[object, Symbol]]:
    """The world with an input at each place, the values of these, and the input of each n."""
    entering, inputs = dict[Symbol, Coded](), dict[object, Symbol]()
    known: dict[Stretch, Symbol] = {}
    for n, place in places.items():
        if isinstance(n, Parameter):
            inputs[n] = n
            entering[n] = _parameter(world.model, n)
        elif place is not None:
            whole = Stretch(place.key, place.start, place.stop)
            if whole not in known:
                known[whole] = symbol = Symbol(f"entering {len(known)}", real=True)
                entering[symbol] = _difference(world, whole)
                world = world.pushed(whole, symbol)
            inputs[n] = known[whole]
    return world, entering, inputs


def _difference(world: World[Model], place: Stretch) -> Coded:
    """The difference that there is at a node: 0 where it is left as it is."""
    shift = world.at(place.key, place.start).shift
    shape = domain_of(place.key).shape
    now = None if shift is None else shift.by if shift.to is None else shift.to
    if now is None:
        return Tensor(np.zeros(shape)) if shape else 0.0
    return now


def _arrays_of(value: Coded) -> list[Array]:
    """The arrays of what an input holds."""
    match value:
        case Tree():
            return [array.numbers for array in value.arrays]
        case Tensor():
            return [value.numbers]
    return [np.asarray(value)]


def _zeros(value: Coded) -> Floats:
    """The derivatives by what leads nowhere."""
    if isinstance(value, Tree):
        return np.zeros(value.structure.size)
    return np.zeros(_arrays_of(value)[0].shape)


def _parameter(model: Model, n: Parameter) -> Coded:
    """What a parameter holds; an error where others follow from it, or it has a formula."""
    if n not in model.parameters:
        raise QueryError(f"by names {n}, which is no parameter of this model.")
    for other in model.parameters:
        formula = model.formula_of(other)
        if formula is not None and n in {other, *formula.free_symbols}:
            raise QueryError(
                f"by names {n}, and {other} follows by a formula, {formula}: give it a number, for "
                "a derivative by what enters the run alone."
            )
    held = model.parameter_arrays.get(n)
    kinds = {a.dtype.kind for a in _arrays_of(held)} if held is not None else set()
    if kinds - {"f"}:
        raise QueryError(
            f"by names {n}, which holds whole numbers or truth values: those have no derivatives."
        )
    return model.parameter_values[n] if held is None else held
