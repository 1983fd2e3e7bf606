"""Results on disk: a folder for each run, files replaced as a whole, nothing lost."""

from __future__ import annotations

import contextlib
import errno
import secrets
import tempfile
import warnings
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.ground.errors import ModelError
from causalopt.ground.files import replacement, writing
from causalopt.study.sealing import sealed

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from causalopt.drawing import Drawing

# What the format keeps for groups, and for the ends of names, by letters that look alike.
_NO_LETTERS = {ord("/"): "\u2215", 0: "\u2400"}
_NO_NAMES = {".": "\u2024", "": "\u2205"}
# By these a file says how its numbers are to be read: scaled, masked, of another kind.
_INSTRUCTIONS = ("_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned", "dtype")
_ELSEWHERE = " Choose another folder with --results DIR."
# What a system says of a place that is taken, where a folder is to be moved to it.
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


def working_folder(parent: Path, name: str) -> Path:
    """A new folder for what a run writes, which no other run has; ``settle`` gives it its name.

    Raises ``FileError``, before any work is done for it, where it cannot be written.
    """
    place = parent / name
    folder = parent / f"{name}-unfinished-{secrets.token_hex(4)}"
    with writing(place, _ELSEWHERE):
        parent.mkdir(parents=True, exist_ok=True)
        if place.is_file():
            raise NotADirectoryError(errno.ENOTDIR, "a file has that name")
        folder.mkdir()
        # A folder that cannot be written shows itself here.
        with tempfile.TemporaryFile(dir=folder):
            pass
    return folder


def settle(folder: Path, name: str) -> tuple[Path, Path | None]:
    """Give a working folder its name, and say where an earlier result of that name was moved to.

    An earlier result is never overwritten: it gets the time of its last change in its name. Each
    step is one act of the disk, so that of runs that end at once none loses what it wrote.
    """
    place, moved = folder.with_name(name), None
    with writing(place):
        while not _renamed(folder, place):
            moved = _move_aside(place) or moved
    return place, moved


def _move_aside(folder: Path) -> Path | None:
    """Where a folder was moved to; None where another run has moved it before."""
    try:
        changed = datetime.fromtimestamp(folder.stat().st_mtime)
        stem = f"{folder.name}-{changed:%Y-%m-%dT%H-%M-%S}"
        target, copy = folder.with_name(stem), 2
        while not _renamed(folder, target):
            target = folder.with_name(f"{stem}-{copy}")
            copy += 1
    except FileNotFoundError:
        return None
    return target


def _renamed(folder: Path, target: Path) -> bool:
    """Whether a folder now has another name; not where that one is taken, but by nothing."""
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def write_data(data: xr.Dataset | xr.DataArray, path: Path, *, with_digest: bool = False) -> None:
    """Write labelled results as netCDF 4, which ``xarray.open_dataset`` reads back as they are.

    Names may have any letters. A slash, which the format keeps for groups, is written as ∕
    (U+2215), with the name itself as ``long_name``. Complex values are pairs of a real and an
    imaginary part, of a type that xarray knows. ``with_digest`` it says of itself what it holds, by
    which ``sealing.read_sealed`` sees whether a byte has changed. Raises ``ModelError`` for what is
    no labelled result, or holds what no file can.
    """
    dataset = _with_writable_names(_as_dataset(data, path.stem))
    _refuse_instructions(dataset, path)
    try:
        # By way of memory: HDF5 itself does not survive a disk that is full.
        whole = sealed(dataset) if with_digest else dataset
        content = memoryview(whole.to_netcdf(engine="h5netcdf"))
    except Exception as error:
        # Its libraries refuse, each in its own way, what is neither number nor text.
        raise ModelError(f"{path} cannot be written: {error}") from error
    # No view may outlive this in the traceback of an error, as one of write_bytes would: its buffer
    # would be cleared under it, which Python reports from 3.12 on, or does not survive.
    with content, replacement(path) as temporary, temporary.open("wb") as file:
        file.write(content)


def _refuse_instructions(dataset: xr.Dataset, path: Path) -> None:
    """Raise ``ModelError`` for attributes by which numbers would be read as other ones."""
    for name, column in dataset.variables.items():
        said = next((word for word in _INSTRUCTIONS if word in column.attrs), None)
        if said is not None:
            raise ModelError(
                f"{path} cannot be written: {name} has the attribute {said}, by which a file says "
                "how its numbers are to be read. Give the attribute another name."
            )


def _as_dataset(data: object, name: str) -> xr.Dataset:
    import xarray as xr

    if isinstance(data, xr.Dataset):
        return data
    if not isinstance(data, xr.DataArray):
        raise ModelError(
            f"{name} computes {type(data).__name__}: return a Dataset or a DataArray of xarray, as "
            "run and op do."
        )
    free = ["data", "values", *(f"values_{number}" for number in range(len(data.coords)))]
    names = free if data.name is None else [data.name, *free]
    return data.to_dataset(name=next(name for name in names if name not in data.coords))


def _with_writable_names(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with names that a file can have; those that are replaced say so in long_name."""
    taken = {str(name) for name in (*dataset.variables, *dataset.sizes)}
    names: dict[object, str] = {}
    for name in {**dataset.variables, **dataset.sizes}:
        text = _NO_NAMES.get(str(name), str(name).translate(_NO_LETTERS))
        if text != name:
            while text in taken:
                text += "_"
            names[name] = text
            taken.add(text)
    renamed = dataset.rename(names)
    for name, text in names.items():
        if text in renamed.variables:
            renamed[text].attrs.setdefault("long_name", str(name).replace("\0", "\u2400"))
    return renamed


def write_figure(picture: Figure | Drawing, folder: Path, name: str) -> list[Path]:
    """Write a matplotlib figure or a ``Drawing`` as PNG and SVG."""
    _check_picture(picture, name)
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    for path in paths:
        with replacement(path) as temporary:
            if hasattr(picture, "savefig"):
                with _however_long_it_takes():
                    picture.savefig(temporary, format=path.suffix[1:])
            else:
                temporary.write_bytes(picture.render(path.suffix[1:]))
    return paths


@contextlib.contextmanager
def _however_long_it_takes() -> Iterator[None]:
    """Matplotlib warns of a legend by the clock, and so of how busy the machine is."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message='Creating legend with loc="best"')
        yield


def _check_picture(picture: object, name: str) -> None:
    if not hasattr(picture, "savefig") and not hasattr(picture, "render"):
        raise ModelError(
            f"the figure {name!r} is drawn as {type(picture).__name__}: return a figure of "
            "matplotlib or a drawing, as plots.figure() and draw(...) make them."
        )


def write_text(text: str, path: Path) -> None:
    """Write a text file; half a letter, which no file can hold, by its number."""
    with replacement(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
