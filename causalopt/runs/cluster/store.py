"""The store of a sweep: a zarr group with its results, what it is of, and a mark for each chunk.

It is made beside its place and moved there whole, so that nobody finds a part of one. Nothing that
is there is ever written over, but by the same numbers.
"""

from __future__ import annotations

import functools
import itertools
import secrets
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from causalopt.ground.errors import FileError, QueryError, SweepError
from causalopt.ground.files import writing
from causalopt.ground.types import Array
from causalopt.runs.cluster.chunks import Chunks, Part
from causalopt.runs.cluster.digests import AGAIN, ANEW, Digest, Files, digests_of
from causalopt.runs.cluster.forms import ResultForm
from causalopt.runs.cluster.identity import Identity
from causalopt.runs.cluster.libraries import library
from causalopt.runs.cluster.marks import mark_of
from causalopt.runs.cluster.survey import Said
from causalopt.runs.cluster.undigested import advice, fault_in

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
class Contents:
    """What a store has from the start: the dims of each result, and the digests of its labels."""

    orders: Mapping[str, Sequence[str]]
    labels: Files


@dataclass(frozen=True)
class Store:
    """A store at a place: dims that are swept, labels, how points are cut, and what it is of.

    Its ``token`` tells it from another that comes to lie at the same place. ``alone``, one process
    is to do it, where nobody else is named; where it ``masks``, results say where runs failed.
    Stores that were made before there were digests do not say what their ``contents`` are.
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
    contents: Contents | None = field(default=None, compare=False)

    @property
    def marks(self) -> Path:
        """The folder of the marks."""
        return self.path / PROGRESS

    @property
    def form(self) -> ResultForm:
        """The form of the results."""
        return ResultForm.of(self.data(), self.dims)

    def data(self) -> xr.Dataset:
        """The results, read from disk when they are asked for; NaN where there are none yet.

        Raises ``FileError`` where a file of the store is damaged: of results, when it is read.
        """
        import xarray as xr

        library("zarr")
        from causalopt.runs.cluster.checked import CheckedFiles

        self._check_metadata()
        try:
            # As they are: xarray would make dates of numbers whose unit is the hour.
            data: xr.Dataset = xr.open_zarr(
                CheckedFiles.at(self.path, self._known, self._judged), chunks=None,
                consolidated=False,
                decode_cf=False, zarr_format=_FORMAT,
            )  # fmt: skip
        except (FileError, SweepError):
            raise
        except Exception as error:  # zarr and xarray refuse damaged files in many ways
            raise _damaged(self.path, self._names, error) from None
        data.attrs.pop("coordinates", None)
        return data.set_coords(self.coords)

    @property
    def _names(self) -> tuple[str, ...]:
        """The names of labels and, where it is known which there are, of results."""
        return (*self.coords, *(self.contents.orders if self.contents else ()))

    def _check_metadata(self) -> None:
        """Whether each label and result has some: else it is left out without a word."""
        for name in self._names:
            file = _metadata(self.path, name)
            if not file.is_file():
                raise FileError(f"{file} is missing. {ANEW}")

    def _known(self, place: str) -> tuple[Digest | None, str] | None:
        """What is known of a file: its digest, and what to do where it has another."""
        name, _, rest = place.partition("/")
        if self.contents is None or not rest.startswith("c"):
            return None
        order = self.contents.orders.get(name)
        if order is None:
            return self.contents.labels.get(place), ANEW
        along = dict(zip(order, map(int, rest.split("/")[1:]), strict=True))
        mark = mark_of(self.marks, self.chunks.number([along[dim] for dim in self.dims]))
        known = None if mark is None else mark.files
        return None if known is None else (known.get(place), AGAIN)

    def _judged(self, place: str, content: bytes) -> str:
        """What is wrong with a file that has no digest, and what to do; of most nothing is seen."""
        told, is_label = fault_in(self.path, place, content), place.split("/")[0] in self.coords
        if not told or is_label:
            return told and f"{told} {ANEW}"
        return f"{told} {advice(self.path, place, self.marks, self.dims, self.chunks)}"

    def write(self, form: ResultForm, part: Part, arrays: Mapping[str, Array]) -> Files:
        """Write what was found at a chunk; the digests of the files that hold it now."""
        where = {
            dim: slice(places.start, places.stop)
            for dim, places in zip(self.dims, part, strict=True)
        }
        group, places = _group(str(self.path)), list[str]()
        with writing(self.path, _RESUME):
            for name, array in arrays.items():
                kept: zarr.Array[Any] = group[name]  # type: ignore[assignment]  # an array, as made
                region = form.region(name, where)
                kept[region] = array
                places += _places(kept, name, region)
            return digests_of(self.path, places)

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
        held = said.get("contents")
        contents = None if held is None else _contents(held)  # type: ignore[arg-type]  # as it was written
        return Store(path, str(said["token"]), *names, chunks, identity, *facts, contents)  # type: ignore[arg-type]  # as it was written
    except (OSError, KeyError, ValueError, TypeError, BaseZarrError) as error:
        groups = ["", PROGRESS]
        if path.joinpath(PROGRESS).is_dir() and any(_metadata(path, n).is_file() for n in groups):
            raise _damaged(path, groups, error) from None
        there = "something else" if path.exists() else "nothing"
        raise SweepError(
            f"{path} holds no sweep, but {there}: write the place of a store that sweep() made, or "
            "a new one."
        ) from None


def _contents(said: Mapping[str, Mapping[str, Sequence[Any]]]) -> Contents:
    labels = {place: (int(size), str(sha)) for place, (size, sha) in said["labels"].items()}
    return Contents({name: tuple(dims) for name, dims in said["orders"].items()}, labels)


def _metadata(path: Path, name: str) -> Path:
    return path / name / "zarr.json"


def _damaged(path: Path, names: Sequence[str], error: Exception) -> FileError:
    """The refusal of a store, by the first of its groups and arrays that cannot be opened."""
    import zarr

    told = str(path)
    for name in names:
        try:
            zarr.open(path / name, mode="r", zarr_format=_FORMAT)
        except Exception as fault:  # zarr refuses in many ways
            told, error = str(_metadata(path, name)), fault
            break
    return FileError(f"{told} cannot be read as sweep() wrote it ({type(error).__name__}). {ANEW}")


def _places(kept: zarr.Array[Any], name: str, region: Sequence[slice]) -> list[str]:
    """The places in a store of the files that hold a region of an array."""
    ends = [cut.indices(size)[:2] for cut, size in zip(region, kept.shape, strict=True)]
    along = [
        range(start // each, -(-stop // each))
        for (start, stop), each in zip(ends, kept.chunks, strict=True)
    ]
    return [f"{name}/{kept.metadata.encode_chunk_key(at)}" for at in itertools.product(*along)]


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
        "contents": {"orders": dict(form.orders), "labels": _digests_of_labels(store)},
    }
    group.create_group(PROGRESS, attributes=about)


def _digests_of_labels(store: Store) -> Files:
    files = (file for name in store.coords for file in (store.path / name).rglob("*"))
    kept = [file for file in files if file.is_file() and file.name != "zarr.json"]
    return digests_of(store.path, [file.relative_to(store.path).as_posix() for file in kept])


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
