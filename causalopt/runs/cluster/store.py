"""The store of a sweep: a zarr group with its results, what it is of, and a mark for each chunk.

It is made beside its place and moved there whole, so that nobody finds a part of one. Nothing that
is there is ever written over, but by the same numbers.
"""

from __future__ import annotations

import functools
import secrets
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from causalopt.ground.errors import QueryError, SweepError
from causalopt.ground.files import writing
from causalopt.ground.types import Array
from causalopt.runs.cluster.chunks import Chunks, Part
from causalopt.runs.cluster.forms import ResultForm
from causalopt.runs.cluster.identity import Identity
from causalopt.runs.cluster.libraries import library
from causalopt.runs.cluster.survey import Said

if TYPE_CHECKING:
    import xarray as xr
    import zarr

    from causalopt.runs.cluster.survey import Coordinates

#: The group with what is known of a sweep, and its marks.
PROGRESS = "_progress"

# A chunk of one variable takes no more bytes than this, or its own dims are cut too: its codec
# takes less than 2^31.
_MOST = 2**28
# No other is read: in the one before, a store may ask that parts of it be unpickled.
_FORMAT: Final = 3
_RESUME = " What is done stays: write the same sweep again to go on."


@dataclass(frozen=True)
class Store:
    """A store at a place: dims that are swept, labels, how points are cut, and what it is of.

    Its ``token`` tells it from another that comes to lie at the same place. ``alone``, one process
    is to do it, where nobody else is named; where it ``masks``, results say where runs failed.
    """

    path: Path
    token: str
    dims: tuple[str, ...]
    coords: tuple[str, ...]
    chunks: Chunks
    identity: Identity
    alone: bool = False
    masks: bool = False
    settled: bool = False

    @property
    def marks(self) -> Path:
        """The folder of the marks."""
        return self.path / PROGRESS

    @property
    def form(self) -> ResultForm:
        """The form of the results."""
        return ResultForm.of(self.data(), self.dims)

    def data(self) -> xr.Dataset:
        """The results, read from disk when they are asked for; NaN where there are none yet."""
        import xarray as xr

        library("zarr")
        # As they are: xarray would make dates of numbers whose unit is the hour.
        data: xr.Dataset = xr.open_zarr(
            self.path, chunks=None, consolidated=False, decode_cf=False, zarr_format=_FORMAT
        )
        data.attrs.pop("coordinates", None)
        return data.set_coords(self.coords)

    def write(self, form: ResultForm, part: Part, arrays: Mapping[str, Array]) -> None:
        """Write what was found at a chunk."""
        where = {
            dim: slice(places.start, places.stop)
            for dim, places in zip(self.dims, part, strict=True)
        }
        group = _group(str(self.path))
        with writing(self.path, _RESUME):
            for name, array in arrays.items():
                kept = group[name]
                kept[form.region(name, where)] = array  # type: ignore[index]  # an array, as made

    def settle(self, attributes: Mapping[str, Said]) -> None:
        """Write what results say of themselves, once all chunks have a mark."""
        group = _group(str(self.path))
        with writing(self.path, _RESUME):
            for name, said in attributes.items():
                own = {} if name else _labels_said(self.coords)
                (group[name] if name else group).attrs.put({**said, **own})
            group[PROGRESS].attrs["settled"] = True


def created(
    path: Path, form: ResultForm, coords: Coordinates, chunks: Chunks, identity: Identity,
    *, alone: bool, masks: bool,
) -> Store:  # fmt: skip
    """A new store without results; where another process made one meanwhile, that one."""
    beside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    names = (*coords, *(name for name, *_ in form.labels()))
    store = Store(beside, secrets.token_hex(8), form.dims, names, chunks, identity, alone, masks)
    with writing(path):
        try:
            _fill(store, form, coords)
            beside.rename(path)
        except OSError:
            if not path.exists():
                raise
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return opened(path)


