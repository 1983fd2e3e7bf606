"""XML of somebody else's as a tree of elements: entities are refused, and nothing else is opened.

A document may have a DTD of its own inside, of which elements and attributes alone are declared; no
other file is ever looked for. Depth, elements and attributes are counted, and what is too much is
refused while it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown
from causalopt.ground.errors import FileError

#: The most elements of a document, and how deep they may stand in one another.
MOST_ELEMENTS, MOST_DEPTH = 100_000, 100
#: The most attributes that a DTD may declare: each may be added to every element.
MOST_DECLARED = 200


@dataclass(frozen=True, slots=True)
class Element:
    """An element with its attributes, what stands in it, and the character at which it begins."""

    name: str
    attributes: dict[str, str]
    offset: int
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list, repr=False)

    @property
    def text(self) -> str:
        """Its own text, without blanks around."""
        return "".join(self.pieces).strip()

    def all(self, name: str) -> Iterator[Element]:
        """The elements of a name that stand in it."""
        return (child for child in self.children if child.name == name)


def root_of(source: FileText) -> Element:
    """The outermost element of a document.

    Raises ``FileError`` for what is no well-formed XML, declares or uses an entity, and what is
    deeper or has more elements than is read.

    >>> root_of(FileText("a.xml", "<a><b>text</b></a>")).children[0].text
    'text'
    >>> root_of(FileText("a.xml", '<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>'))
    Traceback (most recent call last):
    ...
    causalopt.ground.errors.FileError: a.xml, line 1, column 25: an entity is declared or used
    here, and none is read: write the text itself.
    """
    return _Building(source).root()


class _Building:
    """What the parser tells, as a tree that grows; ``open`` holds the elements that have no end."""

    def __init__(self, source: FileText) -> None:
        self.source = source
        self.data = source.text.encode()
        self.open: list[Element] = []
        self.outermost: Element | None = None
        self.elements = self.declared = 0
        # Where the parser was last, in bytes and in characters: it tells bytes alone.
        self.has_wide_letters = len(self.data) > len(source.text)
        self.byte = self.offset = 0
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        # What a DTD would add to every element is left out: it may be long.
        self.parser.specified_attributes = True
        self.parser.StartElementHandler = self.begin
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.say
        self.parser.AttlistDeclHandler = self.declare
        for refused in ("EntityDecl", "UnparsedEntityDecl", "ExternalEntityRef", "SkippedEntity"):
            setattr(self.parser, f"{refused}Handler", self.refuse_entity)

    def root(self) -> Element:
        try:
            self.parser.Parse(self.data, True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code) or "it cannot be read"
            raise self.refusal(f"no well-formed XML: {reason}.") from None
        if self.outermost is None:
            raise self.refusal("no element is here.")
        return self.outermost

    def refusal(self, message: str) -> FileError:
        return self.source.refusal(self.here(), message)

    def here(self) -> int:
        """The character at which the parser is."""
        at = max(self.parser.CurrentByteIndex, self.byte)
        if self.has_wide_letters:
            self.offset += len(self.data[self.byte : at].decode(errors="ignore"))
        else:
            self.offset = at
        self.byte = at
        return self.offset

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        element = Element(name, attributes, self.here())
        self.elements += 1
        if len(self.open) == MOST_DEPTH:
            raise self.refusal(f"elements stand deeper than {MOST_DEPTH} in one another.")
        if self.elements > MOST_ELEMENTS:
            raise self.refusal(f"there are more than {MOST_ELEMENTS:,} elements (MOST_ELEMENTS).")
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.outermost = element
        self.open.append(element)

    def end(self, name: str) -> None:
        self.open.pop()

    def say(self, text: str) -> None:
        self.open[-1].pieces.append(text)

    def declare(self, *_: object) -> None:
        self.declared += 1
        if self.declared > MOST_DECLARED:
            raise self.refusal(f"the DTD declares more than {MOST_DECLARED} attributes.")

    def refuse_entity(self, *_: object) -> NoReturn:
        raise self.refusal(
            "an entity is declared or used here, and none is read: write the text itself."
        )


def refuse_strange(source: FileText, element: Element, known: Callable[[str], bool]) -> None:
    """Raise ``FileError`` for an element that may not stand here, or text between elements."""
    strange = next((child for child in element.children if not known(child.name)), None)
    if strange is not None:
        told = f"an element {shown(strange.name)} inside {element.name} is not known."
        raise source.refusal(strange.offset, told)
    if element.children and element.text:
        told = f"{element.name} has text between its elements: {shown(element.text)}."
        raise source.refusal(element.offset, told)
