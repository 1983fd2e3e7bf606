"""What ``perturb`` makes of a node: a difference that is added, or a value that it is moved to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from sympy import Symbol

from causalopt.ground import checks
from causalopt.ground.errors import DeclarationError, QueryError
from causalopt.ground.tensors import Tensor, finite_tensor, real_numbers
from causalopt.ground.types import Floats
from causalopt.language.domains import Coded, domain_of
from causalopt.language.subspaces import Directions, Subspace
from causalopt.model.selection import Stretch
from causalopt.model.views import Difference, View

W = TypeVar("W")
T = TypeVar("T")


@dataclass(frozen=True)
class Shift:
    """What ``perturb`` adds: a difference, or, where ``by`` is None, an infinitesimal one.

    Where there is a ``to``, the difference is whatever brings the node to that value. An
    infinitesimal difference of an array is in the directions (k, *shape) ``along``, each by itself.
    """

    by: Difference | None
    nudged: bool = field(default=False, repr=False)  #: infinitesimally, on top of ``by``
    to: Coded | Symbol | None = None
    along: Directions | None = field(default=None, repr=False)

    @property
    def is_infinitesimal(self) -> bool:
        """Whether it, or a part of it, is carried as a derivative."""
        return self.nudged or (self.by is None and self.to is None)

    def plus(self, other: Shift) -> Shift:
        """A second difference on top of it."""
        along = _together(self.along, other.along)
        if other.by is None:
            finite = self.by is not None or self.to is not None
            return replace(self, nudged=finite, along=along)
        if self.to is not None:
            return replace(self, to=_sum(self.to, other.by))
        if self.by is None:
            return Shift(other.by, nudged=True, along=along)
        return Shift(_sum(self.by, other.by), self.nudged, along=along)

    def given(self, by: Symbol) -> Shift:
        """The same with an input in the place of the difference, or of the value moved to."""
        return replace(self, by=by) if self.to is None else replace(self, to=by)

    def outside(self, part: Subspace) -> Shift | None:
        """What is left of it where a part of an array is held; None where nothing is."""
        by = part.outside(self.by) if isinstance(self.by, Tensor) else self.by
        rows = None if self.along is None else part.outside(self.along.rows)
        along = None if rows is None or self.along is None else replace(self.along, rows=rows)
        left = replace(self, by=by, along=along)
        sizes = [t.numbers.any() for t in (by, rows) if isinstance(t, Tensor)]
        return left if any(sizes) or not sizes else None

    def without_nudge(self) -> Shift | None:
        """What is left of it without an infinitesimal difference."""
        if self.by is None and self.to is None:
            return None
        return replace(self, nudged=False, along=None)

    def apply(self, view: View[W, T], term: T) -> T:
        """The term with the difference added."""
        if self.to is not None:
            moved = view.constant(self.to)
        else:
            moved = term if self.by is None else view.moved(term, self.by)
        return view.nudged(moved, self.along) if self.is_infinitesimal else moved

    def words(self) -> str:
        """perturbed by 0.5"""
        amount = "" if self.by is None else f" by {self.by}"
        told = f"perturbed{amount if self.to is None else f' to {self.to}'}"
        return f"{told} and nudged" if self.nudged else told


def _together(first: Directions | None, second: Directions | None) -> Directions | None:
    """Directions of two differences: those of the one, or each of the one with one of the other."""
    if first is None or second is None:
        return second if first is None else first
    if first.rows.shape != second.rows.shape:
        raise QueryError(
            f"An array is perturbed along {first.count} directions and along {second.count} "
            "others: perturb it once, along all that are wanted."
        )
    same = first == second
    return first if same else Directions(Tensor(first.rows.numbers + second.rows.numbers))


def value_of(at: Stretch, value: object, where: str) -> Coded:
    """The value that ``do`` gives a node; a number for an array stands in all of its entries."""
    domain = domain_of(at.key)
    number = checks.as_float(value)
    if domain.shape and number is not None:
        return domain.code(np.full(domain.shape, number), where)
    return domain.code(_spread(at.part, value, domain.shape, where), where)


def _spread(part: Subspace | None, given: object, shape: tuple[int, ...], where: str) -> object:
    """What is given for a part, as the whole array: values of the part's own shape in their places.

    An array of the whole shape is one as it is, whatever the part: the rest is not looked at.
    """
    own = None if part is None else part.own_shape
    if part is None or own is None or not isinstance(given, np.ndarray | list | tuple):
        return given
    values = real_numbers(given, where)
    if values.shape == shape:
        return given
    if values.shape != own:
        raise DeclarationError(
            f"{where} has the shape {values.shape}, and the part has {own}: write a number for "
            f"each of its entries, or an array of the shape {shape}, of which the part is taken."
        )
    return part.spread(values)


def _sum(first: object, second: object) -> Difference:
    if isinstance(first, Tensor) or isinstance(second, Tensor):
        return Tensor(_numbers(first) + _numbers(second))
    return first + second  # type: ignore[operator]  # numbers or symbols


def _numbers(given: object) -> Floats:
    return given.numbers if isinstance(given, Tensor) else np.asarray(given, dtype=np.float64)


def shift_of(
    nodes: object, by: object, to: object, along: object = None
) -> Callable[[Stretch], Shift]:
    """The shift of each stretch, as a user writes it: by a difference, to a value, or neither."""
    if to is not None:
        if by is not None:
            raise QueryError(f"perturb({nodes}, by={by}, to={to}): write one of the two.")
        where = f"The value of perturb({nodes}, to=...)"
        return lambda stretch: Shift(None, to=domain_of(stretch.key).code(to, where))
    if along is not None and by is not None:
        raise QueryError(
            f"perturb({nodes}, by=..., along=...): a finite difference is an array by itself, and "
            "directions are those of an infinitesimal one: write one of the two."
        )
    if by is not None:
        return lambda stretch: Shift(_added(stretch, nodes, by))
    return lambda stretch: Shift(None, along=_along(stretch, nodes, along))


def _added(stretch: Stretch, nodes: object, by: object) -> Difference:
    """A difference as a number, or as an array where the node holds one."""
    shape = domain_of(stretch.key).shape
    where = f"by, of perturb({nodes}),"
    if not shape:
        return checks.finite(by, where)
    ones = np.ones(shape) if stretch.part is None else stretch.part.directions.sum(axis=0)
    number = checks.as_float(by)
    given = ones * number if number is not None else _spread(stretch.part, by, shape, where)
    whole = finite_tensor(given, where, shape)
    return whole if stretch.part is None else _inside(whole, stretch.part)


def _along(stretch: Stretch, nodes: object, along: object) -> Directions | None:
    """The directions of an infinitesimal difference; None where it is of a number."""
    shape = domain_of(stretch.key).shape
    if not shape:
        if along is not None:
            raise QueryError(f"{nodes} is a number, and has no directions: leave along out.")
        return None
    if along is None:
        return None if stretch.part is None else Directions(Tensor(stretch.part.directions))
    as_frame = isinstance(along, Directions) and along.as_frame
    where = f"along, of {nodes},"
    if stretch.part is None:
        return Directions(as_rows(along, shape, where), as_frame)
    rows = _inside(as_rows(_spread_rows(stretch.part, along, shape, where), shape, where),
                   stretch.part)  # fmt: skip
    return Directions(_refuse_zeros(rows, where), as_frame)


def _spread_rows(part: Subspace, given: object, shape: tuple[int, ...], where: str) -> object:
    """Directions (*own) or (k, *own) of a part's own shape in their places; others as they are."""
    own = part.own_shape
    if own is None or isinstance(given, Directions):
        return given
    values = real_numbers(given, where)
    is_whole = values.shape[values.ndim - len(shape) :] == shape
    fits = values.ndim in (len(own), len(own) + 1) and (
        values.shape[values.ndim - len(own) :] == own
    )
    return part.spread(values) if fits and not is_whole else given


def _refuse_zeros(rows: Tensor, where: str) -> Tensor:
    """The rows, or a ``QueryError`` where one is 0 everywhere."""
    is_zero = ~rows.numbers.reshape(len(rows.numbers), -1).any(axis=1)
    if is_zero.any():
        raise QueryError(
            f"{where} is 0 everywhere in the direction {int(is_zero.argmax())}, which leads "
            "nowhere: leave it out, or write another."
        )
    return rows


def as_rows(given: object, shape: tuple[int, ...], where: str) -> Tensor:
    """One direction of a shape, or several (k, *shape), as rows; else an error."""
    known = given.rows.numbers if isinstance(given, Directions) else real_numbers(given, where)
    rows = known[None] if known.shape == shape else known
    if rows.ndim != len(shape) + 1 or not len(rows):
        sizes = ", ".join(map(str, shape))
        raise QueryError(
            f"{where} has the shape {known.shape}: write a direction of the shape {shape}, or "
            f"several, (k, {sizes})."
        )
    return _refuse_zeros(finite_tensor(rows, where, (len(rows), *shape)), where)


def _inside(difference: Tensor, part: Subspace) -> Tensor:
    """What a difference is inside a part."""
    return Tensor(difference.numbers - part.outside(difference).numbers)
