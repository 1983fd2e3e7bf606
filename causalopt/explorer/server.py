"""The server of a page: its files, and one way to ask, of this machine alone."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from causalopt.explorer.desks import Desks
from causalopt.explorer.files import page_files
from causalopt.explorer.guard import HEADERS, Guard
from causalopt.explorer.requests import Reply

if TYPE_CHECKING:
    from starlette.requests import Request as Asked
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

# The longest request, in bytes, and the longest name of a page.
_LONGEST, _LONGEST_NAME = 65_536, 64


def application(guard: Guard, desks: Desks, facts: Reply) -> ASGIApp:
    """The app behind a guard: the page, its files, the facts of the model, and answers."""
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def file(asked: Asked) -> Response:
        found = page_files().get(asked.path_params.get("name", "index.html"))
        if found is None:
            return Response("There is no such file.", 404)
        return Response(found.content, media_type=found.kind)

    async def known(asked: Asked) -> Response:
        return JSONResponse(facts)

    async def ask(asked: Asked) -> Response:
        request = await _request(asked)
        if request is None:
            return JSONResponse({"fault": "The page asks in a way that is not read."}, 400)
        page = str(request.pop("page", ""))[:_LONGEST_NAME]
        return JSONResponse(await _answered(asked, desks, page, request))

    async def data(asked: Asked) -> Response:
        request = {"do": "data", "address": asked.url.query}
        told = await _answered(asked, desks, f"data-{id(asked)}", request)
        if "file" not in told:
            # An answer in words: of any other a browser complains, beside what the page says.
            return JSONResponse(told)
        content = base64.b64decode(str(told["file"]))
        return Response(content, media_type="application/x-netcdf")

    routes = [
        Route("/{token}/", file),
        Route("/{token}/facts", known),
        Route("/{token}/ask", ask, methods=["POST"]),
        Route("/{token}/data", data),
        Route("/{token}/{name}", file),
    ]
    return guarded(Starlette(routes=routes), guard)


def guarded(app: ASGIApp, guard: Guard) -> ASGIApp:
    """The app for those whom a guard admits, with what every answer says to the browser."""
    from starlette.datastructures import Headers, MutableHeaders
    from starlette.responses import PlainTextResponse

    async def admit(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def told(message: Mapping[str, object]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)  # type: ignore[arg-type]  # it holds headers
                headers.update(HEADERS)
            await send(message)  # type: ignore[arg-type]  # the same message

        known = guard.admits(scope["path"], Headers(scope=scope))
        refusal = PlainTextResponse("Open the link that the terminal shows.", 403)
        await (app if known else refusal)(scope, receive, told)

    return admit


async def _answered(asked: Asked, desks: Desks, page: str, request: Mapping[str, object]) -> Reply:
    """The answer to a request; dropped where the page closes, or stops it, in the middle."""
    answer = asyncio.ensure_future(desks.ask(page, request))
    gone = asyncio.ensure_future(_gone(asked))
    await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if not answer.done():
        desks.leave(page, request)
    return await answer


async def _gone(asked: Asked) -> None:
    """Wait until the one who asked has gone."""
    while (await asked.receive())["type"] != "http.disconnect":
        pass


async def _request(asked: Asked) -> dict[str, object] | None:
    """What a page asks, as a mapping; None for what is none, or is too long."""
    content = b""
    async for part in asked.stream():
        content += part
        if len(content) > _LONGEST:
            return None
    try:
        request = json.loads(content)
    except ValueError:
        return None
    return request if isinstance(request, dict) else None
