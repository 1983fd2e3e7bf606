"""All measures of the question on the page side by side: what each says, or why it says nothing."""

from __future__ import annotations

import warnings

from causalopt.distributions.finite.joint import Distribution
from causalopt.explorer.setting import Setting
from causalopt.language.finite_variables import Finite
from causalopt.measures.literature.comparison import MeasureTable, Row, compare
from causalopt.model.interface import Model

_UNIFORM = "P, where a measure needs one: every state now is as likely as another."
# More states than this take long, and are told rather than counted.
_MOST_STATES = 4096


def measured(setting: Setting) -> MeasureTable:
    """What every measure says of A, m and n, as ``compare`` gives it.

    Of a model whose variables have named values P is the uniform distribution. A world with a seed
    of its own is asked as a world: some measures then say that they ask a system alone.
    """
    screen = setting.screen
    of = setting.model if screen.seed == 0 else setting.W
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a row of a table has no room for them
        return compare(
            of,
            setting.A,
            setting.m,
            n=setting.n,
            P=uniform_of(setting.model),
            steps=screen.steps,
        )


def measures_of(setting: Setting) -> dict[str, object]:
    """The table as JSON holds it."""
    found = measured(setting)
    note = _UNIFORM if uniform_of(setting.model) is not None else ""
    return {"rows": [_row(row) for row in found.rows], "note": note}


def uniform_of(model: Model) -> Distribution | None:
    """The uniform distribution over the states of a model; None where these are not a few."""
    variables = finite_variables(model)
    size = 1
    for variable in variables:
        size *= variable.size
    return Distribution.uniform(*variables) if variables and size <= _MOST_STATES else None


def finite_variables(model: Model) -> tuple[Finite, ...]:
    """The variables of a model in time, where each has a few values by name; else none.

    >>> from causalopt.language.finite_variables import finite
    >>> from causalopt.language.tables import table
    >>> from causalopt.model.system import System
    >>> T, R = finite("T", ["on", "off"]), finite("R", ["hot", "cold"])
    >>> heard, heated = table(R, "hot -> off, cold -> on"), table(T, "on -> hot, off -> cold")
    >>> finite_variables(System({T: heard, R: heated}, start={T: "on", R: "cold"}))
    (T, R)
    """
    if not model.has_time:
        return ()
    known = tuple(model.graph)
    named = tuple(variable for variable in known if isinstance(variable, Finite))
    return named if len(named) == len(known) else ()


def _row(row: Row) -> dict[str, object]:
    _, asked, value, unit = row.cells()
    found = row.measurement
    digits = "" if found is None else f"{found.value}"
    return {
        "measure": row.measure.replace("_", " "),
        "asked": asked,
        "value": value,
        "digits": digits,
        "unit": unit if found is not None else "",
        "why": row.why,
    }
