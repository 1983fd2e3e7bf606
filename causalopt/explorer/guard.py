"""Who may ask: this machine alone, by the link that the terminal printed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

#: What every answer says to the browser: nothing from elsewhere, nothing inline, nothing guessed.
HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_OWN_SITE = ("same-origin", "none")


@dataclass(frozen=True)
class Guard:
    """The addresses of a server on this machine, and the token that its link has."""

    port: int
    token: str

    @classmethod
    def of(cls, port: int) -> Guard:
        """A guard with a token that nobody can guess."""
        return cls(port, secrets.token_urlsafe(24))

    @property
    def link(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.port}/{self.token}/"

    def admits(self, path: str, headers: Mapping[str, str]) -> bool:
        """Whether a request comes by the link, from a page of this server or from no page.

        >>> guard = Guard(8000, "secret")
        >>> guard.admits("/secret/", {"host": "127.0.0.1:8000"})
        True
        >>> guard.admits("/secret/", {"host": "elsewhere.org"})
        False
        """
        hosts = [f"{name}:{self.port}" for name in ("127.0.0.1", "localhost")]
        host, origin = headers.get("host", ""), headers.get("origin")
        token = path.lstrip("/").partition("/")[0]
        return (
            host in hosts
            and origin in (None, f"http://{host}")
            and headers.get("sec-fetch-site", "none") in _OWN_SITE
            and secrets.compare_digest(token.encode(), self.token.encode())
        )
