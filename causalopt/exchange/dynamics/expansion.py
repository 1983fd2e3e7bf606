"""Macros, delays and draws written out: each use has variables of its own, named by where it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from causalopt.exchange.chances import Word
from causalopt.exchange.dynamics.chance import LAWS
from causalopt.exchange.dynamics.evaluation import folded, value_of
from causalopt.exchange.dynamics.labels import NewLabels
from causalopt.exchange.dynamics.library import MOST_STAGES, STAGES, macro_of_order, own_macros
from causalopt.exchange.dynamics.operations import OPERATORS, Operator, places_of_choices
from causalopt.exchange.dynamics.syntax import (
    MOST_PARTS_IN_ALL,
    MOST_VARIABLES,
    Applied,
    Definition,
    Delayed,
    Draw,
    GraphicalFunction,
    Literal,
    Macro,
    Outline,
    Reference,
    Syntax,
    by_other_name,
    key_of,
    parts_in,
    references_in,
    rewritten,
)
from causalopt.ground.checks import shown
from causalopt.ground.errors import FileError, nearest

#: How deep macros may use one another.
MOST_MACROS = 20
#: The most variables that few words may stand for, beside some for each variable of a file.
MOST_MADE = 200
_MOST_FOR_EACH = 10
# A run looks back no further.
_MOST_STEPS = 10_000
_STEP = "TIME STEP"
# Lookups that read a graphical function in another way than it says itself.
_KINDS = {"lookup": "", "lookup extrapolate": "extrapolate", "lookup backward": "discrete"}
_HALF = np.array([0.5])
# What holds for a step as a whole, and so has no meaning at the stages inside of one.
_STEPWISE = frozenset({"sample if true", *(name for name, _ in LAWS)})


@dataclass
class _Use:
    """A definition that may use macros, and those that it is a part of."""

    definition: Definition
    inside: tuple[str, ...] = ()


@dataclass
class _Expansion:
    """The definitions of a file that grow as what they use is written out."""

    outline: Outline
    given: dict[str, Definition]
    labels: NewLabels
    written: int
    waiting: deque[_Use] = field(default_factory=deque)
    made: list[Definition] = field(default_factory=list)
    parts: int = 0
    # What constants come to: each is looked for once.
    constants: dict[str, float] = field(default_factory=dict)

    def refusal(self, offset: int, message: str) -> FileError:
        return self.outline.source.refusal(offset, message)

    def run(self) -> list[Definition]:
        while self.waiting:
            use = self.waiting.popleft()
            self.keep(use.definition, _WritingOut(self, use).whole(use.definition.formula))
        return self.made

    def keep(self, definition: Definition, formula: Syntax) -> None:
        """Keep what a definition comes to."""
        formula = folded(self.outline.source, formula)
        self.parts += sum(1 for _ in parts_in(formula))
        self.made.append(replace(definition, formula=formula))
        self.check_count(definition.name.offset)
        if self.parts > MOST_PARTS_IN_ALL:
            told = f"formulas, written out, have more than {MOST_PARTS_IN_ALL:,} parts"
            raise self.refusal(definition.name.offset, f"{told} (MOST_PARTS_IN_ALL).")

    def check_count(self, offset: int) -> None:
        """Raise ``FileError`` for more variables than are read, or than a file may stand for."""
        count = len(self.made) + len(self.waiting)
        if count - self.written > MOST_MADE + _MOST_FOR_EACH * self.written:
            told = f"macros and delays stand for more than {MOST_MADE} variables, and"
            told = f"{told} {_MOST_FOR_EACH} for each that is written here"
            raise self.refusal(offset, f"{told} (MOST_MADE).")
        if count > MOST_VARIABLES:
            told = f"with the parts of macros there are more than {MOST_VARIABLES:,} variables"
            raise self.refusal(offset, f"{told} (MOST_VARIABLES).")

    def constant(self, formula: Syntax, seen: frozenset[str] = frozenset()) -> float | None:
        """The number that a formula of constants comes to; None of another."""
        for reference in references_in(formula):
            key, definition = reference.key, self.given.get(reference.key)
            if key in self.constants:
                continue
            if definition is None or key in seen or len(seen) > MOST_MACROS:
                return None
            found = self.constant(definition.formula, seen | {key})
            if found is None:
                return None
            self.constants[key] = found
        if not all(_is_plain(part) for part in parts_in(formula)):
            return None
        return value_of(self.outline.source, formula, self.constants)


def _is_plain(part: Syntax) -> bool:
    """Whether a part has a value by itself."""
    if isinstance(part, Applied):
        return part.function in OPERATORS
    return isinstance(part, Literal | Reference)


def flat(outline: Outline, definitions: Sequence[Definition]) -> list[Definition]:
    """Definitions of operators, stocks (``integ``), draws and delays alone.

    Raises ``FileError`` for a function that is not known, macros that use themselves, and more
    variables than are read.
    """
    given = {d.key: d for d in definitions}
    for macro in outline.macros.values():
        _check_macro(outline, macro)
    expansion = _Expansion(outline, given, NewLabels(set(given)), len(given))
    expansion.waiting.extend(
        _Use(d) for d in definitions if not isinstance(d.formula, GraphicalFunction)
    )
    return expansion.run()


@dataclass
class _WritingOut:
    """The formula of one definition, as it is written out."""

    all: _Expansion
    use: _Use

    @property
    def owner(self) -> str:
        return self.use.definition.name.text

    def whole(self, formula: Syntax) -> Syntax:
        """A whole formula, which alone may be a stock."""
        if not isinstance(formula, Applied) or formula.function != "integ":
            return rewritten(formula, self.part)
        if len(formula.arguments) != 2:
            told = "INTEG has a rate and an initial value: write INTEG(rate, initial)."
            raise self.all.refusal(formula.offset, told)
        inner = tuple(rewritten(part, self.part) for part in formula.arguments)
        return replace(formula, arguments=inner)

    def part(self, part: Syntax) -> Syntax:
        """A part of a formula, whose own parts are written out."""
        if not isinstance(part, Applied):
            return part
        graph = self.all.given.get(part.function)
        if graph is not None and isinstance(graph.formula, GraphicalFunction):
            named = Reference(graph.name.text, part.offset)
            part = replace(part, function="lookup", arguments=(named, *part.arguments))
        if part.function not in self.all.outline.macros:
            part = by_other_name(part, self.all.outline.other_names)
        if part.function in _STEPWISE and self.all.outline.method != "euler":
            told = f"{part.function.upper()} holds for a step as a whole: integrate by Euler."
            raise self.all.refusal(part.offset, told)
        return self.function(part)

    def function(self, part: Applied) -> Syntax:
        macro = self.all.outline.macros.get(part.function) or self.own_macro(part)
        if macro is not None:
            return self.macro(macro, part)
        if part.function in _KINDS:
            return self.lookup(part)
        if (part.function, len(part.arguments)) in LAWS:
            return self.drawn(part)
        if part.function == "delay fixed":
            return self.delay(part)
        operator = OPERATORS.get(part.function)
        if operator is None:
            raise self.all.refusal(part.offset, _unknown(part, self.all.outline))
        if not operator.least <= len(part.arguments) <= operator.most:
            told = f"{part.function.upper()} has {_arguments(len(part.arguments))} here"
            raise self.all.refusal(part.offset, f"{told}, and takes {_range(operator)}.")
        return self.chosen(part)

    def chosen(self, part: Applied) -> Syntax:
        """The same, where no branch is chosen by choices upon choices."""
        arguments, title = list(part.arguments), f"input of {part.function.upper()}"
        for place in places_of_choices(part):
            arguments[place] = self.named(arguments[place], title, part.offset)
        return replace(part, arguments=tuple(arguments))

    def named(self, formula: Syntax, text: str, offset: int) -> Syntax:
        """A formula as a variable of its own, if it is more than a name or a number."""
        if isinstance(formula, Reference | Literal):
            return formula
        word = Word(self.all.labels.label(f"{text} in {self.owner}"), offset)
        self.all.keep(Definition(word, formula), formula)
        return Reference(word.text, offset)

    def lookup(self, part: Applied) -> Syntax:
        """A graphical function of a variable."""
        if len(part.arguments) != 2:
            count = _arguments(len(part.arguments) - 1)
            told = f"a graphical function has {count} here: write one."
            raise self.all.refusal(part.offset, told)
        graph, inner = part.arguments
        name = graph.name if isinstance(graph, Reference) else "a graphical function"
        if isinstance(graph, Reference) and graph.key in self.all.given:
            graph = self.all.given[graph.key].formula
        if not isinstance(graph, GraphicalFunction):
            raise self.all.refusal(part.offset, f"{shown(name)} is no graphical function here.")
        graph = replace(graph, kind=_KINDS[part.function] or graph.kind)
        inner = self.named(inner, f"input of {name}", part.offset)
        return replace(part, function="lookup", arguments=(graph, inner))

    # -- macros ------------------------------------------------------------------------------------

    def own_macro(self, part: Applied) -> Macro | None:
        """The macro of Vensim's that a function is, where it is one."""
        if part.function not in STAGES:
            return own_macros(self.all.outline.method).get(part.function)
        order = self.all.constant(part.arguments[-1]) if len(part.arguments) == 4 else None
        if order is None or not order.is_integer() or not 1 <= order <= MOST_STAGES:
            told = (
                f"{part.function.upper()} takes an input, a time, an initial value and an order, a "
                f"constant whole number from 1 to {MOST_STAGES} (MOST_STAGES)."
            )
            raise self.all.refusal(part.offset, told)
        return macro_of_order(part.function, int(order))

    def macro(self, macro: Macro, part: Applied) -> Syntax:
        """The result of a macro, whose variables are made for this one use."""
        # The order of a delay is in its macro already.
        arguments = part.arguments[:3] if part.function in STAGES else part.arguments
        if len(arguments) != len(macro.parameters):
            told = (
                f"{part.function.upper()} has {_arguments(len(arguments))} here, and takes "
                f"{len(macro.parameters)}."
            )
            raise self.all.refusal(part.offset, told)
        inside = (*self.use.inside, part.function)
        if part.function in self.use.inside or len(inside) > MOST_MACROS:
            told = f"the macro {macro.name.text} uses itself, through {' -> '.join(inside)}."
            raise self.all.refusal(part.offset, told)
        return self.used(macro, arguments, part, inside)

    def used(
        self, macro: Macro, arguments: Sequence[Syntax], part: Applied, inside: tuple[str, ...]
    ) -> Syntax:
        """The variables of a macro, made once more, and the one that is its result."""
        title, result, offset = macro.name.text, key_of(macro.name.text), part.offset
        names: dict[str, Syntax] = {
            parameter: self.named(argument, f"{parameter} of {title}", offset)
            for parameter, argument in zip(macro.parameters, arguments, strict=True)
        }
        # What is told of a function of Vensim's is told where it is used.
        anchor = None if part.function in self.all.outline.macros else offset
        if anchor is not None and _is_one_formula(macro):
            return _with_names(macro.definitions[0].formula, names, anchor, result)
        words: dict[str, Word] = {}
        for inner in macro.definitions:
            whose = title if inner.key == result else f"{inner.name.text} of {title}"
            label = self.all.labels.label(f"{whose} in {self.owner}")
            words[inner.key] = Word(label, inner.name.offset if anchor is None else anchor)
        names |= {key: Reference(*word) for key, word in words.items()}
        for inner in macro.definitions:
            formula = _with_names(inner.formula, names, anchor, result)
            own = Definition(words[inner.key], formula, (), inner.unit)
            if isinstance(formula, GraphicalFunction):
                self.all.given[own.key] = own
            else:
                self.all.waiting.append(_Use(own, inside))
        self.all.check_count(offset)
        return names[result]

    # -- chance, and delays ------------------------------------------------------------------------

    def drawn(self, part: Applied) -> Syntax:
        """A draw as a variable, which has a new value at each step; it starts from the median."""
        title = part.function.upper()
        given = [self.all.constant(argument) for argument in part.arguments]
        law, formula = LAWS[part.function, len(part.arguments)](
            self.all.outline.source, part, given
        )
        word = Word(self.all.labels.label(f"{title} in {self.owner}"), part.offset)
        own, step = Reference(word.text, part.offset), Reference(_STEP, part.offset)
        draw = Draw(f"draw of {word.text}", law, part.offset)
        change = Applied("+", (draw, Applied("negative", (own,), part.offset)), part.offset)
        rate = Applied("/", (change, step), part.offset)
        median = Literal(float(law.quantiles(_HALF)[0]), part.offset)
        stock = Applied("integ", (rate, median), part.offset)
        self.all.keep(Definition(word, stock), stock)
        return formula(own)

    def delay(self, part: Applied) -> Syntax:
        """A fixed delay: what a variable was a whole number of steps before."""
        if len(part.arguments) != 3:
            told = "a fixed delay has an input, a time, and an initial value."
            raise self.all.refusal(part.offset, told)
        inner, time, initial = part.arguments
        given, step = self.all.constant(time), self.all.constant(Reference(_STEP, part.offset))
        if given is None or step is None or step <= 0:
            told = "the time of a fixed delay is a constant here: use DELAY N for one that changes."
            raise self.all.refusal(part.offset, told)
        steps = max(1, round(given / step)) if 0 <= given / step <= _MOST_STEPS else None
        if steps is None:
            why = "below 0" if given < 0 else f"more than {_MOST_STEPS:,} steps of {step:g}"
            raise self.all.refusal(part.offset, f"a delay of {given:g} is {why}: write another.")
        word = Word(self.all.labels.label(f"input of DELAY FIXED in {self.owner}"), part.offset)
        self.all.keep(Definition(word, inner), inner)
        past = Delayed(Reference(word.text, part.offset), steps * step, initial, part.offset)
        if self.all.constant(initial) is not None:
            return past
        # What was before the start is no constant, and so kept as a stock that stays.
        kept = self.function(Applied("initial", (initial,), part.offset))
        end = Literal((steps - 0.5) * step, part.offset)
        first = Reference("INITIAL TIME", part.offset)
        begun = Applied(
            "<",
            (Reference("Time", part.offset), Applied("+", (first, end), part.offset)),
            part.offset,
        )
        return Applied(
            "if", (begun, kept, replace(past, before=Literal(0.0, part.offset))), part.offset
        )


