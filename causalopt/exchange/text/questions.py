"""Questions to a model in text: nodes by their names and steps, and what is swept; the way back."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sympy import Symbol

from causalopt.exchange.formula_texts import name_text
from causalopt.exchange.text.entries import TomlEntry
from causalopt.exchange.text.symbols import Words
from causalopt.exchange.text.toml import TomlValue
from causalopt.ground.checks import as_float, shown
from causalopt.ground.errors import DeclarationError, nearest
from causalopt.ground.readonly import ReadOnly
from causalopt.language.domains import Domain, domain_of
from causalopt.language.quantities import Parameter
from causalopt.language.symbols import Label, Moment, Node, Nodes, NodeSet, Span, Variable
from causalopt.model.interface import Model
from causalopt.model.selection import Stretch

#: The most questions of a file, nodes of one, and values of all that one sweeps.
MOST_QUESTIONS, MOST_NODES_NAMED, MOST_SWEPT = 100, 1_000, 1_000_000
#: The most steps of a question.
MOST_STEPS = 10_000_000

_KEYS = ("A", "n", "m", "steps", "delta", "over")
_NODE = re.compile(
    r"""\s*(?:(?P<name>[^\W\d]\w*)|'(?P<quoted>(?:[^'\\]|\\['\\])*)')\s*
    (?:\[\s*(?P<first>[0-9]+)?\s*(?:(?P<to>:)\s*(?P<last>[0-9]+)?\s*)?\]
    |\.\s*at\(\s*(?P<at>[-+.0-9eE]{1,40})\s*\)
    |\.\s*between\(\s*(?P<begin>[-+.0-9eE]{1,40})\s*,\s*(?P<end>[-+.0-9eE]{1,40})\s*\))?\s*""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class ModelQuestion:
    """How much A compresses at m a difference made at n, as a file asks it.

    ``A`` is one set of nodes or a tuple of them; the rest is as ``Question`` takes it, ``over``
    with tuples of values.
    """

    A: Nodes
    n: Nodes | None = None
    m: Nodes | None = None
    steps: int | None = None
    delta: float | None = None
    over: Mapping[Hashable, tuple[float | str | int, ...]] = ReadOnly({})

    def __post_init__(self) -> None:
        A = tuple(self.A) if isinstance(self.A, list) else self.A
        object.__setattr__(self, "A", A)
        swept = {key: tuple(values) for key, values in self.over.items()}
        object.__setattr__(self, "over", ReadOnly(swept))


def questions_in(file: TomlEntry, words: Words, model: Model) -> tuple[ModelQuestion, ...]:
    """The questions that a file asks of its model.

    Raises ``FileError``, with its place, for what the model has not: nodes beyond the last step, an
    n that is not one node, what no sweep takes, and values that it cannot have.
    """
    held = file.get("questions")
    asked = held.each() if held else []
    if len(asked) > MOST_QUESTIONS:
        raise asked[MOST_QUESTIONS].refusal(f"more than {MOST_QUESTIONS} questions are asked.")
    return tuple(_question(entry, words, model) for entry in asked)


def _question(entry: TomlEntry, words: Words, model: Model) -> ModelQuestion:
    entry.table(_KEYS)
    held = entry.get("A")
    if held is None:
        raise entry.refusal('a question says which part is held: write A = "T".')
    n, m, steps, delta = (entry.get(key) for key in ("n", "m", "steps", "delta"))
    question = ModelQuestion(
        _held(held, words),
        None if n is None else _nodes(n, words),
        None if m is None else _nodes(m, words),
        None if steps is None else steps.whole(1, MOST_STEPS),
        None if delta is None else delta.number(),
        _swept(entry, words, model),
    )
    if delta is not None and question.delta == 0:
        raise delta.refusal("delta is 0: write a small difference, or leave it out.")
    _check_nodes(entry, question, model)
    return question


