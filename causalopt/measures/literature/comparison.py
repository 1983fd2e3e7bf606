"""All measures of one system side by side: what each says, or why it cannot be asked."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from causalopt.distributions.finite.joint import Distribution
from causalopt.distributions.real.affine import Box, Gaussian
from causalopt.distributions.real.ensemble import Ensemble
from causalopt.ground.checks import shown
from causalopt.ground.errors import CausaloptError, QueryError, nearest
from causalopt.ground.letters import visible
from causalopt.language.symbols import Nodes
from causalopt.measures.literature.asking import ENTRIES, Asked, Entry
from causalopt.measures.literature.measurement import Measurement
from causalopt.model.interface import Model
from causalopt.model.world import World

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Row:
    """One measure: what it says, or ``why`` it could not be asked."""

    measure: str
    measurement: Measurement | None
    why: str = ""

    def cells(self) -> tuple[str, str, str, str]:
        """The measure, what was asked, the value and its unit; or why there is none."""
        if self.measurement is None:
            return self.measure, "", "", self.why
        number, unit = float(self.measurement), self.measurement.unit
        return self.measure, self.measurement.symbol, f"{number:.6g}", "" if unit == "1" else unit


@dataclass(frozen=True)
class MeasureTable:
    """What all measures say of one system; a table as text and as HTML.

    ``comparison["empowerment"]`` is the ``Measurement`` of one measure.
    """

    rows: tuple[Row, ...]

    def __getitem__(self, measure: str) -> Measurement:
        row = next((row for row in self.rows if row.measure == measure), None)
        if row is None:
            known = nearest(measure, [row.measure for row in self.rows])
            raise QueryError(f"There is no measure {measure!r} here.{known}")
        if row.measurement is None:
            raise QueryError(f"{measure} could not be asked: {row.why}")
        return row.measurement

    def to_xarray(self) -> xr.Dataset:
        """Along ``measure``: ``value`` (NaN where there is none), ``asked``, ``unit``, ``why``."""
        import xarray as xr

        measurements = [row.measurement for row in self.rows]
        columns = {
            "value": [math.nan if r is None else float(r) for r in measurements],
            "asked": ["" if r is None else r.symbol for r in measurements],
            "unit": ["" if r is None else r.unit for r in measurements],
            "why": [row.why for row in self.rows],
        }
        names = [row.measure for row in self.rows]
        return xr.Dataset(
            {name: ("measure", column) for name, column in columns.items()}, {"measure": names}
        )

    def __str__(self) -> str:
        table = [("measure", "asked", "value", "unit, or why not"), *(r.cells() for r in self.rows)]
        widths = [max(len(row[j]) for row in table) for j in range(3)]
        lines = (
            f"{name:<{widths[0]}}  {asked:<{widths[1]}}  {value:>{widths[2]}}  {last}".rstrip()
            for name, asked, value, last in table
        )
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("measure", "asked", "value", "unit"))
        body = "".join(f"<tr>{_html_cells(row)}</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cells(row: Row) -> str:
    cells = [html.escape(visible(cell)) for cell in row.cells()]
    if row.measurement is None:
        return f'<td>{cells[0]}</td><td colspan="3">{cells[3]}</td>'
    return "".join(f"<td>{cell}</td>" for cell in cells)


def compare(
    of: Model | World[Model],
    A: Nodes,
    m: Nodes,
    *,
    n: Nodes | None = None,
    P: object = None,
    better: object = None,
    target: object = None,
    over: object = None,
    start: object = None,
    steps: int | None = None,
) -> MeasureTable:
    """Every measure that a system or a world admits, asked with the same A and m, in one table.

    ``A`` is who acts and ``m`` on whom: a variable, then ``steps`` later (1, if not said), or a
    node. ``n`` is where a nudge is made, m at the start unless it is said. What some measures need
    besides: ``P``, a distribution over the states now; ``better``, which outcomes are good;
    ``target`` and ``over``, where it should end and from which starts; ``start``, a state other
    than the system's own. What cannot be asked, for lack of these or by the kind of the system, is
    a row that says why. Raises ``QueryError`` for an A, an m or a P that are none.

    Where a measure needs choices, they are these: splits are A | rest, arrows those from A into m,
    ``information_flow`` holds the rest, ``conditional_exponents`` shows the largest, and entropies
    are in bits. For other choices ask the measure itself.

    >>> from causalopt.distributions import Distribution
    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> from causalopt.model.system import System
    >>> T, R = finite("T", ["on", "off"]), finite("R", ["hot", "cold"])
    >>> heard, heated = table(R, "hot -> off, cold -> on"), table(T, "on -> hot, off -> cold")
    >>> room = System({T: heard, R: heated}, start={T: "on", R: "cold"})
    >>> seen = compare(room, A=T, m=R, P=Distribution.uniform(T, R))
    >>> print(seen["empowerment"], seen["control_bound"], sep="; ")
    empowerment = 1 bit; control_bound = 0 bit
    >>> print(next(row.why for row in seen.rows if row.measure == "optimization_bits"))
    needs better=..., which outcomes are good
    """
    if P is not None and not isinstance(P, Distribution | Box | Gaussian | Ensemble):
        raise QueryError(
            f"P is {shown(P)} ({type(P).__name__}): write a distribution over the states now, such "
            "as Distribution.uniform(T, R), or Gaussian.of({T: (0, 1)}) of real values."
        )
    asked = Asked(
        of, A, m, n=n, P=P, better=better, target=target, over=over, start=start, steps=steps
    )
    # What is wrong with the model, A or m is so for all measures.
    asked.whom, asked.model.select(A, asked.length)
    return MeasureTable(tuple(_row(entry, asked) for entry in ENTRIES))


_NEEDED = {
    "P": "P=..., a distribution over the states now",
    "better": "better=..., which outcomes are good",
    "target": "target=..., where it should end",
    "over": "over=..., the starts to count",
}


def _row(entry: Entry, asked: Asked) -> Row:
    missing = [_NEEDED[name] for name in entry.needs if getattr(asked, name) is None]
    try:
        # What no argument mends is said first.
        entry.about(asked)
        if missing:
            return Row(entry.measure, None, f"needs {' and '.join(missing)}")
        measurement = entry.ask(asked)
        float(measurement)  # an error for a formula in symbols, which no table shows
        return Row(entry.measure, measurement)
    except CausaloptError as error:
        return Row(entry.measure, None, str(error))