def _check_macro(outline: Outline, macro: Macro) -> None:
    """Raise ``FileError`` for a macro that has no result, or arrays in it."""
    if key_of(macro.name.text) not in {d.key for d in macro.definitions}:
        told = f"the macro {macro.name.text} does not say what {macro.name.text} is."
        raise outline.source.refusal(macro.name.offset, told)
    for definition in macro.definitions:
        if definition.subscripts or any(r.subscripts for r in references_in(definition.formula)):
            told = f"the macro {macro.name.text} has arrays in it, which are read outside alone."
            raise outline.source.refusal(definition.name.offset, told)


def _is_one_formula(macro: Macro) -> bool:
    """Whether a macro has no variables but its result, which is no stock."""
    formula = macro.definitions[0].formula
    is_stock = isinstance(formula, Applied) and formula.function == "integ"
    return len(macro.definitions) == 1 and not is_stock


def _with_names(
    formula: Syntax, names: Mapping[str, Syntax], anchor: int | None, result: str
) -> Syntax:
    """A formula of a macro with what its names stand for, told where ``anchor`` is."""

    def change(part: Syntax) -> Syntax:
        if isinstance(part, Reference) and part.key in names:
            return names[part.key]
        if isinstance(part, Applied):
            # A graphical function may be what a name stands for.
            graph = names.get(part.function)
            if isinstance(graph, Reference) and part.function != result:
                part = replace(part, function=graph.key)
        return part if anchor is None else replace(part, offset=anchor)

    return rewritten(formula, change)


def _range(operator: Operator) -> str:
    if operator.least == operator.most:
        return str(operator.least)
    few = operator.most <= operator.least + 1
    return f"{operator.least} or {operator.most}" if few else f"{operator.least} or more"


def _arguments(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


def _unknown(part: Applied, outline: Outline) -> str:
    """What to say of a function that is not known."""
    words = [name for name in OPERATORS if name.isalnum()]
    macros = [*own_macros(outline.method), *outline.macros, *STAGES, *(name for name, _ in LAWS)]
    known = [*words, *macros, *(name for name, _ in outline.other_names)]
    hint = nearest(part.function, known)
    if part.function == "integ":
        return "INTEG stands alone, as name = INTEG(rate, initial): give it a variable of its own."
    count = _arguments(len(part.arguments))
    told = f"the function {shown(part.function.upper())} of {count} is not read"
    return f"{told}.{hint if 'Did you mean' in hint else ''}"