def _check_nodes(entry: TomlEntry, question: ModelQuestion, model: Model) -> None:
    """Whether a model has the nodes of a question, in a run of its length."""
    n, m, steps = question.n, question.m, question.steps
    if m is not None and steps is None:
        named = [m, question.A, *([] if n is None else [n])]
        steps = entry["m"].asked(lambda: _run_length(model, named))
    elif steps is not None:
        steps = entry["steps"].asked(lambda: model.run_length(question.steps))
    elif n is not None and model.has_time:
        told = "the question says not how long it runs: write m, what is looked at, such as"
        raise entry["n"].refusal(
            f'{told} m = "{next(iter(model.series)).name}[10]", or steps = 10.'
        )
    held = entry["A"].asked(lambda: model.select(question.A, steps))
    if m is not None:
        _check_outside(entry["m"], held, entry["m"].asked(lambda: model.select(m, steps)))
    if n is not None:
        _check_outside(entry["n"], held, [entry["n"].asked(lambda: model.single(n, steps, "n"))])


def _run_length(model: Model, named: Sequence[Nodes]) -> int | None:
    """The steps up to the last node that is named."""
    steps = model.run_length(None, named)
    if steps is not None:
        _check_length(steps)
    return steps


def _check_outside(entry: TomlEntry, held: Sequence[Stretch], places: Sequence[Stretch]) -> None:
    """What is nudged, and what is looked at, lies outside A."""
    if all(any(one.covers(place) for one in held) for place in places):
        why = "no difference could be made there" if entry.name == "n" else "it shows none"
        told = f"{entry.name} lies inside A, where Y has the values of W, so that {why}: choose"
        raise entry.refusal(f"{told} {entry.name} outside A, or leave it out of A.")


def _held(entry: TomlEntry, words: Words) -> Nodes:
    """The nodes of A: one set of them, or a list."""
    if not isinstance(entry.value, list):
        return _nodes(entry, words)
    sets = entry.each()
    if not 0 < len(sets) <= MOST_NODES_NAMED:
        raise entry.refusal(f"A names {len(sets)} sets of nodes: write 1 to {MOST_NODES_NAMED:,}.")
    return tuple(_nodes(one, words) for one in sets)


#: Nodes of one variable.
NamedNodes = Variable | Node | NodeSet | Moment | Span


def _nodes(entry: TomlEntry, words: Words) -> NamedNodes:
    """The nodes that a text names: R, R[3], R[0:10], R.at(2.5) or R.between(0, 10)."""
    found = _NODE.fullmatch(entry.text()) if len(entry.text()) <= 2_000 else None
    if found is None:
        told = f"{shown(entry.value)} names no nodes: write R, R[3], R[0:10], R.at(2.5) or"
        raise entry.refusal(f"{told} R.between(0, 10), a name with other letters in 'quotes'.")
    name = found["name"] or re.sub(r"\\(.)", r"\1", found["quoted"] or "")
    variable = words.symbols.get(name)
    if not isinstance(variable, Variable):
        known = [name for name, one in words.symbols.items() if isinstance(one, Variable)]
        hint = nearest(name, known) if len(known) <= 100 else ""
        raise entry.refusal(f"{shown(name)} is no variable of this file.{hint}")
    return entry.asked(lambda: _indexed(variable, found))


def _indexed(variable: Variable, found: re.Match[str]) -> NamedNodes:
    if found["at"]:
        return variable.at(_time(found["at"]))
    if found["begin"]:
        return variable.between(_time(found["begin"]), _time(found["end"]))
    first, last = (_step(found, key) for key in ("first", "last"))
    if found["to"]:
        return variable[slice(first, last)]
    if first is None and "[" in found[0].rsplit("'")[-1]:
        raise DeclarationError(f"write a step, such as {variable}[0].")
    return variable if first is None else variable[first]


def _step(found: re.Match[str], key: str) -> int | None:
    digits = found[key]
    if digits is None:
        return None
    step = int(digits)
    _check_length(step - (key == "last"))
    return step


def _check_length(steps: int) -> None:
    """Whether a run of so many steps can be asked of a file."""
    if steps > MOST_STEPS:
        told = f"a node {shown(steps)} steps after the start is named, and a question has a run of"
        raise DeclarationError(
            f"{told} {MOST_STEPS:,} steps at most (MOST_STEPS): name an earlier one."
        )


def _time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DeclarationError(f"{text!r} is no time: write a number, such as 2.5.") from None


def _swept(
    entry: TomlEntry, words: Words, model: Model
) -> Mapping[Hashable, tuple[float | str | int, ...]]:
    held = entry.get("over")
    over: dict[Hashable, tuple[float | str | int, ...]] = {}
    points = 1
    for one in held.table().items() if held else ():
        key = _key(one, words)
        one.asked(functools.partial(model.check_swept, key), of_key=True)
        values = _values(one, domain_of(getattr(key, "variable", key)))
        if key in over:
            raise one.refusal(f"{one.name} is swept twice.", of_key=True)
        points *= len(values)
        if points > MOST_SWEPT:
            raise one.refusal(f"more than {MOST_SWEPT:,} points are swept (MOST_SWEPT).")
        over[key] = values
    return over


