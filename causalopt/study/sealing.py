"""Digests of labelled results: a file in which a byte has changed is not read as another result."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

# What a file says of its own content.
_DIGEST = "digest"


class Damaged(Exception):
    """A file that cannot be read, or holds something else than what was written."""


def sealed(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with the digest of what a file holds of it among its attributes."""
    import xarray as xr

    plain = dataset.copy()
    plain.attrs = _without_digest(dataset.attrs)
    with memoryview(plain.to_netcdf(engine="h5netcdf")) as view:
        content = io.BytesIO(view)
    with xr.open_dataset(content, engine="h5netcdf", decode_cf=False) as file:
        digest = _digest_of(file.load())
    return plain.assign_attrs({_DIGEST: digest})


def read_sealed(path: Path) -> xr.Dataset:
    """What a file holds; one without a digest, as they were once written, is read as it is.

    Raises ``Damaged`` where it cannot be read, or has another digest than that which it names.
    """
    import xarray as xr

    try:
        with xr.open_dataset(path, engine="h5netcdf", decode_cf=False) as file:
            held = file.load()
        named = held.attrs.get(_DIGEST)
        whole = named is None or named == _digest_of(held)
        decoded = xr.decode_cf(held)
    except Exception as error:  # its libraries refuse damaged files in many ways
        raise Damaged(f"cannot be read ({type(error).__name__})") from error
    if not whole:
        raise Damaged("holds something else than what was written there")
    decoded.attrs = _without_digest(decoded.attrs)
    return decoded


def _without_digest(attrs: dict[Any, Any]) -> dict[Any, Any]:
    return {name: said for name, said in attrs.items() if name != _DIGEST}


def _digest_of(held: xr.Dataset) -> str:
    """The digest of names, dims, attributes and values, as a file has them."""
    sha = hashlib.sha256(_told(_without_digest(held.attrs)))
    for name in sorted(held.variables, key=str):
        column = held.variables[name]
        about = {**column.attrs, "": [str(name), *column.dims, *map(str, column.shape)]}
        sha.update(_told(about))
        sha.update(_bytes_of(column.values))
    return sha.hexdigest()


def _told(attrs: dict[Any, Any]) -> bytes:
    """Attributes in order, each with its entries, alone or in an array."""
    import numpy as np

    said = {str(name): np.ravel(np.asarray(value)).tolist() for name, value in attrs.items()}
    return repr(sorted(said.items())).encode(errors="backslashreplace")


def _bytes_of(values: np.ndarray[Any, Any]) -> bytes:
    """Numbers as they lie in memory, whatever the machine; texts one by one."""
    import numpy as np

    if values.dtype.kind in "OSUT":
        return repr(values.ravel().tolist()).encode(errors="backslashreplace")
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()
