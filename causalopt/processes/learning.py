"""Training as a system: weights, gradient, optimizer and data are nodes, a step is a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError
from causalopt.language.arrays import ArrayVariable, array
from causalopt.language.data import is_given
from causalopt.language.symbols import Noise, Parameter, Variable
from causalopt.language.trees import jax_module, parted
from causalopt.mechanisms.declared import Formula
from causalopt.mechanisms.opaque import function
from causalopt.mechanisms.tracing import in_double
from causalopt.model.system import System
from causalopt.processes.examples import Places, batch_of, groups_of, rows_of
from causalopt.processes.tallies import Tallied

if TYPE_CHECKING:
    from causalopt.ground.types import Array

#: The loss of one example: of the weights, and of a row of each array of the data.
Loss = Callable[..., Any]


class Optimizer(Protocol):
    """What optax's optimizers are: a first state, and updates by gradients."""

    def init(self, weights: object, /) -> object:
        """The state before the first step."""

    def update(
        self, gradient: object, state: object, weights: object | None = None, /
    ) -> tuple[Any, Any]:
        """What is added to the weights, and the next state."""


@dataclass(frozen=True)
class Training:
    """A training run as an ordinary system, and the names of its nodes.

    ``weights`` are theta, ``gradient`` the gradient of a step's loss, ``optimizer`` its state (None
    where it has none). ``importance`` (examples,) weights the losses of the examples, all 1, and
    ``examples`` are the arrays of the data: both are nodes that stay as they are, so that a nudge
    at their start says how the trained weights depend on the data. ``batch`` are the places of the
    examples that a step sees, None where it sees all. ``tally`` (groups, weights) is what has moved
    each weight so far, by groups of examples; None where none are named.
    """

    system: System
    weights: ArrayVariable
    gradient: ArrayVariable
    optimizer: ArrayVariable | None
    importance: ArrayVariable
    examples: tuple[ArrayVariable | Parameter, ...]
    batch: Noise | None
    tally: ArrayVariable | None


