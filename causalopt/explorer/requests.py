"""What a page sends and is sent, and what takes long: all that the server knows of an answer.

It is apart from the answers themselves, which need the whole package: the server, which computes
nothing, begins without it.
"""

from __future__ import annotations

from collections.abc import Mapping

#: What a page sends, and what it is sent, as JSON holds it.
Request = Mapping[str, object]
Reply = dict[str, object]

_OF_CHAINS = "tab=distribution"
#: What may take long, and is asked of a process of its own.
LONG = frozenset(
    {"shares", "ranking", "measures", "landscape", "tables", "distribution", "energy"}
    | {"claim", "derivation", "data"}
)


def takes_long(request: Request) -> bool:
    """Whether a request is for the process of what takes long.

    >>> takes_long({"do": "code", "address": "tab=distribution"}), takes_long({"do": "code"})
    (True, False)
    """
    # The code of chains says where they came, for which they are run.
    says = str(request.get("address", "")).split("&")
    return request.get("do") in LONG or (request.get("do") == "code" and _OF_CHAINS in says)
