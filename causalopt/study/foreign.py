"""Models in other people's formats as small studies: which suffix is read by what."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from causalopt.ground.errors import FileError
from causalopt.study.courses import experiments_over_time
from causalopt.study.record import Experiment, Study

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from causalopt.drawing import Drawing
    from causalopt.model.network import Network
    from causalopt.model.system import System

# A graph of more nodes, or a figure of more bars, is no picture of anything.
_MOST_NODES, _MOST_BARS = 150, 60

#: How models in SBML are run where nothing else is said: the length of a step in the file's unit of
#: time, by rk4, and how many of them.
SBML_STEP, SBML_STEPS = 0.01, 10_000


@dataclass(frozen=True)
class Format:
    """How files of a suffix become a model, and what is computed of it where nothing is asked.

    ``others`` are formats of the same suffix, by the name of the outermost element of their files.
    """

    name: str
    read: Callable[[Path], System | Network]
    experiments: Callable[[System | Network], tuple[Experiment, ...]]
    others: Mapping[str, Format] = field(default_factory=dict)

    def of(self, path: Path) -> Format:
        """The format of a file, which the file itself decides where several have its suffix."""
        if not self.others:
            return self
        from causalopt.exchange.elements import root_of
        from causalopt.exchange.reading import FileText

        outermost = root_of(FileText.of(path, f"a model in {self.name}")).name
        return self.others.get(outermost.rpartition(":")[2], self)


def study_of(path: Path, suffixed: Format) -> Study:
    """A file as a study of its own; what its reader warns of is said with its source."""
    form = suffixed.of(path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", RuntimeWarning)
        model = form.read(path)
    notes = [str(note.message) for note in told if issubclass(note.category, RuntimeWarning)]
    return Study(
        name=path.stem,
        title=f"{path.name}, a model in {form.name}",
        source="\n".join((str(path), *notes)),
        system=model,
        experiments=form.experiments(model),
    )


def _bif(path: Path) -> Network:
    from causalopt.exchange.bif import read_bif

    return read_bif(path, normalise=True)


def _xmlbif(path: Path) -> Network:
    from causalopt.exchange.xmlbif import read_xmlbif

    return read_xmlbif(path, normalise=True)


def _sbml(path: Path) -> System:
    from causalopt.exchange.sbml import read_sbml

    try:
        return read_sbml(path, dt=SBML_STEP)
    except FileError as error:
        # Many published files have units that do not fit, and numbers that do.
        system = read_sbml(path, dt=SBML_STEP, units=False)
        told = f"The units of the file do not fit, and are left out. {error}"
        warnings.warn(told, RuntimeWarning, stacklevel=2)
        return system


def _courses(model: System | Network) -> tuple[Experiment, ...]:
    title = f"Each variable over {SBML_STEPS:,} steps of {SBML_STEP:g}, by rk4"
    return experiments_over_time(cast("System", model), SBML_STEPS, title)


def _chances(model: System | Network) -> tuple[Experiment, ...]:
    """The chance of each value of each node, and the graph where it is no thicket."""

    def graph(_: object) -> Drawing:
        """What acts on what."""
        from causalopt.drawing import draw

        return draw(model)

    values = sum(len(getattr(node, "values", ())) for node in model.graph)
    figures: dict[str, Callable[..., Figure | Drawing]] = {}
    if len(model.graph) <= _MOST_NODES:
        figures["graph"] = graph
    if values <= _MOST_BARS:
        figures["chances"] = _bars
    title = "The chance of each value of each node"
    return (Experiment("marginals", title, lambda: _marginals_of(model), figures),)


def _marginals_of(model: System | Network) -> xr.DataArray:
    """One chance for each value of each node, by ``node`` and ``value``."""
    import xarray as xr

    from causalopt.distributions import marginals

    rows = [
        (str(node), str(value), float(P.mass({variable: value})))
        for node, P in marginals(model).items()
        for variable in P.variables
        for value in variable.values
    ]
    nodes, values, masses = zip(*rows, strict=True)
    beside = {"node": ("state", list(nodes)), "value": ("state", list(values))}
    return xr.DataArray(list(masses), beside, ["state"], "chance", {"long_name": "chance"})


def _bars(data: xr.DataArray) -> Figure:
    """The chance of each value of each node."""
    from causalopt import plots

    rows = data.node.values, data["value"].values
    names = [f"{node} = {value}" for node, value in zip(*rows, strict=True)]
    with plots.figure(figsize=(6.4, 1 + 0.22 * len(names))) as (picture, ax):
        ax.barh(range(len(names)), data.values)
        ax.set_yticks(range(len(names)), names, fontsize=8)
        ax.invert_yaxis()
        ax.set_xlim(0, 1)
        ax.set_xlabel("chance")
    return picture


_SBML = Format("SBML", _sbml, _courses)

#: How files are read that are no Python, by their suffix.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        ".bif": Format("BIF", _bif, _chances),
        ".sbml": _SBML,
        ".xml": Format("XMLBIF", _xmlbif, _chances, {"sbml": _SBML}),
        ".xmlbif": Format("XMLBIF", _xmlbif, _chances),
    }
)