def training(
    loss: Loss,
    weights: object,
    data: Sequence[object],
    optimizer: Optimizer | float,
    *,
    batches: object = None,
    tally: object = None,
    precision: str = "float64",
) -> Training:
    """Training by gradient descent, as a system whose steps are its steps.

    theta[i+1] = theta[i] + update(g), where g = d/dtheta sum_j w_j loss(theta, x_j, y_j, ...) / B
    over the B examples j of a batch; w are the weights of the examples, 1 unless they are nudged.

    ``loss`` is a pure JAX function of the weights and of one row of each array of ``data``, all of
    one length. ``weights`` are a number, an array, or a tree of arrays, such as a network of
    equinox; what is no array in it is handed to the loss as it is. ``optimizer`` is one of optax's,
    or a number: the rate of plain descent. ``batches`` is None for all examples in each step, a
    whole number B for as many drawn afresh (with replacement, the same draws in W, X and Y), or an
    array of whole numbers (steps, B) that says which: the order is given then. With
    ``precision="float32"`` gradients are computed in single precision, as most networks are
    trained; weights and the optimizer's state are double precision all the same, but for what an
    optimizer keeps in single precision of its own accord.

    ``tally`` (examples,) are whole numbers that put each example in a group, such as labels, or
    np.arange(count) for each its own. Then a node has T[k, p], the sum of
    abs(theta[i+1] - theta[i])[p] over the steps i in whose batch group k was; p counts the numbers
    of a tree in JAX's order. It is 0 at the start, and nothing follows from it.

    Raises ``DeclarationError`` for arrays of different lengths, batches or groups that are no whole
    numbers, or name no examples, and optimizers that ask for more than gradient, state and weights.

    >>> import numpy as np
    >>> run = training(
    ...     lambda theta, x, y: (theta @ x - y) ** 2 / 2,
    ...     np.zeros(2),
    ...     ([[1.0, 0.0], [0.0, 2.0]], [1.0, 3.0]),
    ...     0.5,
    ... )
    >>> from causalopt.measures.response.optimization import op
    >>> round(op(run.system, run.gradient, run.weights[0], run.weights[10], along=[1, 0]).item(), 6)
    2.876821
    >>> run = training(lambda w, x: (w[0] - x) ** 2 / 2, np.zeros(1), ([4.0, 0.0],), 0.5,
    ...     batches=[[0], [1], [0]], tally=[0, 1])
    >>> from causalopt.runs.results import run as values_of
    >>> values_of(run.system.world(steps=3), keep="last").tally.values[0, 0, :, 0]
    array([3.5, 1. ])
    """
    weights = _as_floats(weights)
    theta, g = array("theta", **_kind(weights)), array("g", **_kind(weights))
    arrays = rows_of(data)
    count = len(arrays[0])
    examples = tuple(_named(f"data{i}", rows) for i, rows in enumerate(arrays))
    moving = [node for node in examples if isinstance(node, ArrayVariable)]
    importance = array("importance", count)
    batch = batch_of(batches, count)
    seen = () if batch is None else (batch,)
    places = None if batch is None else Places(0 if is_given(batch) else count)
    slope = BatchGradient(loss, places)
    mechanisms: dict[Variable, Formula] = {
        g: function(slope, precision=precision)(theta, importance, *examples, *seen),
        **{node: node for node in (importance, *moving)},
    }
    start: dict[Variable, object] = {
        theta: weights,
        g: _zeros(weights),
        importance: np.ones(count),
    }
    given: dict[Parameter, object] = {}
    for node, rows in zip(examples, arrays, strict=True):
        (given if isinstance(node, Parameter) else start)[node] = rows
    state = None
    if isinstance(rate := checks.as_float(optimizer), float):
        eta = Parameter("rate")
        mechanisms[theta] = theta - eta * g.next
        given[eta] = rate
    else:
        state = _with_state(optimizer, weights, theta, g, mechanisms, start)
    watching = None
    if tally is not None:
        group, update = Parameter("group"), array("update", theta.shape)
        given[group] = groups = groups_of(tally, count)
        watching = array("tally", (int(groups.max()) + 1, math.prod(theta.shape)))
        mechanisms[update] = theta.next - theta
        mechanisms[watching] = function(Tallied(places))(watching, update.next, group, *seen)
        start |= {node: np.zeros(node.shape) for node in (update, watching)}
    system = System(mechanisms, start=start, parameters=given)
    return Training(system, theta, g, state, importance, examples, batch, watching)


def _as_floats(weights: object) -> object:
    """The weights with all numbers in double precision; whole numbers in a tree are refused."""
    structure, arrays = parted(weights, "weights")
    bare = hasattr(weights, "shape")
    whole = [leaf for leaf in structure.arrays if leaf.kind != "float64" and not bare]
    if whole:
        raise DeclarationError(
            f"weights hold whole numbers or truth values ({whole[0].kind} of shape "
            f"{whole[0].shape}), by which a loss has no gradient: put them into the loss, or make "
            "floats of them."
        )
    if not arrays:
        raise DeclarationError(
            f"weights is {checks.shown(weights)} ({type(weights).__name__}), which holds no "
            "floats: write an array, or a tree of arrays, such as np.zeros(3)."
        )
    return structure.rebuilt([np.asarray(a, dtype=np.float64) for a in arrays])


def _kind(weights: object) -> dict[str, Any]:
    """An array by its shape, a tree by itself; a number is a tree of one."""
    shape = getattr(weights, "shape", None)
    return {"shape": shape} if shape else {"like": weights}


def _zeros(weights: object) -> object:
    """Zeros in the place of all numbers."""
    structure, arrays = parted(weights)
    return structure.rebuilt([np.zeros(a.shape) for a in arrays])


def _named(name: str, rows: Array) -> ArrayVariable | Parameter:
    """A node for an array of the data; a parameter for whole numbers, which nothing nudges."""
    return Parameter(name) if rows.dtype.kind in "iub" else array(name, rows.shape)


