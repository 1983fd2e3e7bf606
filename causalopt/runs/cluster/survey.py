"""A survey: a function of labelled results, and all the points at which it is asked."""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import TYPE_CHECKING, Any

import numpy as np

from causalopt.ground.checks import shown
from causalopt.ground.errors import QueryError
from causalopt.ground.holding import content
from causalopt.ground.readonly import fields_alone, restore
from causalopt.ground.types import Array
from causalopt.language.naming import apart
from causalopt.runs.cluster.chunks import Part, points_of
from causalopt.runs.cluster.extents import Extent, Given, extents_of
from causalopt.runs.sweeps import Draws, Over

if TYPE_CHECKING:
    import xarray as xr

#: What results count of their entries: over several parts, these counts add up.
COUNTS = ("undefined", "saturated", "infinite")

# Longer texts are told by their kind.
_BRIEF = 60

#: What results say of themselves, by name.
Said = dict[str, str | int | float]

#: A coordinate by its name: its dim, its values, and what is said of them.
Coordinates = dict[str, tuple[str, Array, Said]]

#: A function that gives labelled results.
Function = Callable[..., object]


class Ask(ABC):
    """How a function is asked about a part of all points."""

    @abstractmethod
    def answer(self, extents: Sequence[Extent], part: Part) -> xr.Dataset:
        """Its results at a part, with a dim for each of the extents."""

    @abstractmethod
    def check(self, extents: Sequence[Extent]) -> None:
        """Raise ``QueryError`` where the function does not take what is swept."""

    @abstractmethod
    def words(self) -> str:
        """What is asked, in words."""


@dataclass(frozen=True)
class Together(Ask):
    """A function that takes ``over`` (and ``draws``), and gives all points of it at once."""

    function: Function

    def answer(self, extents: Sequence[Extent], part: Part) -> xr.Dataset:
        """One call."""
        return as_dataset(self.function(**_given(extents, part)), name_of(self.function))

    def check(self, extents: Sequence[Extent]) -> None:
        """It takes ``over``, ``draws``, or both."""
        _check_call(self.function, _given(extents, [range(1)] * len(extents)))

    def words(self) -> str:
        """The function, and what of it is given."""
        return call_of(self.function)


@dataclass(frozen=True)
class OneByOne(Ask):
    """A function of one point, which it is given by keyword."""

    function: Function

    def answer(self, extents: Sequence[Extent], part: Part) -> xr.Dataset:
        """One call a point; their results are put side by side."""
        import xarray as xr

        calls = (self.function(**_given_at(extents, place)) for place in points_of(part))
        found = [as_dataset(result, name_of(self.function)) for result in calls]
        first, dims, shape = found[0], labels_of(extents), tuple(map(len, part))
        for other in found[1:]:
            refuse_another_form(first, other)
        columns = {
            key: (
                (*dims, *array.dims),
                np.stack([one[key].values for one in found]).reshape(*shape, *array.shape),
                common([one[key].attrs for one in found]),
            )
            for key, array in first.data_vars.items()
        }
        return xr.Dataset(columns, first.coords, common([one.attrs for one in found]))

    def check(self, extents: Sequence[Extent]) -> None:
        """It takes an argument for each thing that is swept."""
        _check_call(self.function, _given_at(extents, [0] * len(extents)))

    def words(self) -> str:
        """The function, and what of it is given."""
        return call_of(self.function)


@functools.singledispatch
def asking(what: object) -> Ask:
    """How something is asked: a function by its arguments; other kinds are registered here."""
    if not callable(what):
        raise QueryError(
            f"{shown(what)} ({type(what).__name__}) cannot be swept: give a Question, or a "
            "function of labelled results, such as partial(op, system, A=T, n=R[0], m=R[100])."
        )
    return Together(what) if "over" in _arguments(what) else OneByOne(what)


