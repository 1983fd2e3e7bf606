"""The numbers on a screen, all of them, as a file of netCDF."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.explorer.answers import courses, slopes, strength, worlds_shown
from causalopt.explorer.setting import Setting, can_differ
from causalopt.ground.errors import CausaloptError
from causalopt.study.storage import write_data

if TYPE_CHECKING:
    import xarray as xr


def dataset_of(setting: Setting) -> xr.Dataset:
    """What the curves are drawn from, at every step.

    Returns ``worlds`` (world: W, X, Y), ``differences`` (response: X, Y), the derivatives for each
    unit of n, where they are asked about, and ``op``, each along time, or along the nodes of a
    model without time. What cannot be asked is left out; the attributes hold the question.
    """
    import xarray as xr

    columns = dict(_columns(setting))
    attrs = {"question": setting.screen.address, "nudge": worlds_shown(setting)[1]}
    return xr.Dataset(columns).assign_attrs(attrs)


def _columns(setting: Setting) -> Iterator[tuple[str, xr.DataArray]]:
    worlds = worlds_shown(setting)[0]
    if not setting.model.has_time:
        yield "worlds", courses(setting, *worlds)["value"]
    else:
        name = setting.model.name_of(setting.shown)
        yield "worlds", courses(setting, *worlds, keep=setting.shown)[name]
        if setting.screen.delta is None and can_differ(setting.n) and can_differ(setting.shown):
            yield "differences", slopes(setting).rename(world="response")
    with contextlib.suppress(CausaloptError):  # as the page tells where the curve would stand
        yield "op", strength(setting)


def as_netcdf(data: xr.Dataset) -> bytes:
    """A dataset as the bytes of a file, which ``xarray.open_dataset`` reads back as it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "screen.nc"
        write_data(data, path)
        return path.read_bytes()
