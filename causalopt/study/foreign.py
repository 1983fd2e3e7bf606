"""Models in other people's formats as small studies: which suffix is read by what."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from causalopt.study.record import Experiment, Study

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from causalopt.drawing import Drawing
    from causalopt.model.network import Network
    from causalopt.model.system import System

# A graph of more nodes, or a figure of more bars, is no picture of anything.
_MOST_NODES, _MOST_BARS = 150, 60


@dataclass(frozen=True)
class Format:
    """How files of a suffix become a model, and what is computed of it where nothing is asked.

    ``study`` makes a study of a file at once, where files say themselves what they ask.
    """

    name: str
    read: Callable[[Path], System | Network]
    experiments: Callable[[System | Network], tuple[Experiment, ...]]
    study: Callable[[Path], Study] | None = None


def study_of(path: Path, form: Format) -> Study:
    """A file as a study of its own; what its reader warns of is said with its source."""
    if form.study is not None:
        return form.study(path)
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


def _text(path: Path) -> System | Network:
    from causalopt.exchange.modeltext import read_model

    return read_model(path).model


def _text_study(path: Path) -> Study:
    from causalopt.study.text_studies import study_of_text

    return study_of_text(path, _chances)


#: How files are read that are no Python, by their suffix.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        ".bif": Format("BIF", _bif, _chances),
        ".xml": Format("XMLBIF", _xmlbif, _chances),
        ".xmlbif": Format("XMLBIF", _xmlbif, _chances),
        ".toml": Format("a text of the package's own", _text, _chances, _text_study),
    }
)
