"""A document in XMILE as an outline: its clock, dimensions, macros and variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from causalopt.exchange.chances import Word, check_shows
from causalopt.exchange.dynamics.graphs import KINDS, graph_of
from causalopt.exchange.dynamics.syntax import (
    MOST_PARTS,
    MOST_VARIABLES,
    Applied,
    Definition,
    Dimension,
    GraphicalFunction,
    Literal,
    Macro,
    Outline,
    Reference,
    Syntax,
    key_of,
)
from causalopt.exchange.dynamics.xmile_text import OTHER_NAMES, XmileTokens, excerpt_of
from causalopt.exchange.elements import Element
from causalopt.exchange.reading import FileText
from causalopt.ground.checks import shown
from causalopt.ground.errors import FileError

# What may stand in a variable, and says nothing of how it runs.
_SILENT = frozenset(
    {"doc", "units", "format", "range", "scale", "mathml", "event_poster", "access"}
)
_EVERY = frozenset({"eqn", "gf", "dimensions", "element"})
# What may stand in each kind of variable, and is read.
_READ = {
    "stock": _EVERY | {"inflow", "outflow", "non_negative"},
    "flow": _EVERY | {"non_negative"},
    "aux": _EVERY,
    "gf": frozenset({"xscale", "yscale", "xpts", "ypts"}),
}
_METHODS = ("euler", "rk4")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_DIGITS = 400


@dataclass
class _Document:
    """What is read of a document so far."""

    source: FileText
    dimensions: dict[str, Dimension] = field(default_factory=dict)
    shapes: dict[str, list[str]] = field(default_factory=dict)
    never_negative: set[str] = field(default_factory=set)
    uniflows: set[str] = field(default_factory=set)

    def refusal(self, element: Element, message: str) -> FileError:
        return self.source.refusal(element.offset, message)

    def tokens(self, element: Element) -> XmileTokens:
        """The tokens of the text of an element."""
        excerpt = excerpt_of(self.source, element)
        return XmileTokens(excerpt, excerpt=excerpt, dimensions=self.dimensions, shapes=self.shapes)

    def number(self, element: Element, text: str) -> float:
        """A number that an element or attribute has."""
        if len(text) > _DIGITS or not _NUMBER.fullmatch(text.strip()):
            raise self.refusal(element, f"{shown(text)} is no number: write one, such as 0.25.")
        number = float(text)
        if abs(number) == float("inf"):
            raise self.refusal(element, f"{shown(text)} is larger than any number of a float.")
        return number

    def name_of(self, element: Element) -> Word:
        """The name that an element has to have, as one line."""
        text = " ".join(element.attributes.get("name", "").replace("\\n", " ").split())
        word = Word(text.strip('"'), element.offset)
        check_shows(self.source, word)
        return word


def outline_of_xmile(source: FileText, root: Element) -> Outline:
    """What a document declares, or ``FileError`` with line and column."""
    if root.name != "xmile":
        told = f"this is no XMILE: its outermost element is {shown(root.name)}, and not xmile."
        raise source.refusal(root.offset, told)
    document = _Document(source)
    model = _single(document, root, "model")
    for dimension in _inside(root, "dimensions"):
        _dimension(document, dimension)
    for place in (root, model):
        for behavior in place.all("behavior"):
            document.never_negative |= set(_never_negative(behavior))
    method, clock = _clock(document, _single(document, root, "sim_specs"))
    definitions = _variables(document, _single(document, model, "variables"), method)
    known = {d.key for d in definitions}
    macros = [_macro(document, element, method) for element in root.all("macro")]
    return Outline(
        source,
        (*(d for d in clock if d.key not in known), *definitions),
        method,
        document.dimensions,
        {key_of(macro.name.text): macro for macro in macros},
        OTHER_NAMES,
        _same_units(root),
    )


def _single(document: _Document, element: Element, name: str) -> Element:
    """The one element of a name that has to stand here."""
    found = list(element.all(name))
    if len(found) != 1:
        told = f"{element.name} has {len(found)} elements {name}: one is read."
        raise document.refusal(found[1] if found else element, told)
    return found[0]


def _inside(element: Element, name: str) -> Iterator[Element]:
    """What stands in the elements of a name."""
    return (child for outer in element.all(name) for child in outer.children)


def _same_units(root: Element) -> dict[str, str]:
    return {
        alias.text: unit.attributes.get("name", "")
        for unit in _inside(root, "model_units")
        for alias in unit.all("alias")
    }


def _never_negative(behavior: Element) -> Iterator[str]:
    """The kinds of variables that are never negative unless they say so."""
    for child in behavior.children:
        if child.name == "non_negative":
            yield from ("stock", "flow")
        elif any(child.all("non_negative")):
            yield child.name


def _dimension(document: _Document, element: Element) -> None:
    """A dimension with named elements, or with so many that are numbered."""
    word = document.name_of(element)
    names = [document.name_of(child).text for child in element.all("elem")]
    if not names:
        size = document.number(element, element.attributes.get("size", ""))
        if not size.is_integer() or not 1 <= size <= MOST_VARIABLES:
            told = f"{shown(word.text)} has the size {size:g}: write 1 to {MOST_VARIABLES:,}."
            raise document.refusal(element, told)
        # An element 1 alone would look like a step: x[1].
        names = [f"{word.text} {n}" for n in range(1, int(size) + 1)]
    if key_of(word.text) in document.dimensions:
        raise document.refusal(element, f"the dimension {shown(word.text)} is declared twice.")
    document.dimensions[key_of(word.text)] = Dimension(word, tuple(names))


def _clock(document: _Document, specs: Element) -> tuple[str, list[Definition]]:
    """The method, and the times as variables of the names that they have in Vensim."""
    asked = specs.attributes.get("method", "euler")
    wanted = [one.strip().casefold() for one in asked.split(",")]
    method = next((one for one in wanted if one in _METHODS), None)
    if method is None:
        told = f"the method is {shown(asked)}: Euler and RK4 alone are read."
        raise document.refusal(specs, told)
    unit = specs.attributes.get("time_units", "")
    clock = []
    for tag, name in (("stop", "FINAL TIME"), ("start", "INITIAL TIME"), ("dt", "TIME STEP")):
        element = next(specs.all(tag), None)
        if element is None and tag != "dt":
            raise document.refusal(specs, f"sim_specs has no {tag}: a run needs it.")
        value = document.number(element, element.text) if element else 1.0
        is_share = element is not None and element.attributes.get("reciprocal") == "true"
        if is_share and value == 0:
            raise document.refusal(element or specs, "dt is the reciprocal of 0.")
        word = Word(name, (element or specs).offset)
        formula = Literal(1 / value if is_share else value, word.offset)
        clock.append(Definition(word, formula, (), unit))
    saved = Word("SAVEPER", specs.offset)
    clock.append(Definition(saved, Reference("TIME STEP", specs.offset), (), unit))
    return method, clock


def _macro(document: _Document, element: Element, method: str) -> Macro:
    """A function of parameters, with variables of its own or without."""
    word = document.name_of(element)
    parameters = tuple(key_of(parameter.text) for parameter in element.all("parm"))
    if any(element.all("sim_specs")):
        raise document.refusal(
            element, f"the macro {word.text} has a clock of its own: leave it out."
        )
    own = [d for child in element.all("variables") for d in _variables(document, child, method)]
    equation = _single(document, element, "eqn")
    result = Definition(word, document.tokens(equation).equation())
    return Macro(word, parameters, (*own, result))


# -- variables -------------------------------------------------------------------------------------


def _variables(document: _Document, variables: Element, method: str) -> list[Definition]:
    """The variables of a model or macro; what flows out of a stock may be limited by it."""
    elements = [e for e in variables.children if e.name != "group" and ":" not in e.name]
    for element in elements:
        if element.name not in _READ:
            named = shown(element.attributes.get("name", ""))
            told = f"{named} is a {element.name}, and stocks, flows, auxiliaries and graphical "
            raise document.refusal(element, f"{told}functions alone are read.")
        shape = [document.name_of(dim).text for dim in _inside(element, "dimensions")]
        key = key_of(document.name_of(element).text)
        document.shapes[key] = shape
        if element.name == "flow" and _is_never_negative(document, element):
            document.uniflows.add(key)
    made = [d for element in elements for d in _definitions(document, element)]
    if len(made) > MOST_VARIABLES:
        told = f"there are more than {MOST_VARIABLES:,} variables (MOST_VARIABLES)."
        raise document.refusal(variables, told)
    places: dict[str, list[int]] = {}
    for place, definition in enumerate(made):
        places.setdefault(definition.key, []).append(place)
    for element in elements:
        if element.name == "stock" and _is_never_negative(document, element):
            _limit(document, element, made, places, method)
    return made


def _is_never_negative(document: _Document, element: Element) -> bool:
    said = next(element.all("non_negative"), None)
    if said is None:
        return element.name in document.never_negative
    return said.text.casefold() != "false"


def _definitions(document: _Document, element: Element) -> Iterator[Definition]:
    """A variable, or the elements of an array that have equations of their own."""
    word = document.name_of(element)
    known = _SILENT | _READ[element.name]
    for child in element.children:
        if child.name not in known and ":" not in child.name:
            kind = f"{shown(word.text)} is of the kind {element.name}"
            told = f"{kind}, and has the element {child.name}, which is not read there."
            raise document.refusal(child, told)
    unit = " ".join(next((child.text for child in element.all("units")), "").split())
    shape = [Word(document.name_of(d).text, d.offset) for d in _inside(element, "dimensions")]
    apart = list(element.all("element"))
    if not apart:
        yield Definition(word, _formula(document, element, element), tuple(shape), unit)
    for one in apart:
        places = [s.strip() for s in one.attributes.get("subscript", "").split(",")]
        if len(places) != len(shape):
            told = f"{shown(word.text)} has {len(shape)} dimensions: name an element of each."
            raise document.refusal(one, told)
        named = (_element(document, one, *pair) for pair in zip(shape, places, strict=True))
        yield Definition(word, _formula(document, element, one), tuple(named), unit)


def _element(document: _Document, element: Element, dimension: Word, place: str) -> Word:
    """An element by its name, or by its place in a dimension."""
    known = document.dimensions.get(key_of(dimension.text))
    if known is None or not re.fullmatch("[0-9]{1,6}", place):
        return Word(place, element.offset)
    if not 1 <= int(place) <= len(known.elements):
        told = f"{shown(dimension.text)} has no element {place}."
        raise document.refusal(element, told)
    return Word(known.elements[int(place) - 1], element.offset)


def _formula(document: _Document, variable: Element, element: Element) -> Syntax:
    """What a variable, or an element of it, follows from."""
    word = document.name_of(variable)
    equations = list(element.all("eqn")) or list(variable.all("eqn"))
    graph = next(element.all("gf"), next(variable.all("gf"), None))
    if variable.name == "gf":
        return _graph(document, variable)
    if graph is not None and not equations and variable.name == "aux":
        return _graph(document, graph)
    if len(equations) != 1 or not equations[0].text:
        told = f"{shown(word.text)} has {len(equations)} equations: write one eqn."
        raise document.refusal(element, told)
    formula = document.tokens(equations[0]).equation()
    if variable.name == "stock":
        if graph is not None:
            told = f"the stock {shown(word.text)} has a graphical function: let a flow have it."
            raise document.refusal(element, told)
        return Applied("integ", (_rate(document, variable), formula), word.offset)
    if graph is not None:
        formula = Applied("lookup", (_graph(document, graph), formula), graph.offset)
    if variable.name == "flow" and _is_never_negative(document, variable):
        return Applied("max", (formula, Literal(0.0, word.offset)), word.offset)
    return formula


def _flow(document: _Document, variable: Element, flow: Element) -> Reference:
    """A flow of a stock; of an array it is that of the same element."""
    tokens = document.tokens(flow)
    word = tokens.name("the name of a flow")
    if tokens.kind:
        tokens.refuse("the end of a name")
    shape = tuple(document.name_of(dim).text for dim in _inside(variable, "dimensions"))
    return Reference(word.text, word.offset, shape)


def _rate(document: _Document, stock: Element) -> Syntax:
    """What flows in, without what flows out."""
    count = sum(1 for child in stock.children if child.name in ("inflow", "outflow"))
    if count > MOST_PARTS:
        raise document.refusal(stock, f"a stock has more than {MOST_PARTS:,} flows (MOST_PARTS).")
    inward: list[Syntax] = [_flow(document, stock, flow) for flow in stock.all("inflow")]
    outward = [
        Applied("negative", (_flow(document, stock, flow),), flow.offset)
        for flow in stock.all("outflow")
    ]
    return _total(stock, [*inward, *outward])


def _total(stock: Element, flows: Sequence[Syntax]) -> Syntax:
    if len(flows) < 2:
        return flows[0] if flows else Literal(0.0, stock.offset)
    return Applied("+", tuple(flows), stock.offset)


def _limit(
    document: _Document,
    stock: Element,
    made: list[Definition],
    places: Mapping[str, Sequence[int]],
    method: str,
) -> None:
    """Let no more flow out of a stock in a step than is in it or flows in, the first flow first.

    An inflow that may be negative flows out then, and comes before the outflows. ``places`` are
    those that definitions have in ``made``, by their keys.
    """
    offset, word = stock.offset, document.name_of(stock)
    for place in places[key_of(word.text)]:
        _check_start(document, stock, made[place].formula)
    if method != "euler":
        told = f"{shown(word.text)} is never negative, which holds for whole steps: use Euler."
        raise document.refusal(stock, told)
    shape = tuple(document.name_of(dim).text for dim in _inside(stock, "dimensions"))
    own, step = Reference(word.text, offset, shape), Reference("TIME STEP", offset)
    room: list[Syntax] = [Applied("/", (own, step), offset)]
    for way in ("inflow", "outflow"):
        for element in stock.all(way):
            flow, most = _flow(document, stock, element), _total(stock, room)
            is_out, is_one_way = way == "outflow", flow.key in document.uniflows
            for place in places.get(flow.key, ()) if is_out or not is_one_way else ():
                bound = (_outward if is_out else _inward)(made[place].formula, most)
                made[place] = replace(made[place], formula=bound)
            room.append(Applied("negative", (flow,), element.offset) if is_out else flow)


def _check_start(document: _Document, stock: Element, formula: Syntax) -> None:
    """Raise ``FileError`` for a stock that is never negative, and starts below 0."""
    start = formula.arguments[-1] if isinstance(formula, Applied) else formula
    if isinstance(start, Literal) and start.value < 0:
        told = f"{shown(document.name_of(stock).text)} is never negative and starts from"
        raise document.refusal(stock, f"{told} {start.value:g}: let it start from 0 or more.")


def _outward(formula: Syntax, most: Syntax) -> Syntax:
    """A flow that takes no more out of a stock than there is."""
    return Applied("min", (formula, most), formula.offset)


def _inward(formula: Syntax, most: Syntax) -> Syntax:
    """The same of one into a stock, which takes out where it is negative."""
    if isinstance(formula, Literal) and formula.value >= 0:
        return formula
    return Applied("max", (formula, Applied("negative", (most,), most.offset)), formula.offset)


# -- graphical functions ---------------------------------------------------------------------------


def _graph(document: _Document, element: Element) -> GraphicalFunction:
    """The points of a graphical function; those of y are spread over the range of x."""
    kind = element.attributes.get("type", "continuous").casefold()
    if kind not in KINDS:
        told = f"a graphical function is {shown(kind)}: write one of {', '.join(KINDS)}."
        raise document.refusal(element, told)
    heights = _points(document, _single(document, element, "ypts"))
    given = next(element.all("xpts"), None)
    if given is not None:
        places = _points(document, given)
    else:
        scale = _single(document, element, "xscale")
        ends = [document.number(scale, scale.attributes.get(end, "")) for end in ("min", "max")]
        last = max(len(heights) - 1, 1)
        places = [ends[0] + i * (ends[1] - ends[0]) / last for i in range(len(heights))]
    if len(places) != len(heights):
        told = f"a graphical function has {len(places)} x and {len(heights)} y: write one for each."
        raise document.refusal(element, told)
    points = list(zip(places, heights, strict=True))
    return graph_of(document.source, points, kind, element.offset)


def _points(document: _Document, element: Element) -> list[float]:
    separator = element.attributes.get("sep") or ","
    return [document.number(element, text) for text in element.text.split(separator)]
