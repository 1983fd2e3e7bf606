"""Trees of arrays: what JAX calls a pytree, as a value that is frozen and equal by what it holds.

Weights of equinox and flax, states of optax, and dicts, lists and tuples of arrays are trees. What
is no array in one (a function, a size) belongs to its structure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Protocol

import numpy as np

from causalopt.ground.errors import DeclarationError
from causalopt.ground.tensors import Tensor, finite_tensor, is_real, real_numbers, why_foreign
from causalopt.ground.types import Array, Floats


def jax_module() -> ModuleType:
    """JAX, or a ``DeclarationError`` that says how to get it."""
    try:
        import jax
    except ImportError:
        raise DeclarationError(
            "Functions and trees of arrays need JAX, which is not installed: run "
            "pip install 'causalopt[jax]'."
        ) from None
    return jax


class TreeShape(Protocol):
    """What JAX knows of a tree without its leaves."""

    def flatten_up_to(self, tree: object, /) -> list[object]:
        """What lies in the places of the leaves; ``ValueError`` where the tree is another."""


@dataclass(frozen=True)
class Structure:
    """How a tree is built: its branches, the shape and kind of each array, and what is no array."""

    branches: TreeShape
    leaves: tuple[object, ...]

    @property
    def arrays(self) -> list[Leaf]:
        """The arrays among the leaves, in order."""
        return [leaf for leaf in self.leaves if isinstance(leaf, Leaf)]

    @property
    def size(self) -> int:
        """The number of numbers in all arrays."""
        return sum(leaf.size for leaf in self.arrays)

    def rebuilt(self, arrays: Sequence[Array]) -> object:
        """The tree of these arrays, of any library."""
        rest = iter(arrays)
        leaves = [next(rest) if isinstance(leaf, Leaf) else leaf for leaf in self.leaves]
        return jax_module().tree_util.tree_unflatten(self.branches, leaves)

    def pruned(self, arrays: Sequence[Array]) -> object:
        """The tree of these arrays, with None in the place of what is no array."""
        bare = tuple(leaf if isinstance(leaf, Leaf) else None for leaf in self.leaves)
        return replace(self, leaves=bare).rebuilt(arrays)

    def unflattened(self, flat: Array) -> object:
        """The tree whose numbers, one after the other, are those of a vector."""
        parts, start = [], 0
        for leaf in self.arrays:
            part = flat[start : start + leaf.size].reshape(leaf.shape)
            parts.append(part if leaf.kind == "float64" else part.astype(leaf.kind))
            start += leaf.size
        return self.rebuilt(parts)

    def __str__(self) -> str:
        shapes = ", ".join(str(leaf.shape) for leaf in self.arrays[:4])
        more = ", ..." if len(self.arrays) > 4 else ""
        return f"a tree of {len(self.arrays)} arrays, {shapes}{more}"


@dataclass(frozen=True)
class Leaf:
    """An array of a tree: its shape, and the kind of its numbers."""

    shape: tuple[int, ...]
    kind: str

    @property
    def size(self) -> int:
        """The number of its numbers."""
        return int(np.prod(self.shape))


def parted(tree: object, where: str = "A tree") -> tuple[Structure, list[Array]]:
    """The structure of a tree, and its arrays; arrays of JAX are left as they are.

    Raises ``DeclarationError`` for arrays that are not of real numbers, and keys without an order.
    """
    try:
        leaves, branches = jax_module().tree_util.tree_flatten(tree)
    except ValueError:
        raise DeclarationError(
            f"{where} has keys that cannot be put in order, such as 1 beside 'b': write texts "
            "alone, or numbers alone."
        ) from None
    # A float is a number that may be learned; whole numbers and truth values are sizes and choices.
    leaves = [np.asarray(leaf) if isinstance(leaf, float) else leaf for leaf in leaves]
    arrays = [leaf for leaf in leaves if _is_array(leaf)]
    told = tuple(
        Leaf(leaf.shape, _kind(leaf, where)) if _is_array(leaf) else leaf for leaf in leaves
    )
    return Structure(branches, told), arrays


def _kind(array: Array, where: str) -> str:
    """The kind of an array's numbers in a run: floats of any size are double precision there."""
    why = why_foreign(array)
    if why is None and not is_real(array.dtype):
        why = f"holds {array.dtype} values: write arrays of real numbers."
    if why is not None:
        raise DeclarationError(f"{where} {why}")
    return str(array.dtype) if array.dtype.kind in "iub" else "float64"


def _is_array(leaf: object) -> bool:
    return hasattr(leaf, "shape") and hasattr(leaf, "dtype")


def flattened(arrays: Sequence[Array], join: Callable[[list[Array]], Array]) -> Array:
    """The numbers of arrays, one after the other, as a vector."""
    return join([array.reshape(-1) for array in arrays])


@dataclass(frozen=True)
class Tree:
    """A tree as the value of a parameter."""

    structure: Structure
    arrays: tuple[Tensor, ...]

    @classmethod
    def of(cls, given: object, where: str) -> Tree:
        """A tree with one array or more, or a ``DeclarationError``."""
        structure, arrays = parted(given, where)
        if not arrays:
            raise DeclarationError(
                f"{where} is a {type(given).__name__}, which holds no array: write a number, an "
                "array, or a tree of arrays."
            )
        numbers = [real_numbers(array, where) for array in arrays]
        kinds = [leaf.kind for leaf in structure.arrays]
        return cls(structure, tuple(map(Tensor, map(np.asarray, numbers, kinds))))

    def __str__(self) -> str:
        return str(self.structure)


def flat_numbers(tree: object, structure: Structure, where: str) -> Floats:
    """The numbers of a tree of a known structure as a vector of floats; else an error."""
    wanted = f"write {structure}, as it was declared"
    try:
        parts = structure.branches.flatten_up_to(tree)
    except (ValueError, TypeError):
        raise DeclarationError(f"{where} is built otherwise: {wanted}.") from None
    pairs = [(part, leaf) for part, leaf in zip(parts, structure.leaves, strict=True)
             if isinstance(leaf, Leaf)]  # fmt: skip
    numbers = [finite_tensor(part, where, leaf.shape).numbers for part, leaf in pairs]
    joined: Floats = flattened(numbers, np.concatenate)
    return joined
