"""Mechanisms that are functions of arrays: function(f)(h, x, R, ...), f a pure function of JAX."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from sympy import Basic, Expr, Symbol

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError
from causalopt.language.arithmetic import OutsideFormulas
from causalopt.language.domains import Domain
from causalopt.language.symbols import Quantity, Shifted, Time
from causalopt.language.trees import Structure, flattened, jax_module, parted
from causalopt.language.words import tex
from causalopt.mechanisms.calls import Called, Code, Pure, pushed
from causalopt.mechanisms.increments import Increment
from causalopt.mechanisms.interface import Mechanism, Naming, ShapeOf, Terms, Writer
from causalopt.mechanisms.tracing import result_of

if TYPE_CHECKING:
    from causalopt.ground.types import Array


@dataclass(frozen=True)
class Unpacked:
    """A function of trees as one of vectors: trees are built of what comes, and taken apart after.

    ``inputs`` has a structure for each argument that is a tree; ``output`` that of the result.
    """

    call: Pure
    inputs: tuple[Structure | None, ...]
    output: Structure | None

    @property
    def is_single(self) -> bool:
        """Whether the function of trees computes in single precision."""
        return bool(getattr(self.call, "is_single", False))

    def __call__(self, *given: Array) -> object:
        pairs = zip(self.inputs, given, strict=True)
        result = self.call(*(v if s is None else s.unflattened(v) for s, v in pairs))
        if self.output is None:
            return result
        jnp = jax_module().numpy
        known, arrays = parted(result)
        if known.branches != self.output.branches:
            raise TypeError(f"it gives {known}, and was declared to give {self.output}")
        return flattened([jnp.asarray(a, dtype=jnp.float64) for a in arrays], jnp.concatenate)


@dataclass(frozen=True)
class InSingle:
    """A function that computes in single precision: what it is given, and what it gives, is."""

    call: Pure

    def __call__(self, *given: object) -> object:
        return self.call(*jax_module().tree.map(_single, given))


@dataclass(frozen=True)
class InDouble:
    """A function of single precision, whose result is made double."""

    call: InSingle
    is_single: ClassVar[bool] = True

    def __call__(self, *given: object) -> object:
        jax = jax_module()
        return jax.tree.map(functools.partial(jax.numpy.asarray, dtype=float), self.call(*given))


def _single(part: Array) -> Array:
    """Floats in single precision; whole numbers, truth values and what is no array as they are."""
    is_float = getattr(getattr(part, "dtype", None), "kind", "") == "f"
    return part.astype(np.float32) if is_float else part


@dataclass(frozen=True)
class Function(OutsideFormulas, Mechanism):
    """A mechanism that calls a pure function with symbols of the model, and with nothing else.

    ``output`` is the structure of its result, where that is a tree; ``precision`` the kind of the
    numbers that it computes with.

    >>> from causalopt.language.arrays import array
    >>> h = array("h", (3,))
    >>> def halved(h):
    ...     return h / 2
    >>> function(halved)(h)
    Function(halved(h))
    """

    why_outside: ClassVar[str] = (
        "a mechanism by itself: put the arithmetic inside of the function, or make a node of it"
    )
    call: Pure
    inputs: tuple[Symbol, ...]
    output: Structure | None = None
    precision: str = "float64"

    @functools.cached_property
    def arguments(self) -> tuple[Symbol, ...]:
        """The symbols that it is called with, each once."""
        return tuple(dict.fromkeys(self.inputs))

    @property
    def is_opaque(self) -> bool:
        """It has no formula."""
        return True

    @property
    def moves_as_computed(self) -> bool:
        """It is differentiated as it is computed."""
        return True

    @property
    def remedy(self) -> str:
        """What its function says itself; else that it be bound inside."""
        inside = "bound it inside the function, with jnp.clip or jnp.where, or start it elsewhere"
        return str(getattr(self.call, "remedy", inside))

    def fit(self, domain: Domain, where: str) -> Mechanism:
        """The same where its result is a tree, for a node that holds trees."""
        return replace(self, output=getattr(domain, "tree", None))

    @property
    def code(self) -> Code:
        """The function of what a run holds, where trees are vectors, as a constant of a plan."""
        if self.precision == "float64":
            return Code(self._of_arrays(self.call))
        return Code(self._of_arrays(InDouble(InSingle(self.call))))

    @property
    def _computed(self) -> Pure:
        """The function in its precision."""
        return self.call if self.precision == "float64" else InSingle(self.call)

    def _of_arrays(self, call: Pure) -> Pure:
        """The function as one of arrays, where it is one of trees."""
        trees = tuple(getattr(_domain(symbol), "tree", None) for symbol in self.inputs)
        is_plain = self.output is None and not any(trees)
        return call if is_plain else Unpacked(call, trees, self.output)

    def value(self, at: Terms) -> Expr:
        """A call with terms in the place of its symbols."""
        return Called(self.code, *(at.get(s, s) for s in self.inputs))

    def forward(self, at: Terms, along: Terms) -> Expr:
        """What moves along: the derivative of the function in that direction."""
        terms = [at.get(s, s) for s in self.inputs]
        return pushed(self.code, terms, [along.get(s, 0 * s) for s in self.inputs])

    def reverse(self, at: Terms, weight: Expr) -> dict[Symbol, Expr]:
        """None: its derivatives are matrices, and are taken along directions."""
        raise DeclarationError(
            f"{self} is a function of arrays, whose derivative by an argument is no number: this "
            "question needs formulas."
        )

    def renamed(self, names: Terms) -> Mechanism:
        """The same function of other symbols."""
        inputs = [names.get(s, s) for s in self.inputs]
        strange = [term for term in inputs if not isinstance(term, Symbol)]
        if strange:
            raise DeclarationError(
                f"{self} is a function, and takes no formula such as {strange[0]}: make it a node."
            )
        return replace(self, inputs=tuple(inputs))

    def increment(self, variable: Symbol, parts: Sequence[tuple[Expr, Terms]]) -> Mechanism:
        """variable + sum_j weight_j f(at_j), each f a call."""
        return Increment.of(variable, self, parts)

    def check_shape(self, of: ShapeOf, own: tuple[int, ...], where: str) -> None:
        """Try the function on the shapes of what it is called with."""
        told = f"The mechanism of {where}, {self},"
        given, names = [of(s) for s in self.inputs], [str(s) for s in self.inputs]
        traced = result_of(self._of_arrays(self._computed), given, names, told)
        what = "a number" if not own else f"an array of shape {own}"
        if traced.shape != own:
            got = "a number" if not traced.shape else f"an array of shape {traced.shape}"
            raise DeclarationError(f"{told} gives {got}, and {where} holds {what}.")
        wanted = np.dtype(np.float64 if self.output else self.precision)
        if traced.dtype.kind not in "iub" and traced.dtype != wanted:
            raise DeclarationError(
                f"{told} gives {traced.dtype}, and is to compute in {wanted}: leave out what makes "
                "it another kind, such as .astype, or arrays of another kind inside the function"
                + ("." if wanted == np.float64 else ", where those of NumPy are float64.")
            )

    def words(self, name: Naming, write: Writer | None = None) -> str:
        """The function's name, and what it is called with."""
        return f"{name_of(self.call)}({', '.join(name(s) for s in self.inputs)})"

    def latex(self) -> str:
        """The same as LaTeX."""
        inputs = ", ".join(tex(str(s)) for s in self.inputs)
        return rf"\operatorname{{{tex(name_of(self.call))}}}({inputs})"

    def __repr__(self) -> str:
        return f"Function({self})"


