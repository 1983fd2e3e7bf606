"""Vensim's .mdl text of stock-and-flow models: read into a system."""

from __future__ import annotations

import os

from causalopt.exchange.dynamics.assembly import system_of
from causalopt.exchange.dynamics.vensim_text import outline_of_vensim
from causalopt.exchange.reading import FileText
from causalopt.model.system import System


def read_vensim(path: str | os.PathLike[str]) -> System:
    """The system of a Vensim model, in the text that Vensim saves as .mdl.

    Stocks (``INTEG``) have rates, flows and auxiliaries hold at each moment, and both are nodes.
    What follows from numbers alone is a parameter, ``TIME STEP`` and ``FINAL TIME`` too; the step
    is ``TIME STEP``, the method that of the settings, and ``steps_of`` says how many steps there
    are. Arrays have a variable for each element, "x[North]"; delays, smooths and macros have
    variables of their own, "stage 1 of SMOOTH N in x". Names are labels: no text of a file runs.

    A unit is kept where it is understood and all agree; a ``RuntimeWarning`` says where not. Draws
    of chance start from their median, and then follow the seed of a world.

    Raises ``FileError``, with line and column, for what is no such text, functions that are not
    read, names that are not declared, formulas that run in a circle, values at the start that are
    no finite numbers, and more than is read.

    Source: Ventana Systems, Vensim Reference Manual.

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "cup.mdl")
    >>> _ = path.write_text('''
    ... Cup = INTEG(-Loss, 90) ~ ~ |
    ... Loss = (Cup - Room) / 10 ~ ~ |
    ... Room = 20 ~ ~ |
    ... INITIAL TIME = 0 ~~| FINAL TIME = 30 ~~| TIME STEP = 0.5 ~~|
    ... ''')
    >>> read_vensim(path)
    System(
        dCup/dt = -Loss
        Loss = Cup/10 - Room/10
        Cup[0] = 90.0
        Room = 20.0
        INITIAL TIME = 0.0
        FINAL TIME = 30.0
        TIME STEP = 0.5
    )
    """
    return system_of(outline_of_vensim(FileText.of(path, "a model in Vensim's text")))