def opened(path: Path) -> Store:
    """The store at a place; a ``SweepError`` where there is none, or something else."""
    library("zarr")
    import zarr
    from zarr.errors import BaseZarrError

    try:
        kept = zarr.open_group(path, mode="r", zarr_format=_FORMAT)
        said = dict(kept[PROGRESS].attrs)
        chunks = Chunks(tuple(said["whole"]), tuple(said["each"]))  # type: ignore[arg-type]  # as it was written
        names = tuple(said["dims"]), tuple(said["coords"])  # type: ignore[arg-type]  # as it was written
        identity = Identity(**said["identity"])  # type: ignore[arg-type]  # as it was written
        facts = bool(said["alone"]), bool(said.get("masks")), bool(said.get("settled"))
        return Store(path, str(said["token"]), *names, chunks, identity, *facts)  # type: ignore[arg-type]  # as it was written
    except (OSError, KeyError, ValueError, TypeError, BaseZarrError):
        there = "something else" if path.exists() else "nothing"
        raise SweepError(
            f"{path} holds no sweep, but {there}: write the place of a store that sweep() made, or "
            "a new one."
        ) from None


def _fill(store: Store, form: ResultForm, coords: Coordinates) -> None:
    library("zarr")
    import zarr

    group = zarr.open_group(store.path, mode="w-", zarr_format=_FORMAT)
    group.attrs.put({**form.said(""), **_labels_said(store.coords)})
    cut = dict(zip(store.dims, store.chunks.each, strict=True))
    with warnings.catch_warnings():
        # Labels that are texts have no word in the standard yet.
        warnings.filterwarnings("ignore", message=".*Zarr V3 specification")
        swept = ((name, (dim,), values, said) for name, (dim, values, said) in coords.items())
        for name, dims, values, said in (*swept, *form.labels()):
            _check_name(group, name)
            made = group.create_array(
                name,
                shape=values.shape,
                dtype=values.dtype,
                dimension_names=dims,
                attributes={**said},
            )
            made[...] = values
        for name, order in form.orders.items():
            _check_name(group, name)
            group.create_array(
                name,
                shape=form.shape(name, store.chunks.whole),
                chunks=_cut(form, name, cut),
                dtype=form.kind(name),
                fill_value=float("nan"),
                dimension_names=order,
                attributes={**form.said(name)},
            )
    about = {
        "token": store.token,
        "dims": store.dims,
        "coords": store.coords,
        "whole": store.chunks.whole,
        "each": store.chunks.each,
        "alone": store.alone,
        "masks": store.masks,
        "identity": {**vars(store.identity), "versions": dict(store.identity.versions)},
    }
    group.create_group(PROGRESS, attributes=about)


def _cut(form: ResultForm, name: str, cut: Mapping[str, int]) -> tuple[int, ...]:
    """The chunks of a variable: those of the sweep; where these are too large, parts of them."""
    shape = list(form.shape(name, [cut[dim] for dim in form.dims]))
    for i, dim in enumerate(form.orders[name]):
        bytes_ = form.kind(name).itemsize
        for size in shape:
            bytes_ *= size
        if bytes_ > _MOST and dim not in cut:
            shape[i] = max(1, shape[i] * _MOST // bytes_)
    return tuple(shape)


def _labels_said(coords: Sequence[str]) -> dict[str, str]:
    """Which variables are labels, as xarray is told, which takes no names with spaces in them."""
    return {"coordinates": " ".join(name for name in coords if " " not in name)}


def _check_name(group: zarr.Group, name: str) -> None:
    if "/" in name or name in ("", ".", "..", "zarr.json", PROGRESS) or name.startswith("__"):
        raise QueryError(
            f"A result is called {name!r}, which names a folder of the store: rename it, such as "
            "with .rename(...)."
        )
    if name in group:
        raise QueryError(
            f"Two results are called {name} where the disk is not told by capitals: rename one."
        )


@functools.lru_cache(maxsize=8)
def _group(path: str) -> zarr.Group:
    import zarr

    return zarr.open_group(path, mode="r+", zarr_format=_FORMAT)
