"""Results on disk: folders checked before work starts, files replaced as a whole, nothing lost."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from causalopt.ground.errors import ModelError

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from causalopt.drawing import Drawing


def fresh_folder(parent: Path, name: str) -> tuple[Path, Path | None]:
    """An empty folder for results, and where an earlier one of that name was moved to.

    An earlier result is never overwritten: it gets the time of its last change in its name. Raises
    ``ModelError`` where the folder cannot be written.
    """
    folder = parent / name
    try:
        parent.mkdir(parents=True, exist_ok=True)
        moved = _move_aside(folder) if folder.exists() and any(folder.iterdir()) else None
        folder.mkdir(exist_ok=True)
        # A folder that cannot be written shows itself before any work is done for it.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ModelError(
            f"Results cannot be written to {folder}: {error.strerror or error}. Choose another "
            "folder with --results DIR."
        ) from None
    return folder, moved


def _move_aside(folder: Path) -> Path:
    changed = datetime.fromtimestamp(folder.stat().st_mtime)
    stem = f"{folder.name}-{changed:%Y-%m-%dT%H-%M-%S}"
    target = folder.with_name(stem)
    copy = 2
    while target.exists():
        target = folder.with_name(f"{stem}-{copy}")
        copy += 1
    folder.rename(target)
    return target


@contextlib.contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its place when all went well."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_data(data: xr.Dataset | xr.DataArray, path: Path) -> None:
    """Write labelled results as netCDF; complex values as two variables, real and imaginary."""
    import xarray as xr

    dataset = data if isinstance(data, xr.Dataset) else data.to_dataset(name=data.name or "data")
    parts: dict[str, xr.DataArray] = {}
    for name, array in dataset.data_vars.items():
        if array.dtype.kind == "c":
            parts |= {f"{name}_real": array.real, f"{name}_imag": array.imag}
        else:
            parts[str(name)] = array
    # netCDF has no complex numbers of its own.
    plain = xr.Dataset(parts, dataset.coords, dataset.attrs)
    with replacement(path) as temporary:
        plain.to_netcdf(temporary, engine="scipy")


def write_figure(picture: Figure | Drawing, folder: Path, name: str) -> list[Path]:
    """Write a matplotlib figure or a ``Drawing`` as PNG and SVG."""
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    for path in paths:
        with replacement(path) as temporary:
            if hasattr(picture, "savefig"):
                picture.savefig(temporary, format=path.suffix[1:])
            else:
                temporary.write_bytes(picture.render(path.suffix[1:]))
    return paths


def write_text(text: str, path: Path) -> None:
    """Write a text file."""
    with replacement(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