def function(f: Pure, *, precision: str = "float64") -> Callable[..., Function]:
    """A pure JAX function as a mechanism: ``function(f)(h, x.next, k, time)`` calls f with these.

    Its arguments are symbols of the model, which are its parents: variables and R.next, parameters,
    noises, data and time; constants belong inside f. It gets floats, arrays, and trees where a
    variable or a parameter holds one, and gives what its node holds. It draws no random numbers and
    keeps no state, since W, X and Y are to see one f: take noise as an argument.

    With ``precision="float32"`` floats are single precision inside f, as accelerators are fast in;
    what nodes hold is double precision all the same. Results say so (``attrs["float32"]``).

    >>> from causalopt.language.symbols import variables
    >>> x, y = variables("x y")
    >>> str(function(max)(x, y.next))
    'max(x, y.next)'
    """
    if not callable(f):
        raise DeclarationError(
            f"function({checks.shown(f)}) is given no function: write function(f)(h, x), where f "
            "takes as many arrays."
        )
    if precision not in ("float64", "float32"):
        raise DeclarationError(
            f'function({name_of(f)}, precision={precision!r}): write "float64" or "float32".'
        )
    try:
        hash(f)
    except TypeError:
        raise DeclarationError(
            f"function({name_of(f)}) holds arrays, by which no two functions are compared: give it "
            "as a parameter, function(lambda x, net: net(x))(x, net), parameters={net: ...}."
        ) from None
    return functools.partial(_called, f, precision)


def _called(f: Pure, precision: str, /, *inputs: object, **named: object) -> Function:
    where = name_of(f)
    if named:
        raise DeclarationError(
            f"function({where})(..., {next(iter(named))}=...): its arguments are the node's "
            "parents, in the order in which f takes them; put constants inside f."
        )
    for given in inputs:
        if not isinstance(given, Quantity | Shifted | Time):
            raise DeclarationError(
                f"function({where}) is called with {checks.shown(given)}, which is no symbol of a "
                "model: write variables, R.next, parameters, noises or time; put constants inside "
                "the function, and formulas into nodes of their own."
            )
    return Function(f, inputs, precision=precision)


def name_of(call: Pure) -> str:
    """What a function is called, whatever is put around it."""
    while isinstance(call, Unpacked | InSingle | InDouble):
        call = call.call
    return str(getattr(call, "__name__", type(call).__name__))


def alone(given: object) -> Pure | None:
    """A function that stands by itself, with or without ``function``, and is not called."""
    if isinstance(given, functools.partial) and given.func is _called:
        call: Pure = given.args[0]
        return call
    return given if callable(given) and not isinstance(given, Basic | type) else None


def _domain(symbol: Symbol) -> object:
    return getattr(symbol, "domain", None)
