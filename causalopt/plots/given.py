"""What a picture is drawn of: labelled numbers, or words on what to give in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from causalopt.ground.checks import shown
from causalopt.ground.errors import QueryError

if TYPE_CHECKING:
    import xarray as xr


def as_array(given: object, name: str) -> xr.DataArray:
    """An array of xarray with numbers in it, one at least.

    >>> as_array([1, 2], "array")
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.QueryError: array is [1, 2] (list): give a DataArray of xarray, such as
    a variable of what run() gave, or a measure.
    """
    import xarray as xr

    if not isinstance(given, xr.DataArray):
        raise QueryError(
            f"{name} is {shown(given)} ({type(given).__name__}): give a DataArray of xarray, such "
            "as a variable of what run() gave, or a measure."
        )
    if given.dtype.kind not in "biufc":
        raise QueryError(
            f"{name} holds {given.dtype} values, and numbers are drawn: give those, such as the "
            "places of named values."
        )
    if not given.size:
        raise QueryError(f"{name} is empty, {dict(given.sizes)}: there is nothing to draw.")
    return given


def as_dataset(given: object, name: str, columns: Sequence[str], made_by: str) -> xr.Dataset:
    """A dataset of xarray that has these variables."""
    import xarray as xr

    if not isinstance(given, xr.Dataset):
        raise QueryError(
            f"{name} is {shown(given)} ({type(given).__name__}): pass what {made_by} gave, a "
            "Dataset of xarray."
        )
    missing = [column for column in columns if column not in given.data_vars]
    if missing:
        known = ", ".join(map(str, given.data_vars)) or "nothing"
        raise QueryError(f"{name} has {known}, and no {missing[0]}: pass what {made_by} gave.")
    return given
