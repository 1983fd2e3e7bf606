"""Requests of pages to one process that computes: of each page only the newest one waits.

What a newer request has made needless is dropped. Where that is running already it may come to its
end for a while; then the process is ended, and another one begins.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from causalopt.explorer.requests import Reply, Request
from causalopt.ground.errors import ModelError

#: Seconds that a request may take when there is a newer one of the same page.
PATIENCE = 3.0
#: What is said to a page whose request was dropped for a newer one.
DROPPED: Reply = {"dropped": True}
# The longest answer, in bytes: a line that is read as a whole.
_LONGEST = 2**27
_MODULE = "causalopt.explorer.worker"
_ENDED: Reply = {
    "fault": "The process that computes has ended in the middle of this: it was too much for the "
    "memory, or the model ended it. Another one has begun; ask for less."
}


@dataclass
class _Waiting:
    """A request of a page, and where its answer goes."""

    page: str
    request: Request
    answer: asyncio.Future[Reply]


@dataclass
class Desk:
    """A process that computes for pages, kept warm; ``model`` is what it loads.

    Its state changes as pages ask: what waits, by page, and what runs.
    """

    model: str
    patience: float = PATIENCE
    _process: asyncio.subprocess.Process | None = None
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _running: _Waiting | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _is_closed: bool = False

    async def open(self) -> Reply:
        """Start the process; what it tells of the model, or ``ModelError`` where it cannot."""
        told = await self._begin()
        if "refused" in told or "fault" in told:
            await self.close()
            raise ModelError(str(told.get("refused", told.get("fault"))))
        return told

    async def close(self) -> None:
        """End the process, whatever it does; what is asked from now on is dropped."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._end()
        for waiting in (*self._waiting.values(), self._running):
            if waiting is not None and not waiting.answer.done():
                waiting.answer.set_result(DROPPED)

    async def ask(self, page: str, request: Request) -> Reply:
        """The answer to a page's request; ``DROPPED`` where the page asks anew before its turn."""
        if self._is_closed:
            return DROPPED
        if self._task is None:
            self._task = asyncio.create_task(self._serve())
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        older = self._waiting.pop(page, None)
        if older is not None and not older.answer.done():
            older.answer.set_result(DROPPED)
        self._waiting[page] = _Waiting(page, request, answer)
        self._wake.set()
        running = self._running
        if running is not None and running.page == page:
            self._give_up_later(running)
        return await answer

    def leave(self, page: str) -> None:
        """Drop what a page has asked, since it is gone; what runs already may come to its end."""
        waiting = self._waiting.pop(page, None)
        if waiting is not None and not waiting.answer.done():
            waiting.answer.set_result(DROPPED)
        running = self._running
        if running is not None and running.page == page:
            self._give_up_later(running)

    def _give_up_later(self, running: _Waiting) -> None:
        asyncio.get_running_loop().call_later(self.patience, self._give_up, running)

    def _give_up(self, waiting: _Waiting) -> None:
        """End the process where it is still busy with what nobody waits for."""
        if self._running is waiting and self._process is not None:
            if not waiting.answer.done():
                waiting.answer.set_result(DROPPED)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _serve(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                page = next(iter(self._waiting))
                self._running = waiting = self._waiting.pop(page)
                content = await self._exchange(waiting.request)
                self._running = None
                if not waiting.answer.done():
                    waiting.answer.set_result(content)

    async def _exchange(self, request: Request) -> Reply:
        """Send a request, and read its answer; where the process ends, begin another one."""
        if self._process is None:
            await self._begin()
        streams = self._streams()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            streams[0].write(json.dumps(request).encode() + b"\n")
            await streams[0].drain()
        line = await streams[1].readline()
        if line.endswith(b"\n"):
            return cast(Reply, json.loads(line))
        await self._end()
        return _ENDED

    async def _begin(self) -> Reply:
        """Start a process in place of one that there may be; what it tells of its model."""
        await self._end()
        self._process = await asyncio.create_subprocess_exec(
            *command(self.model),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=surroundings(),
            limit=_LONGEST,
        )
        line = await self._streams()[1].readline()
        return cast(Reply, json.loads(line)) if line.endswith(b"\n") else _ENDED

    def _streams(self) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
        """Where the process is asked, and where it answers."""
        process = cast(asyncio.subprocess.Process, self._process)
        return cast(asyncio.StreamWriter, process.stdin), cast(asyncio.StreamReader, process.stdout)

    async def _end(self) -> None:
        # It is given up once it has ended: who is cancelled on the way leaves it to the next one.
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            self._process = None


def command(model: str) -> Sequence[str]:
    """How the process that computes is started."""
    return sys.executable, "-P", "-m", _MODULE, model


def surroundings() -> dict[str, str]:
    """The variables of that process: it finds the libraries that this one finds."""
    paths = [str(Path(path).absolute()) for path in sys.path if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
