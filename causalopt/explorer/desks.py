"""Two processes for the pages of a model: one answers moves, the other does what takes long.

So a slider never waits for a table. The second process begins with the first such request.
"""

from __future__ import annotations

from dataclasses import dataclass

from causalopt.explorer.desk import Desk
from causalopt.explorer.requests import Reply, Request, takes_long

#: Seconds that what takes long may still take when nobody waits for it.
_LITTLE_PATIENCE = 0.5


@dataclass(frozen=True)
class Desks:
    """The desk for moves, and the one for what takes long."""

    quick: Desk
    slow: Desk

    @classmethod
    def of(cls, model: str) -> Desks:
        """Both desks of a model, of which nothing has begun."""
        return cls(Desk(model), Desk(model, patience=_LITTLE_PATIENCE))

    async def open(self) -> Reply:
        """Start the one for moves; what it tells of the model, or ``ModelError``."""
        return await self.quick.open()

    async def close(self) -> None:
        """End both processes, whatever they do."""
        await self.quick.close()
        await self.slow.close()

    async def ask(self, page: str, request: Request) -> Reply:
        """The answer to a page's request, by the desk that such requests go to."""
        return await self._desk(request).ask(page, request)

    def leave(self, page: str, request: Request) -> None:
        """Nobody waits for the answer to a page's request any more."""
        self._desk(request).leave(page)

    def _desk(self, request: Request) -> Desk:
        return self.slow if takes_long(request) else self.quick