def _key(entry: TomlEntry, words: Words) -> Hashable:
    """A parameter by its name, or a node."""
    symbol = words.symbols.get(entry.name)
    if isinstance(symbol, Parameter | Variable):
        return symbol
    return _nodes(TomlEntry(entry.file, entry.path, entry.name), words)


def _values(entry: TomlEntry, domain: Domain) -> tuple[float | str | int, ...]:
    """Values of a domain as they are listed, or so many from one number to another."""
    if isinstance(entry.value, dict):
        entry.table(("from", "to", "count"))
        missing = [key for key in ("from", "to", "count") if key not in entry]
        if missing:
            raise entry.refusal(f"{missing[0]} is missing: write {{from = 0, to = 1, count = 11}}.")
        count = entry["count"].whole(2, MOST_SWEPT)
        for end in ("from", "to"):
            _value(entry[end], domain, entry.name)
        row = np.linspace(entry["from"].number(), entry["to"].number(), count)
        return tuple(row.tolist())
    values = entry.each()
    if not 0 < len(values) <= MOST_SWEPT:
        raise entry.refusal(f"{len(values)} values are swept: write 1 to {MOST_SWEPT:,}.")
    return tuple(_value(one, domain, entry.name) for one in values)


def _value(entry: TomlEntry, domain: Domain, name: str) -> float | str | int:
    """A value that what is swept can have."""
    value = entry.text() if isinstance(entry.value, str) else entry.number()
    entry.asked(lambda: domain.code(value, f"A value of {name}"))
    return value


# -- the way back ----------------------------------------------------------------------------------


def question_pairs(question: ModelQuestion) -> dict[str, TomlValue]:
    """What a file says of a question.

    Raises ``DeclarationError`` for nodes that no text names: parts of arrays, labels.
    """
    held = question.A if isinstance(question.A, tuple) else None
    pairs: dict[str, TomlValue] = {
        "A": nodes_text(question.A) if held is None else [*map(nodes_text, held)]
    }
    named = {"n": question.n, "m": question.m}
    pairs |= {key: nodes_text(nodes) for key, nodes in named.items() if nodes is not None}
    numbers = {"steps": question.steps, "delta": question.delta}
    pairs |= {key: number for key, number in numbers.items() if number is not None}
    if question.over:
        pairs["over"] = {
            key.name if isinstance(key, Symbol) else nodes_text(key): [*map(_plain, values)]
            for key, values in question.over.items()
        }
    return pairs


def _plain(value: object) -> TomlValue:
    if isinstance(value, str):
        return value
    number = as_float(value)
    if number is None or not math.isfinite(number):
        raise DeclarationError(f"{shown(value)} is swept: write numbers, or the names of values.")
    return number


def nodes_text(nodes: Nodes | Label) -> str:
    """Nodes as a question names them.

    >>> from causalopt.language.symbols import variable
    >>> R = variable("R")
    >>> [nodes_text(nodes) for nodes in (R, R[3], R[2:], R.at(0.5), variable("heat flow")[0])]
    ['R', 'R[3]', 'R[2:]', 'R.at(0.5)', "'heat flow'[0]"]
    """
    if isinstance(nodes, Variable) and not getattr(nodes.domain, "shape", ()):
        return name_text(nodes.name)
    if not isinstance(nodes, Node | NodeSet | Moment | Span):
        told = f"{shown(nodes)} ({type(nodes).__name__}) names no nodes in a model in text: write"
        raise DeclarationError(f"{told} R, R[3], R[0:10], R.at(2.5) or R.between(0, 10).")
    name = name_text(nodes.variable.name)
    if isinstance(nodes, Node):
        return f"{name}[{nodes.step}]"
    if isinstance(nodes, NodeSet):
        return f"{name}[{nodes.start}:{'' if nodes.stop is None else nodes.stop}]"
    if isinstance(nodes, Moment):
        return f"{name}.at({nodes.time!r})"
    return f"{name}.between({nodes.start!r}, {nodes.stop!r})"
