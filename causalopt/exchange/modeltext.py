"""Models in a text of our own, TOML with formulas: read without running anything, and written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from causalopt.exchange.formulas import work_of
from causalopt.exchange.text.entries import TomlEntry, entry_of, read_toml
from causalopt.exchange.text.models import model_in
from causalopt.exchange.text.questions import ModelQuestion, question_pairs, questions_in
from causalopt.exchange.text.symbols import symbols_in
from causalopt.exchange.text.toml import TomlValue, toml_document
from causalopt.exchange.text.writing import model_sections
from causalopt.ground.checks import as_path
from causalopt.ground.errors import CausaloptError, DeclarationError, TooLargeError
from causalopt.ground.files import replacement
from causalopt.ground.work import bounded
from causalopt.model.network import Network
from causalopt.model.system import System

_KEYS = (
    *(
        "title",
        "source",
        "dt",
        "method",
        "tolerance",
        "parameters",
        "symbols",
        "noises",
        "variables",
    ),
    *("events", "questions"),
)


@dataclass(frozen=True)
class ModelRecord:
    """A model as a file has it: what it is called, where it is from, and what is asked of it."""

    name: str
    title: str
    source: str
    model: System | Network
    questions: tuple[ModelQuestion, ...] = ()


def read_model(path: str | os.PathLike[str]) -> ModelRecord:
    """The model of a file in the package's own text, TOML.

    Nothing of the file is run: names are labels, and formulas are put together operation by
    operation from a list of what they may say (``formula_of``). A variable follows by ``next`` (its
    value in the next step), ``rate`` (of change), ``equals`` (an equation, a node of a network) or
    is ``start`` alone, a root. The record is called as the file is.

    Raises ``FileError``, with line and column, for what is no TOML, keys that are not known,
    formulas that cannot be read, what no model can be declared with, and what is too large.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "room.toml")
    >>> _ = path.write_text('''
    ... title = "A thermostat"
    ... [parameters]
    ... k = 0.1
    ... [variables.T]
    ... next = "R - 25"
    ... start = 10
    ... [variables.R]
    ... next = "R - k*T"
    ... start = 35
    ... [[questions]]
    ... A = "T"
    ... n = "R[0]"
    ... m = "R[10]"
    ... ''')
    >>> record = read_model(path)
    >>> record.name, record.questions[0].m
    ('room', R[10])
    >>> record.model
    System(
        T[i+1] = R - 25
        R[i+1] = R - T*k
        T[0] = 10.0
        R[0] = 35.0
        k = 0.1
    )
    """
    return _record(read_toml(path, "a model in text"), Path(path).stem)


def write_model(
    path: str | os.PathLike[str],
    model: System | Network,
    questions: Iterable[ModelQuestion] = (),
    *,
    title: str = "",
    source: str = "",
) -> None:
    """Write a model, with questions to it, as text that ``read_model`` reads back as equal.

    A file that is there is replaced as a whole or not at all. What is written is read once before
    that, and has to be equal.

    Raises ``DeclarationError`` for what no text says: functions, solvers, arrays, laws of other
    libraries, and nodes that are no variables.
    """
    asked = tuple(questions)
    head: dict[str, TomlValue] = {"title": title} if title else {}
    head |= {"source": source} if source else {}
    told, sections = model_sections(model)
    sections += [("[[questions]]", question_pairs(question)) for question in asked]
    text = toml_document({**head, **told}, sections)
    place = as_path(path, "path", "model.toml")
    _check_same(text, ModelRecord(place.stem, title, source, model, asked))
    with replacement(place) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _check_same(text: str, wanted: ModelRecord) -> None:
    """Raise ``DeclarationError`` where a text would not be read back as what it was made of."""
    try:
        found = _record(entry_of("the text", text), wanted.name)
    except CausaloptError as error:
        raise DeclarationError(f"This model cannot be written as text: {error}") from None
    if found != wanted:
        parts = ("title", "source", "model", "questions")
        differs = [part for part in parts if getattr(found, part) != getattr(wanted, part)]
        raise DeclarationError(
            f"This model cannot be written as text, which would be read as another {differs[0]}: "
            "nodes and laws are not in the order, or not of the kind, in which a declaration by "
            "Network(...), System(...) or System.from_ode(...) has them."
        )


def _record(file: TomlEntry, name: str) -> ModelRecord:
    work = work_of(len(file.file.source.text))
    try:
        with bounded("The model", "declare it in smaller parts", work):
            return _declared(file, name)
    except TooLargeError as error:
        raise TomlEntry(file.file, file.file.at, None).refusal(str(error)) from None
    except RecursionError:
        raise TomlEntry(file.file, file.file.at, None).refusal("this is nested too deep.") from None


def _declared(file: TomlEntry, name: str) -> ModelRecord:
    file.table(_KEYS)
    title, source = (file[key].text() if key in file else "" for key in ("title", "source"))
    words = symbols_in(file)
    model = model_in(file, words)
    return ModelRecord(name, title, source, model, questions_in(file, words, model))