@dataclass(frozen=True, eq=False)
class Survey:
    """A question or function, and where it is asked: a grid, a list of points, draws, seeds.

    A function that takes ``over`` (and ``draws``), as measures and ``run`` do, is given many points
    at once; any other is called at each point, by keyword: ``f(k=0.1, seed=3)``. It returns a
    labelled array or dataset, or one number. Called, a survey computes all of its points here and
    now; ``sweep`` does it in parts, and keeps them.

    >>> survey = Survey(lambda k, seed: k * seed, over={"k": [1.0, 2.0], "seed": range(3)})
    >>> survey().sel(k=2, seed=1).value.item()
    2.0
    """

    what: object
    over: Over | None = None
    draws: Draws | None = None

    def __post_init__(self) -> None:
        # Worked out now, so that what cannot be swept is an error of the survey.
        self.ask.check(self.extents)

    @functools.cached_property
    def _content(self) -> tuple[Hashable, ...]:
        # In the order of the dims, which is that of the results.
        swept = [(type(extent), list(extent.columns().items())) for extent in self.extents]
        return content(self.what), content(swept)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Survey) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    __setstate__ = restore

    def __getstate__(self) -> dict[str, object]:
        # How it is asked goes along: another process may not know the room that says so.
        return {**fields_alone(self), "ask": self.ask}

    @functools.cached_property
    def ask(self) -> Ask:
        """How it is asked."""
        return asking(self.what)

    @functools.cached_property
    def extents(self) -> tuple[Extent, ...]:
        """What is swept along each dim."""
        return extents_of(self.over, self.draws)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many places there are along each dim."""
        return tuple(map(len, self.extents))

    def answer(self, part: Part) -> xr.Dataset:
        """What is found at a part of the points."""
        return self.ask.answer(self.extents, part)

    def __call__(self) -> xr.Dataset:
        """What is found at all points."""
        found = self.answer(tuple(range(count) for count in self.shape))
        return found.assign_coords(coordinates(found, self.extents))


@functools.singledispatch
def surveyed(asked: object, over: Over | None, draws: Draws | None) -> Survey:
    """What is asked, and where: a survey itself says where; other kinds are registered here."""
    return Survey(asked, over, draws)


@surveyed.register
def _(asked: Survey, over: Over | None, draws: Draws | None) -> Survey:
    if over is None and draws is None:
        return asked
    raise QueryError("This survey says where it is asked: leave over and draws out.")


def as_dataset(given: object, name: str) -> xr.Dataset:
    """Labelled results as a dataset; an array, or one number, as its only variable."""
    import xarray as xr

    if isinstance(given, Number) or (isinstance(given, np.ndarray) and not given.ndim):
        given = xr.DataArray(given)
    if isinstance(given, xr.Dataset):
        return given
    if not isinstance(given, xr.DataArray):
        raise QueryError(
            f"{name} gives {shown(given)} ({type(given).__name__}): return a labelled array or "
            "dataset of xarray, or one number."
        )
    free = [n for n in ("value", "values_") if n not in given.coords]
    return given.to_dataset(name=free[0] if given.name is None else given.name)


def name_of(function: Function) -> str:
    """What a function is called, to say in a message."""
    inner = getattr(function, "func", function)
    return str(getattr(inner, "__name__", type(inner).__name__))


def call_of(function: Function) -> str:
    """A function with what of it is given already, to say in a message."""
    given = [*map(_brief, getattr(function, "args", ()))]
    given += [f"{n}={_brief(v)}" for n, v in getattr(function, "keywords", {}).items()]
    return f"{name_of(function)}({', '.join(given)})" if given else name_of(function)


def _brief(value: object) -> str:
    text = shown(value)
    return type(value).__name__ if "\n" in text or len(text) > _BRIEF else text


def labels_of(extents: Sequence[Extent]) -> tuple[str, ...]:
    """The dims of what is asked point by point."""
    return apart([extent.label for extent in extents])


def dims_of(found: xr.Dataset, extents: Sequence[Extent]) -> tuple[str, ...]:
    """The dim of each extent in results: its label, with its kind behind it where that is taken."""
    dims: list[str] = []
    for extent in extents:
        known = [str(dim) for dim in found.dims if dim not in dims]
        fits = [d for d in known if d == extent.label or d.startswith(f"{extent.label} (")]
        if not fits:
            raise QueryError(
                f"The results have no dim {extent.label}, but {', '.join(known) or 'none'}: a "
                "function of over returns a dim for each thing that is swept, of its name."
            )
        dims.append(fits[0])
    for name, array in found.data_vars.items():
        lacking = [dim for dim in dims if dim not in array.dims]
        if lacking:
            raise QueryError(f"{name} has no dim {lacking[0]}: all results have what is swept.")
    return tuple(dims)


def coordinates(found: xr.Dataset, extents: Sequence[Extent]) -> Coordinates:
    """The coordinates of what is swept, each along its dim: as results say it, where they do."""
    coords: Coordinates = {}
    for extent, dim in zip(extents, dims_of(found, extents), strict=True):
        for label, values in extent.columns().items():
            name = dim if label == extent.label else label
            said = found.coords.get(name)
            if said is not None and said.dtype.kind == "f" and values.dtype.kind in "iu":
                values = values.astype(said.dtype)  # as measures take them
            coords[name] = (dim, values, {} if said is None else plain_attributes(said.attrs))
    return coords


def refuse_another_form(one: xr.Dataset, other: xr.Dataset) -> None:
    """Raise ``QueryError`` where results have not the same variables, dims, sizes and labels."""
    if set(one.data_vars) != set(other.data_vars):
        names = [", ".join(map(str, data.data_vars)) for data in (one, other)]
        raise QueryError(f"The results are {names[0]} at one point, and {names[1]} at another.")
    for name, array in one.data_vars.items():
        if array.dims != other[name].dims or array.shape != other[name].shape:
            sizes = [str(dict(data[name].sizes)) for data in (one, other)]
            raise QueryError(
                f"{name} has the sizes {sizes[0]} at one point, {sizes[1]} at another."
            )
    for name, labels in one.coords.items():
        if name not in other.coords or not labels.variable.equals(other[name].variable):
            raise QueryError(f"The results have other labels {name} at another point.")


def common(attributes: Sequence[Mapping[Any, Any]]) -> Said:
    """What is said of all of several results; counts of their entries add up.

    >>> common([{"units": "nat", "undefined": 1}, {"units": "nat", "undefined": 2, "k": 3}])
    {'units': 'nat', 'undefined': 3}
    """
    first, *others = map(plain_attributes, attributes)
    kept: Said = {}
    for name, value in first.items():
        if name in COUNTS:
            kept[name] = sum(int(attrs.get(name, 0)) for attrs in attributes)
        elif all(name in attrs and attrs[name] == value for attrs in others):
            kept[name] = value
    return kept


def plain_attributes(attrs: Mapping[Any, Any]) -> Said:
    """What results say of themselves, as numbers and texts."""
    plain = {name: value.item() if isinstance(value, np.generic) else value
             for name, value in attrs.items()}  # fmt: skip
    return {
        str(name): value if isinstance(value, str | bool | int | float) else str(value)
        for name, value in plain.items()
    }


def _given(extents: Sequence[Extent], part: Sequence[range]) -> Given:
    given: Given = {}
    for extent, places in zip(extents, part, strict=True):
        given = extent.added(given, places)
    return given


def _given_at(extents: Sequence[Extent], place: Sequence[int]) -> Given:
    pairs = zip(extents, place, strict=True)
    return {name: value for extent, i in pairs for name, value in extent.at(i).items()}


def _check_call(function: Function, given: Given) -> None:
    try:
        inspect.signature(function).bind(**given)
    except TypeError as error:
        raise QueryError(
            f"{name_of(function)} cannot be called with {', '.join(given)} ({error}): name what is "
            "swept as the function's arguments, or give it an argument over."
        ) from None
    except ValueError:  # what is written in C may not say
        return


def _arguments(function: Function) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}
