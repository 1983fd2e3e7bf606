"""Formulas that somebody else wrote, as text: their tokens, and no more of them than can be parsed.

Python's own parser sees none of the names: each stands in for itself as a row of underscores, and
is looked up by its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from causalopt.ground.checks import shown
from causalopt.ground.errors import DeclarationError

#: The most letters of a formula, and the most tokens.
MOST_LETTERS, MOST_TOKENS = 200_000, 40_000
#: The most brackets in one another, and operations that wait for one another to be read.
MOST_BRACKETS, MOST_WAITING = 150, 1_000
#: The most digits of a number: floats have no more before the point.
MOST_DIGITS = 320

#: Words that are no names, unless in quotes.
KEYWORDS = frozenset({"if", "else", "and", "or", "not"})

_TOKEN = re.compile(
    r"""[ \t\n]*+(?:
    (?P<quoted>'(?:[^'\\]|\\['\\])*+'|"(?:[^"\\]|\\["\\])*+")
    |(?P<number>(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)
    |(?P<name>[^\W\d]\w*+)
    |(?P<mark>\*\*|<=|>=|==|!=|[-+*/(),.<>])
    |\Z)""",
    re.VERBOSE,
)
_BLANKS = re.compile(r"[ \t\n]*")
_ESCAPED = re.compile(r"\\(.)")


class FormulaError(DeclarationError):
    """A formula in text that cannot be read: why, and at which of its characters, from 0."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"Column {offset + 1} of the formula: {reason}")
        self.reason, self.offset = reason, offset

    def __reduce__(self) -> tuple[type[FormulaError], tuple[str, int]]:
        return FormulaError, (self.reason, self.offset)


@dataclass(frozen=True)
class FormulaTokens:
    """A formula of which every token may stand where it does.

    ``plain`` is what is to be parsed, the whole in brackets, with underscores for names;
    ``names`` are these, by their places in it, ``quoted`` the places of those in quotes.
    """

    plain: str
    names: Mapping[int, str]
    quoted: frozenset[int]


def tokens_of(text: str) -> FormulaTokens:
    """The tokens of a formula; ``FormulaError`` for what is none, or no formula, or too large.

    >>> tokens_of("-k*'heat flow'")
    FormulaTokens(plain='(-_* _________ )', names=mappingproxy({2: 'k', 5: 'heat flow'}),
    quoted=frozenset({5}))
    """
    if len(text) > MOST_LETTERS:
        raise FormulaError(
            f"it has {len(text):,} letters, and {MOST_LETTERS:,} are read (MOST_LETTERS): give "
            "parts of it names of their own.",
            0,
        )
    walk = _FormulaWalk(text)
    while walk.go_on():
        pass
    plain = f"({''.join(walk.pieces)})"
    return FormulaTokens(plain, MappingProxyType(walk.names), frozenset(walk.quoted))


@dataclass
class _FormulaWalk:
    """Where one is in a formula, and what may stand there."""

    text: str
    end: int = 0
    pieces: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    quoted: set[int] = field(default_factory=set)
    # What came before: nothing yet, an operator, a name that may be called, or another operand.
    before: str = ""
    # How many operations are begun within each bracket that is open, and where it opened.
    open: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])
    waiting: int = 0
    count: int = 0

    def go_on(self) -> bool:
        """Read a token; whether there was one."""
        found = _TOKEN.match(self.text, self.end)
        if found is None:
            raise self._strange()
        kind = found.lastgroup
        at = found.start(kind) if kind else found.end()
        if kind is None:
            self._end(at)
            return False
        token = found[kind]
        self.count += 1
        if self.count > MOST_TOKENS:
            raise FormulaError(f"there are more than {MOST_TOKENS:,} parts (MOST_TOKENS).", at)
        self.pieces.append(" " * (at - self.end))
        self.end = found.end()
        if token in KEYWORDS:
            self._word(token, at)
        elif kind == "mark":
            self._mark(token, at)
        else:
            self._operand(kind, token, at)
        return True

    @property
    def _wants_operand(self) -> bool:
        return self.before in ("", "operator")

    def _operand(self, kind: str, token: str, at: int) -> None:
        if self.before == "point":
            if token not in ("next", "lag"):
                told = f"a variable has .next and .lag(5), and no .{shown(token)[:40]}."
                raise FormulaError(told, at)
        elif not self._wants_operand:
            told = f"an operator is missing before {shown(token)}, such as *."
            raise FormulaError(told, at)
        if kind == "number":
            self._check_number(token, at)
            self.pieces.append(token)
        elif kind == "quoted":
            self._quote(token, at)
        else:
            self.names[at + 1] = token
            self.pieces.append("_" * len(token))
        self.before = kind

    def _quote(self, token: str, at: int) -> None:
        # Blanks in the place of quotes keep the name apart from words beside it.
        if len(token) == 2:
            raise FormulaError("a name in quotes is empty: write letters.", at)
        self.names[at + 2] = _ESCAPED.sub(r"\1", token[1:-1])
        self.quoted.add(at + 2)
        self.pieces.append(f" {'_' * (len(token) - 2)} ")

    def _check_number(self, token: str, at: int) -> None:
        if len(token) > MOST_DIGITS:
            raise FormulaError(f"a number of {len(token):,} digits is here: no float has so many.",
                               at)  # fmt: skip
        if token.isdigit() and token[0] == "0" != token:
            raise FormulaError(f"{token} begins with 0: write {int(token)}.", at)
        value = float(token)
        if value == float("inf") or (value == 0 and re.search("[1-9]", re.split("[eE]", token)[0])):
            told = f"{token} is beyond what floats hold, 5e-324 to 1.8e308."
            raise FormulaError(told, at)

    def _word(self, token: str, at: int) -> None:
        if self.before == "number" and not self.text[at - 1].isspace():
            raise FormulaError(f"a blank is missing before {token!r}.", at)
        self._place_operator(token, at, prefix=token == "not")
        self.pieces.append(token)

    def _mark(self, token: str, at: int) -> None:
        self.pieces.append(token)
        if token == "(":
            self._open(at)
        elif token == ")":
            self._close(at)
        elif token == ".":
            if self.before not in ("name", "quoted"):
                raise FormulaError("a point stands behind a name alone, as in R.next.", at)
            self.before = "point"
        elif token == ",":
            self._comma(at)
        else:
            self._place_operator(token, at, prefix=token in "+-" and self._wants_operand)

    def _place_operator(self, token: str, at: int, *, prefix: bool) -> None:
        if prefix != self._wants_operand:
            missing = "an operator is" if prefix else "a number or name is"
            raise FormulaError(f"{missing} missing before {token!r}.", at)
        self.before = "operator"
        count, opened = self.open[-1]
        self.open[-1] = count + 1, opened
        self.waiting += 1
        if self.waiting > MOST_WAITING:
            told = (
                f"more than {MOST_WAITING:,} operations stand in a row (MOST_WAITING): put some of "
                "them in brackets."
            )
            raise FormulaError(told, at)

    def _open(self, at: int) -> None:
        if not self._wants_operand and self.before != "name":
            raise FormulaError("an operator is missing before '(', such as *.", at)
        if len(self.open) > MOST_BRACKETS:
            raise FormulaError(f"more than {MOST_BRACKETS} brackets stand in one another.", at)
        self.open.append((0, at))
        self.before = ""

    def _close(self, at: int) -> None:
        if self._wants_operand:
            raise FormulaError("a number or name is missing before ')'.", at)
        if len(self.open) == 1:
            raise FormulaError("this ')' closes nothing.", at)
        self._settle()
        self.open.pop()
        self.before = "closed"

    def _comma(self, at: int) -> None:
        if self._wants_operand or len(self.open) == 1:
            told = "a comma stands between the arguments of a function alone, as in Max(x, 0)."
            raise FormulaError(told, at)
        self._settle()
        self.before = "operator"

    def _settle(self) -> None:
        """What stands in a bracket so far waits for nothing any more."""
        count, opened = self.open[-1]
        self.waiting -= count
        self.open[-1] = 0, opened

    def _end(self, at: int) -> None:
        if self._wants_operand or self.before == "point":
            told = "the formula ends here" if self.count else "the formula is empty"
            raise FormulaError(f"{told}: a number or name was expected.", at)
        if len(self.open) > 1:
            raise FormulaError("this '(' is not closed.", self.open[-1][1])

    def _strange(self) -> FormulaError:
        blanks = _BLANKS.match(self.text, self.end)
        at = blanks.end() if blanks else self.end
        letter = self.text[at]
        if letter in "'\"":
            told = "a name in quotes that begins here has no end, or holds a backslash that stands "
            return FormulaError(f"{told}before neither a quote nor a backslash.", at)
        told = f"{letter!r}" if letter.isprintable() and letter.isascii() else f"{letter!a}"
        hint = {"^": " Powers are written x**2.", "=": " Equality is written ==."}.get(letter, "")
        return FormulaError(f"{told} stands in no formula.{hint}", at)
