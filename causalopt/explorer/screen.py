"""What a page asks of a model, as a value, and as the text of an address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from causalopt.explorer.opened import KEYS, NOTHING, Opened
from causalopt.explorer.written import finite_written, whole_written
from causalopt.ground.checks import shown
from causalopt.ground.errors import QueryError, nearest
from causalopt.ground.readonly import ReadOnly

#: The most letters of an address, the most steps of a run and the most chains of its noise.
MOST_LETTERS, MOST_STEPS, MOST_DRAWS = 20_000, 1_000_000, 1_000
# What an address has one of, all that it may have, and what has a name of its own.
_SINGLE = ("n", "m", "show", "steps", "delta", "seed", "draws")
_KNOWN = ("A", "along", *_SINGLE, *KEYS)
_SEVERAL = ("A", "along", "ask", "mass")
_PARAMETER, _START = "p.", "s."


@dataclass(frozen=True)
class Screen:
    """What is asked: (A; n, m) by names, the length of the run, and the values that are moved.

    What is None is left to the model. ``A`` are names of variables or nodes, ``show`` the variable
    whose course is drawn (m's, where it is None), ``delta`` the difference at n (None: an
    infinitesimal one), ``parameters`` and ``start`` are values by name, a start value a name where
    the variable has named values, ``draws`` a number of chains of the noise, ``along`` what a
    landscape is over, by the names that values have in an address (``p.k``). ``opened`` is what
    stands in the tabs.

    >>> screen = Screen.of("n=R[0]&A=T&m=R&steps=1000&p.k=0.1")
    >>> screen.A, screen.steps, dict(screen.parameters)
    (('T',), 1000, {'k': 0.1})
    >>> Screen.of(screen.address) == screen
    True
    """

    n: str | None = None
    A: tuple[str, ...] | None = None
    m: str | None = None
    show: str | None = None
    steps: int | None = None
    delta: float | None = None
    seed: int = 0
    draws: int | None = None
    along: tuple[str, ...] = ()
    parameters: Mapping[str, float] = ReadOnly({})
    start: Mapping[str, str] = ReadOnly({})
    opened: Opened = NOTHING

    @classmethod
    def of(cls, address: str) -> Screen:
        """What an address holds; ``QueryError`` in words for what none can be.

        >>> Screen.of("steps=many")
        Traceback (most recent call last):
        ...
        causalopt.ground.errors.QueryError: The address says steps=many: write a whole number from
        1 to 1,000,000.
        """
        pairs = _pairs(address)
        single = {key: value for key, value in pairs if key in _SINGLE}
        moved = [(key, value) for key, value in pairs if key.startswith((_PARAMETER, _START))]
        _refuse_unknown(pairs)
        _refuse_twice([key for key, _ in pairs])
        parts = tuple(dict.fromkeys(value for key, value in pairs if key == "A" and value))
        return cls(
            n=single.get("n") or None,
            A=parts if any(key == "A" for key, _ in pairs) else None,
            m=single.get("m") or None,
            show=single.get("show") or None,
            steps=whole_written(single, "steps", 1, MOST_STEPS),
            delta=_delta(single.get("delta", "")),
            seed=whole_written(single, "seed", 0, 2**32 - 1) or 0,
            draws=whole_written(single, "draws", 1, MOST_DRAWS),
            along=tuple(value for key, value in pairs if key == "along" and value),
            parameters=ReadOnly({k: finite_written(k, v) for k, v in _named(moved, _PARAMETER)}),
            start=ReadOnly(dict(_named(moved, _START))),
            opened=Opened.of(pairs),
        )

    @property
    def address(self) -> str:
        """The same as the text of an address, which ``Screen.of`` reads back."""
        return urlencode(list(self._pairs()))

    def _pairs(self) -> Iterator[tuple[str, str]]:
        if self.n is not None:
            yield "n", self.n
        if self.A is not None:
            yield from (("A", part) for part in self.A or ("",))
        for key in _SINGLE[1:]:
            value = getattr(self, key)
            if value is not None and (key, value) != ("seed", 0):
                yield key, value if isinstance(value, str) else repr(value)
        yield from (("along", key) for key in self.along)
        yield from ((_PARAMETER + name, repr(value)) for name, value in self.parameters.items())
        yield from ((_START + name, value) for name, value in self.start.items())
        yield from self.opened.pairs()


def _pairs(address: str) -> list[tuple[str, str]]:
    """The names and values of an address, as they were before they became one."""
    if len(address) > MOST_LETTERS:
        raise QueryError(
            f"The address has {len(address):,} letters, and {MOST_LETTERS:,} are read: open "
            "the page anew, without what stands behind #."
        )
    try:
        return parse_qsl(address.removeprefix("#"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise QueryError(
            "The address has more than 1,000 parts: open the page anew, without what stands "
            "behind #."
        ) from None


def _refuse_unknown(pairs: Iterable[tuple[str, str]]) -> None:
    for key, value in pairs:
        known = key in _KNOWN or key.startswith((_PARAMETER, _START))
        if not known:
            raise QueryError(
                f"The address says {shown(key)} = {shown(value)}, which no page asks."
                + nearest(key, _KNOWN)
            )


def _refuse_twice(keys: Sequence[str]) -> None:
    for key in dict.fromkeys(keys):
        if key not in _SEVERAL and keys.count(key) > 1:
            raise QueryError(f"The address says {shown(key)} twice: keep one of them.")


def _named(moved: Iterable[tuple[str, str]], prefix: str) -> Iterator[tuple[str, str]]:
    return ((key.removeprefix(prefix), v) for key, v in moved if key.startswith(prefix))


def _delta(text: str) -> float | None:
    if text in ("", "exact"):
        return None
    return finite_written("delta", text)
