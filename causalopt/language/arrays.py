"""Variables that hold arrays, array("h", (16,)), or trees of them, array("h", like=weights)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

from causalopt.ground.errors import DeclarationError
from causalopt.ground.memory import refuse_what_does_not_fit
from causalopt.ground.tensors import finite_tensor
from causalopt.language.shaped import Shaped, as_shape
from causalopt.language.symbols import Variable
from causalopt.language.trees import parted


class ArrayVariable(Variable):
    """A variable that holds an array; functions take it, and no formula can.

    Two are the same where name, unit and shape are. Made by ``array``.
    """

    __slots__ = ("domain",)
    domain: Shaped
    made_by: ClassVar[str] = "array"

    def __new__(cls, name: str, domain: Shaped, unit: str = "") -> ArrayVariable:
        variable = super().__new__(cls, name, unit)
        variable.domain = domain
        return variable

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.domain.shape

    def tree(self, numbers: object) -> object:
        """The tree whose numbers, one after the other, are those of a vector, as results hold it.

        Weights that were trained come back as they were given. Of an array that is no tree it is
        the array itself.

        Raises ``DeclarationError`` for numbers of another shape, and for what is not finite.

        >>> w = array("w", like=[0.0, {"slope": 0.0}])
        >>> w.tree([1, 2])
        [array(1.), {'slope': array(2.)}]
        """
        flat = finite_tensor(numbers, f"{self}.tree: what is given", self.shape).numbers
        return flat if self.domain.tree is None else self.domain.tree.unflattened(flat)

    def _hashable_content(self) -> tuple[object, ...]:
        return (*super()._hashable_content(), str(self.domain))

    def __getnewargs_ex__(self) -> tuple[tuple[object, ...], dict[str, bool]]:
        return (self.name, self.domain, self.unit), {}


def array(
    name: str, shape: int | Iterable[int] | None = None, unit: str = "", *, like: object = None
) -> ArrayVariable:
    """A variable whose value is an array of real numbers, of the shape (at least one axis).

    With ``like`` in place of a shape it holds trees of arrays such as that one (dicts, lists,
    weights of equinox or flax, states of optax): functions see the tree, and all else sees a vector
    of its numbers, in JAX's order. Whole numbers and truth values in a tree stay so: a function
    gets the whole part of what the vector holds, so that a difference below 1 moves nothing there,
    and an infinitesimal one never does. Of its parts: ``h.part[3:10]``, ``h[0].part[2]``,
    ``h.along(d, read=r)``.

    Raises ``DeclarationError`` for what is no shape, and for a tree without arrays.

    >>> h = array("h", (3,))
    >>> h.shape, h.part[1:], h[0].part[2]
    ((3,), h.part[1:], h[0].part[2])
    """
    if (shape is None) == (like is None):
        raise DeclarationError(
            f'array("{name}", ...): write a shape, array("{name}", (3,)), or a tree of arrays that '
            f'it is like, array("{name}", like=weights).'
        )
    if like is not None:
        structure, _ = parted(like, f'array("{name}", like=...)')
        if not structure.size:
            raise DeclarationError(
                f'array("{name}", like=...): a {type(like).__name__} that holds no numbers is '
                "given: write a tree of arrays."
            )
        domain = Shaped((structure.size,), structure)
    else:
        domain = Shaped(as_shape(shape, f'array("{name}", ...)'))
    refuse_what_does_not_fit(
        8 * math.prod(domain.shape), f"The array {name}", "Declare a smaller one."
    )
    return ArrayVariable(name, domain, unit)