@dataclass(frozen=True)
class BatchGradient:
    """The gradient of a batch's loss by the weights, as a function of what a step sees.

    ``places`` says which examples a batch names, None where a step sees all.
    """

    loss: Loss
    places: Places | None
    __name__ = "gradient"

    def __call__(self, weights: object, importance: Any, *given: Any) -> object:
        """The gradient: the weights, those of the examples, the data, and the batch if any."""
        jax = jax_module()
        some = [importance, *given]
        if self.places is not None:
            *rows, batch = given
            places = self.places(batch)
            some = [jax.numpy.take(part, places, axis=0) for part in (importance, *rows)]
        # What is no array in a tree has no slope.
        structure, arrays = parted(weights)
        slopes = jax.grad(lambda moved: self._mean(structure.rebuilt(moved), *some))(arrays)
        return structure.rebuilt(slopes)

    def _mean(self, weights: object, importance: Any, *rows: Any) -> Any:
        losses = jax_module().vmap(self.loss, in_axes=(None, *[0] * len(rows)))(weights, *rows)
        if losses.ndim != 1:
            raise DeclarationError(
                f"The loss of one example has the shape {losses.shape[1:]}: give one number, such "
                "as its mean or its sum."
            )
        return (importance * losses).sum() / len(losses)


@dataclass(frozen=True)
class Stepped:
    """The weights after an optimizer's step; or, where it ``remembers``, the optimizer's state."""

    optimizer: Optimizer
    first: object = field(compare=False)
    remembers: bool

    @property
    def __name__(self) -> str:
        return "remembered" if self.remembers else "stepped"

    def __hash__(self) -> int:
        return hash((id(self.optimizer), self.remembers))

    def __call__(self, weights: object, gradient: object, *state: object) -> object:
        """What follows from weights, gradient and state; ``first`` is one without numbers."""
        tree = jax_module().tree
        # Single precision where the optimizer wants it, such as in what it adds up.
        given = tree.map(_of_kind, state[0], self.first) if state else self.first
        (structure, arrays), (_, slopes) = parted(weights), parted(gradient)
        update, new = self.optimizer.update(
            structure.pruned(slopes), given, structure.pruned(arrays)
        )
        if self.remembers:
            return new
        return structure.rebuilt([w + u for w, u in zip(arrays, tree.leaves(update), strict=True)])


def _of_kind(part: Any, like: Any) -> Any:
    """An array of the kind of another; what is no array as it is."""
    return part.astype(like.dtype) if hasattr(like, "dtype") else part


def _with_state(
    optimizer: object,
    weights: object,
    theta: ArrayVariable,
    g: ArrayVariable,
    mechanisms: dict[Variable, Formula],
    start: dict[Variable, object],
) -> ArrayVariable | None:
    """Declare the steps of an optimizer, and its state if it has one."""
    if not hasattr(optimizer, "init") or not hasattr(optimizer, "update"):
        raise DeclarationError(
            f"optimizer is {checks.shown(optimizer)}: write a rate, such as 0.1, or an optimizer "
            "of optax, such as optax.adam(1e-3)."
        )
    first = _first_state(optimizer, weights)
    _, parts = parted(first, "The state of the optimizer")
    numbers = sum(int(np.size(part)) for part in parts)
    # What an optimizer without a state carries is no number, and the same for good.
    state = array("optimizer", like=first) if numbers else None

    own = () if state is None else (state,)
    mechanisms[theta] = function(Stepped(optimizer, first, False))(theta, g.next, *own)
    if state is not None:
        mechanisms[state] = function(Stepped(optimizer, first, True))(theta, g.next, state)
        start[state] = first
    return state


def _first_state(optimizer: Any, weights: object) -> object:
    """The state before the first step, where a step can be taken from it."""
    structure, arrays = parted(weights)
    bare = structure.pruned(arrays)
    with in_double():
        try:
            first = optimizer.init(bare)
            jax_module().eval_shape(optimizer.update, bare, first, bare)
        except Exception as error:  # whatever an optimizer raises is told
            raise DeclarationError(
                f"The optimizer takes no step of a gradient, its state and the weights: "
                f"{' '.join(str(error).split())[:300]}. Those that ask for the loss too, such as "
                "lbfgs and reduce_on_plateau, are no rule of a step by itself: write another."
            ) from None
    return first
