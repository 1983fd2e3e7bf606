"""Small models of system dynamics in both formats, and what they come to."""

import warnings
from xml.sax.saxutils import escape

from causalopt import run
from causalopt.exchange import read_vensim, read_xmile, steps_of

CLOCK = "INITIAL TIME = {} ~~|\nFINAL TIME = {} ~~|\nTIME STEP = {} ~~|\nSAVEPER = TIME STEP ~~|\n"


def vensim(text, start=0, stop=10, dt=0.5, method=0):
    """Equations, each with its end left out where a line is one, and a clock."""
    lines = map(str.strip, text.splitlines())
    equations = "".join(line if _is_ended(line) else f"{line} ~~|" for line in lines)
    equations = equations.replace(":END", "\n:END").replace(":MACRO", "\n:MACRO")
    clock = CLOCK.format(start, stop, dt)
    sketch = "\\\\\\---/// Sketch information\n///---\\\\\\\n:L<%^E!@\n"
    return f"{{UTF-8}}\n{equations}\n{clock}{sketch}15:0,0,0,{method},0,0\n"


def _is_ended(line):
    return not line or line.startswith((":MACRO", ":END")) or line.endswith("|")


def variable(tag, name, equation, *, flows=(), beside=""):
    """A variable of XMILE; flows as ("inflow", name)."""
    inner = "".join(f"<{way}>{flow}</{way}>" for way, flow in flows)
    return f'<{tag} name="{name}"><eqn>{escape(equation)}</eqn>{inner}{beside}</{tag}>'


def xmile(*variables, start=0, stop=10, dt=0.5, method="euler", before=""):
    """A document of such variables."""
    return (
        f'<xmile version="1.0"><sim_specs method="{method}"><start>{start}</start>'
        f"<stop>{stop}</stop><dt>{dt}</dt></sim_specs>{before}<model><variables>{''.join(variables)}</variables></model>"
        "</xmile>"
    )


def read(folder, text, name="model"):
    """The system of a text, by its format; what is told of units is left out."""
    is_xml = text.lstrip().startswith("<")
    path = folder / (f"{name}.xmile" if is_xml else f"{name}.mdl")
    path.write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return (read_xmile if is_xml else read_vensim)(path)


def trajectories(system, **asked):
    """The values of all variables over a whole run, by name."""
    results = run(system.world(steps=steps_of(system), **asked))
    return {name: array.values.ravel() for name, array in results.data_vars.items()}


def simple(formula, dialect="vensim", **clock):
    """A model whose y is a formula of stocks a = 3, b = 0.7, c = -2, which stay, and of time."""
    stocks = {"a": 3, "b": 0.7, "c": -2}
    if dialect == "vensim":
        lines = [f"{name} = INTEG(0, {value})" for name, value in stocks.items()]
        return vensim("\n".join([*lines, f"y = {formula}"]), **clock)
    made = [variable("stock", name, str(value)) for name, value in stocks.items()]
    return xmile(*made, variable("aux", "y", formula), **clock)
