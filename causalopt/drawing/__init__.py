"""Graphs of networks, systems and worlds as pictures."""

from causalopt.drawing.export import named_graph
from causalopt.drawing.graph import draw, draw_template
from causalopt.drawing.render import Drawing

__all__ = ["Drawing", "draw", "draw_template", "named_graph"]
