"""A store as it is read: what each file holds is held against its digest, while it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zarr.storage import LocalStore, WrapperStore

from causalopt.ground.errors import FileError
from causalopt.runs.cluster.digests import Digest, digest, fault

if TYPE_CHECKING:
    from zarr.abc.store import ByteRequest
    from zarr.core.buffer import Buffer, BufferPrototype

#: What is known of a file by its place in a store: its digest, or that there is none, and what to
#: do where it has another. None where nothing is known.
Known = Callable[[str], tuple[Digest | None, str] | None]

#: What is wrong with a file of which nothing is known, and what to do; empty where nothing is seen.
Judged = Callable[[str, bytes], str]


class CheckedFiles(WrapperStore[LocalStore]):
    """The files of a folder; a ``FileError`` for one that is not what was written."""

    def __init__(self, store: LocalStore, known: Known, judged: Judged) -> None:
        super().__init__(store)
        self._known, self._judged = known, judged

    @classmethod
    def at(cls, folder: Path, known: Known, judged: Judged) -> CheckedFiles:
        """Those of a folder, to read."""
        return cls(LocalStore(folder, read_only=True), known, judged)

    def _with_store(self, store: LocalStore) -> CheckedFiles:
        return type(self)(store, self._known, self._judged)

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """What is in a file, or in a part of it; parts are not checked."""
        found = await super().get(key, prototype, byte_range)
        if byte_range is not None or not await asyncio.to_thread(self._told, key, found):
            return found
        # Another process may have written it meanwhile, and what is known of it.
        found = await super().get(key, prototype)
        told = await asyncio.to_thread(self._told, key, found)
        if told:
            raise FileError(told)
        return found

    def _told(self, key: str, found: Buffer | None) -> str:
        known = self._known(key)
        if known is None:
            return "" if found is None else self._judged(key, found.to_bytes())
        here = None if found is None else digest(found.to_bytes())
        told = fault(self._store.root / key, known[0], here)
        return told and f"{told} {known[1]}"
