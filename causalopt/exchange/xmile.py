"""XMILE, the XML format of stock-and-flow models: read into a system."""

from __future__ import annotations

import os

from causalopt.exchange.dynamics.assembly import system_of
from causalopt.exchange.dynamics.xmile_outline import outline_of_xmile
from causalopt.exchange.elements import root_of
from causalopt.exchange.reading import FileText
from causalopt.model.system import System


def read_xmile(path: str | os.PathLike[str]) -> System:
    """The system of an XMILE file, of which Stella's .stmx and .itmx are.

    Nodes, parameters, names, units, draws and errors are those of ``read_vensim``, and the times of
    ``sim_specs`` have the names that they have there. Entities in XML are refused, and nothing else
    is opened. A stock that is never negative lets no more flow out in a step than is in it or
    flows in, its first outflow first.

    Raises ``FileError``, with line and column, for what is no XMILE, for modules, conveyors, queues
    and ovens, and for what ``read_vensim`` refuses.

    Source: OASIS, "XML Interchange Language for System Dynamics (XMILE) Version 1.0" (2015).

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "cup.xmile")
    >>> _ = path.write_text('''
    ... <xmile><sim_specs><start>0</start><stop>30</stop><dt>0.5</dt></sim_specs>
    ... <model><variables>
    ...   <stock name="Cup"><eqn>90</eqn><outflow>Loss</outflow></stock>
    ...   <flow name="Loss"><eqn>(Cup - Room) / 10</eqn></flow>
    ...   <aux name="Room"><eqn>20</eqn></aux>
    ... </variables></model></xmile>
    ... ''')
    >>> read_xmile(path)
    System(
        dCup/dt = -Loss
        Loss = Cup/10 - Room/10
        Cup[0] = 90.0
        FINAL TIME = 30.0
        INITIAL TIME = 0.0
        TIME STEP = 0.5
        SAVEPER = TIME STEP
        Room = 20.0
    )
    """
    source = FileText.of(path, "a model in XMILE")
    return system_of(outline_of_xmile(source, root_of(source)))
