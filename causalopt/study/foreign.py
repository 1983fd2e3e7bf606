"""Models in other people's formats as small studies: which suffix is read by what."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from causalopt.ground.errors import FileError
from causalopt.study.courses import STEPS, experiments_over_time
from causalopt.study.record import Experiment, Study

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from causalopt.drawing import Drawing
    from causalopt.model.network import Network
    from causalopt.model.system import System

# A graph of more nodes, or a figure of more bars, is no picture of anything.
_MOST_NODES, _MOST_BARS = 150, 60
# Of more stocks in one figure nobody tells the lines apart.
_MOST_STOCKS = 12

#: How long a model in SBML is run where nothing else is said, in the file's unit of time.
SBML_TIME = 100.0
# How it is read: by steps that find their own length, but where delays want whole ones; and with
# the units of the file, if they fit, as in many published files they do not.
_SBML_WAYS = tuple(
    (dt, method, units) for dt, method in ((1.0, "auto"), (0.01, "rk4")) for units in (True, False)
)


def _as_usual(system: System) -> int:
    return STEPS


@dataclass(frozen=True)
class Format:
    """How files of a suffix become studies; several formats may share one.

    ``steps`` says how many steps a system that was read runs. ``others`` are the formats that share
    the suffix, itself among them, by the name of the outermost element of their files.
    """

    name: str
    study: Callable[[Path], Study]
    steps: Callable[[System], int] = _as_usual
    others: Mapping[str, Format] = field(default_factory=dict)

    def of(self, path: Path) -> Format:
        """The format of a file, which the file itself decides where several have its suffix."""
        if not self.others:
            return self
        from causalopt.exchange.elements import root_of
        from causalopt.exchange.reading import FileText
        from causalopt.ground.checks import shown

        known = " or ".join(sorted(known.name for known in self.others.values()))
        source = FileText.of(path, f"a model in {known}")
        root = root_of(source)
        found = self.others.get(root.name.rpartition(":")[2])
        if found is None:
            told = f"this is no model in {known}: its outermost element is {shown(root.name)}."
            raise source.refusal(root.offset, told)
        return found


def study_of(path: Path, suffixed: Format) -> Study:
    """A file as a study of its own."""
    return suffixed.of(path).study(path)


def _format(
    name: str,
    read: Callable[[Path], System | Network],
    experiments: Callable[[System | Network], tuple[Experiment, ...]],
    steps: Callable[[System], int] = _as_usual,
) -> Format:
    """A format whose files hold a model and nothing else; ``experiments`` are what is asked of it.

    What the reader warns of is said with the source.
    """

    def study(path: Path) -> Study:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", RuntimeWarning)
            model = read(path)
        notes = [str(note.message) for note in told if issubclass(note.category, RuntimeWarning)]
        return Study(
            name=path.stem,
            title=f"{path.name}, a model in {name}",
            source="\n".join((str(path), *notes)),
            system=model,
            experiments=experiments(model),
        )

    return Format(name, study, steps)


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


def chances_in(model: System | Network) -> dict[str, dict[str, float]]:
    """The chance of each value of each node, by their names."""
    from causalopt.distributions import marginals

    return {
        str(node): {
            str(value): float(P.mass({v: value})) for v in P.variables for value in v.values
        }
        for node, P in marginals(model).items()
    }


def _marginals_of(model: System | Network) -> xr.DataArray:
    """One chance for each value of each node, by ``node`` and ``value``."""
    import xarray as xr

    every = chances_in(model).items()
    rows = [(node, value, mass) for node, of in every for value, mass in of.items()]
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


def _vensim(path: Path) -> System:
    from causalopt.exchange.vensim import read_vensim

    return read_vensim(path)


def _xmile(path: Path) -> System:
    from causalopt.exchange.xmile import read_xmile

    return read_xmile(path)


def _as_the_file_says(system: System) -> int:
    from causalopt.exchange.dynamics.assembly import steps_of

    return steps_of(system)


def _stocks(model: System | Network) -> tuple[Experiment, ...]:
    """Each variable over the time that the file says, its stocks in one figure, and the graph."""
    system = cast("System", model)
    steps = _as_the_file_says(system)
    title = f"Each variable over the {steps:,} steps that the file says"
    (experiment,) = experiments_over_time(system, steps, title)
    names = [str(stock) for stock in system.rated]

    def stocks(data: xr.Dataset) -> Figure:
        """What adds up over time."""
        from causalopt import plots

        with plots.figure() as (picture, ax):
            for name in names:
                plots.over_time(data[name], ax, label=name)
            ax.set_ylabel("stock")
            ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
        return picture

    figures = {"stocks": stocks} if len(names) <= _MOST_STOCKS else {}
    return (replace(experiment, figures={**figures, **experiment.figures}),)


def _sbml(path: Path) -> System:
    from causalopt.exchange.sbml import read_sbml

    refused: list[FileError] = []
    for dt, method, units in _SBML_WAYS:
        try:
            system = read_sbml(path, dt=dt, method=method, units=units)
        except FileError as error:
            refused.append(error)
            continue
        if refused:
            told = f"Read with dt={dt:g}, method={method!r}, units={units}, since: {refused[0]}"
            warnings.warn(told, RuntimeWarning, stacklevel=2)
        return system
    raise refused[0]


def _courses(model: System | Network) -> tuple[Experiment, ...]:
    system = cast("System", model)
    title = f"Each variable up to time {SBML_TIME:g}"
    return experiments_over_time(system, _up_to_the_time(system), title)


def _up_to_the_time(system: System) -> int:
    return round(SBML_TIME / (system.step_size or 1.0))


def _text(path: Path) -> Study:
    from causalopt.study.text_studies import study_of_text

    return study_of_text(path, _chances)


_XMILE = _format("XMILE", _xmile, _stocks, _as_the_file_says)
_XMLBIF = _format("XMLBIF", _xmlbif, _chances)
_SBML = _format("SBML", _sbml, _courses, _up_to_the_time)

#: How files are read that are no Python, by their suffix.
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        ".bif": _format("BIF", _bif, _chances),
        ".itmx": _XMILE,
        ".mdl": _format("Vensim's text", _vensim, _stocks, _as_the_file_says),
        ".sbml": _SBML,
        ".stmx": _XMILE,
        ".toml": Format("model text", _text),
        ".xmile": _XMILE,
        ".xml": replace(_XMLBIF, others={"BIF": _XMLBIF, "sbml": _SBML, "xmile": _XMILE}),
        ".xmlbif": _XMLBIF,
    }
)
