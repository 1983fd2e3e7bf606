"""A server from its start to its end: its port, its processes, and what Ctrl-C does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from causalopt.explorer.desks import Desks
from causalopt.explorer.guard import Guard
from causalopt.explorer.server import application
from causalopt.ground.errors import FileError

if TYPE_CHECKING:
    import uvicorn

#: Seconds that open requests have when the server is to end.
_FAREWELL = 1


def serve(model: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page of a model on this machine until Ctrl-C; ``ready`` is called with its link.

    Port 0 is any that is free. Raises ``ModelError`` where the model cannot be loaded, and
    ``FileError`` where the port is taken.
    """
    with listening(port) as own, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(model, own, ready))


@contextlib.contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket that listens on this machine alone."""
    # TCP by name: of a socket that says so alone asyncio sends at once what is written. Else the
    # second part of an answer waits for the first one to be acknowledged, which takes 40 ms.
    own = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        own.bind(("127.0.0.1", port))
        own.listen()
    except (OSError, OverflowError) as error:
        own.close()
        why = getattr(error, "strerror", None) or str(error)
        raise FileError(
            f"Port {port} cannot be used: {why}. Leave --port out for a free one."
        ) from None
    with own:
        yield own


async def _serve(model: str, own: socket.socket, ready: Callable[[str], None]) -> None:
    import uvicorn

    guard = Guard.of(own.getsockname()[1])
    desks = Desks.of(model)
    try:
        facts = await desks.open()
        app = application(guard, desks, facts)
        config = uvicorn.Config(
            app, log_level="critical", access_log=False, timeout_graceful_shutdown=_FAREWELL,
            lifespan="off", server_header=False, date_header=False,
        )  # fmt: skip
        ready(guard.link)
        await _ending_first(config, desks).serve(sockets=[own])
    finally:
        await desks.close()


def _ending_first(config: uvicorn.Config, desks: Desks) -> uvicorn.Server:
    """A server that ends its desks as soon as it is to end: then no request is left that waits."""
    import uvicorn

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await desks.close()
            await super().shutdown(sockets)

    return Server(config)
